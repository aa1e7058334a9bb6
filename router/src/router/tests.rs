//! What becomes of a router whose store or pipeline fails.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store::{Durability, Options, Partition};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::supervise;
use crate::bus::Bus;
use crate::deliver::{Settled, Settlement};

const DEADLINE: Duration = Duration::from_secs(30);

fn bus(folder: &std::path::Path) -> Arc<Bus> {
    let options = Options { segment_bytes: 4096, durability: Durability::Memory, ..Options::default() };
    Bus::fixture(Partition::open(folder, options).unwrap().0)
}

#[tokio::test]
async fn a_store_that_fails_is_noticed_although_no_event_comes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("bus");
    let bus = bus(&folder);
    let (_workers, settlements) = mpsc::channel(1);
    fs::remove_dir_all(&folder).unwrap();
    let appends = async { while bus.partition().append(vec![Bytes::from(vec![0; 1000])]).await.is_ok() {} };
    let both = async { tokio::join!(supervise(&bus, settlements, CancellationToken::new()), appends) };
    let (ended, ()) = tokio::time::timeout(DEADLINE, both).await.unwrap();
    let reason = ended.unwrap_err();
    assert!(reason.starts_with("the partition stopped because"), "{reason}");
}

#[tokio::test]
async fn a_pipeline_that_panics_is_a_failure_and_one_that_is_stopped_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let bus = bus(dir.path());
    let (workers, settlements) = mpsc::channel(1);
    let unknown = Settlement { consumer: 9, position: 1, result: Settled::Delivered, hops: Vec::new() };
    assert!(workers.send(unknown).await.is_ok());
    let ended = tokio::time::timeout(DEADLINE, supervise(&bus, settlements, CancellationToken::new()));
    assert_eq!(ended.await.unwrap(), Err("its pipeline panicked".to_owned()));

    let (workers, settlements) = mpsc::channel(1);
    drop(workers);
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(tokio::time::timeout(DEADLINE, supervise(&bus, settlements, stop)).await.unwrap(), Ok(()));
}
