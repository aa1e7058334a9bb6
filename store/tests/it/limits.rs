//! Queues at their limits, shared syncs, and the end.

use std::fs;

use bytes::Bytes;
use store::{
    Appended, Error, Local, NewEvent, OpenError, Options, Partition, Position, ReadBudget, Space, Tx,
};
use tokio::task::JoinSet;

use crate::{append, append_each, event, events, keys, only_from, open, run, small};

fn new(number: u64) -> NewEvent {
    NewEvent::unkeyed(event(number))
}

/// Sends many appends at once and returns what became of them.
async fn appended_at_once(partition: &Local, count: u64) -> Vec<Result<Vec<Appended>, Error>> {
    let mut set = JoinSet::new();
    for number in 0..count {
        let partition = partition.clone();
        set.spawn(async move { partition.append(vec![new(number)]).await });
    }
    set.join_all().await
}

#[test]
fn an_append_beyond_the_queue_is_refused_and_a_commit_waits() {
    for (queue_max, queue_bytes_max) in [(1, 1024 * 1024), (4096, 1024)] {
        let dir = tempfile::tempdir().unwrap();
        let partition = open(dir.path(), &Options { queue_max, queue_bytes_max, ..Options::default() });
        let outcomes = run(appended_at_once(&partition, 2000));
        let full = outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Full { .. }))).count();
        let written = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert!(full > 0 && written > 0, "{full} refused, {written} written");
        assert_eq!(full + written, 2000);
        assert_eq!(events(&partition).len(), written);

        run(async {
            let mut set = JoinSet::new();
            for number in 0..200 {
                let partition = partition.clone();
                let put = vec![(Space(0), event(number), Bytes::new())];
                set.spawn(async move { partition.commit(Tx { put, ..Tx::default() }).await });
            }
            assert!(set.join_all().await.iter().all(Result::is_ok));
        });
        assert_eq!(keys(&partition, 0, "").len(), 200);
    }
}

#[test]
fn a_request_larger_than_the_queue_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &Options { queue_bytes_max: 1024, commit_bytes_max: 1024, ..small() });
    let error = run(partition.append(vec![NewEvent::unkeyed(vec![0; 1000])])).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes: 1029, bytes_max: 1024 }), "{error}");
    let put = vec![(Space(0), Bytes::new(), Bytes::from(vec![0; 1000]))];
    let error = run(partition.commit(Tx { put, ..Tx::default() })).unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes_max: 1024, .. }), "{error}");
}

#[test]
fn appends_that_wait_together_share_a_sync() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &Options::default());
    for _ in 0..20 {
        assert!(run(appended_at_once(&partition, 200)).iter().all(Result::is_ok));
    }
    assert_eq!(partition.head(), Position(4000));
    assert!(partition.syncs() <= 1000, "{} syncs", partition.syncs());
}

#[test]
fn every_append_on_its_own_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &Options::default());
    append_each(&partition, 1..=20);
    assert_eq!(partition.syncs(), 20);
}

#[test]
fn after_a_failure_nothing_is_done_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(&dir.path().join("bus"), &small());
    append(&partition, event(1));
    fs::remove_dir_all(dir.path().join("bus")).unwrap();
    let failed = (0..100).find_map(|number| run(partition.append(vec![new(number)])).err()).unwrap();
    assert!(matches!(failed, Error::Failed { .. }), "{failed}");
    let head = partition.head();
    let tx = Tx { applied: Some(Position(1)), ..Tx::default() };
    let later = [
        run(partition.append(vec![new(1)])).unwrap_err(),
        run(partition.commit(tx)).unwrap_err(),
        run(partition.read(Position(0), ReadBudget::default())).unwrap_err(),
        run(partition.reclaim(only_from(head.0))).unwrap_err(),
        run(partition.close()).unwrap_err(),
    ];
    for error in later {
        assert_eq!(error.to_string(), failed.to_string());
    }
    assert_eq!(run(partition.failed()).to_string(), failed.to_string());
    assert_eq!((partition.head(), partition.applied()), (head, Position(0)));
}

#[test]
fn a_closed_partition_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    append(&partition, event(1));
    run(partition.close()).unwrap();
    assert!(matches!(run(partition.append(vec![new(2)])), Err(Error::Closed)));
    assert!(matches!(
        run(partition.commit(Tx { applied: Some(Position(1)), ..Tx::default() })),
        Err(Error::Closed)
    ));
    assert!(matches!(run(partition.reclaim(only_from(1))), Err(Error::Closed)));
    run(partition.close()).unwrap();
    assert_eq!(events(&open(dir.path(), &small())).len(), 1);
}

#[test]
fn options_have_limits() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = [
        Options { segment_bytes: 100, ..small() },
        Options { queue_max: 0, ..small() },
        Options { queue_bytes_max: usize::MAX, ..small() },
        Options { snapshot_every_bytes: 0, ..small() },
    ];
    for options in wrong {
        let error = Local::open(dir.path(), options).unwrap_err();
        assert!(matches!(error, OpenError::Option { .. }), "{error}");
    }
}
