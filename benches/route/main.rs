//! Durability and delivery, measured on real processes.
//!
//! `cargo bench --bench route` measures every row but `large` three times and prints Markdown tables of the medians;
//! `cargo bench --bench route -- route publish --seconds 20 --runs 5` some of them; `-- --help` says which there are. Each
//! row of a run has a server of its own with an empty log. Generator and receivers are two threads of this process and
//! share the machine with the server.
//!
//! * An event has 600 bytes in the CloudEvents JSON format; in binary mode its attributes are headers.
//! * Every event is answered only once it is on disk, and the decision about it before it is delivered.
//! * Closed loops send as fast as they are answered. Their rates are counted until the last event is delivered where
//!   events are; what is behind waits in the log, and its length is in the latencies.
//! * Open loops (paced) send at their times, and latencies count from these.
//! * An answer that takes not all events, and one that comes to the wrong consumer, twice or never, ends the program with
//!   an error; so does a difference to the router's own counters.
//!
//! * Parts that are gathered are written to a log beforehand, so that nothing but the router's own work is measured.
//!
//! `rows`, `logs` and `groups` say what is measured, `measure` puts one load on one server, `generator` is the load, `template` its
//! requests, `receiver` the consumers' end, `server` the processes under test, `disk` the disk's sync, `wire` what both ends
//! know, `table` the medians.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it prints what it measured")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "figures of a short run are small"
)]

mod disk;
mod generator;
mod groups;
mod logs;
mod measure;
mod receiver;
mod rows;
mod server;
mod table;
mod template;
mod wire;

use std::time::Duration;

use clap::{Parser, ValueEnum};

use rows::{Row, Run};

/// Measures the durability and the delivery of a router.
#[derive(Parser)]
struct Arguments {
    /// What is measured; every row but `large` unless named.
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// How long one load lasts, after two seconds to warm up.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How many runs the medians are of.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// The length of the large log in events.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    events: u64,
    /// The most pending deliveries; three times as many events are published.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100..))]
    pending: u64,
    /// Parts offered, and open groups; the rows about gathering use as many.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    parts: u64,
    /// Said by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    if std::env::args().nth(1).is_some_and(|argument| argument == server::ECHO) {
        server::serve_echo();
        return;
    }
    let arguments = Arguments::parse();
    let mut rows = arguments.rows.clone();
    if rows.is_empty() {
        rows = Row::value_variants().iter().copied().filter(|row| *row != Row::Large).collect();
    }
    rows.sort_unstable();
    rows.dedup();
    let (mut runs, mut steals) = (Vec::new(), Vec::new());
    for number in 1..=arguments.runs {
        eprintln!("run {number} of {}", arguments.runs);
        let (all, stolen) = server::stolen();
        let during = Duration::from_secs(arguments.seconds);
        let mut run = Run::new(during, arguments.events, arguments.pending, arguments.parts);
        for row in &rows {
            run.row(*row);
        }
        let (all_then, stolen_then) = server::stolen();
        let share = (stolen_then - stolen) as f64 / (all_then - all).max(1) as f64;
        steals.push(format!("{:.1} %", share * 100.0));
        runs.push(run.lines);
    }
    table::print(&runs);
    println!("\nTaken by the hypervisor, run by run: {}", steals.join(", "));
}
