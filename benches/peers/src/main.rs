//! The pattern engine beside its peers and beside the limits of the machine, on one corpus in one process.
//!
//! `cargo run --release --manifest-path benches/peers/Cargo.toml -- CORPUS RULESETS` holds every set of rules against
//! every event of the corpus: quamina as it is by default, quamina built for speed, railpost with bytes that it has
//! to check and railpost with events that are known to be well-formed, by turns. A rate is the median of three runs
//! (`--runs N`) in events a second of the thread's CPU time; the matches of every rule are compared with the
//! expected in every run. `--set NAME` and `--events N` are as in the `citylots` example.
//!
//! quamina reads an event no further than it must, so it is railpost's checked form that does the same work; the
//! other one finds every fault in the event too. The ratios are to the faster of quamina's two forms.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "../../../pattern/examples/measure/arguments.rs"]
mod arguments;
#[path = "../../../pattern/examples/measure/clock.rs"]
mod clock;
mod contest;
#[path = "../../../pattern/examples/measure/corpus.rs"]
mod corpus;
mod event_ruler;
mod limits;
#[path = "../../../pattern/examples/measure/railpost.rs"]
mod railpost;
#[path = "../../../pattern/examples/measure/rulesets.rs"]
mod rulesets;
#[path = "../../../pattern/examples/measure/table.rs"]
mod table;

use anyhow::Result;

use crate::arguments::Arguments;
use crate::contest::{Contest, Rates, Wording};
use crate::limits::Limits;
use crate::railpost::Events;
use crate::rulesets::RuleSet;
use crate::table::{Column, Table, figure};

const COLUMNS: [Column; 8] = [
    Column("set", 25),
    Column("rules", 0),
    Column("quamina ev/s", 0),
    Column("for speed ev/s", 0),
    Column("railpost bytes ev/s", 0),
    Column("ratio", 6),
    Column("railpost checked ev/s", 0),
    Column("ratio", 6),
];

fn main() -> Result<()> {
    let arguments = Arguments::read(["CORPUS", "RULESETS"])?;
    let [corpus, file] = &arguments.files;
    let sets: Vec<RuleSet> = rulesets::read(file)?;
    let wordings: Vec<Wording> = rulesets::read(file)?;
    arguments.check(&sets.iter().map(|set| set.name.as_str()).collect::<Vec<_>>())?;
    let text = corpus::read(corpus)?;
    let events = Events::new(corpus::events(&text, arguments.events))?;

    let table = Table::new(&COLUMNS);
    let mut measured = Vec::new();
    for (set, wording) in sets.iter().zip(&wordings).filter(|(set, _)| arguments.wants(&set.name)) {
        let contest = Contest { set, wording, whole: arguments.events.is_none() };
        let rates = contest.run(&events, arguments.runs)?;
        if rates.quamina.is_some() {
            table.row(&cells(set, &rates));
        }
        measured.push((set, rates));
    }
    print_means(&table, &measured);

    println!("\nevent-ruler's recorded rates, scaled to this machine by quamina's\n");
    event_ruler::print(&measured);

    println!("\nLimits of this machine on the corpus\n");
    let limits = Limits::measure(&events.bytes, arguments.runs)?;
    limits.print();
    println!("\nThe part of its limit that each set reaches\n");
    limits.print_parts(&measured)
}

fn cells(set: &RuleSet, rates: &Rates) -> Vec<String> {
    let [comfort, speed] = rates.quamina.unwrap_or_default();
    vec![
        set.name.clone(),
        set.rules.len().to_string(),
        figure(comfort),
        figure(speed),
        figure(rates.bytes),
        ratio(rates.bytes / comfort.max(speed)),
        figure(rates.checked),
        ratio(rates.checked / comfort.max(speed)),
    ]
}

fn print_means(table: &Table, measured: &[(&RuleSet, Rates)]) {
    let mean = |rate: fn(&Rates) -> f64| {
        let part = |rates: &Rates| rates.quamina.map(|[comfort, speed]| rate(rates) / comfort.max(speed));
        let logarithms: Vec<f64> =
            measured.iter().filter_map(|(_, rates)| part(rates)).map(f64::ln).collect();
        let count = logarithms.iter().map(|_| 1.0).sum::<f64>();
        ratio((logarithms.iter().sum::<f64>() / count).exp())
    };
    let none = String::new;
    table.row(&[
        "geometric mean".to_owned(),
        none(),
        none(),
        none(),
        none(),
        mean(|rates| rates.bytes),
        none(),
        mean(|rates| rates.checked),
    ]);
}

/// Writes how many times as fast something is.
pub(crate) fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{value:.2}x") } else { "-".to_owned() }
}
