//! Many patterns, held against one event at once.

use std::collections::HashSet;
use std::hash::{BuildHasher, Hash};

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::compiled::{Branch, Compiled};
use crate::condition::Condition;
use crate::error::EventError;
use crate::evaluate::Test;
use crate::find::Finder;
use crate::flatten::{Flattened, Leaves};
use crate::held::TestId;
use crate::paths::{PathId, PathIndex};
use crate::pattern::Pattern;
use crate::tree::{Combination, Tree};
use crate::value::{Field, Input};
use crate::walk::Walk;

/// How many places that removed rules take up are always kept.
const FORGOTTEN_MAX: usize = 1000;

/// A set of rules: keys, each with one or more patterns. An event is read once for all of them.
///
/// What an event costs depends on its own size and on the rules that match it, hardly on how many there are; what
/// the order of the rules in the set is does not matter. The room of removed rules is given back when they take up as
/// much as the rules that are left, all at once.
///
/// ```
/// use railpost_pattern::{Matcher, Pattern};
///
/// let mut matcher = Matcher::new();
/// matcher.insert("orders", Pattern::parse(r#"{"source": ["shop.orders"]}"#)?);
/// matcher.insert("all of the shop", Pattern::parse(r#"{"source": [{"prefix": "shop."}]}"#)?);
/// assert_eq!(matcher.matches(br#"{"source": "shop.returns"}"#)?, ["all of the shop"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Matcher<K> {
    /// The rules in the order in which their keys were first inserted; none where one was removed.
    rules: Vec<Option<K>>,
    by_key: HashTable<u32>,
    /// How many places in the tree each rule takes up.
    places: Vec<u32>,
    paths: PathIndex,
    tree: Tree,
    /// How many places the rules take up that were removed.
    forgotten: usize,
}

/// What matching needs to remember while it looks at one event. It serves any number of events and matchers, one
/// after the other, and grows as the largest of them ask for.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(crate) leaves: Leaves,
    pub(crate) walk: Walk,
    pub(crate) finder: Finder,
}

impl Scratch {
    /// Returns a scratch that takes up no memory yet.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<K: Clone + Eq + Hash> Matcher<K> {
    /// Returns a set without rules.
    pub fn new() -> Self {
        Self {
            rules: Vec::new(),
            by_key: HashTable::new(),
            places: Vec::new(),
            paths: PathIndex::new(),
            tree: Tree::new(),
            forgotten: 0,
        }
    }

    /// Adds a pattern to a key, which then matches where any of its patterns does.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a pattern serves one rule; the set keeps what it needs"
    )]
    pub fn insert(&mut self, key: K, pattern: Pattern) {
        self.insert_pattern(key, &pattern);
    }

    pub(crate) fn insert_pattern(&mut self, key: K, pattern: &Pattern) {
        let rule = self.rule(key);
        let compiled = pattern.compiled();
        let paths: Vec<PathId> = compiled.paths.iter().map(|path| self.paths.insert(path)).collect();
        for branch in &compiled.branches {
            if let Some((path, text)) = only_text(compiled, branch) {
                self.place(rule, |tree| tree.add_text(rule, paths[path as usize], text));
                continue;
            }
            let tests: Vec<TestId> = compiled
                .rules(branch)
                .map(|field| {
                    let test = Test { path: paths[field.path as usize], ..field.test() };
                    self.tree.hold(test, &pattern.text_of(field))
                })
                .collect();
            let siblings = compiled.branches.len();
            self.place(rule, |tree| tree.add(rule, siblings, &tests));
        }
    }

    /// Puts a combination of a rule into the tree, and counts the places it takes up.
    fn place(&mut self, rule: u32, add: impl FnOnce(&mut Tree)) {
        let before = self.tree.places();
        add(&mut self.tree);
        let taken = u32::try_from(self.tree.places() - before).unwrap_or(u32::MAX);
        let places = &mut self.places[rule as usize];
        *places = places.saturating_add(taken);
    }

    /// Removes a key with all its patterns; returns whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        let rules = &mut self.rules;
        let is_it = |rule: &u32| rules[*rule as usize].as_ref() == Some(key);
        let Ok(entry) = self.by_key.find_entry(hash(key), is_it) else {
            return false;
        };
        let (rule, _) = entry.remove();
        rules[rule as usize] = None;
        self.forgotten += self.places[rule as usize] as usize;
        if self.forgotten > FORGOTTEN_MAX.max(self.tree.places() / 2) {
            self.rebuild();
        }
        true
    }

    /// Returns how many keys there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Returns whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Returns the keys that match an event, one JSON object, in the order in which they were inserted.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies.
    pub fn matches(&self, event: &[u8]) -> Result<Vec<K>, EventError> {
        self.matches_input(Input::Bytes(event))
    }

    /// Returns the keys that match an event whose top-level fields come apart.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether a pattern reads it or not.
    pub fn matches_fields(&self, fields: &[Field<'_>]) -> Result<Vec<K>, EventError> {
        self.matches_input(Input::Fields(fields))
    }

    /// Appends the keys that match an event, in the order in which they were inserted.
    ///
    /// Once the scratch and the list have grown to what the events need, no memory is asked for.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not JSON, wherever in it the fault lies, or if its arrays hold too many ways to
    /// put values together ([`EventError::TooManyWays`]); then no key is appended.
    pub fn matches_into(
        &self,
        event: Input<'_>,
        scratch: &mut Scratch,
        keys: &mut Vec<K>,
    ) -> Result<(), EventError> {
        let event = Flattened::read(event, &self.paths, &mut scratch.leaves, &mut scratch.walk)?;
        let rules = scratch.finder.find(&self.tree, event)?;
        keys.extend(rules.iter().filter_map(|rule| self.rules[*rule as usize].clone()));
        Ok(())
    }

    fn matches_input(&self, event: Input<'_>) -> Result<Vec<K>, EventError> {
        let mut keys = Vec::new();
        self.matches_into(event, &mut Scratch::new(), &mut keys)?;
        Ok(keys)
    }

    /// Returns the rule of a key, which may be new.
    fn rule(&mut self, key: K) -> u32 {
        let hashed = hash(&key);
        let is_it = |rule: &u32| self.rules[*rule as usize].as_ref() == Some(&key);
        if let Some(rule) = self.by_key.find(hashed, is_it) {
            return *rule;
        }
        let fresh = u32::try_from(self.rules.len()).unwrap_or(u32::MAX);
        self.rules.push(Some(key));
        self.places.push(0);
        let rules = &self.rules;
        self.by_key.insert_unique(hashed, fresh, |rule| rules[*rule as usize].as_ref().map_or(0, hash));
        fresh
    }

    /// Moves the rules that are left to a new set.
    fn rebuild(&mut self) {
        let old = std::mem::take(self);
        let moved: Vec<Option<u32>> =
            old.rules.into_iter().map(|key| key.map(|key| self.rule(key))).collect();
        let paths = old.paths.texts();
        let mut seen = HashSet::new();
        let mut combinations: Vec<_> = old.tree.combinations().collect();
        // In the order in which they came: that of the tree would crowd the new one's table.
        combinations.sort_by_key(|(rule, _)| *rule);
        for (rule, combination) in combinations {
            let Some(rule) = moved[rule as usize] else {
                continue;
            };
            match combination {
                Combination::Text(path, text) => {
                    let path = self.paths.insert(&paths[path as usize]);
                    self.place(rule, |tree| tree.add_text(rule, path, &text));
                }
                Combination::Tests(siblings, tests) if seen.insert((rule, tests)) => {
                    let held = tests.iter().map(|id| {
                        let test = old.tree.tests().get(*id);
                        let path = self.paths.insert(&paths[test.path as usize]);
                        self.tree.hold(Test { path, ..test }, old.tree.tests().text(*id))
                    });
                    let held: Vec<TestId> = held.collect();
                    self.place(rule, |tree| tree.add(rule, siblings, &held));
                }
                Combination::Tests(..) => {}
            }
        }
    }
}

impl<K: Clone + Eq + Hash> Default for Matcher<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the path and the text where a combination is one text of one field.
fn only_text<'c>(compiled: &'c Compiled, branch: &'c Branch) -> Option<(u32, &'c str)> {
    let mut rules = compiled.rules(branch);
    match (rules.next(), rules.next()) {
        (Some(only), None) => match only.alternatives.all() {
            [Condition::Text(text)] => Some((only.path, text)),
            _ => None,
        },
        _ => None,
    }
}

fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}
