//! How much work the wildcards of a field can cause.
//!
//! The figure is the number of beginnings of wildcard patterns that one value can be in the middle of at once.
//! `*:*:*` has a high figure: after a few colons every star and every colon may be where the value stands.

use std::collections::HashSet;

use crate::condition::Condition;

/// A field's wildcards may be this complex and no more.
pub(crate) const COMPLEXITY_MAX: usize = 10;

/// How many sets of beginnings are looked at, beyond a few for each beginning, before giving up.
const SETS_MAX: usize = 10_000;

/// Stands for every byte that no pattern names.
const OTHER: Option<u8> = None;

/// Returns whether the wildcards among a field's conditions are more complex than `max`.
pub(crate) fn exceeds(conditions: &[Condition], max: usize) -> bool {
    let beginnings = Beginnings::of(conditions);
    if beginnings.nodes.len() == 1 {
        return false;
    }
    let sets_max = SETS_MAX + 4 * beginnings.nodes.len();
    let mut seen = HashSet::new();
    let mut waiting = vec![vec![0]];
    while let Some(set) = waiting.pop() {
        if beginnings.size(&set) > max || seen.len() > sets_max {
            return true;
        }
        for byte in beginnings.bytes.iter().copied().map(Some).chain([OTHER]) {
            let next = beginnings.advance(&set, byte);
            if !next.is_empty() && seen.insert(next.clone()) {
                waiting.push(next);
            }
        }
    }
    false
}

/// A tree of all beginnings of the patterns, each written with its quotes.
struct Beginnings {
    nodes: Vec<Node>,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Node {
    is_star: bool,
    is_end: bool,
    children: Vec<(u8, usize)>,
    star: Option<usize>,
    /// The conditions that begin like this.
    conditions: Vec<usize>,
}

impl Beginnings {
    fn of(conditions: &[Condition]) -> Self {
        let mut beginnings = Self { nodes: vec![Node::default()], bytes: Vec::new() };
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
        let mut bytes: Vec<u8> =
            beginnings.nodes.iter().flat_map(|node| &node.children).map(|child| child.0).collect();
        bytes.sort_unstable();
        bytes.dedup();
        beginnings.bytes = bytes;
        beginnings
    }

    fn byte(&mut self, node: usize, byte: u8, condition: usize) -> usize {
        let child = self.children(node, Some(byte)).find(|child| !self.nodes[*child].is_end);
        let child = child.unwrap_or_else(|| {
            let fresh = self.nodes.len();
            self.nodes.push(Node::default());
            self.nodes[node].children.push((byte, fresh));
            fresh
        });
        self.mark(child, condition)
    }

    /// Closes a pattern. All patterns of one condition have one end.
    fn end(&mut self, node: usize, end: &mut Option<usize>, condition: usize) {
        let end = *end.get_or_insert_with(|| {
            self.nodes.push(Node { is_end: true, conditions: vec![condition], ..Node::default() });
            self.nodes.len() - 1
        });
        self.nodes[node].children.push((b'"', end));
    }

    fn star(&mut self, node: usize, condition: usize) -> usize {
        let star = self.nodes[node].star.unwrap_or_else(|| {
            let fresh = self.nodes.len();
            self.nodes.push(Node { is_star: true, ..Node::default() });
            self.nodes[node].star = Some(fresh);
            fresh
        });
        self.mark(star, condition)
    }

    fn mark(&mut self, node: usize, condition: usize) -> usize {
        let conditions = &mut self.nodes[node].conditions;
        if conditions.last() != Some(&condition) {
            conditions.push(condition);
        }
        node
    }

    fn children(&self, node: usize, byte: Option<u8>) -> impl Iterator<Item = usize> + '_ {
        let children = self.nodes[node].children.iter();
        children.filter(move |(name, _)| Some(*name) == byte).map(|(_, child)| *child)
    }

    /// Returns the beginnings that end with the byte, those that a star lets through included.
    fn advance(&self, set: &[usize], byte: Option<u8>) -> Vec<usize> {
        let mut next = Vec::new();
        for node in set.iter().copied() {
            next.extend(self.children(node, byte));
            if self.nodes[node].is_star {
                next.push(node);
            }
            if let Some(star) = self.nodes[node].star {
                next.push(star);
                next.extend(self.children(star, byte));
            }
        }
        next.sort_unstable();
        next.dedup();
        next
    }

    /// Returns how many conditions the beginnings lead to, a star that may stand for nothing included.
    fn size(&self, set: &[usize]) -> usize {
        set.iter()
            .map(|node| {
                let star = self.nodes[*node].star.filter(|star| set.binary_search(star).is_err());
                let beyond = star.map_or(0, |star| self.nodes[star].conditions.len());
                self.nodes[*node].conditions.len() + beyond
            })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, exceeds};
    use crate::condition::Excluded;
    use crate::wildcard::Wildcard;

    fn check(conditions: &[Condition], figure: usize) {
        assert!(exceeds(conditions, figure - 1), "{conditions:?} is at least {figure}");
        assert!(!exceeds(conditions, figure), "{conditions:?} is at most {figure}");
    }

    fn wildcard(pattern: &str) -> Wildcard {
        Wildcard::parse(pattern).unwrap()
    }

    #[test]
    fn repeated_text_after_stars_makes_a_pattern_complex() {
        for (pattern, figure) in [
            ("*:*:*:*:*:event-bus/*", 11),
            ("/Users/*/dir/dir/dir/dir/dir/doc.txt", 7),
            ("a*b", 2),
            ("ab", 1),
        ] {
            check(&[Condition::Wildcard(wildcard(pattern))], figure);
        }
    }

    #[test]
    fn the_patterns_of_a_field_count_together() {
        let [foo, bar] = ["*foo*", "*bar*"].map(wildcard);
        check(&[Condition::Wildcard(foo.clone()), Condition::Wildcard(bar.clone())], 6);
        check(&[Condition::AnythingBut(Excluded::Wildcards([foo, bar].into()))], 4);
    }
}
