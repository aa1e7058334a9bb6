//! [`Changes`]: one commit in the making.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use store::{Position, Space, Tx};

use super::record::{ReplayRecord, Standing, Tried};
use super::{
    ABOUT, CONSUMERS, FORMAT, GROUPS, LEDGERS, LETTERS, PARTS, PENDING, RELEASED, REPLAYS, TRIED, key,
    ledger_key, part_key, position_key,
};
use crate::core::Core;
use crate::core::group::{Group, Part};
use crate::core::ledger::{AggregationLedger, ConsumerLedger};
use crate::queue::Change;

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

    /// Says in which form the state is.
    pub(crate) fn format(&mut self) {
        self.put(ABOUT, key(&[b"format"]), Bytes::from_static(FORMAT));
    }

    /// Saves a chunk of a consumer's queue.
    pub(crate) fn pending(&mut self, consumer: &str, chunk: Change) {
        self.chunk(PENDING, consumer, chunk);
    }

    /// Saves a chunk of a consumer's dead letters.
    pub(crate) fn letters(&mut self, consumer: &str, chunk: Change) {
        self.chunk(LETTERS, consumer, chunk);
    }

    /// Saves the attempts made so far, and when the next is due.
    pub(crate) fn tried(&mut self, consumer: &str, position: u64, record: &Tried) {
        self.put(TRIED, position_key(consumer, position), json(record));
    }

    /// Forgets the attempts at a delivery.
    pub(crate) fn not_tried(&mut self, consumer: &str, position: u64) {
        self.delete(TRIED, position_key(consumer, position));
    }

    /// Saves how a consumer stands.
    pub(crate) fn standing(&mut self, consumer: &str, standing: &Standing) {
        self.put(CONSUMERS, key(&[consumer.as_bytes()]), json(standing));
    }

    /// Saves a replay.
    pub(crate) fn replay(&mut self, replay: &ReplayRecord) {
        self.put(REPLAYS, key(&[replay.name.as_bytes()]), json(replay));
    }

    /// Forgets a replay.
    pub(crate) fn no_replay(&mut self, name: &str) {
        self.delete(REPLAYS, key(&[name.as_bytes()]));
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

    fn chunk(&mut self, space: Space, consumer: &str, (chunk, positions): Change) {
        let key = position_key(consumer, chunk);
        match positions {
            Some(positions) => self.put(space, key, Bytes::from(positions)),
            None => self.delete(space, key),
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

/// Writes a value of this module: structs of text and numbers, which cannot fail.
pub(crate) fn json(value: &impl Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}
