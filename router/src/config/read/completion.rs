//! `complete`: the conditions that release a group.

use std::ops::Range;
use std::time::Duration;

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, Complete};
use crate::config::model::Completion;

/// A group that nothing else is sure to end is released so long after its first part, unless `deadline = "none"` says
/// that it may wait for ever.
const DEADLINE_DEFAULT: Duration = Duration::from_hours(24);

/// What is known where a condition stands.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    /// No group has more parts.
    pub(super) parts_max: usize,
    /// The captures of the key; none if the key has an error.
    pub(super) captures: Option<&'a [&'a str]>,
    /// Whether windows pass by the time of events.
    pub(super) by_events: bool,
}

impl Reader<'_> {
    /// Reads when a group is complete; what is not sure to end gets a deadline.
    pub(super) fn complete(&mut self, complete: &At<Complete>, around: Around<'_>) -> Option<Completion> {
        let completion = self.completion(complete, around);
        self.one_window(complete);
        let completion = completion?;
        if ends(&completion) || says_never(&completion) {
            return Some(completion);
        }
        Some(Completion::Any(vec![completion, Completion::Within(DEADLINE_DEFAULT)]))
    }

    fn completion(&mut self, complete: &At<Complete>, around: Around<'_>) -> Option<Completion> {
        match &complete.value {
            Complete::Count(count) => self.count(count, around).map(Completion::Count),
            Complete::Expected(expected) => self.expected(expected, around).map(Completion::Expected),
            Complete::Idle(length) => self.length(length).map(Completion::Idle),
            Complete::Window(window) => self.windows(window, around).map(Completion::Window),
            Complete::Deadline(text) => self.deadline(text),
            Complete::When(filter) => self.pattern(filter).map(Completion::When),
            Complete::While(measure) => self.measure(measure, around).map(Completion::While),
            Complete::Any(conditions) => {
                let any = self.conditions(conditions, around)?;
                self.in_time(conditions, &any);
                Some(Completion::Any(any))
            }
            Complete::All(conditions) => {
                let all = self.conditions(conditions, around)?;
                self.comes(conditions, &all);
                Some(Completion::All(all))
            }
        }
    }

    fn conditions(
        &mut self,
        conditions: &At<Vec<At<Complete>>>,
        around: Around<'_>,
    ) -> Option<Vec<Completion>> {
        if conditions.value.is_empty() {
            self.finding(Code::Completion, &conditions.span, "there is no condition", "empty")
                .help("write conditions, such as `[{ count = 3 }, { deadline = \"2h\" }]`");
            return None;
        }
        let read: Vec<_> = conditions.value.iter().map(|one| self.completion(one, around)).collect();
        read.into_iter().collect()
    }

    /// Records the times in an `any` that the shortest deadline in it always comes before.
    fn in_time(&mut self, conditions: &At<Vec<At<Complete>>>, any: &[Completion]) {
        let deadline = |(_, condition): &(usize, &Completion)| match condition {
            Completion::Within(length) => Some(*length),
            _ => None,
        };
        let Some((first, shortest)) = any
            .iter()
            .enumerate()
            .filter_map(|one| Some((one.0, deadline(&one)?)))
            .min_by_key(|(index, length)| (*length, *index))
        else {
            return;
        };
        for (index, (condition, at)) in any.iter().zip(&conditions.value).enumerate() {
            let late = |length: &Duration| *length >= shortest;
            let (Completion::Within(length) | Completion::Idle(length)) = condition else { continue };
            if index != first && late(length) {
                self.finding(Code::Unreachable, &at.span, "no group gets to this time", "never the first")
                    .label(&conditions.value[first].span, "this deadline comes before it, or with it")
                    .help("remove it, or make it shorter");
            }
        }
    }

    /// Records the conditions in an `all` that never hold.
    fn comes(&mut self, conditions: &At<Vec<At<Complete>>>, all: &[Completion]) {
        for (at, _) in conditions.value.iter().zip(all).filter(|(_, condition)| is_never(condition)) {
            let message = "this group can never be complete";
            self.finding(Code::Completion, &at.span, message, "never holds, and all must")
                .help("write it in an `any`: `{ any = [{ .. }, { deadline = \"none\" }] }`");
        }
    }

    /// Records every window of a completion but the first.
    fn one_window(&mut self, complete: &At<Complete>) {
        let mut places = Vec::new();
        window_places(&complete.value, &mut places);
        let Some((first, others)) = places.split_first() else { return };
        for place in others {
            self.finding(Code::Completion, place, "a completion has one window at most", "a second window")
                .label(first, "the first")
                .help("write an aggregation for each");
        }
    }
}

fn window_places(complete: &Complete, places: &mut Vec<Range<usize>>) {
    match complete {
        Complete::Window(window) => places.push(window.span.clone()),
        Complete::Any(several) | Complete::All(several) => {
            for one in &several.value {
                window_places(&one.value, places);
            }
        }
        _ => {}
    }
}

/// Returns whether a condition never holds.
fn is_never(completion: &Completion) -> bool {
    match completion {
        Completion::Never => true,
        Completion::Any(any) => any.iter().all(is_never),
        Completion::All(all) => all.iter().any(is_never),
        _ => false,
    }
}

/// Returns whether it is said anywhere that a group may wait for ever.
fn says_never(completion: &Completion) -> bool {
    match completion {
        Completion::Never => true,
        Completion::Any(several) | Completion::All(several) => several.iter().any(says_never),
        _ => false,
    }
}

/// Returns whether a group certainly ends, whatever comes or does not come.
fn ends(completion: &Completion) -> bool {
    match completion {
        Completion::Idle(_) | Completion::Within(_) | Completion::Cutoff(_) | Completion::Window(_) => true,
        Completion::Any(any) => any.iter().any(ends),
        Completion::All(all) => all.iter().all(ends),
        Completion::Count(_)
        | Completion::Expected(_)
        | Completion::Never
        | Completion::When(_)
        | Completion::While(_) => false,
    }
}
