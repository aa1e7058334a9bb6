//! [`Condition`]: when a group is complete, when to look again, what it waits for.

use std::time::Duration;

use event::Timestamp;
use pattern::Pattern;

use super::group::Group;
use crate::config::{Completion, Cutoff};

/// A completion in the form that is asked at every part: `when` patterns are numbered, in order.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Count(usize),
    Expected(Vec<String>),
    Idle(Duration),
    Within(Duration),
    Cutoff(Cutoff),
    When(usize),
    Any(Vec<Condition>),
    All(Vec<Condition>),
}

/// Returns the `when` patterns of a completion, in the order in which [`Condition`] numbers them.
pub(crate) fn markers(completion: &Completion) -> Vec<&Pattern> {
    match completion {
        Completion::When(pattern) => vec![pattern],
        Completion::Any(parts) | Completion::All(parts) => parts.iter().flat_map(markers).collect(),
        _ => Vec::new(),
    }
}

impl Condition {
    /// Returns the condition that a configuration asks for.
    pub(crate) fn new(completion: &Completion) -> Self {
        Self::numbered(completion, &mut 0)
    }

    fn numbered(completion: &Completion, next: &mut usize) -> Self {
        let mut each = |parts: &[Completion]| parts.iter().map(|part| Self::numbered(part, next)).collect();
        match completion {
            Completion::Count(count) => Self::Count(*count),
            Completion::Expected(names) => Self::Expected(names.clone()),
            Completion::Idle(gap) => Self::Idle(*gap),
            Completion::Within(limit) => Self::Within(*limit),
            Completion::Cutoff(cutoff) => Self::Cutoff(cutoff.clone()),
            Completion::Any(parts) => Self::Any(each(parts)),
            Completion::All(parts) => Self::All(each(parts)),
            Completion::When(_) => {
                *next += 1;
                Self::When(*next - 1)
            }
        }
    }

    /// Returns why a group is complete, the condition's name in front, if it is.
    pub(crate) fn met(&self, group: &Group, now: Timestamp) -> Option<String> {
        match self {
            Self::Count(count) => (group.parts.len() >= *count).then(|| format!("count: {count} parts came")),
            Self::Expected(names) => {
                let all = names.iter().all(|name| group.holds(name));
                all.then(|| format!("expected: all {} parts came", names.len()))
            }
            Self::Idle(gap) => {
                self.passed(group, now).then(|| format!("idle: no part came for {}", words(*gap)))
            }
            Self::Within(limit) => {
                self.passed(group, now).then(|| format!("deadline: {} after the first part", words(*limit)))
            }
            Self::Cutoff(cutoff) => {
                self.passed(group, now).then(|| format!("deadline: {}", cutoff_words(cutoff)))
            }
            Self::When(place) => {
                let marker = group.markers.iter().find(|marker| marker.place == *place);
                marker.map(|marker| format!("when: event {} said so", marker.event))
            }
            Self::Any(parts) => parts.iter().find_map(|part| part.met(group, now)),
            Self::All(parts) => {
                let reasons: Option<Vec<String>> = parts.iter().map(|part| part.met(group, now)).collect();
                reasons.map(|reasons| reasons.join("; "))
            }
        }
    }

    /// Returns the next instant after `now` at which time alone changes what is met.
    pub(crate) fn next(&self, group: &Group, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().filter_map(|part| part.next(group, now)).min()
            }
            _ => self.due(group).filter(|due| *due > now),
        }
    }

    /// Returns when a single timed condition is met.
    fn due(&self, group: &Group) -> Option<Timestamp> {
        match self {
            Self::Idle(gap) => Some(group.last_part.after(*gap)),
            Self::Within(limit) => Some(group.opened.after(*limit)),
            Self::Cutoff(cutoff) => Some(next_cutoff(cutoff, group.opened)),
            _ => None,
        }
    }

    fn passed(&self, group: &Group, now: Timestamp) -> bool {
        self.due(group).is_some_and(|due| due <= now)
    }

    /// Returns the names that complete a group, where some condition lists them.
    pub(crate) fn expected(&self) -> Option<&[String]> {
        match self {
            Self::Expected(names) => Some(names),
            Self::Any(parts) | Self::All(parts) => parts.iter().find_map(Self::expected),
            _ => None,
        }
    }

    /// Returns how many parts complete a group, where some condition says so.
    pub(crate) fn count(&self) -> Option<usize> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Expected(names) => Some(names.len()),
            Self::Any(parts) | Self::All(parts) => parts.iter().find_map(Self::count),
            _ => None,
        }
    }

    /// Returns when silence completes a group, where some condition says so.
    pub(crate) fn idle_until(&self, group: &Group) -> Option<Timestamp> {
        match self {
            Self::Idle(gap) => Some(group.last_part.after(*gap)),
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().filter_map(|part| part.idle_until(group)).min()
            }
            _ => None,
        }
    }

    /// Returns when time since the first part completes a group, where some condition says so.
    pub(crate) fn deadline(&self, group: &Group) -> Option<Timestamp> {
        match self {
            Self::Within(_) | Self::Cutoff(_) => self.due(group),
            Self::Any(parts) | Self::All(parts) => parts.iter().filter_map(|part| part.deadline(group)).min(),
            _ => None,
        }
    }

    /// Returns each single condition and how it stands, in words.
    pub(crate) fn waiting_for(&self, group: &Group, now: Timestamp) -> Vec<String> {
        let wait = || self.due(group).map(|due| words(due.since(now))).unwrap_or_default();
        match self {
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().flat_map(|part| part.waiting_for(group, now)).collect()
            }
            _ if self.met(group, now).is_some() => Vec::new(),
            Self::Count(count) => {
                vec![format!("count needs {} more of {count}", count.saturating_sub(group.parts.len()))]
            }
            Self::Expected(names) => {
                let missing: Vec<&str> =
                    names.iter().filter(|name| !group.holds(name)).map(String::as_str).collect();
                vec![format!("waiting for {}", missing.join(", "))]
            }
            Self::Idle(_) => vec![format!("idle would fire in {}", wait())],
            Self::Within(_) => vec![format!("deadline in {}", wait())],
            Self::Cutoff(cutoff) => {
                vec![format!("deadline in {}, at {}", wait(), cutoff_words(cutoff))]
            }
            Self::When(_) => vec!["waiting for an event that says so".to_owned()],
        }
    }
}

/// Returns the first time the wall clock shows the cutoff after an instant.
fn next_cutoff(cutoff: &Cutoff, after: Timestamp) -> Timestamp {
    let start = after.to_jiff().to_zoned(cutoff.zone.clone());
    let at = |days: i64| {
        let date = start.date().checked_add(jiff::Span::new().days(days)).ok()?;
        let instant = date.to_datetime(cutoff.time).to_zoned(cutoff.zone.clone()).ok()?;
        (instant > start).then(|| Timestamp::from(instant.timestamp()))
    };
    (0..=2).find_map(at).unwrap_or_else(|| after.after(Duration::from_hours(24)))
}

fn cutoff_words(cutoff: &Cutoff) -> String {
    let zone = cutoff.zone.iana_name().unwrap_or("UTC");
    format!("{} {zone}", cutoff.time.strftime("%H:%M"))
}

/// Returns a duration in words, its two largest units: `2 h 4 min`.
pub(crate) fn words(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{}.{} s", duration.as_secs(), duration.subsec_millis() / 100);
    }
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<String> = units
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    shown.join(" ")
}
