//! `[[consumer]]`.

use std::time::Duration;

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, ConsumerTable, OtherwiseName, RetryTable};
use crate::config::model::{Bus, Consumer, Gate, Otherwise, Retry};

/// Attempts under way at a time, unless set: enough to keep a target busy that answers within a millisecond.
const CONCURRENCY: usize = 32;

/// Attempts under way at a time, at most: each may hold a connection.
const CONCURRENCY_MAX: usize = 1024;

impl Reader<'_> {
    /// Reads one consumer.
    pub(super) fn consumer(&mut self, table: &ConsumerTable, buses: &[Bus]) -> Option<Consumer> {
        self.name(&table.name);
        let bus = self.bus(table.bus.as_ref(), buses);
        let filter = self.filter(table.filter.as_ref());
        let accept = table.schema.as_ref().map(|schema| (self.requirement(&schema.accept), schema.otherwise));
        let target = self.target(&table.target, buses);
        let retry = self.retry(&table.retry);
        let concurrency = match &table.concurrency {
            Some(number) => self.number(number, CONCURRENCY_MAX)?,
            None => CONCURRENCY,
        };
        let gate = match accept {
            Some((accept, otherwise)) => Some(Gate { accept: accept?, otherwise: otherwise_of(otherwise) }),
            None => None,
        };
        Some(Consumer {
            name: table.name.value.clone(),
            bus: bus?,
            filter: filter?,
            gate,
            target: target?,
            retry,
            concurrency,
        })
    }

    fn requirement(&mut self, text: &At<String>) -> Option<schemas::Requirement> {
        match text.value.parse() {
            Ok(requirement) => Some(requirement),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let message = format!("`{}` names no schema", text.value);
                self.finding(
                    Code::Requirement,
                    &text.span,
                    message,
                    cause.unwrap_or_else(|| error.to_string()),
                )
                .help("write a registry, a name and a range: `shop.orders/OrderPlaced@^2`");
                None
            }
        }
    }

    /// Reads the retry policy; what has an error has its default instead.
    fn retry(&mut self, table: &RetryTable) -> Retry {
        let retry = Retry {
            attempts: table.attempts.as_ref().map_or(185, |attempts| attempts.value),
            max_age: self.length_or(table.max_age.as_ref(), Duration::from_hours(24)),
            interval: self.length_or(table.interval.as_ref(), Duration::from_secs(1)),
            interval_max: self.length_or(table.interval_max.as_ref(), Duration::from_mins(15)),
        };
        let set = table.interval_max.as_ref().or(table.interval.as_ref());
        if let Some(set) = set.filter(|_| retry.interval > retry.interval_max) {
            let message = "`interval` is longer than `interval_max`";
            let label =
                format!("`interval` is {:?}, `interval_max` is {:?}", retry.interval, retry.interval_max);
            self.finding(Code::OutOfRange, &set.span, message, label)
                .help("the wait after the first failure cannot be longer than the longest wait");
        }
        retry
    }
}

fn otherwise_of(name: Option<OtherwiseName>) -> Otherwise {
    match name {
        Some(OtherwiseName::Skip) => Otherwise::Skip,
        Some(OtherwiseName::DeadLetter) | None => Otherwise::DeadLetter,
    }
}
