//! [`Aggregator`]: one aggregation with its open groups and timers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api::FieldReason;
use event::hop::{Link, Outcome};
use event::{Event, Step, Text, Timestamp};

use super::action::{Action, Decision};
use super::condition::Condition;
use super::expression;
use super::facts::Facts;
use super::group::{Group, Marker, Part};
use super::ledger::AggregationLedger;
use super::passed;
use super::release::Completed;
use super::rules::Interest;
use crate::config::{Aggregation, Late};

/// Released keys remembered per aggregation, so that late parts are known as such. Past it the oldest is forgotten,
/// and a part of that key opens a new group.
pub(crate) const KEYS_REMEMBERED_MAX: usize = 10_000;

/// What the parts of one group may take; past it the group is released, so that a release stays an event of a sane size.
pub(crate) const GROUP_BYTES_MAX: usize = 4 << 20;
/// Groups that one call of [`Aggregator::wake`] completes; the others are still due, for the next call.
const WAKE_GROUPS_MAX: usize = 1_024;
/// What the groups that one call completes may take together, likewise.
const WAKE_BYTES_MAX: usize = 8 << 20;

/// One aggregation: its rule, its open groups, its timers, its ledger.
pub(crate) struct Aggregator {
    rule: Aggregation,
    condition: Condition,
    name: Text,
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
    pub(crate) bus: &'a Text,
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
            name: rule.name.as_str().into(),
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
        &self.name
    }

    /// Returns whether an event is a release of this aggregation, which it does not gather again.
    pub(crate) fn emitted(&self, event: &Event) -> bool {
        *event.source == *self.rule.emit.source && *event.kind == *self.rule.emit.kind
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
        group.path = head.path;
        // Under the rule that it was saved with, no group is complete when its last part came.
        let at = group.last_part;
        let due = self.condition.met(&group, at).map(|_| at).or_else(|| self.condition.next(&group, at));
        self.schedule(&group.key, due);
        self.by_age.insert((group.opened, group.key.clone()));
        self.groups.insert(group.key.clone(), group);
    }

    /// Takes back a released key that was saved, if the rule still asks for it.
    pub(crate) fn restore_key(&mut self, key: String, order: u64) {
        if self.rule.late == Late::NewGroup {
            return;
        }
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
            None => Some(facts.stored.event.id.to_string()),
        });
        match name.flatten() {
            Some(name) => Some(self.add_part(site, (key, name), &interest.markers, facts)),
            None if interest.markers.is_empty() => Some(self.discard(key)),
            None => Some(self.add_marker(site, key, &interest.markers, facts)),
        }
    }

    /// Completes the groups whose time has come, as many as fit one commit.
    pub(crate) fn wake(&mut self, site: &mut Site<'_>) {
        let mut bytes = 0;
        for _ in 0..WAKE_GROUPS_MAX {
            let Some((_, key)) = self.timers.first().filter(|(due, _)| *due <= site.now).cloned() else {
                return;
            };
            bytes += self.groups.get(&key).map_or(0, Group::bytes);
            self.settle(site, &key);
            if bytes > WAKE_BYTES_MAX {
                return;
            }
        }
    }

    /// Returns the key and the part's name that an event has, or why it has none.
    pub(crate) fn explain(&self, facts: &Facts<'_>) -> Vec<FieldReason> {
        let captures = expression::capture(&self.rule.key, facts);
        let fill =
            |template| captures.as_ref().and_then(|captures| expression::fill(template, captures, facts));
        let reason = |path: &str, wanted: String, found: Option<String>| FieldReason {
            path: path.to_owned(),
            wanted,
            matched: found.is_some(),
            found: found.unwrap_or_else(|| "nothing of that form".to_owned()),
            closest: None,
        };
        let capture = self.rule.key.capture.as_ref().map(|regex| format!(" that matches {}", regex.as_str()));
        let wanted = format!("a value at {}{}", self.rule.key.path.join("."), capture.unwrap_or_default());
        let key = reason("(key)", wanted, fill(&self.rule.key.key));
        let part =
            self.rule.part.as_ref().map(|part| reason("(part)", "a name of the part".to_owned(), fill(part)));
        std::iter::once(key).chain(part).collect()
    }

    /// Counts an event that must not be a part, because it goes round.
    pub(crate) fn refuse(&mut self) -> Step {
        self.discard(String::new())
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
            if passed(&facts.stored.path) > passed(&group.path) {
                group.path.clone_from(&facts.stored.path);
            }
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
        self.settle_or_save(site, &key);
        step
    }

    /// A marker completes a group or waits in one. Without a group it opens one only where it could not complete it
    /// alone: a release of nothing helps nobody.
    fn add_marker(&mut self, site: &mut Site<'_>, key: String, markers: &[usize], facts: &Facts<'_>) -> Step {
        if !self.groups.contains_key(&key) {
            let mut alone = Group::open(key.clone(), site.now, facts.position);
            mark(&mut alone, markers, facts);
            let complete = self.condition.met(&alone, site.now).is_some();
            if complete || self.remembered.contains_key(&key) {
                return self.offered(key, String::new(), Outcome::Marker);
            }
        }
        mark(self.group(site, &key, facts.position), markers, facts);
        let step = self.offered(key.clone(), String::new(), Outcome::Marker);
        self.settle_or_save(site, &key);
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

    /// Settles a group that changed, and saves it if it stays open.
    fn settle_or_save(&mut self, site: &mut Site<'_>, key: &str) {
        self.settle(site, key);
        if let Some(group) = self.groups.get(key) {
            let group = Box::new(group.head());
            site.decision.actions.push(Action::SaveGroup { aggregation: site.index, group });
        }
    }

    /// Releases a group if it is complete; otherwise sets its timer.
    fn settle(&mut self, site: &mut Site<'_>, key: &str) {
        let Some(group) = self.groups.get(key) else { return };
        if let Some(reason) = self.condition.met(group, site.now).or_else(|| self.limit(group)) {
            self.release(site, key, &reason);
        } else {
            let next = self.condition.next(group, site.now);
            self.schedule(key, next);
        }
    }

    fn limit(&self, group: &Group) -> Option<String> {
        let parts = group.parts.len() >= self.rule.parts_max;
        let bytes = group.bytes() >= GROUP_BYTES_MAX;
        parts
            .then(|| format!("limit: {} parts a group", self.rule.parts_max))
            .or_else(|| bytes.then(|| format!("limit: {GROUP_BYTES_MAX} bytes a group")))
    }

    /// Ends a group with a release; one of markers alone ends without.
    fn release(&mut self, site: &mut Site<'_>, key: &str, reason: &str) {
        let Some(group) = self.groups.remove(key) else { return };
        self.by_age.remove(&(group.opened, group.key.clone()));
        self.schedule(key, None);
        let parts = group.parts.len();
        let closed = Action::CloseGroup { aggregation: site.index, key: key.to_owned(), parts };
        site.decision.actions.push(closed);
        if parts == 0 {
            return;
        }
        self.ledger.releases += 1;
        self.ledger.released += group.parts.len() as u64;
        let completed =
            Completed { rule: &self.rule, condition: &self.condition, group: &group, reason, now: site.now };
        let (stored, hop) = completed.release(site.bus);
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

    /// Sets a group's timer in place of the one it had.
    fn schedule(&mut self, key: &str, due: Option<Timestamp>) {
        if let Some(earlier) = self.due.remove(key) {
            self.timers.remove(&(earlier, key.to_owned()));
        }
        if let Some(due) = due {
            self.timers.insert((due, key.to_owned()));
            self.due.insert(key.to_owned(), due);
        }
    }

    fn offered(&self, key: String, part: String, outcome: Outcome) -> Step {
        let received = self.groups.get(&key).map_or(0, |group| group.parts.len());
        let expected = self.condition.count();
        Step::Offered { aggregation: Text::clone(&self.name), key, part, outcome, received, expected }
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
