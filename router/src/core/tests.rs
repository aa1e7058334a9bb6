//! The core held against short, obvious models: on random streams, and on the same stream twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use bytes::Bytes;
use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::Stored;
use event::{Data, Event, SpanId, Timestamp, TraceContext, TraceId};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Action, Core, Decision};
use crate::config::Config;

const DEADLINE_S: i64 = 60;

fn config(complete: &str) -> Config {
    let text = format!(
        r#"
        [[consumer]]
        name = "files"
        filter = {{ type = ["file"] }}
        target = {{ stdout = true }}
        [[aggregation]]
        name = "days"
        filter = {{ type = ["file"] }}
        key = "$.data.day"
        part = "{{$.data.store}}"
        complete = {complete}
        emit = {{ type = "day" }}
        "#
    );
    Config::parse(&text, "test.toml").unwrap().0
}

fn core(complete: &str) -> Core {
    let config = config(complete);
    let identity = Identity { account: "0".to_owned(), region: "r".to_owned() };
    Core::new("default", identity, &config.consumers, &config.aggregations, &schemas::Registry::empty())
        .unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

fn file(seconds: i64, position: u64, day: u8, store: u8) -> Stored {
    let mut event = Event::new(format!("e-{position}"), "/files", "file");
    event.data = Some(Data::Json(Bytes::from(json!({"day": day, "store": format!("s{store}")}).to_string())));
    let trace = TraceContext { trace: TraceId([1; 16]), span: SpanId([2; 8]), parent: None, sampled: true };
    Stored::new(at(seconds), Via::HttpStructured, trace, event)
}

/// The releases of a decision: key, part names, reason.
fn releases(decision: &Decision) -> Vec<(String, BTreeSet<String>, String)> {
    let emitted = decision.actions.iter().filter_map(|action| match action {
        Action::Emit { release, .. } => release.event.json(),
        _ => None,
    });
    let read = |json: &Bytes| {
        let payload: Value = serde_json::from_slice(json).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let parts = payload["parts"].as_array().unwrap().iter().map(|part| text(&part["name"])).collect();
        (text(&payload["key"]), parts, text(&payload["completed_by"]))
    };
    emitted.map(read).collect()
}

/// What an aggregation with three expected stores and a deadline does, in a dozen lines.
#[derive(Default)]
struct Model {
    open: BTreeMap<u8, (i64, BTreeSet<u8>)>,
    done: BTreeSet<u8>,
    released: Vec<(String, BTreeSet<String>, String)>,
}

impl Model {
    fn offer(&mut self, now: i64, day: u8, store: u8) {
        self.pass(now);
        if self.done.contains(&day) {
            return;
        }
        let (_, stores) = self.open.entry(day).or_insert_with(|| (now, BTreeSet::new()));
        stores.insert(store);
        if (0..3).all(|store| stores.contains(&store)) {
            self.release(day, "expected");
        }
    }

    fn pass(&mut self, now: i64) {
        let mut due: Vec<(i64, u8)> = self.open.iter().map(|(day, (opened, _))| (*opened, *day)).collect();
        due.sort_unstable();
        due.into_iter()
            .filter(|(opened, _)| opened + DEADLINE_S <= now)
            .for_each(|(_, day)| self.release(day, "deadline"));
    }

    fn release(&mut self, day: u8, by: &str) {
        let (_, stores) = self.open.remove(&day).unwrap();
        self.done.insert(day);
        let parts = stores.iter().map(|store| format!("s{store}")).collect();
        self.released.push((day.to_string(), parts, by.to_owned()));
    }
}

const EXPECTED: &str = r#"{ any = [{ expected = ["s0", "s1", "s2"] }, { deadline = "60s" }] }"#;

proptest! {
    /// Whatever the order, the delays and the repetitions, the releases are those of the model and the ledger balances.
    #[test]
    fn gathers_as_the_model_does(stream in prop::collection::vec((0_i64..40, 0_u8..6, 0_u8..4), 0..80)) {
        let (mut core, mut model, mut now, mut got) = (core(EXPECTED), Model::default(), 0, Vec::new());
        for (index, (delay, day, store)) in stream.into_iter().enumerate() {
            now += delay;
            got.extend(releases(&core.wake(at(now))));
            let position = index as u64 + 1;
            got.extend(releases(&core.step(at(now), position, &file(now, position, day, store))));
            model.offer(now, day, store);
            let aggregator = &core.aggregators()[0];
            let ledger = aggregator.ledger;
            let open: usize = aggregator.groups().map(|group| group.parts.len()).sum();
            let accounted = ledger.released + ledger.late + ledger.duplicate + ledger.discarded + open as u64;
            prop_assert_eq!(ledger.offered, accounted);
        }
        now += DEADLINE_S;
        got.extend(releases(&core.wake(at(now))));
        model.pass(now);
        got.sort();
        model.released.sort();
        prop_assert_eq!(got, model.released);
        prop_assert_eq!(core.aggregators()[0].groups().count(), 0);
        prop_assert_eq!(core.next_wake(), None);
    }

    /// The same stream gives the same decisions, to the byte: nothing but the log and the log's time goes in.
    #[test]
    fn decides_the_same_twice(stream in prop::collection::vec((0_i64..40, 0_u8..6, 0_u8..4), 0..40)) {
        let run = || {
            let (mut core, mut now, mut log) = (core(EXPECTED), 0, String::new());
            for (index, (delay, day, store)) in stream.iter().enumerate() {
                now += delay;
                let position = index as u64 + 1;
                write!(log, "{:?}", core.wake(at(now))).unwrap();
                let stored = file(now, position, *day, *store);
                write!(log, "{:?}", core.step(at(now), position, &stored)).unwrap();
            }
            log
        };
        prop_assert_eq!(run(), run());
    }
}

#[test]
fn a_group_that_starts_over_after_a_count_is_not_late() {
    let mut core = core("{ any = [{ count = 2 }, { deadline = \"1h\" }] }");
    let mut released = 0;
    for position in 1..=6 {
        released +=
            releases(&core.step(at(0), position, &file(0, position, 1, u8::try_from(position).unwrap())))
                .len();
    }
    assert_eq!((released, core.aggregators()[0].ledger.late), (3, 0));
}

#[test]
fn an_aggregation_does_not_gather_its_own_releases() {
    let text = "[[aggregation]]\nname = \"all\"\nkey = \"$.source\"\ncomplete = { count = 1 }\nemit = { type = \"x\" }\n";
    let config = Config::parse(text, "test.toml").unwrap().0;
    let identity = Identity { account: "0".to_owned(), region: "r".to_owned() };
    let registry = schemas::Registry::empty();
    let mut core = Core::new("default", identity, &[], &config.aggregations, &registry).unwrap();
    let decision = core.step(at(0), 1, &file(0, 1, 1, 1));
    let Some(Action::Emit { release, .. }) = decision.actions.last() else { panic!("{decision:?}") };
    assert!(releases(&core.step(at(1), 2, release)).is_empty());
    assert_eq!(core.aggregators()[0].ledger.offered, 1);
}

#[test]
fn a_cutoff_is_the_next_time_the_wall_clock_shows_it() {
    let mut core = core("{ deadline = \"06:00 Europe/Paris\" }");
    // 2026-03-28 23:00 UTC is 00:00 in Paris; the clocks go forward at 02:00, so that 06:00 is 04:00 UTC.
    let opened: jiff::Timestamp = "2026-03-28T23:00:00Z".parse().unwrap();
    let opened = Timestamp::from(opened);
    let mut stored = file(0, 1, 1, 1);
    stored.received = opened;
    core.step(opened, 1, &stored);
    let due: jiff::Timestamp = "2026-03-29T04:00:00Z".parse().unwrap();
    assert_eq!(core.next_wake(), Some(Timestamp::from(due)));
    assert_eq!(releases(&core.wake(Timestamp::from(due))).len(), 1);
}

/// Completions in which time is only a part of what is needed: each ends, and none before its time.
#[test]
fn time_among_other_conditions_ends_a_group_once() {
    let cases = [
        (r#"{ all = [{ idle = "1s" }, { deadline = "4s" }] }"#, vec![1], 5),
        (r#"{ any = [{ all = [{ count = 3 }, { idle = "1s" }] }, { deadline = "10s" }] }"#, vec![1], 11),
        (r#"{ all = [{ count = 2 }, { idle = "2s" }] }"#, vec![1, 2], 4),
        (r#"{ all = [{ count = 2 }, { deadline = "2s" }] }"#, vec![1, 9], 9),
    ];
    for (complete, parts, released_at) in cases {
        let mut core = core(complete);
        let mut released = Vec::new();
        for now in 1..=12 {
            let mut decisions = vec![core.wake(at(now))];
            if parts.contains(&now) {
                let position = u64::try_from(now).unwrap();
                decisions.push(core.step(
                    at(now),
                    position,
                    &file(now, position, 1, u8::try_from(now).unwrap()),
                ));
            }
            released.extend(decisions.iter().flat_map(releases).map(|_| now));
            assert!(core.next_wake().is_none_or(|due| due > at(now)), "{complete}: a timer is due for ever");
        }
        assert_eq!(released, [released_at], "{complete}");
    }
}

#[test]
fn a_marker_alone_ends_without_a_release() {
    let mut core =
        core(r#"{ any = [{ all = [{ when = { type = ["end"] } }, { count = 2 }] }, { deadline = "1s" }] }"#);
    let mut marker = file(0, 1, 1, 1);
    marker.event.kind = "end".into();
    core.step(at(0), 1, &marker);
    assert_eq!(core.aggregators()[0].groups().count(), 1);
    assert!(releases(&core.wake(at(1))).is_empty());
    assert_eq!((core.aggregators()[0].groups().count(), core.next_wake()), (0, None));
}

#[test]
fn keys_keep_their_digits() {
    let mut core = core("{ count = 2 }");
    for (position, day) in [(1, "12345678901234567890121"), (2, "12345678901234567890122")] {
        let mut stored = file(0, position, 1, 1);
        stored.event.data =
            Some(Data::Json(Bytes::from(format!(r#"{{"day": {day}, "store": "s", "x": 1e400}}"#))));
        core.step(at(0), position, &stored);
    }
    let keys: Vec<&str> = core.aggregators()[0].groups().map(|group| group.key.as_str()).collect();
    assert_eq!(keys, ["12345678901234567890121", "12345678901234567890122"]);
}

#[test]
fn a_restored_group_that_a_new_rule_completes_is_released_at_once() {
    let mut before = core("{ count = 3 }");
    for position in 1..=2 {
        before.step(at(0), position, &file(0, position, 1, u8::try_from(position).unwrap()));
    }
    let group = before.aggregators()[0].groups().next().unwrap().clone();
    let mut after = core("{ count = 2 }");
    after.aggregators_mut()[0].restore_group(group.head(), group.parts.clone());
    assert_eq!(releases(&after.wake(at(1))).len(), 1);
}

#[test]
fn many_groups_due_at_once_are_completed_in_steps() {
    let mut core = core(r#"{ deadline = "1s" }"#);
    for position in 1..=3_000_u64 {
        let mut stored = file(0, position, 1, 1);
        stored.event.data = Some(Data::Json(Bytes::from(format!(r#"{{"day": {position}, "store": "s"}}"#))));
        core.step(at(0), position, &stored);
    }
    let mut steps = Vec::new();
    while core.next_wake().is_some() {
        steps.push(releases(&core.wake(at(2))).len());
    }
    assert_eq!((steps.iter().sum::<usize>(), steps.len()), (3_000, 3));
}
