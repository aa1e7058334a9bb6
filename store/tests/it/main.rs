//! A partition as its user sees it: on one directory, through crashes, damage and limits.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

extern crate railpost_store as store;

mod basics;
mod crash;
mod damage;
mod limits;
mod model;
mod truncation;

use std::{fs, future::Future, io::ErrorKind, ops::RangeInclusive, path::Path};

use bytes::Bytes;
use store::{Durability, Options, Partition, Position, ReadBudget};
use tempfile::TempDir;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Segments of 4 KiB, and no syncs: what a killed process leaves is the same.
fn small() -> Options {
    Options { segment_bytes: 4096, durability: Durability::Memory, ..Options::default() }
}

fn open(dir: &Path, options: &Options) -> Partition {
    Partition::open(dir, options.clone()).unwrap().0
}

/// Copies a directory as a kill would leave it. A file that is renamed meanwhile is one that no record is in yet.
fn killed(dir: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        match fs::copy(entry.path(), copy.path().join(entry.file_name())) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{error}"),
            Ok(_) | Err(_) => {}
        }
    }
    copy
}

fn events(partition: &Partition) -> Vec<(u64, Bytes)> {
    let mut events: Vec<(u64, Bytes)> = Vec::new();
    let mut after = Position(0);
    loop {
        let read = partition.read(after, ReadBudget { events: 7, bytes: 700 }).unwrap();
        let Some((last, _)) = read.last() else { return events };
        after = *last;
        events.extend(read.into_iter().map(|(position, event)| (position.0, event)));
    }
}

fn numbered(events: &[&str]) -> Vec<(u64, Bytes)> {
    (1..).zip(events).map(|(position, event)| (position, Bytes::from((*event).to_owned()))).collect()
}

/// Returns an event of 100 bytes that names its number.
fn event(number: u64) -> Bytes {
    Bytes::from(format!("{number:0100}"))
}

fn append(partition: &Partition, event: impl Into<Bytes>) -> Position {
    run(partition.append(vec![event.into()])).unwrap().last().unwrap()
}

/// Appends numbered events, each in a write of its own.
fn append_each(partition: &Partition, numbers: RangeInclusive<u64>) {
    for number in numbers {
        append(partition, event(number));
    }
}
