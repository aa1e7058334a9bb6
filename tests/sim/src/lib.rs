//! A seeded simulation of a router with its store and its targets: crashes at every write and sync, lost writes, full
//! disks, slow and failing targets, clocks that jump.
//!
//! Everything happens in one thread with a clock of its own, so that a seed is a history: what fails once fails again.
//!
//! ```
//! let one = railpost_sim::run(7);
//! assert_eq!(one, railpost_sim::run(7));
//! ```
//!
//! # Layout
//! * [`scenario`]: what a seed decides beforehand: the configuration, the events, what goes wrong when
//! * [`world`]: the targets, and all that was seen of the router from outside
//! * [`epoch`]: one life of the router, from opening its disk to its end
//! * [`invariants`]: what must hold in the end, whatever happened

pub mod epoch;
pub mod invariants;
pub mod scenario;
pub mod world;

use std::sync::Arc;

use store::SimulatedDisk;

use crate::scenario::Scenario;
use crate::world::World;

/// What a simulation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Every event that a target took: when, in microseconds, by which consumer, which event.
    pub taken: Vec<(i64, String, event::Text)>,
    /// The events that were acknowledged before the last life of the router.
    pub acknowledged: usize,
    /// How often the router ended before its time.
    pub crashes: u32,
    /// How the ledgers stood in the end.
    pub ledgers: Vec<String>,
}

/// Runs one simulation.
///
/// # Panics
/// Something did not hold that must; the message names the seed.
pub fn run(seed: u64) -> History {
    let scenario = Scenario::new(seed);
    let world = Arc::new(World::new(seed));
    let mut disk = SimulatedDisk::new(seed);
    let mut crashes = 0;
    for plan in &scenario.epochs {
        let end = epoch::run(&scenario, plan, &world, &disk);
        crashes += u32::from(end.is_crash());
        disk = end.disk_after(&disk);
    }
    let acknowledged = world.acknowledged().len();
    let last = epoch::run_to_the_end(&scenario, &world, &disk);
    invariants::check(&scenario, &world, &last);
    let ledgers = last.overview.consumers.iter();
    let ledgers = ledgers.map(|one| {
        format!("{} {} {} {} {}", one.name, one.matched, one.delivered, one.dead_lettered, one.dropped)
    });
    History { taken: world.history(), acknowledged, crashes, ledgers: ledgers.collect() }
}
