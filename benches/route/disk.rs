//! What a sync of the disk takes, where the routers under test keep their logs.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::server;

/// The file's size, which a write never changes.
const FILE_BYTES: usize = 32 << 20;
/// What is written before each sync: about one event.
const WRITE_BYTES: usize = 700;

/// Overwrites a preallocated file, one write after the other, each with an fdatasync; returns how long these took, in
/// nanoseconds.
pub(crate) fn syncs(during: Duration) -> Histogram<u64> {
    let folder = server::folder();
    let path = folder.path().join("preallocated");
    std::fs::write(&path, vec![0; FILE_BYTES]).unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.sync_all().unwrap();
    let mut took = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
    let (began, bytes) = (Instant::now(), [b'x'; WRITE_BYTES]);
    for write in 0_usize.. {
        let before = Instant::now();
        if before.duration_since(began) > during {
            break;
        }
        let at = write * WRITE_BYTES % (FILE_BYTES - WRITE_BYTES);
        file.write_all_at(&bytes, at as u64).unwrap();
        file.sync_data().unwrap();
        took.saturating_record(before.elapsed().as_nanos() as u64);
    }
    took
}
