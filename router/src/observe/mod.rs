//! Watches: every hop comes here once; the trace, the metrics, the dashboard, `tail` and `explain` read from here.

mod meter;

use std::collections::VecDeque;
use std::hash::RandomState;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::{Hop, Step, Timestamp};
use tokio::sync::broadcast;

pub(crate) use meter::{BusMeter, ConsumerMeter};

use crate::clock;

/// Hops kept in memory for `tail` and `explain`; past it the oldest go, as many as were recorded at once.
pub(crate) const HOPS_KEPT_MAX: usize = 32_768;
/// Hops a tail may lag behind; past it the tail skips to the present and says how many it missed.
const TAIL_LAG_MAX: usize = 8_192;

/// Where hops go. Cloning it is cheap.
#[derive(Clone)]
pub(crate) struct Observer {
    shared: Arc<Shared>,
}

struct Shared {
    seen: Mutex<Seen>,
    tails: broadcast::Sender<Arc<Hop>>,
    exporter: Option<otel::Exporter>,
}

/// What is measured, by name.
type Meters<T> = hashbrown::HashMap<String, T, RandomState>;

#[derive(Default)]
struct Seen {
    /// As they were recorded: each batch in one piece, so that a hop costs no memory of its own.
    hops: VecDeque<Vec<Hop>>,
    kept: usize,
    buses: Meters<BusMeter>,
    consumers: Meters<ConsumerMeter>,
    unknown_bus: u64,
}

impl Observer {
    /// Returns an observer that also exports to a tracer, if there is one.
    pub(crate) fn new(exporter: Option<otel::Exporter>) -> Self {
        let (tails, _) = broadcast::channel(TAIL_LAG_MAX);
        Self { shared: Arc::new(Shared { seen: Mutex::default(), tails, exporter }) }
    }

    /// Records hops.
    pub(crate) fn record(&self, hops: Vec<Hop>) {
        if hops.is_empty() {
            return;
        }
        let now = clock::now();
        let mut seen = self.seen();
        for hop in &hops {
            seen.measure(hop, now);
        }
        // A tail begins under the same lock, so that it has each hop once: from what is kept, or as one to come.
        let is_tailed = self.shared.tails.receiver_count() > 0;
        let is_heard = is_tailed || self.shared.exporter.is_some();
        let heard: Vec<Arc<Hop>> =
            if is_heard { hops.iter().cloned().map(Arc::new).collect() } else { Vec::new() };
        let gone = seen.keep(hops);
        drop(seen);
        drop(gone);
        for hop in heard {
            if let Some(exporter) = &self.shared.exporter {
                exporter.offer(&hop);
            }
            if is_tailed {
                // The last tail may have gone since; then nobody misses the hop.
                drop(self.shared.tails.send(hop));
            }
        }
    }

    /// Counts an event for a bus that does not exist, which the EventBridge API accepts and drops.
    pub(crate) fn record_unknown_bus(&self) {
        self.seen().unknown_bus += 1;
    }

    /// Returns how many events were for buses that do not exist.
    pub(crate) fn unknown_bus(&self) -> u64 {
        self.seen().unknown_bus
    }

    /// Returns the last hops, oldest first, and a stream of those to come, without a gap between them.
    pub(crate) fn tail(&self, last: usize) -> (Vec<Arc<Hop>>, broadcast::Receiver<Arc<Hop>>) {
        let seen = self.seen();
        let skipped = seen.kept.saturating_sub(last);
        let hops = seen.hops.iter().flatten().skip(skipped);
        (hops.cloned().map(Arc::new).collect(), self.shared.tails.subscribe())
    }

    /// Returns the hops of one event that are still kept, oldest first.
    pub(crate) fn hops(&self, event: &str) -> Vec<Arc<Hop>> {
        let seen = self.seen();
        let hops = seen.hops.iter().flatten().filter(|hop| *hop.event == *event);
        hops.cloned().map(Arc::new).collect()
    }

    /// Returns what was measured of a bus, as of `now`.
    pub(crate) fn bus(&self, name: &str, now: Timestamp) -> f64 {
        self.seen().buses.get(name).map_or(0.0, |meter| meter.rate(now))
    }

    /// Gives what was measured of a consumer to `read`.
    pub(crate) fn consumer<T>(&self, name: &str, read: impl FnOnce(&ConsumerMeter) -> T) -> Option<T> {
        self.seen().consumers.get(name).map(read)
    }

    /// Returns what the exporter did, if there is one.
    pub(crate) fn exported(&self) -> Option<otel::Counters> {
        self.shared.exporter.as_ref().map(otel::Exporter::counters)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Keeps hops, and returns those that go for them.
    fn keep(&mut self, hops: Vec<Hop>) -> Vec<Vec<Hop>> {
        self.kept += hops.len();
        self.hops.push_back(hops);
        let mut gone = Vec::new();
        while let Some(oldest) = self.hops.pop_front_if(|oldest| self.kept - oldest.len() >= HOPS_KEPT_MAX) {
            self.kept -= oldest.len();
            gone.push(oldest);
        }
        gone
    }

    fn measure(&mut self, hop: &Hop, now: Timestamp) {
        match &hop.step {
            Step::Received { .. } | Step::Released { .. } => entry(&mut self.buses, &hop.bus).received(now),
            Step::Attempted { consumer, error, .. } => {
                entry(&mut self.consumers, consumer).attempted(now, error.as_deref());
            }
            Step::Delivered { consumer, .. } => {
                entry(&mut self.consumers, consumer).delivered(now, hop.ended.since(hop.started));
            }
            _ => {}
        }
    }
}

fn entry<'m, T: Default>(meters: &'m mut Meters<T>, name: &str) -> &'m mut T {
    meters.entry_ref(name).or_default()
}
