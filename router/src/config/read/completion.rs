//! `complete`: the conditions that release a group.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::{self, TimeZone};

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, Complete};
use crate::config::model::{Completion, Cutoff};
use crate::config::suggest;

impl Reader<'_> {
    /// Reads a condition; no group has more than `parts_max` parts.
    pub(super) fn completion(&mut self, complete: &At<Complete>, parts_max: usize) -> Option<Completion> {
        match &complete.value {
            Complete::Count(count) => self.count(count, parts_max),
            Complete::Expected(names) => self.expected(names, parts_max),
            Complete::Idle(length) => self.length(length).map(Completion::Idle),
            Complete::Deadline(text) => self.deadline(text),
            Complete::When(filter) => self.pattern(filter).map(Completion::When),
            Complete::Any(conditions) => {
                let any = self.conditions(conditions, parts_max)?;
                self.in_time(conditions, &any);
                Some(Completion::Any(any))
            }
            Complete::All(conditions) => self.conditions(conditions, parts_max).map(Completion::All),
        }
    }

    fn count(&mut self, count: &At<i64>, parts_max: usize) -> Option<Completion> {
        let parsed = usize::try_from(count.value).ok().filter(|count| *count > 0);
        let Some(parts) = parsed else {
            let message = format!("no group has {} parts", count.value);
            self.finding(Code::Completion, &count.span, message, "not 1 or more").help("write 1 or more");
            return None;
        };
        if parts > parts_max {
            let message = format!("no group gets to {parts} parts");
            self.finding(Code::Unreachable, &count.span, message, format!("`parts_max` is {parts_max}"))
                .help("raise `parts_max`: at that limit a group is released as it is");
        }
        Some(Completion::Count(parts))
    }

    fn expected(&mut self, names: &At<Vec<At<String>>>, parts_max: usize) -> Option<Completion> {
        if names.value.is_empty() {
            self.finding(Code::Completion, &names.span, "no parts are expected", "no names")
                .help("name the parts, such as `[\"paris\", \"lyon\"]`");
            return None;
        }
        if names.value.len() > parts_max {
            let message = format!("no group gets to {} parts", names.value.len());
            self.finding(Code::Unreachable, &names.span, message, format!("`parts_max` is {parts_max}"))
                .help("raise `parts_max`: at that limit a group is released as it is");
        }
        let mut seen = BTreeSet::new();
        for name in &names.value {
            self.not_empty(name, "a part's name");
            if !seen.insert(name.as_str()) {
                let message = format!("the part `{}` is expected twice", name.value);
                self.finding(Code::DuplicateName, &name.span, message, "named before")
                    .help("remove one of them");
            }
        }
        Some(Completion::Expected(names.value.iter().map(|name| name.value.clone()).collect()))
    }

    fn conditions(
        &mut self,
        conditions: &At<Vec<At<Complete>>>,
        parts_max: usize,
    ) -> Option<Vec<Completion>> {
        if conditions.value.is_empty() {
            self.finding(Code::Completion, &conditions.span, "there is no condition", "empty")
                .help("write conditions, such as `[{ count = 3 }, { deadline = \"2h\" }]`");
            return None;
        }
        let read: Vec<_> = conditions.value.iter().map(|one| self.completion(one, parts_max)).collect();
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

    /// Reads a length of time, or a time of day and a time zone.
    fn deadline(&mut self, text: &At<String>) -> Option<Completion> {
        if !text.value.contains([':', ' ']) {
            return self.length_text(text).map(Completion::Within);
        }
        let (time, zone) = text.value.split_once(' ').unwrap_or((&text.value, ""));
        let Some(time) = parse_time(time) else {
            let message = format!("`{time}` is not a time of day");
            self.finding(Code::Cutoff, &text.span, message, "not `HH:MM` or `HH:MM:SS`")
                .help("write a time and a time zone, such as `06:00 Europe/Paris`, or a length of time, such as `2h`");
            return None;
        };
        let zone = self.zone(text, zone.trim())?;
        Some(Completion::Cutoff(Cutoff { time, zone }))
    }

    fn zone(&mut self, text: &At<String>, name: &str) -> Option<TimeZone> {
        if name.is_empty() {
            self.finding(Code::Cutoff, &text.span, "a time of day needs a time zone", "of which place?")
                .help(format!("write `{0} Europe/Paris` or `{0} UTC`", text.value.trim()));
            return None;
        }
        if let Ok(zone) = TimeZone::get(name) {
            return Some(zone);
        }
        let known: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
        let help = match suggest::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA database, such as `Europe/Paris`, or `UTC`".to_owned(),
        };
        self.finding(Code::Cutoff, &text.span, format!("there is no time zone `{name}`"), "in this deadline")
            .help(help);
        None
    }
}

/// Returns the time of day that `06:00` or `06:00:30` is; none if it is none.
fn parse_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() { None } else { Time::new(hour, minute, second, 0).ok() }
}
