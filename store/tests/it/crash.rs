//! The last file cut or changed at every byte of the last frames.

use std::{fs, path::Path};

use bytes::Bytes;
use store::{Local, OpenError, Partition, Position, Space, Tx};
use tempfile::TempDir;

use crate::{append, append_all, events, keys, killed, open, run, small};

const FILE: &str = "00000000000000000001.log";

/// A log of an event, a commit and three events at once, and where each of the three writes ends in the file.
struct Written {
    dir: TempDir,
    ends: [usize; 3],
}

/// What is seen of a partition: its events, its keys, what was applied.
type Seen = (Vec<Bytes>, Vec<(Bytes, Bytes)>, u64);

fn write() -> Written {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    let end = || fs::read(dir.path().join(FILE)).unwrap().iter().rposition(|byte| *byte != 0).unwrap() + 1;
    append(&partition, "a");
    let first = end();
    let tx = Tx {
        applied: Some(Position(1)),
        put: vec![
            (Space(0), Bytes::from("k1"), Bytes::from("1")),
            (Space(0), Bytes::from("k2"), Bytes::from("2")),
        ],
        delete: vec![(Space(0), Bytes::from("k0"))],
        emit: vec![Bytes::from("b"), Bytes::from("bb")],
    };
    run(partition.commit(tx)).unwrap();
    let second = end();
    append_all(&partition, [Bytes::from("c"), Bytes::from("d"), Bytes::from("e")]);
    let ends = [first, second, end()];
    Written { dir: killed(dir.path()), ends }
}

fn seen(partition: &Local) -> Seen {
    let events = events(partition).into_iter().map(|(_, event)| event).collect();
    (events, keys(partition, 0, ""), partition.applied().0)
}

/// Returns what may be seen after each whole record, from the first event on.
fn prefixes() -> Vec<Seen> {
    let events =
        |count| ["a", "b", "bb", "c", "d", "e"][..count].iter().map(|event| Bytes::from(*event)).collect();
    let keys = vec![(Bytes::from("k1"), Bytes::from("1")), (Bytes::from("k2"), Bytes::from("2"))];
    let after_commit = (3..=6).map(|count| (events(count), keys.clone(), 1));
    [(events(1), Vec::new(), 0)].into_iter().chain(after_commit).collect()
}

/// Opens what a crash left, checks that it is a prefix that writing goes on from, and returns which one.
fn check_prefix(dir: &Path) -> (usize, u64) {
    let (partition, recovery) = Local::open(dir, small()).unwrap();
    let before = seen(&partition);
    let prefix =
        prefixes().into_iter().position(|prefix| prefix == before).unwrap_or_else(|| panic!("{before:?}"));
    append(&partition, "x");
    let mut expected = before;
    expected.0.push(Bytes::from("x"));
    assert_eq!(seen(&partition), expected);
    drop(partition);
    assert_eq!(seen(&open(dir, &small())), expected);
    (prefix, recovery.torn_bytes)
}

#[test]
fn a_write_that_ended_at_any_byte_gives_whole_records() {
    let written = write();
    let mut last = 0;
    for cut in written.ends[0]..=written.ends[2] {
        let dir = killed(written.dir.path());
        let mut bytes = fs::read(dir.path().join(FILE)).unwrap();
        bytes[cut..].fill(0);
        fs::write(dir.path().join(FILE), bytes).unwrap();
        let (prefix, _) = check_prefix(dir.path());
        assert!(prefix >= last, "byte {cut}");
        assert_eq!(prefix > 0, cut >= written.ends[1], "byte {cut}");
        last = prefix;
    }
    assert_eq!(last, 4);
}

#[test]
fn a_change_of_any_byte_of_the_last_write_cuts_it() {
    let written = write();
    for byte in written.ends[1]..written.ends[2] {
        let dir = killed(written.dir.path());
        flip(&dir.path().join(FILE), byte);
        let (prefix, torn_bytes) = check_prefix(dir.path());
        assert!((1..4).contains(&prefix), "byte {byte}: {prefix}");
        assert!(torn_bytes > 0, "byte {byte}");
    }
}

#[test]
fn a_change_of_any_byte_before_the_last_write_is_refused() {
    let written = write();
    for byte in written.ends[0]..written.ends[1] {
        let dir = killed(written.dir.path());
        flip(&dir.path().join(FILE), byte);
        let error = Local::open(dir.path(), small()).unwrap_err();
        let OpenError::Corrupt { file, byte: at, position, .. } = &error else {
            panic!("byte {byte}: {error}")
        };
        assert_eq!(file, &dir.path().join(FILE));
        assert_eq!((*at, *position), (written.ends[0] as u64, Position(2)));
        assert!(error.to_string().contains("restore the file from a copy"), "{error}");
    }
}

fn flip(file: &Path, byte: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[byte] ^= 0x20;
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_first_write_to_a_new_segment_may_be_torn() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    let mut number = 0;
    while partition.segments().len() < 3 {
        number += 1;
        append(&partition, crate::event(number));
    }
    let third = "00000000000000000003.log";
    for byte in 512..512 + 170 {
        let copy = killed(dir.path());
        flip(&copy.path().join(third), byte);
        let partition = open(copy.path(), &small());
        let expected: Vec<_> = (1..number).map(|number| (number, crate::event(number))).collect();
        // Only bytes behind the last event are left to change without effect.
        let in_event = byte < 512 + 33 + 129;
        let found = events(&partition);
        assert_eq!(found.len() as u64, if in_event { number - 1 } else { number }, "byte {byte}");
        assert_eq!(found[..expected.len()], expected);
        for more in 0..40 {
            append(&partition, crate::event(1000 + more));
        }
        drop(partition);
        let again = events(&open(copy.path(), &small()));
        assert_eq!(again.len(), found.len() + 40);
        assert_eq!(again[found.len()], (found.len() as u64 + 1, crate::event(1000)));
    }
}
