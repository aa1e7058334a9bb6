//! How matching, adding and memory grow with the number of rules.
//!
//! `cargo run --release -p railpost-pattern --example scale -- CORPUS` prints a line a row. CORPUS is the directory
//! of the events, of the values that rules are made from (`scale_*.txt`) and of the matches that they must count
//! (`scale.json`); the rows whose events are made here need nothing of it. `--set`, `--runs` and `--events` are as in the
//! `citylots` example.
//!
//! * parse, insert: microseconds of CPU time a rule, from text to pattern and from pattern into the set
//! * bytes a rule: what the set holds on the heap after it has matched, its working memory included
//! * remove: microseconds a rule when all are removed again, and the part of the memory that is given back
//!
//! Every row says beforehand how many matches there must be, where that is known; another count is an error.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "../measure/arguments.rs"]
mod arguments;
#[path = "../measure/clock.rs"]
mod clock;
#[path = "../measure/corpus.rs"]
mod corpus;
mod families;
#[path = "../measure/heap.rs"]
mod heap;
mod listed;
mod orders;
#[path = "../measure/railpost.rs"]
mod railpost;
#[path = "../measure/rounds.rs"]
mod rounds;
mod row;
#[path = "../measure/table.rs"]
mod table;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::railpost::Events;
use crate::row::Row;
use crate::table::{Column, Table};

const COLUMNS: [Column; 12] = [
    Column("rows", 22),
    Column("rules", 7),
    Column("bytes ev/s", 0),
    Column("checked ev/s", 0),
    Column("allocations", 0),
    Column("matches", 8),
    Column("an event", 0),
    Column("parse us", 0),
    Column("insert us", 0),
    Column("bytes a rule", 0),
    Column("remove us", 0),
    Column("given back", 0),
];

/// How many events a made row matches each time, if each of its events is matched as often as it takes.
const MATCHED_MIN: usize = 100_000;

fn main() -> Result<()> {
    let arguments = Arguments::read(["CORPUS"])?;
    let [directory] = &arguments.files;
    let listed = listed::FAMILIES.iter().map(|family| family.name);
    let made = families::FAMILIES.iter().map(|family| family.name);
    arguments.check(&listed.chain(made).collect::<Vec<_>>())?;
    let table = Table::new(&COLUMNS);
    for family in listed::FAMILIES.iter().filter(|family| arguments.wants(family.name)) {
        let text = corpus::read(directory)?;
        let events = Events::new(corpus::events(&text, arguments.events))?;
        let values = family.values(directory)?;
        for size in family.sizes {
            let expected = family.matches(directory, *size)?.filter(|_| arguments.events.is_none());
            let rule = |number: usize| family.rule(&values, number);
            let row = Row { name: family.name, rules: *size, rule: &rule, matches: expected };
            table.row(&row.measure(&events, arguments.runs, 1)?);
        }
    }
    for family in families::FAMILIES.iter().filter(|family| arguments.wants(family.name)) {
        for size in family.sizes {
            let text = family.events(*size, arguments.events);
            let events = Events::new(text.iter().map(String::as_bytes).collect())?;
            let expected = Some(family.matches(*size, text.len()));
            let row = Row { name: family.name, rules: *size, rule: &family.rule, matches: expected };
            let passes = arguments.events.map_or(MATCHED_MIN.div_ceil(text.len()), |_| 1);
            table.row(&row.measure(&events, arguments.runs, passes)?);
        }
    }
    Ok(())
}
