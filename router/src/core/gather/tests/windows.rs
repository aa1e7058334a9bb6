//! Windows side by side and overlapping, by the router's time and by that of events, with disorder, lateness and silence.

use std::collections::{BTreeMap, BTreeSet};

use event::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::rig::{Act, Fate, Release, Rig, Step, at, delay, event, fate, id, rule};
use crate::config::Late;
use crate::core::ledger::AggregationLedger;

/// All in seconds.
#[derive(Clone, Copy, Debug)]
struct Rule {
    slide: i64,
    /// Windows that one event is in.
    overlap: i64,
    offset: i64,
    lateness: i64,
    disorder: i64,
    quiet: i64,
    is_by_events: bool,
    count: Option<usize>,
    late: Late,
}

impl Rule {
    fn size(self) -> i64 {
        self.slide * self.overlap
    }

    fn text(self) -> String {
        let Self { slide, offset, lateness, disorder, quiet, .. } = self;
        let size = self.size();
        let lateness = if lateness > 0 { format!(", lateness = '{lateness}s'") } else { String::new() };
        let window = format!("{{ size = '{size}s', slide = '{slide}s', offset = '{offset}s'{lateness} }}");
        let complete = match self.count {
            Some(count) => format!("{{ any = [{{ count = {count} }}, {{ window = {window} }}] }}"),
            None => format!("{{ window = {window} }}"),
        };
        let time = if self.is_by_events {
            format!("{{ path = '$.data.at', disorder = '{disorder}s', quiet = '{quiet}s' }}")
        } else {
            "'processing'".to_owned()
        };
        let late = match self.late {
            Late::NewGroup => "new-group",
            Late::Side => "side",
            _ => "discard",
        };
        format!("key = '$.data.k'\npart = '$.data.s'\ncomplete = {complete}\ntime = {time}\nlate = '{late}'")
    }
}

fn rules() -> impl Strategy<Value = Rule> {
    let late = prop_oneof![Just(Late::NewGroup), Just(Late::Discard), Just(Late::Side)];
    let lengths = (5_i64..20, 1_i64..4, 0_i64..5, prop_oneof![Just(0), 1_i64..15]);
    let time = (prop_oneof![Just(0), 1_i64..10], 1_i64..30, prop::bool::weighted(0.8));
    (lengths, time, prop::option::weighted(0.3, 1_usize..4), late).prop_map(|(lengths, time, count, late)| {
        let ((slide, overlap, offset, lateness), (disorder, quiet, is_by_events)) = (lengths, time);
        // By the router's time nothing is late.
        let lateness = if is_by_events { lateness } else { 0 };
        Rule { slide, overlap, offset, lateness, disorder, quiet, is_by_events, count, late }
    })
}

/// A part of a key, and how much older it is than its arrival.
#[derive(Clone, Debug)]
struct Part {
    delay: i64,
    key: String,
    name: String,
    age: i64,
    fate: Fate,
    is_live: bool,
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let age = prop_oneof![3 => Just(0), 5 => 0_i64..25, 1 => -20_i64..0, 1 => 3_000_i64..9_000];
    let part = (delay(), 0_u8..3, 0_u8..9, age, fate(), any::<bool>());
    let part = part.prop_map(|(delay, key, name, age, fate, is_live)| Part {
        delay,
        key: format!("k{key}"),
        name: format!("s{name}"),
        age,
        fate,
        is_live,
    });
    prop::collection::vec(part, 0..50)
}

struct Model {
    rule: Rule,
    keys: BTreeMap<String, Key>,
    releases: Vec<Release>,
    ledger: AggregationLedger,
}

#[derive(Default)]
struct Key {
    /// The time of the latest event, and when it came.
    latest: Option<(i64, i64)>,
    /// By their start.
    open: BTreeMap<i64, (u64, Vec<(String, String)>)>,
    ended: BTreeSet<i64>,
}

impl Key {
    /// The latest event's time less the disorder; after silence that goes on with the clock.
    fn is_over(&self, instant: i64, rule: Rule, now: i64) -> bool {
        if !rule.is_by_events {
            return instant <= now;
        }
        self.latest.is_some_and(|(reached, since)| {
            let silence = (now - since - rule.quiet).max(0);
            instant <= reached - rule.disorder + silence
        })
    }
}

impl Model {
    fn new(rule: Rule) -> Self {
        Self { rule, keys: BTreeMap::new(), releases: Vec::new(), ledger: AggregationLedger::default() }
    }

    fn offer(&mut self, now: i64, position: u64, part: &Part) {
        self.pass(now);
        let rule = self.rule;
        let time = if rule.is_by_events { (now - part.age).min(now) } else { now };
        let mine = (part.name.clone(), format!("e{position}"));
        let key = self.keys.entry(part.key.clone()).or_default();
        // Every window that there is, from long before to long after.
        let first = (time - rule.size() - rule.offset).div_euclid(rule.slide) * rule.slide + rule.offset;
        for start in (0..=rule.overlap + 1).map(|step| first + step * rule.slide) {
            if !(start <= time && time < start + rule.size()) {
                continue;
            }
            self.ledger.offered += 1;
            let is_over = key.is_over(start + rule.size() + rule.lateness, rule, now);
            if let Some((_, parts)) = key.open.get_mut(&start) {
                if parts.iter().any(|there| there.0 == mine.0) {
                    self.ledger.duplicate += 1;
                } else {
                    parts.push(mine.clone());
                }
            } else if rule.late != Late::NewGroup && (is_over || key.ended.contains(&start)) {
                self.ledger.late += 1;
                if rule.late == Late::Side {
                    let parts = vec![format!("{}={}", mine.0, mine.1)];
                    let (kind, key) = ("out.late".to_owned(), part.key.clone());
                    self.releases.push(Release { kind, key, parts, ..Release::default() });
                }
            } else {
                key.open.insert(start, (position, vec![mine.clone()]));
            }
        }
        if key.latest.is_none_or(|(reached, _)| time > reached) {
            key.latest = Some((time, now));
        }
        self.pass(now);
    }

    fn pass(&mut self, now: i64) {
        let rule = self.rule;
        for (name, key) in &mut self.keys {
            for (start, (first, parts)) in key.open.clone() {
                let is_over = key.is_over(start + rule.size() + rule.lateness, rule, now);
                let is_full = rule.count.is_some_and(|count| parts.len() >= count);
                if !is_over && !is_full {
                    continue;
                }
                key.open.remove(&start);
                key.ended.insert(start);
                self.ledger.released += parts.len() as u64;
                self.ledger.releases += 1;
                self.releases.push(Release {
                    kind: "out".to_owned(),
                    key: name.clone(),
                    parts: parts.iter().map(|(name, event)| format!("{name}={event}")).collect(),
                    by: if is_full { "count" } else { "window" }.to_owned(),
                    id: id(name, first, Some(start)),
                    ..Release::default()
                });
            }
        }
    }
}

fn steps(parts: &[Part]) -> Vec<Step> {
    // Far from 1970, so that no event is before it.
    let mut now = 100_000;
    let one = |(index, part): (usize, &Part)| {
        now += part.delay;
        let time: Timestamp = at(now - part.age);
        let data = json!({"k": part.key, "s": part.name, "at": time.to_string()});
        let act = Act::Publish(Box::new(event(now, index as u64 + 1, "file", &data)));
        Step { at: now, act, fate: part.fate, is_live: part.is_live }
    };
    parts.iter().enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// An event is in every window that covers its time, and each window is released once its key's time has passed it.
    #[test]
    fn windows_end_as_in_the_model(rules in rules(), parts in parts()) {
        let mut rig = Rig::new(rule(&rules.text()));
        let (mut model, steps) = (Model::new(rules), steps(&parts));
        rig.run(&steps, |index, rig| {
            model.offer(steps[index].at, index as u64 + 1, &parts[index]);
            assert_eq!(rig.ledger(), model.ledger, "after step {index}");
        });
        let end = steps.last().map_or(0, |step| step.at) + 100_000;
        rig.pass(end, false);
        model.pass(end);
        let mut found = rig.releases();
        found.sort();
        model.releases.sort();
        prop_assert_eq!(found, model.releases);
        prop_assert_eq!(rig.open(), []);
    }
}
