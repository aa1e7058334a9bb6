//! Segments dropped and their files used again.

use std::fs;

use bytes::Bytes;
use store::{Keep, Local, Partition, Position, ReadBudget, Reclaimed, Space, Tx};

use crate::{append, append_all, append_each, event, events, get, keys, killed, only_from, open, run, small};

fn filled(partition: &Local, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        let put = vec![(Space(0), Bytes::from(number.to_le_bytes().to_vec()), Bytes::from("kept"))];
        run(partition.commit(Tx {
            put,
            applied: Some(Position(number)),
            emit: vec![event(number)],
            ..Tx::default()
        }))
        .unwrap();
    }
}

#[test]
fn truncation_gives_the_disk_back_and_keeps_the_state() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    filled(&partition, 1..=1000);
    let (segments, before) = (partition.segments().len() as u64, partition.bytes_on_disk());
    let reclaimed = run(partition.reclaim(only_from(901))).unwrap();
    assert!(reclaimed.segments > segments * 8 / 10, "{reclaimed:?} of {segments}");
    // Two files are kept at most, to be used again, beside one that became the next segment meanwhile.
    assert!(reclaimed.bytes >= (reclaimed.segments - 3) * 4096, "{reclaimed:?}");
    assert_eq!(partition.tail(), Position(reclaimed.events + 1));
    assert!(partition.tail() <= Position(901) && partition.tail() > Position(850));
    let state_bytes = fs::metadata(dir.path().join("state")).unwrap().len();
    let next_segment_bytes = 4096;
    assert!(partition.bytes_on_disk() <= before - reclaimed.bytes + state_bytes + next_segment_bytes);

    let tail = partition.tail();
    assert_eq!(get(&partition, tail.0 - 1), None);
    assert_eq!(get(&partition, tail.0), Some(event(tail.0)));
    assert_eq!(run(partition.read(Position(5), ReadBudget::default())).unwrap()[0].0, tail);
    for dir in [killed(dir.path()), {
        drop(partition);
        dir
    }] {
        let partition = open(dir.path(), &small());
        assert_eq!(partition.tail(), tail);
        assert_eq!(keys(&partition, 0, "").len(), 1000);
        assert_eq!(partition.applied(), Position(1000));
        let expected: Vec<_> = (tail.0..=1000).map(|number| (number, event(number))).collect();
        assert_eq!(events(&partition), expected);
    }
}

#[test]
fn truncation_heeds_position_age_and_the_active_segment() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    filled(&partition, 1..=100);
    let segments = partition.segments();
    assert_eq!(run(partition.reclaim(only_from(segments[0].last.0))).unwrap(), Reclaimed::default());
    let sealed_at_ms = segments[0].sealed_at_ms.unwrap();
    let older_than =
        |from, limit| Keep { from: Position(from), sealed_before_ms: Some(limit), bytes_max: None };
    let reclaimed = run(partition.reclaim(older_than(101, sealed_at_ms))).unwrap();
    assert_eq!(reclaimed, Reclaimed::default());
    let reclaimed = run(partition.reclaim(older_than(segments[0].last.0 + 1, sealed_at_ms + 1))).unwrap();
    assert_eq!((reclaimed.segments, reclaimed.events), (1, segments[0].last.0));

    run(partition.reclaim(only_from(101))).unwrap();
    let left = partition.segments();
    assert_eq!(left.len(), 1);
    assert_eq!((left[0].sealed_at_ms, left[0].last), (None, Position(100)));
}

#[test]
fn what_a_recycled_file_held_is_never_read_as_new() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    append_each(&partition, 1..=200);
    run(partition.reclaim(only_from(200))).unwrap();
    let tail = partition.tail().0;
    // Every event has the same size, so old records stand exactly where the next new one is expected.
    for number in 201..=330 {
        append(&partition, event(number));
        let copy = killed(dir.path());
        let (reopened, recovery) = Local::open(copy.path(), small()).unwrap();
        assert_eq!(recovery.torn_bytes, 0);
        let expected: Vec<_> = (tail..=number).map(|number| (number, event(number))).collect();
        assert_eq!(events(&reopened), expected);
        append(&reopened, event(number + 1));
        assert_eq!(reopened.head(), Position(number + 1));
    }
    let segments = partition.segments();
    assert!(segments.len() > 5, "{segments:?}");
    let spares = fs::read_dir(dir.path()).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "free")
    });
    assert_eq!(spares.count(), 0, "no file was used again");
}

#[test]
fn a_torn_write_into_a_recycled_file_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    append_each(&partition, 1..=200);
    run(partition.reclaim(only_from(200))).unwrap();
    append_each(&partition, 201..=330);
    append_all(&partition, [event(331), event(332), event(333)]);
    let copy = killed(dir.path());
    let needle = event(331);
    let holds = |path: &std::path::Path| {
        fs::read(path).unwrap().windows(needle.len()).position(|window| window == needle)
    };
    let mut files = fs::read_dir(copy.path()).unwrap().map(|entry| entry.unwrap().path());
    let (file, at) = files.find_map(|file| holds(&file).map(|at| (file, at))).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes[at] ^= 1;
    fs::write(&file, bytes).unwrap();

    let (reopened, recovery) = Local::open(copy.path(), small()).unwrap();
    assert_eq!(reopened.head(), Position(330));
    assert_eq!(recovery.torn_bytes, 3 * 129);
    append(&reopened, event(7));
    drop(reopened);
    let last = events(&open(copy.path(), &small())).pop().unwrap();
    assert_eq!(last, (331, event(7)));
}
