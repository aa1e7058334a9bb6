//! How a record lies in a segment file.
//!
//! ```text
//! crc32c of all that follows  u32      place: segment number         u32
//! length of the payload       u32      place: byte in the segment    u32
//!                                      byte at which its batch began u32
//! position before it          u64      kind u8, then the payload
//! ```
//! The place is stored and summed, so bytes that a recycled file held before never pass for a record of the new one.
//! The batch tells a torn write from damage: a batch is written only after the one before it is on disk.

use bytes::{BufMut, Bytes};

use crate::{
    fields::Fields,
    position::{Place, Position, narrow},
    tx::Tx,
    window::Remembered,
};

/// The size of what comes before the payload.
pub(crate) const HEADER_BYTES: usize = 29;
/// The size of a key and its time, before the event.
pub(crate) const KEY_BYTES: usize = 16;
/// Where the place begins in a record.
pub(crate) const PLACE_AT: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One event; the payload is the event.
    Event = 1,
    /// One [`Tx`].
    Commit = 2,
    /// The first record of a segment; the payload is the byte at which the segment before it ends.
    Start = 3,
    /// One event with its key; the payload is the key, its time, and the event. From version 2 on.
    Keyed = 4,
    /// Stands where records were lost and fills their place; `before` is where the log goes on. From version 2 on.
    Gap = 5,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) place: Place,
    pub(crate) batch: u32,
    pub(crate) before: Position,
    pub(crate) kind: Kind,
}

/// A record as it was read. It may be damaged: only [`Record::is_intact`] looks at the sum.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) header: Header,
    bytes: Bytes,
}

/// Appends a record to the buffer, with the payload that `payload` writes.
pub(crate) fn encode(buffer: &mut Vec<u8>, header: Header, payload: impl FnOnce(&mut Vec<u8>)) {
    let start = buffer.len();
    buffer.put_u64_le(0);
    buffer.put_u32_le(header.place.segment);
    buffer.put_u32_le(header.place.byte);
    buffer.put_u32_le(header.batch);
    buffer.put_u64_le(header.before.0);
    buffer.put_u8(header.kind as u8);
    payload(buffer);
    let length = narrow(buffer.len() - start - HEADER_BYTES);
    buffer[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    let sum = crc32c::crc32c(&buffer[start + 4..]);
    buffer[start..start + 4].copy_from_slice(&sum.to_le_bytes());
}

impl Header {
    /// Reads a header and the length of the payload; `None` when the bytes are too few or the kind is unknown.
    pub(crate) fn decode(bytes: &Bytes) -> Option<(Self, usize)> {
        let mut fields = Fields(bytes.clone());
        let (_sum, length) = (fields.u32()?, fields.u32()?);
        let place = Place { segment: fields.u32()?, byte: fields.u32()? };
        let (batch, before) = (fields.u32()?, Position(fields.u64()?));
        let kind = match fields.u8()? {
            1 => Kind::Event,
            2 => Kind::Commit,
            3 => Kind::Start,
            4 => Kind::Keyed,
            5 => Kind::Gap,
            _ => return None,
        };
        Some((Self { place, batch, before, kind }, length as usize))
    }
}

impl Record {
    /// Takes the bytes of one whole record.
    pub(crate) fn new(header: Header, bytes: Bytes) -> Self {
        Self { header, bytes }
    }

    pub(crate) fn is_intact(&self) -> bool {
        let sum = u32::from_le_bytes([self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]]);
        crc32c::crc32c(&self.bytes[4..]) == sum
    }

    pub(crate) fn payload(&self) -> Bytes {
        self.bytes.slice(HEADER_BYTES..)
    }

    /// Returns the byte after the record in its file.
    pub(crate) fn end(&self) -> u32 {
        self.header.place.byte + narrow(self.bytes.len())
    }

    /// Returns how many events the record holds; `None` when its payload is no such thing.
    pub(crate) fn event_count(&self) -> Option<u32> {
        match self.header.kind {
            Kind::Event => Some(1),
            Kind::Commit => Fields(self.payload()).u32(),
            Kind::Keyed => (self.bytes.len() >= HEADER_BYTES + KEY_BYTES).then_some(1),
            Kind::Start | Kind::Gap => Some(0),
        }
    }

    /// Returns the events that the record holds; `None` when its payload is no such thing.
    pub(crate) fn events(&self) -> Option<Vec<Bytes>> {
        match self.header.kind {
            Kind::Event => Some(vec![self.payload()]),
            Kind::Commit => Tx::decode_events(self.payload()),
            Kind::Keyed => self.payload().get(KEY_BYTES..).map(|_| vec![self.payload().slice(KEY_BYTES..)]),
            Kind::Start | Kind::Gap => Some(Vec::new()),
        }
    }

    /// Returns what the window remembers of the record; `None` when its event has no key.
    pub(crate) fn remembered(&self) -> Option<Remembered> {
        let mut fields = Fields(self.payload());
        let keyed = self.header.kind == Kind::Keyed;
        let (key, at_ms) = keyed.then(|| Some((fields.u64()?, fields.u64()?))).flatten()?;
        Some(Remembered { key, at_ms, position: self.header.before.next() })
    }
}
