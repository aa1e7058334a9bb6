//! An event's way down the tree of rules.

use std::net::IpAddr;

use crate::cidr::{first_of, parse_address};
use crate::elements::Search;
use crate::error::EventError;
use crate::flatten::{Flattened, Leaf};
use crate::held::TestId;
use crate::interval::{block, block_bytes, order};
use crate::keys::{AddressKey, Kind, Probe, literal_bytes, number_bytes};
use crate::nodes::NodeId;
use crate::paths::PathId;
use crate::tree::{End, Question, Tree};
use crate::value::{Literal, Number, Text, Value};

/// How many nodes are looked through one by one for one that was reached.
const FEW_REACHED: usize = 16;

/// What is known of one event, in memory that serves the next event again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finder {
    /// The nodes that were reached and not looked at yet.
    reached: Vec<NodeId>,
    /// The rules that match; some may stand there twice.
    rules: Vec<u32>,
    /// By test, the event it was last made on and whether it held.
    verdicts: Vec<(u32, bool)>,
    event: u32,
    /// The value that is asked, in lower case.
    lower: Vec<u8>,
    search: Search,
}

/// One way down.
struct Way<'w> {
    tree: &'w Tree,
    event: Flattened<'w>,
    finder: &'w mut Finder,
}

impl Finder {
    /// Finds the rules that an event matches, sorted, each once.
    ///
    /// # Errors
    ///
    /// Returns an error if that cannot be said in reasonable time.
    pub(crate) fn find(&mut self, tree: &Tree, event: Flattened<'_>) -> Result<&[u32], EventError> {
        self.event = self.event.wrapping_add(1);
        if self.event == 0 {
            self.verdicts.clear();
            self.event = 1;
        }
        self.verdicts.resize(self.verdicts.len().max(tree.tests().len()), (0, false));
        self.search.start();
        self.rules.clear();
        self.reached.clear();
        self.reached.push(NodeId::ROOT);
        Way { tree, event, finder: self }.go();
        if self.search.gave_up() {
            return Err(EventError::TooManyWays);
        }
        self.rules.sort_unstable();
        self.rules.dedup();
        Ok(&self.rules)
    }
}

impl Way<'_> {
    fn go(&mut self) {
        let tree = self.tree;
        while let Some(node) = self.finder.reached.pop() {
            for end in tree.ends(node) {
                if self.holds(&end) {
                    self.finder.rules.push(end.rule);
                }
            }
            let leads = tree.leads(node);
            if leads.len() <= self.event.named().len() {
                for (path, field) in leads {
                    self.ask_all(*path, *field);
                }
            } else {
                for path in self.event.named() {
                    if let Ok(found) = leads.binary_search_by_key(path, |lead| lead.0) {
                        self.ask_all(*path, leads[found].1);
                    }
                }
            }
        }
    }

    /// Reaches the nodes below a field that the values at its path lead to, each once.
    fn ask_all(&mut self, path: PathId, field: u32) {
        if !self.event.has(path) {
            return;
        }
        let before = self.finder.reached.len();
        self.finder.reached.extend(self.tree.present(field));
        let questions = self.tree.questions(field);
        let has_grams = questions.iter().any(|question| question.probe.kind == Kind::Gram);
        let reaches_twice = has_grams || self.event.has_many(path);
        for leaf in self.event.at(path) {
            let known = self.finder.reached.len();
            self.ask(leaf, field, questions);
            if reaches_twice && self.finder.reached.len() - before <= FEW_REACHED {
                self.forget_known(before, known);
            }
        }
        if reaches_twice && self.finder.reached.len() - before > FEW_REACHED {
            self.forget_known_many(before);
        }
    }

    /// Removes of the nodes from `known` on those that stand further ahead, down to `before`.
    fn forget_known(&mut self, before: usize, known: usize) {
        let reached = &mut self.finder.reached;
        let mut kept = known;
        for index in known..reached.len() {
            if !reached[before..kept].contains(&reached[index]) {
                reached[kept] = reached[index];
                kept += 1;
            }
        }
        reached.truncate(kept);
    }

    /// Removes of the nodes from `before` on those that stand there twice.
    fn forget_known_many(&mut self, before: usize) {
        let reached = &mut self.finder.reached;
        reached[before..].sort_unstable();
        let mut kept = before;
        for index in before..reached.len() {
            if kept == before || reached[index] != reached[kept - 1] {
                reached[kept] = reached[index];
                kept += 1;
            }
        }
        reached.truncate(kept);
    }

    fn ask(&mut self, leaf: &Leaf, field: u32, questions: &[Question]) {
        if let Some(text) = self.event.text(leaf) {
            self.ask_text(&text, field, questions);
            return;
        }
        match self.event.value(leaf) {
            Value::Text(_) => {}
            Value::Number(number) => self.ask_number(number, field, questions),
            Value::Literal(literal) => self.ask_literal(literal, field, questions),
        }
    }

    fn ask_text(&mut self, text: &Text<'_>, field: u32, questions: &[Question]) {
        let bytes = text.bytes;
        let mut address = None;
        let mut lower = None;
        for question in questions {
            let (kind, size) = (question.probe.kind, question.probe.size as usize);
            match kind {
                Kind::Text => self.reach(field, question, bytes),
                Kind::Prefix => self.reach_part(field, question, bytes.get(..size)),
                Kind::Suffix => self.reach_part(field, question, ending(bytes, size)),
                Kind::Gram => {
                    for gram in bytes.windows(size) {
                        self.reach(field, question, gram);
                    }
                }
                Kind::Fold | Kind::PrefixFold | Kind::SuffixFold => {
                    let folded: Vec<u8> = lower.take().unwrap_or_else(|| self.lower(bytes));
                    match kind {
                        Kind::Fold => self.reach(field, question, &folded),
                        Kind::PrefixFold => self.reach_part(field, question, folded.get(..size)),
                        _ => self.reach_part(field, question, ending(&folded, size)),
                    }
                    lower = Some(folded);
                }
                Kind::Address | Kind::Cidr4 | Kind::Cidr6 => {
                    let address = address.get_or_insert_with(|| parse_address(text.as_str()));
                    self.ask_address(*address, field, question);
                }
                Kind::Number
                | Kind::NumberText
                | Kind::Range
                | Kind::Block
                | Kind::Literal
                | Kind::Present => {}
            }
        }
        if let Some(lower) = lower {
            self.finder.lower = lower;
        }
    }

    fn lower(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut lower = std::mem::take(&mut self.finder.lower);
        lower.clear();
        lower.extend_from_slice(bytes);
        lower.make_ascii_lowercase();
        lower
    }

    fn ask_address(&mut self, address: Option<IpAddr>, field: u32, question: &Question) {
        let Some(address) = address else {
            return;
        };
        let bits = u8::try_from(question.probe.size).unwrap_or(u8::MAX);
        let key = match (question.probe.kind, address) {
            (Kind::Address, _) => AddressKey::new(address, 0),
            (Kind::Cidr4, IpAddr::V4(_)) | (Kind::Cidr6, IpAddr::V6(_)) => {
                AddressKey::new(first_of(address, bits), bits)
            }
            _ => return,
        };
        self.reach(field, question, key.bytes());
    }

    /// Asks what a number asks for. Under a block nothing is proved, so whether the number can be compared only
    /// matters where an equal one or a range is found.
    fn ask_number(&mut self, number: Number<'_>, field: u32, questions: &[Question]) {
        let mut kept = None;
        let mut is_kept = || *kept.get_or_insert_with(|| number.is(|_| true));
        for question in questions {
            let Probe { kind, size } = question.probe;
            match (kind, number.nearest) {
                (Kind::Number, Some(nearest)) => {
                    let key = number_bytes(nearest);
                    let found = self.below(field, question, &key).filter(|_| is_kept());
                    self.finder.reached.extend(found);
                }
                (Kind::Range, Some(nearest)) => {
                    let place = order(nearest);
                    let found = self.tree.ranges(field).iter().filter(|range| range.contains(place));
                    for range in found.filter(|_| is_kept()) {
                        self.reach(field, question, &range.bytes());
                    }
                }
                (Kind::Block, Some(nearest)) => {
                    self.reach(field, question, &block_bytes(block(order(nearest), size), size));
                }
                (Kind::NumberText, _) => self.reach(field, question, number.bytes),
                _ => {}
            }
        }
    }

    fn ask_literal(&mut self, literal: Literal, field: u32, questions: &[Question]) {
        for question in questions.iter().filter(|question| question.probe.kind == Kind::Literal) {
            self.reach(field, question, literal_bytes(literal));
        }
    }

    fn reach_part(&mut self, field: u32, question: &Question, bytes: Option<&[u8]>) {
        if let Some(bytes) = bytes {
            self.reach(field, question, bytes);
        }
    }

    #[inline]
    fn reach(&mut self, field: u32, question: &Question, bytes: &[u8]) {
        self.finder.reached.extend(self.below(field, question, bytes));
    }

    #[inline]
    fn below(&self, field: u32, question: &Question, bytes: &[u8]) -> Option<NodeId> {
        let may_be_there = question.sieve.lets_through(bytes);
        if may_be_there { self.tree.below(field, question.probe.kind, bytes) } else { None }
    }

    /// Returns whether the event fulfils the combination whose end it reached.
    fn holds(&mut self, end: &End) -> bool {
        if end.is_proved() && !self.event.has_elements() {
            return true;
        }
        let tests = match self.tree.tests_of(end) {
            [] => return true,
            [only] => return end.is_proved() || self.test(*only),
            tests => tests,
        };
        let mut placed = 0;
        let mut undecided = false;
        for (index, id) in tests.iter().enumerate() {
            let test = self.tree.tests().get(*id);
            let in_element = self.event.is_placed(test.path);
            placed += usize::from(in_element);
            if end.is_unproved(index) && !self.test(*id) {
                if !(test.may_be_absent() && in_element) {
                    return false;
                }
                undecided = true;
            }
        }
        if placed < 2 {
            return !undecided;
        }
        let tests = tests.iter().map(|id| self.tree.tests().get(*id));
        self.finder.search.succeeds(tests, self.event)
    }

    /// Makes a test, once an event.
    fn test(&mut self, id: TestId) -> bool {
        let verdict = self.finder.verdicts[id as usize];
        if verdict.0 == self.finder.event {
            return verdict.1;
        }
        let held = self.tree.tests().get(id).holds(self.event);
        self.finder.verdicts[id as usize] = (self.finder.event, held);
        held
    }
}

/// Returns the last bytes of a text.
fn ending(bytes: &[u8], size: usize) -> Option<&[u8]> {
    bytes.len().checked_sub(size).map(|start| &bytes[start..])
}
