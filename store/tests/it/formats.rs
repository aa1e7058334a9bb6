//! Directories that earlier versions wrote.

use std::{ops::RangeInclusive, path::Path};

use bytes::Bytes;
use store::{Appended, Local, NewEvent, Partition, Position, verify};

use crate::{append, event, events, keys, killed, run, small};

/// Returns a copy of a directory that was kept.
fn kept(version: &str) -> tempfile::TempDir {
    killed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(version))
}

/// What is in the directories of all versions: events up to a position, of which some were reclaimed, and keys of which
/// some were put before the state was written down and some removed after.
fn check_whole(partition: &Local, tail: u64, lost: &[u64]) {
    let ends = (partition.tail().0, partition.head().0, partition.applied().0);
    assert_eq!(ends, (tail, 200, 200));
    assert_eq!(events(partition), expected(tail..=200, lost));
    let first: Vec<_> = (11..=20)
        .map(|number| number * 5)
        .map(|number| (Bytes::from(format!("key/{number:03}")), Bytes::from(format!("value {number}"))))
        .collect();
    assert_eq!(keys(partition, 1, ""), first);
    let second: Vec<_> =
        (16..=25).map(|number| (Bytes::from((number * 8).to_string()), Bytes::new())).collect();
    assert_eq!(keys(partition, 7, ""), second);
}

fn expected(positions: RangeInclusive<u64>, lost: &[u64]) -> Vec<(u64, Bytes)> {
    positions.filter(|number| !lost.contains(number)).map(|number| (number, event(number))).collect()
}

/// Checks that a directory is whole, that writing goes on, and that it is whole again.
fn check(version: &str, tail: u64, lost: &[u64]) {
    let dir = kept(version);
    assert_eq!(verify(dir.path()).unwrap().findings, []);
    let (partition, recovery) = Local::open(dir.path(), small()).unwrap();
    assert_eq!(recovery.torn_bytes, 0);
    check_whole(&partition, tail, lost);
    for number in 201..=300 {
        append(&partition, event(number));
    }
    drop(partition);
    assert_eq!(verify(dir.path()).unwrap().findings, []);
    let partition = Local::open(dir.path(), small()).unwrap().0;
    assert_eq!(events(&partition), expected(tail..=300, lost));
}

#[test]
fn version_1_is_read_and_goes_on() {
    check("v1", 78, &[]);
}

#[test]
fn version_2_is_read_and_goes_on() {
    check("v2", 73, &[130]);
}

#[test]
fn version_2_keeps_the_window() {
    let partition = Local::open(kept("v2").path(), small()).unwrap().0;
    // One that the written state holds, and one that the log holds behind it.
    for number in [103, 199_u64] {
        let key = Some(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let again = NewEvent { bytes: event(number), key, at_ms: 1_750_000_000_000 + number };
        let answer = run(partition.append(vec![again])).unwrap();
        assert_eq!(answer, [Appended::DuplicateOf(Position(number))]);
    }
}
