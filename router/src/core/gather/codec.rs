//! How groups are saved: in postcard's form, after a byte that says in which version of it.
//!
//! A group's head holds its latest parts as well. Once these are many or large they are sealed in a chunk of their own,
//! which is written once; so a part costs one small write, however large its group is.

use std::sync::Arc;

use bytes::Bytes;
use event::hop::Link;
use event::{Data, SpanId, Text, Timestamp, TraceId};
use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::group::{Group, More, Origin, Part, PartMore, SavedParts, Span, hash};
use super::time::Watermark;

/// The version that is written.
const VERSION: u8 = 1;
/// Parts in a head; then they are sealed.
const TAIL_MAX: usize = 4;
/// Bytes of parts in a head; then they are sealed.
const TAIL_BYTES_MAX: usize = 2 << 10;

/// Bytes of a part, at least.
const PART_BYTES_MIN: usize = 32;

const SAMPLED: u8 = 1;
const WARNED: u8 = 2;
const HELD: u8 = 4;

/// A group without its parts.
#[derive(Serialize, Deserialize)]
struct Head {
    id: u64,
    first: u64,
    opened: Timestamp,
    last_part: Timestamp,
    window: Option<Span>,
    times: Option<Span>,
    watermark: Option<(Timestamp, Timestamp)>,
    more: Option<Box<More>>,
    duplicates: u32,
    early: u32,
    told: u32,
    flags: u8,
    chunks: u32,
    parts: u32,
}

#[derive(Serialize, Deserialize)]
struct PartRecord<'a> {
    /// None where it is the event's `id`.
    name: Option<&'a str>,
    event: &'a str,
    source: &'a str,
    kind: &'a str,
    time: Option<&'a str>,
    position: u64,
    received: Timestamp,
    #[serde(with = "raw")]
    trace: &'a [u8],
    #[serde(with = "raw")]
    span: &'a [u8],
    #[serde(borrow)]
    more: Option<PartMoreRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PartMoreRecord<'a> {
    order: Option<&'a str>,
    #[serde(borrow)]
    measured: Vec<Option<&'a str>>,
    payload: Option<PayloadRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PayloadRecord<'a> {
    kind: u8,
    #[serde(with = "raw")]
    bytes: &'a [u8],
}

/// A chunk to be written: its number and its parts.
pub(crate) type Chunk = (u32, Bytes);

/// Shares the texts that parts have in common.
#[derive(Default)]
pub(crate) struct Origins {
    known: Vec<Arc<Origin>>,
}

impl Origins {
    /// How many are remembered.
    const KNOWN_MAX: usize = 16;

    /// Returns where a part comes from, as others have it.
    pub(crate) fn share(&mut self, source: &str, kind: &str) -> Arc<Origin> {
        let is_it = |known: &&Arc<Origin>| *known.source == *source && *known.kind == *kind;
        if let Some(known) = self.known.iter().find(is_it) {
            return Arc::clone(known);
        }
        let origin = Arc::new(Origin { source: source.into(), kind: kind.into() });
        if self.known.len() == Self::KNOWN_MAX {
            self.known.remove(0);
        }
        self.known.push(Arc::clone(&origin));
        origin
    }
}

/// Writes what changed of a group: its head, and the chunks that must be written. `scratch` is used again and again, so that
/// what is kept takes no more than it needs.
pub(crate) fn encode(group: &mut Group, watermark: Watermark, scratch: &mut Vec<u8>) -> (Bytes, Vec<Chunk>) {
    let chunks = seal(group, scratch);
    let mut flags = 0;
    for (is_set, flag) in [(group.sampled, SAMPLED), (group.warned, WARNED), (group.held, HELD)] {
        flags |= if is_set { flag } else { 0 };
    }
    let head = Head {
        id: group.id,
        first: group.first,
        opened: group.opened,
        last_part: group.last_part,
        window: group.window,
        times: group.times,
        watermark: watermark.to_save(),
        more: group.more.clone(),
        duplicates: group.duplicates,
        early: group.early,
        told: group.told,
        flags,
        chunks: group.saved.chunks,
        parts: u32::try_from(group.parts().len()).unwrap_or(u32::MAX),
    };
    let tail = &group.parts()[group.saved.sealed as usize..];
    scratch.clear();
    scratch.push(VERSION);
    put(scratch, &head);
    put_parts(scratch, tail);
    group.saved = SavedParts { head: true, dirty: false, reseal: false, ..group.saved };
    (Bytes::copy_from_slice(scratch), chunks)
}

/// Reads a group back, with its parts; none if something is not what [`encode`] writes.
pub(crate) fn decode(head: &[u8], chunks: &[Bytes], origins: &mut Origins) -> Option<(Group, Watermark)> {
    let (&VERSION, rest) = head.split_first()? else { return None };
    let (head, mut tail): (Head, &[u8]) = postcard::take_from_bytes(rest).ok()?;
    if chunks.len() != head.chunks as usize {
        return None;
    }
    let mut group = Group::open(head.id, head.opened, head.first, head.window);
    // What is damaged may say any number: no more room is made than there are bytes.
    let bytes: usize = tail.len() + chunks.iter().map(Bytes::len).sum::<usize>();
    group.expect_parts((head.parts as usize).min(bytes / PART_BYTES_MIN));
    for chunk in chunks {
        let mut parts = chunk.as_ref();
        take_parts(&mut parts, &mut group, origins)?;
    }
    let sealed = u32::try_from(group.parts().len()).ok()?;
    take_parts(&mut tail, &mut group, origins)?;
    group.last_part = head.last_part;
    group.times = head.times;
    group.more = head.more;
    group.duplicates = head.duplicates;
    group.early = head.early;
    group.told = head.told;
    group.sampled = head.flags & SAMPLED != 0;
    group.warned = head.flags & WARNED != 0;
    group.held = head.flags & HELD != 0;
    group.saved = SavedParts { chunks: head.chunks, sealed, head: true, dirty: false, reseal: false };
    Some((group, Watermark::restored(head.watermark)))
}

/// Writes a value that a byte for the version stands before.
pub(crate) fn encode_value(value: &impl Serialize) -> Bytes {
    let mut out = vec![VERSION];
    put(&mut out, value);
    Bytes::from(out)
}

/// Reads such a value back.
pub(crate) fn decode_value<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (&VERSION, rest) = bytes.split_first()? else { return None };
    postcard::from_bytes(rest).ok()
}

/// Moves parts from the head into a chunk if there are enough of them, or all of them again if an old one changed.
fn seal(group: &mut Group, scratch: &mut Vec<u8>) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    if group.saved.reseal {
        group.saved.chunks = 0;
        group.saved.sealed = 0;
    }
    loop {
        let sealed = group.saved.sealed as usize;
        let tail = &group.parts()[sealed..];
        let bytes: usize = tail.iter().map(Part::bytes).sum();
        if tail.len() < TAIL_MAX && bytes < TAIL_BYTES_MAX || tail.is_empty() {
            return chunks;
        }
        // Many at once, as after a merge, are cut into several.
        let count = tail.len().min(TAIL_MAX * 16);
        scratch.clear();
        put_parts(scratch, &tail[..count]);
        chunks.push((group.saved.chunks, Bytes::copy_from_slice(scratch)));
        group.saved.chunks += 1;
        group.saved.sealed += u32::try_from(count).unwrap_or(u32::MAX);
    }
}

fn put(out: &mut Vec<u8>, value: &impl Serialize) {
    // Writing numbers, texts and lists to memory cannot fail.
    postcard::serialize_with_flavor(value, Out(out)).unwrap_or_default();
}

/// Memory that values are written to, one after the other: whole texts at once.
struct Out<'a>(&'a mut Vec<u8>);

impl Flavor for Out<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

fn put_parts(out: &mut Vec<u8>, parts: &[Part]) {
    for part in parts {
        put(out, &PartRecord::of(part));
    }
}

fn take_parts(bytes: &mut &[u8], group: &mut Group, origins: &mut Origins) -> Option<()> {
    while !bytes.is_empty() {
        let (record, rest): (PartRecord<'_>, &[u8]) = postcard::take_from_bytes(bytes).ok()?;
        group.add(record.part(origins)?);
        *bytes = rest;
    }
    Some(())
}

impl<'a> PartRecord<'a> {
    fn of(part: &'a Part) -> Self {
        Self {
            name: (*part.name != *part.event).then_some(&part.name),
            event: &part.event,
            source: &part.origin.source,
            kind: &part.origin.kind,
            time: part.time.as_deref(),
            position: part.position,
            received: part.received,
            trace: &part.link.trace.0,
            span: &part.link.span.0,
            more: part.more.as_deref().map(PartMoreRecord::of),
        }
    }

    fn part(self, origins: &mut Origins) -> Option<Part> {
        let event: Text = self.event.into();
        let name = self.name.map_or_else(|| Text::clone(&event), Text::from);
        Some(Part {
            hash: hash(&name),
            name,
            event,
            origin: origins.share(self.source, self.kind),
            time: self.time.map(Text::from),
            position: self.position,
            received: self.received,
            link: Link {
                trace: TraceId(self.trace.try_into().ok()?),
                span: SpanId(self.span.try_into().ok()?),
            },
            more: match self.more {
                Some(more) => Some(Box::new(more.more()?)),
                None => None,
            },
        })
    }
}

impl<'a> PartMoreRecord<'a> {
    fn of(more: &'a PartMore) -> Self {
        let payload = more.payload.as_ref().map(|payload| {
            let kind = match payload {
                Data::Json(_) => 0,
                Data::Text(_) => 1,
                Data::Binary(_) => 2,
            };
            PayloadRecord { kind, bytes: payload.bytes() }
        });
        Self {
            order: more.order.as_deref(),
            measured: more.measured.iter().map(Option::as_deref).collect(),
            payload,
        }
    }

    fn more(self) -> Option<PartMore> {
        let payload = match self.payload {
            None => None,
            Some(PayloadRecord { kind, bytes }) => {
                let bytes = Bytes::copy_from_slice(bytes);
                Some(match kind {
                    0 => Data::Json(bytes),
                    1 => Data::Text(bytes),
                    2 => Data::Binary(bytes),
                    _ => return None,
                })
            }
        };
        let measured = self.measured.into_iter().map(|value| value.map(Text::from)).collect();
        Some(PartMore { order: self.order.map(Text::from), measured, payload })
    }
}

/// Bytes written at once.
mod raw {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &&[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<&'de [u8], D::Error> {
        <&[u8]>::deserialize(from)
    }
}

/// A list kept as JSON: its values say in a member what they are, which postcard cannot.
pub(super) mod json_text {
    use serde::de::{DeserializeOwned, Error as _};
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        serde_json::to_string(value).map_err(S::Error::custom)?.serialize(to)
    }

    pub(crate) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        serde_json::from_str(&text).map_err(D::Error::custom)
    }
}
