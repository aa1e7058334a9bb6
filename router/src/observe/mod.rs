//! Watches: every hop comes here once; the trace, the metrics, the dashboard, `tail` and `explain` read from here.

mod meter;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::{Hop, Step, Timestamp};
use tokio::sync::broadcast;

pub(crate) use meter::{BusMeter, ConsumerMeter};

use crate::clock;

/// Hops kept in memory for `tail` and `explain`; past it the oldest goes.
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

#[derive(Default)]
struct Seen {
    hops: VecDeque<Arc<Hop>>,
    buses: HashMap<String, BusMeter>,
    consumers: HashMap<String, ConsumerMeter>,
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
        let hops: Vec<Arc<Hop>> = hops.into_iter().map(Arc::new).collect();
        let now = clock::now();
        let mut seen = self.seen();
        for hop in &hops {
            seen.measure(hop, now);
            if seen.hops.len() == HOPS_KEPT_MAX {
                seen.hops.pop_front();
            }
            seen.hops.push_back(Arc::clone(hop));
        }
        drop(seen);
        for hop in hops {
            if let Some(exporter) = &self.shared.exporter {
                exporter.offer(&hop);
            }
            if self.shared.tails.receiver_count() > 0 {
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
        let skipped = seen.hops.len().saturating_sub(last);
        (seen.hops.iter().skip(skipped).cloned().collect(), self.shared.tails.subscribe())
    }

    /// Returns the hops of one event that are still kept, oldest first.
    pub(crate) fn hops(&self, event: &str) -> Vec<Arc<Hop>> {
        self.seen().hops.iter().filter(|hop| *hop.event == *event).cloned().collect()
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

fn entry<'m, T: Default>(meters: &'m mut HashMap<String, T>, name: &str) -> &'m mut T {
    if !meters.contains_key(name) {
        meters.insert(name.to_owned(), T::default());
    }
    meters.entry(name.to_owned()).or_default()
}
