//! One line of the table: so many rules of one kind.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use railpost_pattern::Pattern;

use crate::clock;
use crate::heap;
use crate::railpost::{Events, Railpost};
use crate::rounds::{self, Plan};
use crate::table::{each, figure};

/// How many rules are parsed before they are inserted, so that each is timed by itself.
const BATCH: usize = 1_000;

/// What is measured.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) rules: usize,
    /// Writes the rule of a number.
    pub(crate) rule: &'a dyn Fn(usize) -> String,
    /// How many matches there must be in one pass over the events, where that is known.
    pub(crate) matches: Option<u64>,
}

/// The time that adding the rules takes.
#[derive(Default)]
struct Added {
    parse: Duration,
    insert: Duration,
}

impl Row<'_> {
    /// Measures the row with some events, each of them matched so many times; returns its cells.
    ///
    /// # Errors
    ///
    /// Returns an error if a rule cannot be read, or if the matches are other than they must be.
    pub(crate) fn measure(&self, events: &Events<'_>, runs: usize, passes: usize) -> Result<Vec<String>> {
        let mut counts = vec![0; self.rules];
        let before = heap::bytes();
        let mut engine = Railpost::new();
        let added = self.add(&mut engine)?;
        rounds::warm_up(&mut engine, events, &mut counts)?;
        let held = heap::bytes() - before;

        let plan = Plan { runs, passes };
        let measured = rounds::measure(&mut engine, events, &plan, &mut counts, |counts| {
            self.check(counts.iter().sum::<u64>() / passes as u64)
        })?;
        let matches = counts.iter().sum::<u64>() / passes as u64;
        let remove = self.remove(&mut engine)?;
        let left = heap::bytes().saturating_sub(before);
        Ok(vec![
            self.name.to_owned(),
            self.rules.to_string(),
            figure(measured.bytes),
            figure(measured.checked),
            format!("{:.2}", measured.allocations),
            matches.to_string(),
            format!("{:.3}", each(usize::try_from(matches)?, events.bytes.len())),
            self.microseconds(added.parse),
            self.microseconds(added.insert),
            figure(each(held, self.rules)),
            self.microseconds(remove),
            format!("{:.0}%", 100.0 - 100.0 * each(left, held)),
        ])
    }

    fn add(&self, engine: &mut Railpost) -> Result<Added> {
        let mut added = Added::default();
        for first in (0..self.rules).step_by(BATCH) {
            let numbers = first..self.rules.min(first + BATCH);
            let texts: Vec<String> = numbers.clone().map(self.rule).collect();
            let (patterns, parse) =
                clock::timed(|| texts.iter().map(|text| Pattern::parse(text)).collect::<Result<Vec<_>, _>>());
            let patterns =
                patterns.with_context(|| format!("a rule of {}, such as {}", self.name, texts[0]))?;
            let keys = u32::try_from(numbers.start)?..;
            let ((), insert) = clock::timed(|| {
                for (key, pattern) in keys.zip(patterns) {
                    engine.matcher.insert(key, pattern);
                }
            });
            added.parse += parse;
            added.insert += insert;
        }
        Ok(added)
    }

    fn remove(&self, engine: &mut Railpost) -> Result<Duration> {
        let mut keys = 0..u32::try_from(self.rules)?;
        let (all, time) = clock::timed(|| keys.all(|key| engine.matcher.remove(&key)));
        ensure!(all, "a rule of {} was not there to be removed", self.name);
        Ok(time)
    }

    fn check(&self, found: u64) -> Result<()> {
        let Some(expected) = self.matches else { return Ok(()) };
        ensure!(found == expected, "{} {}: expected {expected}, found {found}", self.name, self.rules);
        Ok(())
    }

    /// Writes the microseconds a rule.
    fn microseconds(&self, time: Duration) -> String {
        figure(1e6 / clock::per_second(self.rules, time))
    }
}
