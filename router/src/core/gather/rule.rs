//! [`Rule`]: an aggregation's configuration in the form in which it is asked.

use std::time::Duration;

use event::{Text, Timestamp};
use pattern::Pattern;

use super::condition::{Condition, measures, watches};
use crate::config::{
    Aggregation, Completion, Cutoff, EventTime, KeyExpression, Late, Payloads, Resequence, Template, Time,
    Way, While, Window,
};
use crate::core::expression;
use crate::core::facts::Facts;

/// An aggregation's configuration in the form in which it is asked.
pub(crate) struct Rule {
    pub(crate) config: Aggregation,
    pub(crate) name: Text,
    pub(crate) condition: Condition,
    pub(crate) watches: Vec<Watch>,
    /// Those of them that are asked of every part.
    pub(crate) part_counts: Vec<usize>,
    pub(crate) measures: Vec<While>,
    pub(crate) window: Option<Window>,
    /// The silence that ends a group, where groups of one key are told apart by the time of their events.
    pub(crate) session: Option<Duration>,
    /// Whether groups are measured by their deadline: it is a time of day.
    pub(crate) is_daily: bool,
}

/// What a completion looks for in events, beside parts.
#[derive(Clone, Debug)]
pub(crate) enum Watch {
    /// A marker.
    When(Pattern),
    /// A list of names.
    Manifest { pattern: Pattern, key: Option<Vec<KeyExpression>>, names: KeyExpression },
    /// A number of parts, in an event of its own.
    Count { pattern: Pattern, number: Template },
    /// A number of parts, in a part; maybe in the first one alone.
    PartCount { number: Template, first: bool },
}

impl Watch {
    /// Returns what tells its events, if they are not parts.
    pub(crate) fn pattern(&self) -> Option<&Pattern> {
        match self {
            Self::When(pattern) | Self::Manifest { pattern, .. } | Self::Count { pattern, .. } => {
                Some(pattern)
            }
            Self::PartCount { .. } => None,
        }
    }

    /// Returns how its events' groups are found, if not as those of parts.
    pub(crate) fn key(&self) -> Option<&[KeyExpression]> {
        if let Self::Manifest { key, .. } = self { key.as_deref() } else { None }
    }
}

impl Rule {
    /// Returns the rule that a configuration asks for.
    pub(crate) fn new(config: &Aggregation) -> Self {
        let none = Completion::Never;
        let complete = if let Way::Gather(complete) = &config.way { complete } else { &none };
        let is_by_events = matches!(config.time, Time::Event(_));
        let window =
            first(complete, &|one| if let Completion::Window(window) = one { Some(*window) } else { None });
        let gap = first(complete, &|one| if let Completion::Idle(gap) = one { Some(*gap) } else { None });
        let watches = watches(complete);
        Self {
            name: config.name.as_str().into(),
            condition: Condition::new(complete),
            part_counts: watches
                .iter()
                .enumerate()
                .filter(|(_, watch)| watch.pattern().is_none())
                .map(|(at, _)| at)
                .collect(),
            watches,
            measures: measures(complete).into_iter().cloned().collect(),
            session: gap.filter(|_| is_by_events && window.is_none()),
            window,
            is_daily: first(complete, &|one| matches!(one, Completion::Cutoff(Cutoff { .. })).then_some(()))
                .is_some(),
            config: config.clone(),
        }
    }

    /// Returns how single events are put in sequence, if they are.
    pub(crate) fn resequence(&self) -> Option<&Resequence> {
        if let Way::Resequence(resequence) = &self.config.way { Some(resequence) } else { None }
    }

    /// Returns whether a part for a key whose group ended belongs to that group.
    pub(crate) fn knows_late(&self) -> bool {
        self.config.late != Late::NewGroup
    }

    /// Returns whether parts bring along more than names.
    pub(crate) fn keeps_payloads(&self) -> bool {
        self.config.emit.parts != Payloads::Listed
    }

    /// Returns an event's time: its own where that counts. One that has none, or one in the future, has that of the log.
    pub(crate) fn time_of(&self, facts: &Facts<'_>, now: Timestamp) -> Timestamp {
        let Time::Event(EventTime { path, .. }) = &self.config.time else { return now };
        let own = facts.scalar(path).and_then(|text| expression::instant(&text));
        own.map_or(now, |own| Timestamp::from(own).min(now))
    }
}

/// Returns what is found in the first single condition that has it.
fn first<T>(completion: &Completion, find: &impl Fn(&Completion) -> Option<T>) -> Option<T> {
    match completion {
        Completion::Any(parts) | Completion::All(parts) => parts.iter().find_map(|part| first(part, find)),
        single => find(single),
    }
}
