//! [`Case`]: an example of how the aggregations of a bus behave, which `check` runs.

use std::time::Duration;

use event::{Event, Timestamp};

/// A test case: what is published when, and what must be the case when.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// The bus.
    pub bus: String,
    /// When it begins.
    pub start: Timestamp,
    /// What happens, in order.
    pub steps: Vec<CaseStep>,
}

/// One step of a [`Case`].
#[derive(Clone, Debug)]
pub struct CaseStep {
    /// The line of the file, from 1.
    pub line: usize,
    /// How long after the start, never less than the step before.
    pub at: Duration,
    /// The events that are published then.
    pub publish: Vec<Event>,
    /// What must be the case after that; none where nothing is asked.
    pub expect: Option<Expectation>,
}

/// What must be the case at a step. What is not named may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectation {
    /// The releases since the last step that asked for releases, in order: none other may be there.
    pub released: Option<Vec<ReleaseLike>>,
    /// The open groups: none other may be there.
    pub open: Option<Vec<GroupLike>>,
    /// Late parts so far.
    pub late: Option<u64>,
    /// Duplicate parts so far.
    pub duplicate: Option<u64>,
    /// Discarded parts so far.
    pub discarded: Option<u64>,
}

/// A release as a case asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseLike {
    /// Its event's `type`.
    pub kind: Option<String>,
    /// The group's key.
    pub key: Option<String>,
    /// The parts' names, in the release's order.
    pub parts: Option<Vec<String>>,
    /// The missing parts' names.
    pub missing: Option<Vec<String>>,
    /// What completed it, in one word.
    pub by: Option<String>,
    /// Members of its payload, by JSON pointer, such as `/merged/total`.
    pub data: Vec<(String, serde_json::Value)>,
}

/// An open group as a case asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupLike {
    /// Its aggregation.
    pub aggregation: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Its parts' names, in order of arrival.
    pub parts: Option<Vec<String>>,
    /// The missing parts' names.
    pub missing: Option<Vec<String>>,
}
