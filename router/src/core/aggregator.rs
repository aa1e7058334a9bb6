//! [`Aggregator`]: one aggregation with its open groups and timers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use event::hop::{Link, Outcome};
use event::{Event, Step, Timestamp};

use super::action::{Action, Decision};
use super::condition::Condition;
use super::expression;
use super::facts::Facts;
use super::group::{Group, Marker, Part};
use super::ledger::AggregationLedger;
use super::release::Completed;
use super::rules::Interest;
use crate::config::{Aggregation, Late};

/// Released keys remembered per aggregation, so that late parts are known as such. Past it the oldest is forgotten,
/// and a part of that key opens a new group.
pub(crate) const KEYS_REMEMBERED_MAX: usize = 10_000;

/// One aggregation: its rule, its open groups, its timers, its ledger.
pub(crate) struct Aggregator {
    rule: Aggregation,
    condition: Condition,
    groups: BTreeMap<String, Group>,
    by_age: BTreeSet<(Timestamp, String)>,
    timers: BTreeSet<(Timestamp, String)>,
    due: HashMap<String, Timestamp>,
    remembered: HashMap<String, u64>,
    releases_in_order: BTreeMap<u64, String>,
    pub(crate) ledger: AggregationLedger,
}

/// Where and when an aggregation decides, and where its decisions go.
pub(crate) struct Site<'a> {
    /// The bus.
    pub(crate) bus: &'a str,
    /// The aggregation, by its place in the configuration.
    pub(crate) index: usize,
    /// The log's time.
    pub(crate) now: Timestamp,
    /// What was decided so far.
    pub(crate) decision: &'a mut Decision,
}

impl Aggregator {
    /// Returns an aggregation with no open groups.
    pub(crate) fn new(rule: &Aggregation) -> Self {
        Self {
            condition: Condition::new(&rule.complete),
            rule: rule.clone(),
            groups: BTreeMap::new(),
            by_age: BTreeSet::new(),
            timers: BTreeSet::new(),
            due: HashMap::new(),
            remembered: HashMap::new(),
            releases_in_order: BTreeMap::new(),
            ledger: AggregationLedger::default(),
        }
    }

    /// Returns its name.
    pub(crate) fn name(&self) -> &str {
        &self.rule.name
    }

    /// Returns whether an event is a release of this aggregation, which it does not gather again.
    pub(crate) fn emitted(&self, event: &Event) -> bool {
        event.source == self.rule.emit.source && event.kind == self.rule.emit.kind
    }

    /// Returns when its groups are complete.
    pub(crate) fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Returns the open groups by key.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// Returns when [`Aggregator::wake`] has something to do, if ever.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// Takes back a group that was saved, with its parts in order.
    pub(crate) fn restore_group(&mut self, head: Group, parts: Vec<Part>) {
        let mut group = Group::open(head.key.clone(), head.opened, head.first);
        for part in parts {
            group.add(part);
        }
        group.last_part = head.last_part;
        group.markers = head.markers;
        group.duplicates = head.duplicates;
        group.sampled = head.sampled;
        self.schedule(&group);
        self.by_age.insert((group.opened, group.key.clone()));
        self.groups.insert(group.key.clone(), group);
    }

    /// Takes back a released key that was saved.
    pub(crate) fn restore_key(&mut self, key: String, order: u64) {
        self.releases_in_order.insert(order, key.clone());
        self.remembered.insert(key, order);
    }

    /// Offers an event. Returns what became of it, unless it concerns no group.
    pub(crate) fn offer(
        &mut self,
        site: &mut Site<'_>,
        interest: &Interest,
        facts: &Facts<'_>,
    ) -> Option<Step> {
        let captures = expression::capture(&self.rule.key, facts);
        let key =
            captures.as_ref().and_then(|captures| expression::fill(&self.rule.key.key, captures, facts));
        let (Some(captures), Some(key)) = (captures, key) else {
            return interest.part.then(|| self.discard(String::new()));
        };
        let name = interest.part.then(|| match &self.rule.part {
            Some(template) => expression::fill(template, &captures, facts),
            None => Some(facts.stored.event.id.clone()),
        });
        match name.flatten() {
            Some(name) => Some(self.add_part(site, (key, name), &interest.markers, facts)),
            None if interest.markers.is_empty() => Some(self.discard(key)),
            None => Some(self.add_marker(site, key, &interest.markers, facts)),
        }
    }

    /// Completes every group whose time has come.
    pub(crate) fn wake(&mut self, site: &mut Site<'_>) {
        while let Some((due, key)) = self.timers.first().cloned() {
            if due > site.now {
                return;
            }
            self.timers.remove(&(due, key.clone()));
            self.due.remove(&key);
            self.settle(site, &key);
        }
    }

    fn discard(&mut self, key: String) -> Step {
        self.ledger.offered += 1;
        self.ledger.discarded += 1;
        self.offered(key, String::new(), Outcome::Discarded)
    }

    fn add_part(
        &mut self,
        site: &mut Site<'_>,
        (key, name): (String, String),
        markers: &[usize],
        facts: &Facts<'_>,
    ) -> Step {
        self.ledger.offered += 1;
        if !self.groups.contains_key(&key) && self.remembered.contains_key(&key) {
            self.ledger.late += 1;
            return self.offered(key, name, Outcome::Late);
        }
        let group = self.group(site, &key, facts.position);
        mark(group, markers, facts);
        let outcome = if group.holds(&name) {
            group.duplicates += 1;
            Outcome::Duplicate
        } else {
            group.sampled |= facts.stored.trace.sampled;
            let part = part(name.clone(), facts);
            let saved = Action::SavePart {
                aggregation: site.index,
                key: key.clone(),
                index: group.parts.len(),
                part: part.clone(),
            };
            group.add(part);
            site.decision.actions.push(saved);
            Outcome::Added
        };
        if outcome == Outcome::Duplicate {
            self.ledger.duplicate += 1;
        }
        let step = self.offered(key.clone(), name, outcome);
        self.settle(site, &key);
        step
    }

    /// A marker completes a group or waits in one. Without a group it opens one only where it could not complete it
    /// alone: a release of nothing helps nobody.
    fn add_marker(&mut self, site: &mut Site<'_>, key: String, markers: &[usize], facts: &Facts<'_>) -> Step {
        if !self.groups.contains_key(&key) {
            let mut alone = Group::open(key.clone(), site.now, facts.position);
            mark(&mut alone, markers, facts);
            let complete = self.condition.standing(&alone, site.now).met.is_some();
            if complete || self.remembered.contains_key(&key) {
                return self.offered(key, String::new(), Outcome::Marker);
            }
        }
        mark(self.group(site, &key, facts.position), markers, facts);
        let step = self.offered(key.clone(), String::new(), Outcome::Marker);
        self.settle(site, &key);
        step
    }

    /// Returns the open group of a key, opening it if need be and making room for it.
    fn group(&mut self, site: &mut Site<'_>, key: &str, position: u64) -> &mut Group {
        if !self.groups.contains_key(key) {
            if self.groups.len() >= self.rule.groups_max
                && let Some((_, oldest)) = self.by_age.first().cloned()
            {
                let reason = format!("limit: {} open groups", self.rule.groups_max);
                self.release(site, &oldest, &reason);
            }
            self.by_age.insert((site.now, key.to_owned()));
        }
        self.groups.entry(key.to_owned()).or_insert_with(|| Group::open(key.to_owned(), site.now, position))
    }

    /// Releases a group if it is complete; otherwise saves it and sets its timer.
    fn settle(&mut self, site: &mut Site<'_>, key: &str) {
        let Some(group) = self.groups.get(key) else { return };
        let standing = self.condition.standing(group, site.now);
        let full = group.parts.len() >= self.rule.parts_max;
        let limit = full.then(|| format!("limit: {} parts a group", self.rule.parts_max));
        if let Some(reason) = standing.met.or(limit) {
            self.release(site, key, &reason);
            return;
        }
        let head = group.head();
        self.schedule(&head);
        site.decision.actions.push(Action::SaveGroup { aggregation: site.index, group: Box::new(head) });
    }

    fn release(&mut self, site: &mut Site<'_>, key: &str, reason: &str) {
        let Some(group) = self.groups.remove(key) else { return };
        self.by_age.remove(&(group.opened, group.key.clone()));
        self.unschedule(key);
        self.ledger.releases += 1;
        self.ledger.released += group.parts.len() as u64;
        let completed =
            Completed { rule: &self.rule, condition: &self.condition, group: &group, reason, now: site.now };
        let (stored, hop) = completed.release(site.bus);
        let parts = group.parts.len();
        site.decision.actions.push(Action::CloseGroup {
            aggregation: site.index,
            key: key.to_owned(),
            parts,
        });
        if self.rule.late == Late::Discard {
            self.remember(site, key);
        }
        site.decision.actions.push(Action::Emit { release: Box::new(stored), hop: Box::new(hop) });
    }

    fn remember(&mut self, site: &mut Site<'_>, key: &str) {
        let aggregation = site.index;
        let order = self.releases_in_order.last_key_value().map_or(0, |(order, _)| order + 1);
        self.restore_key(key.to_owned(), order);
        site.decision.actions.push(Action::RememberKey { aggregation, key: key.to_owned(), order });
        if self.releases_in_order.len() > KEYS_REMEMBERED_MAX
            && let Some((_, key)) = self.releases_in_order.pop_first()
        {
            self.remembered.remove(&key);
            site.decision.actions.push(Action::ForgetKey { aggregation, key });
        }
    }

    fn schedule(&mut self, group: &Group) {
        self.unschedule(&group.key);
        if let Some(due) = self.condition.standing(group, Timestamp::EPOCH).due {
            self.timers.insert((due, group.key.clone()));
            self.due.insert(group.key.clone(), due);
        }
    }

    fn unschedule(&mut self, key: &str) {
        if let Some(due) = self.due.remove(key) {
            self.timers.remove(&(due, key.to_owned()));
        }
    }

    fn offered(&self, key: String, part: String, outcome: Outcome) -> Step {
        let received = self.groups.get(&key).map_or(0, |group| group.parts.len());
        let expected = self.condition.count();
        Step::Offered { aggregation: self.rule.name.clone(), key, part, outcome, received, expected }
    }
}

fn mark(group: &mut Group, places: &[usize], facts: &Facts<'_>) {
    for place in places {
        if !group.markers.iter().any(|marker| marker.place == *place) {
            group.markers.push(Marker { place: *place, event: facts.stored.event.id.clone() });
        }
    }
}

fn part(name: String, facts: &Facts<'_>) -> Part {
    let event = &facts.stored.event;
    let trace = &facts.stored.trace;
    Part {
        name,
        event: event.id.clone(),
        source: event.source.clone(),
        kind: event.kind.clone(),
        time: event.time.clone(),
        position: facts.position,
        received: facts.stored.received,
        link: Link { trace: trace.trace, span: trace.span },
    }
}
