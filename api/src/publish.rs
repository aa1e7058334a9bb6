//! The answer to a request of CloudEvents of which some were there before; one of which all are new has no body.

use serde::{Deserialize, Serialize};

/// The answer to a request of CloudEvents of which some were there before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The events that are stored already, and were not stored again.
    pub duplicates: Vec<Duplicate>,
}

/// An event that is stored already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Where the first of its kind is on the bus.
    pub position: u64,
}
