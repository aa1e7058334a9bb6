//! Some hundred seeds, and one of them twice.

/// Seeds that are run; `cargo run --release -p railpost-sim` runs as many as there is time for.
const SEEDS: u64 = 200;

#[test]
fn nothing_is_lost_whatever_goes_wrong() {
    let (mut crashes, mut acknowledged) = (0, 0);
    for seed in 0..SEEDS {
        let history = railpost_sim::run(seed);
        crashes += history.crashes;
        acknowledged += history.acknowledged;
    }
    assert!(crashes > 100, "only {crashes} crashes: the simulation has gone blunt");
    assert!(acknowledged > 10_000, "only {acknowledged} events were acknowledged");
}

#[test]
fn a_seed_is_a_history() {
    for seed in [3, 17, 42] {
        assert_eq!(railpost_sim::run(seed), railpost_sim::run(seed), "seed {seed}");
    }
}
