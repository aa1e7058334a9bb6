//! [`Counters`]: what became of the hops.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// What became of the hops an exporter was offered.
///
/// For each destination, the hops it has a use for = exported + failed + dropped + still queued. A collector has a use for
/// every sampled hop; an X-Ray daemon for all but matches and gates that were passed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sampled hops offered.
    pub offered: u64,
    /// Spans a collector acknowledged.
    pub exported_otlp: u64,
    /// Documents handed to the network for the X-Ray daemon, which acknowledges nothing.
    pub exported_xray: u64,
    /// Hops dropped because a queue was full or the time to flush it was up, once for each destination.
    pub dropped: u64,
    /// Spans lost after the last try.
    pub failed_otlp: u64,
    /// Documents the network refused.
    pub failed_xray: u64,
    /// Documents that lost links or metadata to the limits of X-Ray.
    pub truncated_xray: u64,
    /// The last failure.
    pub last_error: Option<String>,
}

/// The counters while they change.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) offered: AtomicU64,
    pub(crate) otlp: Ledger,
    pub(crate) xray: Ledger,
    pub(crate) truncated: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The counters of one destination.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) exported: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) dropped: AtomicU64,
}

impl Counts {
    pub(crate) fn fail(&self, error: String) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    pub(crate) fn read(&self) -> Counters {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            offered: load(&self.offered),
            exported_otlp: load(&self.otlp.exported),
            exported_xray: load(&self.xray.exported),
            dropped: load(&self.otlp.dropped) + load(&self.xray.dropped),
            failed_otlp: load(&self.otlp.failed),
            failed_xray: load(&self.xray.failed),
            truncated_xray: load(&self.truncated),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

pub(crate) fn add(counter: &AtomicU64, count: usize) {
    counter.fetch_add(count as u64, Ordering::Relaxed);
}
