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
/// `CONSUMER, POSITION` -> [`PendingRecord`], or nothing before the first try.
pub(crate) const PENDING: Space = Space(2);
/// `CONSUMER, POSITION` -> [`DeadRecord`]; the payload stays in the log.
pub(crate) const DEAD: Space = Space(3);
/// `AGGREGATION, KEY` -> the group without its parts.
const GROUPS: Space = Space(4);
/// `AGGREGATION, KEY, INDEX` -> one part.
const PARTS: Space = Space(5);
/// `AGGREGATION, KEY` -> its place in the order of releases.
const RELEASED: Space = Space(6);

/// A delivery that is not settled, as it is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PendingRecord {
    /// The tries made so far.
    pub(crate) attempts: Vec<api::Attempt>,
    /// When to try next.
    pub(crate) next: Timestamp,
}

/// A name with saved state that the configuration no longer has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    /// `consumer` or `aggregation`.
    pub(crate) kind: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Deliveries that are pending, or groups that are open.
    pub(crate) count: usize,
}

/// A saved value is not what this version writes there; says which.
#[derive(Debug)]
pub(crate) struct Unreadable(pub(crate) String);

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
    bytes: usize,
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

    /// Returns whether nothing would change but the position.
    pub(crate) fn is_empty(&self) -> bool {
        self.state.is_empty() && self.emit.is_empty()
    }

    /// Returns about how large the commit is, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Queues an event for a consumer.
    pub(crate) fn queued(&mut self, consumer: &str, position: u64) {
        self.put(PENDING, delivery_key(consumer, position), Bytes::new());
    }

    /// Saves the attempts made so far, and when the next is due.
    pub(crate) fn tried(&mut self, consumer: &str, position: u64, record: &PendingRecord) {
        self.put(PENDING, delivery_key(consumer, position), json(record));
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
        self.bytes += event.len();
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
        self.bytes += key.len() + value.len();
        self.state.insert((space, key), Some(value));
    }

    fn delete(&mut self, space: Space, key: Bytes) {
        self.bytes += key.len();
        self.state.insert((space, key), None);
    }
}

/// Gives a new core the ledgers, groups and released keys that were saved.
pub(crate) fn restore(core: &mut Core, partition: &Partition) -> Result<(), Unreadable> {
    for receiver in core.consumers_mut() {
        receiver.ledger = ledger::<ConsumerLedger>(partition, "consumer", &receiver.name)?;
        receiver.pending = partition.scan(PENDING, &key(&[receiver.name.as_bytes()])).len() as u64;
    }
    for aggregator in core.aggregators_mut() {
        let name = aggregator.name().to_owned();
        aggregator.ledger = ledger::<AggregationLedger>(partition, "aggregation", &name)?;
        for (saved, head) in partition.scan(GROUPS, &key(&[name.as_bytes()])) {
            let group = || format!("group `{}` of aggregation `{name}`", shown(last_component(&saved)));
            let head = parse::<Group>(&head).ok_or_else(|| Unreadable(group()))?;
            let parts = partition.scan(PARTS, &key(&[name.as_bytes(), head.key.as_bytes()]));
            let parts: Option<Vec<Part>> = parts.iter().map(|(_, part)| parse(part)).collect();
            let parts = parts.ok_or_else(|| Unreadable(format!("a part of {}", group())))?;
            aggregator.restore_group(head, parts);
        }
        for (saved, order) in partition.scan(RELEASED, &key(&[name.as_bytes()])) {
            let (Some(group), Ok(order)) = (last_component(&saved), order.as_ref().try_into()) else {
                return Err(Unreadable(format!("a released key of aggregation `{name}`")));
            };
            aggregator.restore_key(group, u64::from_be_bytes(order));
        }
    }
    Ok(())
}

/// Returns the names that are not configured for this bus and have deliveries pending or groups open.
pub(crate) fn orphans(core: &Core, partition: &Partition) -> Vec<Orphan> {
    let ledgers = partition.scan(LEDGERS, b"");
    let orphan = |saved: &[u8]| {
        let name = last_component(saved)?;
        let (kind, space, known) = if saved.starts_with(&key(&[b"consumer"])) {
            ("consumer", PENDING, core.consumers().iter().any(|receiver| receiver.name == name))
        } else {
            ("aggregation", GROUPS, core.aggregators().iter().any(|aggregator| aggregator.name() == name))
        };
        let count = if known { 0 } else { partition.scan(space, &key(&[name.as_bytes()])).len() };
        (count > 0).then_some(Orphan { kind, name, count })
    };
    ledgers.iter().filter_map(|(saved, _)| orphan(saved)).collect()
}

/// Returns the deliveries of one consumer that are not settled, in order.
pub(crate) fn pending(
    partition: &Partition,
    consumer: &str,
) -> Result<Vec<(u64, PendingRecord)>, Unreadable> {
    let saved = partition.scan(PENDING, &key(&[consumer.as_bytes()]));
    let read = |(key, value): &(Bytes, Bytes)| {
        let unreadable = || Unreadable(format!("a pending delivery of consumer `{consumer}`"));
        position(key).zip(pending_record(value)).ok_or_else(unreadable)
    };
    saved.iter().map(read).collect()
}

fn pending_record(value: &[u8]) -> Option<PendingRecord> {
    if value.is_empty() { Some(PendingRecord::default()) } else { parse(value) }
}

/// Returns the position of a consumer's oldest delivery that is not settled.
pub(crate) fn oldest_pending(partition: &Partition, consumer: &str) -> Option<u64> {
    partition.first(PENDING, &key(&[consumer.as_bytes()])).and_then(|(key, _)| position(&key))
}

/// Returns at most `limit` dead letters of one consumer, the newest event first.
pub(crate) fn dead(partition: &Partition, consumer: &str, limit: usize) -> Vec<(u64, DeadRecord)> {
    let saved = partition.scan(DEAD, &key(&[consumer.as_bytes()]));
    let newest = saved.iter().rev().take(limit);
    newest.filter_map(|(key, value)| Some((position(key)?, parse(value)?))).collect()
}

/// Returns one dead letter.
pub(crate) fn dead_at(partition: &Partition, consumer: &str, position: u64) -> Option<DeadRecord> {
    partition.state(DEAD, &delivery_key(consumer, position)).and_then(|value| parse(&value))
}

/// Returns one pending delivery, if it is pending.
pub(crate) fn pending_at(partition: &Partition, consumer: &str, position: u64) -> Option<PendingRecord> {
    partition.state(PENDING, &delivery_key(consumer, position)).and_then(|value| pending_record(&value))
}

/// Returns the lowest position that some consumer, of this configuration or an earlier one, still needs.
pub(crate) fn lowest_needed(partition: &Partition) -> Option<u64> {
    let needed = [PENDING, DEAD].into_iter().flat_map(|space| partition.scan(space, b""));
    needed.filter_map(|(key, _)| position(&key)).min()
}

fn ledger<T: DeserializeOwned + Default>(
    partition: &Partition,
    kind: &str,
    name: &str,
) -> Result<T, Unreadable> {
    let Some(value) = partition.state(LEDGERS, &ledger_key(kind, name)) else { return Ok(T::default()) };
    parse(&value).ok_or_else(|| Unreadable(format!("the ledger of {kind} `{name}`")))
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

fn shown(name: Option<String>) -> String {
    name.unwrap_or_else(|| "?".to_owned())
}

/// Writes a value of this module: structs of text and numbers, which cannot fail.
fn json(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

fn parse<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Bus;

    #[tokio::test]
    async fn a_ledger_that_cannot_be_read_is_told_and_not_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let bus = Bus::fixture(Partition::open(dir.path(), store::Options::default()).unwrap().0);
        assert!(restore(&mut bus.core(), bus.partition()).is_ok());
        let put = vec![(LEDGERS, ledger_key("consumer", "c"), Bytes::from_static(b"{"))];
        Partition::commit(bus.partition(), Tx { put, ..Tx::default() }).await.unwrap();
        let Err(Unreadable(what)) = restore(&mut bus.core(), bus.partition()) else { panic!("it was read") };
        assert_eq!(what, "the ledger of consumer `c`");
    }
}
