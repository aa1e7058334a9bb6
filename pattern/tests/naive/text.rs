//! Text in any case, text with stars in it, and text that is an address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The most characters a dotted address has.
const DOTTED_MAX: usize = 15;

/// Returns what may be left of a value after a pattern read in any case.
fn rests<'v>(pattern: &str, value: &'v str) -> Vec<&'v str> {
    let mut rests = vec![value];
    for character in pattern.chars() {
        let forms = forms(character);
        let strip = |rest: &&'v str| forms.iter().filter_map(|form| rest.strip_prefix(&**form)).collect();
        rests = rests.iter().flat_map(|rest| -> Vec<&'v str> { strip(rest) }).collect();
        rests.sort_unstable();
        rests.dedup();
    }
    rests
}

/// Returns what a character of a pattern stands for.
fn forms(character: char) -> [String; 2] {
    if u32::from(character) > 0xFFFF {
        return [character.to_string(), character.to_string()];
    }
    [character.to_lowercase().collect(), character.to_uppercase().collect()]
}

pub(super) fn equals_in_any_case(pattern: &str, value: &str) -> bool {
    rests(pattern, value).contains(&"")
}

pub(super) fn starts_in_any_case(pattern: &str, value: &str) -> bool {
    !rests(pattern, value).is_empty()
}

pub(super) fn ends_in_any_case(pattern: &str, value: &str) -> bool {
    value.char_indices().any(|(at, _)| equals_in_any_case(pattern, &value[at..])) || pattern.is_empty()
}

/// One character of a wildcard pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Star,
    Character(char),
}

/// Reads a wildcard pattern; none where two stars stand together or an escape is of something else.
pub(super) fn read_wildcard(text: &str) -> Option<Vec<Mark>> {
    let mut marks = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        marks.push(match character {
            '*' if marks.last() == Some(&Mark::Star) => return None,
            '*' => Mark::Star,
            '\\' => Mark::Character(characters.next().filter(|escaped| "*\\".contains(*escaped))?),
            plain => Mark::Character(plain),
        });
    }
    Some(marks)
}

pub(super) fn matches_wildcard(marks: &[Mark], value: &str) -> bool {
    // Which beginnings of the pattern the value so far fulfils.
    let mut reached = vec![false; marks.len() + 1];
    reached[0] = true;
    pass_stars(marks, &mut reached);
    for character in value.chars() {
        let mut next = vec![false; marks.len() + 1];
        for (at, mark) in marks.iter().enumerate().filter(|(at, _)| reached[*at]) {
            match mark {
                Mark::Star => next[at] = true,
                Mark::Character(wanted) => next[at + 1] |= *wanted == character,
            }
        }
        pass_stars(marks, &mut next);
        reached = next;
    }
    reached[marks.len()]
}

/// A star may stand for nothing.
fn pass_stars(marks: &[Mark], reached: &mut [bool]) {
    for (at, mark) in marks.iter().enumerate() {
        reached[at + 1] |= reached[at] && *mark == Mark::Star;
    }
}

/// Reads an address; an IPv4 address in IPv6 form is that IPv4 address.
pub(super) fn read_address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        let allowed = |character: char| character == ':' || character.is_ascii_hexdigit();
        if !text.chars().all(allowed) {
            return None;
        }
        let groups: Vec<&str> = text.split(':').map(without_leading_zeros).collect();
        let address: Ipv6Addr = groups.join(":").parse().ok()?;
        return Some(address.to_canonical());
    }
    if text.len() > DOTTED_MAX
        || !text.chars().all(|character| character == '.' || character.is_ascii_digit())
    {
        return None;
    }
    let parts: Vec<&str> = text.split('.').map(without_leading_zeros).collect();
    parts.join(".").parse().ok().map(|address: Ipv4Addr| IpAddr::V4(address))
}

fn without_leading_zeros(group: &str) -> &str {
    let stripped = group.trim_start_matches('0');
    if stripped.is_empty() && !group.is_empty() { "0" } else { stripped }
}

/// A block of addresses: an address and how many of its bits count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    base: IpAddr,
    bits: u32,
}

impl Block {
    /// Reads `10.0.0.0/8`; slashes at the end are not read.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (address, mask) = text.trim_end_matches('/').split_once('/')?;
        let base = read_address(address)?;
        let limit = if base.is_ipv4() { 32 } else { 128 };
        let bits: i32 = mask.parse().ok()?;
        let bits = u32::try_from(bits).ok().filter(|bits| *bits < limit)?;
        Some(Self { base, bits })
    }

    pub(super) fn contains(self, text: &str) -> bool {
        let counted = self.bits as usize;
        let same = |left: String, right: String| left[..counted] == right[..counted];
        match (self.base, read_address(text)) {
            (IpAddr::V4(base), Some(IpAddr::V4(found))) => {
                same(format!("{:032b}", base.to_bits()), format!("{:032b}", found.to_bits()))
            }
            (IpAddr::V6(base), Some(IpAddr::V6(found))) => {
                same(format!("{:0128b}", base.to_bits()), format!("{:0128b}", found.to_bits()))
            }
            _ => false,
        }
    }
}
