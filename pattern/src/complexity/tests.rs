//! Holds the measure against recorded figures, and against a plain walk over every byte.

use std::collections::{BTreeSet, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Beginnings, Complexity, Condition, FIELD_SETS_MAX, index};
use crate::condition::Excluded;
use crate::wildcard::Wildcard;

fn exceeds(conditions: &[Condition], max: usize) -> bool {
    Complexity { max, sets_left: usize::MAX }.exceeded(conditions)
}

fn check(conditions: &[Condition], figure: usize) {
    assert!(exceeds(conditions, figure - 1), "{conditions:?} is at least {figure}");
    assert!(!exceeds(conditions, figure), "{conditions:?} is at most {figure}");
}

fn wildcard(pattern: &str) -> Wildcard {
    Wildcard::parse(pattern).unwrap()
}

#[test]
fn repeated_text_after_stars_makes_a_pattern_complex() {
    for (pattern, figure) in
        [("*:*:*:*:*:event-bus/*", 11), ("/Users/*/dir/dir/dir/dir/dir/doc.txt", 7), ("a*b", 2), ("ab", 1)]
    {
        check(&[Condition::Wildcard(wildcard(pattern))], figure);
    }
}

#[test]
fn the_patterns_of_a_field_count_together() {
    let [foo, bar] = ["*foo*", "*bar*"].map(wildcard);
    check(&[Condition::Wildcard(foo.clone()), Condition::Wildcard(bar.clone())], 6);
    check(&[Condition::AnythingBut(Excluded::Wildcards([foo, bar].into()))], 4);
}

#[test]
fn the_fields_of_a_pattern_share_what_is_looked_at() {
    let texts = ["*abc*", "*def*", "*ghi*", "*jkl*", "*mno*", "*pqr*", "*stu*"];
    let field = [Condition::AnythingBut(Excluded::Wildcards(texts.map(wildcard).into()))];
    let mut pattern = Complexity::new(100);
    let fields = (0..1000).take_while(|_| !pattern.exceeded(&field)).count();
    assert!((10..200).contains(&fields), "{fields} fields");
}

/// Goes from set to set by every byte that a pattern names and by one that none does.
fn exceeds_plainly(conditions: &[Condition], max: usize) -> bool {
    let beginnings = Beginnings::of(conditions);
    let sets_max = FIELD_SETS_MAX + 4 * beginnings.nodes.len();
    let named = beginnings.nodes.iter().flat_map(|node| &node.children).map(|(byte, _)| *byte);
    let bytes: HashSet<u8> = named.chain([0]).collect();
    let mut seen = HashSet::new();
    let mut waiting = vec![Vec::from([0])];
    while let Some(set) = waiting.pop() {
        if size(&beginnings, &set) > max || seen.len() > sets_max {
            return true;
        }
        for byte in &bytes {
            let next = advance(&beginnings, &set, *byte);
            if !next.is_empty() && seen.insert(next.clone()) {
                waiting.push(next);
            }
        }
    }
    false
}

fn size(beginnings: &Beginnings, set: &[u32]) -> usize {
    let stars = set.iter().filter_map(|node| beginnings.node(*node).star);
    let nodes: BTreeSet<u32> = set.iter().copied().chain(stars).collect();
    nodes.iter().map(|node| beginnings.node(*node).conditions.len()).sum()
}

fn advance(beginnings: &Beginnings, set: &[u32], byte: u8) -> Vec<u32> {
    let holds = |node: &u32| {
        let from = |parent: &u32| {
            let stars = beginnings.node(*parent).star;
            let mut parents = [Some(*parent), stars].into_iter().flatten();
            let by_byte = parents.any(|parent| beginnings.node(parent).children.contains(&(byte, *node)));
            let by_star = stars == Some(*node) || parent == node && beginnings.node(*node).is_star;
            by_byte || by_star
        };
        set.iter().any(from)
    };
    (0..index(beginnings.nodes.len())).filter(holds).collect()
}

fn field() -> impl Strategy<Value = Vec<Condition>> {
    let pattern = "[ab]{0,3}(\\*[abc]{1,4}){0,4}\\*?".prop_map(|text: String| wildcard(&text)).boxed();
    let list =
        vec(pattern.clone(), 1..5).prop_map(|list| Condition::AnythingBut(Excluded::Wildcards(list.into())));
    vec(prop_oneof![3 => pattern.prop_map(Condition::Wildcard), 1 => list], 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_measure_agrees_with_a_plain_walk(field in field(), max in 1..12_usize) {
        prop_assert_eq!(exceeds(&field, max), exceeds_plainly(&field, max));
    }
}
