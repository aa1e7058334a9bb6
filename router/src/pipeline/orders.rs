//! What somebody asked for, carried out in the next commit.

use std::sync::Arc;

use api::ReplayState;
use event::stored::Stored;

use super::again::Replay;
use super::turn::Turn;
use super::{Pipeline, letter_of};
use crate::bus::ReadError;
use crate::clock;
use crate::orders::{Order, OrderError, Ordered};
use crate::state::record::ReplayRecord;

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
                turn.stand(&self.bus.lanes()[consumer], |standing| {
                    standing.paused = false;
                    standing.stopped = None;
                });
                Ok(1)
            }
            Order::Redrive { consumer, letters } => self.redrive(&consumer, &letters, turn),
            Order::Purge { consumer, letters } => Ok(self.purge(&consumer, &letters, turn)),
            Order::Replay(record) => self.begin(*record, turn),
            Order::CancelReplay { name } => self.cancel(&name, turn),
            Order::Carry { .. } => Ok(0),
        }
    }

    /// Queues dead letters again: a letter holds its event, so that the queue gets the letter's own position.
    fn redrive(&self, consumer: &str, letters: &[u64], turn: &mut Turn) -> Result<u64, OrderError> {
        let unknown = || OrderError::Unknown { what: "consumer", name: consumer.to_owned() };
        let index = self.bus.lane(consumer).ok_or_else(unknown)?.index;
        let mut moved = 0;
        for position in letters {
            if turn.take_letter(&self.bus, consumer, *position) {
                turn.queue(&self.bus, index, *position, None);
                moved += 1;
            }
        }
        self.bus.core().consumers_mut()[index].ledger.dead_lettered -= moved;
        Ok(moved)
    }

    /// Forgets dead letters, which count as dropped from now on.
    fn purge(&self, consumer: &str, letters: &[u64], turn: &mut Turn) -> u64 {
        let taken = letters.iter().filter(|position| turn.take_letter(&self.bus, consumer, **position));
        let purged = taken.count() as u64;
        if let Some(lane) = self.bus.lane(consumer) {
            let mut core = self.bus.core();
            let ledger = &mut core.consumers_mut()[lane.index].ledger;
            ledger.dead_lettered -= purged;
            ledger.dropped += purged;
        }
        purged
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

    /// Writes dead letters anew at the end of the log. They are counted again when they are read there.
    async fn carry(&self, before: u64, turn: &mut Turn) -> Result<u64, store::Error> {
        let old: Vec<(String, u64)> = {
            let letters = self.bus.letters();
            let each = letters.iter().flat_map(|(consumer, letters)| {
                let old = letters.iter().take_while(|position| *position < before);
                old.map(|position| (consumer.clone(), position))
            });
            each.take(CARRIED_MAX).collect()
        };
        let mut carried = 0;
        for (consumer, position) in old {
            let stored = match self.bus.event(position).await {
                Ok(stored) => stored.filter(|stored| letter_of(stored).is_some()),
                Err(ReadError::Store(error)) => return Err(error),
                Err(ReadError::Stored(_)) => None,
            };
            turn.take_letter(&self.bus, &consumer, position);
            if let Some(stored) = stored {
                turn.emit(&Stored { logged: clock::now(), ..stored }, None);
            } else {
                let bus = self.bus.name();
                tracing::error!(bus, consumer, position, "a dead letter is gone from the log");
            }
            carried += 1;
        }
        Ok(carried)
    }

    /// Returns the bus of that name.
    pub(super) fn other(&self, name: &str) -> Option<Arc<crate::bus::Bus>> {
        self.buses.get(name).cloned()
    }
}
