//! [`Changes`]: one commit in the making.

use std::collections::BTreeMap;

use bytes::Bytes;
use event::Text;
use serde::Serialize;
use store::{Position, Space, Tx};

use super::record::{ReplayRecord, Standing, Tried};
use super::{
    ABOUT, CONSUMERS, ENDED, FORMAT, GROUPS, LEDGERS, LETTERS, PARTS, PENDING, REPLAYS, TRIED, USUAL,
    group_key, key, ledger_key, part_key, position_key,
};
use crate::core::Core;
use crate::core::gather::save::Save;
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

    /// Saves what changed of the aggregations.
    pub(crate) fn gathered(&mut self, core: &mut Core) {
        for aggregator in core.aggregators_mut() {
            let name = Text::clone(aggregator.name());
            for save in aggregator.changes() {
                self.save(&name, save);
            }
        }
    }

    fn save(&mut self, aggregation: &str, save: Save) {
        match save {
            Save::Head { key, id, value } => self.put(GROUPS, group_key(aggregation, &key, id), value),
            Save::Chunk { key, id, number, value } => {
                self.put(PARTS, part_key(aggregation, &key, id, number), value);
            }
            Save::Ended { key, order, value } => self.put(ENDED, group_key(aggregation, &key, order), value),
            Save::Usual { name, value } => {
                self.put(USUAL, key(&[aggregation.as_bytes(), name.as_bytes()]), value);
            }
            Save::NoGroup { key, id, chunks } => {
                self.delete(GROUPS, group_key(aggregation, &key, id));
                let chunks = (0..u64::from(chunks)).map(|number| part_key(aggregation, &key, id, number));
                chunks.for_each(|chunk| self.delete(PARTS, chunk));
            }
            Save::NoChunk { key, id, number } => {
                self.delete(PARTS, part_key(aggregation, &key, id, number));
            }
            Save::NoEnded { key, order } => self.delete(ENDED, group_key(aggregation, &key, order)),
            Save::NoUsual { name } => self.delete(USUAL, key(&[aggregation.as_bytes(), name.as_bytes()])),
        }
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
            if aggregator.ledger() != *saved {
                *saved = aggregator.ledger();
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
