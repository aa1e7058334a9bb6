//! [`Condition`]: when a group is complete, and when to look again.

use std::cell::Cell;
use std::time::Duration;

use event::Timestamp;

use super::expected::Wanted;
use super::group::Group;
use super::rule::Watch;
use super::time::Watermark;
use super::words::{cutoff_words, words};
use crate::config::{Completion, Count, CountFrom, Cutoff, Expected, Manifest, Names, Time, While};

/// A completion in the form that is asked at every part. What it looks for in events is numbered in order, and so is what
/// it measures.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    Count(usize),
    CountRead(usize),
    Expected { place: usize, expected: Box<Expected> },
    Idle(Duration),
    Within(Duration),
    Cutoff(Daily),
    Window { lateness: Duration },
    Never,
    When(usize),
    While { place: usize, rule: While },
    Any(Vec<Condition>),
    All(Vec<Condition>),
}

/// A time of day, with the last answer to when it is next: most groups open between the same two cutoffs.
#[derive(Clone, Debug)]
pub(crate) struct Daily {
    pub(crate) cutoff: Cutoff,
    answer: Cell<Option<(Timestamp, Timestamp)>>,
}

/// One group at one instant.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) key: &'a str,
    pub(crate) group: &'a Group,
    pub(crate) watermark: Watermark,
    pub(crate) time: &'a Time,
    pub(crate) now: Timestamp,
}

/// Returns what a completion looks for, in the order in which [`Condition`] numbers it.
pub(crate) fn watches(completion: &Completion) -> Vec<Watch> {
    match completion {
        Completion::When(pattern) => vec![Watch::When(pattern.clone())],
        Completion::Expected(Expected { names: Names::Manifest(manifest), .. }) => {
            let Manifest { filter, key, names } = manifest.clone();
            vec![Watch::Manifest { pattern: filter, key, names }]
        }
        Completion::Count(Count::Read(read)) => {
            let number = read.template.clone();
            vec![match &read.from {
                CountFrom::Manifest(pattern) => Watch::Count { pattern: pattern.clone(), number },
                CountFrom::First => Watch::PartCount { number, first: true },
                CountFrom::Any => Watch::PartCount { number, first: false },
            }]
        }
        Completion::Any(parts) | Completion::All(parts) => parts.iter().flat_map(watches).collect(),
        _ => Vec::new(),
    }
}

/// Returns what a completion measures, in the order in which [`Condition`] numbers it.
pub(crate) fn measures(completion: &Completion) -> Vec<&While> {
    match completion {
        Completion::While(rule) => vec![rule],
        Completion::Any(parts) | Completion::All(parts) => parts.iter().flat_map(measures).collect(),
        _ => Vec::new(),
    }
}

/// The numbers that are given next.
#[derive(Default)]
struct Numbers {
    watch: usize,
    measure: usize,
}

impl Condition {
    /// Returns the condition that a configuration asks for.
    pub(crate) fn new(completion: &Completion) -> Self {
        Self::numbered(completion, &mut Numbers::default())
    }

    fn numbered(completion: &Completion, next: &mut Numbers) -> Self {
        let watch = |next: &mut Numbers| {
            next.watch += 1;
            next.watch - 1
        };
        let each = |parts: &[Completion], next: &mut Numbers| {
            parts.iter().map(|part| Self::numbered(part, next)).collect()
        };
        match completion {
            Completion::Count(Count::Fixed(count)) => Self::Count(*count),
            Completion::Count(Count::Read(_)) => Self::CountRead(watch(next)),
            Completion::Expected(expected) => {
                let is_read = matches!(expected.names, Names::Manifest(_));
                let place = if is_read { watch(next) } else { 0 };
                Self::Expected { place, expected: Box::new(expected.clone()) }
            }
            Completion::Idle(gap) => Self::Idle(*gap),
            Completion::Within(limit) => Self::Within(*limit),
            Completion::Cutoff(cutoff) => {
                Self::Cutoff(Daily { cutoff: cutoff.clone(), answer: Cell::new(None) })
            }
            Completion::Window(window) => Self::Window { lateness: window.lateness },
            Completion::Never => Self::Never,
            Completion::When(_) => Self::When(watch(next)),
            Completion::While(rule) => {
                next.measure += 1;
                Self::While { place: next.measure - 1, rule: rule.clone() }
            }
            Completion::Any(parts) => Self::Any(each(parts, next)),
            Completion::All(parts) => Self::All(each(parts, next)),
        }
    }

    /// Returns whether a group is complete.
    pub(crate) fn is_met(&self, scene: &Scene<'_>) -> bool {
        let group = scene.group;
        match self {
            Self::Count(count) => group.parts().len() >= *count,
            Self::CountRead(place) => {
                group.count_read(*place).is_some_and(|count| group.parts().len() >= count)
            }
            Self::Expected { place, expected } => {
                Wanted::of(expected, *place, scene.key, group).is_some_and(|wanted| wanted.is_met(group))
            }
            Self::Idle(_) | Self::Within(_) | Self::Cutoff(_) | Self::Window { .. } => {
                self.due(scene).is_some_and(|due| due <= scene.now)
            }
            Self::Never => false,
            Self::When(place) => group.marker(*place).is_some(),
            Self::While { place, rule } => {
                group.measured.get(*place).is_some_and(|measured| measured.reached(rule))
            }
            Self::Any(parts) => parts.iter().any(|part| part.is_met(scene)),
            Self::All(parts) => parts.iter().all(|part| part.is_met(scene)),
        }
    }

    /// Returns why a group is complete that is, the condition's name in front.
    pub(crate) fn why(&self, scene: &Scene<'_>) -> String {
        let group = scene.group;
        match self {
            Self::Count(count) => format!("count: {count} parts came"),
            Self::CountRead(place) => {
                format!("count: all {} parts came", group.count_read(*place).unwrap_or_default())
            }
            Self::Expected { place, expected } => {
                let wanted = Wanted::of(expected, *place, scene.key, group);
                wanted.map(|wanted| wanted.why(group)).unwrap_or_default()
            }
            Self::Idle(gap) => format!("idle: no part came for {}", words(*gap)),
            Self::Within(limit) => format!("deadline: {} after the first part", words(*limit)),
            Self::Cutoff(daily) => format!("deadline: {}", cutoff_words(&daily.cutoff)),
            Self::Window { .. } => {
                let end = group.window.map(|window| window.end.to_string()).unwrap_or_default();
                format!("window: it ended at {end}")
            }
            Self::Never => String::new(),
            Self::When(place) => {
                let event = group.marker(*place).map(|marker| &*marker.event).unwrap_or_default();
                format!("when: event {event} said so")
            }
            Self::While { place, rule } => {
                let measured = group.measured.get(*place);
                measured.map(|measured| format!("while: {}", measured.words(rule))).unwrap_or_default()
            }
            Self::Any(parts) => {
                let met = parts.iter().filter(|part| part.is_met(scene));
                let first = met.min_by_key(|part| part.met_by_time(scene));
                first.map(|part| part.why(scene)).unwrap_or_default()
            }
            Self::All(parts) => parts.iter().map(|part| part.why(scene)).collect::<Vec<String>>().join("; "),
        }
    }

    /// Returns when time met a condition that is met; none where events did. However late somebody looks, the answer is
    /// the same.
    pub(crate) fn met_by_time(&self, scene: &Scene<'_>) -> Option<Timestamp> {
        match self {
            Self::Any(parts) => {
                let met = parts.iter().filter(|part| part.is_met(scene));
                met.map(|part| part.met_by_time(scene)).min().flatten()
            }
            Self::All(parts) => parts.iter().filter_map(|part| part.met_by_time(scene)).max(),
            _ => self.due(scene),
        }
    }

    /// Returns the next instant after now at which time alone changes what is met.
    pub(crate) fn next(&self, scene: &Scene<'_>) -> Option<Timestamp> {
        match self {
            Self::Any(parts) | Self::All(parts) => parts.iter().filter_map(|part| part.next(scene)).min(),
            _ => self.due(scene).filter(|due| *due > scene.now),
        }
    }

    /// Returns when a single timed condition is met.
    pub(super) fn due(&self, scene: &Scene<'_>) -> Option<Timestamp> {
        let group = scene.group;
        match self {
            Self::Idle(gap) => Some(match group.times {
                Some(times) => scene.watermark.over(times.end.after(*gap), scene.time),
                None => group.last_part.after(*gap),
            }),
            Self::Within(limit) => Some(group.opened.after(*limit).after(group.extended())),
            Self::Cutoff(daily) => Some(daily.next(group.opened).after(group.extended())),
            Self::Window { lateness } => {
                let end = group.window?.end.after(*lateness);
                Some(scene.watermark.over(end, scene.time))
            }
            _ => None,
        }
    }

    /// Returns when the condition with one of these names in front is due, the earliest one.
    pub(crate) fn due_of(&self, name: &str, scene: &Scene<'_>) -> Option<Timestamp> {
        match self {
            Self::Any(parts) | Self::All(parts) => {
                parts.iter().filter_map(|part| part.due_of(name, scene)).min()
            }
            Self::Idle(_) if name == "idle" => self.due(scene),
            Self::Within(_) | Self::Cutoff(_) if name == "deadline" => self.due(scene),
            Self::Window { .. } if name == "window" => self.due(scene),
            _ => None,
        }
    }

    /// Returns the parts that a group waits for, where some condition names them.
    pub(crate) fn wanted<'a>(&'a self, key: &str, group: &'a Group) -> Option<Wanted<'a>> {
        match self {
            Self::Expected { place, expected } => Wanted::of(expected, *place, key, group),
            Self::Any(parts) | Self::All(parts) => parts.iter().find_map(|part| part.wanted(key, group)),
            _ => None,
        }
    }

    /// Returns how many parts complete a group, where some condition says so.
    pub(crate) fn count(&self, key: &str, group: &Group) -> Option<usize> {
        match self {
            Self::Count(count) => Some(*count),
            Self::CountRead(place) => group.count_read(*place),
            Self::Expected { place, expected } => {
                Wanted::of(expected, *place, key, group).map(|wanted| wanted.names().count())
            }
            Self::Any(parts) | Self::All(parts) => parts.iter().find_map(|part| part.count(key, group)),
            _ => None,
        }
    }
}

impl Daily {
    /// Returns the first time the wall clock shows the cutoff after an instant.
    fn next(&self, after: Timestamp) -> Timestamp {
        if let Some((from, answer)) = self.answer.get()
            && from <= after
            && after < answer
        {
            return answer;
        }
        let answer = next_cutoff(&self.cutoff, after);
        self.answer.set(Some((after, answer)));
        answer
    }
}

fn next_cutoff(cutoff: &Cutoff, after: Timestamp) -> Timestamp {
    let start = after.to_jiff().to_zoned(cutoff.zone.clone());
    let at = |days: i64| {
        let date = start.date().checked_add(jiff::Span::new().days(days)).ok()?;
        let instant = date.to_datetime(cutoff.time).to_zoned(cutoff.zone.clone()).ok()?;
        (instant > start).then(|| Timestamp::from(instant.timestamp()))
    };
    (0..=2).find_map(at).unwrap_or_else(|| after.after(Duration::from_hours(24)))
}
