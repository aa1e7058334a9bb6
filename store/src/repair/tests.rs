//! Repairs that a power cut interrupts.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use futures::future::join;

use crate::{
    append::NewEvent,
    disk::{self, Disk, Faults, Folder, SimulatedDisk},
    error::OpenError,
    local::Local,
    options::{Options, ReadBudget},
    partition::Partition,
    plan,
    position::Position,
    repair::repair_on,
    segment,
};

const DIR: &str = "/bus";
/// The segment that is damaged, and a byte of an event in it.
const DAMAGED: (u32, u64) = (2, 1000);

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn options() -> Options {
    Options { segment_bytes: 4096, ..Options::default() }
}

fn event(number: u64) -> Bytes {
    Bytes::from(format!("{number:0100}"))
}

/// Writes several segments on a disk and changes a byte of one, durably.
fn damaged(seed: u64) -> (SimulatedDisk, Folder) {
    let disk = SimulatedDisk::new(seed);
    let folder = Folder::new(Arc::new(disk.clone()), Path::new(DIR));
    let (partition, mut driver, _) = open(&folder).unwrap();
    for number in 1..=100 {
        let appended = partition.append(vec![NewEvent::unkeyed(event(number))]);
        run(join(appended, driver.turn())).0.unwrap();
    }
    drop((partition, driver));
    let file = folder.disk.open(&segment::path(&folder.dir, DAMAGED.0)).unwrap();
    file.write_at(&[0xff], DAMAGED.1).unwrap();
    file.sync().unwrap();
    (disk, folder)
}

fn open(folder: &Folder) -> Result<(Local, crate::Driver, crate::Recovery), OpenError> {
    Local::open_on(Arc::clone(&folder.disk), &folder.dir, options())
}

/// Returns whether a file in any of the directories of copies is as it was found.
fn is_kept(disk: &SimulatedDisk, name: &Path, found: &[u8]) -> bool {
    (1..4).any(|number| {
        let copy = Path::new(DIR).join(format!("damaged-{number}")).join(name);
        disk.open(&copy).and_then(|file| disk::read_all(&*file)).is_ok_and(|bytes| bytes == found)
    })
}

#[test]
fn a_repair_that_a_power_cut_ends_is_done_again() {
    let mut interrupted = 0;
    for operation in 0.. {
        let (disk, before) = damaged(operation);
        let path = segment::path(&before.dir, DAMAGED.0);
        let found = disk::read_all(&*before.disk.open(&path).unwrap()).unwrap();
        disk.plan(Faults { crash_at: Some(disk.operations() + operation), ..Faults::default() });
        let outcome = repair_on(&before);
        let disk = disk.after_power_cut();
        let after = Folder::new(Arc::new(disk.clone()), Path::new(DIR));
        if outcome.is_err() {
            interrupted += 1;
            repair_on(&after).unwrap();
        }
        assert!(plan::plan(&after).unwrap().findings.is_empty(), "operation {operation}");
        assert!(is_kept(&disk, Path::new(path.file_name().unwrap()), &found), "operation {operation}");
        let (partition, _driver, _) = open(&after).unwrap();
        let (mut events, mut position) = (Vec::new(), Position(0));
        while position < partition.head() {
            let read = run(partition.read(position, ReadBudget::default())).unwrap();
            position = read.last().unwrap().0;
            events.extend(read);
        }
        assert_eq!(events.len(), 99, "operation {operation}");
        assert!(events.iter().all(|(position, bytes)| *bytes == event(position.0)), "operation {operation}");
        if outcome.is_ok() {
            break;
        }
    }
    assert!(interrupted > 4, "{interrupted}");
}
