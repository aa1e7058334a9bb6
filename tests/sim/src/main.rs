//! Runs simulations for as long as somebody wants: `cargo run --release -p railpost-sim -- --seeds 100000`.

use std::time::{Duration, Instant};

use clap::Parser;

/// Runs simulations, one seed after another; a seed that fails is named.
#[derive(Parser)]
struct Arguments {
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// End after so many minutes, however many seeds are left.
    #[arg(long)]
    minutes: Option<u64>,
}

#[expect(clippy::print_stdout, reason = "it prints what it found")]
fn main() {
    let arguments = Arguments::parse();
    let began = Instant::now();
    let limit = arguments.minutes.map(Duration::from_mins);
    let (mut ran, mut acknowledged, mut crashes) = (0, 0, 0);
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        if limit.is_some_and(|limit| began.elapsed() > limit) {
            break;
        }
        let history = railpost_sim::run(seed);
        ran += 1;
        acknowledged += history.acknowledged;
        crashes += history.crashes;
    }
    println!("{ran} seeds from {}: {acknowledged} events acknowledged, {crashes} crashes", arguments.from);
}
