//! Damage that no crash explains.

use std::{fs, path::Path};

use store::{Error, Local, OpenError, Partition, Position, ReadBudget};
use tempfile::TempDir;

use crate::{append_each, event, get, open, run, small};

/// Four segments, the state written down at the end.
fn closed() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    append_each(&partition, 1..=100);
    assert_eq!(partition.segments().len(), 4);
    run(partition.close()).unwrap();
    dir
}

fn change(file: &Path, byte: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[byte] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn check_refused(dir: &Path, why: &str) {
    let error = Local::open(dir, small()).unwrap_err();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

#[test]
fn a_damaged_old_segment_is_told_when_it_is_read() {
    let dir = closed();
    change(&dir.path().join("00000000000000000001.log"), 1000);
    let partition = open(dir.path(), &small());
    let error = run(partition.read(Position(3), ReadBudget { events: 1, bytes: 1 })).unwrap_err();
    assert!(matches!(error, Error::Corrupt { position: Position(4), .. }), "{error}");
    assert_eq!(get(&partition, 3), Some(event(3)));
    assert_eq!(get(&partition, 50), Some(event(50)));
}

#[test]
fn a_damaged_segment_that_has_to_be_replayed_is_refused() {
    let dir = closed();
    fs::remove_file(dir.path().join("state")).unwrap();
    change(&dir.path().join("00000000000000000002.log"), 1000);
    check_refused(dir.path(), "00000000000000000002.log` is damaged at byte 932 (position 31)");
}

#[test]
fn the_last_record_may_not_be_lost_once_the_state_counts_it() {
    let dir = closed();
    let file = dir.path().join("00000000000000000004.log");
    let last = fs::read(&file).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    change(&file, last);
    check_refused(dir.path(), "counts more of the log than is whole");
}

#[test]
fn missing_files_are_refused() {
    for number in 2..=4 {
        let dir = closed();
        fs::remove_file(dir.path().join(format!("{number:020}.log"))).unwrap();
        let error = Local::open(dir.path(), small()).unwrap_err();
        assert!(matches!(error, OpenError::Corrupt { .. }), "{number}: {error}");
    }
}

#[test]
fn a_damaged_state_is_refused() {
    let dir = closed();
    change(&dir.path().join("state"), 20);
    check_refused(dir.path(), "its sum is not the one that was written");
}

#[test]
fn an_unknown_version_is_refused() {
    for (file, byte) in [("state", 8), ("00000000000000000004.log", 8)] {
        let dir = closed();
        change(&dir.path().join(file), byte);
        let error = Local::open(dir.path(), small()).unwrap_err();
        assert!(matches!(error, OpenError::Version { found: 3, known: 2, .. }), "{file}: {error}");
    }
}
