//! When what is decided is committed.

use std::time::{Duration, Instant};

use event::{Event, SpanId, TraceContext, TraceId};
use store::{Memory, Options, Scan};
use tokio::task::JoinSet;

use super::*;
use crate::deliver::lane::Taken;
use crate::state::PENDING;

const DEADLINE: Duration = Duration::from_secs(30);

/// A pipeline that runs, and the ends of its worker.
struct Running {
    bus: Arc<Bus>,
    worker: mpsc::Sender<Settlement>,
    stop: CancellationToken,
    pipeline: JoinSet<Result<(), store::Error>>,
}

impl Running {
    fn start() -> Self {
        let (bus, orders) = Bus::fixture(Memory::new(Options::default()));
        let (worker, settlements) = mpsc::channel(8);
        let pipeline = Pipeline::new(Arc::clone(&bus), Buses::new(), Inbox { settlements, orders });
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(pipeline.run(stop.clone()));
        Self { bus, worker, stop, pipeline: running }
    }

    /// Publishes an event and returns its delivery.
    async fn delivery_of(&self, id: &str) -> Taken {
        let trace =
            TraceContext { trace: TraceId([1; 16]), span: SpanId([1; 8]), parent: None, sampled: false };
        let stored = Stored::new(clock::now(), Via::HttpBinary, trace, Event::new(id, "/tests", "test"));
        self.bus.accept(vec![stored]).await.unwrap();
        loop {
            match self.bus.lanes()[0].take() {
                Some(taken) => return taken,
                None => self.bus.lanes()[0].changed().await,
            }
        }
    }

    async fn settle(&self, position: u64) {
        let result = Settled::Delivered;
        let settlement = Settlement { consumer: 0, position, was_tried: false, result, hops: Vec::new() };
        self.worker.send(settlement).await.unwrap();
    }

    async fn is_pending_on_disk(&self) -> bool {
        let scan = Scan { space: PENDING, prefix: Bytes::new(), after: None, limit: 10 };
        !self.bus.partition().scan(scan).await.unwrap().is_empty()
    }

    async fn committed(&self, position: u64) {
        let began = Instant::now();
        while self.bus.partition().applied() < Position(position) {
            assert!(began.elapsed() < DEADLINE, "nothing was committed");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    async fn end(mut self) -> Arc<Bus> {
        self.stop.cancel();
        drop(self.worker);
        self.pipeline.join_next().await.unwrap().unwrap().unwrap();
        self.bus
    }
}

#[tokio::test]
async fn a_delivery_begins_before_its_decision_is_committed_and_is_never_queued_on_disk() {
    let running = Running::start();
    let taken = running.delivery_of("one").await;
    assert_eq!(taken.position, 1);
    assert_eq!(running.bus.partition().applied(), Position(0));
    running.settle(1).await;
    running.committed(1).await;
    assert!(!running.is_pending_on_disk().await);
    assert_eq!(running.bus.core().consumers()[0].ledger.delivered, 1);
    running.end().await;
}

#[tokio::test]
async fn a_decision_is_committed_although_nothing_more_comes() {
    let running = Running::start();
    running.delivery_of("one").await;
    running.committed(1).await;
    assert!(running.is_pending_on_disk().await);
    running.end().await;
}

#[tokio::test]
async fn what_is_decided_is_committed_at_the_end() {
    let running = Running::start();
    running.delivery_of("one").await;
    let bus = running.end().await;
    assert_eq!(bus.partition().applied(), Position(1));
}

#[tokio::test]
async fn a_clock_that_is_set_back_puts_off_no_commit() {
    let (bus, orders) = Bus::fixture(Memory::new(Options::default()));
    let (_worker, settlements) = mpsc::channel(1);
    let mut pipeline = Pipeline::new(bus, Buses::new(), Inbox { settlements, orders });
    let now = clock::now();
    pipeline.due = Some(now.after(COMMIT_WITHIN));
    assert!(!pipeline.is_due(now));
    assert!(pipeline.is_due(now.after(COMMIT_WITHIN)));
    assert!(pipeline.is_due(Timestamp::EPOCH));
}
