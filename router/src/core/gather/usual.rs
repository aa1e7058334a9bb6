//! [`Usual`]: when the parts of a name usually come, learned from the groups so far.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use event::Timestamp;
use serde::{Deserialize, Serialize};

/// Names that are remembered; past it the one that did not come for longest is forgotten.
const NAMES_MAX: usize = 1_000;
/// The latest arrivals of a name that count.
const ARRIVALS_MAX: usize = 32;
/// Fewer say nothing.
const ARRIVALS_MIN: usize = 3;

/// When the parts of each name came in past groups.
#[derive(Default)]
pub(crate) struct Usual {
    names: BTreeMap<String, Arrivals>,
    groups: u64,
    changed: BTreeSet<String>,
}

/// When the parts of one name came, in milliseconds from what its groups are measured by: their deadline where that is a
/// time of day, else their first part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    after_ms: Vec<i64>,
    /// Where the next one is put, once there are as many as count.
    next: usize,
    /// The last group that had it.
    group: u64,
}

impl Usual {
    /// Takes back what was saved.
    pub(crate) fn restore(&mut self, name: String, arrivals: Arrivals) {
        self.groups = self.groups.max(arrivals.group);
        self.names.insert(name, arrivals);
    }

    /// Learns from one group when its parts came, measured from an instant.
    pub(crate) fn learn<'p>(
        &mut self,
        from: Timestamp,
        parts: impl Iterator<Item = (&'p str, Timestamp)>,
    ) -> Vec<String> {
        self.groups += 1;
        let mut forgotten = Vec::new();
        for (name, received) in parts {
            if !self.names.contains_key(name) {
                forgotten.extend(self.make_room());
                self.names.insert(name.to_owned(), Arrivals::default());
            }
            if let Some(arrivals) = self.names.get_mut(name) {
                arrivals.add((received.as_micros() - from.as_micros()) / 1_000);
                arrivals.group = self.groups;
            }
            self.changed.insert(name.to_owned());
        }
        forgotten
    }

    /// Returns when nine of ten parts of a name had come in past groups, measured from an instant.
    pub(crate) fn by(&self, name: &str, from: Timestamp) -> Option<Timestamp> {
        let after_ms = self.names.get(name)?.ninety()?;
        let after = Duration::from_millis(after_ms.unsigned_abs());
        Some(if after_ms < 0 { from.before(after) } else { from.after(after) })
    }

    /// Returns what was learned since this was asked last, to be saved.
    pub(crate) fn changes(&mut self) -> Vec<(String, Arrivals)> {
        let changed = std::mem::take(&mut self.changed).into_iter();
        changed.filter_map(|name| Some((name.clone(), self.names.get(&name)?.clone()))).collect()
    }

    fn make_room(&mut self) -> Option<String> {
        if self.names.len() < NAMES_MAX {
            return None;
        }
        let oldest = self.names.iter().min_by_key(|(_, arrivals)| arrivals.group)?.0.clone();
        self.names.remove(&oldest);
        self.changed.remove(&oldest);
        Some(oldest)
    }
}

impl Arrivals {
    fn add(&mut self, after_ms: i64) {
        if self.after_ms.len() < ARRIVALS_MAX {
            self.after_ms.push(after_ms);
        } else {
            self.after_ms[self.next % ARRIVALS_MAX] = after_ms;
        }
        self.next = (self.next + 1) % ARRIVALS_MAX;
    }

    fn ninety(&self) -> Option<i64> {
        if self.after_ms.len() < ARRIVALS_MIN {
            return None;
        }
        let mut sorted = self.after_ms.clone();
        sorted.sort_unstable();
        sorted.get((sorted.len() * 9).div_ceil(10) - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn nine_of_ten_arrivals_say_when_a_part_usually_comes() {
        let mut usual = Usual::default();
        for day in 0..10 {
            let deadline = at(day * 86_400);
            // An hour before the deadline, and once ten minutes before it.
            let early = if day == 4 { 600 } else { 3_600 + day };
            usual.learn(deadline, [("nice", at(day * 86_400 - early))].into_iter());
            let known = usual.by("nice", deadline).is_some();
            assert_eq!(known, day >= 2);
        }
        assert_eq!(usual.by("nice", at(1_000_000)), Some(at(1_000_000 - 3_600)));
        assert_eq!(usual.by("oslo", at(1_000_000)), None);
    }

    #[test]
    fn the_name_that_did_not_come_for_longest_is_forgotten() {
        let mut usual = Usual::default();
        let names: Vec<String> = (0..NAMES_MAX).map(|number| format!("n{number}")).collect();
        usual.learn(at(0), names.iter().map(|name| (name.as_str(), at(1))));
        usual.learn(at(0), names.iter().skip(1).map(|name| (name.as_str(), at(1))));
        assert_eq!(usual.learn(at(0), [("new", at(1))].into_iter()), ["n0"]);
        assert_eq!(usual.changes().len(), NAMES_MAX);
        assert!(usual.changes().is_empty());
    }
}
