//! How much work the wildcards of a field can cause.
//!
//! The figure is the number of beginnings of wildcard patterns that one value can be in the middle of at once.
//! `*:*:*` has a high figure: after a few colons every star and every colon may be where the value stands.

mod set;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::condition::Condition;
use crate::wildcard::Wildcard;

use set::{Full, Set};

/// A field's wildcards may be this complex and no more.
const COMPLEXITY_MAX: usize = 10;

/// How many sets of beginnings are looked at for one field, beyond four for each beginning, before giving up.
const FIELD_SETS_MAX: usize = 10_000;

/// How many are looked at for all fields of a pattern, beyond one for each byte of its text.
const PATTERN_SETS_MAX: usize = 30_000;

/// Measures the wildcards of one pattern, field by field.
pub(crate) struct Complexity {
    max: usize,
    /// How many sets may still be looked at.
    sets_left: usize,
}

impl Complexity {
    /// Starts on a pattern with a text of so many bytes.
    pub(crate) fn new(text_len: usize) -> Self {
        Self { max: COMPLEXITY_MAX, sets_left: PATTERN_SETS_MAX + text_len }
    }

    /// Returns whether the wildcards among a field's conditions are too complex, or too complex to tell.
    pub(crate) fn exceeded(&mut self, conditions: &[Condition]) -> bool {
        if conditions.iter().flat_map(Condition::wildcards).map(most).sum::<usize>() <= self.max {
            return false;
        }
        let beginnings = Beginnings::of(conditions);
        let sets_max = self.sets_left.min(FIELD_SETS_MAX + 4 * beginnings.nodes.len());
        let mut seen = HashSet::with_hasher(FixedState::default());
        let mut waiting = vec![Set::of(0)];
        while let Some(set) = waiting.pop() {
            let visit = |next| {
                if seen.insert(next) {
                    waiting.push(next);
                }
            };
            let full = beginnings.followers(&set, visit).is_err();
            if full || beginnings.size(&set) > self.max || seen.len() > sets_max {
                return true;
            }
        }
        self.sets_left -= seen.len();
        false
    }
}

/// Returns how many beginnings of one pattern a value can be in the middle of at the very most.
///
/// Up to the first star there is one, and the star may stand for nothing; from there on each byte, each star and the
/// closing quote may be another.
fn most(wildcard: &Wildcard) -> usize {
    let after = wildcard.pieces().iter().skip(1);
    after.map(|piece| 1 + piece.len()).sum::<usize>().max(1) + 1
}

/// A tree of all beginnings of the patterns, each written with its quotes.
struct Beginnings {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    is_star: bool,
    is_end: bool,
    /// Sorted by byte once the tree is whole; a quote may lead to several ends.
    children: Vec<(u8, u32)>,
    star: Option<u32>,
    /// The conditions that begin like this.
    conditions: Vec<usize>,
}

impl Beginnings {
    fn of(conditions: &[Condition]) -> Self {
        let mut beginnings = Self { nodes: vec![Node::default()] };
        for (condition, wildcards) in conditions.iter().map(Condition::wildcards).enumerate() {
            let mut end = None;
            for wildcard in wildcards {
                let mut node = beginnings.byte(0, b'"', condition);
                for (index, piece) in wildcard.pieces().iter().enumerate() {
                    if index > 0 {
                        node = beginnings.star(node, condition);
                    }
                    for byte in piece.bytes() {
                        node = beginnings.byte(node, byte, condition);
                    }
                }
                beginnings.end(node, &mut end, condition);
            }
        }
        for node in &mut beginnings.nodes {
            node.children.sort_unstable();
        }
        beginnings
    }

    fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    fn node_mut(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    fn add(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        index(self.nodes.len() - 1)
    }

    fn byte(&mut self, node: u32, byte: u8, condition: usize) -> u32 {
        let mut children = self.node(node).children.iter();
        let known = children.find(|(name, child)| *name == byte && !self.node(*child).is_end);
        let known = known.map(|(_, child)| *child);
        let child = known.unwrap_or_else(|| self.add(Node::default()));
        if known.is_none() {
            self.node_mut(node).children.push((byte, child));
        }
        self.mark(child, condition)
    }

    /// Closes a pattern. All patterns of one condition have one end.
    fn end(&mut self, node: u32, end: &mut Option<u32>, condition: usize) {
        let fresh = || Node { is_end: true, conditions: vec![condition], ..Node::default() };
        let end = *end.get_or_insert_with(|| self.add(fresh()));
        self.node_mut(node).children.push((b'"', end));
    }

    fn star(&mut self, node: u32, condition: usize) -> u32 {
        let star = match self.node(node).star {
            Some(star) => star,
            None => self.add(Node { is_star: true, ..Node::default() }),
        };
        self.node_mut(node).star = Some(star);
        self.mark(star, condition)
    }

    fn mark(&mut self, node: u32, condition: usize) -> u32 {
        let conditions = &mut self.node_mut(node).conditions;
        if conditions.last() != Some(&condition) {
            conditions.push(condition);
        }
        node
    }

    fn children(&self, node: u32, byte: u8) -> impl Iterator<Item = u32> + '_ {
        let children = &self.node(node).children;
        let start = children.partition_point(|(name, _)| *name < byte);
        children[start..].iter().take_while(move |(name, _)| *name == byte).map(|(_, child)| *child)
    }

    /// Visits the sets that one more byte leads to, until all were visited that are reached from them too.
    ///
    /// A byte that only follows the set's stars leads where it leads from the stars alone, and the stars alone are
    /// what any byte leads to that nothing in the set is followed by. So such bytes are left to that set.
    fn followers(&self, set: &Set, mut visit: impl FnMut(Set)) -> Result<(), Full> {
        let mut stars = Set::default();
        for node in set.as_slice() {
            let itself = Some(*node).filter(|node| self.node(*node).is_star);
            for star in itself.into_iter().chain(self.node(*node).star) {
                stars.insert(star)?;
            }
        }
        if stars != Set::default() {
            visit(stars);
        }
        let named = set.as_slice().iter().filter(|node| stars == *set || !self.node(**node).is_star);
        for (byte, _) in named.flat_map(|node| &self.node(*node).children) {
            let mut next = stars;
            for node in stars.as_slice().iter().chain(set.as_slice()) {
                for child in self.children(*node, *byte) {
                    next.insert(child)?;
                }
            }
            visit(next);
        }
        Ok(())
    }

    /// Returns how many conditions the beginnings lead to, a star that may stand for nothing included.
    fn size(&self, set: &Set) -> usize {
        let nodes = set.as_slice().iter();
        nodes
            .map(|node| {
                let star = self.node(*node).star.filter(|star| !set.contains(*star));
                self.node(*node).conditions.len() + star.map_or(0, |star| self.node(star).conditions.len())
            })
            .sum()
    }
}

/// A text of 2^32 bytes is needed for as many beginnings.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
