//! What plain gathering means, in the fewest words: groups by key, looked at one after the other.

use std::collections::{BTreeMap, BTreeSet};

use api::GroupAction;

use super::events::{Cond, Happens, Says, What};
use super::rig::{Release, id};
use crate::config::{Duplicates, Late, Partial};
use crate::core::ledger::AggregationLedger;

pub(super) struct Model {
    pub(super) cond: Cond,
    pub(super) late: Late,
    pub(super) duplicates: Duplicates,
    pub(super) partial: Partial,
    pub(super) open: BTreeMap<String, Group>,
    /// The last group of each key that ended, if it was released.
    ended: BTreeMap<String, Option<Group>>,
    pub(super) releases: Vec<Release>,
    pub(super) ledger: AggregationLedger,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    first: u64,
    opened: i64,
    last: i64,
    /// Names and event ids.
    parts: Vec<(String, String)>,
    is_marked: bool,
    manifest: Option<Vec<String>>,
    totals: [Option<usize>; 3],
    is_held: bool,
    extended: i64,
    added: BTreeSet<String>,
    dropped: BTreeSet<String>,
}

impl Model {
    pub(super) fn new(cond: Cond, late: Late, duplicates: Duplicates, partial: Partial) -> Self {
        let (open, ended, releases) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let ledger = AggregationLedger::default();
        Self { cond, late, duplicates, partial, open, ended, releases, ledger }
    }

    pub(super) fn happens(&mut self, now: i64, position: u64, one: &Happens) {
        self.pass(now);
        match (&one.what, &one.key) {
            (What::Order(action), Some(key)) => self.order(now, key, action),
            (What::Part { .. }, None) => {
                self.ledger.offered += 1;
                self.ledger.discarded += 1;
                self.ledger.without_key += 1;
            }
            (What::Part { name, .. }, Some(key)) => self.part(now, position, (key, name, &one.what)),
            (what, Some(key)) if self.cond.looks_for(what) => self.notice(now, position, (key, what)),
            _ => {}
        }
        self.pass(now);
    }

    fn part(&mut self, now: i64, position: u64, (key, name, what): (&str, &str, &What)) {
        self.ledger.offered += 1;
        let part = (name.to_owned(), format!("e{position}"));
        if !self.open.contains_key(key) && self.late != Late::NewGroup && self.was_released(key) {
            return self.late(key, part);
        }
        let fresh = Group { first: position, opened: now, last: now, ..Group::default() };
        let group = self.open.entry(key.to_owned()).or_insert(fresh);
        group.read(what);
        if let Some(there) = group.parts.iter_mut().find(|there| there.0 == name) {
            self.ledger.duplicate += 1;
            if self.duplicates == Duplicates::Last {
                *there = part;
                group.last = now;
            }
        } else {
            group.parts.push(part);
            group.last = now;
        }
    }

    fn late(&mut self, key: &str, part: (String, String)) {
        self.ledger.late += 1;
        let shown = format!("{}={}", part.0, part.1);
        if self.late == Late::Side {
            let (kind, key) = ("out.late".to_owned(), key.to_owned());
            self.releases.push(Release { kind, key, parts: vec![shown], ..Release::default() });
        }
        if self.late == Late::Amend
            && let Some(Some(group)) = self.ended.get_mut(key)
            && group.parts.iter().all(|there| there.0 != part.0)
        {
            group.parts.push(part);
            self.ledger.amended += 1;
            self.ledger.revisions += 1;
            let release = group.release(&self.cond, key, "late");
            self.releases.push(Release { id: String::new(), ..release });
        }
    }

    /// An event that is no part opens a group only if it would not be the end of it.
    fn notice(&mut self, now: i64, position: u64, (key, what): (&str, &What)) {
        if let Some(group) = self.open.get_mut(key) {
            return group.read(what);
        }
        if self.late != Late::NewGroup && self.was_released(key) {
            return;
        }
        let mut group = Group { first: position, opened: now, last: now, ..Group::default() };
        group.read(what);
        if group.since(&self.cond, now).is_none() {
            self.open.insert(key.to_owned(), group);
        }
    }

    fn was_released(&self, key: &str) -> bool {
        matches!(self.ended.get(key), Some(Some(_)))
    }

    fn order(&mut self, now: i64, key: &str, action: &GroupAction) {
        let Some(group) = self.open.get_mut(key) else { return };
        match action {
            GroupAction::Release => self.end(key, "order", true),
            GroupAction::Discard => self.end(key, "order", false),
            GroupAction::Hold => group.is_held = true,
            GroupAction::LetGo => group.is_held = false,
            GroupAction::Extend { by_ms } => group.extended += i64::try_from(*by_ms).unwrap() / 1_000,
            GroupAction::Expect { part } => {
                group.dropped.remove(part);
                group.added.insert(part.clone());
            }
            GroupAction::Unexpect { part } => {
                group.added.remove(part);
                group.dropped.insert(part.clone());
            }
        }
        self.pass(now);
    }

    pub(super) fn pass(&mut self, now: i64) {
        for (key, group) in self.open.clone() {
            if let Some((since, by)) = group.since(&self.cond, now).filter(|_| !group.is_held) {
                let is_by_time = since > i64::MIN;
                let lacks = group.wanted(&self.cond).is_some_and(|wanted| !wanted.is_enough(&group));
                let is_discarded = self.partial == Partial::Discard && is_by_time && lacks;
                self.end(&key, by, !is_discarded);
            }
        }
    }

    fn end(&mut self, key: &str, by: &str, is_released: bool) {
        let group = self.open.remove(key).unwrap();
        // To hear that none came of the parts that a manifest named is worth a release.
        let is_named = group.manifest.is_some() && reads_names(&self.cond);
        let wanted = group.wanted(&self.cond).filter(|_| is_named);
        let lacks = wanted.is_some_and(|wanted| wanted.names.iter().any(|name| !group.holds(name)));
        if group.parts.is_empty() && !lacks {
            return;
        }
        if is_released {
            self.ledger.released += group.parts.len() as u64;
            self.ledger.releases += 1;
            self.releases.push(group.release(&self.cond, key, by));
        } else {
            self.ledger.discarded += group.parts.len() as u64;
        }
        self.ended.insert(key.to_owned(), is_released.then_some(group));
    }
}

fn reads_names(cond: &Cond) -> bool {
    match cond {
        Cond::Any(all) | Cond::All(all) => all.iter().any(reads_names),
        cond => matches!(cond, Cond::Manifest(..)),
    }
}

/// The names that a group waits for.
struct Wanted {
    names: Vec<String>,
    quorum: Option<usize>,
}

impl Wanted {
    fn is_enough(&self, group: &Group) -> bool {
        let there = self.names.iter().filter(|name| group.holds(name)).count();
        there >= self.quorum.unwrap_or(usize::MAX).min(self.names.len())
    }
}

impl Group {
    fn holds(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.0 == name)
    }

    /// What the first event says counts.
    fn read(&mut self, what: &What) {
        let mut says = |who: Says, total: &Option<usize>| {
            let known = &mut self.totals[who as usize];
            *known = known.or(total.filter(|total| *total > 0));
        };
        match what {
            What::Part { total, is_last, .. } => {
                says(Says::Any, total);
                if self.parts.is_empty() {
                    says(Says::First, total);
                }
                self.is_marked |= is_last;
            }
            What::End => self.is_marked = true,
            What::Manifest { names, total } => {
                says(Says::Manifest, total);
                self.manifest.get_or_insert_with(|| names.clone());
            }
            What::Order(_) => {}
        }
    }

    fn wanted(&self, cond: &Cond) -> Option<Wanted> {
        let (names, optional, quorum) = match cond {
            Cond::Any(all) | Cond::All(all) => return all.iter().find_map(|one| self.wanted(one)),
            Cond::Expected(names, optional, quorum) => (names, optional, quorum),
            Cond::Manifest(optional, quorum) => (self.manifest.as_ref()?, optional, quorum),
            _ => return None,
        };
        let added = self.added.iter().filter(|name| !names.contains(name));
        let is_wanted = |name: &&String| {
            !self.dropped.contains(*name) && (!optional.contains(name) || self.added.contains(*name))
        };
        let names = names.iter().chain(added).filter(is_wanted).cloned().collect();
        Some(Wanted { names, quorum: *quorum })
    }

    /// Returns since when a condition is met, and its name; `i64::MIN` where time has nothing to do with it.
    fn since(&self, cond: &Cond, now: i64) -> Option<(i64, &'static str)> {
        let by_events = |is_met: bool, name: &'static str| is_met.then_some((i64::MIN, name));
        let by_time = |due: i64, name: &'static str| (due <= now).then_some((due, name));
        match cond {
            Cond::Count(count) => by_events(self.parts.len() >= *count, "count"),
            Cond::Total(who) => {
                by_events(self.totals[*who as usize].is_some_and(|total| self.parts.len() >= total), "count")
            }
            Cond::Expected(..) | Cond::Manifest(..) => {
                by_events(self.wanted(cond).is_some_and(|wanted| wanted.is_enough(self)), "expected")
            }
            Cond::Marker => by_events(self.is_marked, "when"),
            Cond::Deadline(after) => by_time(self.opened + after + self.extended, "deadline"),
            Cond::Idle(gap) => by_time(self.last + gap, "idle"),
            Cond::Any(all) => all.iter().filter_map(|one| self.since(one, now)).min_by_key(|met| met.0),
            Cond::All(all) => {
                let met: Option<Vec<_>> = all.iter().map(|one| self.since(one, now)).collect();
                let met = met?;
                Some((met.iter().map(|met| met.0).max()?, met[0].1))
            }
        }
    }

    fn release(&self, cond: &Cond, key: &str, by: &str) -> Release {
        let missing = self.wanted(cond).map(|wanted| wanted.names).unwrap_or_default();
        Release {
            kind: "out".to_owned(),
            key: key.to_owned(),
            parts: self.shown(),
            missing: missing.into_iter().filter(|name| !self.holds(name)).collect(),
            by: by.to_owned(),
            id: id(key, self.first, None),
        }
    }

    pub(super) fn shown(&self) -> Vec<String> {
        self.parts.iter().map(|(name, event)| format!("{name}={event}")).collect()
    }
}
