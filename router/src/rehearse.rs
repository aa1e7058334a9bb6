//! Rehearsals: aggregations under a clock of their own, for the test cases of a configuration and for trials over a log.
//!
//! A rehearsal is the core itself, given events and instants: nothing is stored, and nothing is delivered.

mod case;
pub(crate) mod stage;
#[cfg(test)]
mod tests;
pub(crate) mod trial;

pub use case::{CaseFailure, CaseOutcome, run_cases};
