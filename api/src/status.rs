//! The state of a router at a glance: `GET /api/v1/overview`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything a router runs, with its counters since the data directory was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The router's version.
    pub version: String,
    /// What the router is doing.
    pub phase: Phase,
    /// The router's clock when this was made.
    pub at: Timestamp,
    /// When this process started.
    pub started: Timestamp,
    /// Buses by name.
    pub buses: Vec<BusStatus>,
    /// Consumers by bus, then in the order of the configuration.
    pub consumers: Vec<ConsumerStatus>,
    /// Aggregations by bus, then in the order of the configuration.
    pub aggregations: Vec<AggregationStatus>,
}

/// What a router is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Reading its log.
    Recovering,
    /// Taking and delivering events.
    Running,
    /// Finishing what is in flight, taking nothing new.
    Draining,
    /// Stopped by a failure of its store; the message is in the log.
    Failed,
}

/// One bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BusStatus {
    /// Its name.
    pub name: String,
    /// The last durable position; also how many events the bus ever took.
    pub head: u64,
    /// The last position that was decided.
    pub applied: u64,
    /// Events taken a second, over the last ten seconds.
    pub rate: f64,
    /// Bytes its files take.
    pub disk_bytes: u64,
}

/// One consumer. `matched = delivered + dead_lettered + dropped + pending`, always.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// Its bus.
    pub bus: String,
    /// Where its events go, without secrets.
    pub target: String,
    /// Events whose filter held.
    pub matched: u64,
    /// Events delivered.
    pub delivered: u64,
    /// Events given up and kept.
    pub dead_lettered: u64,
    /// Events dropped by policy, such as a schema gate with `otherwise = "skip"`.
    pub dropped: u64,
    /// Events not yet delivered.
    pub pending: u64,
    /// Of those, attempts under way.
    pub in_flight: u64,
    /// Deliveries a second, over the last ten seconds.
    pub rate: f64,
    /// Failed attempts a second, over the last ten seconds.
    pub failure_rate: f64,
    /// Failed attempts since this process started.
    pub failures: u64,
    /// From acceptance to delivery, over the last minute.
    pub latency: Option<Latency>,
    /// The last failed attempt's reason, if the last attempt failed.
    pub last_error: Option<String>,
    /// When the oldest pending event was accepted.
    pub oldest_pending: Option<Timestamp>,
}

/// A latency distribution in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50_us: u64,
    /// The 99th percentile.
    pub p99_us: u64,
    /// The largest.
    pub max_us: u64,
}

/// One aggregation. `offered = released + late + duplicate + discarded + open`, always, counted in parts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggregationStatus {
    /// Its name.
    pub name: String,
    /// Its bus.
    pub bus: String,
    /// Events whose filter held.
    pub offered: u64,
    /// Parts in groups that were released.
    pub released: u64,
    /// Parts that came after their group was released.
    pub late: u64,
    /// Parts whose name was there already.
    pub duplicate: u64,
    /// Events that could not be parts.
    pub discarded: u64,
    /// Parts in open groups.
    pub open: u64,
    /// Groups in flight.
    pub open_groups: u64,
    /// Groups released.
    pub releases: u64,
}

impl ConsumerStatus {
    /// Returns whether every matched event is accounted for.
    pub fn balances(&self) -> bool {
        self.matched == self.delivered + self.dead_lettered + self.dropped + self.pending
    }
}

impl AggregationStatus {
    /// Returns whether every offered event is accounted for.
    pub fn balances(&self) -> bool {
        self.offered == self.released + self.late + self.duplicate + self.discarded + self.open
    }
}
