//! What somebody asked for, carried out in the next commit.

use std::collections::BTreeMap;

use api::{GroupAction, HandlingRecord, ReplayState};
use event::Timestamp;
use event::hop::Via;
use event::stored::Stored;

use super::Pipeline;
use super::again::Replay;
use super::turn::Turn;
use crate::bus::ReadError;
use crate::clock;
use crate::core::gather::handle::{ALL, ALL_AT_ONCE};
use crate::core::{AGGREGATION, Core};
use crate::orders::{Order, OrderError, Ordered};
use crate::read;
use crate::state::changes::json;
use crate::state::record::{Letter, ReplayRecord, Replayed};

/// Replays that are over and still listed; past it the oldest is forgotten.
const REPLAYS_LISTED_MAX: usize = 100;
/// Dead letters carried on in one turn, at most; those left are carried in later ones.
const CARRIED_MAX: usize = 256;

impl Pipeline {
    /// Carries out every order that came.
    pub(super) async fn carry_out(&mut self, turn: &mut Turn) -> Result<(), store::Error> {
        while !turn.is_full()
            && let Some(Ordered { order, answer }) = self.ordered.pop_front()
        {
            let result = match order {
                Order::Carry { before } => Ok(self.carry(before, turn).await?),
                Order::Redrive { consumer, letters } if consumer.starts_with(AGGREGATION) => {
                    Ok(self.offer_again(&consumer, &letters, turn).await?)
                }
                // Before anything is read it is not known what time it is in the log.
                order @ Order::Group { .. } if self.is_behind() && self.read_until == Timestamp::EPOCH => {
                    self.ordered.push_front(Ordered { order, answer });
                    return Ok(());
                }
                Order::Group { aggregation, group, record, done } => {
                    let result = self.handle((aggregation, &group), &record, turn);
                    let ends = matches!(record.action, GroupAction::Release | GroupAction::Discard);
                    if group == ALL && ends && result.as_ref().is_ok_and(|count| *count >= ALL_AT_ONCE as u64)
                    {
                        // The others in the next turn, so that no commit is too large.
                        let done = done + result.unwrap_or_default();
                        let order = Order::Group { aggregation, group, record, done };
                        self.ordered.push_front(Ordered { order, answer });
                        return Ok(());
                    }
                    result.map(|count| count + done)
                }
                order => self.obey(order, turn),
            };
            turn.answers.push((answer, result));
        }
        Ok(())
    }

    fn obey(&mut self, order: Order, turn: &mut Turn) -> Result<u64, OrderError> {
        match order {
            Order::Pause { consumer } => {
                turn.stand(&self.bus.lanes()[consumer], |standing| standing.paused = true);
                Ok(1)
            }
            Order::Resume { consumer } => {
                turn.resume(&self.bus.lanes()[consumer]);
                Ok(1)
            }
            Order::Redrive { consumer, letters } => self.redrive(&consumer, &letters, turn),
            Order::Purge { consumer, letters } => Ok(self.purge(&consumer, &letters, turn)),
            Order::Replay(record) => self.begin(*record, turn),
            Order::CancelReplay { name } => self.cancel(&name, turn),
            // Together with what this turn changes it is durable once it is answered.
            Order::Needed => Ok(self.bus.oldest_needed().unwrap_or(u64::MAX).min(self.applied.0 + 1)),
            Order::Carry { .. } | Order::Group { .. } => Ok(0),
        }
    }

    /// Puts an aggregation's dead letters on the bus again, for it alone. One that cannot be read stays.
    async fn offer_again(&self, name: &str, letters: &[u64], turn: &mut Turn) -> Result<u64, store::Error> {
        let mut rest = letters;
        let mut offered = 0;
        while !rest.is_empty() {
            let some = read::some(&self.bus, rest).await;
            rest = &rest[some.len()..];
            for (position, found) in some {
                if turn.is_full() {
                    return Ok(offered);
                }
                let stored = match found {
                    Ok(Some(stored)) => stored,
                    Err(ReadError::Store(error @ (store::Error::Closed | store::Error::Failed { .. }))) => {
                        return Err(error);
                    }
                    Ok(None) | Err(_) => continue,
                };
                if turn.take_letter(&self.bus, name, position) {
                    let replayed = Replayed {
                        name: "redrive".to_owned(),
                        consumer: Some(name.to_owned()),
                        position: Letter::of(&stored).map_or(position, |letter| letter.position),
                    };
                    let note = Some(json(&replayed));
                    let again = Stored { logged: clock::now(), via: Via::Replay, note, ..stored };
                    turn.emit(&again, None);
                    offered += 1;
                }
            }
        }
        Ok(offered)
    }

    /// Returns whether there are events that are not decided yet.
    fn is_behind(&self) -> bool {
        self.applied < self.bus.partition().head()
    }

    /// Does something to a group. While events that were accepted earlier are still to be read, time is theirs: none of
    /// them may find its group ended before its time.
    fn handle(
        &self,
        (aggregation, group): (usize, &str),
        record: &HandlingRecord,
        turn: &mut Turn,
    ) -> Result<u64, OrderError> {
        let mut core = self.bus.core();
        let now = if self.is_behind() { self.read_until.min(clock::now()) } else { clock::now() };
        let (count, decision) = core.handle(aggregation, (now, group), record)?;
        turn.apply(&self.bus, &core, (self.applied.0, None), decision);
        Ok(count)
    }

    /// Queues dead letters again: a letter holds its event, so that the queue gets the letter's own position.
    fn redrive(&self, consumer: &str, letters: &[u64], turn: &mut Turn) -> Result<u64, OrderError> {
        let unknown = || OrderError::Unknown { what: "consumer", name: consumer.to_owned() };
        let index = self.bus.lane(consumer).ok_or_else(unknown)?.index;
        // Who reads the counts holds the core, and so sees all of this or nothing.
        let mut core = self.bus.core();
        let mut moved = 0;
        for position in letters {
            let is_there = self.bus.letters().get(consumer).is_some_and(|known| known.contains(*position));
            if is_there {
                // In this order: at each instant something keeps the event from being reclaimed.
                turn.redrive(&self.bus.lanes()[index], *position);
                turn.take_letter(&self.bus, consumer, *position);
                moved += 1;
            }
        }
        self.uncount(&mut core, index, moved);
        Ok(moved)
    }

    /// Forgets dead letters, which count as dropped from now on.
    fn purge(&self, consumer: &str, letters: &[u64], turn: &mut Turn) -> u64 {
        let mut core = self.bus.core();
        let taken = letters.iter().filter(|position| turn.take_letter(&self.bus, consumer, **position));
        let purged = taken.count() as u64;
        if let Some(lane) = self.bus.lane(consumer) {
            let counted = self.uncount(&mut core, lane.index, purged);
            core.consumers_mut()[lane.index].ledger.dropped += counted;
        }
        purged
    }

    /// Takes dead letters off a consumer's count. Returns how many: after a repair that lost a commit there may be more
    /// letters than were counted.
    fn uncount(&self, core: &mut Core, index: usize, letters: u64) -> u64 {
        let receiver = &mut core.consumers_mut()[index];
        let counted = letters.min(receiver.ledger.dead_lettered);
        if counted < letters {
            let (bus, consumer) = (self.bus.name(), &*receiver.name);
            tracing::error!(
                bus,
                consumer,
                letters,
                counted,
                "there were more dead letters than were counted"
            );
        }
        receiver.ledger.dead_lettered -= counted;
        counted
    }

    fn begin(&mut self, record: ReplayRecord, turn: &mut Turn) -> Result<u64, OrderError> {
        let mut replays = self.bus.replays();
        if replays.iter().any(|one| one.name == record.name && one.state == ReplayState::Running) {
            return Err(OrderError::Taken { name: record.name });
        }
        replays.retain(|one| one.name != record.name);
        while replays.len() >= REPLAYS_LISTED_MAX
            && let Some(oldest) = replays.iter().position(|one| one.state != ReplayState::Running)
        {
            turn.changes.no_replay(&replays.remove(oldest).name);
        }
        turn.changes.replay(&record);
        self.replays.extend(Replay::new(&record, clock::now()));
        replays.push(record);
        Ok(1)
    }

    fn cancel(&mut self, name: &str, turn: &mut Turn) -> Result<u64, OrderError> {
        let mut replays = self.bus.replays();
        let running = replays.iter_mut().find(|one| one.name == name && one.state == ReplayState::Running);
        let unknown = || OrderError::Unknown { what: "running replay", name: name.to_owned() };
        let record = running.ok_or_else(unknown)?;
        record.state = ReplayState::Cancelled;
        record.ended = Some(clock::now());
        turn.changes.replay(record);
        self.replays.retain(|one| one.name != name);
        Ok(1)
    }

    /// Writes dead letters anew at the end of the log, as many as one commit takes. Their consumers' counts stay; they
    /// are listed again when they are read there. One that cannot be read stays where it is, and so do those after it:
    /// the log is kept from there on, so that moving them would free nothing.
    async fn carry(&self, before: u64, turn: &mut Turn) -> Result<u64, store::Error> {
        let old = self.letters_before(before);
        let positions: Vec<u64> = old.keys().copied().collect();
        let mut rest = positions.as_slice();
        let mut carried = 0;
        while !rest.is_empty() {
            let some = read::some(&self.bus, rest).await;
            rest = &rest[some.len()..];
            for (position, found) in some {
                if turn.is_full() {
                    return Ok(carried);
                }
                if !self.carry_one((&old[&position], position), found, turn)? {
                    return Ok(carried);
                }
                carried += 1;
            }
        }
        Ok(carried)
    }

    /// Carries one dead letter on, or forgets it if the log no longer holds it. Returns false if it cannot be read.
    fn carry_one(
        &self,
        (consumer, position): (&str, u64),
        found: Result<Option<Stored>, ReadError>,
        turn: &mut Turn,
    ) -> Result<bool, store::Error> {
        let bus = self.bus.name();
        let stored = match found {
            Ok(Some(stored)) if Letter::of(&stored).is_some() => stored,
            Ok(None) => {
                tracing::error!(
                    bus,
                    consumer,
                    position,
                    "a dead letter is gone from the log; counted as dropped"
                );
                self.purge(consumer, &[position], turn);
                return Ok(true);
            }
            Err(ReadError::Store(error @ (store::Error::Closed | store::Error::Failed { .. }))) => {
                return Err(error);
            }
            Ok(Some(_)) => {
                tracing::error!(
                    bus,
                    consumer,
                    position,
                    "no dead letter stands where one should; the log is kept"
                );
                return Ok(false);
            }
            Err(error) => {
                tracing::error!(bus, consumer, position, %error, "a dead letter cannot be read; the log is kept");
                return Ok(false);
            }
        };
        turn.take_letter(&self.bus, consumer, position);
        turn.emit(&Stored { logged: clock::now(), ..stored }, None);
        Ok(true)
    }

    /// Returns the first dead letters before a position, with their consumers, as many as one turn carries.
    fn letters_before(&self, before: u64) -> BTreeMap<u64, String> {
        let letters = self.bus.letters();
        let first = letters.iter().flat_map(|(consumer, letters)| {
            let old = letters.iter().take_while(|position| *position < before).take(CARRIED_MAX);
            old.map(|position| (position, consumer.clone()))
        });
        let first: BTreeMap<u64, String> = first.collect();
        first.into_iter().take(CARRIED_MAX).collect()
    }
}
