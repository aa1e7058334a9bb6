//! What one commit changes, and how it is written.

use bytes::{BufMut, Bytes};

use crate::{
    fields::Fields,
    position::{Position, Positions, narrow},
};

/// One of 256 separate sets of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u8);

/// Changes that become durable together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tx {
    /// Up to where the log has been dealt with; unchanged when `None`.
    pub applied: Option<Position>,
    /// Keys and their new values. A key that is also deleted is put; of two values for one key the later is kept.
    pub put: Vec<(Space, Bytes, Bytes)>,
    /// Keys that are removed. A key that is not there is no error.
    pub delete: Vec<(Space, Bytes)>,
    /// Events that are appended in the same record.
    pub emit: Vec<Bytes>,
}

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The positions of the emitted events, in their order.
    pub emitted: Positions,
}

impl Tx {
    pub(crate) fn is_empty(&self) -> bool {
        self.applied.is_none() && self.put.is_empty() && self.delete.is_empty() && self.emit.is_empty()
    }

    /// Returns the size of what [`Tx::encode`] writes, in bytes.
    pub(crate) fn encoded_bytes(&self) -> usize {
        let emit: usize = self.emit.iter().map(|event| 4 + event.len()).sum();
        let put: usize = self.put.iter().map(|(_, key, value)| 9 + key.len() + value.len()).sum();
        let delete: usize = self.delete.iter().map(|(_, key)| 5 + key.len()).sum();
        4 + emit + 9 + 4 + put + 4 + delete
    }

    /// Writes the emitted events first, so that a reader of events need not look at the rest.
    pub(crate) fn encode(&self, buffer: &mut Vec<u8>) {
        buffer.put_u32_le(narrow(self.emit.len()));
        self.emit.iter().for_each(|event| put_bytes(buffer, event));
        buffer.put_u8(u8::from(self.applied.is_some()));
        buffer.put_u64_le(self.applied.unwrap_or_default().0);
        buffer.put_u32_le(narrow(self.put.len()));
        for (space, key, value) in &self.put {
            buffer.put_u8(space.0);
            put_bytes(buffer, key);
            put_bytes(buffer, value);
        }
        buffer.put_u32_le(narrow(self.delete.len()));
        for (space, key) in &self.delete {
            buffer.put_u8(space.0);
            put_bytes(buffer, key);
        }
    }

    /// Reads back what was written. Keys and values are copied, so that they do not keep a whole file's part alive.
    pub(crate) fn decode(payload: Bytes) -> Option<Self> {
        let mut fields = Fields(payload);
        let mut tx = Self { emit: take_events(&mut fields)?, ..Self::default() };
        let has_applied = fields.u8()? == 1;
        let applied = Position(fields.u64()?);
        tx.applied = has_applied.then_some(applied);
        for _ in 0..fields.u32()? {
            tx.put.push((Space(fields.u8()?), own(&fields.bytes()?), own(&fields.bytes()?)));
        }
        for _ in 0..fields.u32()? {
            tx.delete.push((Space(fields.u8()?), own(&fields.bytes()?)));
        }
        fields.0.is_empty().then_some(tx)
    }

    /// Reads back the emitted events alone.
    pub(crate) fn decode_events(payload: Bytes) -> Option<Vec<Bytes>> {
        take_events(&mut Fields(payload))
    }
}

fn take_events(fields: &mut Fields) -> Option<Vec<Bytes>> {
    (0..fields.u32()?).map(|_| fields.bytes()).collect()
}

pub(crate) fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.put_u32_le(narrow(bytes.len()));
    buffer.extend_from_slice(bytes);
}

pub(crate) fn own(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}
