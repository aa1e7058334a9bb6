//! How decisions are kept: the spaces, keys and values of a bus's keyed state.
//!
//! Keys are lists of components, each with its length in front, so that no name can run into the next. Values are JSON
//! but for those that are written for every event.

use std::collections::BTreeMap;

use bytes::{BufMut, Bytes, BytesMut};
use event::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Partition, Position, Space, Tx};

use crate::core::group::{Group, Part};
use crate::core::{Core, ledger::AggregationLedger, ledger::ConsumerLedger};

/// `consumer|aggregation, NAME` -> its ledger.
pub(crate) const LEDGERS: Space = Space(1);
/// `CONSUMER, POSITION` -> the attempts made so far.
pub(crate) const PENDING: Space = Space(2);
/// `CONSUMER, POSITION` -> [`DeadRecord`]; the payload stays in the log.
pub(crate) const DEAD: Space = Space(3);
/// `AGGREGATION, KEY` -> the group without its parts.
const GROUPS: Space = Space(4);
/// `AGGREGATION, KEY, INDEX` -> one part.
const PARTS: Space = Space(5);
/// `AGGREGATION, KEY` -> its place in the order of releases.
const RELEASED: Space = Space(6);

/// A delivery given up, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeadRecord {
    pub(crate) reason: String,
    pub(crate) at: Timestamp,
    pub(crate) attempts: Vec<api::Attempt>,
}

/// One commit in the making. Of several changes of one key the last counts.
#[derive(Default)]
pub(crate) struct Changes {
    state: BTreeMap<(Space, Bytes), Option<Bytes>>,
    emit: Vec<Bytes>,
}

/// The ledgers as they were saved last, so that only those that changed are saved again.
#[derive(Default)]
pub(crate) struct SavedLedgers {
    consumers: Vec<ConsumerLedger>,
    aggregations: Vec<AggregationLedger>,
}

impl Changes {
    /// Returns the commit that moves on to a position.
    pub(crate) fn into_tx(self, applied: Position) -> Tx {
        let mut tx = Tx { applied: Some(applied), emit: self.emit, ..Tx::default() };
        for ((space, key), value) in self.state {
            match value {
                Some(value) => tx.put.push((space, key, value)),
                None => tx.delete.push((space, key)),
            }
        }
        tx
    }

    /// Queues an event for a consumer, or saves the attempts made so far.
    pub(crate) fn pending(&mut self, consumer: &str, position: u64, attempts: &[api::Attempt]) {
        let value = if attempts.is_empty() { Bytes::new() } else { json(&attempts) };
        self.put(PENDING, delivery_key(consumer, position), value);
    }

    /// Takes an event off a consumer's queue.
    pub(crate) fn settled(&mut self, consumer: &str, position: u64) {
        self.delete(PENDING, delivery_key(consumer, position));
    }

    /// Keeps a dead letter.
    pub(crate) fn dead(&mut self, consumer: &str, position: u64, record: &DeadRecord) {
        self.put(DEAD, delivery_key(consumer, position), json(record));
    }

    /// Saves a group's head.
    pub(crate) fn group(&mut self, aggregation: &str, group: &Group) {
        self.put(GROUPS, key(&[aggregation.as_bytes(), group.key.as_bytes()]), json(group));
    }

    /// Saves a part.
    pub(crate) fn part(&mut self, aggregation: &str, group: &str, index: usize, part: &Part) {
        self.put(PARTS, part_key(aggregation, group, index), json(part));
    }

    /// Forgets a group and its parts.
    pub(crate) fn close(&mut self, aggregation: &str, group: &str, parts: usize) {
        self.delete(GROUPS, key(&[aggregation.as_bytes(), group.as_bytes()]));
        (0..parts).for_each(|index| self.delete(PARTS, part_key(aggregation, group, index)));
    }

    /// Remembers a released key.
    pub(crate) fn released(&mut self, aggregation: &str, group: &str, order: u64) {
        let value = Bytes::copy_from_slice(&order.to_be_bytes());
        self.put(RELEASED, key(&[aggregation.as_bytes(), group.as_bytes()]), value);
    }

    /// Forgets a released key.
    pub(crate) fn forgotten(&mut self, aggregation: &str, group: &str) {
        self.delete(RELEASED, key(&[aggregation.as_bytes(), group.as_bytes()]));
    }

    /// Puts an event on the bus.
    pub(crate) fn emit(&mut self, event: Bytes) {
        self.emit.push(event);
    }

    /// Saves every ledger that changed.
    pub(crate) fn ledgers(&mut self, core: &Core, saved: &mut SavedLedgers) {
        saved.consumers.resize(core.consumers().len(), ConsumerLedger::default());
        saved.aggregations.resize(core.aggregators().len(), AggregationLedger::default());
        for (receiver, saved) in core.consumers().iter().zip(&mut saved.consumers) {
            if receiver.ledger != *saved {
                *saved = receiver.ledger;
                self.put(LEDGERS, ledger_key("consumer", &receiver.name), json(saved));
            }
        }
        for (aggregator, saved) in core.aggregators().iter().zip(&mut saved.aggregations) {
            if aggregator.ledger != *saved {
                *saved = aggregator.ledger;
                self.put(LEDGERS, ledger_key("aggregation", aggregator.name()), json(saved));
            }
        }
    }

    fn put(&mut self, space: Space, key: Bytes, value: Bytes) {
        self.state.insert((space, key), Some(value));
    }

    fn delete(&mut self, space: Space, key: Bytes) {
        self.state.insert((space, key), None);
    }
}

/// Gives a new core the ledgers, groups and released keys that were saved.
pub(crate) fn restore(core: &mut Core, partition: &Partition) {
    for receiver in core.consumers_mut() {
        receiver.ledger = ledger::<ConsumerLedger>(partition, "consumer", &receiver.name);
        receiver.pending = partition.scan(PENDING, &key(&[receiver.name.as_bytes()])).len() as u64;
    }
    for aggregator in core.aggregators_mut() {
        let name = aggregator.name().to_owned();
        aggregator.ledger = ledger::<AggregationLedger>(partition, "aggregation", &name);
        for (_, head) in partition.scan(GROUPS, &key(&[name.as_bytes()])) {
            let Some(head) = parse::<Group>(&head) else { continue };
            let parts = partition.scan(PARTS, &key(&[name.as_bytes(), head.key.as_bytes()]));
            aggregator.restore_group(head, parts.iter().filter_map(|(_, part)| parse(part)).collect());
        }
        for (released, order) in partition.scan(RELEASED, &key(&[name.as_bytes()])) {
            if let (Some(group), Ok(order)) = (last_component(&released), order.as_ref().try_into()) {
                aggregator.restore_key(group, u64::from_be_bytes(order));
            }
        }
    }
}

/// Returns the deliveries of one consumer that are not settled, in order, with the attempts made so far.
pub(crate) fn pending(partition: &Partition, consumer: &str) -> Vec<(u64, Vec<api::Attempt>)> {
    let saved = partition.scan(PENDING, &key(&[consumer.as_bytes()]));
    saved.iter().filter_map(|(key, value)| Some((position(key)?, parse(value).unwrap_or_default()))).collect()
}

/// Returns the position of a consumer's oldest delivery that is not settled.
pub(crate) fn oldest_pending(partition: &Partition, consumer: &str) -> Option<u64> {
    partition.scan(PENDING, &key(&[consumer.as_bytes()])).first().and_then(|(key, _)| position(key))
}

/// Returns the dead letters of one consumer, in order.
pub(crate) fn dead(partition: &Partition, consumer: &str) -> Vec<(u64, DeadRecord)> {
    let saved = partition.scan(DEAD, &key(&[consumer.as_bytes()]));
    saved.iter().filter_map(|(key, value)| Some((position(key)?, parse(value)?))).collect()
}

/// Returns one dead letter.
pub(crate) fn dead_at(partition: &Partition, consumer: &str, position: u64) -> Option<DeadRecord> {
    partition.state(DEAD, &delivery_key(consumer, position)).and_then(|value| parse(&value))
}

/// Returns the attempts of one pending delivery, if it is pending.
pub(crate) fn pending_at(partition: &Partition, consumer: &str, position: u64) -> Option<Vec<api::Attempt>> {
    let value = partition.state(PENDING, &delivery_key(consumer, position))?;
    Some(parse(&value).unwrap_or_default())
}

/// Returns the lowest position that some consumer, of this configuration or an earlier one, still needs.
pub(crate) fn lowest_needed(partition: &Partition) -> Option<u64> {
    let needed = [PENDING, DEAD].into_iter().flat_map(|space| partition.scan(space, b""));
    needed.filter_map(|(key, _)| position(&key)).min()
}

fn ledger<T: DeserializeOwned + Default>(partition: &Partition, kind: &str, name: &str) -> T {
    partition.state(LEDGERS, &ledger_key(kind, name)).and_then(|value| parse(&value)).unwrap_or_default()
}

fn ledger_key(kind: &str, name: &str) -> Bytes {
    key(&[kind.as_bytes(), name.as_bytes()])
}

fn delivery_key(consumer: &str, position: u64) -> Bytes {
    key(&[consumer.as_bytes(), &position.to_be_bytes()])
}

fn part_key(aggregation: &str, group: &str, index: usize) -> Bytes {
    key(&[aggregation.as_bytes(), group.as_bytes(), &(index as u64).to_be_bytes()])
}

fn key(components: &[&[u8]]) -> Bytes {
    let mut key = BytesMut::with_capacity(components.iter().map(|component| component.len() + 4).sum());
    for component in components {
        key.put_u32(u32::try_from(component.len()).unwrap_or(u32::MAX));
        key.put_slice(component);
    }
    key.freeze()
}

fn position(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Returns the second of two components.
fn last_component(key: &[u8]) -> Option<String> {
    let (length, rest) = key.split_first_chunk::<4>()?;
    let second = rest.get(u32::from_be_bytes(*length) as usize + 4..)?;
    String::from_utf8(second.to_vec()).ok()
}

/// Writes a value of this module: structs of text and numbers, which cannot fail.
fn json(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

fn parse<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}
