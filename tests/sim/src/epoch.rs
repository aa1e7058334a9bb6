//! One life of the router, from opening its disk to its end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::{GroupAction, Overview};
use event::Timestamp;
use event::hop::Via;
use fastrand::Rng;
use router::simulation::{self, Node, Target};
use store::{Appended, Driver, Local, Options, Partition};
use store::{Disk, SimulatedDisk};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::scenario::{Ending, KEYS, Plan, Scenario};
use crate::world::World;

/// Publishers that try events at the same time.
const PUBLISHERS: usize = 3;
/// How long the last life may take until all is settled.
const SETTLED_WITHIN: Duration = Duration::from_hours(24 * 20);

/// How one life of the router ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it was meant to.
    Meant(Ending),
    /// Its store failed, or its disk could not be opened.
    Failed,
}

/// What the last life of the router left.
pub struct Last {
    /// The ledgers.
    pub overview: Overview,
    /// What each bus still holds.
    pub events: BTreeMap<String, Vec<(u64, Via, event::Event)>>,
    /// The events in the dead letters, by consumer.
    pub dead: BTreeMap<String, Vec<String>>,
}

impl End {
    /// Returns whether the router ended before its time.
    pub fn is_crash(self) -> bool {
        self == Self::Failed
    }

    /// Returns the disk as the next life finds it.
    pub fn disk_after(self, disk: &SimulatedDisk) -> SimulatedDisk {
        match self {
            Self::Meant(Ending::Stop | Ending::Kill) => disk.after_kill(),
            // What a failed sync should have made durable can still be read until the power fails, so that only a
            // power cut shows what is lost.
            Self::Meant(Ending::PowerCut) | Self::Failed => disk.after_power_cut(),
        }
    }
}

/// Runs one life of the router.
pub fn run(scenario: &Scenario, plan: &Plan, world: &Arc<World>, disk: &SimulatedDisk) -> End {
    let mut faults = plan.faults;
    let so_far = disk.operations();
    faults.crash_at = faults.crash_at.map(|at| at + so_far);
    faults.fail_at = faults.fail_at.map(|at| at + so_far);
    faults.fail_sync_from = faults.fail_sync_from.map(|at| at + so_far);
    faults.bytes_max = faults.bytes_max.map(|bytes| bytes + disk.bytes());
    disk.plan(faults);
    let runtime = runtime();
    let (end, at) = runtime.block_on(async {
        simulation::begin(world.now(), scenario.seed);
        let end = live(scenario, plan, world, disk).await;
        (end.unwrap_or(End::Failed), simulation::now())
    });
    drop(runtime);
    world.pass(at, plan.pause_ms);
    end
}

/// Runs the last life, in which nothing goes wrong, until all is settled.
///
/// # Panics
/// The disk cannot be opened, or something is never settled.
pub fn run_to_the_end(scenario: &Scenario, world: &Arc<World>, disk: &SimulatedDisk) -> Last {
    let seed = scenario.seed;
    world.heal();
    let runtime = runtime();
    runtime.block_on(async {
        simulation::begin(world.now(), seed);
        let router = Router::open(scenario, world, disk).await;
        let router = router.unwrap_or_else(|error| panic!("seed {seed}: the router does not start: {error}"));
        for consumer in ["all", "ordered", "strict", "copy", "groups", "gathered"] {
            assert!(router.node.pause(consumer, false).await, "seed {seed}: {consumer} cannot be resumed");
        }
        for aggregation in ["groups", "amended", "windows", "sessions"] {
            let done = router.node.handle(aggregation, "*", GroupAction::LetGo).await;
            assert!(done, "seed {seed}: the groups of {aggregation} cannot be let go");
        }
        // Publishers try again what they never had an answer to.
        for event in &scenario.events {
            publish(&router.node, world, event, seed).await;
        }
        let settled = async {
            let mut quiet = 0;
            loop {
                let overview = router.node.overview().await;
                // What is decided shows before it is durable, and what follows from it only afterwards.
                quiet = if is_settled(&overview) { quiet + 1 } else { 0 };
                if quiet == 3 {
                    return overview;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let settled = tokio::time::timeout(SETTLED_WITHIN, settled).await;
        let Ok(overview) = settled else {
            panic!("seed {seed}: not settled: {:#?}", router.node.overview().await)
        };
        router.last(overview).await
    })
}

fn is_settled(overview: &Overview) -> bool {
    let decided = overview.buses.iter().all(|bus| bus.head == bus.applied);
    let delivered = overview.consumers.iter().all(|consumer| consumer.pending == 0);
    decided && delivered && overview.aggregations.iter().all(|one| one.open_groups == 0)
}

/// A router with the drivers of its stores.
struct Router {
    node: Node,
    drivers: JoinSet<()>,
}

impl Router {
    async fn open(scenario: &Scenario, world: &Arc<World>, disk: &SimulatedDisk) -> Result<Self, String> {
        let mut partitions: BTreeMap<String, Arc<dyn Partition>> = BTreeMap::new();
        let mut drivers = JoinSet::new();
        for bus in &scenario.config.buses {
            let options = Options {
                segment_bytes: 16 << 10,
                snapshot_every_bytes: 24 << 10,
                recent_bytes_max: 2 << 10,
                ..Options::default()
            };
            let folder = PathBuf::from("/data").join(&bus.name);
            let disk: Arc<dyn Disk> = Arc::new(disk.clone());
            let opened = Local::open_on(disk, &folder, options).map_err(|error| error.to_string())?;
            let (partition, driver, _recovery) = opened;
            drivers.spawn(drive(driver, scenario.seed));
            partitions.insert(bus.name.clone(), Arc::new(partition));
        }
        let target: Arc<dyn Target> = Arc::clone(world) as Arc<dyn Target>;
        let node = Node::start(&scenario.config, &partitions, &target).await;
        Ok(Self { node: node.map_err(|error| error.to_string())?, drivers })
    }

    async fn last(self, overview: Overview) -> Last {
        let mut events = BTreeMap::new();
        for bus in &overview.buses {
            events.insert(bus.name.clone(), self.node.events(&bus.name).await.unwrap_or_default());
        }
        let mut dead = BTreeMap::new();
        for consumer in &overview.consumers {
            dead.insert(consumer.name.clone(), self.node.dead_letters(&consumer.name).await);
        }
        self.node.stop(Duration::from_mins(1)).await;
        drop(self.drivers);
        Last { overview, events, dead }
    }
}

/// Gives a store its turns, each after as long as a disk may take.
async fn drive(mut driver: Driver, seed: u64) {
    let mut rng = Rng::with_seed(seed);
    while driver.turn().await {
        tokio::time::sleep(Duration::from_micros(rng.u64(20..3_000))).await;
    }
}

async fn live(scenario: &Scenario, plan: &Plan, world: &Arc<World>, disk: &SimulatedDisk) -> Option<End> {
    let router = Router::open(scenario, world, disk).await.ok()?;
    let node = Arc::new(router.node);
    let mut busy = JoinSet::new();
    for publisher in 0..PUBLISHERS {
        let events: Vec<_> = scenario.events[plan.events.clone()]
            .iter()
            .skip(publisher)
            .step_by(PUBLISHERS)
            .cloned()
            .collect();
        let (node, world, seed) = (Arc::clone(&node), Arc::clone(world), scenario.seed);
        let mut rng = Rng::with_seed(seed ^ publisher as u64);
        busy.spawn(async move {
            for event in events {
                publish(&node, &world, &event, seed).await;
                tokio::time::sleep(Duration::from_micros(rng.u64(0..100_000))).await;
            }
        });
    }
    busy.spawn(operate(Arc::clone(&node), Rng::with_seed(scenario.seed ^ 0x0b)));
    let failed = node.failed();
    let end = tokio::select! {
        biased;
        _ = failed => End::Failed,
        () = tokio::time::sleep(plan.lasts) => End::Meant(plan.ending),
    };
    busy.shutdown().await;
    if end == End::Meant(Ending::Stop)
        && let Some(node) = Arc::into_inner(node)
    {
        node.stop(Duration::from_secs(10)).await;
    }
    Some(end)
}

/// Publishes one event, again if the router was too busy; an answer that never came is one for later.
async fn publish(node: &Node, world: &World, event: &event::Event, seed: u64) {
    world.try_event(&event.id);
    for _ in 0..100 {
        match node.publish("landing", vec![event.clone()]).await {
            Ok(appended) => {
                for one in appended {
                    let (Appended::At(position) | Appended::DuplicateOf(position)) = one;
                    world.acknowledge(&event.id, position.0, seed);
                }
                return;
            }
            Err(store::Error::Full { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(_) => return,
        }
    }
}

/// Does what operators do, at random.
async fn operate(node: Arc<Node>, mut rng: Rng) {
    loop {
        tokio::time::sleep(Duration::from_millis(rng.u64(10..6_000))).await;
        let consumer = ["all", "ordered", "strict"][rng.usize(0..3)];
        match rng.u8(0..8) {
            0 => drop(node.pause(consumer, true).await),
            1 | 2 => drop(node.pause(consumer, false).await),
            3 => drop(node.redrive("strict").await),
            4 => drop(node.reclaim("landing").await),
            5 | 6 => handle(&node, &mut rng).await,
            _ => simulation::set_clock(jumped(simulation::now(), &mut rng)),
        }
    }
}

/// Does something to a group of some key, if there is one.
async fn handle(node: &Node, rng: &mut Rng) {
    let aggregation = ["groups", "amended", "windows", "sessions", "sequence"][rng.usize(0..5)];
    let group = if rng.u8(0..5) == 0 { "*".to_owned() } else { rng.u32(0..KEYS).to_string() };
    let part = rng.u32(0..5).to_string();
    let actions = [
        GroupAction::Release,
        GroupAction::Discard,
        GroupAction::Extend { by_ms: rng.u64(1..20_000) },
        GroupAction::Hold,
        GroupAction::LetGo,
        GroupAction::Expect { part: part.clone() },
        GroupAction::Unexpect { part },
    ];
    let action = actions[rng.usize(0..actions.len())].clone();
    // There may be no such group.
    let _was_there = node.handle(aggregation, &group, action).await;
}

/// Returns a time up to an hour away.
fn jumped(now: Timestamp, rng: &mut Rng) -> Timestamp {
    let by = Duration::from_secs(rng.u64(0..3_600));
    if rng.bool() { now.after(by) } else { now.before(by) }
}

#[expect(clippy::expect_used, reason = "a runtime of one thread needs nothing that could be missing")]
fn runtime() -> Runtime {
    let builder = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    builder.expect("a runtime of one thread starts")
}
