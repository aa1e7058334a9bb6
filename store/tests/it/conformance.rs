//! What every engine must do, whatever it keeps its events in.

use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use store::{
    Appended, Dedup, Error, Keep, Local, Memory, NewEvent, Options, Partition, Position, ReadBudget,
    Reclaimed, Scan, SegmentInfo, Space, Tx,
};
use tempfile::TempDir;

use crate::{append, append_all, append_each, event, events, get, keys, run, small, value};

/// Makes an empty partition of an engine.
type Make<'a> = &'a dyn Fn(Options) -> Arc<dyn Partition>;

/// Runs the whole suite over an engine.
fn check_conformance(make: Make<'_>) {
    an_empty_partition(make);
    positions_have_no_gaps(make);
    reads_keep_to_their_budget(make);
    commits_change_the_state_as_one(make);
    the_state_is_read_in_pages(make);
    repeated_events_are_told(make);
    the_window_has_limits(make);
    the_head_is_watched(make);
    only_what_may_go_is_reclaimed(make);
    requests_have_a_limit(make);
    a_closed_partition_says_so(make);
}

#[test]
fn memory_conforms() {
    check_conformance(&|options| Arc::new(Memory::new(options)));
}

#[test]
fn local_conforms() {
    let dir = TempDir::new().unwrap();
    check_conformance(&|options| {
        let dir = TempDir::new_in(dir.path()).unwrap().keep();
        Arc::new(Local::open(&dir, options).unwrap().0)
    });
}

fn an_empty_partition(make: Make<'_>) {
    let partition = &*make(small());
    assert_eq!(run(partition.append(Vec::new())).unwrap(), []);
    assert!(run(partition.commit(Tx::default())).unwrap().emitted.is_empty());
    assert_eq!(
        (partition.head(), partition.tail(), partition.applied()),
        (Position(0), Position(1), Position(0))
    );
    assert_eq!(events(partition), []);
    assert_eq!(keys(partition, 0, ""), []);
    let segments = partition.segments();
    assert_eq!(segments.len(), 1);
    let SegmentInfo { first, last, sealed_at_ms, .. } = segments[0];
    assert_eq!((first, last, sealed_at_ms), (Position(1), Position(0), None));
}

fn positions_have_no_gaps(make: Make<'_>) {
    let partition = &*make(small());
    assert_eq!(append_all(partition, [event(1), event(2)]), [Position(1), Position(2)]);
    let emit = vec![event(3), event(4)];
    let committed = run(partition.commit(Tx { emit, ..Tx::default() })).unwrap();
    assert_eq!(committed.emitted.into_iter().collect::<Vec<_>>(), [Position(3), Position(4)]);
    append_each(partition, 5..=300);
    let expected: Vec<_> = (1..=300).map(|number| (number, event(number))).collect();
    assert_eq!(events(partition), expected);
    assert_eq!((partition.head(), partition.tail()), (Position(300), Position(1)));
    for number in (1..=300).rev().step_by(7) {
        assert_eq!(get(partition, number), Some(event(number)));
    }
    let segments = partition.segments();
    assert!(segments.len() > 5, "{segments:?}");
    assert!(segments.windows(2).all(|pair| pair[0].last.next() == pair[1].first), "{segments:?}");
    assert_eq!(segments.iter().filter(|segment| segment.sealed_at_ms.is_none()).count(), 1);
}

fn reads_keep_to_their_budget(make: Make<'_>) {
    let partition = &*make(Options::default());
    append_all(partition, [event(1), event(2), event(3), Bytes::from(vec![1; 600_000])]);
    let table: [(u64, usize, usize, &[usize]); 7] = [
        (0, 2, 1000, &[100, 100]),
        (0, 10, 250, &[100, 100]),
        (0, 10, 300, &[100, 100, 100]),
        (0, 10, 1000, &[100, 100, 100]),
        (0, 0, 0, &[100]),
        (3, 10, 1000, &[600_000]),
        (4, 10, 1000, &[]),
    ];
    for (after, events, bytes, expected) in table {
        let read = run(partition.read(Position(after), ReadBudget { events, bytes })).unwrap();
        let lengths: Vec<_> = read.iter().map(|(_, event)| event.len()).collect();
        assert_eq!(lengths, expected, "after {after}, {events} events, {bytes} bytes");
    }
}

fn commits_change_the_state_as_one(make: Make<'_>) {
    let partition = &*make(small());
    let key = |key: &'static str| (Space(1), Bytes::from(key));
    let put = |key: &'static str, value: &'static str| (Space(1), Bytes::from(key), Bytes::from(value));
    let first = Tx {
        applied: Some(Position(7)),
        put: vec![put("a", "1"), put("b", "1"), put("a", "2")],
        delete: vec![key("b"), key("never there")],
        emit: Vec::new(),
    };
    run(partition.commit(first)).unwrap();
    assert_eq!(value(partition, 1, "a"), Some(Bytes::from("2")));
    assert_eq!(value(partition, 1, "b"), Some(Bytes::from("1")));
    assert_eq!(value(partition, 2, "a"), None);
    run(partition.commit(Tx { delete: vec![key("b")], ..Tx::default() })).unwrap();
    assert_eq!(keys(partition, 1, ""), [(Bytes::from("a"), Bytes::from("2"))]);
    assert_eq!((partition.applied(), partition.head()), (Position(7), Position(0)));
}

fn the_state_is_read_in_pages(make: Make<'_>) {
    let partition = &*make(small());
    let names = ["a", "b", "b/1", "b/2", "b/3", "b0", "c"];
    let put = names.iter().map(|name| (Space(3), Bytes::from(*name), Bytes::new())).collect();
    run(partition.commit(Tx { put, ..Tx::default() })).unwrap();
    let table: [(&str, Option<&str>, usize, &[&str]); 11] = [
        ("", None, 100, &names),
        ("", None, 2, &["a", "b"]),
        ("", Some("b"), 2, &["b/1", "b/2"]),
        ("", Some("b/11"), 2, &["b/2", "b/3"]),
        ("b/", None, 100, &["b/1", "b/2", "b/3"]),
        ("b/", Some("b/2"), 100, &["b/3"]),
        ("b/", Some("b/3"), 100, &[]),
        ("b/", Some("a"), 1, &["b/1"]),
        ("b/", Some("c"), 100, &[]),
        ("b/", None, 0, &[]),
        ("x", None, 100, &[]),
    ];
    for (prefix, after, limit, expected) in table {
        let scan =
            Scan { space: Space(3), prefix: Bytes::from(prefix), after: after.map(Bytes::from), limit };
        let found = run(partition.scan(scan)).unwrap();
        let found: Vec<_> = found.iter().map(|(key, _)| &key[..]).collect();
        let expected: Vec<_> = expected.iter().map(|name| name.as_bytes()).collect();
        assert_eq!(found, expected, "`{prefix}` after {after:?}, {limit} at most");
    }
}

fn keyed(key: u64, at_ms: u64) -> NewEvent {
    NewEvent { bytes: event(key), key: Some(key), at_ms }
}

fn repeated_events_are_told(make: Make<'_>) {
    let at = |position| Appended::At(Position(position));
    let duplicate_of = |position| Appended::DuplicateOf(Position(position));
    let dedup = Dedup { window_ms: 1000, keys_max: 100 };
    let partition = &*make(Options { dedup, ..small() });
    let none = |at_ms| NewEvent { bytes: event(0), key: None, at_ms };
    let table = [
        // Within one append, and without a key.
        (vec![keyed(1, 5000), keyed(2, 5000), keyed(1, 5000)], vec![at(1), at(2), duplicate_of(1)]),
        (vec![none(5000), none(5000)], vec![at(3), at(4)]),
        // Up to the window's length, either way.
        (vec![keyed(2, 4001), keyed(1, 5999)], vec![duplicate_of(2), duplicate_of(1)]),
        (vec![keyed(1, 6000)], vec![at(5)]),
        (vec![keyed(1, 6500), keyed(2, 6500)], vec![duplicate_of(5), at(6)]),
        // A clock that was set back starts anew, and one that goes on forgets.
        (vec![keyed(3, 5000), keyed(1, 6500)], vec![at(7), at(8)]),
        (vec![keyed(4, 90_000), keyed(4, 90_100), keyed(3, 90_100)], vec![at(9), duplicate_of(9), at(10)]),
    ];
    for (events, expected) in table {
        assert_eq!(run(partition.append(events.clone())).unwrap(), expected, "{events:?}");
    }
    let emit = vec![event(11)];
    run(partition.commit(Tx { emit, ..Tx::default() })).unwrap();
    assert_eq!(run(partition.append(vec![keyed(3, 90_200)])).unwrap(), [duplicate_of(10)]);
    assert_eq!(partition.head(), Position(11));
}

fn the_window_has_limits(make: Make<'_>) {
    let dedup = Dedup { window_ms: 1000, keys_max: 3 };
    let partition = &*make(Options { dedup, ..small() });
    run(partition.append((1..=4).map(|key| keyed(key, 10)).collect())).unwrap();
    let again = run(partition.append(vec![keyed(2, 10), keyed(4, 10), keyed(1, 10)])).unwrap();
    let [two, four, one] = [2, 4, 5].map(Position);
    assert_eq!(again, [Appended::DuplicateOf(two), Appended::DuplicateOf(four), Appended::At(one)]);

    let partition = &*make(Options { dedup: Dedup { window_ms: 0, keys_max: 3 }, ..small() });
    let twice = run(partition.append(vec![keyed(1, 10), keyed(1, 10)])).unwrap();
    assert_eq!(twice, [Appended::At(Position(1)), Appended::At(Position(2))]);
}

fn the_head_is_watched(make: Make<'_>) {
    let partition = &*make(small());
    let mut watch = partition.watch();
    assert_eq!(*watch.borrow_and_update(), Position(0));
    append(partition, event(1));
    run(watch.changed()).unwrap();
    assert_eq!(*watch.borrow_and_update(), Position(1));
    run(partition.commit(Tx { emit: vec![event(2)], ..Tx::default() })).unwrap();
    run(watch.changed()).unwrap();
    assert_eq!(*watch.borrow_and_update(), Position(2));
    assert!(partition.failed().now_or_never().is_none());
}

/// Returns how many of the oldest segments may go.
fn may_go(segments: &[SegmentInfo], keep: Keep) -> usize {
    let mut bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let goes = |segment: &&SegmentInfo| {
        let too_old = keep.sealed_before_ms.is_some_and(|limit| segment.sealed_at_ms.unwrap() < limit);
        let too_much = keep.bytes_max.is_some_and(|limit| bytes > limit);
        bytes -= segment.bytes;
        segment.last < keep.from && (too_old || too_much)
    };
    segments[..segments.len() - 1].iter().take_while(goes).count()
}

fn only_what_may_go_is_reclaimed(make: Make<'_>) {
    let partition = &*make(small());
    for number in 1..=600 {
        let event = NewEvent { bytes: event(number), key: None, at_ms: number };
        run(partition.append(vec![event])).unwrap();
    }
    let put = vec![(Space(0), Bytes::from("kept"), Bytes::new())];
    run(partition.commit(Tx { put, ..Tx::default() })).unwrap();
    let all = partition.segments();
    let bytes: u64 = all.iter().map(|segment| segment.bytes).sum();
    let sealed = |at: usize| all[at].sealed_at_ms;
    let table = [
        (601, None, None),
        (1, sealed(5), Some(0)),
        (all[0].last.0, None, Some(0)),
        (601, sealed(0), None),
        (all[0].first.0 + 40, None, Some(0)),
        (601, sealed(3).map(|at| at + 1), None),
        (601, None, Some(bytes / 2)),
        (300, None, Some(bytes / 3)),
        (601, sealed(0), Some(bytes / 3)),
        (601, None, Some(0)),
        (601, None, Some(0)),
    ];
    for (from, sealed_before_ms, bytes_max) in table {
        let keep = Keep { from: Position(from), sealed_before_ms, bytes_max };
        let before = partition.segments();
        let goes = may_go(&before, keep);
        let reclaimed = run(partition.reclaim(keep)).unwrap();
        let Reclaimed { segments, events: gone, .. } = reclaimed;
        assert_eq!(partition.segments(), before[goes..], "{keep:?}");
        assert_eq!(segments, goes as u64, "{keep:?}");
        assert_eq!(gone, before[goes].first.0 - before[0].first.0, "{keep:?}");
        let tail = partition.tail().0;
        assert_eq!(tail, before[goes].first.0, "{keep:?}");
        let expected: Vec<_> = (tail..=600).map(|number| (number, event(number))).collect();
        assert_eq!(events(partition), expected, "{keep:?}");
        assert_eq!(get(partition, tail - 1), None, "{keep:?}");
    }
    assert_eq!(partition.segments().len(), 1);
    assert_eq!(keys(partition, 0, "").len(), 1);
    assert_eq!(append(partition, event(601)), Position(601));
}

fn requests_have_a_limit(make: Make<'_>) {
    let partition = &*make(Options { queue_bytes_max: 1024, commit_bytes_max: 1024, ..small() });
    let error = run(partition.append(vec![NewEvent::unkeyed(vec![0; 1000])])).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 1029, bytes_max: 1024 }), "{error}");
    let put = vec![(Space(0), Bytes::new(), Bytes::from(vec![0; 1000]))];
    let error = run(partition.commit(Tx { put, ..Tx::default() })).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes_max: 1024, .. }), "{error}");
    assert_eq!((partition.head(), keys(partition, 0, "").len()), (Position(0), 0));
}

fn a_closed_partition_says_so(make: Make<'_>) {
    let partition = &*make(small());
    append(partition, event(1));
    run(partition.close()).unwrap();
    let tx = Tx { applied: Some(Position(1)), ..Tx::default() };
    let later = [
        run(partition.append(vec![NewEvent::unkeyed("late")])).map(drop),
        run(partition.commit(tx)).map(drop),
        run(partition.reclaim(Keep::default())).map(drop),
    ];
    for outcome in later {
        assert!(matches!(outcome, Err(Error::Closed)), "{outcome:?}");
    }
    run(partition.close()).unwrap();
    assert_eq!((partition.head(), partition.applied()), (Position(1), Position(0)));
}
