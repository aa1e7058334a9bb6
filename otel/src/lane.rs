//! [`Lane`]: one destination's queue, batches and counts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event::Hop;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::counters::{Counts, Ledger, add};
use crate::segment;

/// Hops sent at once.
const BATCH_MAX: usize = 512;
/// How long a batch waits to be full.
const LINGER: Duration = Duration::from_millis(200);
/// The least time between two warnings about one destination.
const WARN_EVERY: Duration = Duration::from_mins(1);

/// Where a lane leads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Destination {
    Otlp,
    Xray,
}

/// The end of a lane that hops enter by.
#[derive(Debug)]
pub(crate) struct Entrance {
    destination: Destination,
    hops: mpsc::Sender<Arc<Hop>>,
}

/// The end of a lane that hops leave by. What it still holds when it goes is counted as dropped.
#[derive(Debug)]
pub(crate) struct Lane {
    destination: Destination,
    hops: mpsc::Receiver<Arc<Hop>>,
    /// Hops handed out in a batch whose fate is not told yet.
    in_hand: usize,
    counts: Arc<Counts>,
    warned: Option<Instant>,
    unreported: usize,
}

impl Destination {
    fn ledger(self, counts: &Counts) -> &Ledger {
        match self {
            Self::Otlp => &counts.otlp,
            Self::Xray => &counts.xray,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Otlp => "otlp",
            Self::Xray => "x-ray",
        }
    }
}

impl Entrance {
    /// Lets a hop in, if the destination has a use for it; with the queue full, it is dropped and counted.
    pub(crate) fn offer(&self, hop: &Arc<Hop>, counts: &Counts) {
        if matches!(self.destination, Destination::Xray) && !segment::is_documented(&hop.step) {
            return;
        }
        if self.hops.try_send(Arc::clone(hop)).is_err() {
            add(&self.destination.ledger(counts).dropped, 1);
        }
    }
}

impl Lane {
    /// Returns both ends of a lane; `queue_max` is at least 1.
    pub(crate) fn new(destination: Destination, queue_max: usize, counts: Arc<Counts>) -> (Entrance, Self) {
        let (sender, hops) = mpsc::channel(queue_max);
        let lane = Self { destination, hops, in_hand: 0, counts, warned: None, unreported: 0 };
        (Entrance { destination, hops: sender }, lane)
    }

    /// Waits for the next batch; an empty one is the last. Once `stop` changes, nothing enters and the rest leaves.
    pub(crate) async fn next(&mut self, stop: &mut watch::Receiver<bool>) -> Vec<Arc<Hop>> {
        let mut batch = Vec::new();
        self.take(&mut batch, stop).await;
        let until = Instant::now() + LINGER;
        while !batch.is_empty() && batch.len() < BATCH_MAX {
            match timeout_at(until, self.take(&mut batch, stop)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        batch
    }

    async fn take(&mut self, batch: &mut Vec<Arc<Hop>>, stop: &mut watch::Receiver<bool>) -> usize {
        let room = BATCH_MAX - batch.len();
        let open = !self.hops.is_closed();
        let taken = tokio::select! {
            taken = self.hops.recv_many(batch, room) => taken,
            _ = stop.changed(), if open => {
                self.hops.close();
                self.hops.recv_many(batch, room).await
            }
        };
        self.in_hand += taken;
        taken
    }

    /// Counts hops of the batch as sent.
    pub(crate) fn exported(&mut self, count: usize) {
        self.in_hand = self.in_hand.saturating_sub(count);
        add(&self.destination.ledger(&self.counts).exported, count);
    }

    /// Counts hops of the batch as lost, and says so at most once a minute.
    pub(crate) fn failed(&mut self, count: usize, error: &dyn fmt::Display) {
        self.in_hand = self.in_hand.saturating_sub(count);
        add(&self.destination.ledger(&self.counts).failed, count);
        let exporter = self.destination.name();
        self.counts.fail(format!("{exporter}: {error}"));
        self.unreported += count;
        let now = Instant::now();
        if self.warned.is_none_or(|last| now.duration_since(last) >= WARN_EVERY) {
            tracing::warn!(exporter, lost = self.unreported, %error, "traces are not exported");
            self.warned = Some(now);
            self.unreported = 0;
        }
    }

    /// Counts a document that lost something to a limit.
    pub(crate) fn truncated(&self) {
        add(&self.counts.truncated, 1);
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.hops.close();
        let left = self.in_hand + self.hops.len();
        add(&self.destination.ledger(&self.counts).dropped, left);
        if left > 0 {
            tracing::warn!(exporter = self.destination.name(), left, "traces were not flushed in time");
        }
    }
}
