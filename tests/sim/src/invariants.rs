//! What must hold in the end, whatever happened.

use std::collections::{BTreeMap, BTreeSet};

use event::Event;
use serde_json::Value;

use crate::epoch::Last;
use crate::scenario::Scenario;
use crate::world::{Taken, World};

/// Checks everything.
///
/// # Panics
/// Something does not hold; the message names the seed.
pub fn check(scenario: &Scenario, world: &World, last: &Last) {
    let seed = scenario.seed;
    let taken = world.taken();
    no_acknowledged_event_is_lost(scenario, world, last, &taken);
    ledgers_balance(seed, last);
    nothing_comes_from_nowhere(seed, world, &taken);
    no_event_overtakes_another_of_its_key(seed, &taken);
    every_part_is_in_one_release(seed, last, &taken);
    nothing_is_told_twice_in_two_ways(seed, &taken);
    no_sequence_goes_back(seed, &taken);
    dead_letters_are_those_that_are_counted(seed, last);
}

/// Every event that was acknowledged was taken by every consumer that it matches, or is one of its dead letters.
fn no_acknowledged_event_is_lost(scenario: &Scenario, world: &World, last: &Last, taken: &[Taken]) {
    let seed = scenario.seed;
    let acknowledged = world.acknowledged();
    for (consumer, kinds) in
        [("all", &["a", "b", "part"][..]), ("ordered", &["a"]), ("strict", &["b"]), ("audit", &["a"])]
    {
        let had: BTreeSet<&str> =
            taken.iter().filter(|one| one.consumer == consumer).map(|one| &*one.event.id).collect();
        let dead: BTreeSet<&str> = last.dead[consumer].iter().map(String::as_str).collect();
        for event in &scenario.events {
            let id = &*event.id;
            if acknowledged.contains_key(id) && kinds.contains(&&*event.kind) {
                assert!(had.contains(id) || dead.contains(id), "seed {seed}: {consumer} never had {id}");
            }
        }
    }
    for (id, position) in &acknowledged {
        let held = last.events["landing"].iter().find(|(at, _, _)| at == position);
        // What is past its retention is gone.
        if let Some((_, _, event)) = held {
            assert_eq!(*event.id, **id, "seed {seed}: another event is at position {position}");
        }
    }
}

/// matched = delivered + dead-lettered + dropped + pending, and the same of parts.
fn ledgers_balance(seed: u64, last: &Last) {
    for consumer in &last.overview.consumers {
        assert!(consumer.balances(), "seed {seed}: {consumer:#?}");
        assert_eq!(consumer.pending, 0, "seed {seed}: {consumer:#?}");
    }
    for aggregation in &last.overview.aggregations {
        assert!(aggregation.balances(), "seed {seed}: {aggregation:#?}");
    }
}

/// Every event that a target took was published, or is a release.
fn nothing_comes_from_nowhere(seed: u64, world: &World, taken: &[Taken]) {
    let tried = world.tried();
    for one in taken.iter().filter(|one| !one.event.source.starts_with("railpost/")) {
        assert!(tried.contains(&*one.event.id), "seed {seed}: nobody published {}", one.event.id);
    }
}

/// Of one key the first deliveries are in the order of positions.
fn no_event_overtakes_another_of_its_key(seed: u64, taken: &[Taken]) {
    let mut reached: BTreeMap<String, u64> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for one in taken.iter().filter(|one| one.consumer == "ordered" && known.insert(one.position)) {
        let key = member(&one.event, "key").to_string();
        let before = reached.insert(key.clone(), one.position).unwrap_or(0);
        assert!(before < one.position, "seed {seed}: key {key}: {} after {before}", one.position);
    }
}

/// A group closes once: no part is in two releases, and as many parts are in releases as the ledger says.
fn every_part_is_in_one_release(seed: u64, last: &Last, taken: &[Taken]) {
    let mut releases: BTreeMap<&str, &Event> = BTreeMap::new();
    for one in taken.iter().filter(|one| one.consumer == "groups") {
        let known = releases.insert(&one.event.id, &one.event);
        assert!(
            known.is_none_or(|known| known == &one.event),
            "seed {seed}: release {} changed",
            one.event.id
        );
    }
    let mut parts = BTreeSet::new();
    for release in releases.values() {
        for part in member(release, "parts").as_array().into_iter().flatten() {
            let at = part["position"].as_u64();
            assert!(parts.insert(at), "seed {seed}: {part} is in two releases");
        }
    }
    let groups = last.overview.aggregations.iter().filter(|one| one.name == "groups");
    let counted: u64 = groups.map(|one| one.released).sum();
    assert_eq!(counted, parts.len() as u64, "seed {seed}: parts in releases, and in the ledger");
}

/// What an aggregation tells has one content for each id, however often it is delivered.
fn nothing_is_told_twice_in_two_ways(seed: u64, taken: &[Taken]) {
    let mut told: BTreeMap<(&str, &str), &Event> = BTreeMap::new();
    for one in taken.iter().filter(|one| one.consumer == "gathered") {
        let known = told.insert((&one.event.source, &one.event.id), &one.event);
        if let Some(known) = known.filter(|known| *known != &one.event) {
            panic!("seed {seed}: one was told as {known:#?} and as {:#?}", one.event);
        }
    }
}

/// Of one key the events that are put in sequence stand on the bus in the order of their numbers.
fn no_sequence_goes_back(seed: u64, taken: &[Taken]) {
    let in_order = taken.iter().filter(|one| *one.event.kind == *"in-order");
    let by_position: BTreeMap<u64, &Event> = in_order.map(|one| (one.position, &one.event)).collect();
    let mut reached: BTreeMap<String, u64> = BTreeMap::new();
    for (position, event) in by_position {
        let number = member(event, "number").as_u64().unwrap_or_default();
        let before = reached.insert(member(event, "key").to_string(), number);
        let before = before.map_or(-1, u64::cast_signed);
        assert!(before < number.cast_signed(), "seed {seed}: {number} after {before} at {position}");
    }
}

/// The ledger counts the dead letters that are there.
fn dead_letters_are_those_that_are_counted(seed: u64, last: &Last) {
    for consumer in &last.overview.consumers {
        let letters = last.dead[&consumer.name].len() as u64;
        assert_eq!(consumer.dead_lettered, letters, "seed {seed}: {consumer:#?}");
    }
}

/// Returns a member of an event's payload.
fn member(event: &Event, name: &str) -> Value {
    let payload = event.json().and_then(|json| serde_json::from_slice::<Value>(json).ok());
    payload.map(|payload| payload[name].clone()).unwrap_or_default()
}
