//! Random streams of parts, markers and manifests, and random completions.

use api::GroupAction;
use proptest::prelude::*;
use serde_json::json;

use super::rig::{Act, Fate, Step, delay, event, fate, rule};
use crate::config::{Completion, Way};

/// A condition, as the model has it.
#[derive(Clone, Debug)]
pub(super) enum Cond {
    Count(usize),
    /// A number that parts say, the first one alone, or a manifest.
    Total(Says),
    Expected(Vec<String>, Vec<String>, Option<usize>),
    Manifest(Vec<String>, Option<usize>),
    Deadline(i64),
    Idle(i64),
    Marker,
    Any(Vec<Cond>),
    All(Vec<Cond>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Any,
    First,
    Manifest,
}

/// What happens in one step.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A part, which may say how many there are, and that it is the last.
    Part {
        name: String,
        total: Option<usize>,
        is_last: bool,
    },
    /// An event that is no part and says that it is the last.
    End,
    Manifest {
        names: Vec<String>,
        total: Option<usize>,
    },
    Order(GroupAction),
}

#[derive(Clone, Debug)]
pub(super) struct Happens {
    pub(super) delay: i64,
    pub(super) key: Option<String>,
    pub(super) what: What,
    pub(super) fate: Fate,
    pub(super) is_live: bool,
}

impl Cond {
    pub(super) fn completion(&self) -> Completion {
        let each = |all: &[Self]| all.iter().map(Self::completion).collect();
        match self {
            Self::Any(all) => Completion::Any(each(all)),
            Self::All(all) => Completion::All(each(all)),
            Self::Count(count) => leaf(&format!("count = {count}")),
            Self::Total(Says::Any) => leaf("count = '$.data.total'"),
            Self::Total(Says::First) => leaf("count = { read = '$.data.total', from = 'first' }"),
            Self::Total(Says::Manifest) => {
                leaf("count = { read = '$.data.total', manifest = { type = ['manifest'] } }")
            }
            Self::Expected(names, optional, quorum) => {
                leaf(&format!("expected = {{ names = {names:?}, {} }}", choices(optional, *quorum)))
            }
            Self::Manifest(optional, quorum) => {
                let manifest = "manifest = { filter = { type = ['manifest'] }, names = '$.data.names' }";
                leaf(&format!("expected = {{ {manifest}, {} }}", choices(optional, *quorum)))
            }
            Self::Deadline(seconds) => leaf(&format!("deadline = '{seconds}s'")),
            Self::Idle(seconds) => leaf(&format!("idle = '{seconds}s'")),
            Self::Marker => leaf("when = { data = { last = [true] } }"),
        }
    }

    /// Returns whether some condition looks for an event.
    pub(super) fn looks_for(&self, what: &What) -> bool {
        match (self, what) {
            (Self::Any(all) | Self::All(all), _) => all.iter().any(|one| one.looks_for(what)),
            (Self::Marker, What::End)
            | (Self::Manifest(..) | Self::Total(Says::Manifest), What::Manifest { .. }) => true,
            _ => false,
        }
    }
}

fn choices(optional: &[String], quorum: Option<usize>) -> String {
    let quorum = quorum.map(|quorum| format!(", quorum = {quorum}")).unwrap_or_default();
    format!("optional = {optional:?}{quorum}")
}

/// Reads one condition, without the deadline that it gets by itself.
fn leaf(text: &str) -> Completion {
    let rule = rule(&format!("key = '$.data.k'\npart = '$.data.s'\ncomplete = {{ {text} }}"));
    match rule.way {
        Way::Gather(Completion::Any(mut both)) => both.swap_remove(0),
        Way::Gather(one) => one,
        Way::Resequence(_) => panic!("{text}"),
    }
}

pub(super) fn name() -> impl Strategy<Value = String> {
    (0_u8..5).prop_map(|number| format!("s{number}"))
}

fn some_names(least: usize) -> impl Strategy<Value = Vec<String>> {
    let all: Vec<String> = (0..5).map(|number| format!("s{number}")).collect();
    prop::sample::subsequence(all, least..=4)
}

pub(super) fn cond() -> impl Strategy<Value = Cond> {
    let expected = (some_names(1), some_names(0), prop::option::of(1_usize..3));
    let expected = expected.prop_map(|(names, optional, quorum)| {
        let optional = optional.into_iter().filter(|name| !names.contains(name)).collect();
        let quorum = quorum.map(|quorum| quorum.min(names.len()));
        Cond::Expected(names, optional, quorum)
    });
    let manifest = (some_names(0), prop::option::of(1_usize..3));
    let leaf = prop_oneof![
        2 => (1_usize..5).prop_map(Cond::Count),
        2 => prop_oneof![Just(Says::Any), Just(Says::First), Just(Says::Manifest)].prop_map(Cond::Total),
        4 => expected,
        2 => manifest.prop_map(|(optional, quorum)| Cond::Manifest(optional, quorum)),
        3 => (1_i64..40).prop_map(Cond::Deadline),
        3 => (1_i64..10).prop_map(Cond::Idle),
        2 => Just(Cond::Marker),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let several = prop::collection::vec(inner, 2..=3);
        prop_oneof![several.clone().prop_map(Cond::Any), several.prop_map(Cond::All)]
    })
}

fn what() -> impl Strategy<Value = What> {
    let total = || prop::option::weighted(0.3, 0_usize..5);
    prop_oneof![
        10 => (name(), total(), prop::bool::weighted(0.1))
            .prop_map(|(name, total, is_last)| What::Part { name, total, is_last }),
        1 => Just(What::End),
        2 => (some_names(0), total()).prop_map(|(names, total)| What::Manifest { names, total }),
    ]
}

fn order() -> impl Strategy<Value = What> {
    let action = prop_oneof![
        1 => Just(GroupAction::Release),
        1 => Just(GroupAction::Discard),
        2 => Just(GroupAction::Hold),
        3 => Just(GroupAction::LetGo),
        2 => (0_u64..30).prop_map(|seconds| GroupAction::Extend { by_ms: seconds * 1_000 }),
        2 => name().prop_map(|part| GroupAction::Expect { part }),
        2 => name().prop_map(|part| GroupAction::Unexpect { part }),
    ];
    action.prop_map(What::Order)
}

/// A stream, in which one of so many steps is an order.
pub(super) fn stream(orders: u32) -> impl Strategy<Value = Vec<Happens>> {
    let what = if orders == 0 { what().boxed() } else { prop_oneof![2 => what(), orders => order()].boxed() };
    let key = prop::option::weighted(0.95, (0_u8..3).prop_map(|number| format!("k{number}")));
    let one = (delay(), key, what, fate(), any::<bool>());
    let one = one.prop_map(|(delay, key, what, fate, is_live)| Happens { delay, key, what, fate, is_live });
    prop::collection::vec(one, 0..60)
}

/// Returns what happens as steps of a router; an event's position is its place from 1.
pub(super) fn steps(stream: &[Happens]) -> Vec<Step> {
    let mut now = 0;
    let one = |(index, one): (usize, &Happens)| {
        now += one.delay;
        let position = index as u64 + 1;
        let publish = |kind: &str, mut data: serde_json::Value| {
            if let Some(key) = &one.key {
                data["k"] = json!(key);
            }
            Act::Publish(Box::new(event(now, position, kind, &data)))
        };
        let act = match &one.what {
            What::Part { name, total, is_last } => {
                publish("file", json!({"s": name, "total": total, "last": is_last}))
            }
            What::End => publish("end", json!({"last": true})),
            What::Manifest { names, total } => publish("manifest", json!({"names": names, "total": total})),
            What::Order(action) => Act::Order(one.key.clone().unwrap_or_default(), action.clone()),
        };
        Step { at: now, act, fate: one.fate, is_live: one.is_live }
    };
    stream.iter().enumerate().map(one).collect()
}
