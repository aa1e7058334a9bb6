//! Gathers: events that belong together and arrive apart become one, or are put in sequence.
//!
//! An [`Aggregator`] finds an event's key and name and hands it to its [`groups`], or to its [`sequences`]. They decide by
//! the log's time, put what they release on the bus, and say at the next commit what must be saved.
//!
//! # Layout
//! * [`rule`]: a configuration in the form in which it is asked
//! * [`table`]: what is known of each key, and when to look at it again
//! * [`group`]: one group in flight; [`ended`]: how one ended
//! * [`place`]: how an event finds its group; [`offer`], [`late`], [`room`]: what becomes of it there
//! * [`groups`]: when groups end; [`condition`], [`expected`], [`measure`], [`time`]: by what
//! * [`release`], [`emit`], [`merge`], [`aside`]: what is told of them
//! * [`sequences`], [`sequence`]: single events put in sequence
//! * [`handle`]: what somebody does to a group; [`status`], [`words`], [`usual`]: what somebody sees of it
//! * [`save`], [`codec`]: what is kept of all this

pub(crate) mod aside;
pub(crate) mod codec;
pub(crate) mod condition;
pub(crate) mod emit;
pub(crate) mod ended;
pub(crate) mod expected;
pub(crate) mod group;
pub(crate) mod groups;
pub(crate) mod handle;
pub(crate) mod late;
pub(crate) mod measure;
pub(crate) mod merge;
pub(crate) mod offer;
pub(crate) mod place;
pub(crate) mod release;
pub(crate) mod room;
pub(crate) mod rule;
pub(crate) mod save;
pub(crate) mod sequence;
pub(crate) mod sequences;
pub(crate) mod status;
pub(crate) mod table;
#[cfg(test)]
mod tests;
pub(crate) mod time;
pub(crate) mod usual;
pub(crate) mod words;

use api::FieldReason;
use event::hop::{Outcome, Via};
use event::stored::Stored;
use event::{Step, Text, Timestamp};

use self::groups::Groups;
use self::offer::{Offer, Offered};
use self::place::Seek;
use self::rule::{Rule, Watch};
use self::sequences::Sequences;
use super::action::{Action, Decision};
use super::expression;
use super::facts::Facts;
use super::ledger::AggregationLedger;
use super::rules::Interest;
use crate::config::{Aggregation, AtLimit, Unplaced};

/// One aggregation: its rule, what it holds, its ledger.
pub(crate) struct Aggregator {
    rule: Rule,
    held: Held,
    ledger: AggregationLedger,
}

/// What an aggregation holds.
enum Held {
    Groups(Box<Groups>),
    Sequences(Box<Sequences>),
}

/// Where and when an aggregation decides, and where its decisions go.
pub(crate) struct Site<'a> {
    /// The bus.
    pub(crate) bus: &'a Text,
    /// The aggregation, by its place in the configuration.
    pub(crate) index: usize,
    /// The log's time.
    pub(crate) now: Timestamp,
    /// When the router started.
    pub(crate) started: Timestamp,
    /// What was decided so far.
    pub(crate) decision: &'a mut Decision,
}

/// What a decision of one aggregation needs beside what it holds.
pub(crate) struct Scope<'a, 's> {
    pub(crate) rule: &'a Rule,
    pub(crate) ledger: &'a mut AggregationLedger,
    pub(crate) site: &'a mut Site<'s>,
}

impl Aggregator {
    /// Returns an aggregation that holds nothing.
    pub(crate) fn new(config: &Aggregation) -> Self {
        let rule = Rule::new(config);
        let held = match rule.resequence() {
            Some(_) => Held::Sequences(Box::new(Sequences::new())),
            None => Held::Groups(Box::new(Groups::new())),
        };
        Self { rule, held, ledger: AggregationLedger::default() }
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &Text {
        &self.rule.name
    }

    /// Returns its configuration.
    pub(crate) fn config(&self) -> &Aggregation {
        &self.rule.config
    }

    /// Returns its ledger.
    pub(crate) fn ledger(&self) -> AggregationLedger {
        self.ledger
    }

    /// Takes back the ledger that was saved.
    pub(crate) fn restore_ledger(&mut self, ledger: AggregationLedger) {
        self.ledger = ledger;
    }

    /// Returns whether it put an event on the bus itself, maybe one that is replayed: it does not gather that again.
    pub(crate) fn made(&self, bus: &str, stored: &Stored) -> bool {
        let emit = &self.rule.config.emit;
        let event = &stored.event;
        let rest = event.kind.strip_prefix(emit.kind.as_str());
        let is_like = *event.source == *emit.source
            && rest.is_some_and(|rest| ["", ".early", ".warning", ".late", ".gap"].contains(&rest));
        let came_by =
            || stored.path.rsplit(',').next().and_then(|place| place.strip_prefix(bus)?.strip_prefix(':'));
        match stored.via {
            Via::Release => is_like,
            Via::Replay => is_like && came_by() == Some(&self.rule.name),
            _ => false,
        }
    }

    /// Returns about how much must be saved of it, in bytes.
    pub(crate) fn unsaved(&self) -> usize {
        match &self.held {
            Held::Groups(groups) => groups.unsaved,
            Held::Sequences(sequences) => sequences.unsaved,
        }
    }

    /// Returns how many groups are open, or sequences wait for what is missing.
    pub(crate) fn open_groups(&self) -> usize {
        match &self.held {
            Held::Groups(groups) => groups.open_groups(),
            Held::Sequences(sequences) => sequences.holding(),
        }
    }

    /// Returns how many parts are in open groups.
    pub(crate) fn open_parts(&self) -> u64 {
        match &self.held {
            Held::Groups(groups) => groups.open_parts,
            Held::Sequences(sequences) => sequences.held(),
        }
    }

    /// Returns when [`Aggregator::wake`] has something to do, if ever.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        match &self.held {
            Held::Groups(groups) => groups.table.next_wake(),
            Held::Sequences(sequences) => sequences.next_wake(),
        }
    }

    /// Does what is due, as much as fits one commit.
    pub(crate) fn wake(&mut self, site: &mut Site<'_>) {
        let mut scope = Scope { rule: &self.rule, ledger: &mut self.ledger, site };
        match &mut self.held {
            Held::Groups(groups) => groups.wake(&mut scope),
            Held::Sequences(sequences) => sequences.wake(&mut scope),
        }
    }

    /// Offers an event. Returns what became of it in each group that it concerns.
    pub(crate) fn offer(&mut self, site: &mut Site<'_>, interest: &Interest, facts: &Facts<'_>) -> Vec<Step> {
        let mut steps = Vec::new();
        let (own, shared): (Vec<usize>, Vec<usize>) =
            interest.markers.iter().partition(|at| self.rule.watches[**at].key().is_some());
        for at in own {
            steps.extend(self.notice_own(site, at, facts));
        }
        if interest.part || !shared.is_empty() {
            self.offer_keyed(site, (interest.part, &shared), facts, &mut steps);
        }
        steps
    }

    fn offer_keyed(
        &mut self,
        site: &mut Site<'_>,
        (is_part, watches): (bool, &[usize]),
        facts: &Facts<'_>,
        steps: &mut Vec<Step>,
    ) {
        let mut scope = Scope { rule: &self.rule, ledger: &mut self.ledger, site };
        let config = &self.rule.config;
        let Some((key, captures)) = expression::key(&config.key, facts) else {
            if is_part {
                steps.push(unplaced(&mut scope, "it has no key"));
            }
            return;
        };
        let name = is_part.then(|| match &config.part {
            Some(template) => expression::fill(template, &captures, facts),
            None => Some(facts.stored.event.id.to_string()),
        });
        let name = name.flatten();
        if name.is_none() && watches.is_empty() {
            steps.push(unplaced(&mut scope, "it has no part's name"));
            return;
        }
        let at = self.rule.time_of(facts, scope.site.now);
        let offer = Offer { key: &key, name: name.as_deref(), captures: &captures, facts, watches, at };
        let offered = match &mut self.held {
            Held::Groups(groups) if name.is_some() => groups.offer(&mut scope, &offer),
            Held::Groups(groups) => vec![groups.notice(&mut scope, &offer)],
            Held::Sequences(sequences) => vec![sequences.offer(&mut scope, &offer)],
        };
        steps.extend(offered.into_iter().map(|one| step(&mut scope, &key, name.as_deref(), one)));
    }

    /// Takes note of an event whose group is found in a way of its own.
    fn notice_own(&mut self, site: &mut Site<'_>, at: usize, facts: &Facts<'_>) -> Option<Step> {
        let Held::Groups(groups) = &mut self.held else { return None };
        let Some((key, captures)) = expression::key(self.rule.watches[at].key()?, facts) else {
            let mut scope = Scope { rule: &self.rule, ledger: &mut self.ledger, site };
            if self.rule.config.on_missing_key == Unplaced::DeadLetter {
                dead_letter(&mut scope, "it has no key".to_owned());
            }
            return Some(without_group(&self.rule));
        };
        let (watches, at) = ([at], self.rule.time_of(facts, site.now));
        let offer = Offer { key: &key, name: None, captures: &captures, facts, watches: &watches, at };
        let mut scope = Scope { rule: &self.rule, ledger: &mut self.ledger, site };
        let noticed = groups.notice(&mut scope, &offer);
        Some(step(&mut scope, &key, None, noticed))
    }

    /// Returns whether there may be something that an event must wait for.
    pub(crate) fn may_wait(&self) -> bool {
        self.rule.config.limits.at_limit == AtLimit::Wait
    }

    /// Returns what an event must wait for before it is offered: room, where the rule says that the bus waits for it.
    pub(crate) fn must_wait(&self, now: Timestamp, interest: &Interest, facts: &Facts<'_>) -> Option<String> {
        if !self.may_wait() {
            return None;
        }
        let groups = match &self.held {
            Held::Groups(groups) => groups,
            Held::Sequences(sequences) => {
                let (key, captures) = expression::key(&self.rule.config.key, facts)?;
                return sequences.must_wait(&self.rule, &key, (&captures, facts));
            }
        };
        let at = self.rule.time_of(facts, now);
        let seek = Seek { rule: &self.rule, now, position: facts.position, at };
        let own = interest.markers.iter().map(|at| self.rule.watches[*at].key());
        let shared = interest.part.then_some(None);
        let mut keys = own.chain(shared).map(|key| key.unwrap_or(&self.rule.config.key));
        keys.find_map(|expressions| {
            let (key, _) = expression::key(expressions, facts)?;
            groups.must_wait(&seek, &key, interest.part)
        })
    }

    /// Returns the key and the part's name that an event has, or why it has none.
    pub(crate) fn explain(&self, facts: &Facts<'_>) -> Vec<FieldReason> {
        let config = &self.rule.config;
        let found = expression::key(&config.key, facts);
        let paths = |expression: &crate::config::KeyExpression| {
            let paths: Vec<String> = expression.paths.iter().map(|path| path.join(".")).collect();
            let capture =
                expression.capture.as_ref().map(|regex| format!(" that matches {}", regex.as_str()));
            format!("a value at {}{}", paths.join(" or "), capture.unwrap_or_default())
        };
        let wanted: Vec<String> = config.key.iter().map(paths).collect();
        let reason = |path: &str, wanted: String, found: Option<String>| FieldReason {
            path: path.to_owned(),
            wanted,
            matched: found.is_some(),
            found: found.unwrap_or_else(|| "nothing of that form".to_owned()),
            closest: None,
        };
        let name = config
            .part
            .as_ref()
            .map(|part| found.as_ref().and_then(|(_, captures)| expression::fill(part, captures, facts)));
        let key = reason("(key)", wanted.join(", and "), found.map(|(key, _)| key));
        let part = name.map(|name| reason("(part)", "a name of the part".to_owned(), name));
        std::iter::once(key).chain(part).collect()
    }

    /// Counts an event that must not be a part, because it goes round.
    pub(crate) fn refuse(&mut self) -> Step {
        self.ledger.offered += 1;
        self.ledger.discarded += 1;
        without_group(&self.rule)
    }
}

/// Counts an event that belongs to no group.
fn unplaced(scope: &mut Scope<'_, '_>, reason: &str) -> Step {
    scope.ledger.offered += 1;
    scope.ledger.discarded += 1;
    scope.ledger.without_key += 1;
    if scope.rule.config.on_missing_key == Unplaced::DeadLetter {
        dead_letter(scope, reason.to_owned());
    }
    without_group(scope.rule)
}

fn dead_letter(scope: &mut Scope<'_, '_>, reason: String) {
    let aggregation = scope.site.index;
    scope.site.decision.actions.push(Action::RefusePart { aggregation, reason });
}

fn without_group(rule: &Rule) -> Step {
    Step::Offered {
        aggregation: Text::clone(&rule.name),
        key: String::new(),
        part: String::new(),
        outcome: Outcome::Discarded,
        received: 0,
        expected: None,
    }
}

fn step(scope: &mut Scope<'_, '_>, key: &str, name: Option<&str>, offered: Offered) -> Step {
    if let Some(reason) = offered.refused {
        dead_letter(scope, reason);
    }
    Step::Offered {
        aggregation: Text::clone(&scope.rule.name),
        key: key.to_owned(),
        part: name.unwrap_or_default().to_owned(),
        outcome: offered.outcome,
        received: offered.received,
        expected: offered.expected,
    }
}

/// Returns what a completion looks for in events that are no parts, by its place.
pub(crate) fn watched(config: &Aggregation) -> Vec<(usize, pattern::Pattern)> {
    let rule = Rule::new(config);
    let watches = rule.watches.iter().enumerate();
    watches.filter_map(|(at, watch): (usize, &Watch)| Some((at, watch.pattern()?.clone()))).collect()
}
