//! Earlier events again: for consumers that are new and begin before the present, and for replays.

use std::sync::Arc;

use api::{ReplayState, ReplayTo};
use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::Stored;
use event::{SpanId, Timestamp, TraceContext};
use pattern::Pattern;
use store::{Position, ReadBudget};

use super::Pipeline;
use super::turn::Turn;
use crate::bus::Bus;
use crate::clock;
use crate::core::facts::Facts;
use crate::state::changes::json;
use crate::state::record::{Range, ReplayRecord, Replayed};

/// Events looked back at in one turn, for each replay and each new consumer.
const STEP: ReadBudget = ReadBudget { events: 256, bytes: 1 << 20 };

/// A replay that runs.
pub(super) struct Replay {
    pub(super) name: String,
    filter: Option<Pattern>,
    rate: Option<f64>,
    /// When it began or went on in this process, and how many events it has sent since.
    since: Timestamp,
    sent: u64,
}

/// Returns the replays of a bus that were running when the store was closed.
pub(super) fn resume(bus: &Bus) -> Vec<Replay> {
    let now = clock::now();
    let replays = bus.replays();
    let running = replays.iter().filter(|record| record.state == ReplayState::Running);
    running.filter_map(|record| Replay::new(record, now)).collect()
}

impl Replay {
    /// Returns a replay that begins or goes on now; none if its filter is no pattern, which was checked when it was
    /// ordered.
    pub(super) fn new(record: &ReplayRecord, now: Timestamp) -> Option<Self> {
        let filter = record.filter.as_deref().map(Pattern::parse).transpose().ok()?;
        Some(Self { name: record.name.clone(), filter, rate: record.rate, since: now, sent: 0 })
    }

    /// Returns when it may send its next event; none if it has no rate and may always.
    pub(super) fn next(&self) -> Option<Timestamp> {
        #[expect(clippy::cast_precision_loss, reason = "so many events take longer than anybody waits")]
        let seconds = (self.sent + 1) as f64 / self.rate?;
        Some(self.since.after(std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    }

    /// Returns how many events it may send now.
    fn allowed(&self, now: Timestamp) -> u64 {
        let Some(rate) = self.rate else { return STEP.events as u64 };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a saturating cast is meant"
        )]
        let so_far = (now.since(self.since).as_secs_f64() * rate) as u64;
        so_far.saturating_sub(self.sent).min(STEP.events as u64)
    }

    fn wants(&self, stored: &Stored, identity: &Identity) -> bool {
        if matches!(stored.via, Via::Replay | Via::DeadLetter) {
            return false;
        }
        let Some(filter) = &self.filter else { return true };
        let facts = Facts::new(stored, 0, identity);
        filter.matches_fields(&facts.fields()).unwrap_or(false)
    }
}

impl Pipeline {
    /// Returns whether there are earlier events to look at now.
    pub(super) fn has_more(&self, now: Timestamp) -> bool {
        let backfills = self.bus.lanes().iter().any(|lane| lane.has_backfill());
        backfills || self.replays.iter().any(|replay| replay.allowed(now) > 0)
    }

    /// Takes one step back for each new consumer and each replay.
    pub(super) async fn look_back(&mut self, turn: &mut Turn) -> Result<(), store::Error> {
        for index in 0..self.bus.lanes().len() {
            if self.bus.lanes()[index].has_backfill() && !turn.is_full() {
                self.backfill(index, turn).await?;
            }
        }
        let now = clock::now();
        for index in 0..self.replays.len() {
            if self.replays[index].allowed(now) > 0 && !turn.is_full() {
                self.replay(index, now, turn).await?;
            }
        }
        let records = self.bus.replays();
        let running = |replay: &Replay| {
            records.iter().any(|one| one.name == replay.name && one.state == ReplayState::Running)
        };
        self.replays.retain(running);
        Ok(())
    }

    async fn backfill(&self, index: usize, turn: &mut Turn) -> Result<(), store::Error> {
        let lane = &self.bus.lanes()[index];
        let Some(range) = lane.standing().backfill else { return Ok(()) };
        let (events, next) = self.step_back(range).await?;
        let mut core = self.bus.core();
        for (position, stored) in events {
            if stored.via == Via::DeadLetter {
                continue;
            }
            let decision = core.backfill(index, (stored.logged, position), &stored);
            turn.apply(&self.bus, &core, (position, Some(&Arc::new(stored))), decision);
        }
        drop(core);
        turn.stand(lane, |standing| standing.backfill = next);
        Ok(())
    }

    async fn replay(&mut self, index: usize, now: Timestamp, turn: &mut Turn) -> Result<(), store::Error> {
        let name = self.replays[index].name.clone();
        let record = self.bus.replays().iter().find(|one| one.name == name).cloned();
        let Some(mut record) = record else { return Ok(()) };
        let (events, next) = self.step_back(record.range).await?;
        let allowed = self.replays[index].allowed(now);
        let mut sent = 0;
        let mut left = next;
        for (position, stored) in events {
            if !self.replays[index].wants(&stored, self.bus.identity()) {
                continue;
            }
            if sent == allowed {
                left = Some(Range { next: position, last: record.range.last });
                break;
            }
            self.send_again(&record, position, &stored, turn).await?;
            sent += 1;
        }
        self.replays[index].sent += sent;
        record.replayed += sent;
        record.range.next = left.map_or(record.range.last + 1, |range| range.next);
        if left.is_none() {
            record.state = ReplayState::Done;
            record.ended = Some(now);
        }
        turn.changes.replay(&record);
        if let Some(listed) = self.bus.replays().iter_mut().find(|one| one.name == name) {
            *listed = record;
        }
        Ok(())
    }

    /// Puts an event again on the bus that it is to be seen on.
    async fn send_again(
        &self,
        record: &ReplayRecord,
        position: u64,
        stored: &Stored,
        turn: &mut Turn,
    ) -> Result<(), store::Error> {
        let (bus, consumer) = match &record.to {
            ReplayTo::Bus(bus) => (bus.clone(), None),
            ReplayTo::Consumer(consumer) => (self.bus_of(consumer), Some(consumer.clone())),
        };
        let note = Replayed { name: record.name.clone(), consumer, position };
        let trace = TraceContext {
            span: SpanId(fastrand::u64(1..).to_be_bytes()),
            parent: Some(stored.trace.span),
            ..stored.trace
        };
        let again = Stored {
            logged: clock::now(),
            via: Via::Replay,
            trace,
            note: Some(json(&note)),
            ..stored.clone()
        };
        if bus == self.bus.name() {
            turn.emit(&again, None);
            return Ok(());
        }
        match self.other(&bus) {
            Some(other) => {
                other.replayed(&again, (&record.name, record.started, self.bus.name(), position)).await
            }
            None => Ok(()),
        }
    }

    fn bus_of(&self, consumer: &str) -> String {
        let bus = self.buses.values().find(|bus| bus.lane(consumer).is_some());
        bus.map_or_else(|| self.bus.name().to_owned(), |bus| bus.name().to_owned())
    }

    /// Reads a step of a range. Returns its events, and what is left of the range.
    async fn step_back(&self, range: Range) -> Result<(Vec<(u64, Stored)>, Option<Range>), store::Error> {
        let before = Position(range.next.saturating_sub(1));
        let read = self.bus.partition().read(before, STEP).await?;
        let reached = read.last().map_or(range.last, |(position, _)| position.0);
        let events = read.into_iter().take_while(|(position, _)| position.0 <= range.last);
        let events = events.filter_map(|(position, bytes)| Some((position.0, Stored::decode(bytes).ok()?)));
        let left = (reached < range.last).then_some(Range { next: reached + 1, last: range.last });
        Ok((events.collect(), left))
    }
}
