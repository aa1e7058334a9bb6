//! [`Groups`]: the groups of one aggregation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use event::{Text, Timestamp};

use super::codec::Origins;
use super::condition::Scene;
use super::ended::Ended;
use super::group::Group;
use super::release::{Telling, Told};
use super::table::{Slot, Table};
use super::time::Watermark;
use super::usual::Usual;
use super::{Scope, rule::Rule};
use crate::config::{Late, Partial};
use crate::core::{Action, Discarded};

/// Ended groups remembered per aggregation, so that late parts are known as such and people can ask what became of
/// them. Past it the oldest is forgotten, and a part of its key opens a new group.
pub(crate) const ENDED_MAX: usize = 10_000;
/// Keys that one call of [`Groups::wake`] looks at; the others are still due, for the next call.
const WAKE_KEYS_MAX: usize = 128;
/// What the groups that are completed together may take, likewise.
pub(super) const WAKE_BYTES_MAX: usize = 8 << 20;
/// What the ended groups may take together that are kept for revisions; past it the oldest can be revised no more.
const KEPT_BYTES_MAX: usize = 256 << 20;

/// What the head of a group takes, and what its key takes, about.
pub(super) const UNSAVED_MIN: usize = 512;

/// The groups of one aggregation, open and ended.
pub(crate) struct Groups {
    pub(super) table: Table<Keyed>,
    /// Open groups by age: where their first events stand, and where they are.
    pub(super) ages: BTreeSet<(u64, Slot, u64)>,
    /// Ended groups in order, and where they are.
    ended: BTreeMap<u64, Slot>,
    pub(super) usual: Usual,
    pub(super) origins: Origins,
    /// Keys of which something changed since it was saved.
    pub(super) touched: Vec<Slot>,
    /// What is saved and no longer there.
    pub(super) gone: Vec<Gone>,
    /// Parts in open groups.
    pub(super) open_parts: u64,
    /// About how much must be saved, in bytes.
    pub(super) unsaved: usize,
    /// The bytes of ended groups that are kept for revisions, by their place in the order.
    kept: BTreeMap<u64, usize>,
    kept_bytes: usize,
}

/// What is known of one key.
#[derive(Default)]
pub(crate) struct Keyed {
    pub(super) watermark: Watermark,
    /// The open groups, in the order in which they opened.
    pub(super) groups: Vec<Group>,
    /// The ended groups, in the order in which they ended.
    pub(super) ended: Vec<Ended>,
    /// Whether it is among the touched.
    pub(super) is_touched: bool,
}

impl Keyed {
    /// Adds a group that was opened after the others. Most keys have one, and no room to waste.
    pub(super) fn add(&mut self, group: Group) {
        if self.groups.len() == self.groups.capacity() {
            self.groups.reserve_exact(1);
        }
        self.groups.push(group);
    }
}

/// Something that is saved and no longer there.
pub(crate) enum Gone {
    /// A group and its chunks.
    Group { key: Text, id: u64, chunks: u32 },
    /// How a group ended.
    Ended { key: Text, order: u64 },
    /// When parts of a name usually come.
    Usual { name: String },
}

/// Why groups are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// Their time has come.
    Timer,
    /// Something happened to one of their key.
    Change,
}

/// How a group ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// It is released; says when that was due, where a timer did it.
    Release(Option<Timestamp>),
    /// Its parts are discarded.
    Discard,
}

impl Keyed {
    /// Has its watermark saved, with its first group, or with the one that ended last.
    pub(super) fn save_watermark(&mut self) {
        match (self.groups.first_mut(), self.ended.last_mut()) {
            (Some(group), _) => group.saved.dirty = true,
            (None, Some(ended)) => ended.came_to(self.watermark),
            (None, None) => {}
        }
    }
}

impl Groups {
    /// Returns no groups.
    pub(crate) fn new() -> Self {
        Self {
            table: Table::new(),
            ages: BTreeSet::new(),
            ended: BTreeMap::new(),
            usual: Usual::default(),
            origins: Origins::default(),
            touched: Vec::new(),
            gone: Vec::new(),
            open_parts: 0,
            unsaved: 0,
            kept: BTreeMap::new(),
            kept_bytes: 0,
        }
    }

    /// Returns how many groups are open.
    pub(crate) fn open_groups(&self) -> usize {
        self.ages.len()
    }

    /// Completes the groups whose time has come, as many as fit one commit.
    pub(super) fn wake(&mut self, scope: &mut Scope<'_, '_>) {
        let mut bytes = 0;
        for _ in 0..WAKE_KEYS_MAX {
            let Some(slot) = self.table.woken(scope.site.now) else { return };
            bytes += self.settle(scope, slot, Cause::Timer);
            if bytes > WAKE_BYTES_MAX {
                return;
            }
        }
    }

    /// Releases the groups of a key that are complete, tells of those of which something is to be told, and sets the
    /// key's timer. Returns what the released ones take together; past what fits a commit the others are due at once.
    pub(super) fn settle(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, cause: Cause) -> usize {
        let mut next: Option<Timestamp> = None;
        let mut index = 0;
        let mut bytes = 0;
        while let Some((key, keyed)) = self.table.get(slot)
            && let Some(group) = keyed.groups.get(index)
        {
            let scene = scene(scope.rule, key, group, keyed.watermark, scope.site.now);
            let is_complete = !group.held && scope.rule.condition.is_met(&scene);
            if is_complete && bytes > WAKE_BYTES_MAX {
                next = Some(scope.site.now);
                break;
            }
            if is_complete {
                bytes += group.bytes();
                let reason = scope.rule.condition.why(&scene);
                let due = scope.rule.condition.met_by_time(&scene);
                let end = how_it_ends(scope.rule, &scene, (cause, due));
                self.end(scope, (slot, index), &reason, end);
                continue;
            }
            self.tell(scope, (slot, index));
            next = [next, self.due(scope, (slot, index))].into_iter().flatten().min();
            index += 1;
        }
        if let Some(due) = next {
            self.table.wake_at(slot, due);
        }
        self.tidy(slot);
        bytes
    }

    /// Ends an open group.
    pub(super) fn end(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, index): (Slot, usize),
        reason: &str,
        how: End,
    ) {
        let Some((key, keyed)) = self.table.get_mut(slot) else { return };
        let (key, group, watermark) = (Text::clone(key), keyed.groups.remove(index), keyed.watermark);
        self.ages.remove(&(group.first, slot, group.id));
        let parts = group.parts().len() as u64;
        self.open_parts -= parts;
        let named = group.more.as_ref().is_some_and(|more| !more.manifests.is_empty());
        let lacks = |group: &Group| scope.rule.condition.wanted(&key, group)?.missing().next().map(drop);
        if parts == 0 && (!named || lacks(&group).is_none()) {
            // A release of nothing helps nobody, but to hear that none came of the parts that were named.
            keyed.save_watermark();
            self.touch(slot);
            return self.forget_group(key, &group);
        }
        if let End::Release(due) = how {
            scope.ledger.releases += 1;
            scope.ledger.released += parts;
            self.say(scope, (&key, &group, watermark), reason, Telling::Release(due));
        } else {
            scope.ledger.discarded += parts;
            let discarded = Discarded {
                key: Text::clone(&key),
                reason: reason.to_owned(),
                opened: group.opened,
                window: group.window.map(|window| window.start),
                parts: group.parts().iter().map(|part| Text::clone(&part.name)).collect(),
                missing: self.missing(scope.rule, &key, &group).into_iter().map(|one| one.name).collect(),
            };
            scope.site.decision.actions.push(Action::Discard(Box::new(discarded)));
        }
        let released = matches!(how, End::Release(_));
        self.learn(scope.rule, &key, &group);
        let order = self.ended.last_key_value().map_or(0, |(order, _)| order + 1);
        let mut ended = Ended::new(order, &group, watermark, (scope.site.now, released, reason));
        if scope.rule.config.late == Late::Amend && released {
            self.kept.insert(order, group.bytes());
            self.kept_bytes += group.bytes();
            ended.kept = Some(Box::new(group));
        } else {
            self.forget_group(key, &group);
        }
        self.remember(slot, ended);
    }

    /// Takes note of an ended group, and forgets the oldest if there are too many.
    pub(super) fn remember(&mut self, slot: Slot, ended: Ended) {
        self.ended.insert(ended.order, slot);
        if let Some((_, keyed)) = self.table.get_mut(slot) {
            keyed.ended.push(ended);
        }
        self.touch(slot);
        while self.kept_bytes > KEPT_BYTES_MAX
            && let Some((order, _)) = self.kept.first_key_value()
        {
            self.keep_no_more(*order);
        }
        if self.ended.len() <= ENDED_MAX {
            return;
        }
        if let Some((order, _)) = self.ended.first_key_value() {
            self.keep_no_more(*order);
        }
        let Some((order, oldest)) = self.ended.pop_first() else { return };
        let Some((key, keyed)) = self.table.get_mut(oldest) else { return };
        let key = Text::clone(key);
        let Some(at) = keyed.ended.iter().position(|ended| ended.order == order) else { return };
        let forgotten = keyed.ended.remove(at);
        if forgotten.on_disk {
            self.gone.push(Gone::Ended { key, order });
        }
        if oldest != slot {
            self.tidy(oldest);
        }
    }

    /// Takes note of how much an ended group takes that is kept for revisions.
    pub(super) fn note_kept(&mut self, order: u64, bytes: usize) {
        self.kept_bytes += bytes;
        self.kept_bytes -= self.kept.insert(order, bytes).unwrap_or(0);
    }

    /// Gives an ended group up that was kept for revisions.
    fn keep_no_more(&mut self, order: u64) {
        let Some(bytes) = self.kept.remove(&order) else { return };
        self.kept_bytes -= bytes;
        let slot = self.ended.get(&order).copied();
        let Some((key, keyed)) = slot.and_then(|slot| self.table.get_mut(slot)) else { return };
        let key = Text::clone(key);
        let ended = keyed.ended.iter_mut().find(|ended| ended.order == order);
        if let Some(group) = ended.and_then(|ended| ended.kept.take()) {
            self.forget_group(key, &group);
        }
    }

    /// Says that what is saved of a group is no longer there.
    pub(super) fn forget_group(&mut self, key: Text, group: &Group) {
        if group.saved.head {
            self.gone.push(Gone::Group { key, id: group.id, chunks: group.saved.chunks });
        }
    }

    /// Forgets a key of which nothing is left.
    pub(super) fn tidy(&mut self, slot: Slot) {
        let is_empty = |keyed: &Keyed| keyed.groups.is_empty() && keyed.ended.is_empty();
        if self.table.get(slot).is_some_and(|(_, keyed)| is_empty(keyed)) {
            self.table.remove(slot);
        }
    }

    /// Has a key saved with the next commit.
    pub(super) fn touch(&mut self, slot: Slot) {
        if let Some((_, keyed)) = self.table.get_mut(slot)
            && !std::mem::replace(&mut keyed.is_touched, true)
        {
            self.touched.push(slot);
        }
    }

    /// Takes note of where an ended group is.
    pub(super) fn note_ended(&mut self, order: u64, slot: Slot) {
        self.ended.insert(order, slot);
    }

    fn due(&self, scope: &Scope<'_, '_>, (slot, index): (Slot, usize)) -> Option<Timestamp> {
        let (key, keyed) = self.table.get(slot)?;
        let group = keyed.groups.get(index)?;
        look_again(scope.rule, &scene(scope.rule, key, group, keyed.watermark, scope.site.now))
    }

    /// Tells of a group that is not complete what is due to be told.
    fn tell(&mut self, scope: &mut Scope<'_, '_>, (slot, index): (Slot, usize)) {
        let now = scope.site.now;
        let config = &scope.rule.config;
        let Some((key, keyed)) = self.table.get_mut(slot) else { return };
        let (key, watermark) = (Text::clone(key), keyed.watermark);
        let Some(group) = keyed.groups.get_mut(index) else { return };
        let mut telling = Vec::new();
        if let Some(every) = config.early
            && next_early(group, every) <= now
        {
            let times = now.since(group.opened).as_nanos() / every.as_nanos().max(1);
            group.early = u32::try_from(times).unwrap_or(u32::MAX);
            group.saved.dirty = true;
            let parts = u32::try_from(group.parts().len()).unwrap_or(u32::MAX);
            if std::mem::replace(&mut group.told, parts) < parts {
                telling.push((Telling::Early(group.early), format!("early: after {parts} parts")));
            }
        }
        if let Some(before) = config.warn.filter(|_| !group.warned && !group.held) {
            let scene = scene(scope.rule, &key, group, watermark, now);
            if let Some(deadline) = scope.rule.condition.due_of("deadline", &scene)
                && deadline.before(before) <= now
            {
                group.warned = true;
                group.saved.dirty = true;
                let left = super::words::words(deadline.since(now));
                let number = group.more.as_ref().map_or(0, |more| more.extended_ms);
                telling.push((Telling::Warning(number), format!("warning: the deadline is in {left}")));
            }
        }
        if telling.is_empty() {
            return;
        }
        self.touch(slot);
        let Some((_, keyed)) = self.table.get(slot) else { return };
        for (what, reason) in telling {
            self.say(scope, (&key, &keyed.groups[index], watermark), &reason, what);
        }
    }

    /// Puts on the bus what is told of a group.
    pub(super) fn say(
        &self,
        scope: &mut Scope<'_, '_>,
        (key, group, watermark): (&str, &Group, Watermark),
        reason: &str,
        telling: Telling,
    ) {
        let scene = scene(scope.rule, key, group, watermark, scope.site.now);
        let missing = self.missing(scope.rule, key, group);
        let condition = &scope.rule.condition;
        Told { rule: &scope.rule.config, condition, scene, reason, telling, missing }.send(scope.site);
    }

    /// Learns when the parts of a group came that has ended.
    fn learn(&mut self, rule: &Rule, key: &str, group: &Group) {
        if rule.condition.wanted(key, group).is_none() {
            return;
        }
        let parts = group.parts().iter().map(|part| (&*part.name, part.received));
        let forgotten = self.usual.learn(measured_from(rule, key, group), parts);
        self.gone.extend(forgotten.into_iter().map(|name| Gone::Usual { name }));
    }
}

/// Returns what the arrivals of a group's parts are measured from.
pub(super) fn measured_from(rule: &Rule, key: &str, group: &Group) -> Timestamp {
    let scene = scene(rule, key, group, Watermark::default(), group.opened);
    let deadline = rule.condition.due_of("deadline", &scene).filter(|_| rule.is_daily);
    deadline.map_or(group.opened, |deadline| deadline.before(group.extended()))
}

/// Returns when a group that is not complete is to be looked at again.
pub(super) fn look_again(rule: &Rule, scene: &Scene<'_>) -> Option<Timestamp> {
    let (group, config) = (scene.group, &rule.config);
    let early = config.early.map(|every| next_early(group, every));
    let warning = config.warn.filter(|_| !group.warned && !group.held).and_then(|before| {
        let deadline = rule.condition.due_of("deadline", scene)?;
        Some(deadline.before(before)).filter(|due| *due > scene.now)
    });
    let complete = rule.condition.next(scene).filter(|_| !group.held);
    [early, warning, complete].into_iter().flatten().min()
}

/// Returns when a group tells what it has so far, the next time.
fn next_early(group: &Group, every: Duration) -> Timestamp {
    group.opened.after(every.saturating_mul(group.early.saturating_add(1)))
}

/// Returns a group as conditions see it.
pub(super) fn scene<'a>(
    rule: &'a Rule,
    key: &'a str,
    group: &'a Group,
    watermark: Watermark,
    now: Timestamp,
) -> Scene<'a> {
    Scene { key, group, watermark, time: &rule.config.time, now }
}

/// Returns whether a group that is complete is released: time may end it while parts are missing that it needs.
fn how_it_ends(rule: &Rule, scene: &Scene<'_>, (cause, due): (Cause, Option<Timestamp>)) -> End {
    let wanted = rule.condition.wanted(scene.key, scene.group);
    let lacks = wanted.is_some_and(|wanted| wanted.waits().is_some());
    let is_discarded = rule.config.partial == Partial::Discard && due.is_some() && lacks;
    if is_discarded { End::Discard } else { End::Release(due.filter(|_| cause == Cause::Timer)) }
}
