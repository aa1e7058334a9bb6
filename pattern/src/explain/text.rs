//! What a text lacks to fulfil a condition.

use super::difference::{Difference, Part};
use crate::cidr::parse_address;
use crate::condition::Condition;
use crate::fold::Folded;
use crate::value::Value;
use crate::wildcard::Wildcard;

/// Compares a condition on texts with a text that does not fulfil it.
pub(super) fn difference<'a>(condition: &'a Condition, text: &'a str) -> Difference<'a> {
    if let Some(part) = misspelt(condition, text) {
        return Difference::Spelling(part);
    }
    let exactly = |part, wanted: &str| {
        let same =
            if part == Part::Ending { common_ending(wanted, text) } else { common_beginning(wanted, text) };
        let size = if part == Part::Whole { wanted.len().max(text.len()) } else { wanted.len() };
        Difference::Text { part, same, distance: share_missing(same.len(), size), any_case: false }
    };
    let folded = |part| Difference::Text { part, same: "", distance: 1.0, any_case: true };
    match condition {
        Condition::Text(wanted) => exactly(Part::Whole, wanted),
        Condition::Prefix(wanted) => exactly(Part::Beginning, wanted),
        Condition::Suffix(wanted) => exactly(Part::Ending, wanted),
        Condition::EqualFold(_) => folded(Part::Whole),
        Condition::PrefixFold(_) => folded(Part::Beginning),
        Condition::SuffixFold(_) => folded(Part::Ending),
        Condition::Wildcard(wildcard) => piece(wildcard, text),
        Condition::Cidr(_) if parse_address(text).is_some() => Difference::Outside,
        Condition::Cidr(_) => Difference::NoAddress,
        _ => Difference::Value { distance: if parse_address(text).is_some() { 0.5 } else { 1.0 } },
    }
}

fn piece<'a>(wildcard: &'a Wildcard, text: &'a str) -> Difference<'a> {
    let size = wildcard.pieces().iter().map(|piece| piece.len()).sum();
    match wildcard.missing(text) {
        Some((missing, there)) => Difference::Piece { missing, distance: share_missing(there, size) },
        None => Difference::Value { distance: 1.0 },
    }
}

/// Returns the part of its spelling in which alone the text is not what is wanted.
fn misspelt(condition: &Condition, text: &str) -> Option<&'static str> {
    let trimmed = text.trim();
    let wanted = match condition {
        Condition::Text(wanted) => wanted.trim(),
        _ => "",
    };
    if holds_in_any_case(condition, text) {
        return Some("case");
    }
    let is_wanted = !wanted.is_empty() && wanted == trimmed;
    if is_wanted || trimmed.len() < text.len() && condition.holds(&Value::Text(trimmed.into())) {
        return Some("white space");
    }
    let in_any_case = !wanted.is_empty() && Folded::new(wanted).equals(&trimmed.into());
    (in_any_case || trimmed.len() < text.len() && holds_in_any_case(condition, trimmed))
        .then_some("case and white space")
}

fn holds_in_any_case(condition: &Condition, text: &str) -> bool {
    match condition {
        Condition::Text(wanted) => Folded::new(wanted).equals(&text.into()),
        Condition::Prefix(wanted) => Folded::new(wanted).is_prefix_of(&text.into()),
        Condition::Suffix(wanted) => Folded::new(wanted).is_suffix_of(&text.into()),
        _ => false,
    }
}

fn common_beginning<'t>(wanted: &str, text: &'t str) -> &'t str {
    let same = text.chars().zip(wanted.chars()).take_while(|(left, right)| left == right);
    &text[..same.map(|(character, _)| character.len_utf8()).sum()]
}

fn common_ending<'t>(wanted: &str, text: &'t str) -> &'t str {
    let same = text.chars().rev().zip(wanted.chars().rev()).take_while(|(left, right)| left == right);
    let length: usize = same.map(|(character, _)| character.len_utf8()).sum();
    &text[text.len() - length..]
}

#[expect(clippy::cast_precision_loss, reason = "lengths are compared, and roughly")]
fn share_missing(there: usize, size: usize) -> f64 {
    if size == 0 { 0.0 } else { 1.0 - there as f64 / size as f64 }
}
