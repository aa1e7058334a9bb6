use bytes::Bytes;
use store::{Local, OpenError, Options, Partition, Position, ReadBudget, Space, Tx};

use crate::{append, append_all, event, events, get, keys, numbered, open, run, small, value};

fn commit_of_two() -> Tx {
    Tx {
        applied: Some(Position(2)),
        put: vec![
            (Space(1), Bytes::from("a/1"), Bytes::from("x")),
            (Space(1), Bytes::from("a/2"), Bytes::from("y")),
        ],
        delete: vec![(Space(1), Bytes::from("b"))],
        emit: vec![Bytes::from("three"), Bytes::from("four")],
    }
}

fn check_contents(partition: &Local) {
    assert_eq!(events(partition), numbered(&["one", "two", "three", "four"]));
    assert_eq!(partition.head(), Position(4));
    assert_eq!(partition.applied(), Position(2));
    assert_eq!(get(partition, 3), Some(Bytes::from("three")));
    assert_eq!(get(partition, 5), None);
    assert_eq!(get(partition, 0), None);
    assert_eq!(value(partition, 1, "a/1"), Some(Bytes::from("x")));
    assert_eq!(value(partition, 2, "a/1"), None);
    assert_eq!(keys(partition, 1, "a/").len(), 2);
    assert_eq!(keys(partition, 1, "b"), vec![]);
    assert_eq!(keys(partition, 1, "").len(), 2);
}

#[test]
fn what_was_written_is_there_before_and_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &Options::default());
    let put = Tx { put: vec![(Space(1), Bytes::from("b"), Bytes::from("z"))], ..Tx::default() };
    run(partition.commit(put)).unwrap();
    let positions = append_all(&partition, [Bytes::from("one"), Bytes::from("two")]);
    assert_eq!(positions, [Position(1), Position(2)]);
    let committed = run(partition.commit(commit_of_two())).unwrap();
    assert_eq!(committed.emitted.first(), Some(Position(3)));
    assert_eq!(committed.emitted.last(), Some(Position(4)));
    check_contents(&partition);

    drop(partition);
    let (partition, recovery) = Local::open(dir.path(), Options::default()).unwrap();
    assert_eq!((recovery.records, recovery.events, recovery.torn_bytes), (5, 4, 0));
    check_contents(&partition);

    run(partition.close()).unwrap();
    check_contents(&open(dir.path(), &Options::default()));
}

#[test]
fn a_put_wins_over_a_delete_of_the_same_commit() {
    let dir = tempfile::tempdir().unwrap();
    let key = Bytes::from("key");
    let put = vec![(Space(0), key.clone(), Bytes::from("value"))];
    let partition = open(dir.path(), &small());
    run(partition.commit(Tx { put, delete: vec![(Space(0), key)], ..Tx::default() })).unwrap();
    assert_eq!(value(&partition, 0, "key"), Some(Bytes::from("value")));
}

#[test]
fn the_head_is_watched() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    let mut watch = partition.watch();
    append(&partition, "one");
    run(watch.changed()).unwrap();
    assert_eq!(*watch.borrow(), Position(1));
}

#[test]
fn events_are_found_across_segments_and_between_commits() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    for number in 1..=300 {
        append(&partition, event(number));
        let value = Bytes::from(vec![7; 50]);
        run(partition.commit(Tx { put: vec![(Space(0), Bytes::new(), value)], ..Tx::default() })).unwrap();
    }
    let expected: Vec<_> = (1..=300).map(|number| (number, event(number))).collect();
    assert_eq!(events(&partition), expected);
    for number in (1..=300).rev().step_by(7) {
        assert_eq!(get(&partition, number), Some(event(number)));
    }
    assert!(partition.segments().len() > 10);
}

#[test]
fn a_read_keeps_to_its_budget_but_returns_one_event() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &Options::default());
    let large = Bytes::from(vec![1; 600_000]);
    append_all(&partition, [event(1), event(2), event(3), large.clone()]);
    let lengths = |after, events, bytes| {
        let read = run(partition.read(Position(after), ReadBudget { events, bytes })).unwrap();
        read.iter().map(|(_, event)| event.len()).collect::<Vec<_>>()
    };
    assert_eq!(lengths(0, 2, 1000), [100, 100]);
    assert_eq!(lengths(0, 10, 250), [100, 100]);
    assert_eq!(lengths(0, 10, 300), [100, 100, 100]);
    assert_eq!(lengths(0, 10, 1000), [100, 100, 100]);
    assert_eq!(lengths(3, 10, 1000), [600_000]);
    assert_eq!(lengths(4, 10, 1000), [0_usize; 0]);
}

#[test]
fn a_record_may_be_larger_than_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    let large = Bytes::from(vec![5; 20_000]);
    for each in [event(1), large.clone(), event(3), large.clone(), large.clone()] {
        append(&partition, each);
    }
    drop(partition);
    let partition = open(dir.path(), &small());
    let expected = [event(1), large.clone(), event(3), large.clone(), large];
    assert_eq!(events(&partition), (1..).zip(expected).collect::<Vec<_>>());
}

#[test]
fn a_directory_has_one_user_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    let refused = Local::open(dir.path(), small()).unwrap_err();
    assert!(matches!(&refused, OpenError::Locked { dir: locked } if locked == dir.path()), "{refused}");
    assert!(refused.to_string().contains(&dir.path().display().to_string()));
    let other_handle = partition.clone();
    drop(partition);
    assert!(Local::open(dir.path(), small()).is_err());
    drop(other_handle);
    assert!(Local::open(dir.path(), small()).is_ok());
}

#[test]
fn the_state_is_written_down_along_the_way() {
    let dir = tempfile::tempdir().unwrap();
    let options = || Options { snapshot_every_bytes: 10_000, ..small() };
    let partition = open(dir.path(), &options());
    for number in 1..=500 {
        let put = vec![(Space(0), Bytes::from(format!("{}", number % 10)), event(number))];
        run(partition.commit(Tx { put, applied: Some(Position(number)), ..Tx::default() })).unwrap();
    }
    drop(partition);
    let (partition, recovery) = Local::open(dir.path(), options()).unwrap();
    assert!(recovery.records < 400, "{recovery:?}");
    assert_eq!(value(&partition, 0, "7"), Some(event(497)));
    assert_eq!((keys(&partition, 0, "").len(), partition.applied()), (10, Position(500)));
}
