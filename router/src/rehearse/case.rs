//! Test cases of a configuration.

use api::GroupStatus;
use event::Event;
use serde_json::Value;

use super::stage::Stage;
use crate::config::{Case, CaseStep, Config, Expectation, GroupLike, ReleaseLike};

/// Groups compared with a case, at most.
const GROUPS_MAX: usize = 10_000;

/// What came of one test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseOutcome {
    /// Its name.
    pub name: String,
    /// The line of the file on which it begins.
    pub line: usize,
    /// What was not as the case has it; empty if all of it holds.
    pub failures: Vec<CaseFailure>,
}

/// Something that was not as a case has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFailure {
    /// The line of the step.
    pub line: usize,
    /// What the case has.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// Runs every test case of a configuration, each with its own clock and nothing gathered before.
pub fn run_cases(config: &Config) -> Vec<CaseOutcome> {
    let run = |case: &Case| CaseOutcome {
        name: case.name.clone(),
        line: case.line,
        failures: run_case(config, case),
    };
    config.cases.iter().map(run).collect()
}

fn run_case(config: &Config, case: &Case) -> Vec<CaseFailure> {
    let mut stage = Stage::new(config, &case.bus, case.start);
    let mut released = Vec::new();
    let mut failures = Vec::new();
    for step in &case.steps {
        let happened = stage.pass(case.start.after(step.at)).and_then(|passed| {
            released.extend(passed);
            for event in &step.publish {
                released.extend(stage.publish(event.clone())?);
            }
            Ok(())
        });
        if let Err(error) = happened {
            let failure =
                CaseFailure { line: step.line, expected: "an end".to_owned(), found: error.to_string() };
            failures.push(failure);
            return failures;
        }
        if let Some(expected) = &step.expect {
            let events: Vec<&Event> = released.iter().map(|stored| &stored.event).collect();
            compare(step, expected, (&stage, case), &events, &mut failures);
            if expected.released.is_some() {
                released.clear();
            }
        }
    }
    failures
}

fn compare(
    step: &CaseStep,
    expected: &Expectation,
    (stage, case): (&Stage, &Case),
    released: &[&Event],
    failures: &mut Vec<CaseFailure>,
) {
    let mut fail = |expected: String, found: String| {
        failures.push(CaseFailure { line: step.line, expected, found });
    };
    if let Some(wanted) = &expected.released {
        let all = wanted.len() == released.len()
            && wanted.iter().zip(released).all(|(wanted, event)| is_like(wanted, event));
        if !all {
            fail(list("released", wanted, release_words), list("released", released, |one| event_words(one)));
        }
    }
    if let Some(wanted) = &expected.open {
        let aggregators = stage.core().aggregators().iter();
        let open: Vec<GroupStatus> =
            aggregators.flat_map(|one| one.groups(&case.bus, stage.now(), GROUPS_MAX)).collect();
        let mut left: Vec<&GroupStatus> = open.iter().collect();
        let all = wanted.iter().all(|wanted| {
            let found = left.iter().position(|group| is_group(wanted, group));
            found.map(|at| left.remove(at)).is_some()
        });
        if !all || !left.is_empty() {
            fail(list("open", wanted, group_words), list("open", &open, status_words));
        }
    }
    let sum = |of: fn(&crate::core::ledger::AggregationLedger) -> u64| -> u64 {
        stage.core().aggregators().iter().map(|one| of(&one.ledger())).sum()
    };
    let counts = [
        ("late", expected.late, sum(|ledger| ledger.late)),
        ("duplicate", expected.duplicate, sum(|ledger| ledger.duplicate)),
        ("discarded", expected.discarded, sum(|ledger| ledger.discarded)),
    ];
    for (name, wanted, found) in counts {
        if wanted.is_some_and(|wanted| wanted != found) {
            fail(format!("{name} = {}", wanted.unwrap_or_default()), found.to_string());
        }
    }
}

fn is_like(wanted: &ReleaseLike, event: &Event) -> bool {
    let payload = payload(event);
    let is = |wanted: Option<&String>, found: Option<&str>| wanted.is_none_or(|wanted| found == Some(wanted));
    let data = wanted.data.iter().all(|(at, value)| payload.pointer(at) == Some(value));
    is(wanted.kind.as_ref(), Some(&event.kind))
        && is(wanted.key.as_ref(), payload["key"].as_str())
        && is(wanted.by.as_ref(), payload["completed_by"].as_str())
        && wanted.parts.as_ref().is_none_or(|parts| *parts == names(&payload["parts"]))
        && wanted.missing.as_ref().is_none_or(|missing| *missing == names(&payload["missing"]))
        && data
}

fn is_group(wanted: &GroupLike, group: &GroupStatus) -> bool {
    let parts = || group.parts.iter().map(|part| &part.name);
    let missing = || group.missing.iter().map(|part| &part.name);
    wanted.aggregation.as_ref().is_none_or(|name| *name == group.aggregation)
        && wanted.key.as_ref().is_none_or(|key| *key == group.key)
        && wanted.parts.as_ref().is_none_or(|names| names.iter().eq(parts()))
        && wanted.missing.as_ref().is_none_or(|names| names.iter().eq(missing()))
}

fn payload(event: &Event) -> Value {
    event.json().and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default()
}

/// The names of parts, which may be listed as names alone.
fn names(list: &Value) -> Vec<String> {
    let name = |one: &Value| one.as_str().or_else(|| one["name"].as_str()).unwrap_or_default().to_owned();
    list.as_array().into_iter().flatten().map(name).collect()
}

fn list<T>(what: &str, all: &[T], words: impl Fn(&T) -> String) -> String {
    if all.is_empty() {
        return format!("nothing {what}");
    }
    let all: Vec<String> = all.iter().map(words).collect();
    format!("{what}: {}", all.join("; "))
}

fn release_words(wanted: &ReleaseLike) -> String {
    let mut words = vec![wanted.kind.clone().unwrap_or_else(|| "a release".to_owned())];
    words.extend(described(wanted.key.as_deref(), wanted.parts.as_deref(), wanted.missing.as_deref()));
    words.extend(wanted.by.as_ref().map(|by| format!("by {by}")));
    words.extend(wanted.data.iter().map(|(at, value)| format!("{at} = {value}")));
    words.join(" ")
}

fn event_words(event: &Event) -> String {
    let payload = payload(event);
    let (parts, missing) = (payload.get("parts").map(names), names(&payload["missing"]));
    let mut words = vec![event.kind.to_string()];
    words.extend(described(payload["key"].as_str(), parts.as_deref(), Some(&missing)));
    words.extend(payload["completed_by"].as_str().map(|by| format!("by {by}")));
    words.join(" ")
}

fn group_words(wanted: &GroupLike) -> String {
    let mut words = vec![wanted.aggregation.clone().unwrap_or_else(|| "a group".to_owned())];
    words.extend(described(wanted.key.as_deref(), wanted.parts.as_deref(), wanted.missing.as_deref()));
    words.join(" ")
}

fn status_words(group: &GroupStatus) -> String {
    let parts: Vec<String> = group.parts.iter().map(|part| part.name.clone()).collect();
    let missing: Vec<String> = group.missing.iter().map(|part| part.name.clone()).collect();
    let mut words = vec![group.aggregation.clone()];
    words.extend(described(Some(&group.key), Some(&parts), Some(&missing)));
    words.join(" ")
}

/// Returns what tells a group: its key, its parts, what it lacks.
fn described(key: Option<&str>, parts: Option<&[String]>, missing: Option<&[String]>) -> Vec<String> {
    let key = key.map(|key| format!("`{key}`"));
    let parts = parts.map(|parts| format!("with [{}]", parts.join(", ")));
    let missing = missing.filter(|missing| !missing.is_empty());
    let missing = missing.map(|missing| format!("without [{}]", missing.join(", ")));
    [key, parts, missing].into_iter().flatten().collect()
}
