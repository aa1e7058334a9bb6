//! All rules, each where the events find it that may match it.
//!
//! A node stands for what is known of an event: `source` is `shop.orders`, say. Below the root each combination of
//! a rule lies under the keys of one of its fields, one under which little lies so far, so that 100,000 rules that
//! share a source and differ in an id lie under their ids. Where many have come together under one key, further ones
//! lie deeper, under the keys of a second field. An event goes down by its values; what the way has not proved about
//! a combination is tested at its end.
//!
//! Nothing is ever taken out: the rules that are left move to a new tree when enough have gone.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::evaluate::Test;
use crate::held::{TestId, Tests};
use crate::keys::{Key, Kind, Probe, keys_of};
use crate::paths::PathId;
use crate::short::Short;

/// Stands for no end, no fields, no combination.
const NONE: u32 = u32::MAX;
/// How many ends a node may have before further ones lie deeper, where they can.
const FEW_ENDS: u8 = 8;
/// In how many places a combination may lie because its fields have alternatives, those of the first apart.
const COPIES_MAX: usize = 16;
/// How many of a combination's fields can lead to it; the others are tested.
const LEADING_FIELDS: usize = 31;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(u32);

impl NodeId {
    /// Where every event starts.
    pub(crate) const ROOT: Self = Self(0);
}

#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    /// Finds a node by its field and key.
    by_key: HashTable<NodeId>,
    /// The bytes of the nodes' keys.
    bytes: Vec<u8>,
    fields: Vec<Field>,
    /// For each node that leads on, the fields by which it does, sorted by path.
    leads: Vec<Vec<(PathId, u32)>>,
    ends: Vec<End>,
    /// Combinations, each as its length and so many tests.
    combinations: Vec<u32>,
    tests: Tests,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    key: NodeKey,
    length: u32,
    field: u32,
    /// The first of its ends.
    ends: u32,
    leads: u32,
    /// How many ends lie here and below.
    load: u32,
    kind: Kind,
    /// How many of them lie here, up to a limit.
    few: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NodeKey {
    Short(Short),
    /// Where a longer one begins.
    Long(usize),
}

/// The keys of one path below one node.
#[derive(Clone, Debug)]
struct Field {
    path: PathId,
    /// What a value must be asked, sorted.
    probes: Vec<Probe>,
    /// The node that every value leads to.
    present: Option<NodeId>,
}

/// Where a combination of a rule lies in the tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) rule: u32,
    /// Where its tests are; none where it is one text, which the way here proves.
    combination: u32,
    /// The tests that the way here has not proved, as bits; the last bit stands for all from there on.
    unproved: u32,
    next: u32,
}

/// A combination on its way to its places.
struct Placing<'c> {
    rule: u32,
    combination: u32,
    /// The paths of its first fields, and their keys: none where a field can be absent.
    leading: Vec<(PathId, Vec<Key<'c>>)>,
}

/// How far a combination has come.
#[derive(Clone, Copy)]
struct Progress {
    node: NodeId,
    unproved: u32,
    /// The fields that led here, as bits.
    used: u32,
    copies: usize,
}

/// What lies at an end.
pub(crate) enum Combination<'t> {
    /// One field that is one text.
    Text(PathId, String),
    Tests(&'t [TestId]),
}

impl Tree {
    pub(crate) fn new() -> Self {
        let root = Node {
            key: NodeKey::Short(Short::default()),
            length: 0,
            field: NONE,
            ends: NONE,
            leads: NONE,
            load: 0,
            kind: Kind::Present,
            few: 0,
        };
        Self {
            nodes: vec![root],
            by_key: HashTable::new(),
            bytes: Vec::new(),
            fields: Vec::new(),
            leads: Vec::new(),
            ends: Vec::new(),
            combinations: Vec::new(),
            tests: Tests::default(),
        }
    }

    /// Returns the id of a test, whose conditions a pattern writes so.
    pub(crate) fn hold(&mut self, test: Test<'_>, written: &str) -> TestId {
        self.tests.hold(test, written)
    }

    pub(crate) fn tests(&self) -> &Tests {
        &self.tests
    }

    /// Adds a combination of tests, in the order of their paths.
    pub(crate) fn add(&mut self, rule: u32, combination: &[TestId]) {
        let start = offset(self.combinations.len());
        self.combinations.push(offset(combination.len()));
        self.combinations.extend(combination);
        let tests = std::mem::take(&mut self.tests);
        let leading = combination.iter().take(LEADING_FIELDS).map(|id| {
            let test = tests.get(*id);
            let load = |key: &Key<'_>| self.load(NodeId::ROOT, test.path, key);
            (test.path, keys_of(test.conditions, load))
        });
        let placing = Placing { rule, combination: start, leading: leading.collect() };
        let bits = combination.len().min(LEADING_FIELDS + 1);
        let unproved = u32::MAX.checked_shr(u32::BITS - offset(bits)).unwrap_or(0);
        self.place(&placing, Progress { node: NodeId::ROOT, unproved, used: 0, copies: 1 });
        self.tests = tests;
    }

    /// Adds a combination of one field that is one text.
    pub(crate) fn add_text(&mut self, rule: u32, path: PathId, text: &str) {
        let leading = vec![(path, vec![Key::text(text)])];
        let placing = Placing { rule, combination: NONE, leading };
        self.place(&placing, Progress { node: NodeId::ROOT, unproved: 1, used: 0, copies: 1 });
    }

    /// Returns each rule with each of its combinations, some of them several times.
    pub(crate) fn combinations(&self) -> impl Iterator<Item = (u32, Combination<'_>)> {
        let nodes = (0..).map(NodeId).zip(&self.nodes);
        nodes
            .flat_map(move |(id, node)| self.ends(id).map(move |end| (end.rule, self.combination(node, end))))
    }

    /// Returns the ends at a node.
    pub(crate) fn ends(&self, node: NodeId) -> impl Iterator<Item = &End> {
        let end = |index: u32| self.ends.get(index as usize);
        std::iter::successors(end(self.node(node).ends), move |last| end(last.next))
    }

    /// Returns the fields by which an event goes on from a node, sorted by path.
    pub(crate) fn leads(&self, node: NodeId) -> &[(PathId, u32)] {
        self.leads.get(self.node(node).leads as usize).map_or(&[], Vec::as_slice)
    }

    /// Returns what a value of a field must be asked.
    pub(crate) fn probes(&self, field: u32) -> &[Probe] {
        &self.fields[field as usize].probes
    }

    /// Returns the node that every value of a field leads to.
    pub(crate) fn present(&self, field: u32) -> Option<NodeId> {
        self.fields[field as usize].present
    }

    /// Returns the node under a key.
    #[inline]
    pub(crate) fn below(&self, field: u32, kind: Kind, bytes: &[u8]) -> Option<NodeId> {
        let length = offset(bytes.len());
        let is_near = |node: &Node| node.field == field && node.kind == kind && node.length == length;
        let seed = seed(field, kind);
        if let Some(short) = Short::of(bytes) {
            let is_it = |id: &NodeId| {
                let node = self.node(*id);
                is_near(node) && node.key == NodeKey::Short(short)
            };
            return self.by_key.find(short.hash(bytes.len(), seed), is_it).copied();
        }
        let is_it = |id: &NodeId| is_near(self.node(*id)) && self.long_key(self.node(*id)) == bytes;
        self.by_key.find(hash(bytes, seed), is_it).copied()
    }

    /// Returns the tests of a combination of which not all is proved by the way to its end.
    pub(crate) fn tests_of(&self, end: &End) -> &[TestId] {
        let start = end.combination as usize;
        let length = self.combinations.get(start).map_or(0, |length| *length as usize);
        self.combinations.get(start + 1..start + 1 + length).unwrap_or_default()
    }

    fn combination(&self, node: &Node, end: &End) -> Combination<'_> {
        if end.combination == NONE {
            return Combination::Text(self.fields[node.field as usize].path, self.text(node));
        }
        Combination::Tests(self.tests_of(end))
    }

    #[inline]
    fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    fn long_key(&self, node: &Node) -> &[u8] {
        match node.key {
            NodeKey::Short(_) => &[],
            NodeKey::Long(start) => &self.bytes[start..start + node.length as usize],
        }
    }

    fn text(&self, node: &Node) -> String {
        let length = node.length as usize;
        let bytes = match node.key {
            NodeKey::Short(short) => short.bytes(length)[..length].to_vec(),
            NodeKey::Long(_) => self.long_key(node).to_vec(),
        };
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// Adds an end at the node that was reached, or at nodes below it.
    fn place(&mut self, placing: &Placing<'_>, at: Progress) {
        let node = &mut self.nodes[at.node.0 as usize];
        node.load = node.load.saturating_add(1);
        let deeper = at.node == NodeId::ROOT || node.few >= FEW_ENDS;
        let Some(index) = deeper.then(|| self.best_field(placing, at)).flatten() else {
            self.end(placing, at);
            return;
        };
        let (path, keys) = &placing.leading[index];
        let field = self.field(at.node, *path);
        for key in keys {
            let node = self.child(field, key);
            let unproved = at.unproved & !(u32::from(key.exact) << index);
            let (used, copies) = (at.used | 1 << index, at.copies * keys.len());
            self.place(placing, Progress { node, unproved, used, copies });
        }
    }

    fn end(&mut self, placing: &Placing<'_>, at: Progress) {
        let node = &mut self.nodes[at.node.0 as usize];
        let (rule, combination) = (placing.rule, placing.combination);
        let end = End { rule, combination, unproved: at.unproved, next: node.ends };
        node.ends = offset(self.ends.len());
        node.few = node.few.saturating_add(1);
        self.ends.push(end);
    }

    /// Returns the field by whose keys the combination should lie below the node.
    fn best_field(&self, placing: &Placing<'_>, at: Progress) -> Option<usize> {
        let at_root = at.node == NodeId::ROOT;
        let fields = placing.leading.iter().enumerate().filter(|(index, (_, keys))| {
            let tells_apart = at_root || keys.iter().all(Key::is_strong);
            let copies = at.copies.saturating_mul(keys.len());
            at.used >> index & 1 == 0 && !keys.is_empty() && tells_apart && (at_root || copies <= COPIES_MAX)
        });
        let cost = |path: PathId, keys: &[Key<'_>]| {
            let load: u32 = keys.iter().map(|key| self.load(at.node, path, key)).fold(0, u32::saturating_add);
            // Loads of one order are as good as each other: then the first field, so that ways are shared.
            let order = (u32::BITS - load.leading_zeros()) / 4;
            (!keys.iter().all(Key::is_strong), keys.len() > COPIES_MAX, order)
        };
        fields.min_by_key(|(index, (path, keys))| (cost(*path, keys), *index)).map(|(index, _)| index)
    }

    /// Returns how many ends lie under a key.
    fn load(&self, node: NodeId, path: PathId, key: &Key<'_>) -> u32 {
        let leads = self.leads(node);
        let field = leads.binary_search_by_key(&path, |lead| lead.0).map(|found| leads[found].1);
        let below = field.ok().and_then(|field| self.below(field, key.probe.kind, &key.bytes));
        below.map_or(0, |node| self.node(node).load)
    }

    /// Returns the field for a path below a node, which may be new.
    fn field(&mut self, node: NodeId, path: PathId) -> u32 {
        let node = &mut self.nodes[node.0 as usize];
        if node.leads == NONE {
            node.leads = offset(self.leads.len());
            self.leads.push(Vec::new());
        }
        let leads = &mut self.leads[node.leads as usize];
        match leads.binary_search_by_key(&path, |lead| lead.0) {
            Ok(found) => leads[found].1,
            Err(place) => {
                let fresh = offset(self.fields.len());
                self.fields.push(Field { path, probes: Vec::new(), present: None });
                leads.insert(place, (path, fresh));
                fresh
            }
        }
    }

    /// Returns the node under a key, which may be new.
    fn child(&mut self, field: u32, key: &Key<'_>) -> NodeId {
        let kind = key.probe.kind;
        if let Some(found) = self.below(field, kind, &key.bytes) {
            return found;
        }
        let node_key = Short::of(&key.bytes).map_or(NodeKey::Long(self.bytes.len()), NodeKey::Short);
        if matches!(node_key, NodeKey::Long(_)) {
            self.bytes.extend_from_slice(&key.bytes);
        }
        let fresh = NodeId(offset(self.nodes.len()));
        self.nodes.push(Node {
            key: node_key,
            length: offset(key.bytes.len()),
            field,
            ends: NONE,
            leads: NONE,
            load: 0,
            kind,
            few: 0,
        });
        let (nodes, bytes) = (&self.nodes, &self.bytes);
        let rehash = |id: &NodeId| nodes[id.0 as usize].hash(bytes);
        self.by_key.insert_unique(rehash(&fresh), fresh, rehash);
        let field = &mut self.fields[field as usize];
        match field.probes.binary_search(&key.probe) {
            _ if kind == Kind::Present => field.present = Some(fresh),
            Ok(_) => {}
            Err(place) => field.probes.insert(place, key.probe),
        }
        fresh
    }
}

impl Node {
    fn hash(&self, bytes: &[u8]) -> u64 {
        let length = self.length as usize;
        let seed = seed(self.field, self.kind);
        match self.key {
            NodeKey::Short(short) => short.hash(length, seed),
            NodeKey::Long(start) => hash(&bytes[start..start + length], seed),
        }
    }
}

impl End {
    /// Returns whether the way here proves every field.
    pub(crate) fn is_proved(&self) -> bool {
        self.unproved == 0
    }

    /// Returns whether the way here does not prove the test at an index.
    pub(crate) fn is_unproved(&self, index: usize) -> bool {
        self.unproved >> index.min(LEADING_FIELDS) & 1 == 1
    }
}

/// Returns what tells the same bytes under different fields and kinds apart.
fn seed(field: u32, kind: Kind) -> u64 {
    u64::from(field) << 8 | kind as u64
}

fn hash(bytes: &[u8], seed: u64) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write_u64(seed);
    hasher.write(bytes);
    hasher.finish()
}

fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}
