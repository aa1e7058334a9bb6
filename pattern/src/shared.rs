//! A set of rules that changes while events are matched.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use arc_swap::ArcSwap;

use crate::error::EventError;
use crate::matcher::{Matcher, Scratch};
use crate::pattern::Pattern;
use crate::value::{Field, Input};

/// A [`Matcher`] that any number of threads use and change at the same time. Its clones are the same set.
///
/// Readers never wait, neither for each other nor for a writer: there are two copies of the set, one that is read
/// and one that is changed, and a change ends with the two taking each other's place. So the set takes twice the
/// room of a [`Matcher`], and a writer waits for those who still read the copy that it will change: as long as one
/// event takes, at most. Writers wait for each other.
///
/// An event is matched against the rules as they were at one moment.
///
/// ```
/// use railpost_pattern::{Pattern, SharedMatcher};
///
/// let matcher = SharedMatcher::new();
/// let reader = matcher.clone();
/// matcher.insert("orders", Pattern::parse(r#"{"source": ["shop.orders"]}"#)?);
/// let matched = std::thread::spawn(move || reader.matches(br#"{"source": "shop.orders"}"#));
/// assert_eq!(matched.join().expect("the thread does not panic")?, ["orders"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SharedMatcher<K> {
    sides: Arc<Sides<K>>,
}

#[derive(Debug)]
struct Sides<K> {
    /// What is read.
    front: ArcSwap<Matcher<K>>,
    back: Mutex<Back<K>>,
}

/// The copy that is changed next.
#[derive(Debug)]
struct Back<K> {
    matcher: Arc<Matcher<K>>,
    /// What was last done to the other copy and not to this one yet.
    missed: Option<Change<K>>,
}

#[derive(Debug)]
enum Change<K> {
    Insert(K, Pattern),
    Remove(K),
}

impl<K: Clone + Eq + Hash> SharedMatcher<K> {
    /// Returns a set without rules.
    pub fn new() -> Self {
        Self::from(Matcher::new())
    }

    /// Adds a pattern to a key; events that are matched from now on know of it.
    pub fn insert(&self, key: K, pattern: Pattern) {
        self.change(Change::Insert(key, pattern));
    }

    /// Removes a key with all its patterns; returns whether it was there.
    pub fn remove(&self, key: &K) -> bool {
        self.change(Change::Remove(key.clone()))
    }

    /// Returns the keys that match an event; see [`Matcher::matches`].
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies.
    pub fn matches(&self, event: &[u8]) -> Result<Vec<K>, EventError> {
        self.sides.front.load().matches(event)
    }

    /// Returns the keys that match an event whose top-level fields come apart; see [`Matcher::matches_fields`].
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether a pattern reads it or not.
    pub fn matches_fields(&self, fields: &[Field<'_>]) -> Result<Vec<K>, EventError> {
        self.sides.front.load().matches_fields(fields)
    }

    /// Appends the keys that match an event; see [`Matcher::matches_into`].
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not JSON, wherever in it the fault lies; then no key is appended.
    pub fn matches_into(
        &self,
        event: Input<'_>,
        scratch: &mut Scratch,
        keys: &mut Vec<K>,
    ) -> Result<(), EventError> {
        self.sides.front.load().matches_into(event, scratch, keys)
    }

    fn change(&self, change: Change<K>) -> bool {
        let mut back = self.sides.back.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = back.missed.take();
        let matcher = loop {
            match Arc::get_mut(&mut back.matcher) {
                Some(matcher) => break matcher,
                None => thread::yield_now(),
            }
        };
        if let Some(missed) = missed {
            missed.apply(matcher);
        }
        let changed = change.apply(matcher);
        back.matcher = self.sides.front.swap(back.matcher.clone());
        back.missed = Some(change);
        changed
    }
}

impl<K: Clone + Eq + Hash> Change<K> {
    fn apply(&self, matcher: &mut Matcher<K>) -> bool {
        match self {
            Self::Insert(key, pattern) => {
                matcher.insert_pattern(key.clone(), pattern);
                true
            }
            Self::Remove(key) => matcher.remove(key),
        }
    }
}

impl<K: Clone> From<Matcher<K>> for SharedMatcher<K> {
    fn from(matcher: Matcher<K>) -> Self {
        let back = Back { matcher: Arc::new(matcher.clone()), missed: None };
        let sides = Sides { front: ArcSwap::from_pointee(matcher), back: Mutex::new(back) };
        Self { sides: Arc::new(sides) }
    }
}

impl<K: Clone + Eq + Hash> Default for SharedMatcher<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Clone for SharedMatcher<K> {
    fn clone(&self) -> Self {
        Self { sides: self.sides.clone() }
    }
}
