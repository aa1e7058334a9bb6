//! Opens every bus and gives it back what was in flight.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use store::Partition;
use tokio::sync::mpsc;

use super::{Buses, StartError};
use crate::bus::{Bus, Parts};
use crate::clock;
use crate::config::{self, Config, Consumer, Start};
use crate::core::Core;
use crate::deliver::lane::Lane;
use crate::observe::Observer;
use crate::orders::{ORDERS_MAX, Ordered};
use crate::state::record::{Range, Standing};
use crate::state::restore::{self, Orphan, RestoreError};

/// How long a bus remembers what other buses forwarded, where it does not say how long it remembers what is published.
const FORWARDED_WINDOW: Duration = Duration::from_mins(5);

/// Where the orders of each bus arrive, by the bus's name.
type Inboxes = BTreeMap<String, mpsc::Receiver<Ordered>>;

/// Opens every bus of a configuration.
pub(super) async fn buses(
    config: &Config,
    data_dir: &Path,
    registry: &schemas::Registry,
    observer: &Observer,
) -> Result<(Buses, Inboxes), StartError> {
    let (mut buses, mut inboxes) = (Buses::new(), Inboxes::new());
    for bus in &config.buses {
        let folder = data_dir.join(&bus.name);
        let options = options(bus);
        let opened = tokio::task::block_in_place(|| store::Local::open(&folder, options));
        let (partition, recovery) = opened.map_err(|source| StartError::Store {
            bus: bus.name.clone(),
            folder: folder.clone(),
            source,
        })?;
        tracing::info!(bus = bus.name, ?recovery, "bus opened");
        if bus.durability == config::Durability::Memory {
            tracing::warn!(bus = bus.name, "its events are not synced to disk: a power cut loses the latest");
        }
        let (opened, inbox) = put_together(config, bus, Arc::new(partition), registry, observer).await?;
        inboxes.insert(bus.name.clone(), inbox);
        buses.insert(bus.name.clone(), Arc::new(opened));
    }
    Ok((buses, inboxes))
}

/// Puts one bus together from its store.
pub(crate) async fn put_together(
    config: &Config,
    bus: &config::Bus,
    partition: Arc<dyn Partition>,
    registry: &schemas::Registry,
    observer: &Observer,
) -> Result<(Bus, mpsc::Receiver<Ordered>), StartError> {
    let unreadable =
        |error: RestoreError| StartError::State { bus: bus.name.clone(), reason: error.to_string() };
    restore::check_format(&*partition).await.map_err(unreadable)?;
    let consumers = consumers(config, &bus.name);
    let aggregations: Vec<_> =
        config.aggregations.iter().filter(|one| one.bus == bus.name).cloned().collect();
    let mut core = Core::new(&bus.name, config.identity.clone(), &consumers, &aggregations, registry)?;
    core.start(clock::now());
    restore::core(&mut core, &*partition).await.map_err(unreadable)?;
    let orphans = restore::orphans(&core, &*partition).await.map_err(unreadable)?;
    warn_of_orphans(&bus.name, &orphans);
    let mut lanes = Vec::with_capacity(consumers.len());
    for (index, consumer) in consumers.into_iter().enumerate() {
        let mut saved = restore::consumer(&*partition, &consumer.name).await.map_err(unreadable)?;
        if saved.standing.is_none() {
            saved.standing = Some(beginning(&consumer, &*partition).await.map_err(unreadable)?);
        }
        lanes.push(Arc::new(Lane::new(index, consumer, saved)));
    }
    let (orders, inbox) = mpsc::channel(ORDERS_MAX);
    let bus = Bus::new(Parts {
        config: bus.clone(),
        service: config.trace.service.clone(),
        identity: config.identity.clone(),
        letters: restore::letters(&*partition).await.map_err(unreadable)?,
        replays: restore::replays(&*partition).await.map_err(unreadable)?,
        orphans_need: orphans.iter().filter_map(|orphan| orphan.oldest).min(),
        partition,
        core,
        lanes,
        orders,
        observer: observer.clone(),
    });
    Ok((bus, inbox))
}

/// The consumers of a bus, and after them those that send their dead letters on.
fn consumers(config: &Config, bus: &str) -> Vec<Consumer> {
    let own: Vec<Consumer> = config.consumers.iter().filter(|one| one.bus == bus).cloned().collect();
    let letters = own.iter().filter_map(|consumer| {
        let target = consumer.dead_letters.clone()?;
        Some(Consumer {
            name: format!("{}/dead-letters", consumer.name),
            letters_of: Some(consumer.name.clone()),
            target,
            filter: None,
            gate: None,
            order_by: None,
            rate: None,
            batch: 1,
            start: Start::Latest,
            dead_letters: None,
            ..consumer.clone()
        })
    });
    let letters: Vec<Consumer> = letters.collect();
    own.into_iter().chain(letters).collect()
}

/// Returns how a bus is kept.
fn options(bus: &config::Bus) -> store::Options {
    let durability = match bus.durability {
        config::Durability::Disk => store::Durability::Disk,
        config::Durability::Memory => store::Durability::Memory,
    };
    // Also where publishers may repeat themselves, what another bus forwards twice is one event.
    let window = bus.dedup.as_ref().map_or(FORWARDED_WINDOW, |dedup| dedup.window);
    let defaults = store::Options::default();
    let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
    store::Options { durability, dedup: store::Dedup { window_ms, ..defaults.dedup }, ..defaults }
}

/// Returns how a consumer stands that is new to its bus.
async fn beginning(consumer: &Consumer, partition: &dyn Partition) -> Result<Standing, RestoreError> {
    let last = partition.applied().0;
    let next = match consumer.start {
        Start::Latest => return Ok(Standing::default()),
        Start::Earliest => partition.tail().0,
        Start::At(instant) => crate::search::position_at(partition, instant).await?.0,
    };
    let backfill = (next <= last && consumer.letters_of.is_none()).then_some(Range { next, last });
    Ok(Standing { backfill, ..Standing::default() })
}

/// Says which saved deliveries and groups nobody works on, because their consumer or aggregation is gone.
fn warn_of_orphans(bus: &str, orphans: &[Orphan]) {
    for Orphan { kind, name, count, .. } in orphans {
        tracing::warn!(
            bus,
            kind,
            name,
            count,
            "not configured any more, but deliveries are pending or groups open; they stay until the name is back"
        );
    }
}
