//! Deliveries whose event cannot be had.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use store::{Durability, Local, NewEvent, Options, Partition};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::attempt::{Outlet, Sender};
use super::worker::Worker;
use super::{Settled, Settlement};
use crate::bus::Bus;

/// Small segments, of which many are read from the disk.
fn small() -> Options {
    Options { segment_bytes: 4096, recent_bytes_max: 0, durability: Durability::Memory, ..Options::default() }
}

fn open(folder: &Path) -> Local {
    Local::open(folder, small()).unwrap().0
}

/// Lets a worker go as far as it can with one delivery. Returns what it says, or nothing if the delivery waits.
async fn run(partition: Local, position: u64) -> Option<Settlement> {
    let (bus, _orders) = Bus::fixture(partition);
    let lane = Arc::clone(&bus.lanes()[0]);
    lane.push(vec![(position, None)]);
    let (settlements, mut said) = mpsc::channel(1);
    let sender = Sender { outlet: Outlet::Bus(Arc::clone(&bus)), bus, lane: Arc::clone(&lane) };
    let mut worker = pin!(Worker::new(sender, settlements).run(CancellationToken::new()));
    for _ in 0..10 {
        assert!(futures::poll!(worker.as_mut()).is_pending());
    }
    let settlement = said.try_recv().ok();
    let waits = lane.gauges.retrying.load(Ordering::Relaxed) == 1;
    assert_eq!(settlement.is_none(), waits, "a delivery waits or is settled");
    settlement
}

async fn check_lost(partition: Local, position: u64, why: &str) {
    let settlement = run(partition, position).await.unwrap();
    assert_eq!((settlement.consumer, settlement.position), (0, position));
    let Settled::DeadLettered(given_up) = settlement.result else { panic!("position {position}") };
    assert!(given_up.reason.contains(why), "{}", given_up.reason);
}

fn event(bytes: Vec<u8>) -> NewEvent {
    NewEvent { bytes: Bytes::from(bytes), key: None, at_ms: 0 }
}

#[tokio::test]
async fn what_is_gone_or_no_event_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path());
    partition.append(vec![event(b"no event".to_vec())]).await.unwrap();
    check_lost(partition.clone(), 1, "the stored event").await;
    check_lost(partition, 2, "the log no longer holds the event").await;
}

#[tokio::test]
async fn what_cannot_be_read_now_waits() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path());
    for _ in 0..100 {
        partition.append(vec![event(vec![0; 100])]).await.unwrap();
    }
    partition.close().await.unwrap();
    drop(partition);
    let segment = dir.path().join("00000000000000000001.log");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[1000..3000].fill(1);
    std::fs::write(&segment, bytes).unwrap();
    assert!(run(open(dir.path()), 10).await.is_none());
}
