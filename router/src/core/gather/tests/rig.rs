//! A core that is committed, crashes and is restored as a pipeline does it, and what it told.

use std::collections::BTreeSet;
use std::fmt::Write;

use api::{GroupAction, HandlingRecord};
use bytes::Bytes;
use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::Stored;
use event::{Data, Event, SpanId, Timestamp, TraceContext, TraceId};
use proptest::prelude::*;
use serde_json::Value;
use store::{Memory, Options, Partition, Position};
use tokio::runtime::{Builder, Runtime};

use crate::config::{Aggregation, Config};
use crate::core::gather::release;
use crate::core::ledger::AggregationLedger;
use crate::core::{Action, Core, Decision};
use crate::state::changes::{Changes, SavedLedgers};
use crate::state::restore;

pub(super) const BUS: &str = "default";
pub(super) const NAME: &str = "days";

/// Something that happens, and what becomes of the router after it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: i64,
    pub(super) act: Act,
    pub(super) fate: Fate,
    /// Whether timers fire at their own times until then, or only then, as after a downtime.
    pub(super) is_live: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Publish(Box<Stored>),
    Order(String, GroupAction),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    GoOn,
    Commit,
    /// It is committed, and the router starts anew.
    Restart,
    /// What was not committed is lost, and the same events are read again.
    Lose,
}

/// What was put on the bus.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Release {
    pub(super) kind: String,
    pub(super) key: String,
    /// `name=event id`, in order.
    pub(super) parts: Vec<String>,
    pub(super) missing: Vec<String>,
    pub(super) by: String,
    /// For a release that is no revision.
    pub(super) id: String,
}

pub(super) struct Rig {
    rules: Vec<Aggregation>,
    core: Core,
    partition: Memory,
    runtime: Runtime,
    saved: SavedLedgers,
    told: Vec<Stored>,
    /// What was told before the last commit.
    kept: Vec<Stored>,
    /// Every decision, in words.
    pub(super) log: String,
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

/// Reads a configuration's only aggregation.
pub(super) fn rule(keys: &str) -> Aggregation {
    let text = format!("[[aggregation]]\nname = \"{NAME}\"\nemit = {{ type = \"out\" }}\n{keys}\n");
    let config = Config::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error:?}\n{text}")).0;
    config.aggregations.into_iter().next().unwrap()
}

pub(super) fn event(seconds: i64, position: u64, kind: &str, data: &Value) -> Stored {
    let mut event = Event::new(format!("e{position}"), "/files", kind);
    event.data = Some(Data::Json(Bytes::from(data.to_string())));
    let trace = TraceContext { trace: TraceId([1; 16]), span: SpanId([2; 8]), parent: None, sampled: false };
    Stored::new(at(seconds), Via::HttpStructured, trace, event)
}

/// Mostly short delays, seldom hours.
pub(super) fn delay() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 8 => 1_i64..8, 2 => 8_i64..40, 1 => 3_600_i64..20_000]
}

pub(super) fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        12 => Just(Fate::GoOn),
        3 => Just(Fate::Commit),
        2 => Just(Fate::Restart),
        2 => Just(Fate::Lose)
    ]
}

/// The id of a group's release.
pub(super) fn id(key: &str, first: u64, window: Option<i64>) -> String {
    release::id(BUS, NAME, key, (first, window.map(at))).to_string()
}

impl Rig {
    pub(super) fn new(rule: Aggregation) -> Self {
        let rules = vec![rule];
        Self {
            core: core(&rules),
            rules,
            partition: Memory::new(Options::default()),
            runtime: Builder::new_current_thread().build().unwrap(),
            saved: SavedLedgers::default(),
            told: Vec::new(),
            kept: Vec::new(),
            log: String::new(),
        }
    }

    pub(super) fn core(&mut self) -> &mut Core {
        &mut self.core
    }

    pub(super) fn ledger(&self) -> AggregationLedger {
        self.core.aggregators()[0].ledger()
    }

    /// Takes all steps, with what becomes of the router after each, and looks at it there.
    pub(super) fn run(&mut self, steps: &[Step], mut look: impl FnMut(usize, &Self)) {
        let mut committed = 0;
        for (index, step) in steps.iter().enumerate() {
            self.take(step);
            match step.fate {
                Fate::GoOn => {}
                Fate::Commit => self.commit(),
                Fate::Restart => {
                    self.commit();
                    self.restart();
                }
                Fate::Lose => {
                    self.restart();
                    for lost in &steps[committed..=index] {
                        self.take(&Step { is_live: false, ..lost.clone() });
                    }
                }
            }
            if matches!(step.fate, Fate::Commit | Fate::Restart) {
                committed = index + 1;
            }
            look(index, self);
        }
    }

    fn take(&mut self, step: &Step) {
        self.pass(step.at, step.is_live);
        let decision = match &step.act {
            Act::Publish(stored) => self.core.step(at(step.at), position(stored), stored),
            Act::Order(group, action) => {
                let (by, why, action) = ("ann".to_owned(), "so".to_owned(), action.clone());
                let record = HandlingRecord { at: at(step.at), by, why, action };
                self.core
                    .handle(0, (at(step.at), group), &record)
                    .map_or_else(|_| Decision::default(), |done| done.1)
            }
        };
        self.note(decision);
        self.balance();
    }

    /// Lets time pass: timers fire at their own times, or all at the end.
    pub(super) fn pass(&mut self, until: i64, is_live: bool) {
        let mut rounds = 0;
        while let Some(due) = self.core.next_wake().filter(|due| *due <= at(until)) {
            let decision = self.core.wake(if is_live { due } else { at(until) });
            self.note(decision);
            self.balance();
            rounds += 1;
            assert!(rounds < 10_000, "a timer is due for ever");
        }
    }

    fn note(&mut self, decision: Decision) {
        write!(self.log, "{decision:?}").unwrap();
        self.told.extend(decision.actions.into_iter().filter_map(|action| match action {
            Action::Emit { release, .. } => Some(*release),
            _ => None,
        }));
    }

    fn balance(&self) {
        let ledger = self.ledger();
        let open = self.core.aggregators()[0].open_parts();
        let accounted = ledger.released + ledger.late + ledger.duplicate + ledger.discarded + open;
        assert_eq!(ledger.offered, accounted, "{ledger:?} with {open} open");
    }

    pub(super) fn commit(&mut self) {
        let mut changes = Changes::default();
        changes.gathered(&mut self.core);
        changes.ledgers(&self.core, &mut self.saved);
        let tx = store::Tx { applied: None, ..changes.into_tx(Position(0)) };
        self.runtime.block_on(self.partition.commit(tx)).unwrap();
        self.kept.append(&mut self.told);
    }

    /// Starts anew from what was committed.
    pub(super) fn restart(&mut self) {
        self.told.clear();
        self.core = core(&self.rules);
        self.runtime.block_on(restore::core(&mut self.core, &self.partition)).unwrap();
        self.saved = SavedLedgers::default();
    }

    /// Returns what was put on the bus, in order.
    pub(super) fn stored(&self) -> Vec<&Stored> {
        self.kept.iter().chain(&self.told).collect()
    }

    /// Returns what was told, in the order in which it was told; every id of it is its own.
    pub(super) fn releases(&self) -> Vec<Release> {
        let told = self.stored();
        let ids: BTreeSet<&str> = told.iter().map(|stored| &*stored.event.id).collect();
        assert_eq!(ids.len(), told.len(), "an id was given twice");
        told.into_iter().map(read).collect()
    }

    /// Returns the open groups: their keys and parts, sorted.
    pub(super) fn open(&self) -> Vec<(String, Vec<String>)> {
        let groups = self.core.aggregators()[0].groups(BUS, Timestamp::EPOCH, 1_000);
        let parts = |group: &api::GroupStatus| {
            group.parts.iter().map(|part| format!("{}={}", part.name, part.event)).collect()
        };
        let mut open: Vec<_> = groups.iter().map(|group| (group.key.clone(), parts(group))).collect();
        open.sort();
        open
    }
}

fn core(rules: &[Aggregation]) -> Core {
    let identity = Identity { account: "0".to_owned(), region: "r".to_owned() };
    Core::of_aggregations(BUS, identity, rules)
}

fn position(stored: &Stored) -> u64 {
    stored.event.id[1..].parse().unwrap()
}

pub(super) fn payload(stored: &Stored) -> Value {
    serde_json::from_slice(stored.event.json().unwrap()).unwrap()
}

pub(super) fn names(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect()
}

fn read(stored: &Stored) -> Release {
    let payload = payload(stored);
    let text = |name: &str| payload[name].as_str().unwrap_or_default().to_owned();
    let part = |part: &Value| format!("{}={}", part["name"].as_str().unwrap(), part["id"].as_str().unwrap());
    let kind = stored.event.kind.to_string();
    let parts = match kind.as_str() {
        "out.late" => vec![format!("{}={}", text("part"), text("id"))],
        _ => payload["parts"].as_array().into_iter().flatten().map(part).collect(),
    };
    let is_first = kind == "out" && payload["revision"].is_null();
    Release {
        key: text("key"),
        parts,
        missing: names(&payload["missing"]),
        by: text("completed_by"),
        id: if is_first { stored.event.id.to_string() } else { String::new() },
        kind,
    }
}
