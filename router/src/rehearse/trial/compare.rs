//! How the groups of two rules differ.
//!
//! Groups of one key whose first part came at the same time, and that stand for the same window, are compared. Between
//! those the groups that are left are compared in their order: the first with the first, and so on; what is left then has
//! nothing to be compared with.

use std::cmp::Ordering;

use api::GroupDifference;

use super::LISTED_MAX;
use super::outcome::{Born, Outcome};

/// How the groups of two rules differ.
#[derive(Default)]
pub(super) struct Compared {
    /// How many groups are alike.
    pub(super) same: u64,
    /// How many differ.
    pub(super) different: u64,
    /// Those that are listed, in the order in which their first parts came.
    pub(super) listed: Vec<GroupDifference>,
}

/// A group under one rule, the other, or both.
type Pair<'a> = (Option<&'a Outcome>, Option<&'a Outcome>);

/// Compares groups, each list by key and by when their first parts came. `room` is how many bytes may be listed still.
pub(super) fn compare(now: &[Outcome], tried: &[Outcome], room: &mut usize) -> Compared {
    let mut compared = Compared::default();
    let mut differing = Vec::new();
    for pair in pairs(now, tried) {
        if let (Some(now), Some(tried)) = pair
            && now.is_like(tried)
        {
            compared.same += 1;
        } else {
            differing.push(pair);
        }
    }
    compared.different = differing.len() as u64;
    differing.sort_by_key(|pair| born(*pair));
    for pair in differing.into_iter().take(LISTED_MAX) {
        let bytes = [pair.0, pair.1].into_iter().flatten().map(Outcome::bytes).sum();
        let Some(left) = room.checked_sub(bytes) else { break };
        *room = left;
        compared.listed.push(difference(pair));
    }
    compared
}

/// Puts together what is to be compared.
fn pairs<'a>(now: &'a [Outcome], tried: &'a [Outcome]) -> Vec<Pair<'a>> {
    let (mut now, mut tried) = (now.iter().peekable(), tried.iter().peekable());
    let mut pairs = Vec::new();
    let mut run = Run::default();
    loop {
        let order = match (now.peek(), tried.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(now), Some(tried)) => now.place().cmp(&tried.place()),
        };
        let pair = match order {
            Ordering::Less => (now.next(), None),
            Ordering::Greater => (None, tried.next()),
            Ordering::Equal => (now.next(), tried.next()),
        };
        let key = pair.0.or(pair.1).map(|outcome| outcome.key.as_str());
        if order == Ordering::Equal || key != run.key {
            run.end(&mut pairs);
            run.key = key;
        }
        if order == Ordering::Equal {
            pairs.push(pair);
        } else {
            run.now.extend(pair.0);
            run.tried.extend(pair.1);
        }
    }
    run.end(&mut pairs);
    pairs
}

/// Groups of one key between those that have a like.
#[derive(Default)]
struct Run<'a> {
    key: Option<&'a str>,
    now: Vec<&'a Outcome>,
    tried: Vec<&'a Outcome>,
}

impl<'a> Run<'a> {
    fn end(&mut self, pairs: &mut Vec<Pair<'a>>) {
        let (now, tried) = (std::mem::take(&mut self.now), std::mem::take(&mut self.tried));
        let count = now.len().max(tried.len());
        pairs.extend((0..count).map(|at| (now.get(at).copied(), tried.get(at).copied())));
    }
}

fn born((now, tried): Pair<'_>) -> Option<Born> {
    now.into_iter().chain(tried).map(|outcome| outcome.born).min()
}

fn difference((now, tried): Pair<'_>) -> GroupDifference {
    let key = now.or(tried).map(|outcome| outcome.key.clone()).unwrap_or_default();
    let group = |outcome: Option<&Outcome>| outcome.map(|outcome| outcome.group.clone());
    GroupDifference { key, now: group(now), tried: group(tried) }
}
