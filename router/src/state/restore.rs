//! What was committed, read back when a bus is opened.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use store::{Partition, Scan, Space};

use super::record::{ReplayRecord, Standing, Tried};
use super::{
    ABOUT, CONSUMERS, ENDED, FORMAT, GROUPS, LEDGERS, LETTERS, PARTS, PENDING, REPLAYS, TRIED, USUAL, key,
    ledger_key,
};
use crate::core::Core;
use crate::core::gather::Aggregator;
use crate::core::ledger::{AggregationLedger, ConsumerLedger};
use crate::queue::Queue;

/// How much of a space is read at a time.
const PAGE: usize = 4_096;

/// What was saved cannot be gone on from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// A saved value is not what this version writes there; says which.
    #[error("{0} is unreadable")]
    Unreadable(String),
    /// All of it is in a form that this version does not know.
    #[error("its state has form {found}, and this version knows form {known}", known = known())]
    Format {
        /// The form it has.
        found: String,
    },
    /// The store cannot read it now.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn known() -> String {
    String::from_utf8_lossy(FORMAT).into_owned()
}

/// What was saved of one consumer's deliveries.
#[derive(Default)]
pub(crate) struct Saved {
    /// The positions of deliveries that are not settled.
    pub(crate) pending: Queue,
    /// Those of them that were tried.
    pub(crate) tried: BTreeMap<u64, Tried>,
    /// How it stands; none for a consumer that the bus does not know yet.
    pub(crate) standing: Option<Standing>,
}

/// A name with saved state that the configuration no longer has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Orphan {
    /// `consumer` or `aggregation`.
    pub(crate) kind: &'static str,
    /// Its name.
    pub(crate) name: String,
    /// Deliveries that are pending, or groups that are open.
    pub(crate) count: u64,
    /// The oldest event that they need.
    pub(crate) oldest: Option<u64>,
}

/// Checks that the state is in the form of this version. A new bus has none.
pub(crate) async fn check_format(partition: &dyn Partition) -> Result<(), RestoreError> {
    let about = all(partition, ABOUT, Bytes::new()).await?;
    let ledgers = all(partition, LEDGERS, Bytes::new()).await?;
    match about.first() {
        Some((_, format)) if format == FORMAT => Ok(()),
        Some((_, format)) => {
            Err(RestoreError::Format { found: String::from_utf8_lossy(format).into_owned() })
        }
        None if ledgers.is_empty() => Ok(()),
        None => Err(RestoreError::Format { found: "1".to_owned() }),
    }
}

/// Gives a new core the ledgers, and what was saved of groups.
pub(crate) async fn core(core: &mut Core, partition: &dyn Partition) -> Result<(), RestoreError> {
    let ledgers: BTreeMap<Bytes, Bytes> = all(partition, LEDGERS, Bytes::new()).await?.into_iter().collect();
    for receiver in core.consumers_mut() {
        receiver.ledger = ledger::<ConsumerLedger>(&ledgers, "consumer", &receiver.name)?;
    }
    for aggregator in core.aggregators_mut() {
        let name = aggregator.name().to_string();
        aggregator.restore_ledger(ledger::<AggregationLedger>(&ledgers, "aggregation", &name)?);
        self::aggregation(aggregator, partition, &name).await?;
        aggregator.restored();
    }
    Ok(())
}

/// Gives an aggregation what was saved of its groups.
async fn aggregation(
    aggregator: &mut Aggregator,
    partition: &dyn Partition,
    name: &str,
) -> Result<(), RestoreError> {
    let unreadable = |what: &str, key: &[u8]| {
        RestoreError::Unreadable(format!("{what} `{}` of aggregation `{name}`", shown(component(key, 1))))
    };
    let prefix = || key(&[name.as_bytes()]);
    let chunks = all(partition, PARTS, prefix()).await?;
    let mut chunks = chunks.iter().peekable();
    for (saved, head) in all(partition, GROUPS, prefix()).await? {
        let mut own = Vec::new();
        // Both spaces are in the same order, and a chunk's key begins with its group's.
        while let Some((chunk, value)) = chunks.next_if(|(chunk, _)| chunk.starts_with(&saved)) {
            own.push((position(chunk).unwrap_or_default(), value.clone()));
        }
        let group = component(&saved, 1).ok_or_else(|| unreadable("group", &saved))?;
        aggregator.restore(group, &head, &own).map_err(|_| unreadable("group", &saved))?;
    }
    if let Some((chunk, _)) = chunks.next() {
        return Err(unreadable("a part of group", chunk));
    }
    for (saved, value) in all(partition, ENDED, prefix()).await? {
        let group = component(&saved, 1).ok_or_else(|| unreadable("ended group", &saved))?;
        aggregator.restore_ended(group, &value).map_err(|_| unreadable("ended group", &saved))?;
    }
    for (saved, value) in all(partition, USUAL, prefix()).await? {
        let part = component(&saved, 1).ok_or_else(|| unreadable("part", &saved))?;
        aggregator.restore_usual(part.to_owned(), &value).map_err(|_| unreadable("part", &saved))?;
    }
    Ok(())
}

/// Returns what was saved of a consumer.
pub(crate) async fn consumer(partition: &dyn Partition, name: &str) -> Result<Saved, RestoreError> {
    let unreadable = |what: &str| RestoreError::Unreadable(format!("{what} of consumer `{name}`"));
    let prefix = key(&[name.as_bytes()]);
    let pending = queue(partition, PENDING, &prefix).await?.ok_or_else(|| unreadable("the queue"))?;
    let mut tried = BTreeMap::new();
    for (key, value) in all(partition, TRIED, prefix.clone()).await? {
        let record = position(&key).zip(parse::<Tried>(&value));
        let (position, record) = record.ok_or_else(|| unreadable("a pending delivery"))?;
        tried.insert(position, record);
    }
    let standing = all(partition, CONSUMERS, prefix.clone()).await?;
    let standing = standing.into_iter().find(|(key, _)| *key == prefix);
    let standing = standing.map(|(_, value)| parse(&value).ok_or_else(|| unreadable("the standing")));
    Ok(Saved { pending, tried, standing: standing.transpose()? })
}

/// Returns the positions of all dead letters, by consumer; also of those that are not configured any more.
pub(crate) async fn letters(partition: &dyn Partition) -> Result<BTreeMap<String, Queue>, RestoreError> {
    queues(partition, LETTERS).await
}

/// Returns the replays, by name.
pub(crate) async fn replays(partition: &dyn Partition) -> Result<Vec<ReplayRecord>, RestoreError> {
    let saved = all(partition, REPLAYS, Bytes::new()).await?;
    let read = |(key, value): (Bytes, Bytes)| {
        let unreadable = || RestoreError::Unreadable(format!("replay `{}`", shown(component(&key, 0))));
        parse(&value).ok_or_else(unreadable)
    };
    saved.into_iter().map(read).collect()
}

/// Returns the names that are not configured for this bus and have deliveries pending or groups open.
pub(crate) async fn orphans(core: &Core, partition: &dyn Partition) -> Result<Vec<Orphan>, RestoreError> {
    let known = |name: &str| core.consumers().iter().any(|receiver| *receiver.name == *name);
    let pending = queues(partition, PENDING).await?;
    let mut orphans: Vec<Orphan> = pending
        .into_iter()
        .filter(|(name, _)| !known(name))
        .map(|(name, queue)| Orphan { kind: "consumer", name, count: queue.len(), oldest: queue.first() })
        .collect();
    let known = |name: &str| core.aggregators().iter().any(|aggregator| **aggregator.name() == *name);
    let mut groups: BTreeMap<String, u64> = BTreeMap::new();
    for (key, _) in all(partition, GROUPS, Bytes::new()).await? {
        if let Some(name) = component(&key, 0).filter(|name| !known(name)) {
            *groups.entry(name.to_owned()).or_default() += 1;
        }
    }
    let groups = groups.into_iter();
    orphans.extend(groups.map(|(name, count)| Orphan { kind: "aggregation", name, count, oldest: None }));
    Ok(orphans)
}

/// Returns the queues of a space by name.
async fn queues(partition: &dyn Partition, space: Space) -> Result<BTreeMap<String, Queue>, RestoreError> {
    let mut chunks: BTreeMap<String, Vec<(u64, Bytes)>> = BTreeMap::new();
    for (key, value) in all(partition, space, Bytes::new()).await? {
        let chunk = component(&key, 0).zip(position(&key));
        let (name, chunk) = chunk.ok_or_else(|| RestoreError::Unreadable("a queue's name".to_owned()))?;
        chunks.entry(name.to_owned()).or_default().push((chunk, value));
    }
    let read = |(name, chunks): (String, Vec<(u64, Bytes)>)| {
        let queue = Queue::restore(chunks)
            .ok_or_else(|| RestoreError::Unreadable(format!("a queue of consumer `{name}`")))?;
        Ok((name, queue))
    };
    chunks.into_iter().map(read).collect()
}

async fn queue(
    partition: &dyn Partition,
    space: Space,
    prefix: &Bytes,
) -> Result<Option<Queue>, store::Error> {
    let saved = all(partition, space, prefix.clone()).await?;
    let chunks: Option<Vec<(u64, Bytes)>> =
        saved.into_iter().map(|(key, value)| Some((position(&key)?, value))).collect();
    Ok(chunks.and_then(Queue::restore))
}

/// Reads all keys of a space that begin with a prefix, page by page.
async fn all(
    partition: &dyn Partition,
    space: Space,
    prefix: Bytes,
) -> Result<Vec<(Bytes, Bytes)>, store::Error> {
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|(key, _): &(Bytes, Bytes)| key.clone());
        let page = partition.scan(Scan { space, prefix: prefix.clone(), after, limit: PAGE }).await?;
        let is_last = page.len() < PAGE;
        found.extend(page);
        if is_last {
            return Ok(found);
        }
    }
}

fn ledger<T: DeserializeOwned + Default>(
    ledgers: &BTreeMap<Bytes, Bytes>,
    kind: &str,
    name: &str,
) -> Result<T, RestoreError> {
    let Some(value) = ledgers.get(&ledger_key(kind, name)) else { return Ok(T::default()) };
    parse(value).ok_or_else(|| RestoreError::Unreadable(format!("the ledger of {kind} `{name}`")))
}

fn position(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Returns one of the components of a key.
fn component(mut key: &[u8], place: usize) -> Option<&str> {
    for _ in 0..place {
        let (length, rest) = key.split_first_chunk::<4>()?;
        key = rest.get(u32::from_be_bytes(*length) as usize..)?;
    }
    let (length, rest) = key.split_first_chunk::<4>()?;
    let found = rest.get(..u32::from_be_bytes(*length) as usize)?;
    str::from_utf8(found).ok()
}

fn shown(name: Option<&str>) -> &str {
    name.unwrap_or("?")
}

pub(crate) fn parse<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}
