//! Which alternative a field that does not hold came closest to, and what it lacks.

use serde::Serialize;

use super::difference::Difference;
use crate::condition::Condition;
use crate::value::Value;

/// The limit on alternatives of one field that are looked at for the closest.
pub(crate) const WANTED_MAX: usize = 100;

/// The alternative that a value in the event came closest to fulfilling.
///
/// Closest is, in this order:
///
/// 1. what differs in case or white space alone, or would do as another kind: `"3"` where `3` is wanted;
/// 2. what is of the wanted kind, by the share of the wanted text that is there from its beginning (from its end for a
///    suffix, piece by piece for a wildcard), or by how far the number is from the nearest one that would do;
/// 3. what `anything-but` excludes, and what is there though nothing should be;
/// 4. what is of another kind.
///
/// Of equals the first alternative counts, then the first value. The first 100 alternatives are looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Closest {
    /// The alternative, counted from 0.
    pub wanted: usize,
    /// The value, counted from 0.
    pub found: usize,
    /// What the value lacks, in one line: `"paid" differs in case`. Texts in it are cut as in the explanation's own.
    pub why: String,
}

/// One alternative and one value.
struct Pair<'a> {
    wanted: usize,
    found: usize,
    difference: Difference<'a>,
}

/// Compares each condition with each value; `wanted` and `found` are what both are written as.
pub(super) fn closest(
    conditions: &[Condition],
    values: &[Value<'_>],
    wanted: &[String],
    found: &[String],
) -> Option<Closest> {
    let conditions = conditions.iter().enumerate().take(WANTED_MAX);
    let pairs = conditions.flat_map(|(wanted, condition)| {
        let values = values.iter().enumerate();
        values.map(move |(found, value)| Pair { wanted, found, difference: Difference::of(condition, value) })
    });
    let nearest =
        pairs.min_by(|left, right| left.difference.distance().total_cmp(&right.difference.distance()))?;
    let (alternative, value) = (wanted.get(nearest.wanted)?, found.get(nearest.found)?);
    let why = nearest.difference.say(alternative, value);
    Some(Closest { wanted: nearest.wanted, found: nearest.found, why })
}
