//! One event pattern.

use crate::compiled::Compiled;
use crate::error::{Error, EventError};
use crate::evaluate;
use crate::explain::{self, Explanation};
use crate::flatten::Flattened;
use crate::parse;
use crate::paths::{PathId, PathIndex};
use crate::value::Field;

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
    index: PathIndex,
    /// The pattern's own paths, numbered in order.
    ids: Box<[PathId]>,
}

impl Pattern {
    /// Compiles a pattern from its JSON text.
    ///
    /// # Errors
    ///
    /// Returns the mistake that `EventBridge` would report for the text, in the same words.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let compiled = parse::parse(text)?;
        let mut index = PathIndex::new();
        let ids = (0..).zip(&compiled.paths).map(|(id, path)| index.insert(path, id)).collect();
        Ok(Self { text: text.into(), compiled, index, ids })
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
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies.
    pub fn matches(&self, event: &[u8]) -> Result<bool, EventError> {
        Ok(self.matches_flattened(&Flattened::of_event(event, &self.index)?))
    }

    /// Returns whether an event whose top-level fields come apart matches.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether the pattern reads it or not.
    pub fn matches_fields(&self, fields: &[Field<'_>]) -> Result<bool, EventError> {
        Ok(self.matches_flattened(&Flattened::of_fields(fields, &self.index)?))
    }

    /// Returns field by field what the pattern wants and what an event has.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object, wherever in it the fault lies.
    pub fn explain(&self, event: &[u8]) -> Result<Explanation, EventError> {
        Ok(self.explain_flattened(&Flattened::of_event(event, &self.index)?))
    }

    /// Returns field by field what the pattern wants and what an event has whose top-level fields come apart.
    ///
    /// # Errors
    ///
    /// Returns an error if the value of a field is not JSON, whether the pattern reads it or not.
    pub fn explain_fields(&self, fields: &[Field<'_>]) -> Result<Explanation, EventError> {
        Ok(self.explain_flattened(&Flattened::of_fields(fields, &self.index)?))
    }

    pub(crate) fn into_compiled(self) -> Compiled {
        self.compiled
    }

    fn matches_flattened(&self, event: &Flattened<'_>) -> bool {
        evaluate::matches(&self.compiled, &self.ids, event)
    }

    fn explain_flattened(&self, event: &Flattened<'_>) -> Explanation {
        explain::explain(&self.text, &self.compiled, &self.ids, event)
    }
}
