//! Holds the engine against the plain evaluation of the language, on patterns and events that have much in
//! common. `PROPTEST_CASES` says how many of each are tried.

#[path = "../fuzz/src/check/mod.rs"]
mod check;
mod generate;

use check::Rules;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use generate::{damage, event, odd_numbers, odd_texts, pair, pattern};

/// What is done to a set of rules.
#[derive(Clone, Debug)]
enum Step {
    Insert(usize, String),
    Remove(usize),
    /// Inserts and removes a key that is not there, so many times.
    Churn(usize, String, usize),
    Match(String),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let steps = prop_oneof![
        3 => (0..16_usize, pattern()).prop_map(|(key, pattern)| vec![Step::Insert(key, pattern)]),
        3 => (0..16_usize, pair())
            .prop_map(|(key, (pattern, event))| vec![Step::Insert(key, pattern), Step::Match(event)]),
        2 => (0..16_usize).prop_map(|key| vec![Step::Remove(key)]),
        1 => (0..16_usize, pattern(), prop_oneof![8 => 1..9_usize, 1 => Just(1100)])
            .prop_map(|(key, pattern, times)| vec![Step::Churn(key, pattern, times)]),
        1 => event().prop_map(|event| vec![Step::Match(event)]),
    ];
    vec(steps, 1..40).prop_map(|steps| steps.concat())
}

fn check_steps(steps: &[Step], event: &str) {
    let mut rules = Rules::new();
    for step in steps {
        match step {
            Step::Insert(key, pattern) => rules.insert(*key, pattern),
            Step::Remove(key) => rules.remove(*key),
            Step::Churn(key, pattern, times) => rules.churn(*key, pattern, *times),
            Step::Match(event) => rules.check(event.as_bytes()),
        }
    }
    rules.check(event.as_bytes());
}

fn check_one(pattern: &str, event: &[u8]) {
    let mut rules = Rules::new();
    rules.insert(0, pattern);
    rules.check(event);
    check::explanation(pattern, event);
}

/// Puts a few bytes in the place of others.
fn damaged(text: &str, damage: &[(Index, usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for (place, gone, new) in damage {
        // A mark takes the place of another: little is needed for something else to be meant.
        let marks: Vec<usize> = (0..bytes.len()).filter(|at| b"{}[],:".contains(&bytes[*at])).collect();
        let start = match new[..] {
            [mark] if b"{}[],:".contains(&mark) && !marks.is_empty() => marks[place.index(marks.len())],
            _ => place.index(bytes.len() + 1),
        };
        let end = bytes.len().min(start + gone);
        bytes.splice(start..end, new.iter().copied());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_definition((pattern, event) in pair()) {
        check_one(&pattern, event.as_bytes());
    }

    #[test]
    fn a_damaged_event_is_refused_where_it_is_no_json(
        (pattern, event) in pair(),
        damage in vec(damage(), 1..3),
    ) {
        check_one(&pattern, &damaged(&event, &damage));
    }

    #[test]
    fn a_damaged_pattern_is_refused_where_it_is_none(
        (pattern, event) in pair(),
        damage in vec(damage(), 1..3),
    ) {
        check_one(&String::from_utf8_lossy(&damaged(&pattern, &damage)), event.as_bytes());
    }

    #[test]
    fn noise_is_refused_where_it_is_no_json(
        pattern in any::<String>(),
        json in r#"\{[{}\[\]:,"ab$or\\u0-9.*eE+ -]{0,60}"#,
        event in vec(any::<u8>(), 0..60),
    ) {
        check_one(&pattern, &event);
        check_one(&json, json.as_bytes());
        check_one(r#"{"a": [{"exists": false}]}"#, json.as_bytes());
        check_one(r#"{"a": [{"exists": false}]}"#, &event);
    }
}

proptest! {
    // One history asks as much as many single questions.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases / 8,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_set_matches_what_its_patterns_match(steps in steps(), event in event()) {
        check_steps(&steps, &event);
    }
}

/// Holds every two of these values against each other, the one put into each of the alternatives.
fn check_every_two(values: &[String], alternatives: &[&str]) {
    for wanted in values {
        let mut rules = Rules::new();
        for (key, alternative) in alternatives.iter().enumerate() {
            rules.insert(key, &format!("{{\"a\":[{}]}}", alternative.replace('%', wanted)));
        }
        for found in values {
            rules.check(format!("{{\"a\":{found}}}").as_bytes());
        }
    }
}

#[test]
fn texts_are_told_apart() {
    let alternatives = [
        "%",
        r#"{"exactly": %}"#,
        r#"{"equals-ignore-case": %}"#,
        r#"{"prefix": {"equals-ignore-case": %}}"#,
        r#"{"suffix": {"equals-ignore-case": %}}"#,
        r#"{"anything-but": {"equals-ignore-case": [%, "x"]}}"#,
    ];
    check_every_two(&odd_texts(), &alternatives);
}

#[test]
fn numbers_are_told_apart() {
    let alternatives = [
        "%",
        r#"{"numeric": ["=", %]}"#,
        r#"{"numeric": ["<", %]}"#,
        r#"{"numeric": [">=", %]}"#,
        r#"{"numeric": [">", %, "<=", 1e308]}"#,
        r#"{"anything-but": [%, 7]}"#,
    ];
    check_every_two(&odd_numbers(), &alternatives);
    // Where a field has many ranges, further ones are found otherwise.
    let others: Vec<String> =
        (0..16).map(|low| format!(r#"{{"numeric": [">", {low}, "<=", {low}.5]}}"#)).collect();
    let crowded: Vec<&str> = others.iter().map(String::as_str).chain(alternatives).collect();
    check_every_two(&odd_numbers(), &crowded);
}

/// Puts three members or elements into an object and into an array, apart as they should be and otherwise, at
/// every place in a block of bytes.
#[test]
fn scopes_hold_what_is_theirs() {
    let items = [
        r#""":0"#,
        r#""":[]"#,
        r#""":{}"#,
        r#""":[[]]"#,
        r#""":[{}]"#,
        "0",
        r#""""#,
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "",
    ];
    let mut rules = Rules::new();
    rules.insert(0, r#"{"a": [{"exists": false}]}"#);
    let mut place = 0;
    let mut check_row = |row: &str| {
        for event in [format!("{{{row}}}"), format!("{{\"b\":[{row}]}}"), format!("{{\"b\":[{{{row}}},0]}}")]
        {
            place = (place + 1) % 64;
            rules.check(format!("{}{event}", " ".repeat(place)).as_bytes());
        }
    };
    for (first, second, third) in every_three(&items) {
        check_row(&[first, ",", second, ",", third].concat());
        for mark in [":", ""] {
            check_row(&[first, mark, second, ",", third].concat());
            check_row(&[first, ",", second, mark, third].concat());
        }
    }
}

fn every_three<'a>(items: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a str, &'a str)> {
    let pairs = items.iter().flat_map(|first| items.iter().map(move |second| (*first, *second)));
    pairs.flat_map(|(first, second)| items.iter().map(move |third| (first, second, *third)))
}

/// Nests the value of a field in arrays or objects, to just as deep as is allowed and to one deeper.
#[test]
fn nesting_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [999, 1000] {
            let json =
                |value: &str| format!("{{\"a\":{}{value}{}}}", open.repeat(depth), close.repeat(depth));
            let path = format!("a{}", if open == "[" { String::new() } else { ".a".repeat(depth) });
            check_one(&format!("{{\"{path}\":[1]}}"), json("1").as_bytes());
            check_one("{\"b\":[{\"exists\":false}]}", json("1").as_bytes());
            check_one(&json("[1]"), json("1").as_bytes());
        }
    }
}
