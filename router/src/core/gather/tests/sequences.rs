//! Events put in sequence: gaps, repetitions, late numbers, and keys that are forgotten.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use event::stored::Stored;
use proptest::prelude::*;
use serde_json::json;

use super::rig::{Act, Fate, Rig, Step, delay, event, fate, payload, rule};
use crate::config::Aggregation;
use crate::core::ledger::AggregationLedger;

/// All in seconds.
#[derive(Clone, Copy, Debug)]
struct Rule {
    start: Option<i64>,
    gap: i64,
    forget: i64,
    is_side: bool,
}

#[derive(Clone, Debug)]
struct Reading {
    delay: i64,
    key: String,
    number: Option<i64>,
    fate: Fate,
    is_live: bool,
}

fn rules() -> impl Strategy<Value = Rule> {
    let rule = (prop::option::of(-1_i64..4), 1_i64..20, 5_i64..60, any::<bool>());
    rule.prop_map(|(start, gap, forget, is_side)| Rule { start, gap, forget, is_side })
}

fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let number = prop::option::weighted(0.95, -2_i64..14);
    let one = (delay(), 0_u8..3, number, fate(), any::<bool>());
    let one = one.prop_map(|(delay, key, number, fate, is_live)| {
        let key = format!("k{key}");
        Reading { delay, key, number, fate, is_live }
    });
    prop::collection::vec(one, 0..70)
}

#[derive(Default)]
struct Sequence {
    next: Option<i64>,
    last: i64,
    /// Since when, and which event.
    held: BTreeMap<i64, (i64, u64)>,
}

struct Model {
    rule: Rule,
    keys: BTreeMap<String, Sequence>,
    /// What was told of each key, in order.
    told: BTreeMap<String, Vec<String>>,
    ledger: AggregationLedger,
}

impl Model {
    fn offer(&mut self, now: i64, position: u64, reading: &Reading) {
        self.pass(now);
        self.ledger.offered += 1;
        let Some(number) = reading.number else {
            self.ledger.discarded += 1;
            self.ledger.without_key += 1;
            return;
        };
        let fresh = Sequence { next: self.rule.start, ..Sequence::default() };
        let sequence = self.keys.entry(reading.key.clone()).or_insert(fresh);
        sequence.last = now;
        if number < *sequence.next.get_or_insert(number) {
            self.ledger.late += 1;
            if self.rule.is_side {
                self.told.entry(reading.key.clone()).or_default().push(format!("late e{position}"));
            }
        } else if let Entry::Vacant(place) = sequence.held.entry(number) {
            place.insert((now, position));
        } else {
            self.ledger.duplicate += 1;
        }
        self.pass(now);
    }

    fn pass(&mut self, now: i64) {
        for (key, sequence) in &mut self.keys {
            let told = self.told.entry(key.clone()).or_default();
            loop {
                while let Some((_, position)) = sequence.next.and_then(|next| sequence.held.remove(&next)) {
                    told.push(format!("e{position} as {}", sequence.next.unwrap()));
                    sequence.next = sequence.next.map(|next| next + 1);
                    self.ledger.released += 1;
                    self.ledger.releases += 1;
                }
                if !sequence.held.values().any(|(since, _)| since + self.rule.gap <= now) {
                    break;
                }
                let (next, first) = (sequence.next.unwrap(), *sequence.held.keys().next().unwrap());
                told.push(format!("gap {next} to {}", first - 1));
                self.ledger.skipped += first.abs_diff(next);
                sequence.next = Some(first);
            }
        }
        let forget = self.rule.forget;
        self.keys.retain(|_, sequence| !sequence.held.is_empty() || sequence.last + forget > now);
    }
}

fn rule_of(rules: Rule) -> Aggregation {
    let Rule { start, gap, forget, is_side } = rules;
    let start = start.map(|start| format!("start = {start}, ")).unwrap_or_default();
    let late = if is_side { "side" } else { "discard" };
    rule(&format!(
        "key = '$.data.k'\nlate = '{late}'\nresequence = {{ by = '$.data.n', {start}gap = '{gap}s', forget = '{forget}s' }}"
    ))
}

/// What was told, by key.
pub(super) fn told(stored: &[&Stored]) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for stored in stored {
        let payload = payload(stored);
        let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
        let (key, line) = match &*stored.event.kind {
            "out" => {
                let number = format!("{} as {}", stored.event.id, payload["n"]);
                (text("k"), number)
            }
            "out.gap" => (text("key"), format!("gap {} to {}", payload["from"], payload["to"])),
            "out.late" => (text("key"), format!("late {}", text("id"))),
            other => panic!("{other}"),
        };
        told.entry(key).or_default().push(line);
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Each key's events go through in sequence, and what is told of it is the model's, in order.
    #[test]
    fn sequences_go_through_as_in_the_model(rules in rules(), readings in readings()) {
        let mut now = 0;
        let step = |(index, reading): (usize, &Reading)| {
            now += reading.delay;
            let data = json!({"k": reading.key, "n": reading.number});
            let act = Act::Publish(Box::new(event(now, index as u64 + 1, "reading", &data)));
            Step { at: now, act, fate: reading.fate, is_live: reading.is_live }
        };
        let steps: Vec<Step> = readings.iter().enumerate().map(step).collect();
        let mut rig = Rig::new(rule_of(rules));
        let (keys, told_so_far, ledger) = (BTreeMap::new(), BTreeMap::new(), AggregationLedger::default());
        let mut model = Model { rule: rules, keys, told: told_so_far, ledger };
        rig.run(&steps, |index, rig| {
            model.offer(steps[index].at, index as u64 + 1, &readings[index]);
            assert_eq!(rig.ledger(), model.ledger, "after step {index}");
        });
        rig.pass(now + 1_000, false);
        model.pass(now + 1_000);
        rig.releases();
        model.told.retain(|_, told| !told.is_empty());
        prop_assert_eq!(told(&rig.stored()), model.told);
        prop_assert_eq!(rig.core().aggregators()[0].open_groups(), 0);
        prop_assert_eq!(rig.core().next_wake(), None);
    }
}
