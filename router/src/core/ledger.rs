//! The counters that must balance, since the data directory was made.

use serde::{Deserialize, Serialize};

/// A consumer's: `matched = delivered + dead_lettered + dropped + pending`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ConsumerLedger {
    pub(crate) matched: u64,
    pub(crate) delivered: u64,
    pub(crate) dead_lettered: u64,
    pub(crate) dropped: u64,
}

/// An aggregation's, in parts: `offered = released + late + duplicate + discarded + open`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct AggregationLedger {
    pub(crate) offered: u64,
    pub(crate) released: u64,
    pub(crate) late: u64,
    pub(crate) duplicate: u64,
    pub(crate) discarded: u64,
    pub(crate) releases: u64,
    pub(crate) without_key: u64,
    pub(crate) refused: u64,
    pub(crate) amended: u64,
    pub(crate) revisions: u64,
    pub(crate) skipped: u64,
}
