//! Many patterns, held against one event at once.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use crate::compiled::Compiled;
use crate::error::EventError;
use crate::evaluate;
use crate::flatten::Flattened;
use crate::paths::{PathId, PathIndex};
use crate::pattern::Pattern;
use crate::value::Field;

/// A set of rules: keys, each with one or more patterns. An event is read once for all of them.
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
    /// The rules in the order in which their keys were first inserted.
    rules: BTreeMap<u64, Rule<K>>,
    order: HashMap<K, u64>,
    next: u64,
    paths: Paths,
}

#[derive(Clone, Debug)]
struct Rule<K> {
    key: K,
    patterns: Vec<Indexed>,
}

/// A pattern with the ids that its paths have in the set.
#[derive(Clone, Debug)]
struct Indexed {
    compiled: Compiled,
    ids: Box<[PathId]>,
}

/// The paths that the rules name.
#[derive(Clone, Debug)]
struct Paths {
    index: PathIndex,
    /// How many paths the index holds, those of removed rules included.
    held: u32,
    /// How many the patterns of the rules name, each pattern by itself.
    named: usize,
    /// How many the patterns of removed rules named since the index was built.
    forgotten: usize,
}

impl<K: Clone + Eq + Hash> Matcher<K> {
    /// Returns a set without rules.
    pub fn new() -> Self {
        Self { rules: BTreeMap::new(), order: HashMap::new(), next: 0, paths: Paths::new() }
    }

    /// Adds a pattern to a key, which then matches where any of its patterns does.
    pub fn insert(&mut self, key: K, pattern: Pattern) {
        let compiled = pattern.into_compiled();
        let ids = self.paths.add(&compiled);
        let place = *self.order.entry(key.clone()).or_insert(self.next);
        self.next += 1;
        let rule = self.rules.entry(place).or_insert_with(|| Rule { key, patterns: Vec::new() });
        rule.patterns.push(Indexed { compiled, ids });
    }

    /// Removes a key with all its patterns; returns whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        let Some(rule) = self.order.remove(key).and_then(|place| self.rules.remove(&place)) else {
            return false;
        };
        for pattern in &rule.patterns {
            self.paths.forget(&pattern.compiled);
        }
        if self.paths.forgotten > self.paths.named {
            self.paths = Paths::new();
            for pattern in self.rules.values_mut().flat_map(|rule| &mut rule.patterns) {
                pattern.ids = self.paths.add(&pattern.compiled);
            }
        }
        true
    }

    /// Returns the keys that match an event, one JSON object, in the order in which they were inserted.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies.
    pub fn matches(&self, event: &[u8]) -> Result<Vec<K>, EventError> {
        Ok(self.matches_flattened(&Flattened::of_event(event, &self.paths.index)?))
    }

    /// Returns the keys that match an event whose top-level fields come apart.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether a pattern reads it or not.
    pub fn matches_fields(&self, fields: &[Field<'_>]) -> Result<Vec<K>, EventError> {
        Ok(self.matches_flattened(&Flattened::of_fields(fields, &self.paths.index)?))
    }

    fn matches_flattened(&self, event: &Flattened<'_>) -> Vec<K> {
        let holds = |pattern: &Indexed| evaluate::matches(&pattern.compiled, &pattern.ids, event);
        let matching = self.rules.values().filter(|rule| rule.patterns.iter().any(holds));
        matching.map(|rule| rule.key.clone()).collect()
    }
}

impl<K: Clone + Eq + Hash> Default for Matcher<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl Paths {
    fn new() -> Self {
        Self { index: PathIndex::new(), held: 0, named: 0, forgotten: 0 }
    }

    fn add(&mut self, compiled: &Compiled) -> Box<[PathId]> {
        self.named += compiled.paths.len();
        let insert = |path: &str| {
            let id = self.index.insert(path, self.held);
            self.held += u32::from(id == self.held);
            id
        };
        compiled.paths.iter().map(AsRef::as_ref).map(insert).collect()
    }

    fn forget(&mut self, compiled: &Compiled) {
        self.named -= compiled.paths.len();
        self.forgotten += compiled.paths.len();
    }
}
