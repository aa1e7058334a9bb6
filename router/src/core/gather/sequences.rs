//! [`Sequences`]: single events let through in sequence, by key.

use bytes::Bytes;
use std::collections::BTreeSet;

use event::hop::{Link, Outcome, Via};
use event::stored::Stored;
use event::{Event, SpanId, Step, Text, Timestamp, TraceContext, Value};
use serde::Serialize;

use super::Scope;
use super::aside;
use super::codec::Origins;
use super::emit::{hop, push, way};
use super::group::{Part, hash};
use super::groups::{UNSAVED_MIN, WAKE_BYTES_MAX};
use super::offer::{Offer, Offered};
use super::rule::Rule;
use super::sequence::{Head, HeldEvent, Sequence};
use super::table::{Slot, Table};
use crate::config::{AtLimit, Duplicates, Late, Resequence};
use crate::core::expression::{self, Captures};
use crate::core::facts::Facts;

/// Keys that one call of [`Sequences::wake`] looks at; the others are still due, for the next call.
const WAKE_KEYS_MAX: usize = 128;

/// The sequences of one aggregation.
pub(crate) struct Sequences {
    pub(super) table: Table<Sequence>,
    pub(super) held: u64,
    /// Keys of which something is held.
    holding: usize,
    /// Keys of which nothing is held, by when something last came for them.
    idle: BTreeSet<(Timestamp, Slot)>,
    /// About how much must be saved, in bytes.
    pub(super) unsaved: usize,
    pub(super) touched: Vec<Slot>,
    /// Held events that are saved and no longer there, or all of a sequence.
    pub(super) gone: Vec<(Text, Option<i64>)>,
    origins: Origins,
}

/// What is told of numbers that were skipped.
#[derive(Serialize)]
struct Gap<'a> {
    aggregation: &'a str,
    key: &'a str,
    /// The first number that was skipped.
    from: i64,
    /// The last.
    to: i64,
    /// How many.
    count: u64,
    reason: &'a str,
    /// How long events were held for them, in milliseconds.
    waited_ms: u128,
}

impl Sequences {
    /// Returns no sequences.
    pub(crate) fn new() -> Self {
        Self {
            table: Table::new(),
            held: 0,
            holding: 0,
            idle: BTreeSet::new(),
            unsaved: 0,
            touched: Vec::new(),
            gone: Vec::new(),
            origins: Origins::default(),
        }
    }

    /// Returns of how many keys something is held.
    pub(super) fn holding(&self) -> usize {
        self.holding
    }

    /// Returns how many keys have a sequence.
    fn len(&self) -> usize {
        self.table.len()
    }

    /// Returns how many events are held.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Returns when something is due.
    pub(super) fn next_wake(&self) -> Option<Timestamp> {
        self.table.next_wake()
    }

    /// Takes an event: lets it through with those that waited for it, or holds it.
    pub(super) fn offer(&mut self, scope: &mut Scope<'_, '_>, offer: &Offer<'_, '_>) -> Offered {
        scope.ledger.offered += 1;
        let Some(rule) = scope.rule.resequence() else { return not_counted(scope) };
        let Some(number) = number(rule, (offer.captures, offer.facts)) else { return not_counted(scope) };
        let (now, limits) = (scope.site.now, scope.rule.config.limits);
        // Several gaps may have ended one after the other.
        while let Some(slot) = self.table.find(offer.key).filter(|slot| self.table.is_due(*slot, now)) {
            self.table.sleep(slot);
            self.go_on(scope, rule, slot);
        }
        let refuses = limits.at_limit == AtLimit::Refuse;
        if self.table.find(offer.key).is_none() && self.len() >= limits.groups_max {
            if refuses && self.idle.is_empty() {
                return full(scope, format!("limit: {} sequences", limits.groups_max));
            }
            self.forget_oldest(scope, rule);
        }
        let position = offer.facts.position;
        let slot = self.table.enter(offer.key, || Sequence {
            head: Head { next: rule.start, opened: now, last: now, first: position, ..Head::default() },
            ..Sequence::default()
        });
        self.touch(slot);
        let Some((_, sequence)) = self.table.get_mut(slot) else { return not_counted(scope) };
        sequence.head.last = now;
        let next = *sequence.head.next.get_or_insert(number);
        let outcome = if number < next {
            self.late(scope, slot, offer);
            Outcome::Late
        } else if sequence.held.contains_key(&number) {
            sequence.head.duplicates += 1;
            scope.ledger.duplicate += 1;
            Outcome::Duplicate
        } else if let Some(limit) = sequence.limit(limits).filter(|_| number > next && refuses) {
            return full(scope, limit);
        } else {
            let stored = offer.facts.stored;
            let event = Text::clone(&stored.event.id);
            let held = HeldEvent { event, position, since: now, stored: stored.encode(), is_saved: false };
            // One that is not held up takes no room.
            let limit = sequence.limit(limits).filter(|_| number > next);
            self.unsaved += UNSAVED_MIN + held.stored.len();
            sequence.insert(number, held);
            self.held += 1;
            if let Some(limit) = limit {
                self.skip(scope, slot, &limit);
            }
            self.let_through(scope, slot);
            Outcome::Added
        };
        self.arm(rule, slot);
        let is_error = outcome == Outcome::Duplicate && scope.rule.config.duplicates == Duplicates::Error;
        let received = self.table.get(slot).map_or(0, |(_, sequence)| sequence.held.len());
        let reason = is_error.then(|| format!("number {number} is there already"));
        Offered { outcome, received, expected: None, refused: reason }
    }

    /// Skips what did not come in time, and forgets keys that nothing came for.
    pub(super) fn wake(&mut self, scope: &mut Scope<'_, '_>) {
        let Some(rule) = scope.rule.resequence() else { return };
        let mut bytes = 0;
        for _ in 0..WAKE_KEYS_MAX {
            let Some(slot) = self.table.woken(scope.site.now) else { return };
            bytes += self.table.get(slot).map_or(0, |(_, sequence)| sequence.bytes);
            self.go_on(scope, rule, slot);
            if bytes > WAKE_BYTES_MAX {
                return;
            }
        }
    }

    /// Returns whether something of a key is held.
    pub(super) fn holds(&self, slot: Slot) -> bool {
        self.table.get(slot).is_some_and(|(_, sequence)| !sequence.held.is_empty())
    }

    /// Skips what did not come in time for a key, or forgets it.
    fn go_on(&mut self, scope: &mut Scope<'_, '_>, rule: &Resequence, slot: Slot) {
        let Some((_, sequence)) = self.table.get(slot) else { return };
        let is_due = |since: Timestamp| since.after(rule.gap) <= scope.site.now;
        if sequence.oldest().is_some_and(is_due) {
            self.touch(slot);
            let reason = format!("gap: held for {}", super::words::words(rule.gap));
            self.skip(scope, slot, &reason);
            self.let_through(scope, slot);
        } else if sequence.held.is_empty() && sequence.head.last.after(rule.forget) <= scope.site.now {
            return self.forget(slot);
        }
        self.arm(rule, slot);
    }

    /// Returns what an event must wait for: room where it would be held, but never for its own number.
    pub(super) fn must_wait(
        &self,
        rule: &Rule,
        key: &str,
        (captures, facts): (&Captures<'_>, &Facts<'_>),
    ) -> Option<String> {
        let limits = rule.config.limits;
        let number = number(rule.resequence()?, (captures, facts))?;
        let Some((_, sequence)) = self.table.find(key).and_then(|slot| self.table.get(slot)) else {
            let is_full = self.len() >= limits.groups_max && self.idle.is_empty();
            return is_full.then(|| format!("there are {} sequences, the limit", limits.groups_max));
        };
        let is_held =
            sequence.head.next.is_some_and(|next| next < number) && !sequence.held.contains_key(&number);
        let limit = sequence.limit(limits).filter(|_| is_held)?;
        Some(format!("sequence `{key}` is full ({limit})"))
    }

    /// Lets everything through that is held, skipping what is missing.
    pub(super) fn release(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, reason: &str) {
        self.touch(slot);
        while self.table.get(slot).is_some_and(|(_, sequence)| !sequence.held.is_empty()) {
            self.skip(scope, slot, reason);
            self.let_through(scope, slot);
        }
    }

    /// Drops everything that is held.
    pub(super) fn discard(&mut self, scope: &mut Scope<'_, '_>, slot: Slot) {
        self.touch(slot);
        let Some((key, sequence)) = self.table.get_mut(slot) else { return };
        sequence.bytes = 0;
        for (number, held) in std::mem::take(&mut sequence.held) {
            self.held -= 1;
            scope.ledger.discarded += 1;
            if held.is_saved {
                self.gone.push((Text::clone(key), Some(number)));
            }
        }
    }

    pub(super) fn touch(&mut self, slot: Slot) {
        if let Some((_, sequence)) = self.table.get_mut(slot)
            && !std::mem::replace(&mut sequence.is_touched, true)
        {
            self.touched.push(slot);
        }
    }

    /// Sets a key's timer, and counts it if something of it is held.
    pub(super) fn arm(&mut self, rule: &Resequence, slot: Slot) {
        let Some((_, sequence)) = self.table.get_mut(slot) else { return };
        let is_holding = !sequence.held.is_empty();
        let before = std::mem::replace(&mut sequence.is_holding, is_holding);
        self.holding = self.holding + usize::from(is_holding) - usize::from(before);
        let idle = (!is_holding).then_some(sequence.head.last);
        let was_idle = std::mem::replace(&mut sequence.idle, idle);
        if idle != was_idle {
            was_idle.map(|last| self.idle.remove(&(last, slot)));
            self.idle.extend(idle.map(|last| (last, slot)));
        }
        let due = sequence.due(rule);
        self.table.wake_at(slot, due);
    }

    /// Lets events through as long as the next one is there.
    fn let_through(&mut self, scope: &mut Scope<'_, '_>, slot: Slot) {
        let Some((key, sequence)) = self.table.get_mut(slot) else { return };
        while let Some(next) = sequence.head.next
            && let Some(held) = sequence.remove(next)
        {
            sequence.head.next = Some(next.saturating_add(1));
            self.held -= 1;
            scope.ledger.released += 1;
            scope.ledger.releases += 1;
            if held.is_saved {
                self.gone.push((Text::clone(key), Some(next)));
            }
            pass_on(scope, key, next, &held);
        }
    }

    /// Goes on to the first event that is held, and reports the numbers before it.
    fn skip(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, reason: &str) {
        let Some((key, sequence)) = self.table.get_mut(slot) else { return };
        let (Some(next), Some((first, held))) = (sequence.head.next, sequence.held.first_key_value()) else {
            return;
        };
        let (first, position) = (*first, held.position);
        if first <= next {
            return;
        }
        let waited = sequence.oldest().map(|since| scope.site.now.since(since)).unwrap_or_default();
        sequence.head.next = Some(first);
        let count = first.abs_diff(next);
        scope.ledger.skipped = scope.ledger.skipped.saturating_add(count);
        let gap = Gap {
            aggregation: &scope.rule.config.name,
            key,
            from: next,
            to: first - 1,
            count,
            reason,
            waited_ms: waited.as_millis(),
        };
        // Text and numbers: writing them cannot fail.
        let payload = Bytes::from(serde_json::to_vec(&gap).unwrap_or_default());
        aside::gap(scope, key, (next, first, position), reason, payload);
    }

    fn late(&mut self, scope: &mut Scope<'_, '_>, slot: Slot, offer: &Offer<'_, '_>) {
        scope.ledger.late += 1;
        if scope.rule.config.late != Late::Side {
            return;
        }
        let stored = offer.facts.stored;
        let event = Text::clone(&stored.event.id);
        let name = offer.name.map_or_else(|| Text::clone(&event), Text::from);
        let part = Part {
            hash: hash(&name),
            name,
            event,
            origin: self.origins.share(&stored.event.source, &stored.event.kind),
            time: stored.event.time.clone(),
            position: offer.facts.position,
            received: stored.received,
            link: Link { trace: stored.trace.trace, span: stored.trace.span },
            more: None,
        };
        if let Some((key, _)) = self.table.get(slot) {
            aside::late(scope, key, (&part, offer), (None, None));
        }
    }

    /// Makes room for one more key: the one for which nothing came for longest of those that hold nothing; or else the one
    /// of which something is due first, and what it holds goes through.
    fn forget_oldest(&mut self, scope: &mut Scope<'_, '_>, rule: &Resequence) {
        if let Some((_, slot)) = self.idle.first().copied() {
            return self.forget(slot);
        }
        while let Some(slot) = self.table.woken(Timestamp::from_micros(i64::MAX)) {
            let due = self.table.get(slot).map(|(_, sequence)| sequence.due(rule));
            if self.table.next_wake().is_some_and(|next| due.is_some_and(|due| due > next)) {
                self.arm(rule, slot);
                continue;
            }
            self.release(scope, slot, &format!("limit: {} sequences", scope.rule.config.limits.groups_max));
            return self.forget(slot);
        }
    }

    fn forget(&mut self, slot: Slot) {
        let Some((key, sequence)) = self.table.get(slot) else { return };
        if sequence.is_saved {
            self.gone.push((Text::clone(key), None));
        }
        self.holding -= usize::from(sequence.is_holding);
        sequence.idle.map(|last| self.idle.remove(&(last, slot)));
        self.table.remove(slot);
    }
}

/// Returns an event's number in its sequence.
fn number(rule: &Resequence, (captures, facts): (&Captures<'_>, &Facts<'_>)) -> Option<i64> {
    // The last number has no next one.
    expression::fill(&rule.by, captures, facts)?.parse().ok().filter(|number| *number < i64::MAX)
}

/// Counts an event that has no number.
fn not_counted(scope: &mut Scope<'_, '_>) -> Offered {
    scope.ledger.discarded += 1;
    scope.ledger.without_key += 1;
    let refused = scope.rule.config.on_missing_key == crate::config::Unplaced::DeadLetter;
    let reason = refused.then(|| "it has no whole number in its sequence".to_owned());
    Offered { outcome: Outcome::Discarded, received: 0, expected: None, refused: reason }
}

fn full(scope: &mut Scope<'_, '_>, reason: String) -> Offered {
    scope.ledger.discarded += 1;
    scope.ledger.refused += 1;
    Offered { outcome: Outcome::Refused, received: 0, expected: None, refused: Some(reason) }
}

/// Puts an event on the bus again, in its turn: with the type and source of the release, its own payload and its own
/// trace.
fn pass_on(scope: &mut Scope<'_, '_>, key: &str, number: i64, held: &HeldEvent) {
    // What was encoded here can be decoded here.
    let Ok(stored) = Stored::decode(held.stored.clone()) else { return };
    let config = &scope.rule.config;
    let mut event = Event {
        kind: config.emit.kind.as_str().into(),
        source: config.emit.source.as_str().into(),
        ..stored.event
    };
    if event.extension("sequence").is_none() {
        event.extensions.push(("sequence".to_owned(), Value::String(number.to_string())));
    }
    let seed = u64::from_be_bytes(stored.trace.span.0);
    let span = SpanId((seed ^ held.position.rotate_left(32)).max(1).to_be_bytes());
    let trace = TraceContext { span, parent: Some(stored.trace.span), ..stored.trace };
    let step = Step::Released {
        aggregation: Text::clone(&scope.rule.name),
        key: key.to_owned(),
        reason: format!("sequence: number {number}"),
        parts: 1,
        missing: Vec::new(),
        links: vec![Link { trace: stored.trace.trace, span: stored.trace.span }],
    };
    let hop = hop(scope.site, &event, trace, held.since, step);
    let path = way(&stored.path, scope.site.bus, &config.name);
    let now = scope.site.now;
    push(scope.site, Stored { path, ..Stored::new(now, Via::Release, trace, event) }, hop);
}
