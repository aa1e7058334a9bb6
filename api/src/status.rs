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
    /// The first position it still holds; one after `head` if it holds none.
    pub tail: u64,
    /// The last position that was decided.
    pub applied: u64,
    /// Events taken a second, over the last ten seconds.
    pub rate: f64,
    /// Bytes its files take.
    pub disk_bytes: u64,
    /// What an acknowledgement of this bus promises.
    pub durability: Durability,
    /// Events refused at the door since this process started, because the bus had taken them already.
    pub duplicates: u64,
}

/// What an acknowledgement of a bus promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durability {
    /// The event is on disk.
    Disk,
    /// The event was taken; it can be lost when the machine fails.
    Memory,
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
    /// Whether it delivers.
    pub state: ConsumerState,
    /// Deliveries that wait for another try.
    pub retrying: u64,
    /// Deliveries in hand that wait behind an earlier event of their key.
    pub held: u64,
    /// Why nothing or little is sent now, in words that begin with `circuit`, `probing`, `slowed` or `held`: `circuit
    /// open until 12:00:03 after 5 failures in a row`, `slowed to 37 a second`, `held until 12:00:30 by the target`.
    /// None when it goes freely.
    pub holding: Option<String>,
}

/// Whether a consumer delivers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ConsumerState {
    /// It does, as fast as its target and its settings allow.
    Delivering,
    /// Somebody paused it: it keeps what matches as pending until it is resumed.
    Paused,
    /// It stopped by itself and keeps what matches as pending.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What keeps a consumer from delivering freely: [`ConsumerState`] and the first word of
/// [`holding`](ConsumerStatus::holding) together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restraint {
    /// It stopped by itself.
    Stopped,
    /// Somebody paused it.
    Paused,
    /// Its circuit is open, or probing: its target failed too often.
    Open,
    /// Its target takes fewer events than there are.
    Slowed,
    /// Its target asked for a rest, or something else holds it.
    Held,
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
    /// Groups released, revisions not counted.
    pub releases: u64,
    /// Those of the discarded that had no key or no name.
    pub without_key: u64,
    /// Those of the discarded for which there was no room.
    pub refused: u64,
    /// Those of the late that are in a revision of their group's release.
    pub amended: u64,
    /// Revisions of releases.
    pub revisions: u64,
    /// Numbers of a sequence that were skipped.
    pub skipped: u64,
    /// What holds up the bus: it is at a limit, and is to wait. None unless it does.
    pub waits: Option<String>,
}

impl ConsumerStatus {
    /// Returns whether every matched event is accounted for.
    pub fn balances(&self) -> bool {
        self.matched == self.delivered + self.dead_lettered + self.dropped + self.pending
    }

    /// Returns what keeps it from delivering freely, if anything does.
    pub fn restraint(&self) -> Option<Restraint> {
        match (&self.state, self.holding.as_deref()) {
            (ConsumerState::Stopped { .. }, _) => Some(Restraint::Stopped),
            (ConsumerState::Paused, _) => Some(Restraint::Paused),
            (ConsumerState::Delivering, None) => None,
            (ConsumerState::Delivering, Some(why)) => Some(match why.split_whitespace().next() {
                Some("circuit" | "probing") => Restraint::Open,
                Some("slowed") => Restraint::Slowed,
                _ => Restraint::Held,
            }),
        }
    }
}

impl Restraint {
    /// Returns it in one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Open => "open",
            Self::Slowed => "slowed",
            Self::Held => "held",
        }
    }
}

impl AggregationStatus {
    /// Returns whether every offered event is accounted for.
    pub fn balances(&self) -> bool {
        self.offered == self.released + self.late + self.duplicate + self.discarded + self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(state: ConsumerState, holding: Option<&str>) -> ConsumerStatus {
        let name = || "billing".to_owned();
        ConsumerStatus {
            name: name(),
            bus: name(),
            target: name(),
            matched: 0,
            delivered: 0,
            dead_lettered: 0,
            dropped: 0,
            pending: 0,
            in_flight: 0,
            rate: 0.0,
            failure_rate: 0.0,
            failures: 0,
            latency: None,
            last_error: None,
            oldest_pending: None,
            state,
            retrying: 0,
            held: 0,
            holding: holding.map(str::to_owned),
        }
    }

    #[test]
    fn one_word_says_what_keeps_a_consumer() {
        let check = |state: ConsumerState, holding: Option<&str>, expected: Option<&str>| {
            assert_eq!(consumer(state, holding).restraint().map(Restraint::word), expected, "{holding:?}");
        };
        let delivering = || ConsumerState::Delivering;
        check(delivering(), None, None);
        check(delivering(), Some("circuit open until 12:00:03 after 5 failures in a row"), Some("open"));
        check(delivering(), Some("probing after 5 failures in a row"), Some("open"));
        check(delivering(), Some("slowed to 37 a second"), Some("slowed"));
        check(delivering(), Some("held until 12:00:30 by the target"), Some("held"));
        check(delivering(), Some(""), Some("held"));
        check(ConsumerState::Paused, Some("slowed to 37 a second"), Some("paused"));
        check(ConsumerState::Stopped { reason: "gone".to_owned() }, None, Some("stopped"));
    }

    #[test]
    fn a_state_says_what_it_is() {
        let text = |state: &ConsumerState| serde_json::to_string(state).unwrap();
        assert_eq!(text(&ConsumerState::Delivering), r#"{"is":"delivering"}"#);
        let stopped = ConsumerState::Stopped { reason: "gone".to_owned() };
        assert_eq!(text(&stopped), r#"{"is":"stopped","reason":"gone"}"#);
        assert_eq!(serde_json::to_string(&Durability::Memory).unwrap(), r#""memory""#);
    }
}
