//! [`Outcomes`]: how groups came out under one rule.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use api::{GroupStatus, PartStatus, TriedGroup};
use event::stored::Stored;
use event::{Event, Hop, Step, Timestamp};
use serde::Deserialize;

use super::{NAMES_MAX, Room, TrialError};
use crate::config::{Aggregation, Late, Way};
use crate::core::{Action, Decision, Discarded};

/// What is kept of a group beside its texts, in bytes, about.
const GROUP_BYTES: usize = 192;
/// What a name costs beside its text, likewise.
const NAME_BYTES: usize = 24;

/// How the groups of one rule came out.
pub(super) struct Outcomes {
    all: Vec<Outcome>,
    /// The place of each release by its latest `id`, where it may be revised.
    told: HashMap<String, usize>,
}

/// How one group came out.
pub(super) struct Outcome {
    pub(super) key: String,
    pub(super) born: Born,
    pub(super) group: TriedGroup,
    /// Stands for the names of all its parts and of all that are missing.
    names: u64,
}

/// What tells a group from the others of its key, whatever the rule: when its first part came, and the millisecond in
/// which its window begins.
pub(super) type Born = (Timestamp, Option<i64>);

/// What a release says of its group, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    parts: Vec<Named>,
    window: Option<Window>,
    replaces: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Window {
    start: String,
}

impl Outcomes {
    /// Returns no groups.
    pub(super) fn new() -> Self {
        Self { all: Vec::new(), told: HashMap::new() }
    }

    /// Takes note of the groups that a decision ends.
    pub(super) fn note(
        &mut self,
        (now, decision): (Timestamp, Decision),
        rule: &Aggregation,
        room: &mut Room,
    ) -> Result<(), TrialError> {
        for action in decision.actions {
            match action {
                // What is told beside releases has something after their type.
                Action::Emit { release, hop } if *release.event.kind == *rule.emit.kind => {
                    self.release(&release, *hop, rule, room)?;
                }
                Action::Discard(discarded) => self.add(Outcome::discarded(now, *discarded), room)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn release(
        &mut self,
        stored: &Stored,
        hop: Hop,
        rule: &Aggregation,
        room: &mut Room,
    ) -> Result<(), TrialError> {
        let told =
            if matches!(rule.way, Way::Gather(_)) { read(&stored.event) } else { alone(&stored.event) };
        let revised = told.replaces.as_ref().and_then(|id| self.told.remove(id));
        let Some(outcome) = Outcome::released(stored.logged, hop, told) else { return Ok(()) };
        let at = if let Some(at) = revised {
            // A revision is the same group with more parts; what completed it, and when, stays.
            let earlier = &mut self.all[at];
            room.give(earlier.bytes());
            let TriedGroup { released, reason, .. } = std::mem::take(&mut earlier.group);
            earlier.group = TriedGroup { released, reason, ..outcome.group };
            earlier.names = outcome.names;
            room.take(earlier.bytes())?;
            at
        } else {
            self.add(outcome, room)?;
            self.all.len() - 1
        };
        if rule.late == Late::Amend {
            self.told.insert(stored.event.id.to_string(), at);
        }
        Ok(())
    }

    /// Takes note of a group.
    pub(super) fn add(&mut self, outcome: Outcome, room: &mut Room) -> Result<(), TrialError> {
        room.take_group(outcome.bytes())?;
        self.all.push(outcome);
        Ok(())
    }

    /// Returns all groups by their key and, of one key, in the order in which their first parts came.
    pub(super) fn in_order(mut self) -> Vec<Outcome> {
        self.all.sort_by(|one, other| one.place().cmp(&other.place()));
        self.all
    }
}

impl Outcome {
    fn released(at: Timestamp, hop: Hop, told: Told) -> Option<Self> {
        let Step::Released { key, reason, missing, .. } = hop.step else { return None };
        let window = told.window.and_then(|window| window.start.parse::<jiff::Timestamp>().ok());
        let born = (hop.started, window.map(jiff::Timestamp::as_millisecond));
        let parts = told.parts.into_iter().map(|part| part.name).collect();
        Some(Self::new(key, born, TriedGroup { released: Some(at), reason, parts, missing }))
    }

    /// A group that was discarded: when, in place of a release, and why.
    fn discarded(at: Timestamp, discarded: Discarded) -> Self {
        let born = (discarded.opened, discarded.window.map(Timestamp::as_millis));
        let parts = discarded.parts.iter().map(ToString::to_string).collect();
        let reason = format!("discarded: {}", discarded.reason);
        let group = TriedGroup { released: Some(at), reason, parts, missing: discarded.missing };
        Self::new(discarded.key.to_string(), born, group)
    }

    /// What is open at the end: a group, or each event that is held to be put in sequence.
    pub(super) fn open(status: GroupStatus, rule: &Aggregation) -> Vec<Self> {
        let GroupStatus { key, opened, window, parts, missing, .. } = status;
        let missing: Vec<String> = missing.into_iter().map(|missing| missing.name).collect();
        let group = |parts| TriedGroup { parts, missing: missing.clone(), ..TriedGroup::default() };
        if matches!(rule.way, Way::Resequence(_)) {
            let held =
                |part: PartStatus| Self::new(key.clone(), (part.received, None), group(vec![part.event]));
            return parts.into_iter().map(held).collect();
        }
        let born = (opened, window.map(|window| window.start.as_millis()));
        let parts = parts.into_iter().map(|part| part.name).collect();
        vec![Self::new(key.clone(), born, group(parts))]
    }

    fn new(key: String, born: Born, mut group: TriedGroup) -> Self {
        let mut hasher = DefaultHasher::new();
        (&group.parts, &group.missing).hash(&mut hasher);
        shorten(&mut group.parts);
        shorten(&mut group.missing);
        Self { key, born, group, names: hasher.finish() }
    }

    /// Returns what tells the group, to find its like under another rule.
    pub(super) fn place(&self) -> (&str, Born) {
        (&self.key, self.born)
    }

    /// Returns whether another one came out alike: with the same parts, by the same condition, at the same time.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.names == other.names
            && self.group.released == other.group.released
            && condition(&self.group.reason) == condition(&other.group.reason)
    }

    /// Returns what it takes, in bytes, about.
    pub(super) fn bytes(&self) -> usize {
        let TriedGroup { reason, parts, missing, .. } = &self.group;
        let names = parts.iter().chain(missing).map(|name| NAME_BYTES + name.len());
        GROUP_BYTES + self.key.len() + reason.len() + names.sum::<usize>()
    }
}

/// Reads what a release says of its group.
fn read(event: &Event) -> Told {
    // It was written by this program a moment ago.
    event.json().and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default()
}

/// Returns what there is to say of an event that was put in sequence.
fn alone(event: &Event) -> Told {
    Told { parts: vec![Named { name: event.id.to_string() }], ..Told::default() }
}

/// Returns which condition ended a group: the first word of the reason.
fn condition(reason: &str) -> &str {
    reason.split(':').next().unwrap_or(reason)
}

/// Leaves so many names as are listed, and says how many there are beyond.
fn shorten(names: &mut Vec<String>) {
    let beyond = names.len().saturating_sub(NAMES_MAX);
    if beyond > 0 {
        names.truncate(NAMES_MAX);
        names.push(format!("and {beyond} more"));
    }
    names.shrink_to_fit();
}
