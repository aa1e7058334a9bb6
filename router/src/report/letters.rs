//! Dead letters, read from the log and chosen by what they say.

use std::cmp::Reverse;
use std::sync::Arc;

use api::{DeadLetter, DeadLetterFilter, DeadLetterReport};
use event::stored::Stored;

use super::{raw, readable};
use crate::bus::Bus;
use crate::orders::{Order, OrderError};
use crate::pipeline::letter_of;
use crate::queue::Queue;
use crate::router::Shared;
use crate::state::record::Letter;

/// Dead letters of one consumer that are looked through for one event.
const LOOKED_THROUGH_MAX: usize = 1_000;

/// What becomes of the dead letters that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are queued for their consumer again.
    Redrive,
    /// They are forgotten.
    Purge,
}

/// Returns at most `limit` dead letters that a filter wants, those given up last first.
pub(crate) async fn list(shared: &Shared, filter: &DeadLetterFilter, limit: usize) -> Vec<DeadLetter> {
    let mut found = Vec::new();
    for bus in shared.buses() {
        for (consumer, mut positions) in chosen(bus, filter) {
            // The newest stand last in the log, and only so many of each consumer can be among the newest of all.
            positions.reverse();
            let mut of_this = 0;
            for position in positions {
                let letter =
                    read(bus, position).await.filter(|(letter, stored)| wants(filter, letter, stored));
                if let Some((letter, stored)) = letter {
                    found.push((bus, letter, stored));
                    of_this += 1;
                }
                if of_this == limit {
                    break;
                }
            }
            tracing::trace!(consumer, of_this, "dead letters looked through");
        }
    }
    found.sort_by_key(|(_, letter, _)| Reverse(letter.at));
    found.truncate(limit);
    found.into_iter().map(|(bus, letter, stored)| shown(bus, letter, &stored)).collect()
}

/// Redrives or purges at most `limit` dead letters that a filter wants, those given up first first, or says how many it
/// would be.
pub(crate) async fn settle(
    shared: &Shared,
    filter: &DeadLetterFilter,
    limit: usize,
    fate: Option<Fate>,
) -> Result<DeadLetterReport, OrderError> {
    let mut report = DeadLetterReport { done: 0, left: 0 };
    let mut room = limit;
    for bus in shared.buses() {
        for (consumer, positions) in chosen(bus, filter) {
            let mut wanted = Vec::new();
            for position in positions {
                let letter = read(bus, position).await;
                if letter.is_some_and(|(letter, stored)| wants(filter, &letter, &stored)) {
                    wanted.push(position);
                }
            }
            let taken = wanted.len().min(room);
            report.left += (wanted.len() - taken) as u64;
            room -= taken;
            wanted.truncate(taken);
            report.done += carry_out(bus, &consumer, wanted, fate).await?;
        }
    }
    Ok(report)
}

async fn carry_out(
    bus: &Bus,
    consumer: &str,
    letters: Vec<u64>,
    fate: Option<Fate>,
) -> Result<u64, OrderError> {
    if letters.is_empty() {
        return Ok(0);
    }
    let consumer = consumer.to_owned();
    match fate {
        None => Ok(letters.len() as u64),
        Some(Fate::Redrive) => bus.order(Order::Redrive { consumer, letters }).await,
        Some(Fate::Purge) => bus.order(Order::Purge { consumer, letters }).await,
    }
}

/// Returns the dead letter of an event, of the newest ones that a consumer has.
pub(crate) async fn of_event(bus: &Bus, consumer: &str, position: u64) -> Option<Letter> {
    let after: Vec<u64> = {
        let letters = bus.letters();
        let queue = letters.get(consumer)?;
        queue.iter_from(position).take(LOOKED_THROUGH_MAX).collect()
    };
    for at in after {
        if let Some((letter, _)) = read(bus, at).await
            && letter.position == position
        {
            return Some(letter);
        }
    }
    None
}

/// Returns the positions of the dead letters that a filter may want, by consumer, in order.
fn chosen(bus: &Arc<Bus>, filter: &DeadLetterFilter) -> Vec<(String, Vec<u64>)> {
    let letters = bus.letters();
    let named = letters.iter().filter(|(name, _)| filter.consumer.as_ref().is_none_or(|one| one == *name));
    let positions = |queue: &Queue| queue.iter().collect();
    named.map(|(name, queue)| (name.clone(), positions(queue))).collect()
}

async fn read(bus: &Bus, position: u64) -> Option<(Letter, Stored)> {
    let stored = readable(bus, position).await?;
    Some((letter_of(&stored)?, stored))
}

fn wants(filter: &DeadLetterFilter, letter: &Letter, stored: &Stored) -> bool {
    let is = |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let event = &stored.event;
    is(&filter.id, &event.id)
        && is(&filter.r#type, &event.kind)
        && is(&filter.source, &event.source)
        && filter.reason.as_ref().is_none_or(|text| letter.reason.contains(text.as_str()))
        && filter.since.is_none_or(|since| letter.at >= since)
        && filter.until.is_none_or(|until| letter.at <= until)
        && filter.position.is_none_or(|position| letter.position == position)
}

fn shown(bus: &Bus, letter: Letter, stored: &Stored) -> DeadLetter {
    DeadLetter {
        consumer: letter.consumer,
        bus: bus.name().to_owned(),
        position: letter.position,
        id: stored.event.id.clone(),
        reason: letter.reason,
        at: letter.at,
        attempts: letter.attempts,
        rule: letter.rule,
        event: raw(stored).unwrap_or_else(|| serde_json::value::RawValue::NULL.to_owned()),
    }
}
