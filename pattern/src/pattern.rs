//! One event pattern.

use crate::compiled::{Compiled, FieldRule};
use crate::elements::Search;
use crate::error::{Error, EventError};
use crate::evaluate;
use crate::explain::{self, Explanation};
use crate::flatten::{Flattened, Leaves};
use crate::parse;
use crate::paths::PathIndex;
use crate::value::{Field, Input};
use crate::walk::Walk;

/// A compiled event pattern.
///
/// ```
/// use railpost_pattern::Pattern;
///
/// let pattern = Pattern::parse(r#"{"detail": {"total": [{"numeric": [">", 100]}]}}"#)?;
/// assert!(pattern.matches(br#"{"detail": {"total": 140}}"#)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<str>,
    compiled: Compiled,
    /// The pattern's own paths, numbered in order.
    index: PathIndex,
}

impl Pattern {
    /// Compiles a pattern from its JSON text.
    ///
    /// Time and memory grow with the text; [the crate](crate#limits) says what is refused.
    ///
    /// # Errors
    ///
    /// Returns the mistake that `EventBridge` would report for the text, in the same words.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let compiled = parse::parse(text)?;
        let mut index = PathIndex::new();
        for path in &compiled.paths {
            index.insert(path);
        }
        Ok(Self { text: text.into(), compiled, index })
    }

    /// Returns the text the pattern was compiled from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the dotted paths that the pattern reads, in the order of its text.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.compiled.paths.iter().map(AsRef::as_ref)
    }

    /// Returns whether an event, one JSON object, matches.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies, or is too hard to match
    /// ([`EventError::TooManyWays`]).
    pub fn matches(&self, event: &[u8]) -> Result<bool, EventError> {
        self.read(Input::Bytes(event), |event, search| self.holds(event, search))
    }

    /// Returns whether an event whose top-level fields come apart matches.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether the pattern reads it or not, or if the event is too
    /// hard to match ([`EventError::TooManyWays`]).
    pub fn matches_fields(&self, fields: &[Field<'_>]) -> Result<bool, EventError> {
        self.read(Input::Fields(fields), |event, search| self.holds(event, search))
    }

    /// Returns field by field what the pattern wants and what an event has.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies, or is too hard to match
    /// ([`EventError::TooManyWays`]).
    pub fn explain(&self, event: &[u8]) -> Result<Explanation, EventError> {
        self.read(Input::Bytes(event), |event, search| self.explanation(event, search))
    }

    /// Returns field by field what the pattern wants and what an event has whose top-level fields come apart.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether the pattern reads it or not, or if the event is too
    /// hard to match ([`EventError::TooManyWays`]).
    pub fn explain_fields(&self, fields: &[Field<'_>]) -> Result<Explanation, EventError> {
        self.read(Input::Fields(fields), |event, search| self.explanation(event, search))
    }

    pub(crate) fn compiled(&self) -> &Compiled {
        &self.compiled
    }

    /// Returns what the pattern wants of a field, as it writes it.
    pub(crate) fn text_of(&self, field: &FieldRule) -> String {
        let mut text = String::new();
        for (start, end) in &field.spans {
            text.push_str(&self.text[*start..*end]);
            text.push(',');
        }
        text
    }

    /// Reads an event and decides about it.
    fn read<R>(
        &self,
        event: Input<'_>,
        decide: impl FnOnce(Flattened<'_>, &mut Search) -> R,
    ) -> Result<R, EventError> {
        let (mut leaves, mut walk, mut search) = (Leaves::new(), Walk::default(), Search::default());
        let event = Flattened::read(event, &self.index, &mut leaves, &mut walk)?;
        let decision = decide(event, &mut search);
        if search.gave_up() { Err(EventError::TooManyWays) } else { Ok(decision) }
    }

    fn holds(&self, event: Flattened<'_>, search: &mut Search) -> bool {
        evaluate::matches(&self.compiled, event, search)
    }

    fn explanation(&self, event: Flattened<'_>, search: &mut Search) -> Explanation {
        explain::explain(&self.text, &self.compiled, event, search)
    }
}
