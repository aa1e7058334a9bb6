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
//! # Many rules
//!
//! [`Matcher`] finds the rules that an event matches by the event's values: what an event costs depends on what
//! matches it, hardly on how many rules there are. [`SharedMatcher`] is one that threads change while others read.
//! With a [`Scratch`] and a list that are kept, [`Matcher::matches_into`] asks for no memory.
//!
//! # What is checked
//!
//! An event in bytes is checked whole before it is matched, also where no pattern looks: UTF-8, strings and their
//! escapes, numbers, the nesting of objects and arrays up to 1000 deep. What follows its closing brace is not
//! looked at. Of an event in [`Field`]s each value is checked so, and only white space may follow it. [`Checked`]
//! is the proof of such a check: it is matched without another, and where its objects have no name twice matching
//! stops as soon as all that the rules name was found. Where names may stand twice it never stops early, since both
//! values count.
//!
//! # Limits
//!
//! Patterns are refused beyond [`COMBINATIONS_MAX`] combinations, where all combinations together have more than a
//! million fields or their paths more than a million bytes, and where wildcards are too complex. The time that a
//! pattern and an event take together is at most in proportion to the product of their lengths. An event in which
//! names stand twice can hold so many ways to put the values of several fields together that this would not do: it
//! is refused with [`EventError::TooManyWays`].
//!
//! # Modules, in reading order
//!
//! `json` reads text, `parse` turns a pattern into what `compiled` holds, made of `alternatives` and the conditions
//! in `condition` (`number`, `fold`, `wildcard`, `cidr`) and bounded by `complexity`. `check` proves that an event is
//! well-formed and `names` that it says all once, both in steps of 64 bytes (`block`); `walk` goes through it to the
//! `paths` that are named, by its marks (`window`) and past the rest (`skip`), and `flatten` keeps what was found.
//! `evaluate`, `elements` and `explain` hold that against one pattern; `tree`, made of `nodes` under `keys` (`short`
//! texts, `interval`s of numbers) and of the tests in `held`, finds among many, and `find` is an event's way through
//! it, past what a `sieve` holds back. `pattern`, `matcher` and `shared` are what callers see.

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
mod interval;
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
mod sieve;
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
