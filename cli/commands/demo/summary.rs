//! [`Summary`]: what came of the example.

use api::{DeadLetter, Overview};
use event::Hop;
use event::hop::{Step, Verdict};

use crate::commands::{dead_letters, status};
use crate::screen::{Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::list;

/// Releases and refusals shown, at most; the dashboard may have run for hours.
const SHOWN_MAX: usize = 30;

/// What the hops said that the counters do not keep.
#[derive(Debug, Default)]
pub(super) struct Summary {
    releases: Vec<Release>,
    refusals: Vec<Refusal>,
}

#[derive(Debug)]
struct Release {
    key: String,
    parts: usize,
    missing: Vec<String>,
    reason: String,
}

#[derive(Debug)]
struct Refusal {
    event: String,
    consumer: String,
    schema: String,
    failure: String,
}

impl Summary {
    /// Keeps a hop's part in the summary, if it has one.
    pub(super) fn record(&mut self, hop: &Hop) {
        match &hop.step {
            Step::Released { key, reason, parts, missing, .. } => {
                let (key, reason, missing) = (key.clone(), reason.clone(), missing.clone());
                push(&mut self.releases, Release { key, parts: *parts, missing, reason });
            }
            Step::Gated { consumer, schema, verdict, failure } if *verdict != Verdict::Deliver => {
                let failure = failure.as_ref().map(|failure| format!("{} {}", failure.path, failure.reason));
                push(
                    &mut self.refusals,
                    Refusal {
                        event: hop.event.to_string(),
                        consumer: consumer.to_string(),
                        schema: schema.clone(),
                        failure: failure.unwrap_or_default(),
                    },
                );
            }
            _ => {}
        }
    }

    /// Returns the summary as text.
    pub(super) fn render(&self, overview: &Overview, letters: &[DeadLetter], screen: Screen) -> String {
        let balanced = if status::balances(overview) {
            screen.ink(Ink::Green, "Every ledger is balanced: no event is unaccounted for.")
        } else {
            screen.ink(Ink::Red, "A ledger is NOT balanced: an event is unaccounted for.")
        };
        let sections = [
            ("Days released: one event each, whoever was late", self.releases().render(screen)),
            ("Refused by a schema", self.refusals().render(screen)),
            (
                "Dead letters: kept with payload, attempts and reason",
                dead_letters::table(letters).render(screen),
            ),
            ("What each consumer was owed", status::consumers(&overview.consumers).render(screen)),
            ("What became of each part", status::aggregations(&overview.aggregations).render(screen)),
        ];
        let mut text = String::new();
        for (heading, table) in sections {
            text.extend(["\n", &screen.ink(Ink::Bold, heading), "\n", &table, "\n"]);
        }
        text.extend(["\n", &balanced]);
        text
    }

    fn releases(&self) -> Table {
        let mut table = Table::new(&["DAY", ">PARTS", "WITHOUT", "BECAUSE"]);
        for release in &self.releases {
            let missing = if release.missing.is_empty() { Ink::Plain } else { Ink::Yellow };
            table.row(vec![
                Cell::inked(Ink::Bold, &release.key),
                Cell::new(&release.parts),
                Cell::inked(missing, &list(&release.missing)),
                Cell::new(&release.reason),
            ]);
        }
        table
    }

    fn refusals(&self) -> Table {
        let mut table = Table::new(&["EVENT", "CONSUMER", "SCHEMA", "FAILURE"]);
        for refusal in &self.refusals {
            table.row(vec![
                Cell::new(&refusal.event),
                Cell::inked(Ink::Bold, &refusal.consumer),
                Cell::new(&refusal.schema),
                Cell::inked(Ink::Yellow, &refusal.failure),
            ]);
        }
        table
    }
}

/// Adds an item and forgets the oldest past the limit.
fn push<T>(items: &mut Vec<T>, item: T) {
    if items.len() == SHOWN_MAX {
        items.remove(0);
    }
    items.push(item);
}
