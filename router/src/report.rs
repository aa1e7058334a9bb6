//! What a router says of itself: the answers behind `/api/v1` and `/metrics`.

pub(crate) mod archive;
pub(crate) mod letters;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use api::{
    AggregationStatus, BusStatus, ConsumerState, ConsumerStatus, Durability, EventDetail, GROUPS_LISTED_MAX,
    GroupStatus, Overview,
};
use event::hop::Via;
use event::stored::Stored;
use event::{Hop, Step, Timestamp, json};
use serde_json::value::RawValue;
use store::{Position, ReadBudget};

use crate::bus::Bus;
use crate::core::gather::Aggregator;
use crate::core::ledger::ConsumerLedger;
use crate::deliver::lane::Lane;
use crate::router::Shared;
use crate::state::record::Standing;
use crate::{clock, config};

/// Newest events of a bus that a search by id looks through.
const SEARCHED_MAX: u64 = 1_000_000;
/// Events read at a time by a search.
const SEARCH: ReadBudget = ReadBudget { events: 4_096, bytes: 8 << 20 };

/// An event in a log: its bus, its position, and itself.
type Found<'s> = (&'s Arc<Bus>, u64, Stored);

/// Returns the state of the router at a glance.
pub(crate) async fn overview(shared: &Shared) -> Overview {
    let now = clock::now();
    let buses: Vec<&Arc<Bus>> = shared.buses().collect();
    let mut overview = Overview {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        phase: shared.phase(),
        at: now,
        started: shared.started(),
        buses: buses.iter().map(|bus| bus_status(bus, now)).collect(),
        consumers: Vec::new(),
        aggregations: buses.iter().flat_map(|bus| aggregations(bus)).collect(),
    };
    for bus in buses {
        overview.consumers.extend(consumers(bus, now).await);
    }
    overview
}

fn bus_status(bus: &Bus, now: Timestamp) -> BusStatus {
    let durability = match bus.config().durability {
        config::Durability::Disk => Durability::Disk,
        config::Durability::Memory => Durability::Memory,
    };
    BusStatus {
        name: bus.name().to_owned(),
        head: bus.partition().head().0,
        tail: bus.partition().tail().0,
        applied: bus.partition().applied().0,
        rate: bus.observer().bus(bus.name(), now),
        disk_bytes: bus.partition().bytes_on_disk(),
        durability,
        duplicates: bus.duplicates(),
    }
}

async fn consumers(bus: &Bus, now: Timestamp) -> Vec<ConsumerStatus> {
    // A ledger and its queue change together while the core is held. The log is read after it is free again.
    let counts: Vec<(ConsumerLedger, u64)> = {
        let core = bus.core();
        let pending = bus.lanes().iter().map(|lane| lane.pending());
        core.consumers().iter().map(|receiver| receiver.ledger).zip(pending).collect()
    };
    let mut consumers = Vec::with_capacity(counts.len());
    for (lane, counts) in bus.lanes().iter().zip(counts) {
        consumers.push(consumer(bus, lane, counts, now).await);
    }
    consumers
}

async fn consumer(
    bus: &Bus,
    lane: &Lane,
    (ledger, pending): (ConsumerLedger, u64),
    now: Timestamp,
) -> ConsumerStatus {
    let name = &lane.consumer.name;
    let standing = lane.standing();
    let mut status = ConsumerStatus {
        name: name.clone(),
        bus: bus.name().to_owned(),
        target: lane.address().to_string(),
        matched: ledger.matched,
        delivered: ledger.delivered,
        dead_lettered: ledger.dead_lettered,
        dropped: ledger.dropped,
        pending,
        in_flight: lane.gauges.in_flight(),
        rate: 0.0,
        failure_rate: 0.0,
        failures: 0,
        latency: None,
        last_error: None,
        oldest_pending: None,
        state: state(standing),
        retrying: lane.gauges.retrying.load(Ordering::Relaxed),
        held: lane.gauges.held.load(Ordering::Relaxed),
        holding: lane.gauges.holding(),
    };
    bus.observer().consumer(name, |meter| {
        status.rate = meter.rate(now);
        status.failure_rate = meter.failure_rate(now);
        status.failures = meter.failures();
        status.latency = meter.latency(now);
        status.last_error = meter.last_error();
    });
    if let Some(oldest) = lane.oldest() {
        status.oldest_pending = bus.event(oldest).await.ok().flatten().map(|one| one.received);
    }
    status
}

fn state(standing: Standing) -> ConsumerState {
    match standing {
        Standing { stopped: Some(reason), .. } => ConsumerState::Stopped { reason },
        Standing { paused: true, .. } => ConsumerState::Paused,
        Standing { .. } => ConsumerState::Delivering,
    }
}

fn aggregations(bus: &Bus) -> Vec<AggregationStatus> {
    let core = bus.core();
    let waits = |aggregator: &Aggregator| core.waits().filter(|_| aggregator.may_wait()).map(str::to_owned);
    core.aggregators().iter().map(|one| aggregation(bus, one, waits(one))).collect()
}

fn aggregation(bus: &Bus, aggregator: &Aggregator, waits: Option<String>) -> AggregationStatus {
    let ledger = aggregator.ledger();
    AggregationStatus {
        name: aggregator.name().to_string(),
        bus: bus.name().to_owned(),
        offered: ledger.offered,
        released: ledger.released,
        late: ledger.late,
        duplicate: ledger.duplicate,
        discarded: ledger.discarded,
        open: aggregator.open_parts(),
        open_groups: aggregator.open_groups() as u64,
        releases: ledger.releases,
        without_key: ledger.without_key,
        refused: ledger.refused,
        amended: ledger.amended,
        revisions: ledger.revisions,
        skipped: ledger.skipped,
        waits,
    }
}

/// Returns the oldest open groups.
pub(crate) fn groups(shared: &Shared, aggregation: Option<&str>) -> Vec<GroupStatus> {
    let now = clock::now();
    let mut groups = Vec::new();
    for bus in shared.buses() {
        let core = bus.core();
        let asked = core.aggregators().iter();
        let asked = asked.filter(|one| aggregation.is_none_or(|name| *name == **one.name()));
        groups.extend(asked.flat_map(|one| one.groups(bus.name(), now, GROUPS_LISTED_MAX)));
    }
    groups.sort_by_key(|group| group.opened);
    groups.truncate(GROUPS_LISTED_MAX);
    groups
}

/// Returns one group, open or ended, by its key or its id.
pub(crate) fn group(shared: &Shared, aggregation: &str, group: &str) -> Option<GroupStatus> {
    let now = clock::now();
    shared.buses().find_map(|bus| {
        let core = bus.core();
        let mut asked = core.aggregators().iter().filter(|one| *aggregation == **one.name());
        asked.find_map(|one| one.group(bus.name(), now, group))
    })
}

/// Returns one event with its hops and decisions, if some log still holds it.
pub(crate) async fn event(shared: &Shared, id: &str) -> Option<EventDetail> {
    let mut hops = shared.observer().hops(id);
    let held = match arrival(&hops) {
        Some(hop) => held(shared, hop).await,
        None => None,
    };
    let (bus, position, stored) = match held {
        Some(held) => held,
        None => found(shared, id).await?,
    };
    // An id is unique only within its source, and is the same on each bus that an event is forwarded to.
    hops.retain(|hop| *hop.bus == *bus.name() && hop.position == position);
    let hops = hops.iter().map(|hop| hop.as_ref().clone()).collect();
    // In this order: what is applied by now has its standing.
    let decided = position <= bus.partition().applied().0;
    let mut decisions = bus.core().explain(position, &stored);
    for decision in decisions.iter_mut().filter(|one| decided && one.matched && !one.aggregation) {
        decision.standing = Some(standing(bus, &decision.name, position).await);
    }
    let event = raw(&stored)?;
    Some(EventDetail {
        bus: bus.name().to_owned(),
        position,
        received: stored.received,
        event,
        hops,
        decisions,
    })
}

/// Returns the hop of the newest event among these that came from outside or is a release; forwarding follows from it.
fn arrival(hops: &[Arc<Hop>]) -> Option<&Hop> {
    let arrives = |hop: &&Arc<Hop>| match &hop.step {
        Step::Received { via, .. } => !matches!(via, Via::Bus | Via::Replay),
        step => matches!(step, Step::Released { .. }),
    };
    hops.iter().rfind(arrives).or(hops.first()).map(AsRef::as_ref)
}

async fn held<'s>(shared: &'s Shared, hop: &Hop) -> Option<Found<'s>> {
    let bus = shared.buses().find(|known| *known.name() == *hop.bus)?;
    Some((bus, hop.position, readable(bus, hop.position).await?))
}

/// Looks through the logs for an event with that id; of one that was forwarded, for the first.
async fn found<'s>(shared: &'s Shared, id: &str) -> Option<Found<'s>> {
    let mut found = Vec::new();
    for bus in shared.buses() {
        found.extend(search(bus, id).await);
    }
    found.into_iter().min_by_key(|(_, _, stored)| (stored.via == Via::Bus, stored.received))
}

/// Returns the event at a position if the log holds it, and logs why it cannot be read.
pub(crate) async fn readable(bus: &Bus, position: u64) -> Option<Stored> {
    bus.event(position).await.unwrap_or_else(|error| {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(bus = bus.name(), position, error, "an event cannot be read");
        None
    })
}

/// Looks through the log, newest part first, for an event with that id.
async fn search<'s>(bus: &'s Arc<Bus>, id: &str) -> Option<Found<'s>> {
    let mut upper = bus.partition().head().0;
    let lowest = upper.saturating_sub(SEARCHED_MAX);
    while upper > lowest {
        let lower = upper.saturating_sub(SEARCH.events as u64).max(lowest);
        let mut from = lower;
        while from < upper {
            let batch = bus.partition().read(Position(from), SEARCH).await.ok()?;
            from = batch.last()?.0.0;
            let decoded = batch.into_iter().filter_map(|(at, bytes)| Some((at, Stored::decode(bytes).ok()?)));
            let is_it = |stored: &Stored| {
                *stored.event.id == *id && !matches!(stored.via, Via::DeadLetter | Via::Replay)
            };
            if let Some((at, stored)) = decoded.filter(|(_, stored)| is_it(stored)).last() {
                return Some((bus, at.0, stored));
            }
        }
        upper = lower;
    }
    None
}

async fn standing(bus: &Bus, consumer: &str, position: u64) -> api::Standing {
    if let Some(lane) = bus.lane(consumer) {
        let waits = if lane.is_pending(position) {
            Some(position)
        } else {
            letters::redriven(bus, lane, position).await
        };
        if let Some(waits) = waits {
            return api::Standing::Pending { attempts: lane.tries(waits) };
        }
    }
    match letters::of_event(bus, consumer, position).await {
        Some(letter) => api::Standing::DeadLettered { reason: letter.reason },
        None => api::Standing::Settled,
    }
}

/// Writes an event as JSON.
pub(crate) fn raw(stored: &Stored) -> Option<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(json::encode(&stored.event)).ok()?).ok()
}
