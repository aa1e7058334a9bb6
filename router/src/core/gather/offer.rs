//! How an event finds its group, and what becomes of it there.

use std::collections::BTreeSet;

use event::hop::{Link, Outcome};
use event::{Text, Timestamp};

use super::Scope;
use super::group::{Group, ManifestRead, Marker, Part, PartMore, Span, hash};
use super::groups::{self, Cause, Gone, Groups, Keyed, UNSAVED_MIN};
use super::measure;
use super::place::{Place, Seek};
use super::room::{is_full, is_too_much, limit, refused};
use super::rule::{Rule, Watch};
use super::table::Slot;
use super::time::Watermark;
use crate::config::{AtLimit, Duplicates, Time};
use crate::core::expression::{self, Captures};
use crate::core::facts::Facts;
use crate::core::passed;

/// An event with its key and its name.
pub(super) struct Offer<'a, 'f> {
    pub(super) key: &'a str,
    /// Its name in the group; none for an event that is no part.
    pub(super) name: Option<&'a str>,
    pub(super) captures: &'a Captures<'a>,
    pub(super) facts: &'a Facts<'f>,
    /// What the completion looks for and it is, by its place.
    pub(super) watches: &'a [usize],
    /// Its time, by the clock that counts.
    pub(super) at: Timestamp,
}

impl Offer<'_, '_> {
    fn seek<'r>(&self, scope: &Scope<'r, '_>) -> Seek<'r> {
        Seek { rule: scope.rule, now: scope.site.now, position: self.facts.position, at: self.at }
    }
}

/// What became of an event in one group.
pub(super) struct Offered {
    pub(super) outcome: Outcome,
    pub(super) received: usize,
    pub(super) expected: Option<usize>,
    /// Why it is kept with the dead letters, if it is.
    pub(super) refused: Option<String>,
}

impl Groups {
    /// Offers a part to the groups that it belongs to.
    pub(super) fn offer(&mut self, scope: &mut Scope<'_, '_>, offer: &Offer<'_, '_>) -> Vec<Offered> {
        self.catch_up(scope, offer.key);
        if let Some(reason) = too_many_names(scope.rule, offer) {
            scope.ledger.offered += 1;
            return vec![refused(scope, reason)];
        }
        let windows = offer.seek(scope).windows();
        let mut offered = Vec::with_capacity(windows.len());
        for window in windows {
            scope.ledger.offered += 1;
            let slot = self.table.enter(offer.key, Keyed::default);
            // Asked anew for every window: room that is made for one of them may end another.
            offered.push(match self.place(scope, slot, (window, offer)) {
                Place::Late(order) => self.add_late(scope, (slot, order, window), offer),
                Place::Open(id) => {
                    self.bridge(scope, slot, offer);
                    self.add(scope, (slot, id), offer)
                }
                Place::New(id, window) => match self.make_room(scope) {
                    Ok(()) => {
                        let slot = self.open(scope, (id, window), offer);
                        self.add(scope, (slot, id), offer)
                    }
                    Err(reason) => refused(scope, reason),
                },
            });
        }
        self.pass(scope, offer);
        offered
    }

    /// Takes note of an event that is no part. One that could not complete a group alone opens one: a release of
    /// nothing helps nobody.
    pub(super) fn notice(&mut self, scope: &mut Scope<'_, '_>, offer: &Offer<'_, '_>) -> Offered {
        let mut no_room = too_many_names(scope.rule, offer);
        self.catch_up(scope, offer.key);
        for window in offer.seek(scope).windows() {
            if no_room.is_some() {
                break;
            }
            let slot = self.table.enter(offer.key, Keyed::default);
            let (slot, id) = match self.place(scope, slot, (window, offer)) {
                Place::Open(id) => (slot, id),
                Place::Late(_) => continue,
                Place::New(id, window) => {
                    let mut alone = Group::open(id, scope.site.now, offer.facts.position, window);
                    read(scope.rule, &mut alone, offer.watches, offer);
                    let now = scope.site.now;
                    let scene = groups::scene(scope.rule, offer.key, &alone, Watermark::default(), now);
                    if scope.rule.condition.is_met(&scene) {
                        continue;
                    }
                    if let Err(reason) = self.make_room(scope) {
                        no_room = Some(reason);
                        continue;
                    }
                    (self.open(scope, (id, window), offer), id)
                }
            };
            if let Some(group) = self.group_mut(slot, id) {
                read(scope.rule, group, offer.watches, offer);
                self.unsaved += UNSAVED_MIN + self.manifest_bytes(slot, id);
            }
        }
        let standing =
            self.table.find(offer.key).map(|slot| self.standing(scope, slot, None, Outcome::Marker));
        self.pass(scope, offer);
        let standing = standing.unwrap_or(Offered {
            outcome: Outcome::Marker,
            received: 0,
            expected: None,
            refused: None,
        });
        let outcome = if no_room.is_some() { Outcome::Refused } else { standing.outcome };
        Offered { outcome, refused: no_room, ..standing }
    }

    fn manifest_bytes(&self, slot: Slot, id: u64) -> usize {
        let group =
            self.table.get(slot).and_then(|(_, keyed)| keyed.groups.iter().find(|group| group.id == id));
        group.map_or(0, Group::manifest_bytes)
    }

    /// Completes the groups of a key whose time came before an event of it.
    fn catch_up(&mut self, scope: &mut Scope<'_, '_>, key: &str) {
        if let Some(slot) = self.table.find(key)
            && self.table.is_due(slot, scope.site.now)
        {
            self.table.sleep(slot);
            self.settle(scope, slot, Cause::Timer);
        }
    }

    /// Lets time go on for a key, and completes what is complete.
    fn pass(&mut self, scope: &mut Scope<'_, '_>, offer: &Offer<'_, '_>) {
        let slot = self.table.enter(offer.key, Keyed::default);
        if let Some((_, keyed)) = self.table.get_mut(slot) {
            let before = keyed.watermark;
            keyed.watermark.observe(offer.at, scope.site.now);
            if keyed.watermark != before && matches!(scope.rule.config.time, Time::Event(_)) {
                keyed.save_watermark();
            }
        }
        self.touch(slot);
        self.settle(scope, slot, Cause::Change);
    }

    fn place(
        &self,
        scope: &Scope<'_, '_>,
        slot: Slot,
        (window, offer): (Option<Span>, &Offer<'_, '_>),
    ) -> Place {
        let nothing = Keyed::default();
        let keyed = self.table.get(slot).map_or(&nothing, |(_, keyed)| keyed);
        offer.seek(scope).place(keyed, window)
    }

    /// Makes one of the sessions that an event is within a gap of.
    fn bridge(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, offer: &Offer<'_, '_>) {
        if scope.rule.session.is_none() {
            return;
        }
        let seek = offer.seek(scope);
        let Some((key, keyed)) = self.table.get_mut(slot) else { return };
        let first = keyed.groups.iter().find(|group| seek.is_near(group.times));
        let refuses = scope.rule.config.limits.at_limit == AtLimit::Refuse;
        if refuses && first.is_some_and(|first| is_full(first, scope.rule)) {
            return;
        }
        for other in seek.bridged(&mut keyed.groups) {
            self.ages.remove(&(other.first, slot, other.id));
            if other.saved.head {
                let (id, chunks) = (other.id, other.saved.chunks);
                self.gone.push(Gone::Group { key: Text::clone(key), id, chunks });
            }
            let Some(group) = keyed.groups.iter_mut().find(|group| seek.is_near(group.times)) else { return };
            let repeated = group.merge(other, scope.rule.config.duplicates);
            self.unsaved += group.bytes();
            group.measured = measure::measure(&scope.rule.measures, group.parts());
            scope.ledger.duplicate += repeated;
            self.open_parts -= repeated;
        }
    }

    fn open(
        &mut self,
        scope: &Scope<'_, '_>,
        (id, window): (u64, Option<Span>),
        offer: &Offer<'_, '_>,
    ) -> Slot {
        // The room that was made may have been the last that was known of this key.
        let slot = self.table.enter(offer.key, Keyed::default);
        let mut group = Group::open(id, scope.site.now, offer.facts.position, window);
        if scope.rule.session.is_some() {
            group.widen(offer.at);
        }
        group.measured = measure::measure(&scope.rule.measures, &[]);
        group.saved.dirty = true;
        self.ages.insert((group.first, slot, id));
        if let Some((_, keyed)) = self.table.get_mut(slot) {
            keyed.add(group);
        }
        slot
    }

    /// Adds a part to an open group.
    fn add(&mut self, scope: &mut Scope<'_, '_>, (slot, id): (Slot, u64), offer: &Offer<'_, '_>) -> Offered {
        let name = offer.name.unwrap_or_default();
        let place = self.group_mut(slot, id).and_then(|group| {
            read(scope.rule, group, offer.watches, offer);
            read(scope.rule, group, &scope.rule.part_counts, offer);
            group.place(name)
        });
        if let Some(place) = place {
            return self.add_again(scope, (slot, id, place), offer);
        }
        let part = self.part(scope.rule, offer);
        let Some(group) = self.group_mut(slot, id) else {
            return refused(scope, "its group is gone".to_owned());
        };
        let is_refused = scope.rule.config.limits.at_limit == AtLimit::Refuse;
        if is_refused && is_too_much(group, scope.rule, &part, None) {
            let reason = limit(group, scope.rule);
            return refused(scope, reason);
        }
        note(scope, group, &part, offer);
        let bytes = part.bytes() + group.manifest_bytes();
        group.add(part);
        self.unsaved += UNSAVED_MIN + bytes;
        self.open_parts += 1;
        let offered = self.standing(scope, slot, Some(id), Outcome::Added);
        self.release_if_full(scope, (slot, id));
        offered
    }

    /// Takes a part whose name is there already.
    fn add_again(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, id, place): (Slot, u64, usize),
        offer: &Offer<'_, '_>,
    ) -> Offered {
        scope.ledger.duplicate += 1;
        let config = &scope.rule.config;
        let part = (config.duplicates == Duplicates::Last).then(|| self.part(scope.rule, offer));
        let mut no_room = None;
        let mut unsaved = 0;
        if let Some(group) = self.group_mut(slot, id) {
            group.duplicates += 1;
            group.saved.dirty = true;
            group.more_mut().repeat(offer.name.unwrap_or_default().into());
            let is_refused = config.limits.at_limit == AtLimit::Refuse;
            match part {
                Some(part) if is_refused && is_too_much(group, scope.rule, &part, Some(place)) => {
                    no_room = Some(format!("limit: {} bytes a group", config.limits.bytes_max));
                }
                Some(part) => {
                    note_way(group, offer);
                    note_time(scope, group, offer);
                    group.replace(place, part);
                    group.measured = measure::measure(&scope.rule.measures, group.parts());
                    // All of it may have to be written again.
                    unsaved = group.bytes();
                }
                None => {}
            }
        }
        let mut offered = self.standing(scope, slot, Some(id), Outcome::Duplicate);
        offered.refused = no_room;
        self.unsaved += UNSAVED_MIN + unsaved;
        if config.duplicates == Duplicates::Error {
            let name = offer.name.unwrap_or_default();
            offered.refused = Some(format!("a part `{name}` is there already"));
        }
        self.release_if_full(scope, (slot, id));
        offered
    }

    /// Returns what is kept of a part.
    pub(super) fn part(&mut self, rule: &Rule, offer: &Offer<'_, '_>) -> Part {
        let stored = offer.facts.stored;
        let event = &stored.event;
        let name = offer.name.unwrap_or_default();
        let name = if *name == *event.id { Text::clone(&event.id) } else { name.into() };
        Part {
            hash: hash(&name),
            name,
            event: Text::clone(&event.id),
            origin: self.origins.share(&event.source, &event.kind),
            time: event.time.clone(),
            position: offer.facts.position,
            received: stored.received,
            link: Link { trace: stored.trace.trace, span: stored.trace.span },
            more: part_more(rule, offer).map(Box::new),
        }
    }

    pub(super) fn group_mut(&mut self, slot: Slot, id: u64) -> Option<&mut Group> {
        let (_, keyed) = self.table.get_mut(slot)?;
        keyed.groups.iter_mut().find(|group| group.id == id)
    }

    pub(super) fn index_of(&self, slot: Slot, id: u64) -> Option<usize> {
        let (_, keyed) = self.table.get(slot)?;
        keyed.groups.iter().position(|group| group.id == id)
    }

    fn standing(&self, scope: &Scope<'_, '_>, slot: Slot, id: Option<u64>, outcome: Outcome) -> Offered {
        let found = self.table.get(slot);
        let group =
            found.and_then(|(_, keyed)| keyed.groups.iter().find(|group| id.is_none_or(|id| group.id == id)));
        let key = found.map_or("", |(key, _)| key);
        Offered {
            outcome,
            received: group.map_or(0, |group| group.parts().len()),
            expected: group.and_then(|group| scope.rule.condition.count(key, group)),
            refused: None,
        }
    }
}

/// Takes note of what a part says beside being one.
pub(super) fn note(scope: &Scope<'_, '_>, group: &mut Group, part: &Part, offer: &Offer<'_, '_>) {
    measure::add(&scope.rule.measures, &mut group.measured, part);
    group.sampled |= offer.facts.stored.trace.sampled;
    note_time(scope, group, offer);
    note_way(group, offer);
}

fn note_time(scope: &Scope<'_, '_>, group: &mut Group, offer: &Offer<'_, '_>) {
    group.last_part = group.last_part.max(scope.site.now);
    if scope.rule.session.is_some() {
        group.widen(offer.at);
    }
}

fn note_way(group: &mut Group, offer: &Offer<'_, '_>) {
    let path = &offer.facts.stored.path;
    if passed(path) > group.more.as_ref().map_or(0, |more| passed(&more.path)) {
        group.more_mut().path.clone_from(path);
    }
}

fn part_more(rule: &Rule, offer: &Offer<'_, '_>) -> Option<PartMore> {
    let order_by = rule.config.order_by.as_ref();
    if order_by.is_none() && rule.measures.is_empty() && !rule.keeps_payloads() {
        return None;
    }
    let order = order_by.and_then(|template| expression::fill(template, offer.captures, offer.facts));
    let measured = rule.measures.iter().map(|rule| offer.facts.scalar(&rule.path).map(Text::from));
    let payload = rule.keeps_payloads().then(|| offer.facts.stored.event.data.clone()).flatten();
    Some(PartMore { order: order.map(Text::from), measured: measured.collect(), payload })
}

/// Returns why a manifest is refused that names more parts than a group may have.
fn too_many_names(rule: &Rule, offer: &Offer<'_, '_>) -> Option<String> {
    let limits = rule.config.limits;
    offer.watches.iter().find_map(|at| {
        let Watch::Manifest { names, .. } = &rule.watches[*at] else { return None };
        let names = expression::all(names, offer.facts);
        let bytes: usize = names.iter().map(String::len).sum();
        let many = (names.len() > limits.parts_max).then(|| format!("{} parts", limits.parts_max));
        let large = (bytes > limits.bytes_max).then(|| format!("{} bytes", limits.bytes_max));
        many.or(large).map(|limit| format!("limit: it names more than {limit} a group"))
    })
}

/// Reads what an event says of a group, where nothing has said so before.
fn read(rule: &Rule, group: &mut Group, watches: &[usize], offer: &Offer<'_, '_>) {
    let id = &offer.facts.stored.event.id;
    let number = |template| {
        let text = expression::fill(template, offer.captures, offer.facts)?;
        text.parse::<u64>().ok().filter(|number| *number > 0)
    };
    for at in watches {
        let place = u32::try_from(*at).unwrap_or(u32::MAX);
        match &rule.watches[*at] {
            Watch::When(_) if group.marker(*at).is_none() => {
                group.more_mut().markers.push(Marker { place, event: Text::clone(id) });
            }
            Watch::Manifest { names, .. } if group.manifest(*at).is_none() => {
                let mut seen = BTreeSet::new();
                let names = expression::all(names, offer.facts);
                let names = names.into_iter().filter(|name| seen.insert(name.clone())).collect();
                group.more_mut().manifests.push(ManifestRead { place, event: Text::clone(id), names });
            }
            Watch::PartCount { first: true, .. } if !group.parts().is_empty() => {}
            Watch::Count { number: template, .. } | Watch::PartCount { number: template, .. }
                if group.count_read(*at).is_none() =>
            {
                if let Some(number) = number(template) {
                    group.more_mut().counts.push((place, number));
                }
            }
            _ => {}
        }
        group.saved.dirty = true;
    }
}
