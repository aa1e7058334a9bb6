//! Earlier events again: for consumers that are new and begin before the present, and for replays.

use std::sync::Arc;
use std::time::Duration;

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

/// How long a replay rests when the bus that it sends to has too much to do.
const REST: Duration = Duration::from_millis(100);

/// A replay that runs.
pub(super) struct Replay {
    pub(super) name: String,
    filter: Option<Pattern>,
    rate: Option<f64>,
    /// Events that it may send now, and when that was so.
    credit: f64,
    at: Timestamp,
    /// When it goes on, after the bus that it sends to had too much to do.
    rests_until: Timestamp,
}

/// Where a replay's events go.
enum Destination {
    Here,
    There(Arc<Bus>),
    Gone,
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
        let (name, rate) = (record.name.clone(), record.rate);
        Some(Self { name, filter, rate, credit: 0.0, at: now, rests_until: now })
    }

    /// Returns when it may send its next event.
    pub(super) fn next(&self) -> Timestamp {
        let wait = self.rate.map_or(0.0, |rate| (1.0 - self.credit).max(0.0) / rate);
        let wait = Duration::try_from_secs_f64(wait).unwrap_or(Duration::MAX);
        self.at.after(wait).max(self.rests_until)
    }

    /// Returns how many events it may send now: of a time in which it sent none, one second's worth.
    fn allowed(&mut self, now: Timestamp) -> usize {
        if now < self.rests_until {
            return 0;
        }
        let Some(rate) = self.rate else { return STEP.events };
        self.credit = (self.credit + now.since(self.at).as_secs_f64() * rate).min(rate.max(1.0));
        self.at = now;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a saturating cast is meant"
        )]
        let whole = self.credit as usize;
        whole.min(STEP.events)
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
    pub(super) fn has_more(&mut self, now: Timestamp) -> bool {
        let backfills = self.new.iter().any(|index| self.bus.lanes()[*index].has_backfill());
        backfills || self.replays.iter_mut().any(|replay| replay.allowed(now) > 0)
    }

    /// Takes one step back for each new consumer and each replay.
    pub(super) async fn look_back(&mut self, turn: &mut Turn) -> Result<(), store::Error> {
        for index in self.new.clone() {
            if self.bus.lanes()[index].has_backfill() && !turn.is_full() {
                self.backfill(index, turn).await?;
            }
        }
        self.new.retain(|index| self.bus.lanes()[*index].standing().backfill.is_some());
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
        let (events, next) = match self.step_back(range).await {
            Ok(step) => step,
            Err(error) => {
                let reason = format!("its earlier events cannot be read: {}", passing(error)?);
                tracing::error!(bus = self.bus.name(), consumer = lane.consumer.name, reason, "stopped");
                turn.stand(lane, |standing| standing.stopped = Some(reason));
                return Ok(());
            }
        };
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
        let (events, next) = match self.step_back(record.range).await {
            Ok(step) => step,
            Err(error) => {
                self.fail(record, passing(error)?, turn);
                return Ok(());
            }
        };
        let allowed = self.replays[index].allowed(now);
        let mut again = Vec::new();
        let mut left = next;
        for (position, stored) in events {
            if !self.replays[index].wants(&stored, self.bus.identity()) {
                continue;
            }
            if again.len() == allowed {
                left = Some(Range { next: position, last: record.range.last });
                break;
            }
            again.push((position, sent_again(&record, position, stored)));
        }
        let sent = again.len();
        match self.destination(&record.to) {
            Destination::Here => again.iter().for_each(|(_, stored)| turn.emit(stored, None)),
            Destination::There(other) => {
                let origin = (record.name.as_str(), record.started, self.bus.name());
                if other.replayed(again, origin).await.is_err() {
                    // It has too much to do, or fails and ends the router by itself. The same step is taken again.
                    self.replays[index].rests_until = now.after(REST);
                    return Ok(());
                }
            }
            Destination::Gone => {
                self.fail(record, "where its events went is not configured any more".to_owned(), turn);
                return Ok(());
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a step is small")]
        let used = sent as f64;
        self.replays[index].credit -= used;
        record.replayed += sent as u64;
        record.range.next = left.map_or(record.range.last + 1, |range| range.next);
        if left.is_none() {
            record.state = ReplayState::Done;
            record.ended = Some(now);
        }
        self.save(record, turn);
        Ok(())
    }

    fn fail(&self, record: ReplayRecord, reason: String, turn: &mut Turn) {
        let state = ReplayState::Failed { reason };
        self.save(ReplayRecord { state, ended: Some(clock::now()), ..record }, turn);
    }

    fn save(&self, record: ReplayRecord, turn: &mut Turn) {
        turn.changes.replay(&record);
        if let Some(listed) = self.bus.replays().iter_mut().find(|one| one.name == record.name) {
            *listed = record;
        }
    }

    fn destination(&self, to: &ReplayTo) -> Destination {
        let bus = match to {
            ReplayTo::Bus(bus) => self.buses.get(bus),
            ReplayTo::Consumer(consumer) => self.buses.values().find(|bus| bus.lane(consumer).is_some()),
        };
        match bus {
            None => Destination::Gone,
            Some(bus) if bus.name() == self.bus.name() => Destination::Here,
            Some(bus) => Destination::There(Arc::clone(bus)),
        }
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

/// Returns an event as a replay sends it again.
fn sent_again(record: &ReplayRecord, position: u64, stored: Stored) -> Stored {
    let consumer = match &record.to {
        ReplayTo::Bus(_) => None,
        ReplayTo::Consumer(consumer) => Some(consumer.clone()),
    };
    let note = Replayed { name: record.name.clone(), consumer, position };
    let trace = TraceContext {
        span: SpanId(fastrand::u64(1..).to_be_bytes()),
        parent: Some(stored.trace.span),
        ..stored.trace
    };
    Stored { logged: clock::now(), via: Via::Replay, trace, note: Some(json(&note)), ..stored }
}

/// Returns what hinders a look back and not the bus; anything else ends the bus.
fn passing(error: store::Error) -> Result<String, store::Error> {
    match error {
        store::Error::Corrupt { .. } | store::Error::Io { .. } => Ok(error.to_string()),
        error => Err(error),
    }
}
