//! How decisions are kept: the spaces, keys and values of a bus's keyed state.
//!
//! * [`record`]: the values
//! * [`changes`]: one commit in the making
//! * [`restore`]: what was committed, read back
//!
//! Keys are lists of components, each with its length in front, so that no name can run into the next. Values are JSON
//! but for those that are written for every event.

pub(crate) mod changes;
pub(crate) mod record;
pub(crate) mod restore;
#[cfg(test)]
mod tests;

use bytes::{BufMut, Bytes, BytesMut};
use store::Space;

/// `format` -> [`FORMAT`].
const ABOUT: Space = Space(0);
/// `consumer|aggregation, NAME` -> its ledger.
const LEDGERS: Space = Space(1);
/// `CONSUMER, POSITION` -> the attempts at a delivery that failed so far.
const TRIED: Space = Space(2);
/// `AGGREGATION, KEY, ID` -> a group with its latest parts, or a sequence.
const GROUPS: Space = Space(4);
/// `AGGREGATION, KEY, ID, NUMBER` -> a group's earlier parts, or an event that is held.
const PARTS: Space = Space(5);
/// `AGGREGATION, KEY, ORDER` -> how a group ended.
const ENDED: Space = Space(6);
/// `CONSUMER, CHUNK` -> positions of deliveries that are not settled.
pub(crate) const PENDING: Space = Space(7);
/// `CONSUMER, CHUNK` -> positions of dead letters.
const LETTERS: Space = Space(8);
/// `CONSUMER` -> how it stands.
const CONSUMERS: Space = Space(9);
/// `NAME` -> a replay.
const REPLAYS: Space = Space(10);
/// `AGGREGATION, NAME` -> when parts of that name usually come.
const USUAL: Space = Space(11);

/// The form of all this. A bus that was written in another one is refused.
const FORMAT: &[u8] = b"3";

fn key(components: &[&[u8]]) -> Bytes {
    let mut key = BytesMut::with_capacity(components.iter().map(|component| component.len() + 4).sum());
    for component in components {
        key.put_u32(u32::try_from(component.len()).unwrap_or(u32::MAX));
        key.put_slice(component);
    }
    key.freeze()
}

fn ledger_key(kind: &str, name: &str) -> Bytes {
    key(&[kind.as_bytes(), name.as_bytes()])
}

/// The key of a delivery, or of a chunk of positions.
fn position_key(consumer: &str, position: u64) -> Bytes {
    key(&[consumer.as_bytes(), &position.to_be_bytes()])
}

/// The key of a group, or of how one ended.
fn group_key(aggregation: &str, group: &str, number: u64) -> Bytes {
    key(&[aggregation.as_bytes(), group.as_bytes(), &number.to_be_bytes()])
}

/// The key of some parts of a group.
fn part_key(aggregation: &str, group: &str, id: u64, number: u64) -> Bytes {
    key(&[aggregation.as_bytes(), group.as_bytes(), &id.to_be_bytes(), &number.to_be_bytes()])
}
