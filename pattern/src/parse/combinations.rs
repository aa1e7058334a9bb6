//! What `$or` expands to.

use std::ops::Range;

use crate::compiled::Branch;

/// A run, as an index: one combination is the last of its runs.
pub(super) type Combination = u32;

/// The combinations that the fields read so far make up.
///
/// Fields are written down once, as runs that stand next to each other in the text, and not once for each
/// combination: what a pattern costs before it is whole does not depend on how many there are.
pub(super) struct Combinations {
    runs: Vec<Run>,
    /// Those that the next field belongs to.
    current: Vec<Combination>,
    /// The first field that is not in a run yet.
    open: u32,
}

struct Run {
    fields: Range<u32>,
    before: Option<u32>,
    /// How many fields there are in this run and those before it.
    total: usize,
}

impl Combinations {
    /// Starts with one combination, of no fields.
    pub(super) fn new() -> Self {
        let first = Run { fields: 0..0, before: None, total: 0 };
        Self { runs: vec![first], current: vec![0], open: 0 }
    }

    /// Goes on from the given combinations.
    pub(super) fn go_on(&mut self, before: &[Combination]) {
        self.current.clear();
        self.current.extend_from_slice(before);
    }

    /// Moves the combinations to `list`, with all of the first `fields` fields that belong to them.
    pub(super) fn append_to(&mut self, list: &mut Vec<Combination>, fields: u32) {
        self.close(fields);
        list.append(&mut self.current);
    }

    /// Returns how many fields there are in all combinations together.
    pub(super) fn total(&mut self, fields: u32) -> usize {
        self.close(fields);
        self.current.iter().map(|run| self.runs[*run as usize].total).sum()
    }

    /// Puts what was read since the last run into a run that goes on from each combination.
    fn close(&mut self, fields: u32) {
        let run = self.open..fields;
        if run.is_empty() {
            return;
        }
        self.open = fields;
        for combination in &mut self.current {
            let total = self.runs[*combination as usize].total + run.len();
            self.runs.push(Run { fields: run.clone(), before: Some(*combination), total });
            *combination = index(self.runs.len() - 1);
        }
    }

    /// Writes out every combination. `ranks` gives for each field the place of its path among the paths in order;
    /// of fields with one path the last counts.
    pub(super) fn expand(self, ranks: &[u32]) -> Vec<Branch> {
        let places = ranks.iter().max().map_or(0, |rank| *rank as usize + 1);
        let mut chosen = vec![None; places];
        let expand = |combination: &Combination| {
            chosen.fill(None);
            let mut next = Some(*combination);
            while let Some(run) = next.map(|run| &self.runs[run as usize]) {
                for field in run.fields.clone().rev() {
                    chosen[ranks[field as usize] as usize].get_or_insert(field);
                }
                next = run.before;
            }
            Branch(chosen.iter().copied().flatten().collect())
        };
        self.current.iter().map(expand).collect()
    }
}

/// A text of 2^32 bytes is needed for as many of anything in it.
pub(super) fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
