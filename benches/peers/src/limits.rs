//! What this machine can do at best with the same events: look for lines, pass over to a field, check all.

use std::hint::black_box;

use anyhow::{Context, Result};
use railpost_pattern::Pattern;
use serde::de::IgnoredAny;

use crate::clock;
use crate::contest::Rates;
use crate::rulesets::RuleSet;
use crate::table::{Column, Table, each, figure};

/// A way to read an event.
struct Way {
    name: &'static str,
    /// The fields that it comes to, or that lie just beside.
    reaches: &'static [&'static str],
    read: fn(&[u8]) -> Result<()>,
}

/// How many events are read in one way in a second.
struct Limit {
    way: &'static Way,
    rate: f64,
}

/// The limits, measured.
pub(crate) struct Limits {
    limits: Vec<Limit>,
    event_size: f64,
}

static WAYS: [Way; 8] = [
    Way {
        name: "newline search, memchr",
        reaches: &[],
        read: |event| {
            black_box(memchr::memchr(b'\n', event));
            Ok(())
        },
    },
    Way {
        name: "get MAPBLKLOT, sonic-rs",
        reaches: &["properties.MAPBLKLOT"],
        read: |event| get(event, &["properties", "MAPBLKLOT"]),
    },
    Way {
        name: "get STREET, sonic-rs",
        reaches: &["properties.FROM_ST", "properties.STREET"],
        read: |event| get(event, &["properties", "STREET"]),
    },
    Way {
        name: "get ODD_EVEN, sonic-rs",
        reaches: &["properties.ST_TYPE", "properties.ODD_EVEN"],
        read: |event| get(event, &["properties", "ODD_EVEN"]),
    },
    Way {
        name: "get geometry.type, sonic-rs",
        reaches: &["geometry.type"],
        read: |event| get(event, &["geometry", "type"]),
    },
    Way {
        name: "get firstCoordinates.x, sonic-rs",
        reaches: &["geometry.firstCoordinates.x", "geometry.firstCoordinates.z"],
        read: |event| get(event, &["geometry", "firstCoordinates", "x"]),
    },
    Way {
        name: CHECK[0],
        reaches: &[],
        read: |event| {
            black_box(serde_json::from_slice::<IgnoredAny>(event)?);
            Ok(())
        },
    },
    Way {
        name: CHECK[1],
        reaches: &[],
        read: |event| {
            black_box(sonic_rs::from_slice::<IgnoredAny>(event)?);
            Ok(())
        },
    },
];

/// The ways that check an event from end to end.
const CHECK: [&str; 2] = ["check all, serde_json", "check all, sonic-rs"];

impl Limits {
    /// Measures every limit as often as is asked for, by turns.
    ///
    /// # Errors
    ///
    /// Returns an error if an event cannot be read.
    pub(crate) fn measure(events: &[&[u8]], runs: usize) -> Result<Self> {
        let mut times = WAYS.each_ref().map(|_| Vec::new());
        for _ in 0..runs {
            for (way, times) in WAYS.iter().zip(&mut times) {
                let (all, time) = clock::timed(|| events.iter().try_for_each(|event| (way.read)(event)));
                all?;
                times.push(time);
            }
        }
        let rate = |times| clock::per_second(events.len(), clock::median(times));
        let limits = WAYS.iter().zip(times).map(|(way, times)| Limit { way, rate: rate(times) }).collect();
        let sizes = events.iter().map(|event| event.len()).sum::<usize>();
        Ok(Self { limits, event_size: each(sizes, events.len()) })
    }

    /// Prints the limits.
    pub(crate) fn print(&self) {
        let table = Table::new(&[Column("limit", 32), Column("ev/s", 8), Column("B/s", 8)]);
        for limit in &self.limits {
            table.row(&[limit.way.name.to_owned(), figure(limit.rate), figure(limit.rate * self.event_size)]);
        }
    }

    /// Prints what part of a limit each set reaches: with events to be checked, the faster of the full checks;
    /// with events known to be well-formed, the slowest of the ways to the fields that its rules look at.
    ///
    /// # Errors
    ///
    /// Returns an error if a rule cannot be read.
    pub(crate) fn print_parts(&self, measured: &[(&RuleSet, Rates)]) -> Result<()> {
        let table = Table::new(&[
            Column("set", 25),
            Column("bytes / check all", 0),
            Column("checked / its limit", 0),
            Column("its limit", 32),
            Column("ev/s", 8),
        ]);
        let check = self.fastest_check();
        for (set, rates) in measured {
            let limit = self.of(set)?;
            table.row(&[
                set.name.clone(),
                part(rates.bytes / check.rate),
                part(rates.checked / limit.rate),
                limit.way.name.to_owned(),
                figure(limit.rate),
            ]);
        }
        Ok(())
    }

    /// Returns the limit of a set: the slowest way to a field of its rules, or all of the event if no way leads there.
    fn of(&self, set: &RuleSet) -> Result<&Limit> {
        let mut slowest: Option<&Limit> = None;
        for rule in &set.rules {
            let pattern = Pattern::parse(rule.get()).with_context(|| format!("railpost refuses {rule}"))?;
            for path in pattern.paths() {
                let Some(limit) = self.limits.iter().find(|limit| limit.way.reaches.contains(&path)) else {
                    return Ok(self.fastest_check());
                };
                slowest = slowest.filter(|slowest| slowest.rate < limit.rate).or(Some(limit));
            }
        }
        Ok(slowest.unwrap_or_else(|| self.fastest_check()))
    }

    fn fastest_check(&self) -> &Limit {
        let checks = self.limits.iter().filter(|limit| CHECK.contains(&limit.way.name));
        checks.max_by(|one, other| one.rate.total_cmp(&other.rate)).unwrap_or(&self.limits[0])
    }
}

#[expect(unsafe_code, reason = "the limit is that of a reader that checks nothing")]
fn get(event: &[u8], path: &[&str]) -> Result<()> {
    // SAFETY: every event has been found to be well-formed JSON in UTF-8 when the corpus was read.
    let value = unsafe { sonic_rs::get_unchecked(event, path) }?;
    black_box(value.as_raw_str());
    Ok(())
}

fn part(value: f64) -> String {
    format!("{:.0}%", value * 100.0)
}
