//! [`Tail`]: the last hops, what the filter leaves of them, and which one is selected.

use std::collections::VecDeque;

use event::{Hop, Timestamp};

use crate::state::Motion;
use crate::words;

/// How many hops are kept; the oldest go.
pub(crate) const HOPS_MAX: usize = 2_000;
/// How many hops wait while the tail is paused; the oldest go and are counted.
pub(crate) const HELD_MAX: usize = 2_000;
/// How many earlier hops a new tail begins with.
pub(crate) const BACKFILL: usize = 200;

/// The live tail.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    hops: VecDeque<Numbered>,
    /// Hops that came while paused.
    held: VecDeque<Hop>,
    /// Hops that came while paused and did not fit.
    pub(crate) skipped: u64,
    pub(crate) paused: bool,
    /// The text a line must contain; empty for all lines.
    pub(crate) filter: String,
    /// Whether keys go to the filter.
    pub(crate) editing: bool,
    /// The selected hop; none follows the newest.
    selected: Option<u64>,
    /// Why there is no tail now.
    pub(crate) lost: Option<String>,
    next_number: u64,
    /// After a reconnection: the newest hop known, and how many hops may yet repeat known ones.
    repeats: Option<(Timestamp, usize)>,
}

/// A hop and its place in the order of arrival.
#[derive(Debug)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) hop: Hop,
}

impl Tail {
    /// Prepares for a tail that begins with earlier hops, some of which are known already.
    pub(crate) fn open(&mut self) {
        self.lost = None;
        let newest = self.hops.iter().map(|kept| &kept.hop).chain(&self.held).map(|hop| hop.ended).max();
        self.repeats = newest.map(|newest| (newest, BACKFILL));
    }

    /// Takes hops as they come.
    pub(crate) fn take(&mut self, hops: Vec<Hop>) {
        for hop in hops {
            if self.is_repeat(&hop) {
                continue;
            }
            if !self.paused {
                self.keep(hop);
                continue;
            }
            if self.held.len() >= HELD_MAX {
                self.held.pop_front();
                self.skipped += 1;
            }
            self.held.push_back(hop);
        }
    }

    /// Pauses, or goes on with what came meanwhile.
    pub(crate) fn toggle_pause(&mut self) {
        self.paused = !self.paused;
        if !self.paused {
            self.skipped = 0;
            for hop in std::mem::take(&mut self.held) {
                self.keep(hop);
            }
        }
    }

    /// Moves the selection; reaching the end follows the newest hop again.
    pub(crate) fn go(&mut self, motion: Motion, page: usize) {
        let numbers: Vec<u64> = self.visible().iter().map(|kept| kept.number).collect();
        let to = motion.from(self.position_of(&numbers), numbers.len(), page);
        let is_last = to + 1 >= numbers.len();
        self.selected = if is_last { None } else { numbers.get(to).copied() };
    }

    /// Follows the newest hop.
    pub(crate) fn follow(&mut self) {
        self.selected = None;
    }

    /// Returns whether the newest hop is selected as it comes.
    pub(crate) fn is_following(&self) -> bool {
        self.selected.is_none()
    }

    /// Returns the hops that the filter leaves, oldest first.
    pub(crate) fn visible(&self) -> Vec<&Numbered> {
        let wanted = self.filter.to_lowercase();
        self.hops.iter().filter(|kept| wanted.is_empty() || mentions(&kept.hop, &wanted)).collect()
    }

    /// Returns which of the visible hops is selected.
    pub(crate) fn index_in(&self, visible: &[&Numbered]) -> usize {
        let numbers: Vec<u64> = visible.iter().map(|kept| kept.number).collect();
        self.position_of(&numbers)
    }

    /// Returns the selected hop.
    pub(crate) fn current(&self) -> Option<&Hop> {
        let visible = self.visible();
        visible.get(self.index_in(&visible)).map(|kept| &kept.hop)
    }

    /// Returns how many hops are kept.
    pub(crate) fn len(&self) -> usize {
        self.hops.len()
    }

    /// Returns how many hops came while paused.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    fn position_of(&self, numbers: &[u64]) -> usize {
        let last = numbers.len().saturating_sub(1);
        self.selected.map_or(last, |selected| numbers.partition_point(|number| *number < selected).min(last))
    }

    fn keep(&mut self, hop: Hop) {
        if self.hops.len() >= HOPS_MAX {
            self.hops.pop_front();
        }
        self.hops.push_back(Numbered { number: self.next_number, hop });
        self.next_number += 1;
    }

    fn is_repeat(&mut self, hop: &Hop) -> bool {
        let Some((newest, left)) = &mut self.repeats else { return false };
        let repeat = hop.ended <= *newest;
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.repeats = None;
        }
        repeat
    }
}

/// Returns whether a hop's line contains a text that is in lower case.
fn mentions(hop: &Hop, wanted: &str) -> bool {
    let holds = |text: &str| text.to_lowercase().contains(wanted);
    holds(&hop.event) || holds(&hop.bus) || holds(hop.step.name()) || holds(&words::step(&hop.step))
}
