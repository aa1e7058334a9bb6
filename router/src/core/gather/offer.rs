//! How an event finds its group, and what becomes of it there.

use event::hop::{Link, Outcome};
use event::{Text, Timestamp};

use super::Scope;
use super::ended::Ended;
use super::group::{Group, ManifestRead, Marker, Part, PartMore, Span, hash};
use super::groups::{Groups, Keyed};
use super::measure;
use super::release::Telling;
use super::rule::{Rule, Watch};
use super::table::Slot;
use super::time::windows;
use crate::config::{AtLimit, Duplicates, Late};
use crate::core::expression::{self, Captures};
use crate::core::facts::Facts;
use crate::core::passed;

/// Names of parts that came again, remembered with a group.
const REPEATED_MAX: usize = 100;

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

/// Where an event belongs.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In an open group.
    Open(u64),
    /// In a group that is to be opened.
    New(u64, Option<Span>),
    /// In a group that has ended; maybe the one with that place in the order, maybe of a window.
    Late(Option<u64>, Option<Span>),
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
        let slot = self.table.enter(offer.key, Keyed::default);
        let mut offered = Vec::with_capacity(1);
        for place in self.places(scope, slot, offer) {
            scope.ledger.offered += 1;
            offered.push(match place {
                Place::Late(order, window) => self.add_late(scope, (slot, order, window), offer),
                Place::Open(id) => self.add(scope, (slot, id), offer),
                Place::New(id, window) => match self.make_room(scope) {
                    Ok(()) => {
                        self.open(scope, (slot, id, window), offer);
                        self.add(scope, (slot, id), offer)
                    }
                    Err(reason) => refused(scope, reason),
                },
            });
        }
        self.pass(scope, slot, offer.at);
        offered
    }

    /// Takes note of an event that is no part. One that could not complete a group alone opens one: a release of
    /// nothing helps nobody.
    pub(super) fn notice(&mut self, scope: &mut Scope<'_, '_>, offer: &Offer<'_, '_>) -> Offered {
        let slot = self.table.enter(offer.key, Keyed::default);
        for place in self.places(scope, slot, offer) {
            let id = match place {
                Place::Open(id) => id,
                Place::Late(..) => continue,
                Place::New(id, window) => {
                    let mut alone = Group::open(id, scope.site.now, offer.facts.position, window);
                    read(scope.rule, &mut alone, offer.watches, offer);
                    let scene = super::groups::scene(
                        scope.rule,
                        offer.key,
                        &alone,
                        super::time::Watermark::default(),
                        scope.site.now,
                    );
                    if scope.rule.condition.is_met(&scene) || self.make_room(scope).is_err() {
                        continue;
                    }
                    self.open(scope, (slot, id, window), offer);
                    id
                }
            };
            if let Some(group) = self.group_mut(slot, id) {
                read(scope.rule, group, offer.watches, offer);
            }
            self.touch(slot);
        }
        let offered = self.standing(scope, slot, None, Outcome::Marker);
        self.pass(scope, slot, offer.at);
        offered
    }

    /// Lets time go on for a key, and completes what is complete.
    fn pass(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, at: Timestamp) {
        if let Some((_, keyed)) = self.table.get_mut(slot) {
            let before = keyed.watermark;
            keyed.watermark.observe(at, scope.site.now);
            if keyed.watermark != before
                && matches!(scope.rule.config.time, crate::config::Time::Event(_))
                && let Some(group) = keyed.groups.first_mut()
            {
                group.saved.dirty = true;
            }
        }
        self.touch(slot);
        self.settle(scope, slot);
    }

    /// Returns where an event belongs.
    fn places(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, offer: &Offer<'_, '_>) -> Vec<Place> {
        let position = offer.facts.position;
        if let Some(window) = &scope.rule.window {
            let windows = windows(window, offer.at);
            return windows.into_iter().map(|window| self.window(scope, slot, window)).collect();
        }
        if scope.rule.session.is_some() {
            return vec![self.session(scope, slot, offer)];
        }
        let Some((_, keyed)) = self.table.get(slot) else { return Vec::new() };
        vec![match (keyed.groups.first(), keyed.ended.last()) {
            (Some(group), _) => Place::Open(group.id),
            (None, Some(ended)) if scope.rule.knows_late() => Place::Late(Some(ended.order), None),
            (None, _) => Place::New(position, None),
        }]
    }

    fn window(&self, scope: &Scope<'_, '_>, slot: Slot, window: Span) -> Place {
        let id = window.start.as_micros().cast_unsigned();
        let Some((_, keyed)) = self.table.get(slot) else { return Place::New(id, Some(window)) };
        if keyed.groups.iter().any(|group| group.id == id) {
            return Place::Open(id);
        }
        if !scope.rule.knows_late() {
            return Place::New(id, Some(window));
        }
        let ended = keyed.ended.iter().rfind(|ended| ended.window == Some(window));
        let lateness = scope.rule.window.map(|window| window.lateness).unwrap_or_default();
        let over = keyed.watermark.over(window.end.after(lateness), &scope.rule.config.time);
        match ended {
            Some(ended) => Place::Late(Some(ended.order), Some(window)),
            None if over <= scope.site.now => Place::Late(None, Some(window)),
            None => Place::New(id, Some(window)),
        }
    }

    /// Finds the sessions that an event is within a gap of, and makes one of them.
    fn session(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, offer: &Offer<'_, '_>) -> Place {
        let gap = scope.rule.session.unwrap_or_default();
        let near = |times: Option<Span>| {
            times.is_some_and(|times| offer.at.after(gap) > times.start && times.end.after(gap) > offer.at)
        };
        let Some((key, keyed)) = self.table.get_mut(slot) else { return Place::Late(None, None) };
        let key = Text::clone(key);
        let Some(first) = keyed.groups.iter().position(|group| near(group.times)) else {
            let ended = keyed.ended.iter().rfind(|ended| near(ended.times)).map(|ended| ended.order);
            let over = keyed.watermark.over(offer.at.after(gap), &scope.rule.config.time);
            let is_late = scope.rule.knows_late() && (ended.is_some() || over <= scope.site.now);
            return if is_late { Place::Late(ended, None) } else { Place::New(offer.facts.position, None) };
        };
        while let Some(other) = keyed.groups.iter().skip(first + 1).position(|group| near(group.times)) {
            let other = keyed.groups.remove(first + 1 + other);
            self.ages.remove(&(other.opened, slot, other.id));
            if other.saved.head {
                let (id, chunks) = (other.id, other.saved.chunks);
                self.gone.push(super::groups::Gone::Group { key: Text::clone(&key), id, chunks });
            }
            let group = &mut keyed.groups[first];
            let opened = group.opened;
            let repeated = u64::from(group.merge(other));
            group.measured = measure::measure(&scope.rule.measures, group.parts());
            self.ages.remove(&(opened, slot, group.id));
            self.ages.insert((group.opened, slot, group.id));
            scope.ledger.duplicate += repeated;
            self.open_parts -= repeated;
        }
        Place::Open(keyed.groups[first].id)
    }

    fn open(
        &mut self,
        scope: &Scope<'_, '_>,
        (slot, id, window): (Slot, u64, Option<Span>),
        offer: &Offer<'_, '_>,
    ) {
        let now = scope.site.now;
        let mut group = Group::open(id, now, offer.facts.position, window);
        if scope.rule.session.is_some() {
            group.widen(offer.at);
        }
        group.measured = measure::measure(&scope.rule.measures, &[]);
        group.saved.dirty = true;
        self.ages.insert((now, slot, id));
        if let Some((_, keyed)) = self.table.get_mut(slot) {
            keyed.add(group);
        }
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
        let limits = scope.rule.config.limits;
        let Some(group) = self.group_mut(slot, id) else {
            return refused(scope, "its group is gone".to_owned());
        };
        let is_full = group.parts().len() >= limits.parts_max
            || (group.bytes() + part.bytes() > limits.bytes_max && !group.parts().is_empty());
        if is_full && limits.at_limit == AtLimit::Refuse {
            let reason = limit(group, scope.rule);
            return refused(scope, reason);
        }
        note(scope.rule, group, &part, offer);
        group.add(part);
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
        let part = (scope.rule.config.duplicates == Duplicates::Last).then(|| self.part(scope.rule, offer));
        if let Some(group) = self.group_mut(slot, id) {
            group.duplicates += 1;
            group.saved.dirty = true;
            let name = Text::from(offer.name.unwrap_or_default());
            let repeated = &mut group.more_mut().repeated;
            if repeated.len() < REPEATED_MAX && !repeated.contains(&name) {
                repeated.push(name);
            }
            if let Some(part) = part {
                note_way(group, offer);
                group.replace(place, part);
                group.measured = measure::measure(&scope.rule.measures, group.parts());
            }
        }
        let mut offered = self.standing(scope, slot, Some(id), Outcome::Duplicate);
        if scope.rule.config.duplicates == Duplicates::Error {
            let name = offer.name.unwrap_or_default();
            offered.refused = Some(format!("a part `{name}` is there already"));
        }
        offered
    }

    /// Takes a part whose group has ended.
    fn add_late(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, order, window): (Slot, Option<u64>, Option<Span>),
        offer: &Offer<'_, '_>,
    ) -> Offered {
        scope.ledger.late += 1;
        match scope.rule.config.late {
            Late::Amend => self.amend(scope, (slot, order), offer),
            Late::Side => self.tell_aside(scope, (slot, order, window), offer),
            Late::Discard | Late::NewGroup => {}
        }
        Offered { outcome: Outcome::Late, received: 0, expected: None, refused: None }
    }

    /// Releases an ended group again with a part that came late.
    fn amend(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, order): (Slot, Option<u64>),
        offer: &Offer<'_, '_>,
    ) {
        let part = self.part(scope.rule, offer);
        let limits = scope.rule.config.limits;
        let Some((key, keyed)) = self.table.get_mut(slot) else { return };
        let (key, watermark) = (Text::clone(key), keyed.watermark);
        let Some(ended) = keyed.ended.iter_mut().find(|ended| Some(ended.order) == order) else { return };
        let Some(group) = &mut ended.kept else { return };
        let is_full = group.parts().len() >= limits.parts_max || group.bytes() > limits.bytes_max;
        if group.holds(&part.name) || is_full {
            return;
        }
        group.more_mut().late.push(Text::clone(&part.name));
        note(scope.rule, group, &part, offer);
        group.add(part);
        ended.revisions += 1;
        ended.saved = false;
        let (group, revision) = (group.as_ref().clone(), ended.revisions);
        let reason = format!("late: part {} came after the release", offer.name.unwrap_or_default());
        scope.ledger.amended += 1;
        scope.ledger.revisions += 1;
        self.say(scope, (&key, &group, watermark), &reason, Telling::Revision(revision));
        self.touch(slot);
    }

    fn tell_aside(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, order, window): (Slot, Option<u64>, Option<Span>),
        offer: &Offer<'_, '_>,
    ) {
        let part = self.part(scope.rule, offer);
        let Some((key, keyed)) = self.table.get(slot) else { return };
        let ended: Option<&Ended> = keyed.ended.iter().find(|ended| Some(ended.order) == order);
        super::aside::late(scope, (key, window), (&part, offer), ended);
    }

    /// Returns what is kept of a part.
    fn part(&mut self, rule: &Rule, offer: &Offer<'_, '_>) -> Part {
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

    /// Makes room for one more group, or says why there is none.
    fn make_room(&mut self, scope: &mut Scope<'_, '_>) -> Result<(), String> {
        let limits = scope.rule.config.limits;
        if self.open_groups() < limits.groups_max {
            return Ok(());
        }
        let reason = format!("limit: {} open groups", limits.groups_max);
        if limits.at_limit == AtLimit::Refuse {
            return Err(reason);
        }
        let Some((_, slot, id)) = self.ages.first().copied() else { return Ok(()) };
        let index = self.index_of(slot, id);
        if let Some(index) = index {
            self.end(scope, (slot, index), &reason, super::groups::End::Release);
        }
        Ok(())
    }

    /// Returns what an event of a key must wait for.
    pub(super) fn must_wait(&self, rule: &Rule, key: &str) -> Option<String> {
        let limits = rule.config.limits;
        let slot = self.table.find(key);
        let groups = slot.and_then(|slot| self.table.get(slot)).map(|(_, keyed)| keyed.groups.as_slice());
        let groups = groups.unwrap_or_default();
        let is_full =
            |group: &&Group| group.parts().len() >= limits.parts_max || group.bytes() >= limits.bytes_max;
        let name = &rule.name;
        if let Some(full) = groups.iter().find(is_full) {
            return Some(format!("group `{key}` of `{name}` is full ({})", limit(full, rule)));
        }
        let needs_room = groups.is_empty() || rule.window.is_some() || rule.session.is_some();
        (needs_room && self.open_groups() >= limits.groups_max)
            .then(|| format!("`{name}` has {} open groups, its limit", limits.groups_max))
    }

    fn release_if_full(&mut self, scope: &mut Scope<'_, '_>, (slot, id): (Slot, u64)) {
        let limits = scope.rule.config.limits;
        let Some(group) = self.group_mut(slot, id) else { return };
        let is_full = group.parts().len() >= limits.parts_max || group.bytes() >= limits.bytes_max;
        if limits.at_limit != AtLimit::Release || !is_full {
            return;
        }
        let (Some((key, keyed)), Some(index)) = (self.table.get(slot), self.index_of(slot, id)) else {
            return;
        };
        let group = &keyed.groups[index];
        let scene = super::groups::scene(scope.rule, key, group, keyed.watermark, scope.site.now);
        // What completes it as well says more.
        if !scope.rule.condition.is_met(&scene) || group.held {
            let reason = limit(group, scope.rule);
            self.end(scope, (slot, index), &reason, super::groups::End::Release);
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

/// Counts a part for which there is no room.
fn refused(scope: &mut Scope<'_, '_>, reason: String) -> Offered {
    scope.ledger.discarded += 1;
    scope.ledger.refused += 1;
    Offered { outcome: Outcome::Refused, received: 0, expected: None, refused: Some(reason) }
}

fn limit(group: &Group, rule: &Rule) -> String {
    let limits = rule.config.limits;
    if group.parts().len() >= limits.parts_max {
        format!("limit: {} parts a group", limits.parts_max)
    } else {
        format!("limit: {} bytes a group", limits.bytes_max)
    }
}

/// Takes note of what a part says beside being one.
fn note(rule: &Rule, group: &mut Group, part: &Part, offer: &Offer<'_, '_>) {
    measure::add(&rule.measures, &mut group.measured, part);
    group.sampled |= offer.facts.stored.trace.sampled;
    if rule.session.is_some() {
        group.widen(offer.at);
    }
    note_way(group, offer);
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
                let names = expression::all(names, offer.facts);
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
