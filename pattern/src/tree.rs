//! All rules, each where the events find it that may match it.
//!
//! A node stands for what is known of an event: `source` is `shop.orders`, say. Below the root each combination of
//! a rule lies under the keys of one of its fields, one under which little lies so far, so that 100,000 rules that
//! share a source and differ in an id lie under their ids. Where many have come together under one key, further ones
//! lie deeper, under the keys of a second field. An event goes down by its values; what the way has not proved about
//! a combination is tested at its end.
//!
//! Nothing is ever taken out: the rules that are left move to a new tree when enough have gone.

use std::borrow::Cow;

use crate::evaluate::Test;
use crate::held::{TestId, Tests};
use crate::interval::Interval;
use crate::keys::{Key, Kind, Probe, keep_each_once, keys_of};
use crate::nodes::{Ends, NONE, Node, NodeId, Nodes, offset};
use crate::paths::PathId;
use crate::sieve::Sieve;

/// How many ends a node may have before further ones lie deeper, where they can.
const FEW_ENDS: u8 = 8;
/// Where its fields' alternatives would bring it to more places than this, a combination lies no level deeper.
const COPIES_MAX: usize = 32;
/// How many ranges of numbers a field has before further ones are found by their blocks.
const FEW_RANGES: usize = 16;
/// In how many places the combinations of a pattern may lie; where alternatives would bring them to more, they lie
/// where any value leads.
const PLACES_MAX: usize = 100_000;
/// How many of a combination's fields can lead to it; the others are tested.
const LEADING_FIELDS: usize = 31;

#[derive(Clone, Debug)]
pub(crate) struct Tree {
    nodes: Nodes,
    fields: Vec<Field>,
    /// Those of each node that leads on.
    leads: Vec<Leads>,
    ends: Vec<End>,
    /// Combinations, each as how many its pattern has, its length, and so many tests.
    combinations: Vec<u32>,
    /// How many places are taken.
    places: usize,
    tests: Tests,
}

/// The fields by which an event goes on from a node.
#[derive(Clone, Debug)]
struct Leads {
    /// Sorted by path.
    fields: Vec<(PathId, u32)>,
    /// How many ends lie at the node and below.
    load: u32,
}

/// The keys of one path below one node.
#[derive(Clone, Debug)]
struct Field {
    path: PathId,
    /// What a value must be asked, sorted.
    questions: Vec<Question>,
    /// The ranges of numbers that lead to a node each.
    ranges: Vec<Interval>,
    /// Whether every value leads to one node.
    has_present: bool,
}

/// What a value is asked, and a sieve of the keys below that answer it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) probe: Probe,
    pub(crate) sieve: Sieve,
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
    /// One of so many that its pattern has.
    Tests(usize, &'t [TestId]),
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            nodes: Nodes::new(),
            fields: Vec::new(),
            leads: Vec::new(),
            ends: Vec::new(),
            combinations: Vec::new(),
            places: 0,
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

    /// Returns in how many places combinations lie.
    pub(crate) fn places(&self) -> usize {
        self.places
    }

    /// Adds a combination of tests, in the order of their paths; it is one of `siblings` that a pattern has.
    pub(crate) fn add(&mut self, rule: u32, siblings: usize, combination: &[TestId]) {
        let start = offset(self.combinations.len());
        self.combinations.push(offset(siblings));
        self.combinations.push(offset(combination.len()));
        self.combinations.extend(combination);
        let tests = std::mem::take(&mut self.tests);
        let leading = combination.iter().take(LEADING_FIELDS).map(|id| {
            let test = tests.get(*id);
            let load = |key: &Key<'_>| self.load(NodeId::ROOT, test.path, key);
            let keys = keys_of(test.alternatives.all(), load);
            let is_too_many = places(&keys).saturating_mul(siblings) > PLACES_MAX;
            (test.path, if is_too_many { vec![Key::any()] } else { keys })
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
        self.nodes.all().flat_map(move |(id, node)| {
            self.ends(id).map(move |end| (end.rule, self.combination(node, &end)))
        })
    }

    /// Returns the ends at a node.
    #[inline]
    pub(crate) fn ends(&self, node: NodeId) -> impl Iterator<Item = End> {
        let ends = self.nodes.get(node).ends;
        let only = ends.rule().map(End::proved);
        let first = if only.is_some() { None } else { self.ends.get(ends.0 as usize) };
        let list = std::iter::successors(first, move |last| self.ends.get(last.next as usize));
        only.into_iter().chain(list.copied())
    }

    /// Returns the fields by which an event goes on from a node, sorted by path.
    pub(crate) fn leads(&self, node: NodeId) -> &[(PathId, u32)] {
        let leads = self.leads.get(self.nodes.get(node).leads as usize);
        leads.map_or(&[], |leads| &leads.fields)
    }

    /// Returns what a value of a field must be asked.
    pub(crate) fn questions(&self, field: u32) -> &[Question] {
        &self.fields[field as usize].questions
    }

    /// Returns the ranges of numbers of a field.
    pub(crate) fn ranges(&self, field: u32) -> &[Interval] {
        &self.fields[field as usize].ranges
    }

    /// Returns the node that every value of a field leads to.
    pub(crate) fn present(&self, field: u32) -> Option<NodeId> {
        let field_leads = self.fields[field as usize].has_present;
        field_leads.then(|| self.below(field, Kind::Present, &[])).flatten()
    }

    /// Returns the node under a key.
    #[inline]
    pub(crate) fn below(&self, field: u32, kind: Kind, bytes: &[u8]) -> Option<NodeId> {
        self.nodes.find(field, kind, bytes)
    }

    /// Returns the tests of a combination of which not all is proved by the way to its end.
    pub(crate) fn tests_of(&self, end: &End) -> &[TestId] {
        let start = end.combination as usize + 2;
        let length = self.combinations.get(start - 1).map_or(0, |length| *length as usize);
        self.combinations.get(start..start + length).unwrap_or_default()
    }

    fn combination(&self, node: &Node, end: &End) -> Combination<'_> {
        if end.combination == NONE {
            let path = self.fields[node.field as usize].path;
            return Combination::Text(path, self.nodes.text(node));
        }
        let siblings =
            self.combinations.get(end.combination as usize).map_or(1, |siblings| *siblings as usize);
        Combination::Tests(siblings, self.tests_of(end))
    }

    /// Adds an end at the node that was reached, or at nodes below it.
    fn place(&mut self, placing: &Placing<'_>, at: Progress) {
        let node = self.nodes.get(at.node);
        if let Some(leads) = self.leads.get_mut(node.leads as usize) {
            leads.load = leads.load.saturating_add(1);
        }
        let deeper = at.node == NodeId::ROOT || node.few >= FEW_ENDS;
        let Some(index) = deeper.then(|| self.best_field(placing, at)).flatten() else {
            self.end(placing, at);
            return;
        };
        let (path, keys) = &placing.leading[index];
        let field = self.field(at.node, *path);
        let (used, copies) = (at.used | 1 << index, at.copies * places(keys));
        for key in self.few_ranges(field, keys).iter() {
            let node = self.child(field, key);
            let unproved = at.unproved & !(u32::from(key.exact) << index);
            self.place(placing, Progress { node, unproved, used, copies });
        }
    }

    fn end(&mut self, placing: &Placing<'_>, at: Progress) {
        self.places += 1;
        let node = self.nodes.get_mut(at.node);
        node.few = node.few.saturating_add(1);
        let is_text = placing.combination == NONE && at.unproved == 0;
        if let (Ends::NONE, true, Some(only)) = (node.ends, is_text, Ends::of_rule(placing.rule)) {
            node.ends = only;
            return;
        }
        let mut next = node.ends.0;
        if let Some(rule) = node.ends.rule() {
            next = offset(self.ends.len());
            self.ends.push(End::proved(rule));
        }
        node.ends = Ends(offset(self.ends.len()));
        let (rule, combination) = (placing.rule, placing.combination);
        self.ends.push(End { rule, combination, unproved: at.unproved, next });
    }

    /// Returns the field by whose keys the combination should lie below the node.
    fn best_field(&self, placing: &Placing<'_>, at: Progress) -> Option<usize> {
        let at_root = at.node == NodeId::ROOT;
        let fields = placing.leading.iter().enumerate().filter(|(index, (_, keys))| {
            let tells_apart = at_root || keys.iter().all(Key::is_strong);
            let copies = at.copies.saturating_mul(places(keys));
            at.used >> index & 1 == 0 && !keys.is_empty() && tells_apart && (at_root || copies <= COPIES_MAX)
        });
        let cost = |path: PathId, keys: &[Key<'_>]| {
            let load: u32 = keys.iter().map(|key| self.load(at.node, path, key)).fold(0, u32::saturating_add);
            // Loads of one order are as good as each other: then the first field, so that ways are shared.
            let order = (u32::BITS - load.leading_zeros()) / 4;
            (!keys.iter().all(Key::is_strong), places(keys) > COPIES_MAX, order)
        };
        fields.min_by_key(|(index, (path, keys))| (cost(*path, keys), *index)).map(|(index, _)| index)
    }

    /// Returns how many ends lie under a key.
    fn load(&self, node: NodeId, path: PathId, key: &Key<'_>) -> u32 {
        let leads = self.leads(node);
        let Ok(found) = leads.binary_search_by_key(&path, |lead| lead.0) else {
            return 0;
        };
        let field = leads[found].1;
        let keys = self.few_ranges(field, std::slice::from_ref(key));
        keys.iter().map(|key| self.load_below(field, key)).fold(0, u32::saturating_add)
    }

    fn load_below(&self, field: u32, key: &Key<'_>) -> u32 {
        self.below(field, key.probe.kind, &key.bytes).map_or(0, |node| {
            let node = self.nodes.get(node);
            self.leads.get(node.leads as usize).map_or(node.few.into(), |leads| leads.load)
        })
    }

    /// Returns keys as a field can have them: blocks in place of the ranges for which it has no room.
    fn few_ranges<'k, 'c>(&self, field: u32, keys: &'k [Key<'c>]) -> Cow<'k, [Key<'c>]> {
        if keys.iter().all(|key| key.range().is_none()) {
            return Cow::Borrowed(keys);
        }
        let ranges = self.ranges(field);
        let mut room = FEW_RANGES - ranges.len();
        let mut placed = Vec::with_capacity(keys.len());
        for key in keys {
            match key.range().filter(|range| !ranges.contains(range)) {
                Some(range) if room == 0 => placed.extend(range.blocks()),
                Some(_) => {
                    room -= 1;
                    placed.push(key.clone());
                }
                None => placed.push(key.clone()),
            }
        }
        // Two ranges may share a block.
        keep_each_once(&mut placed);
        Cow::Owned(placed)
    }

    /// Returns the field for a path below a node, which may be new.
    fn field(&mut self, node: NodeId, path: PathId) -> u32 {
        let node = self.nodes.get_mut(node);
        if node.leads == NONE {
            node.leads = offset(self.leads.len());
            self.leads.push(Leads { fields: Vec::new(), load: u32::from(node.few) + 1 });
        }
        let leads = &mut self.leads[node.leads as usize].fields;
        match leads.binary_search_by_key(&path, |lead| lead.0) {
            Ok(found) => leads[found].1,
            Err(place) => {
                let fresh = offset(self.fields.len());
                self.fields.push(Field {
                    path,
                    questions: Vec::new(),
                    ranges: Vec::new(),
                    has_present: false,
                });
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
        let fresh = self.nodes.insert(field, key);
        let field = &mut self.fields[field as usize];
        field.ranges.extend(key.range());
        if kind == Kind::Present {
            field.has_present = true;
            return fresh;
        }
        let place = field.questions.partition_point(|question| question.probe < key.probe);
        if field.questions.get(place).is_none_or(|question| question.probe != key.probe) {
            field.questions.insert(place, Question { probe: key.probe, sieve: Sieve::default() });
        }
        field.questions[place].sieve.add(&key.bytes);
        fresh
    }
}

/// Returns under how many keys of a field what has these keys may lie: a range may need two blocks.
fn places(keys: &[Key<'_>]) -> usize {
    keys.iter().map(|key| if key.range().is_some() { 2 } else { 1 }).sum()
}

impl End {
    /// Returns the end of a rule that is one text.
    fn proved(rule: u32) -> Self {
        Self { rule, combination: NONE, unproved: 0, next: NONE }
    }

    /// Returns whether the way here proves every field.
    pub(crate) fn is_proved(&self) -> bool {
        self.unproved == 0
    }

    /// Returns whether the way here does not prove the test at an index.
    pub(crate) fn is_unproved(&self, index: usize) -> bool {
        self.unproved >> index.min(LEADING_FIELDS) & 1 == 1
    }
}
