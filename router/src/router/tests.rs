//! What becomes of a router whose store or pipeline fails.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store::{Durability, Local, NewEvent, Options};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Buses, supervise};
use crate::bus::Bus;
use crate::deliver::{Settled, Settlement};
use crate::pipeline::{Inbox, Pipeline};

const DEADLINE: Duration = Duration::from_secs(30);

/// A bus with its pipeline, and where settlements go in.
fn bus(folder: &std::path::Path) -> (Arc<Bus>, Pipeline, mpsc::Sender<Settlement>) {
    let options = Options { segment_bytes: 4096, durability: Durability::Memory, ..Options::default() };
    let (bus, orders) = Bus::fixture(Local::open(folder, options).unwrap().0);
    let (workers, settlements) = mpsc::channel(1);
    let pipeline = Pipeline::new(Arc::clone(&bus), Buses::new(), Inbox { settlements, orders });
    (bus, pipeline, workers)
}

#[tokio::test]
async fn a_store_that_fails_is_noticed_although_no_event_comes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("bus");
    let (bus, pipeline, _workers) = bus(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let event = || NewEvent { bytes: Bytes::from(vec![0; 1000]), key: None, at_ms: 0 };
    let appends = async { while bus.partition().append(vec![event()]).await.is_ok() {} };
    let both = async { tokio::join!(supervise(&bus, pipeline, CancellationToken::new()), appends) };
    let (ended, ()) = tokio::time::timeout(DEADLINE, both).await.unwrap();
    let reason = ended.unwrap_err();
    assert!(reason.starts_with("the partition stopped because"), "{reason}");
}

#[tokio::test]
async fn a_pipeline_that_panics_is_a_failure_and_one_that_is_stopped_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let (one, pipeline, workers) = bus(&dir.path().join("one"));
    let unknown = Settlement {
        consumer: 9,
        position: 1,
        was_tried: false,
        result: Settled::Delivered,
        hops: Vec::new(),
    };
    assert!(workers.send(unknown).await.is_ok());
    let ended = tokio::time::timeout(DEADLINE, supervise(&one, pipeline, CancellationToken::new()));
    assert_eq!(ended.await.unwrap(), Err("its pipeline panicked".to_owned()));

    let (other, pipeline, workers) = bus(&dir.path().join("other"));
    drop(workers);
    let stop = CancellationToken::new();
    stop.cancel();
    assert_eq!(tokio::time::timeout(DEADLINE, supervise(&other, pipeline, stop)).await.unwrap(), Ok(()));
}
