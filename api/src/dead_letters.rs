//! Deliveries given up and kept: `GET /api/v1/dead-letters`, `POST /api/v1/dead-letters/redrive` and `.../purge`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// One delivery given up, with its payload, attempts and reason.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The consumer that did not get it.
    pub consumer: String,
    /// The bus of the event.
    pub bus: String,
    /// The event's position there.
    pub position: u64,
    /// The event's `id`; empty if the log no longer holds the event.
    pub id: String,
    /// Why it was given up.
    pub reason: String,
    /// When it was given up.
    pub at: Timestamp,
    /// The tries made: the first ones and the last ones, at most 20.
    pub attempts: Vec<Attempt>,
    /// The event in the CloudEvents JSON format; `null` if the log no longer holds it.
    pub event: Box<serde_json::value::RawValue>,
    /// The consumer's filter as an EventBridge pattern in JSON, or `all events`.
    pub rule: String,
}

/// One try at a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub took_us: u64,
    /// The target's own status where it has one.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: String,
}

/// Which dead letters are meant: those for which every condition that is set holds; all of them if none is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetterFilter {
    /// The consumer that did not get it.
    pub consumer: Option<String>,
    /// The event's `id`.
    pub id: Option<String>,
    /// The event's `type`.
    pub r#type: Option<String>,
    /// The event's `source`.
    pub source: Option<String>,
    /// What the reason contains.
    pub reason: Option<String>,
    /// Given up then or later.
    pub since: Option<Timestamp>,
    /// Given up then or earlier.
    pub until: Option<Timestamp>,
    /// The event's position on its bus.
    pub position: Option<u64>,
}

/// Sends dead letters on their way again (`redrive`), or forgets them (`purge`), in the order in which they stand in the
/// log. One whose event the log no longer holds, or whose consumer is no longer configured, can be purged and not redriven.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterOrder {
    /// Which ones.
    pub filter: DeadLetterFilter,
    /// How many at most.
    pub limit: u32,
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of a [`DeadLetterOrder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterReport {
    /// How many were redriven or purged; of a dry run, how many would be.
    pub done: u64,
    /// How many others match the filter and remain. It is exact for a dry run, where no more than the consumer is asked
    /// for, and where it is 0; otherwise there are at least as many, since counting ends after 100,000 dead letters.
    pub left: u64,
}

impl DeadLetterFilter {
    /// Returns whether no condition is set, so that every dead letter is meant.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the conditions that are set as parameters of a query; times in microseconds since the Unix epoch.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let Self { consumer, id, r#type, source, reason, since, until, position } = self;
        let words =
            [("consumer", consumer), ("id", id), ("type", r#type), ("source", source), ("reason", reason)];
        let mut query: Vec<_> =
            words.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        let times = [("since", since), ("until", until)];
        query.extend(times.into_iter().filter_map(|(name, at)| Some((name, (*at)?.as_micros().to_string()))));
        query.extend(position.map(|position| ("position", position.to_string())));
        query
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_names_what_is_set() {
        let filter = DeadLetterFilter {
            r#type: Some("OrderPlaced".to_owned()),
            since: Some(Timestamp::from_millis(2)),
            position: Some(7),
            ..DeadLetterFilter::default()
        };
        let expected = [("type", "OrderPlaced"), ("since", "2000"), ("position", "7")];
        assert_eq!(filter.query(), expected.map(|(name, value)| (name, value.to_owned())));
        assert!(!filter.is_empty());
        assert!(DeadLetterFilter::default().is_empty() && DeadLetterFilter::default().query().is_empty());
    }

    #[test]
    fn an_order_names_its_filter_and_nothing_unknown() {
        let order: DeadLetterOrder =
            serde_json::from_str(r#"{"filter": {"type": "t", "until": 5}, "limit": 3}"#).unwrap();
        let filter = DeadLetterFilter {
            r#type: Some("t".to_owned()),
            until: Some(Timestamp::from_micros(5)),
            ..DeadLetterFilter::default()
        };
        assert_eq!(order, DeadLetterOrder { filter, limit: 3, dry_run: false });
        for wrong in [
            r#"{"limit": 3}"#,
            r#"{"filter": {"consumr": "a"}, "limit": 3}"#,
            r#"{"filter": {}, "limit": -1}"#,
        ] {
            assert!(serde_json::from_str::<DeadLetterOrder>(wrong).is_err(), "{wrong}");
        }
    }
}
