//! The power fails, a sync fails, the disk fills: at every operation of random request sequences.

use std::{path::Path, pin::pin, sync::Arc};

use bytes::Bytes;
use futures::future::{Either, join_all, select};
use proptest::{collection::vec, prelude::*};
use store::{
    Appended, Dedup, Driver, Durability, Error, Faults, Keep, Local, NewEvent, Options, Partition, Position,
    SimulatedDisk, Tx,
};

use crate::{
    only_from,
    oracle::{self, Oracle, new_commit, new_event},
    run,
};

#[derive(Clone, Debug)]
enum Request {
    Append(Vec<NewEvent>),
    Commit(Tx),
}

/// What is asked before the next turn.
#[derive(Clone, Debug)]
enum Step {
    Together(Vec<Request>),
    Reclaim { percent: u64 },
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let request = prop_oneof![
        vec(new_event(), 1..6).prop_map(Request::Append),
        new_commit().prop_map(Request::Commit),
    ];
    prop_oneof![
        10 => vec(request, 1..4).prop_map(Step::Together),
        1 => (50..=100_u64).prop_map(|percent| Step::Reclaim { percent }),
        1 => Just(Step::Close),
    ]
}

const DIR: &str = "/bus";

fn options() -> Options {
    let dedup = Dedup { window_ms: 1000, keys_max: 12 };
    Options {
        segment_bytes: 4096,
        snapshot_every_bytes: 5000,
        durability: Durability::Disk,
        dedup,
        ..Options::default()
    }
}

/// What was asked of a disk, and how much of it was acknowledged.
#[derive(Clone, Debug)]
struct History {
    oracle: Oracle,
    /// How many records are acknowledged.
    acknowledged: usize,
    /// The furthest that reclaiming was allowed to go.
    kept_from: Position,
}

impl History {
    fn new() -> Self {
        Self { oracle: Oracle::new(options().dedup), acknowledged: 0, kept_from: Position(1) }
    }

    /// Checks what a partition shows against what it may, and forgets what was lost and never acknowledged.
    fn check(&mut self, partition: &Local) {
        let found = oracle::seen(partition);
        assert!(partition.tail() <= self.kept_from, "{} was not to be reclaimed", self.kept_from);
        let possible = self.acknowledged..=self.oracle.records.len();
        let kept = possible
            .rev()
            .map(|records| self.oracle.after(records))
            .find(|oracle| oracle.head() == partition.head() && oracle.seen(partition.tail()) == found);
        let Some(kept) = kept else {
            let (acknowledged, asked) = (self.oracle.after(self.acknowledged), &self.oracle);
            let tail = partition.tail();
            panic!("found {found:?}\nbetween {:?}\nand {:?}", acknowledged.seen(tail), asked.seen(tail))
        };
        self.acknowledged = kept.records.len();
        self.oracle = kept;
    }
}

/// A partition on a simulated disk, worked by hand.
struct Worked {
    partition: Local,
    driver: Driver,
}

impl Worked {
    fn open(disk: &SimulatedDisk) -> Result<Self, store::OpenError> {
        let opened = Local::open_on(Arc::new(disk.clone()), Path::new(DIR), options());
        opened.map(|(partition, driver, _)| Self { partition, driver })
    }

    /// Sends requests together, gives one turn, and checks and notes what was answered. It stops at the first failure.
    fn together(&mut self, requests: &[Request], history: &mut History) -> Result<(), Error> {
        let partition = &self.partition;
        let sent = requests.iter().map(|request| async move {
            match request {
                Request::Append(events) => partition.append(events.clone()).await,
                Request::Commit(tx) => partition.commit(tx.clone()).await.map(|_| Vec::new()),
            }
        });
        let expected: Vec<Vec<Appended>> = requests
            .iter()
            .map(|request| match request {
                Request::Append(events) => {
                    events.iter().map(|event| history.oracle.append(event.clone())).collect()
                }
                Request::Commit(tx) => {
                    history.oracle.commit(tx.clone());
                    Vec::new()
                }
            })
            .collect();
        let answers = run(worked(join_all(sent), &mut self.driver));
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        assert_eq!(answers, expected);
        history.acknowledged = history.oracle.records.len();
        Ok(())
    }

    fn step(&mut self, step: &Step, disk: &SimulatedDisk, history: &mut History) -> Result<(), Stop> {
        match step {
            Step::Together(requests) => self.together(requests, history).map_err(Stop::Request),
            Step::Reclaim { percent } => {
                let from = self.partition.head().0 * percent / 100;
                history.kept_from = history.kept_from.max(Position(from));
                run(self.partition.reclaim(only_from(from))).map(drop).map_err(Stop::Request)
            }
            Step::Close => {
                let closed = run(worked(self.partition.close(), &mut self.driver));
                closed.map_err(Stop::Request)?;
                *self = Self::open(disk).map_err(Stop::Open)?;
                history.check(&self.partition);
                Ok(())
            }
        }
    }
}

/// Gives turns until an answer is there.
async fn worked<T>(answer: impl Future<Output = T>, driver: &mut Driver) -> T {
    let mut answer = pin!(answer);
    loop {
        match select(answer.as_mut(), pin!(driver.turn())).await {
            Either::Left((answer, _)) => return answer,
            Either::Right(_) => {}
        }
    }
}

/// Why a sequence came to its end early.
#[derive(Debug)]
enum Stop {
    Open(store::OpenError),
    Request(Error),
}

/// Does the steps until one fails. It returns the partition as long as it is open.
fn work(disk: &SimulatedDisk, steps: &[Step], history: &mut History) -> (Option<Worked>, Option<Stop>) {
    let mut worked = match Worked::open(disk) {
        Ok(worked) => worked,
        Err(error) => return (None, Some(Stop::Open(error))),
    };
    for step in steps {
        match worked.step(step, disk, history) {
            Ok(()) => {}
            Err(stop @ Stop::Open(_)) => return (None, Some(stop)),
            Err(stop) => return (Some(worked), Some(stop)),
        }
    }
    (Some(worked), None)
}

/// Opens a disk on which nothing goes wrong, checks it, and goes on.
fn check_goes_on(disk: &SimulatedDisk, history: &mut History) {
    let mut worked = Worked::open(disk).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    history.check(&worked.partition);
    for number in 0..8 {
        let event = NewEvent { bytes: Bytes::from(vec![number; 300]), key: None, at_ms: 0 };
        let again = history.oracle.records.iter().rev().find_map(|record| match record {
            oracle::Record::Event(event) if event.key.is_some() => Some(event.clone()),
            _ => None,
        });
        let events = [event].into_iter().chain(again).collect();
        worked.together(&[Request::Append(events)], history).unwrap();
    }
    history.check(&worked.partition);
}

/// Returns how many operations the steps take when nothing goes wrong.
fn operations(seed: u64, steps: &[Step]) -> u64 {
    let disk = SimulatedDisk::new(seed);
    let (_, stop) = work(&disk, steps, &mut History::new());
    assert!(stop.is_none(), "{stop:?}");
    disk.operations()
}

/// Lets a disk go wrong, works on it, and returns it with what was asked.
fn work_with(seed: u64, faults: Faults, steps: &[Step]) -> (SimulatedDisk, History, Option<Stop>) {
    let (disk, mut history) = (SimulatedDisk::new(seed), History::new());
    disk.plan(faults);
    let (worked, stop) = work(&disk, steps, &mut history);
    if let (Some(worked), Some(Stop::Request(first @ Error::Failed { .. }))) = (worked, &stop) {
        check_stopped(worked, first);
    }
    (disk, history, stop)
}

/// Checks that every later request fails with the same reason.
fn check_stopped(mut opened: Worked, first: &Error) {
    let events = vec![NewEvent::unkeyed("late")];
    let partition = &opened.partition;
    let scan = store::Scan { space: store::Space(0), prefix: Bytes::new(), after: None, limit: 1 };
    let later = [
        run(partition.append(events)).unwrap_err(),
        run(partition.commit(Tx { applied: Some(Position(1)), ..Tx::default() })).unwrap_err(),
        run(partition.read(Position(0), store::ReadBudget::default())).unwrap_err(),
        run(partition.scan(scan)).unwrap_err(),
        run(partition.reclaim(Keep::default())).unwrap_err(),
        run(partition.failed()),
        run(worked(partition.close(), &mut opened.driver)).unwrap_err(),
    ];
    for error in later {
        assert_eq!(error.to_string(), first.to_string());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_power_cut_at_any_operation_loses_nothing_acknowledged(
        seed in any::<u64>(),
        steps in vec(step(), 1..14),
    ) {
        for operation in 0..operations(seed, &steps) {
            let faults = Faults { crash_at: Some(operation), ..Faults::default() };
            let (disk, mut history, _) = work_with(seed, faults, &steps);
            let disk = disk.after_power_cut();
            // Opening may meet a power cut as well.
            disk.plan(Faults { crash_at: Some(operation % 4), ..Faults::default() });
            drop(Worked::open(&disk));
            let disk = disk.after_power_cut();
            check_goes_on(&disk, &mut history);
            check_goes_on(&disk.after_power_cut(), &mut history);
        }
    }

    #[test]
    fn a_kill_at_any_operation_and_a_later_power_cut_lose_nothing_acknowledged(
        seed in any::<u64>(),
        steps in vec(step(), 1..10),
    ) {
        for operation in 0..operations(seed, &steps) {
            let faults = Faults { crash_at: Some(operation), ..Faults::default() };
            let (disk, mut history, _) = work_with(seed, faults, &steps);
            let disk = disk.after_kill();
            check_goes_on(&disk, &mut history);
            check_goes_on(&disk.after_power_cut(), &mut history);
        }
    }

    #[test]
    fn a_failure_of_any_operation_loses_nothing_acknowledged(seed in any::<u64>(), steps in vec(step(), 1..10)) {
        for operation in 0..operations(seed, &steps) {
            let faults = Faults { fail_at: Some(operation), ..Faults::default() };
            let (disk, mut history, _) = work_with(seed, faults, &steps);
            let disk = disk.after_kill();
            check_goes_on(&disk, &mut history);
            check_goes_on(&disk.after_power_cut(), &mut history);
        }
    }

    #[test]
    fn a_failed_sync_stops_the_partition_and_loses_nothing_acknowledged(
        seed in any::<u64>(),
        steps in vec(step(), 1..10),
    ) {
        let mut stopped = 0;
        for operation in 0..operations(seed, &steps) {
            let faults = Faults { fail_sync_from: Some(operation), ..Faults::default() };
            let (disk, mut history, stop) = work_with(seed, faults, &steps);
            stopped += u32::from(matches!(stop, Some(Stop::Request(Error::Failed { .. }))));
            // What is read back after a failed sync may not be on disk; opening must make it so.
            let disk = disk.after_kill();
            check_goes_on(&disk, &mut history);
            check_goes_on(&disk.after_power_cut(), &mut history);
        }
        let writes = steps.iter().any(|step| matches!(step, Step::Together(_)));
        prop_assert!(stopped > 0 || !writes);
    }

    #[test]
    fn a_full_disk_stops_the_partition_and_loses_nothing_acknowledged(
        seed in any::<u64>(),
        steps in vec(step(), 1..14),
    ) {
        for bytes_max in (0..32 * 1024).step_by(700) {
            let faults = Faults { bytes_max: Some(bytes_max), ..Faults::default() };
            let (disk, mut history, stop) = work_with(seed, faults, &steps);
            let told = match &stop {
                Some(Stop::Request(Error::Failed { cause, .. })) => Some(cause.to_string()),
                Some(Stop::Open(store::OpenError::Io { cause, .. })) => Some(cause.to_string()),
                None => None,
                other => panic!("{other:?}"),
            };
            prop_assert!(told.is_none_or(|told| told.contains("no space left")));
            check_goes_on(&disk.after_kill(), &mut history);
        }
    }

    #[test]
    fn the_same_requests_come_to_the_same_files(seed in any::<u64>(), steps in vec(step(), 1..20)) {
        let disks = [(); 2].map(|()| {
            let disk = SimulatedDisk::new(seed);
            work(&disk, &steps, &mut History::new());
            format!("{disk:?}")
        });
        prop_assert_eq!(&disks[0], &disks[1]);
    }
}
