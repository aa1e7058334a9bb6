//! What a router says of itself: the answers behind `/api/v1` and `/metrics`.

use std::sync::Arc;

use api::{
    AggregationStatus, BusStatus, ConsumerStatus, DeadLetter, EventDetail, GroupStatus, Overview, PartStatus,
    Standing,
};
use event::stored::Stored;
use event::{Timestamp, json};
use serde_json::value::RawValue;
use store::{Position, ReadBudget};

use crate::bus::Bus;
use crate::clock;
use crate::core::Receiver;
use crate::core::aggregator::Aggregator;
use crate::core::group::Group;
use crate::core::release;
use crate::deliver::lane::Lane;
use crate::router::Shared;
use crate::state;

/// Newest events of a bus that a search by id looks through.
const SEARCHED_MAX: u64 = 1_000_000;
/// Events read at a time by a search.
const SEARCH: ReadBudget = ReadBudget { events: 4_096, bytes: 8 << 20 };

/// Returns the state of the router at a glance.
pub(crate) fn overview(shared: &Shared) -> Overview {
    let now = clock::now();
    let buses: Vec<&Arc<Bus>> = shared.buses().collect();
    Overview {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        phase: shared.phase(),
        at: now,
        started: shared.started(),
        buses: buses.iter().map(|bus| bus_status(bus, now)).collect(),
        consumers: buses.iter().flat_map(|bus| consumers(bus, now)).collect(),
        aggregations: buses.iter().flat_map(|bus| aggregations(bus)).collect(),
    }
}

fn bus_status(bus: &Bus, now: Timestamp) -> BusStatus {
    BusStatus {
        name: bus.name().to_owned(),
        head: bus.partition().head().0,
        applied: bus.partition().applied().0,
        rate: bus.observer().bus(bus.name(), now),
        disk_bytes: bus.partition().bytes_on_disk().unwrap_or(0),
    }
}

fn consumers(bus: &Bus, now: Timestamp) -> Vec<ConsumerStatus> {
    let core = bus.core();
    bus.lanes()
        .iter()
        .zip(core.consumers())
        .map(|(lane, receiver)| consumer(bus, lane, receiver, now))
        .collect()
}

fn consumer(bus: &Bus, lane: &Lane, receiver: &Receiver, now: Timestamp) -> ConsumerStatus {
    let mut status = ConsumerStatus {
        name: receiver.name.clone(),
        bus: bus.name().to_owned(),
        target: lane.address().to_owned(),
        matched: receiver.ledger.matched,
        delivered: receiver.ledger.delivered,
        dead_lettered: receiver.ledger.dead_lettered,
        dropped: receiver.ledger.dropped,
        pending: receiver.pending,
        in_flight: lane.in_flight(),
        rate: 0.0,
        failure_rate: 0.0,
        failures: 0,
        latency: None,
        last_error: None,
        oldest_pending: None,
    };
    bus.observer().consumer(&receiver.name, |meter| {
        status.rate = meter.rate(now);
        status.failure_rate = meter.failure_rate(now);
        status.failures = meter.failures();
        status.latency = meter.latency(now);
        status.last_error = meter.last_error();
    });
    if receiver.pending > 0 {
        let oldest = state::oldest_pending(bus.partition(), &receiver.name);
        status.oldest_pending = oldest.and_then(|position| bus.event(position)).map(|stored| stored.received);
    }
    status
}

fn aggregations(bus: &Bus) -> Vec<AggregationStatus> {
    bus.core().aggregators().iter().map(|aggregator| aggregation(bus, aggregator)).collect()
}

fn aggregation(bus: &Bus, aggregator: &Aggregator) -> AggregationStatus {
    let ledger = aggregator.ledger;
    AggregationStatus {
        name: aggregator.name().to_owned(),
        bus: bus.name().to_owned(),
        offered: ledger.offered,
        released: ledger.released,
        late: ledger.late,
        duplicate: ledger.duplicate,
        discarded: ledger.discarded,
        open: aggregator.groups().map(|group| group.parts.len() as u64).sum(),
        open_groups: aggregator.groups().count() as u64,
        releases: ledger.releases,
    }
}

/// Returns the open groups, oldest first.
pub(crate) fn groups(shared: &Shared, aggregation: Option<&str>) -> Vec<GroupStatus> {
    let now = clock::now();
    let mut groups = Vec::new();
    for bus in shared.buses() {
        let core = bus.core();
        let asked = core.aggregators().iter().filter(|one| aggregation.is_none_or(|name| name == one.name()));
        groups.extend(
            asked.flat_map(|one| one.groups().map(|group| group_status(bus.name(), one, group, now))),
        );
    }
    groups.sort_by_key(|group| group.opened);
    groups
}

fn group_status(bus: &str, aggregator: &Aggregator, group: &Group, now: Timestamp) -> GroupStatus {
    let condition = aggregator.condition();
    let part = |part: &crate::core::group::Part| PartStatus {
        name: part.name.clone(),
        event: part.event.clone(),
        position: part.position,
        received: part.received,
    };
    GroupStatus {
        aggregation: aggregator.name().to_owned(),
        bus: bus.to_owned(),
        key: group.key.clone(),
        parts: group.parts.iter().map(part).collect(),
        expected: condition.count(),
        missing: release::missing(condition, group).into_iter().map(str::to_owned).collect(),
        opened: group.opened,
        last_part: group.last_part,
        deadline: condition.deadline(group),
        idle_until: condition.idle_until(group),
        waiting_for: condition.waiting_for(group, now),
    }
}

/// Returns one event with its hops and decisions, if some log still holds it.
pub(crate) fn event(shared: &Shared, id: &str) -> Option<EventDetail> {
    let hops = shared.observer().hops(id);
    let seen = hops.last().map(|hop| (hop.bus.clone(), hop.position));
    let (bus, position, stored) = match seen.and_then(|(bus, position)| held(shared, &bus, position)) {
        Some(found) => found,
        None => tokio::task::block_in_place(|| shared.buses().find_map(|bus| search(bus, id)))?,
    };
    let mut decisions = bus.core().explain(position, &stored);
    for decision in decisions.iter_mut().filter(|decision| decision.matched && !decision.aggregation) {
        decision.standing = Some(standing(bus, &decision.name, position));
    }
    let hops = hops.iter().map(|hop| hop.as_ref().clone()).collect();
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

fn held<'s>(shared: &'s Shared, bus: &str, position: u64) -> Option<(&'s Arc<Bus>, u64, Stored)> {
    let bus = shared.buses().find(|known| known.name() == bus)?;
    Some((bus, position, bus.event(position)?))
}

/// Looks through the log, newest part first, for an event with that id.
fn search<'s>(bus: &'s Arc<Bus>, id: &str) -> Option<(&'s Arc<Bus>, u64, Stored)> {
    let mut upper = bus.partition().head().0;
    let lowest = upper.saturating_sub(SEARCHED_MAX);
    while upper > lowest {
        let lower = upper.saturating_sub(SEARCH.events as u64).max(lowest);
        let mut from = lower;
        while from < upper {
            let batch = bus.partition().read(Position(from), SEARCH).ok()?;
            from = batch.last()?.0.0;
            let decoded = batch.into_iter().filter_map(|(at, bytes)| Some((at, Stored::decode(bytes).ok()?)));
            if let Some((at, stored)) = decoded.filter(|(_, stored)| stored.event.id == id).last() {
                return Some((bus, at.0, stored));
            }
        }
        upper = lower;
    }
    None
}

fn standing(bus: &Bus, consumer: &str, position: u64) -> Standing {
    if let Some(attempts) = state::pending_at(bus.partition(), consumer, position) {
        return Standing::Pending { attempts: attempts.last().map_or(0, |last| last.number) };
    }
    match state::dead_at(bus.partition(), consumer, position) {
        Some(record) => Standing::DeadLettered { reason: record.reason },
        None => Standing::Settled,
    }
}

/// Returns the newest dead letters.
pub(crate) fn dead_letters(shared: &Shared, consumer: Option<&str>, limit: usize) -> Vec<DeadLetter> {
    let mut letters = Vec::new();
    for bus in shared.buses() {
        for lane in bus.lanes().iter().filter(|lane| consumer.is_none_or(|name| name == lane.consumer.name)) {
            let records = state::dead(bus.partition(), &lane.consumer.name).into_iter().rev().take(limit);
            letters.extend(records.filter_map(|(position, record)| dead_letter(bus, lane, position, record)));
        }
    }
    letters.sort_by_key(|letter| std::cmp::Reverse(letter.at));
    letters.truncate(limit);
    letters
}

fn dead_letter(bus: &Bus, lane: &Lane, position: u64, record: state::DeadRecord) -> Option<DeadLetter> {
    let stored = bus.event(position)?;
    Some(DeadLetter {
        consumer: lane.consumer.name.clone(),
        bus: bus.name().to_owned(),
        position,
        id: stored.event.id.clone(),
        reason: record.reason,
        at: record.at,
        attempts: record.attempts,
        event: raw(&stored)?,
    })
}

fn raw(stored: &Stored) -> Option<Box<RawValue>> {
    RawValue::from_string(String::from_utf8(json::encode(&stored.event)).ok()?).ok()
}
