//! What may be set when a partition is opened or read.

use bytes::Bytes;

use crate::{error::OpenError, position::Position};

/// The size of one kibibyte, in bytes.
const KIB: u64 = 1024;
/// The size of one mebibyte, in bytes.
const MIB: u64 = 1024 * KIB;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: every batch is synced before it is answered.
    Disk,
    /// The end of this process, but not a power cut: batches are written and never synced.
    Memory,
}

/// The sizes and limits of a partition.
#[derive(Clone, Debug)]
pub struct Options {
    /// The size of a segment file in bytes, 4 KiB to 1 GiB; 32 MiB unless set. Retention works by whole segments.
    pub segment_bytes: u64,
    /// How many bytes of log may pass before the keyed state is written down again, 64 MiB unless set; or as
    /// many as it has itself, if that is more. It bounds what opening has to replay.
    pub snapshot_every_bytes: u64,
    /// How many requests may wait for the committer, 1 to 1,048,576; 4,096 unless set. At the limit an append is
    /// refused and a commit waits.
    pub queue_max: usize,
    /// How many bytes those requests may hold, 1 KiB to 1 GiB; 64 MiB unless set. No append may be larger.
    pub queue_bytes_max: usize,
    /// How many bytes one commit may have, 1 KiB to 1 GiB; 1 GiB unless set. One that is larger than the queue waits for
    /// all of it.
    pub commit_bytes_max: usize,
    /// How many bytes of the last events stay in memory, for readers that keep up; 2 MiB unless set.
    pub recent_bytes_max: usize,
    /// What an acknowledged write survives; a power cut unless set.
    pub durability: Durability,
    /// Which repeated events are not stored again.
    pub dedup: Dedup,
}

/// How long and how many keys of appended events are remembered. Of two events with the same key that are less than the
/// window apart, the second is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dedup {
    /// The length of the window in milliseconds, up to 2^31 - 1 (24 days); 300,000 (five minutes) unless set. At 0 every
    /// event is stored.
    pub window_ms: u64,
    /// How many keys are remembered, 1 to 16,777,216; 1,000,000 unless set. At the limit the oldest is forgotten. A key
    /// takes about 26 bytes of memory.
    pub keys_max: usize,
}

impl Default for Dedup {
    fn default() -> Self {
        Self { window_ms: 300_000, keys_max: 1_000_000 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: 32 * MIB,
            snapshot_every_bytes: 64 * MIB,
            queue_max: 4096,
            queue_bytes_max: 64 * 1024 * 1024,
            commit_bytes_max: 1024 * 1024 * 1024,
            recent_bytes_max: 2 * 1024 * 1024,
            durability: Durability::Disk,
            dedup: Dedup::default(),
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        within("segment_bytes", self.segment_bytes, 4 * KIB, 1024 * MIB)?;
        within("snapshot_every_bytes", self.snapshot_every_bytes, 1, u64::MAX)?;
        within("queue_max", self.queue_max as u64, 1, MIB)?;
        within("queue_bytes_max", self.queue_bytes_max as u64, KIB, 1024 * MIB)?;
        within("commit_bytes_max", self.commit_bytes_max as u64, KIB, 1024 * MIB)?;
        within("dedup.window_ms", self.dedup.window_ms, 0, u64::from(u32::MAX / 2))?;
        within("dedup.keys_max", self.dedup.keys_max as u64, 1, 16 * MIB)
    }
}

fn within(name: &'static str, value: u64, min: u64, max: u64) -> Result<(), OpenError> {
    if (min..=max).contains(&value) { Ok(()) } else { Err(OpenError::Option { name, value, min, max }) }
}

/// How much one read may return. The first event is returned however large it is.
#[derive(Clone, Copy, Debug)]
pub struct ReadBudget {
    /// How many events; 1,024 unless set.
    pub events: usize,
    /// How many bytes of events; 256 KiB unless set.
    pub bytes: usize,
}

impl ReadBudget {
    /// Takes from events in memory what it allows.
    pub(crate) fn take<'e>(
        self,
        events: impl Iterator<Item = (Position, &'e Bytes)>,
    ) -> Vec<(Position, Bytes)> {
        let mut bytes = 0;
        let taken = events.enumerate().take_while(|(count, (_, event))| {
            bytes += event.len();
            *count == 0 || (*count < self.events && bytes <= self.bytes)
        });
        taken.map(|(_, (position, event))| (position, event.clone())).collect()
    }
}

impl Default for ReadBudget {
    fn default() -> Self {
        Self { events: 1024, bytes: 256 * 1024 }
    }
}
