//! Deliveries whose event cannot be had.

use std::sync::Arc;

use bytes::Bytes;
use store::{Durability, Options, Partition};
use tokio::sync::mpsc;

use super::lane::{Entry, Next};
use super::{Outlet, Settled, Worker};
use crate::bus::Bus;
use crate::clock;

/// Small segments, of which many are read from the disk.
fn small() -> Options {
    Options { segment_bytes: 4096, durability: Durability::Memory, ..Options::default() }
}

fn worker(partition: Partition) -> Worker {
    let bus = Bus::fixture(partition);
    let lane = Arc::clone(&bus.lanes()[0]);
    let (settlements, _) = mpsc::channel(1);
    Worker { outlet: Outlet::Bus(Arc::clone(&bus)), bus, lane, settlements }
}

fn entry(position: u64) -> Entry {
    Entry { position, stored: None, attempts: Vec::new() }
}

async fn check_lost(worker: &Worker, position: u64, why: &str) {
    let settlement = worker.attempt(entry(position)).await.unwrap();
    assert_eq!((settlement.consumer, settlement.position), (0, position));
    let Settled::DeadLettered { reason, .. } = settlement.result else { panic!("position {position}") };
    assert!(reason.contains(why), "{reason}");
}

#[tokio::test]
async fn what_is_gone_or_no_event_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let (partition, _) = Partition::open(dir.path(), small()).unwrap();
    partition.append(vec![Bytes::from_static(b"no event")]).await.unwrap();
    let worker = worker(partition);
    check_lost(&worker, 1, "the stored event").await;
    check_lost(&worker, 2, "the log no longer holds the event").await;
}

#[tokio::test]
async fn what_cannot_be_read_now_waits() {
    let dir = tempfile::tempdir().unwrap();
    let (partition, _) = Partition::open(dir.path(), small()).unwrap();
    for _ in 0..100 {
        partition.append(vec![Bytes::from(vec![0; 100])]).await.unwrap();
    }
    partition.close().await.unwrap();
    drop(partition);
    let segment = dir.path().join("00000000000000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[1000..3000].fill(1);
    std::fs::write(&segment, bytes).unwrap();

    let worker = worker(Partition::open(dir.path(), small()).unwrap().0);
    let before = clock::now();
    assert!(worker.attempt(entry(10)).await.is_none());
    let Next::Wait(Some(again)) = worker.lane.next(before) else { panic!("it is not queued") };
    assert!(again > before);
}
