//! Sessions by the time of events: one that comes between two makes them one.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::rig::{Act, Fate, Release, Rig, Step, at, delay, event, fate, id, rule};
use crate::config::{Aggregation, Duplicates, Late};
use crate::core::ledger::AggregationLedger;

/// All in seconds.
#[derive(Clone, Copy, Debug)]
struct Rule {
    gap: i64,
    disorder: i64,
    quiet: i64,
    count: Option<usize>,
    late: Late,
    duplicates: Duplicates,
}

fn rules() -> impl Strategy<Value = Rule> {
    let late = prop_oneof![Just(Late::NewGroup), Just(Late::Discard), Just(Late::Side)];
    let duplicates = prop_oneof![Just(Duplicates::First), Just(Duplicates::Last)];
    let times = (3_i64..15, prop_oneof![Just(0), 1_i64..30], 1_i64..40);
    (times, prop::option::weighted(0.3, 2_usize..6), late, duplicates).prop_map(
        |((gap, disorder, quiet), count, late, duplicates)| Rule {
            gap,
            disorder,
            quiet,
            count,
            late,
            duplicates,
        },
    )
}

#[derive(Clone, Debug)]
struct Click {
    delay: i64,
    key: String,
    name: String,
    age: i64,
    fate: Fate,
    is_live: bool,
}

fn clicks() -> impl Strategy<Value = Vec<Click>> {
    let age = prop_oneof![3 => Just(0), 5 => 0_i64..40, 1 => 3_000_i64..9_000];
    let click = (delay(), 0_u8..2, 0_u8..14, age, fate(), any::<bool>());
    let click = click.prop_map(|(delay, key, name, age, fate, is_live)| Click {
        delay,
        key: format!("k{key}"),
        name: format!("s{name}"),
        age,
        fate,
        is_live,
    });
    prop::collection::vec(click, 0..50)
}

#[derive(Clone, Debug)]
struct Session {
    start: i64,
    end: i64,
    /// Positions and names.
    parts: Vec<(u64, String)>,
    first: u64,
}

#[derive(Default)]
struct Key {
    latest: Option<(i64, i64)>,
    open: Vec<Session>,
    ended: Vec<(i64, i64)>,
}

struct Model {
    rule: Rule,
    keys: BTreeMap<String, Key>,
    releases: Vec<Release>,
    ledger: AggregationLedger,
}

impl Key {
    fn is_over(&self, instant: i64, rule: Rule, now: i64) -> bool {
        self.latest.is_some_and(|(reached, since)| {
            instant <= reached - rule.disorder + (now - since - rule.quiet).max(0)
        })
    }
}

impl Model {
    fn offer(&mut self, now: i64, position: u64, click: &Click) {
        self.pass(now);
        let (rule, time) = (self.rule, (now - click.age).min(now));
        let near = |start: i64, end: i64| start - rule.gap < time && time < end + rule.gap;
        let key = self.keys.entry(click.key.clone()).or_default();
        self.ledger.offered += 1;
        let (mut mine, others): (Vec<Session>, Vec<Session>) =
            key.open.drain(..).partition(|session| near(session.start, session.end));
        key.open = others;
        let is_late = key.ended.iter().any(|(start, end)| near(*start, *end))
            || key.is_over(time + rule.gap, rule, now);
        if mine.is_empty() && rule.late != Late::NewGroup && is_late {
            self.ledger.late += 1;
            if rule.late == Late::Side {
                let parts = vec![format!("{}=e{position}", click.name)];
                let (kind, key) = ("out.late".to_owned(), click.key.clone());
                self.releases.push(Release { kind, key, parts, ..Release::default() });
            }
        } else {
            let fresh = Session { start: time, end: time, parts: Vec::new(), first: position };
            mine.sort_by_key(|session| session.first);
            let are_several = mine.len() > 1;
            let mut one = mine.first().cloned().unwrap_or(fresh);
            let mut parts: Vec<_> = mine
                .into_iter()
                .flat_map(|session| {
                    one.start = one.start.min(session.start);
                    one.end = one.end.max(session.end);
                    session.parts
                })
                .collect();
            if are_several {
                parts.sort();
            }
            one.parts.clear();
            for part in parts {
                self.ledger.duplicate += u64::from(one.take(part, rule.duplicates));
            }
            let is_again = one.take((position, click.name.clone()), rule.duplicates);
            self.ledger.duplicate += u64::from(is_again);
            if !is_again || rule.duplicates == Duplicates::Last {
                one.start = one.start.min(time);
                one.end = one.end.max(time);
            }
            key.open.push(one);
        }
        if key.latest.is_none_or(|(reached, _)| time > reached) {
            key.latest = Some((time, now));
        }
        self.pass(now);
    }

    fn pass(&mut self, now: i64) {
        let rule = self.rule;
        for (name, key) in &mut self.keys {
            for session in std::mem::take(&mut key.open) {
                let is_over = key.is_over(session.end + rule.gap, rule, now);
                let is_full = rule.count.is_some_and(|count| session.parts.len() >= count);
                if !is_over && !is_full {
                    key.open.push(session);
                    continue;
                }
                key.ended.push((session.start, session.end));
                self.ledger.released += session.parts.len() as u64;
                self.ledger.releases += 1;
                self.releases.push(Release {
                    kind: "out".to_owned(),
                    key: name.clone(),
                    parts: session.parts.iter().map(|(at, name)| format!("{name}=e{at}")).collect(),
                    by: if is_full { "count" } else { "idle" }.to_owned(),
                    id: id(name, session.first, None),
                    ..Release::default()
                });
            }
        }
    }
}

impl Session {
    /// Returns whether a part of that name was there.
    fn take(&mut self, part: (u64, String), duplicates: Duplicates) -> bool {
        let Some(there) = self.parts.iter_mut().find(|there| there.1 == part.1) else {
            self.parts.push(part);
            return false;
        };
        if duplicates == Duplicates::Last {
            *there = part;
        }
        true
    }
}

fn rule_of(rules: Rule) -> Aggregation {
    let Rule { gap, disorder, quiet, late, duplicates, .. } = rules;
    let complete = match rules.count {
        Some(count) => format!("{{ any = [{{ count = {count} }}, {{ idle = '{gap}s' }}] }}"),
        None => format!("{{ idle = '{gap}s' }}"),
    };
    let time = format!("{{ path = '$.data.at', disorder = '{disorder}s', quiet = '{quiet}s' }}");
    let base = rule(&format!("key = '$.data.k'\npart = '$.data.s'\ncomplete = {complete}\ntime = {time}"));
    Aggregation { duplicates, late, ..base }
}

fn steps(clicks: &[Click]) -> Vec<Step> {
    let mut now = 100_000;
    let one = |(index, click): (usize, &Click)| {
        now += click.delay;
        let data = json!({"k": click.key, "s": click.name, "at": at(now - click.age).to_string()});
        let act = Act::Publish(Box::new(event(now, index as u64 + 1, "click", &data)));
        Step { at: now, act, fate: click.fate, is_live: click.is_live }
    };
    clicks.iter().enumerate().map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Events less than a gap apart are in one session, in whatever order they come.
    #[test]
    fn sessions_end_as_in_the_model(rules in rules(), clicks in clicks()) {
        let mut rig = Rig::new(rule_of(rules));
        let (keys, releases, ledger) = (BTreeMap::new(), Vec::new(), AggregationLedger::default());
        let (mut model, steps) = (Model { rule: rules, keys, releases, ledger }, steps(&clicks));
        rig.run(&steps, |index, rig| {
            model.offer(steps[index].at, index as u64 + 1, &clicks[index]);
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
