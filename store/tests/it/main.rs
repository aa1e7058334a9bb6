//! A partition as its user sees it: on one directory, through crashes, damage and limits.

#![expect(clippy::unwrap_used, reason = "what fails here is a failed test")]

extern crate railpost_store as store;

mod basics;
mod conformance;
mod crash;
mod damage;
mod formats;
mod limits;
mod model;
mod oracle;
mod repair;
mod simulation;
mod truncation;

use std::{fs, future::Future, io::ErrorKind, ops::RangeInclusive, path::Path};

use bytes::Bytes;
use store::{Durability, Keep, Local, NewEvent, Options, Partition, Position, ReadBudget, Scan, Space};
use tempfile::TempDir;

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Segments of 4 KiB, no events in memory, and no syncs: what a killed process leaves is the same.
fn small() -> Options {
    Options { segment_bytes: 4096, recent_bytes_max: 0, durability: Durability::Memory, ..Options::default() }
}

fn open(dir: &Path, options: &Options) -> Local {
    Local::open(dir, options.clone()).unwrap().0
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

fn events(partition: &dyn Partition) -> Vec<(u64, Bytes)> {
    let mut events: Vec<(u64, Bytes)> = Vec::new();
    let mut after = Position(0);
    loop {
        let read = run(partition.read(after, ReadBudget { events: 7, bytes: 700 })).unwrap();
        let Some((last, _)) = read.last() else { return events };
        after = *last;
        events.extend(read.into_iter().map(|(position, event)| (position.0, event)));
    }
}

/// Returns the event at a position, or `None` when it is not held.
fn get(partition: &dyn Partition, at: u64) -> Option<Bytes> {
    let after = Position(at.saturating_sub(1));
    let read = run(partition.read(after, ReadBudget { events: 1, bytes: 0 })).unwrap();
    read.into_iter().find(|(position, _)| position.0 == at).map(|(_, event)| event)
}

/// Returns all keys of a space that begin with a prefix, page by page.
fn keys(partition: &dyn Partition, space: u8, prefix: &'static str) -> Vec<(Bytes, Bytes)> {
    let mut keys: Vec<(Bytes, Bytes)> = Vec::new();
    loop {
        let after = keys.last().map(|(key, _)| key.clone());
        let scan = Scan { space: Space(space), prefix: Bytes::from(prefix), after, limit: 3 };
        let page = run(partition.scan(scan)).unwrap();
        let last = page.len() < 3;
        keys.extend(page);
        if last {
            return keys;
        }
    }
}

fn value(partition: &dyn Partition, space: u8, key: &'static str) -> Option<Bytes> {
    keys(partition, space, key).into_iter().find(|(found, _)| found == key).map(|(_, value)| value)
}

/// What keeps everything from a position on and nothing else.
fn only_from(from: u64) -> Keep {
    Keep { from: Position(from), sealed_before_ms: None, bytes_max: Some(0) }
}

fn numbered(events: &[&str]) -> Vec<(u64, Bytes)> {
    (1..).zip(events).map(|(position, event)| (position, Bytes::from((*event).to_owned()))).collect()
}

/// Returns an event of 100 bytes that names its number.
fn event(number: u64) -> Bytes {
    Bytes::from(format!("{number:0100}"))
}

/// Appends events in one write.
fn append_all(partition: &dyn Partition, events: impl IntoIterator<Item = Bytes>) -> Vec<Position> {
    let events = events.into_iter().map(NewEvent::unkeyed).collect();
    run(partition.append(events)).unwrap().into_iter().map(store::Appended::position).collect()
}

fn append(partition: &dyn Partition, event: impl Into<Bytes>) -> Position {
    append_all(partition, [event.into()])[0]
}

/// Appends numbered events, each in a write of its own.
fn append_each(partition: &dyn Partition, numbers: RangeInclusive<u64>) {
    for number in numbers {
        append(partition, event(number));
    }
}
