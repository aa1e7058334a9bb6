//! What stands behind the last whole record: nothing, the rest of a write that a crash tore, or proof of damage.

use std::io;

use crate::{
    disk,
    position::narrow,
    record::{HEADER_BYTES, PLACE_AT},
    segment::SegmentFile,
    walk::Walk,
};

/// How much is looked through at once, in bytes.
const STEP_BYTES: u32 = 1024 * 1024;
/// How many bytes of a record it takes to know its place.
const PLACE_END: usize = PLACE_AT + 8;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// What a crash left of the last batch ends at this byte; nothing of it was acknowledged.
    Torn { end: u32 },
    /// A batch began at this byte after the one that is damaged here, which therefore had been synced.
    Damaged { later: u32 },
}

/// Looks at everything from `cut` on, where no whole record stands.
///
/// Whole records of the batch that was torn may stand there, because a disk writes sectors in any order.
pub(crate) fn examine(segment: &SegmentFile, cut: u32) -> io::Result<Tail> {
    let length = segment.file.len()?;
    let mut end = cut;
    if segment.recycled {
        end += Walk::new(segment, cut, HEADER_BYTES).claimed()?;
    }
    let mut at = cut;
    while u64::from(at) < length {
        let chunk = disk::read_at_most(&*segment.file, u64::from(at), STEP_BYTES as usize + PLACE_END - 1)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte != 0) {
            if !segment.recycled {
                end = end.max(at + narrow(last) + 1);
            }
            for byte in candidates(segment.number, at, &chunk) {
                let Some(record) = Walk::new(segment, byte, HEADER_BYTES).peek()? else { continue };
                if record.is_intact() && record.header.batch > cut {
                    return Ok(Tail::Damaged { later: record.header.batch });
                }
                if record.is_intact() {
                    end = end.max(record.end());
                }
            }
        }
        at += STEP_BYTES;
    }
    Ok(Tail::Torn { end })
}

/// Returns the bytes at which a record of this segment may begin, because their own place is written there.
pub(crate) fn candidates(number: u32, at: u32, chunk: &[u8]) -> impl Iterator<Item = u32> {
    let number = number.to_le_bytes();
    let windows = chunk.windows(PLACE_END).zip(at..);
    let fitting = windows.filter(move |(window, byte)| {
        window[PLACE_AT..PLACE_AT + 4] == number && window[PLACE_AT + 4..] == byte.to_le_bytes()
    });
    fitting.map(|(_, byte)| byte)
}

/// Zeroes what a torn write left, so that no record of it can follow a new one.
pub(crate) fn scrub(segment: &SegmentFile, cut: u32, end: u32) -> io::Result<()> {
    if cut == end {
        return Ok(());
    }
    disk::zero(&*segment.file, u64::from(cut), u64::from(end))?;
    segment.file.sync()
}
