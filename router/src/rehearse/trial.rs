//! [`Trial`]: a rule over events that a log holds, beside the present rule over the same events.
//!
//! Each rule has a clock of its own that stands at the time at which each event came into the log; timers fire on the
//! way. Neither begins with anything gathered, so that groups that were open where the range begins lack what came
//! before. What is not tried again: releases of the aggregation itself, dead letters and replays, and what somebody did
//! to a group.
//!
//! A trial is bounded. Past each of these it ends with an error that says so:
//! * [`EVENTS_MAX`] positions in the range;
//! * [`GROUPS_MAX`] groups, and [`KEPT_BYTES_MAX`] bytes of their keys and names, under both rules together;
//! * [`HELD_BYTES_MAX`] bytes about, held by the open groups of one rule.
//!
//! And past these it says less, and counts on:
//! * [`LISTED_MAX`] differences listed, the first ones by time, and [`LISTED_BYTES_MAX`] bytes of them in one report;
//! * [`NAMES_MAX`] names in a list of parts, of which all are compared, but for those of open groups.
//!
//! Early results and warnings end no group and are not tried.
//!
//! * [`outcome`]: how groups came out under one rule
//! * [`compare`]: how two rules differ

mod compare;
mod outcome;
#[cfg(test)]
mod tests;

use api::TriedAggregation;
use bytes::Bytes;
use event::eventbridge::Identity;
use event::hop::Via;
use event::stored::Stored;
use event::{Step, Timestamp};
use store::{Partition, Position, ReadBudget};

use self::outcome::{Outcome, Outcomes};
use super::stage::Stage;
use crate::config::{Aggregation, Payloads, Way};
use crate::core::Decision;

/// Positions in the range of a trial, at most.
pub(crate) const EVENTS_MAX: u64 = 1_000_000;
/// Groups kept for the comparison, at most, under both rules together.
const GROUPS_MAX: usize = 1_000_000;
/// Bytes of what is kept of them, at most, about.
const KEPT_BYTES_MAX: usize = 512 << 20;
/// Bytes that the open groups of one rule may hold. They are counted each time twice as much has come.
const HELD_BYTES_MAX: usize = 256 << 20;
/// Names in a list of parts, at most; one entry more says how many there are beyond.
const NAMES_MAX: usize = 1_000;
/// Differences listed, at most.
const LISTED_MAX: usize = 1_000;
/// Bytes of the differences listed in one report, at most, about.
pub(crate) const LISTED_BYTES_MAX: usize = 16 << 20;

/// Events read and tried at a time; others run in between.
const PAGE: ReadBudget = ReadBudget { events: 512, bytes: 4 << 20 };
/// What a part costs beside its names and its payload, about.
const PART_BYTES: usize = 128;

/// A trial did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrialError {
    /// The range is too long.
    #[error("the range has {count} events, and a trial reads {EVENTS_MAX} at most")]
    Events {
        /// How many positions it has.
        count: u64,
    },
    /// Too many groups come of the range.
    #[error("more than {most} groups come of the range, under both rules together, and no more are compared")]
    Groups {
        /// The limit.
        most: usize,
    },
    /// The groups that come of the range have too much in them.
    #[error("the keys and parts' names of the groups are more than {most} bytes, and no more are compared")]
    Kept {
        /// The limit.
        most: usize,
    },
    /// The groups that are open at one time hold too much.
    #[error("the open groups hold more than {most} bytes at {at}, and a trial holds no more")]
    Held {
        /// The limit.
        most: usize,
        /// When.
        at: Timestamp,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A rule, and the account and region that its events show without their own.
pub(crate) type Ruled<'a> = (&'a Aggregation, &'a Identity);

/// The range of a trial.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// The first position.
    pub(crate) first: u64,
    /// The last position.
    pub(crate) last: u64,
    /// Up to when time passes after the last event.
    pub(crate) end: Timestamp,
}

/// What a trial may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    groups: usize,
    kept_bytes: usize,
    held_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { groups: GROUPS_MAX, kept_bytes: KEPT_BYTES_MAX, held_bytes: HELD_BYTES_MAX }
    }
}

/// A rule that is tried over events, beside the present one.
pub(crate) struct Trial {
    name: String,
    bus: String,
    extent: Extent,
    tried: Rehearsal,
    now: Option<Rehearsal>,
    events: u64,
    limits: Limits,
    /// What is left of the limits on what is kept.
    room: Room,
}

/// How much more may be kept for the comparison.
struct Room {
    groups: usize,
    bytes: usize,
    limits: Limits,
}

/// One rule over events.
struct Rehearsal {
    stage: Stage,
    rule: Aggregation,
    outcomes: Outcomes,
    /// What came into groups since what they hold was last looked at, and what they held then, in bytes.
    held: usize,
    /// Whether the bus waits for room and reads no more.
    stands_still: bool,
}

impl Extent {
    /// Checks that the range is not too long.
    pub(crate) fn check(self) -> Result<Self, TrialError> {
        let count = (self.last + 1).saturating_sub(self.first);
        if count > EVENTS_MAX { Err(TrialError::Events { count }) } else { Ok(self) }
    }
}

impl Trial {
    /// Returns a trial that has read nothing; without a present rule everything is new.
    pub(crate) fn new(bus: &str, tried: Ruled<'_>, present: Option<Ruled<'_>>, extent: Extent) -> Self {
        Self::within(bus, (tried, present), extent, Limits::default())
    }

    fn within(
        bus: &str,
        (tried, present): (Ruled<'_>, Option<Ruled<'_>>),
        extent: Extent,
        limits: Limits,
    ) -> Self {
        Self {
            name: tried.0.name.clone(),
            bus: bus.to_owned(),
            extent,
            tried: Rehearsal::new(bus, tried),
            now: present.map(|present| Rehearsal::new(bus, present)),
            events: 0,
            limits,
            room: Room { groups: limits.groups, bytes: limits.kept_bytes, limits },
        }
    }

    /// Reads the events of the range. Nothing else on this thread is held up meanwhile.
    pub(crate) async fn read(&mut self, partition: &dyn Partition) -> Result<(), TrialError> {
        let mut after = Position(self.extent.first.saturating_sub(1));
        while after.0 < self.extent.last {
            tokio::task::yield_now().await;
            let page = partition.read(after, PAGE).await?;
            let Some((reached, _)) = page.last() else { break };
            after = *reached;
            tokio::task::block_in_place(|| self.take_all(page))?;
        }
        Ok(())
    }

    fn take_all(&mut self, page: Vec<(Position, Bytes)>) -> Result<(), TrialError> {
        let last = self.extent.last;
        for (position, bytes) in page.into_iter().take_while(|(position, _)| position.0 <= last) {
            match Stored::decode(bytes) {
                Ok(stored) => self.take(&stored)?,
                Err(error) => {
                    let (bus, position) = (&self.bus, position.0);
                    tracing::warn!(bus, position, %error, "an event in the log cannot be read; not tried");
                }
            }
        }
        Ok(())
    }

    /// Takes an event as the log has it.
    fn take(&mut self, stored: &Stored) -> Result<(), TrialError> {
        if matches!(stored.via, Via::Replay | Via::DeadLetter) || self.is_own(stored) {
            return Ok(());
        }
        self.events += 1;
        for rehearsal in std::iter::once(&mut self.tried).chain(&mut self.now) {
            rehearsal.take(stored, self.extent.end, &mut self.room)?;
            rehearsal.check(self.limits)?;
        }
        Ok(())
    }

    /// Returns whether an event came out of this aggregation, under its present rule, an earlier one or the tried one.
    fn is_own(&self, stored: &Stored) -> bool {
        let from = stored.path.rsplit(',').next().and_then(|last| last.strip_prefix(self.bus.as_str()));
        let is_named = from.and_then(|rest| rest.strip_prefix(':')) == Some(self.name.as_str());
        let mut rehearsals = std::iter::once(&self.tried).chain(&self.now);
        stored.via == Via::Release && (is_named || rehearsals.any(|one| one.emits(stored)))
    }

    /// Lets time pass to the end of the range, and compares. `room` is how many bytes of differences may be listed still.
    pub(crate) fn finish(mut self, room: &mut usize) -> Result<TriedAggregation, TrialError> {
        let end = self.extent.end;
        for rehearsal in std::iter::once(&mut self.tried).chain(&mut self.now) {
            rehearsal.pass(end, &mut self.room)?;
            rehearsal.note_open(&self.bus, &mut self.room)?;
        }
        let is_known = self.now.is_some();
        let now = self.now.map(|now| now.outcomes.in_order()).unwrap_or_default();
        let compared = compare::compare(&now, &self.tried.outcomes.in_order(), room);
        Ok(TriedAggregation {
            name: self.name,
            bus: self.bus,
            events: self.events,
            same: compared.same,
            differences: compared.listed,
            different: compared.different,
            is_known,
        })
    }
}

impl Rehearsal {
    fn new(bus: &str, (rule, identity): Ruled<'_>) -> Self {
        let mut rule = Aggregation { early: None, warn: None, ..rule.clone() };
        // Payloads are held, since what groups hold may end them; in a release nobody reads them.
        rule.emit.payload_bytes_max = 0;
        let stage = Stage::of(bus, identity.clone(), std::slice::from_ref(&rule), Timestamp::EPOCH);
        Self { stage, outcomes: Outcomes::new(), rule, held: 0, stands_still: false }
    }

    fn emits(&self, stored: &Stored) -> bool {
        self.stage.core().made(stored)
    }

    /// Takes an event at the time at which it came into the log.
    fn take(&mut self, stored: &Stored, end: Timestamp, room: &mut Room) -> Result<(), TrialError> {
        if self.stands_still {
            return Ok(());
        }
        self.pass(stored.logged, room)?;
        while self.stage.must_wait(stored) {
            let due = self.stage.core().next_wake().filter(|due| *due <= end);
            let Some(due) = due else {
                self.stands_still = true;
                return Ok(());
            };
            self.pass(due, room)?;
        }
        let decision = self.stage.decide(stored);
        self.held += held(&decision, &self.rule, stored);
        self.outcomes.note((self.stage.now(), decision), &self.rule, room)
    }

    fn pass(&mut self, until: Timestamp, room: &mut Room) -> Result<(), TrialError> {
        while let Some(decision) = self.stage.wake(until) {
            self.outcomes.note((self.stage.now(), decision), &self.rule, room)?;
        }
        Ok(())
    }

    /// Checks what the open groups hold. It is counted only once so much came that it may be too much.
    fn check(&mut self, limits: Limits) -> Result<(), TrialError> {
        if self.held <= limits.held_bytes * 2 {
            return Ok(());
        }
        let aggregators = self.stage.core().aggregators().iter();
        self.held = aggregators.map(|one| one.held_bytes(PART_BYTES)).sum();
        if self.held > limits.held_bytes {
            return Err(TrialError::Held { most: limits.held_bytes, at: self.stage.now() });
        }
        Ok(())
    }

    /// Takes note of the groups that are open still.
    fn note_open(&mut self, bus: &str, room: &mut Room) -> Result<(), TrialError> {
        let now = self.stage.now();
        let groups = self.stage.core().aggregators().iter().flat_map(|one| one.each_group(bus, now));
        for group in groups.filter(|group| !group.parts.is_empty()) {
            for outcome in Outcome::open(group, &self.rule) {
                self.outcomes.add(outcome, room)?;
            }
        }
        Ok(())
    }
}

/// Returns what an event adds to what groups hold, in bytes.
fn held(decision: &Decision, rule: &Aggregation, stored: &Stored) -> usize {
    let parts = decision.hops.iter().filter_map(|hop| match &hop.step {
        Step::Offered { key, part, .. } => Some(PART_BYTES + key.len() + part.len()),
        _ => None,
    });
    let parts: usize = parts.sum();
    let keeps = rule.emit.parts != Payloads::Listed || matches!(rule.way, Way::Resequence(_));
    let payload = stored.event.data.as_ref().map_or(0, |data| data.bytes().len());
    if keeps && parts > 0 { parts + payload } else { parts }
}

impl Room {
    /// Has room again for something that is kept no more.
    fn give(&mut self, bytes: usize) {
        self.bytes += bytes;
    }

    /// Takes room for something that is kept.
    fn take(&mut self, bytes: usize) -> Result<(), TrialError> {
        self.bytes =
            self.bytes.checked_sub(bytes).ok_or(TrialError::Kept { most: self.limits.kept_bytes })?;
        Ok(())
    }

    /// Takes room for one more group.
    fn take_group(&mut self, bytes: usize) -> Result<(), TrialError> {
        self.groups = self.groups.checked_sub(1).ok_or(TrialError::Groups { most: self.limits.groups })?;
        self.take(bytes)
    }
}
