//! The configuration: a TOML file in, what it means out, and findings a person can act on in between.
//!
//! It reads one file, and the files of names and the environment variables that this file names, and nothing else: it
//! opens no port, no log and no schema. A file with an error means nothing at all; a warning is returned beside the
//! meaning.
//!
//! # Layout
//! * [`model`]: [`Config`], what a file means
//! * `file`: the shape of the file, whose documentation is the reference page
//! * `read`: [`Config::load`] and [`Config::parse`], from the one to the other
//! * [`error`]: [`ConfigError`], [`Finding`] and [`Code`]
//! * `suggest`: the nearest of some names
//! * [`json_schema`]: [`config_schema`], the shape of the file for editors

pub mod error;
mod file;
pub mod json_schema;
pub mod model;
mod read;
mod suggest;
#[cfg(test)]
mod tests;

pub use error::{Code, ConfigError, Finding};
pub use json_schema::config_schema;
pub use model::{
    Aggregation, AtLimit, AwsService, Bus, Case, CaseStep, Ceiling, Completion, Config, Consumer, Count,
    CountFrom, Cutoff, DEFAULT_BUS, Dedup, Duplicates, Durability, Emit, EventTime, Expectation, Expected,
    Format, Gate, GroupLike, KeyExpression, Late, Limits, Manifest, Measure, Mode, Names, NamesPerKey,
    Otherwise, Partial, Payloads, Piece, Range, Rate, ReadCount, ReleaseLike, Resequence, Retention, Retry,
    Start, Target, Template, Time, Trace, Unplaced, Value, WINDOWS_MAX, Way, While, Window,
};
