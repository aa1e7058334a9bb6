//! Sending a range of a bus again: `POST /api/v1/replays`, `GET /api/v1/replays`, `POST /api/v1/replays/cancel?name=NAME`.

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// Sends the events of a range again, to one chosen consumer or bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplayOrder {
    /// What it is called from now on.
    pub name: String,
    /// The bus whose events are sent again.
    pub bus: String,
    /// The first event of the range.
    pub from: Place,
    /// The last event of the range; the newest one when the order comes, unless set.
    pub until: Option<Place>,
    /// Which events of the range, as an EventBridge pattern in JSON; all of them unless set.
    pub filter: Option<String>,
    /// Who gets them.
    pub to: ReplayTo,
    /// Events a second at most; as fast as they are taken, unless set.
    pub rate: Option<f64>,
}

/// One end of a range of a bus; what lies there belongs to the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The oldest event that the bus holds.
    Earliest,
    /// As the last of a range, the newest event that the bus holds; as the first, the one after it, so that the range is
    /// empty.
    Latest,
    /// The event at that position.
    Position(u64),
    /// As the first of a range, the first event accepted then or later; as the last, the last one accepted then or
    /// earlier.
    At(Timestamp),
}

/// Who gets the events of a replay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplayTo {
    /// One consumer, and no other.
    Consumer(String),
    /// A bus, and whoever its rules choose.
    Bus(String),
}

/// One replay and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplayStatus {
    /// Its name.
    pub name: String,
    /// The bus whose events are sent again.
    pub bus: String,
    /// Who gets them.
    pub to: ReplayTo,
    /// What it is doing.
    pub state: ReplayState,
    /// The first position of the range.
    pub first: u64,
    /// The next position to be read; one after `last` when all were.
    pub next: u64,
    /// The last position of the range; one before `first` if the range is empty.
    pub last: u64,
    /// Events sent so far, those that its filter chose.
    pub replayed: u64,
    /// When it was ordered.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Events a second at most.
    pub rate: Option<f64>,
    /// Which events of the range, as an EventBridge pattern in JSON.
    pub filter: Option<String>,
}

/// What a replay is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ReplayState {
    /// Sending.
    Running,
    /// The whole range was sent.
    Done,
    /// Somebody ended it before that.
    Cancelled,
    /// It could not go on.
    Failed {
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_plain_json() {
        let order = ReplayOrder {
            name: "monday".to_owned(),
            bus: "landing".to_owned(),
            from: Place::At(Timestamp::from_micros(5)),
            until: Some(Place::Position(7)),
            filter: None,
            to: ReplayTo::Consumer("billing".to_owned()),
            rate: Some(2.5),
        };
        let expected = concat!(
            r#"{"name":"monday","bus":"landing","from":{"at":5},"until":{"position":7},"filter":null,"#,
            r#""to":{"consumer":"billing"},"rate":2.5}"#
        );
        assert_eq!(serde_json::to_string(&order).unwrap(), expected);
        let short = r#"{"name": "n", "bus": "b", "from": "earliest", "to": {"bus": "c"}}"#;
        let order: ReplayOrder = serde_json::from_str(short).unwrap();
        assert_eq!((order.from, order.until), (Place::Earliest, None));
        assert_eq!(order.to, ReplayTo::Bus("c".to_owned()));
    }

    #[test]
    fn a_state_says_what_it_is() {
        let text = |state: &ReplayState| serde_json::to_string(state).unwrap();
        assert_eq!(text(&ReplayState::Cancelled), r#"{"is":"cancelled"}"#);
        let failed = ReplayState::Failed { reason: "gone".to_owned() };
        assert_eq!(text(&failed), r#"{"is":"failed","reason":"gone"}"#);
    }
}
