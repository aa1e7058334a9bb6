//! `railpost groups --ledger`: what became of every part, and whether that balances.

use api::AggregationStatus;
use serde::Serialize;

use crate::args::groups::List;
use crate::commands::{client, status};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::list;

/// Prints the ledger of each aggregation; the answer is no where one does not balance.
pub(super) async fn run(args: List) -> Result<Exit, Failure> {
    let all = client(&args.router)?.overview().await?.aggregations;
    let aggregations = chosen(all, args.aggregation.as_deref())?;
    if args.json {
        screen::print_json(&aggregations.iter().map(Ledger::of).collect::<Vec<_>>())?;
    } else if aggregations.is_empty() {
        screen::print("no aggregations")?;
    } else {
        screen::print(&render(&aggregations, Screen::of_stdout()))?;
    }
    let well = aggregations.iter().all(AggregationStatus::balances);
    Ok(if well { Exit::Done } else { Exit::Failed })
}

/// Returns all aggregations, or the one of that name.
fn chosen(all: Vec<AggregationStatus>, name: Option<&str>) -> Result<Vec<AggregationStatus>, Failure> {
    let Some(name) = name else { return Ok(all) };
    let names: Vec<String> = all.iter().map(|aggregation| aggregation.name.clone()).collect();
    let found: Vec<AggregationStatus> =
        all.into_iter().filter(|aggregation| aggregation.name == name).collect();
    if found.is_empty() {
        let help = format!("the router has {}", list(&names));
        return Err(Failure::UnknownName { what: "aggregation", name: name.to_owned(), help });
    }
    Ok(found)
}

pub(super) fn render(aggregations: &[AggregationStatus], screen: Screen) -> String {
    let mut text = status::aggregations(aggregations).render(screen);
    text.extend(["\n\n", &counts(aggregations).render(screen)]);
    text.extend(aggregations.iter().filter_map(|aggregation| status::holds_up(aggregation, screen)));
    text
}

/// Returns what the ledgers' numbers are made of as a table.
fn counts(aggregations: &[AggregationStatus]) -> Table {
    let mut table = Table::new(&[
        "AGGREGATION",
        ">LATE: AMENDED",
        ">DISCARDED: NO KEY",
        ">NO ROOM",
        "?>REVISIONS",
        "?>SKIPPED",
    ]);
    for aggregation in aggregations {
        table.row(vec![
            Cell::inked(Ink::Bold, &aggregation.name),
            Cell::new(&aggregation.amended),
            Cell::alarm(Ink::Yellow, aggregation.without_key),
            Cell::alarm(Ink::Red, aggregation.refused),
            Cell::new(&aggregation.revisions),
            Cell::alarm(Ink::Yellow, aggregation.skipped),
        ]);
    }
    table
}

/// One aggregation's ledger as programs read it; the names are those of [`AggregationStatus`].
#[derive(Serialize)]
pub(super) struct Ledger<'a> {
    name: &'a str,
    bus: &'a str,
    offered: u64,
    released: u64,
    late: u64,
    duplicate: u64,
    discarded: u64,
    open: u64,
    balances: bool,
    amended: u64,
    without_key: u64,
    refused: u64,
    open_groups: u64,
    releases: u64,
    revisions: u64,
    skipped: u64,
    waits: Option<&'a str>,
}

impl<'a> Ledger<'a> {
    pub(super) fn of(aggregation: &'a AggregationStatus) -> Self {
        Self {
            name: &aggregation.name,
            bus: &aggregation.bus,
            offered: aggregation.offered,
            released: aggregation.released,
            late: aggregation.late,
            duplicate: aggregation.duplicate,
            discarded: aggregation.discarded,
            open: aggregation.open,
            balances: aggregation.balances(),
            amended: aggregation.amended,
            without_key: aggregation.without_key,
            refused: aggregation.refused,
            open_groups: aggregation.open_groups,
            releases: aggregation.releases,
            revisions: aggregation.revisions,
            skipped: aggregation.skipped,
            waits: aggregation.waits.as_deref(),
        }
    }
}
