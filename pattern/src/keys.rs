//! Under which keys a condition is found, and which keys a value asks for.
//!
//! A condition has keys such that every value that fulfils it asks for one of them. Where a value that asks for the
//! key is sure to fulfil the condition, the key is exact.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::condition::Condition;
use crate::interval::{Interval, block_bytes, order};
use crate::value::Literal;
use crate::wildcard::Wildcard;

/// Beginnings and endings up to this length are keys as they are; longer ones are cut to one of few lengths, so
/// that a value asks for few of its own.
const UNCUT_MAX: usize = 64;

/// How many bytes of a text that may stand anywhere in a value are its key.
const GRAM_MAX: usize = 8;

/// What a key says about a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Kind {
    Text,
    /// A text in lower case; only of ASCII.
    Fold,
    Prefix,
    PrefixFold,
    Suffix,
    SuffixFold,
    /// A text that stands somewhere in the value.
    Gram,
    Address,
    Cidr4,
    Cidr6,
    Number,
    /// A number in its own text.
    NumberText,
    /// All numbers of a range. A value is held against each that a field has, so a field has few.
    Range,
    /// All numbers that share the first bits of their place in the order of all numbers.
    Block,
    Literal,
    /// Any value.
    Present,
}

/// A question that a value answers with at most one key, but for grams and ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Probe {
    pub(crate) kind: Kind,
    /// Bytes of a beginning, an ending or a gram, bits of a block of addresses, bits left open of a number's place.
    pub(crate) size: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Key<'c> {
    pub(crate) probe: Probe,
    pub(crate) bytes: Cow<'c, [u8]>,
    pub(crate) exact: bool,
}

impl<'c> Key<'c> {
    fn new(kind: Kind, bytes: impl Into<Cow<'c, [u8]>>) -> Self {
        Self { probe: Probe { kind, size: 0 }, bytes: bytes.into(), exact: true }
    }

    fn sized(kind: Kind, size: usize, bytes: impl Into<Cow<'c, [u8]>>) -> Self {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        Self { probe: Probe { kind, size }, bytes: bytes.into(), exact: true }
    }

    fn inexact(self) -> Self {
        Self { exact: false, ..self }
    }

    /// Returns the key of a condition that any value may fulfil.
    pub(crate) fn any() -> Self {
        Self::present().inexact()
    }

    fn present() -> Self {
        Self::new(Kind::Present, &[][..])
    }

    fn prefix(kind: Kind, text: &'c [u8]) -> Self {
        let length = cut(text.len());
        Self { exact: length == text.len(), ..Self::sized(kind, length, &text[..length]) }
    }

    fn suffix(kind: Kind, text: &'c [u8]) -> Self {
        let length = cut(text.len());
        Self { exact: length == text.len(), ..Self::sized(kind, length, &text[text.len() - length..]) }
    }

    /// Returns the key of a block of numbers' places with so many bits left open.
    pub(crate) fn block(open: u32, block: u64) -> Self {
        Self::sized(Kind::Block, open as usize, block_bytes(block, open).to_vec()).inexact()
    }

    pub(crate) fn text(text: &'c str) -> Self {
        Self::new(Kind::Text, text.as_bytes())
    }

    /// Returns the range of numbers that the key is, if it is one.
    pub(crate) fn range(&self) -> Option<Interval> {
        let is_range = self.probe.kind == Kind::Range;
        is_range.then(|| Interval::of_bytes(&self.bytes)).flatten()
    }

    /// Returns whether the key tells values of one field apart.
    pub(crate) fn is_strong(&self) -> bool {
        self.probe.kind != Kind::Present
    }
}

/// Returns the keys of a field's conditions, each once; none where a field without a value fulfils one of them.
///
/// Of several keys that would do for a condition, that with the least `load` is taken.
pub(crate) fn keys_of(conditions: &[Condition], load: impl Fn(&Key<'_>) -> u32) -> Vec<Key<'_>> {
    let mut keys = Vec::with_capacity(conditions.len());
    for condition in conditions {
        if !add_keys(condition, &mut keys, &load) {
            return Vec::new();
        }
    }
    if let Some(present) = keys.iter().find(|key| !key.is_strong()) {
        let exact = keys.iter().any(|key| !key.is_strong() && key.exact);
        return vec![Key { exact, ..present.clone() }];
    }
    keep_each_once(&mut keys);
    keys
}

/// Sorts keys and removes those that stand there twice; of those that differ in being exact, an exact one stays.
pub(crate) fn keep_each_once(keys: &mut Vec<Key<'_>>) {
    keys.sort_by(|left, right| {
        (left.probe, &left.bytes, right.exact).cmp(&(right.probe, &right.bytes, left.exact))
    });
    keys.dedup_by(|later, first| later.probe == first.probe && later.bytes == first.bytes);
}

/// Appends the keys of a condition; returns whether it has any.
fn add_keys<'c>(condition: &'c Condition, keys: &mut Vec<Key<'c>>, load: &impl Fn(&Key<'_>) -> u32) -> bool {
    let key = match condition {
        Condition::Absent => return false,
        Condition::Wildcard(wildcard) => {
            let options = wildcard_keys(wildcard);
            let lightest = options
                .into_iter()
                .min_by_key(|key| (load(key), std::cmp::Reverse(key.bytes.len())))
                .unwrap_or_else(Key::any);
            keys.push(lightest);
            return true;
        }
        Condition::Text(text) => Key::text(text),
        Condition::Address(address) => Key::new(Kind::Address, AddressKey::new(*address, 0).bytes().to_vec()),
        Condition::Literal(literal) => Key::new(Kind::Literal, literal_bytes(*literal)),
        Condition::Number(number) => Key::new(Kind::Number, number_bytes(*number).to_vec()),
        Condition::NumberText(text) => Key::new(Kind::NumberText, text.as_bytes()),
        Condition::Range(range) => Key::new(Kind::Range, Interval::of(*range).bytes().to_vec()),
        Condition::Prefix(text) => Key::prefix(Kind::Prefix, text.as_bytes()),
        Condition::Suffix(text) => Key::suffix(Kind::Suffix, text.as_bytes()),
        Condition::EqualFold(folded) => match folded.ascii() {
            Some(text) => Key::new(Kind::Fold, text),
            None => Key::any(),
        },
        Condition::PrefixFold(folded) => match folded.ascii() {
            Some(text) => Key::prefix(Kind::PrefixFold, text),
            None => Key::any(),
        },
        Condition::SuffixFold(folded) => match folded.ascii() {
            Some(text) => Key::suffix(Kind::SuffixFold, text),
            None => Key::any(),
        },
        Condition::Cidr(cidr) => {
            let (address, bits) = cidr.block();
            let kind = if address.is_ipv4() { Kind::Cidr4 } else { Kind::Cidr6 };
            Key::sized(kind, usize::from(bits), AddressKey::new(address, bits).bytes().to_vec())
        }
        Condition::AnythingBut(_) => Key::any(),
        Condition::Exists => Key::present(),
    };
    keys.push(key);
    true
}

/// Returns the length to which a beginning or ending of the length is cut.
fn cut(length: usize) -> usize {
    if length <= UNCUT_MAX {
        return length;
    }
    let below = 1 << length.ilog2();
    if length >= below + below / 2 { below + below / 2 } else { below }
}

/// Returns a key for each piece of the pattern that can tell values apart.
fn wildcard_keys(wildcard: &Wildcard) -> Vec<Key<'_>> {
    let [first, middle @ .., last] = wildcard.pieces() else {
        return wildcard.pieces().iter().map(|only| Key::new(Kind::Text, only.as_bytes())).collect();
    };
    let mut keys = Vec::new();
    let pieces = wildcard.pieces().iter().filter(|piece| !piece.is_empty()).count();
    if !first.is_empty() {
        keys.push(Key::prefix(Kind::Prefix, first.as_bytes()));
    }
    if !last.is_empty() {
        keys.push(Key::suffix(Kind::Suffix, last.as_bytes()));
    }
    for piece in middle.iter().map(|piece| piece.as_bytes()) {
        let length = piece.len().min(GRAM_MAX);
        let gram = Key::sized(Kind::Gram, length, &piece[..length]);
        keys.push(Key { exact: length == piece.len(), ..gram });
    }
    for key in &mut keys {
        key.exact &= pieces == 1;
    }
    keys
}

pub(crate) fn number_bytes(number: f64) -> [u8; 8] {
    order(number).to_be_bytes()
}

pub(crate) fn literal_bytes(literal: Literal) -> &'static [u8] {
    match literal {
        Literal::True => b"t",
        Literal::False => b"f",
        Literal::Null => b"n",
    }
}

/// The bytes of an address, with the bits of a block behind them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressKey {
    bytes: [u8; 17],
    length: usize,
}

impl AddressKey {
    pub(crate) fn new(address: IpAddr, bits: u8) -> Self {
        let mut bytes = [bits; 17];
        let length = match address {
            IpAddr::V4(address) => {
                bytes[..4].copy_from_slice(&address.octets());
                5
            }
            IpAddr::V6(address) => {
                bytes[..16].copy_from_slice(&address.octets());
                17
            }
        };
        Self { bytes, length }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
