//! The language of `PATTERNS.md`, evaluated the plain way: the judge that the engine is held against.
//!
//! It shares no code with the crate, keeps whole trees, tries every choice of values, and is as slow as that
//! sounds. What it says of a text, accepted or refused, matching or not, is meant to be read off the page.
//!
//! Modules, in reading order: `json` reads text, `event` cuts an event into values, `pattern` reads a pattern,
//! made of what `alternative`, `text` and `number` say, `search` finds whether the one holds for the other.

mod alternative;
mod event;
mod json;
mod number;
mod pattern;
mod search;
mod text;

pub(crate) use event::Event;
pub(crate) use json::Json;
pub(crate) use pattern::{Combination, Pattern, Rule};
