//! What happens at a limit: never nothing.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::rig::{Act, Fate, Release, Rig, Step, at, delay, event, fate, id, payload, rule};
use super::sequences::told;
use crate::config::{Aggregation, AtLimit, Limits};
use crate::core::ledger::AggregationLedger;

const COUNT: usize = 3;
const DEADLINE: i64 = 30;

#[derive(Clone, Debug)]
struct Part {
    delay: i64,
    key: String,
    name: String,
    fate: Fate,
    is_live: bool,
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = (delay(), 0_u8..5, 0_u8..5, fate(), any::<bool>());
    let part = part.prop_map(|(delay, key, name, fate, is_live)| {
        let (key, name) = (format!("k{key}"), format!("s{name}"));
        Part { delay, key, name, fate, is_live }
    });
    prop::collection::vec(part, 0..60)
}

fn steps(parts: &[Part]) -> Vec<Step> {
    let mut now = 1_000;
    let step = |(index, part): (usize, &Part)| {
        now += part.delay;
        let number: usize = part.name[1..].parse().unwrap();
        let data = json!({"k": part.key, "s": part.name, "n": number + index / 10});
        let act = Act::Publish(Box::new(event(now, index as u64 + 1, "file", &data)));
        Step { at: now, act, fate: part.fate, is_live: part.is_live }
    };
    parts.iter().enumerate().map(step).collect()
}

fn limited(keys: &str, (groups_max, parts_max, at_limit): (usize, usize, AtLimit)) -> Aggregation {
    let limits = Limits { groups_max, parts_max, bytes_max: 4 << 20, at_limit };
    Aggregation { limits, ..rule(&format!("key = '$.data.k'\n{keys}")) }
}

fn gathering(limits: (usize, usize, AtLimit)) -> Aggregation {
    let complete = format!("{{ any = [{{ count = {COUNT} }}, {{ deadline = '{DEADLINE}s' }}] }}");
    limited(&format!("part = '$.data.s'\ncomplete = {complete}"), limits)
}

struct Group {
    first: u64,
    opened: i64,
    parts: Vec<(String, u64)>,
}

struct Model {
    groups_max: usize,
    parts_max: usize,
    at_limit: AtLimit,
    open: BTreeMap<String, Group>,
    releases: Vec<Release>,
    ledger: AggregationLedger,
}

impl Model {
    fn offer(&mut self, now: i64, position: u64, part: &Part) {
        self.pass(now);
        self.ledger.offered += 1;
        if !self.open.contains_key(&part.key) && self.open.len() >= self.groups_max {
            if self.at_limit == AtLimit::Refuse {
                return self.refuse();
            }
            let oldest = self.open.iter().min_by_key(|(_, group)| group.first).unwrap().0.clone();
            self.release(&oldest, "limit");
        }
        let fresh = Group { first: position, opened: now, parts: Vec::new() };
        let group = self.open.entry(part.key.clone()).or_insert(fresh);
        if group.parts.iter().any(|there| there.0 == part.name) {
            self.ledger.duplicate += 1;
        } else if self.at_limit == AtLimit::Refuse && group.parts.len() >= self.parts_max {
            return self.refuse();
        } else {
            group.parts.push((part.name.clone(), position));
        }
        let count = group.parts.len();
        if count >= COUNT {
            self.release(&part.key, "count");
        } else if count >= self.parts_max && self.at_limit == AtLimit::Release {
            self.release(&part.key, "limit");
        }
    }

    fn refuse(&mut self) {
        self.ledger.discarded += 1;
        self.ledger.refused += 1;
    }

    fn pass(&mut self, now: i64) {
        let due = self.open.iter().filter(|(_, group)| group.opened + DEADLINE <= now);
        let due: Vec<String> = due.map(|(key, _)| key.clone()).collect();
        for key in &due {
            self.release(key, "deadline");
        }
    }

    fn release(&mut self, key: &str, by: &str) {
        let group = self.open.remove(key).unwrap();
        self.ledger.released += group.parts.len() as u64;
        self.ledger.releases += 1;
        self.releases.push(Release {
            kind: "out".to_owned(),
            key: key.to_owned(),
            parts: group.parts.iter().map(|(name, position)| format!("{name}=e{position}")).collect(),
            by: by.to_owned(),
            id: id(key, group.first, None),
            ..Release::default()
        });
    }
}

/// Publishes parts to a rule that waits at its limits; the clock goes on while it does. Returns how often it waited.
fn wait(rig: &mut Rig, parts: &[Part], mut look: impl FnMut(&Rig)) -> usize {
    let (mut waits, mut clock) = (0, 0);
    for mut step in steps(parts) {
        // What is lost here would be read again without waiting.
        step.fate = if step.fate == Fate::Lose { Fate::Restart } else { step.fate };
        clock = step.at.max(clock);
        let Act::Publish(stored) = step.act.clone() else { continue };
        rig.pass(clock, true);
        while rig.core().must_wait(stored.event.id[1..].parse().unwrap(), &stored) {
            waits += 1;
            let due = rig.core().next_wake().expect("something ends by itself").as_micros() / 1_000_000 + 1;
            clock = clock.max(due);
            rig.pass(clock, true);
        }
        rig.run(&[step], |_, rig| look(rig));
    }
    waits
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn room_is_made_or_refused_as_in_the_model(
        groups_max in 1_usize..4, parts_max in 1_usize..5, refuses: bool, parts in parts()
    ) {
        let at_limit = if refuses { AtLimit::Refuse } else { AtLimit::Release };
        let mut rig = Rig::new(gathering((groups_max, parts_max, at_limit)));
        let (open, releases, ledger) = (BTreeMap::new(), Vec::new(), AggregationLedger::default());
        let mut model = Model { groups_max, parts_max, at_limit, open, releases, ledger };
        let steps = steps(&parts);
        rig.run(&steps, |index, rig| {
            model.offer(steps[index].at, index as u64 + 1, &parts[index]);
            assert_eq!(rig.ledger(), model.ledger, "after step {index}");
        });
        let end = steps.last().map_or(0, |step| step.at) + DEADLINE;
        rig.pass(end, false);
        model.pass(end);
        let mut found = rig.releases();
        found.sort();
        model.releases.sort();
        prop_assert_eq!(found, model.releases);
    }

    /// A bus that waits refuses nothing and releases nothing before its time.
    #[test]
    fn who_waits_loses_nothing(groups_max in 1_usize..4, parts_max in 1_usize..5, parts in parts()) {
        let mut rig = Rig::new(gathering((groups_max, parts_max, AtLimit::Wait)));
        wait(&mut rig, &parts, |rig| assert!(rig.open().len() <= groups_max));
        prop_assert_eq!((rig.ledger().refused, rig.ledger().discarded), (0, 0));
        prop_assert!(rig.releases().iter().all(|release| release.by != "limit"));
        prop_assert_eq!(rig.ledger().offered, parts.len() as u64);
    }

    /// Windows that overlap push one another out one by one, also those of the event at hand.
    #[test]
    fn overlapping_windows_keep_to_the_limit(groups_max in 1_usize..5, at in 0_u8..3, parts in parts()) {
        let at_limit = [AtLimit::Release, AtLimit::Refuse, AtLimit::Wait][usize::from(at)];
        let window = "{ window = { size = '30s', slide = '10s' } }";
        let keys = format!("part = '$.data.s'\ncomplete = {window}\ntime = 'processing'");
        let mut rig = Rig::new(limited(&keys, (groups_max, 100, at_limit)));
        let check = |rig: &Rig| {
            assert!(rig.open().len() <= groups_max);
            assert_eq!(rig.ledger().discarded, rig.ledger().refused);
            assert!(rig.ledger().refused == 0 || at_limit == AtLimit::Refuse);
        };
        if at_limit == AtLimit::Wait && groups_max >= 3 {
            wait(&mut rig, &parts, check);
            prop_assert!(rig.releases().iter().all(|release| release.by == "window"));
        } else {
            rig.run(&steps(&parts), |_, rig| check(rig));
        }
        prop_assert_eq!(rig.ledger().offered, 3 * parts.len() as u64);
        rig.releases();
    }

    /// A sequence that is full lets its first events through, refuses, or waits, and never for the number it waits for.
    #[test]
    fn sequences_keep_to_the_limit(
        groups_max in 1_usize..4, parts_max in 1_usize..4, at in 0_u8..3, parts in parts()
    ) {
        let at_limit = [AtLimit::Release, AtLimit::Refuse, AtLimit::Wait][usize::from(at)];
        let keys = "resequence = { by = '$.data.n', gap = '20s', forget = '60s', start = 0 }";
        let rule = limited(keys, (groups_max, parts_max, at_limit));
        let mut rig = Rig::new(rule);
        let check = |rig: &Rig| {
            assert!(rig.open().iter().all(|(_, held)| held.len() <= parts_max));
            assert!(rig.open().len() <= groups_max);
        };
        if at_limit == AtLimit::Wait {
            wait(&mut rig, &parts, check);
            prop_assert_eq!(rig.ledger().refused, 0);
            let stored = rig.stored();
            let reasons = stored.iter().filter(|one| &*one.event.kind == "out.gap").map(|one| payload(one));
            let by_limit = reasons.filter(|gap| gap["reason"].as_str().unwrap().starts_with("limit")).count();
            prop_assert_eq!(by_limit, 0);
        } else {
            rig.run(&steps(&parts), |_, rig| check(rig));
        }
        rig.releases();
        prop_assert_eq!(rig.ledger().offered, parts.len() as u64);
    }
}

fn reading(position: u64, number: i64) -> Step {
    let act = Act::Publish(Box::new(event(0, position, "reading", &json!({"k": "a", "n": number}))));
    Step { at: 0, act, fate: Fate::GoOn, is_live: false }
}

#[test]
fn a_full_sequence_does_not_wait_for_the_number_that_it_waits_for() {
    let keys = "resequence = { by = '$.data.n', gap = '1m', start = 1 }";
    let mut rig = Rig::new(limited(keys, (10, 2, AtLimit::Wait)));
    rig.run(&[reading(1, 2), reading(2, 3)], |_, _| ());
    let waits = |rig: &mut Rig, number: i64| {
        let stored = event(0, 9, "reading", &json!({"k": "a", "n": number}));
        rig.core().must_wait(9, &stored)
    };
    for (number, expected) in [(1, false), (2, false), (0, false), (4, true), (5, true)] {
        assert_eq!(waits(&mut rig, number), expected, "number {number}");
    }
    rig.run(&[reading(3, 1)], |_, _| ());
    assert_eq!(told(&rig.stored())["a"], ["e3 as 1", "e1 as 2", "e2 as 3"]);
}

#[test]
fn a_marker_waits_for_room_as_a_part_does() {
    let when = "{ all = [{ when = { type = ['end'] } }, { count = 1 }] }";
    let keys =
        format!("filter = {{ type = ['file'] }}\ncomplete = {{ any = [{when}, {{ deadline = '9s' }}] }}");
    let mut rig = Rig::new(limited(&keys, (1, 10, AtLimit::Wait)));
    let publish = |at: i64, position: u64, kind: &str, key: &str| {
        let act = Act::Publish(Box::new(event(at, position, kind, &json!({"k": key}))));
        Step { at, act, fate: Fate::GoOn, is_live: false }
    };
    rig.run(&[publish(0, 1, "file", "a")], |_, _| ());
    assert!(rig.core().must_wait(2, &event(0, 2, "end", &json!({"k": "b"}))));
    assert!(!rig.core().must_wait(2, &event(0, 2, "end", &json!({"k": "a"}))));
    assert!(rig.core().waits().is_none());
    rig.pass(9, false);
    assert!(!rig.core().must_wait(2, &event(0, 2, "end", &json!({"k": "b"}))));
    assert_eq!(rig.releases().len(), 1);
    assert_eq!(rig.core().next_wake(), None);
    assert_eq!(at(9).as_seconds(), 9);
}

/// More groups end than are remembered, and the key at hand is among those that are forgotten.
#[test]
fn room_is_made_although_the_key_at_hand_was_just_forgotten() {
    let mut rig = Rig::new(limited("complete = { count = 2 }", (1, 10, AtLimit::Release)));
    let mut position = 0;
    let mut publish = |rig: &mut Rig, key: &str| {
        position += 1;
        let act = Act::Publish(Box::new(event(0, position, "file", &json!({"k": key}))));
        rig.run(&[Step { at: 0, act, fate: Fate::GoOn, is_live: false }], |_, _| ());
    };
    // Each new key ends the group of the one before.
    for key in 0..=crate::core::gather::groups::ENDED_MAX {
        publish(&mut rig, &format!("k{key}"));
    }
    publish(&mut rig, "k0");
    assert_eq!(rig.open().len(), 1);
    assert_eq!(rig.open()[0].0, "k0");
    publish(&mut rig, "k0");
    assert_eq!(rig.ledger().refused, 0);
    assert_eq!(rig.core().aggregators()[0].open_groups(), 0);
}

#[test]
fn a_sequence_holds_no_more_bytes_than_it_may() {
    let keys = "resequence = { by = '$.data.n', gap = '1m', start = 1 }\nduplicates = 'error'";
    let base = limited(keys, (10, 100, AtLimit::Release));
    let limits = Limits { bytes_max: 1_024, ..base.limits };
    let mut rig = Rig::new(Aggregation { limits, ..base });
    let large = |position: u64, number: i64| {
        let data = json!({"k": "a", "n": number, "x": "x".repeat(600)});
        let act = Act::Publish(Box::new(event(0, position, "reading", &data)));
        Step { at: 0, act, fate: Fate::Restart, is_live: false }
    };
    rig.run(&[large(1, 3), large(2, 3), large(3, 5)], |_, _| ());
    assert!(rig.stored().is_empty());
    assert_eq!(rig.ledger().duplicate, 1);
    rig.run(&[large(4, 7)], |_, _| ());
    assert_eq!(told(&rig.stored())["a"], ["gap 1 to 2", "e1 as 3"]);
    assert_eq!(payload(rig.stored()[0])["reason"], "limit: 1024 bytes held");
}

/// The same numbers of a key are skipped twice in one instant, under two ids.
#[test]
fn sequences_that_push_one_another_out_tell_of_each_gap() {
    let mut rig = Rig::new(limited(
        "resequence = { by = '$.data.n', gap = '1m', start = 1 }",
        (1, 9, AtLimit::Release),
    ));
    let steps = (1..).zip(["a", "b", "a", "b"]).map(|(position, key)| {
        let act = Act::Publish(Box::new(event(0, position, "reading", &json!({"k": key, "n": 5}))));
        Step { at: 0, act, fate: Fate::Restart, is_live: false }
    });
    rig.run(&steps.collect::<Vec<_>>(), |_, _| ());
    rig.releases();
    assert_eq!(told(&rig.stored())["a"], ["gap 1 to 4", "e1 as 5", "gap 1 to 4", "e3 as 5"]);
}
