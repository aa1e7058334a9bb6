//! The `EventBridge` event-pattern language: JSON bytes in, the keys of the rules that match out.
//!
//! A pattern says what an event must look like; [`Pattern`] compiles one and holds it against events, and
//! [`Matcher`] holds many against one event at once. Both agree with `EventBridge` case by case, in what
//! matches and in what is said about a pattern that is refused; the language is written down in
//! [`reference`](mod@reference). An event that is not JSON is an error and never a silent "no match".
//!
//! This crate knows JSON and nothing of buses, consumers or `CloudEvents`: where the parts of an event lie
//! apart, the caller hands them over as [`Field`]s.
//!
//! ```
//! use railpost_pattern::{Field, FieldValue, Pattern};
//!
//! let pattern = Pattern::parse(r#"{
//!     "source": ["shop.orders"],
//!     "detail": {"total": [{"numeric": [">", 100]}], "coupon": [{"exists": false}]}
//! }"#)?;
//!
//! assert!(pattern.matches(br#"{"source": "shop.orders", "detail": {"total": 140}}"#)?);
//!
//! let fields = [
//!     Field { name: "source", value: FieldValue::Text("shop.orders") },
//!     Field { name: "detail", value: FieldValue::Json(br#"{"total": 40}"#) },
//! ];
//! assert!(!pattern.matches_fields(&fields)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Modules, in reading order: `json` reads text, `parse` turns a pattern into what `compiled` holds, made of the
//! conditions in `condition` (`number`, `fold`, `wildcard`, `cidr`) and bounded by `complexity`; `paths` and
//! `flatten` cut an event down to the fields that are named, `evaluate` and `explain` hold the one against
//! the other; `pattern` and `matcher` are what callers see.

mod alternatives;
mod block;
mod check;
mod checked;
mod cidr;
mod compiled;
mod complexity;
mod condition;
mod elements;
mod error;
mod evaluate;
mod explain;
mod find;
mod flatten;
mod fold;
mod held;
mod json;
mod keys;
mod matcher;
mod names;
mod nodes;
mod number;
mod parse;
mod paths;
mod pattern;
mod shared;
mod short;
mod skip;
mod tree;
mod value;
mod walk;
mod wildcard;
mod window;

#[doc = include_str!("../PATTERNS.md")]
pub mod reference {}

pub use checked::Checked;
pub use error::{COMBINATIONS_MAX, Error, EventError, Span};
pub use explain::{Closest, Explanation, FOUND_MAX, FieldExplanation};
pub use matcher::{Matcher, Scratch};
pub use pattern::Pattern;
pub use shared::SharedMatcher;
pub use value::{Field, FieldValue, Input};
