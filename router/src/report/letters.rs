//! Dead letters, read from the log and chosen by what they say.

use std::collections::BTreeSet;

use api::{DeadLetter, DeadLetterFilter, DeadLetterReport};
use event::Timestamp;
use event::stored::Stored;
use serde_json::value::RawValue;

use super::raw;
use crate::bus::Bus;
use crate::deliver::lane::Lane;
use crate::orders::{Order, OrderError};
use crate::queue::Queue;
use crate::read;
use crate::router::Shared;
use crate::state::record::Letter;

/// Dead letters that are looked through only to say how many are left, once as many are chosen as were wanted; past it,
/// what is known is answered, as soon as that is not nothing.
const LOOKED_THROUGH_MAX: usize = 100_000;
/// Dead letters of one consumer that are looked through for one event: so many of the next ones after it, where it was
/// given up, and so many of the last ones, where it was carried. Past it, it counts as settled.
const AROUND_MAX: usize = 5_000;
/// Deliveries that are not settled that are looked through for one event that was redriven. Past it, it counts as settled.
const PENDING_MAX: usize = 1_000;
/// What the dead letters of one answer may take together, in bytes of their events and notes; past it the answer ends,
/// after at least one.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// Dead letters looked through at once, from the end of the log on.
const RUN_MAX: usize = 256;
/// What a dead letter takes in an answer beside its payload and its note, about.
const FRAME_BYTES: usize = 512;

/// What becomes of the dead letters that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are queued for their consumer again, if it is configured and the log holds their events.
    Redrive,
    /// They are forgotten.
    Purge,
}

/// Returns at most `limit` dead letters that a filter wants, those given up last first; fewer if they are large.
pub(crate) async fn list(shared: &Shared, filter: &DeadLetterFilter, limit: usize) -> Vec<DeadLetter> {
    let mut newest = Newest { limit, found: BTreeSet::new() };
    for (index, bus) in shared.buses().enumerate() {
        for consumer in named(bus, filter) {
            newest.look_through((index, bus), &consumer, filter).await;
        }
    }
    newest.cut(ANSWER_BYTES_MAX);
    let mut letters = Vec::new();
    for (index, bus) in shared.buses().enumerate() {
        let positions = newest.on(index);
        let mut rest = positions.as_slice();
        while !rest.is_empty() {
            let found = read(bus, &mut rest).await;
            letters.extend(found.into_iter().map(|(_, letter, stored)| shown(bus, letter, &stored)));
        }
    }
    letters.sort_by_key(|letter| letter.at);
    letters.reverse();
    letters
}

/// The dead letters that were given up last, of those that were looked through.
struct Newest {
    limit: usize,
    found: BTreeSet<Found>,
}

/// A dead letter, by when it was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    at: Timestamp,
    /// Its bus, by its place among them.
    bus: usize,
    /// Where it stands in the log.
    position: u64,
    bytes: usize,
}

impl Newest {
    /// Looks through one consumer's, from the end of the log on. A letter was given up when it came into the log or, if
    /// it was carried, earlier, so that it ends where the log is older than what is wanted.
    async fn look_through(&mut self, (index, bus): (usize, &Bus), consumer: &str, filter: &DeadLetterFilter) {
        for run in positions(bus, consumer, 0).rchunks(RUN_MAX) {
            let mut rest = run;
            let mut latest = None;
            while !rest.is_empty() {
                for (position, letter, stored) in read(bus, &mut rest).await {
                    latest = latest.max(Some(stored.logged));
                    if wants(filter, &letter, &stored) {
                        self.add(Found { at: letter.at, bus: index, position, bytes: bytes(&stored) });
                    }
                }
            }
            let oldest = self.found.first().filter(|_| self.found.len() >= self.limit).map(|found| found.at);
            if latest.is_some() && latest < oldest.max(filter.since) {
                return;
            }
        }
    }

    fn add(&mut self, found: Found) {
        self.found.insert(found);
        if self.found.len() > self.limit {
            self.found.pop_first();
        }
    }

    /// Keeps the newest as far as they fit into so many bytes, and at least one.
    fn cut(&mut self, bytes_max: usize) {
        let mut bytes = 0;
        let fits = |found: &&Found| {
            let is_first = bytes == 0;
            bytes += found.bytes;
            is_first || bytes <= bytes_max
        };
        self.found = self.found.iter().rev().take_while(fits).copied().collect();
    }

    /// Returns the positions on one bus, in order.
    fn on(&self, bus: usize) -> Vec<u64> {
        let of_bus = self.found.iter().filter(|found| found.bus == bus);
        let positions: BTreeSet<u64> = of_bus.map(|found| found.position).collect();
        positions.into_iter().collect()
    }
}

/// Redrives or purges at most `limit` dead letters that a filter wants, the first ones in the log first, or only says how
/// many it would be. What cannot be redriven is left.
pub(crate) async fn settle(
    shared: &Shared,
    filter: &DeadLetterFilter,
    limit: usize,
    fate: Fate,
    dry_run: bool,
) -> Result<DeadLetterReport, OrderError> {
    let mut choice = Choice::new(filter, limit, fate, dry_run);
    let mut done = 0;
    for bus in shared.buses() {
        for consumer in named(bus, filter) {
            let chosen = choice.choose(bus, &consumer).await;
            let asked = chosen.len() as u64;
            let settled = if dry_run { asked } else { carry_out(bus, consumer, chosen, fate).await? };
            done += settled;
            // Those that were carried meanwhile stand elsewhere.
            choice.left += asked.saturating_sub(settled);
        }
    }
    Ok(DeadLetterReport { done, left: choice.left })
}

async fn carry_out(bus: &Bus, consumer: String, letters: Vec<u64>, fate: Fate) -> Result<u64, OrderError> {
    match fate {
        _ if letters.is_empty() => Ok(0),
        Fate::Redrive => bus.order(Order::Redrive { consumer, letters }).await,
        Fate::Purge => bus.order(Order::Purge { consumer, letters }).await,
    }
}

/// Dead letters that are chosen, consumer by consumer.
struct Choice<'f> {
    filter: &'f DeadLetterFilter,
    fate: Fate,
    /// How many more are to be chosen.
    room: usize,
    /// How many more are looked through only to be counted.
    looks: usize,
    /// How many others there are.
    left: u64,
}

impl<'f> Choice<'f> {
    fn new(filter: &'f DeadLetterFilter, limit: usize, fate: Fate, dry_run: bool) -> Self {
        // Who asks before the deed wants to know all of it.
        let looks = if dry_run { usize::MAX } else { LOOKED_THROUGH_MAX };
        Self { filter, fate, room: limit, looks, left: 0 }
    }

    /// Chooses among one consumer's, and counts those that are left.
    async fn choose(&mut self, bus: &Bus, consumer: &str) -> Vec<u64> {
        let is_redrive = self.fate == Fate::Redrive;
        let room = if is_redrive && !bus.takes_again(consumer) { 0 } else { self.room };
        let wants_all = DeadLetterFilter { consumer: None, ..self.filter.clone() }.is_empty();
        let all = positions(bus, consumer, 0);
        if wants_all && !is_redrive {
            // None need be read, so that those go as well that cannot be.
            let chosen = all.iter().take(room).copied().collect();
            return self.chose(chosen, all.len());
        }
        let mut chosen = Vec::new();
        let mut wanted = 0;
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let is_over = chosen.len() == room;
            let is_known = self.looks == 0 && (self.left > 0 || wanted > room);
            if is_over && (wants_all || is_known) {
                break;
            }
            let before = rest.len();
            for (position, letter, stored) in read(bus, &mut rest).await {
                if wants(self.filter, &letter, &stored) {
                    wanted += 1;
                    if chosen.len() < room && !(is_redrive && letter.gone) {
                        chosen.push(position);
                    }
                }
            }
            if is_over {
                self.looks = self.looks.saturating_sub(before - rest.len());
            }
        }
        self.chose(chosen, if wants_all { all.len() } else { wanted })
    }

    /// Takes note of what was chosen of so many that are wanted.
    fn chose(&mut self, chosen: Vec<u64>, wanted: usize) -> Vec<u64> {
        self.room -= chosen.len();
        self.left += (wanted - chosen.len()) as u64;
        chosen
    }
}

/// Returns the dead letter of an event, if a consumer has one.
pub(crate) async fn of_event(bus: &Bus, consumer: &str, position: u64) -> Option<Letter> {
    let after = positions(bus, consumer, position);
    let (next, others) = after.split_at(after.len().min(AROUND_MAX));
    let last = &others[others.len().saturating_sub(AROUND_MAX)..];
    for mut rest in [next, last] {
        while !rest.is_empty() {
            let letters = read(bus, &mut rest).await.into_iter().map(|(_, letter, _)| letter);
            if let Some(letter) = letters.rev().find(|letter| letter.position == position) {
                return Some(letter);
            }
        }
    }
    None
}

/// Returns where an event waits for a consumer again that was redriven: at its dead letter's position.
pub(crate) async fn redriven(bus: &Bus, lane: &Lane, position: u64) -> Option<u64> {
    let pending = lane.pending_from(position, PENDING_MAX);
    let mut rest = pending.as_slice();
    while !rest.is_empty() {
        let letters = read(bus, &mut rest).await;
        let is_it = |letter: &Letter| letter.position == position && letter.consumer == lane.consumer.name;
        if let Some((at, ..)) = letters.iter().find(|(_, letter, _)| is_it(letter)) {
            return Some(*at);
        }
    }
    None
}

/// Returns the consumers with dead letters on a bus that a filter may want.
fn named(bus: &Bus, filter: &DeadLetterFilter) -> Vec<String> {
    let letters = bus.letters();
    letters.keys().filter(|name| filter.consumer.as_ref().is_none_or(|one| one == *name)).cloned().collect()
}

/// Returns where a consumer's dead letters stand in the log, from a position on, in order.
fn positions(bus: &Bus, consumer: &str, from: u64) -> Vec<u64> {
    let positions = |queue: &Queue| queue.iter_from(from).collect();
    bus.letters().get(consumer).map(positions).unwrap_or_default()
}

/// Reads some dead letters from the front of these, and logs which of them cannot be read.
async fn read(bus: &Bus, rest: &mut &[u64]) -> Vec<(u64, Letter, Stored)> {
    let some = read::some(bus, rest).await;
    *rest = &rest[some.len()..];
    let letter = |(position, found): read::Found| match found {
        Ok(stored) => stored.and_then(|stored| Some((position, Letter::of(&stored)?, stored))),
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(bus = bus.name(), position, error, "a dead letter cannot be read");
            None
        }
    };
    some.into_iter().filter_map(letter).collect()
}

fn wants(filter: &DeadLetterFilter, letter: &Letter, stored: &Stored) -> bool {
    let is = |wanted: &Option<String>, found: &str| {
        wanted.as_ref().is_none_or(|wanted| !letter.gone && wanted == found)
    };
    let event = &stored.event;
    is(&filter.id, &event.id)
        && is(&filter.r#type, &event.kind)
        && is(&filter.source, &event.source)
        && filter.reason.as_ref().is_none_or(|text| letter.reason.contains(text.as_str()))
        && filter.since.is_none_or(|since| letter.at >= since)
        && filter.until.is_none_or(|until| letter.at <= until)
        && filter.position.is_none_or(|position| letter.position == position)
}

fn bytes(stored: &Stored) -> usize {
    let data = stored.event.data.as_ref().map_or(0, |data| data.bytes().len());
    FRAME_BYTES + data + stored.note.as_ref().map_or(0, bytes::Bytes::len)
}

fn shown(bus: &Bus, letter: Letter, stored: &Stored) -> DeadLetter {
    let event = if letter.gone { None } else { raw(stored) };
    DeadLetter {
        consumer: letter.consumer,
        bus: bus.name().to_owned(),
        position: letter.position,
        id: if letter.gone { String::new() } else { stored.event.id.to_string() },
        reason: letter.reason,
        at: letter.at,
        attempts: letter.attempts,
        rule: letter.rule,
        event: event.unwrap_or_else(|| RawValue::NULL.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use event::hop::Via;
    use event::{Event, SpanId, TraceContext, TraceId};
    use store::{Memory, NewEvent, Options};

    use super::*;
    use crate::state::changes::json;

    /// A dead letter: its consumer, when it was given up, when it came into the log, and whether its event is gone.
    type Given = (&'static str, i64, i64, bool);

    fn stored((consumer, at, logged, gone): Given, position: u64) -> Stored {
        let letter = Letter {
            consumer: consumer.to_owned(),
            position,
            reason: "refused".to_owned(),
            at: Timestamp::from_millis(at),
            attempts: Vec::new(),
            rule: "all events".to_owned(),
            code: String::new(),
            exhausted: None,
            gone,
        };
        let trace =
            TraceContext { trace: TraceId([1; 16]), span: SpanId([1; 8]), parent: None, sampled: false };
        let event = Event::new(format!("e{position}"), "/s", "t");
        let stored = Stored::new(Timestamp::from_millis(logged), Via::DeadLetter, trace, event);
        Stored { note: Some(json(&letter)), ..stored }
    }

    async fn bus(letters: &[Given]) -> Arc<Bus> {
        let (bus, _) = Bus::fixture(Memory::new(Options::default()));
        for (given, position) in letters.iter().zip(1..) {
            let bytes = stored(*given, position).encode();
            bus.partition().append(vec![NewEvent { bytes, key: None, at_ms: 0 }]).await.unwrap();
            bus.letters().entry(given.0.to_owned()).or_default().insert(position);
        }
        bus
    }

    #[tokio::test]
    async fn neighbours_are_read_together_and_one_that_is_damaged_alone() {
        let bus = bus(&[("c", 1, 1, false), ("c", 2, 2, false)]).await;
        let damaged = NewEvent { bytes: bytes::Bytes::from_static(b"no event"), key: None, at_ms: 0 };
        bus.partition().append(vec![damaged]).await.unwrap();
        let found = read::some(&bus, &[1, 2, 3, 4, 20]).await;
        let ids: Vec<_> =
            found.iter().map(|(at, found)| (*at, found.as_ref().map(Option::is_some).ok())).collect();
        assert_eq!(ids, [(1, Some(true)), (2, Some(true)), (3, None)]);
        let found = read::some(&bus, &[4, 20]).await;
        assert!(matches!(found[..], [(4, Ok(None))]));
    }

    /// Chooses among both consumers' dead letters; `old` is no longer configured.
    async fn check_choice(kind: Option<&str>, limit: usize, fate: (Fate, bool), expected: (&[u64], u64)) {
        let given = [("c", 1, 1, true), ("c", 2, 2, false), ("c", 3, 3, false), ("old", 4, 4, false)];
        let bus = bus(&given).await;
        let filter = DeadLetterFilter { r#type: kind.map(str::to_owned), ..DeadLetterFilter::default() };
        let mut choice = Choice::new(&filter, limit, fate.0, fate.1);
        let mut chosen = choice.choose(&bus, "c").await;
        chosen.extend(choice.choose(&bus, "old").await);
        assert_eq!((chosen.as_slice(), choice.left), expected, "{kind:?} {limit} {fate:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_redriven_is_left() {
        for fate in [(Fate::Redrive, false), (Fate::Redrive, true)] {
            check_choice(None, 9, fate, (&[2, 3], 2)).await;
            check_choice(None, 1, fate, (&[2], 3)).await;
            check_choice(Some("t"), 9, fate, (&[2, 3], 1)).await;
            check_choice(Some("t"), 1, fate, (&[2], 2)).await;
        }
        for fate in [(Fate::Purge, true), (Fate::Purge, false)] {
            check_choice(None, 9, fate, (&[1, 2, 3, 4], 0)).await;
            check_choice(None, 2, fate, (&[1, 2], 2)).await;
            check_choice(Some("t"), 2, fate, (&[2, 3], 1)).await;
            check_choice(Some("railpost.gone"), 9, fate, (&[], 0)).await;
        }
    }

    #[tokio::test]
    async fn the_newest_are_those_given_up_last_wherever_they_stand() {
        // The last two were carried.
        let bus =
            bus(&[("c", 5, 5, false), ("c", 6, 6, false), ("c", 1, 9, false), ("c", 2, 9, false)]).await;
        let mut newest = Newest { limit: 3, found: BTreeSet::new() };
        newest.look_through((0, &bus), "c", &DeadLetterFilter::default()).await;
        assert_eq!(newest.on(0), [1, 2, 4]);
        newest.cut(2 * FRAME_BYTES);
        assert_eq!(newest.on(0), [2], "one is always shown, and the notes count");
        assert_eq!(of_event(&bus, "c", 4).await.map(|letter| letter.at), Some(Timestamp::from_millis(2)));
        assert!(of_event(&bus, "c", 5).await.is_none());
    }

    #[tokio::test]
    async fn an_event_that_is_gone_is_not_shown() {
        let bus = bus(&[]).await;
        let one = stored(("c", 1, 1, true), 7);
        let shown = shown(&bus, Letter::of(&one).unwrap(), &one);
        assert_eq!((shown.position, shown.id.as_str(), shown.event.get()), (7, "", "null"));
    }
}
