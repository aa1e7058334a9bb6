//! The nodes of the tree of rules, found by field and key.
//!
//! Of a million nodes few are in the processor's caches, so a node is as small as can be, and lies itself where its
//! hash says: finding it reads memory once.

use crate::keys::{Key, Kind};
use crate::short::{Short, hash};

/// Stands for no field, no end, nowhere to go on.
pub(crate) const NONE: u32 = u32::MAX;

/// Where a node is, until the next is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// Where every event starts.
    pub(crate) const ROOT: Self = Self(0);
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// The key where it is short, else where it lies among the bytes of long ones.
    text: Short,
    pub(crate) field: u32,
    pub(crate) ends: Ends,
    /// Which of the tree's leads go on from here.
    pub(crate) leads: u32,
    /// The length of the key, or one more than that of a short one.
    length: u8,
    kind: Kind,
    /// How many ends there are, up to a limit.
    pub(crate) few: u8,
}

/// The ends at a node: none, the first of a list, or a rule of which all is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ends(pub(crate) u32);

/// A table with open places; the root is the first.
#[derive(Clone, Debug)]
pub(crate) struct Nodes {
    slots: Vec<Node>,
    /// How many of them are taken.
    taken: usize,
    /// The bytes of the long keys.
    bytes: Vec<u8>,
}

const VACANT: Node = Node {
    text: Short::EMPTY,
    field: NONE,
    ends: Ends::NONE,
    leads: NONE,
    length: 0,
    kind: Kind::Present,
    few: 0,
};

impl Ends {
    pub(crate) const NONE: Self = Self(NONE);
    const RULE: u32 = 1 << 31;

    /// Returns the end of a rule of which all is proved, if that can be said without a list.
    pub(crate) fn of_rule(rule: u32) -> Option<Self> {
        (rule < Self::RULE - 1).then_some(Self(rule | Self::RULE))
    }

    pub(crate) fn rule(self) -> Option<u32> {
        (self != Self::NONE && self.0 >= Self::RULE).then_some(self.0 & !Self::RULE)
    }
}

impl Nodes {
    pub(crate) fn new() -> Self {
        Self { slots: vec![VACANT; 4], taken: 0, bytes: Vec::new() }
    }

    #[inline]
    pub(crate) fn get(&self, id: NodeId) -> &Node {
        &self.slots[id.0 as usize]
    }

    pub(crate) fn get_mut(&mut self, id: NodeId) -> &mut Node {
        &mut self.slots[id.0 as usize]
    }

    /// Returns all nodes, the root first.
    pub(crate) fn all(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        let nodes = (0..).map(NodeId).zip(&self.slots);
        nodes.filter(|(id, node)| *id == NodeId::ROOT || !node.is_vacant())
    }

    /// Returns the node under a key of a field.
    #[inline]
    pub(crate) fn find(&self, field: u32, kind: Kind, bytes: &[u8]) -> Option<NodeId> {
        let seed = seed(field, kind);
        if let Some(text) = Short::of(bytes) {
            return self.probe(text.hash(bytes.len(), seed), |node| {
                node.text == text
                    && node.field == field
                    && node.kind == kind
                    && usize::from(node.length) == bytes.len()
            });
        }
        self.probe(hash(bytes, seed), |node| {
            node.field == field && node.kind == kind && node.long_key(&self.bytes) == Some(bytes)
        })
    }

    /// Adds a node under a key that has none.
    pub(crate) fn insert(&mut self, field: u32, key: &Key<'_>) -> NodeId {
        if 5 * (self.taken + 2) > 4 * self.slots.len() {
            self.grow();
        }
        let node = Node::new(field, key, &mut self.bytes);
        self.put(node)
    }

    /// Returns the text under which a node lies.
    pub(crate) fn text(&self, node: &Node) -> String {
        let length = usize::from(node.length);
        match node.long_key(&self.bytes) {
            Some(text) => String::from_utf8_lossy(text).into_owned(),
            None => String::from_utf8_lossy(&node.text.bytes(length)[..length]).into_owned(),
        }
    }

    #[inline]
    fn probe(&self, hash: u64, is_it: impl Fn(&Node) -> bool) -> Option<NodeId> {
        let mut at = self.home(hash);
        loop {
            let node = &self.slots[at];
            if is_it(node) {
                return Some(NodeId(offset(at)));
            }
            if node.is_vacant() {
                return None;
            }
            at = self.behind(at);
        }
    }

    fn put(&mut self, node: Node) -> NodeId {
        let mut at = self.home(node.hash(&self.bytes));
        while !self.slots[at].is_vacant() {
            at = self.behind(at);
        }
        self.slots[at] = node;
        self.taken += 1;
        NodeId(offset(at))
    }

    /// Makes half as much room again.
    fn grow(&mut self) {
        let larger = self.slots.len() + self.slots.len().div_ceil(2);
        let old = std::mem::replace(&mut self.slots, vec![VACANT; larger]);
        self.taken = 0;
        let mut old = old.into_iter();
        self.slots[0] = old.next().unwrap_or(VACANT);
        for node in old.filter(|node| !node.is_vacant()) {
            self.put(node);
        }
    }

    /// Returns where the search for a hash begins: anywhere but at the root.
    #[inline]
    fn home(&self, hash: u64) -> usize {
        let (_, scaled) = hash.carrying_mul(self.slots.len() as u64 - 1, 0);
        1 + usize::try_from(scaled).unwrap_or_default()
    }

    #[inline]
    fn behind(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 1 } else { at + 1 }
    }
}

impl Node {
    /// Returns a node; a long key goes to the end of the bytes.
    fn new(field: u32, key: &Key<'_>, bytes: &mut Vec<u8>) -> Self {
        let length = key.bytes.len().min(Short::LENGTH_MAX + 1);
        let length = u8::try_from(length).unwrap_or(u8::MAX);
        let text = Short::of(&key.bytes).unwrap_or_else(|| {
            let start = bytes.len();
            bytes.extend_from_slice(&key.bytes);
            Short::of_range(start..bytes.len())
        });
        Self { text, field, length, kind: key.probe.kind, ..VACANT }
    }

    fn is_vacant(&self) -> bool {
        self.field == NONE
    }

    /// Returns the key, if it is not short.
    fn long_key<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let is_long = usize::from(self.length) > Short::LENGTH_MAX;
        if is_long { bytes.get(self.text.range()) } else { None }
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let seed = seed(self.field, self.kind);
        match self.long_key(bytes) {
            Some(key) => hash(key, seed),
            None => self.text.hash(self.length.into(), seed),
        }
    }
}

/// Returns what tells the same bytes under different fields and kinds apart.
fn seed(field: u32, kind: Kind) -> u64 {
    u64::from(field) << 8 | kind as u64
}

/// Returns a number of 32 bits; what lies at 2^32 bytes or beyond would not fit memory.
pub(crate) fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}
