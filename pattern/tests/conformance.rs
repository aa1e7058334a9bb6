//! Holds the crate against tables of recorded cases.
//!
//! The project's own tables lie in `tests/data`. Those recorded on `EventBridge` and with event-ruler are
//! looked for in the directory that `RAILPOST_CONFORMANCE` names.

#![expect(clippy::print_stdout, reason = "a table that is not there is reported, not passed over")]
#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use railpost_pattern::{Matcher, Pattern};
use serde::Deserialize;

/// Recorded cases whose recorded answer is not the one wanted here, each with the answer that is and why.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "probe/4",
    "error: prefix is Ruler reserved fieldName which cannot be used inside $or.",
    "event-ruler falls back to a compiler that takes `$or` for a field; EventBridge reports the error",
)];

/// Says where `EventBridge` looked at the event before it looked at the pattern.
const EVENT_REFUSED: &str = "Parameter Event is not valid.";
const PREFIX: &str = "Event pattern is not valid. Reason: ";

#[derive(Deserialize)]
struct Case {
    name: String,
    event: String,
    pattern: String,
    expect: String,
    error: Option<String>,
}

#[derive(Deserialize)]
struct RuleSet {
    name: String,
    event: String,
    rules: BTreeMap<String, Vec<String>>,
    matched: Vec<String>,
}

fn directory() -> PathBuf {
    let sibling = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    std::env::var_os("RAILPOST_CONFORMANCE").map_or(sibling, PathBuf::from)
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

/// Returns the rows of a table, or nothing where the recorded tables are not at hand.
fn rows<T: for<'de> Deserialize<'de>>(directory: &Path, table: &str) -> Vec<T> {
    let path = directory.join(table);
    if !directory.exists() {
        println!("skipped: {} is not there", path.display());
        return Vec::new();
    }
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let rows: Vec<T> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty(), "{} has no rows", path.display());
    rows
}

/// Returns what the crate says of a case, in the words of the tables.
fn answer(case: &Case) -> String {
    let pattern = match Pattern::parse(&case.pattern) {
        Ok(pattern) => pattern,
        Err(error) => {
            let with_source = case.error.as_ref().is_some_and(|text| text.contains("\n at "));
            let text = if with_source { error.message_with_source() } else { error.message().to_owned() };
            return format!("error: {text}");
        }
    };
    if case.expect == "valid" {
        return "valid".to_owned();
    }
    match pattern.matches(case.event.as_bytes()) {
        Ok(true) => "match".to_owned(),
        Ok(false) => "no_match".to_owned(),
        Err(_) => "event_error".to_owned(),
    }
}

fn expected(case: &Case) -> String {
    if let Some((_, answer, _)) = EXCEPTIONS.iter().find(|(name, ..)| *name == case.name) {
        return (*answer).to_owned();
    }
    match (case.expect.as_str(), &case.error) {
        ("error", Some(text)) if text == EVENT_REFUSED => "event_error".to_owned(),
        ("error", Some(text)) => format!("error: {}", text.strip_prefix(PREFIX).unwrap_or(text)),
        (expect, _) => expect.to_owned(),
    }
}

/// A pattern that event-ruler's check lets pass and its machine then breaks on has no recorded text.
fn agrees(case: &Case, answer: &str, expected: &str) -> bool {
    let same = if expected == "error: valid" { answer.starts_with("error: ") } else { answer == expected };
    same && explanation_agrees(case, answer)
}

fn explanation_agrees(case: &Case, answer: &str) -> bool {
    if !matches!(answer, "match" | "no_match") {
        return true;
    }
    let pattern = Pattern::parse(&case.pattern).unwrap();
    let explanation = pattern.explain(case.event.as_bytes()).unwrap();
    let all_held = explanation.fields.iter().all(|field| field.held);
    explanation.matched == (answer == "match")
        && (explanation.matched || explanation.elements_differ || !all_held)
}

fn check_cases(directory: &Path, table: &str) {
    let cases: Vec<Case> = rows(directory, table);
    let wrong: Vec<String> = cases
        .iter()
        .map(|case| (case, answer(case), expected(case)))
        .filter(|(case, answer, expected)| !agrees(case, answer, expected))
        .map(|(case, answer, expected)| {
            format!(
                "{}\n  pattern {}\n  event {}\n  expected {expected:?}\n  answered {answer:?}",
                case.name, case.pattern, case.event
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn own_cases() {
    check_cases(&own(), "patterns.jsonl");
}

#[test]
fn patterns_recorded_on_eventbridge() {
    check_cases(&directory(), "patterns.visible.jsonl");
}

#[test]
fn patterns_of_event_ruler() {
    check_cases(&directory(), "ruler.visible.jsonl");
}

#[test]
fn corners_of_event_ruler() {
    check_cases(&directory(), "probes.visible.jsonl");
}

#[test]
fn rule_sets_of_event_ruler() {
    let sets: Vec<RuleSet> = rows(&directory(), "ruler_multi.visible.jsonl");
    for set in &sets {
        let mut matcher = Matcher::new();
        for (key, patterns) in &set.rules {
            for pattern in patterns {
                matcher.insert(key.clone(), Pattern::parse(pattern).unwrap());
            }
        }
        let mut expected = set.matched.clone();
        expected.sort();
        assert_eq!(matcher.matches(set.event.as_bytes()).unwrap(), expected, "{}", set.name);
    }
}
