//! How fast sets of rules are held against a corpus of `GeoJSON` lots, and whether they match what they should.
//!
//! `cargo run --release -p railpost-pattern --example citylots -- CORPUS RULESETS` prints a line a set. CORPUS is
//! the file of events or its directory, RULESETS the file of rule sets. A rate is the median of three runs
//! (`--runs N`) in events a second of the thread's CPU time. `--set NAME` measures only that set and may be
//! repeated; `--events N` reads only the first events, and the matches are then not compared with the expected.
//!
//! * bytes: the engine is given the text and checks all of it, to the last byte, while it matches
//! * checked: the text is known to be well-formed, as it is when it comes from a log
//! * allocations: how often memory is asked for, an event
//! * bytes a rule: what the set holds on the heap after it has matched, its working memory included

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "measure/arguments.rs"]
mod arguments;
#[path = "measure/clock.rs"]
mod clock;
#[path = "measure/corpus.rs"]
mod corpus;
#[path = "measure/heap.rs"]
mod heap;
#[path = "measure/railpost.rs"]
mod railpost;
#[path = "measure/rounds.rs"]
mod rounds;
#[path = "measure/rulesets.rs"]
mod rulesets;
#[path = "measure/table.rs"]
mod table;

use anyhow::{Context, Result};
use railpost_pattern::Pattern;

use crate::arguments::Arguments;
use crate::railpost::{Events, Railpost};
use crate::rounds::Plan;
use crate::rulesets::RuleSet;
use crate::table::{Column, Table, each, figure};

const COLUMNS: [Column; 9] = [
    Column("set", 25),
    Column("rules", 0),
    Column("bytes ev/s", 0),
    Column("bytes B/s", 0),
    Column("checked ev/s", 0),
    Column("checked B/s", 0),
    Column("allocations", 0),
    Column("matches", 8),
    Column("bytes a rule", 0),
];

fn main() -> Result<()> {
    let arguments = Arguments::read(["CORPUS", "RULESETS"])?;
    let [corpus, sets] = &arguments.files;
    let sets: Vec<RuleSet> = rulesets::read(sets)?;
    arguments.check(&sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>())?;
    let text = corpus::read(corpus)?;
    let events = Events::new(corpus::events(&text, arguments.events))?;
    let table = Table::new(&COLUMNS);
    for set in sets.iter().filter(|set| arguments.wants(&set.name)) {
        table.row(&measure(set, &events, &arguments)?);
    }
    Ok(())
}

fn measure(set: &RuleSet, events: &Events<'_>, arguments: &Arguments<2>) -> Result<Vec<String>> {
    let mut counts = vec![0; set.rules.len()];
    let before = heap::bytes();
    let mut engine = Railpost::new();
    for (key, rule) in (0..).zip(&set.rules) {
        let pattern = Pattern::parse(rule.get()).with_context(|| format!("{rule} of {}", set.name))?;
        engine.matcher.insert(key, pattern);
    }
    rounds::warm_up(&mut engine, events, &mut counts)?;
    let held = heap::bytes() - before;

    let plan = Plan { runs: arguments.runs, passes: 1 };
    let measured = rounds::measure(&mut engine, events, &plan, &mut counts, |counts| {
        if arguments.events.is_some() { Ok(()) } else { set.check("railpost", counts) }
    })?;
    let size = events.bytes.iter().map(|event| event.len()).sum();
    let event_size = each(size, events.bytes.len());
    Ok(vec![
        set.name.clone(),
        set.rules.len().to_string(),
        figure(measured.bytes),
        figure(measured.bytes * event_size),
        figure(measured.checked),
        figure(measured.checked * event_size),
        format!("{:.2}", measured.allocations),
        counts.iter().sum::<u64>().to_string(),
        figure(each(held, set.rules.len())),
    ])
}
