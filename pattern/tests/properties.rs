//! Holds the engine against a plain evaluation of the language's definition, and against noise.

#![expect(clippy::unwrap_used, reason = "what the strategies build can be read")]

use std::fs;
use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use railpost_pattern::{Field, FieldValue, Matcher, Pattern};
use serde_json::{Map, Value, json};

/// A value in an event: its path, and the element of each array around it.
struct Leaf {
    path: String,
    value: Value,
    elements: Vec<(usize, usize)>,
}

/// Returns whether the event matches, by trying every choice of values.
fn matches_plainly(pattern: &Value, event: &Value) -> bool {
    let mut leaves = Vec::new();
    let mut arrays = 0;
    flatten(event, "", &mut vec![], &mut arrays, &mut leaves);
    let Some(alternatives) = pattern.get("$or") else {
        return combination_holds(pattern, &leaves);
    };
    alternatives.as_array().unwrap().iter().any(|alternative| {
        let mut whole = pattern.as_object().unwrap().clone();
        whole.remove("$or");
        whole.extend(alternative.as_object().unwrap().clone());
        combination_holds(&Value::Object(whole), &leaves)
    })
}

fn combination_holds(pattern: &Value, leaves: &[Leaf]) -> bool {
    let mut rules = Vec::new();
    collect_rules(pattern, "", &mut rules);
    rules.sort_by(|left, right| left.0.cmp(&right.0));
    rules_hold(&rules, leaves, &[])
}

fn rules_hold(rules: &[(String, Vec<Value>)], leaves: &[Leaf], taken: &[(usize, usize)]) -> bool {
    let Some(((path, wanted), rest)) = rules.split_first() else {
        return true;
    };
    let agree = |leaf: &&Leaf| {
        leaf.elements.iter().all(|(array, index)| {
            taken.iter().all(|(taken_array, taken_index)| array != taken_array || index == taken_index)
        })
    };
    let reachable: Vec<&Leaf> = leaves.iter().filter(|leaf| leaf.path == *path).filter(agree).collect();
    let absent = reachable.is_empty() && wanted.contains(&json!({"exists": false}));
    if absent && rules_hold(rest, leaves, taken) {
        return true;
    }
    reachable.iter().any(|leaf| {
        let next = [taken, &leaf.elements].concat();
        wanted.iter().any(|wanted| holds(wanted, &leaf.value)) && rules_hold(rest, leaves, &next)
    })
}

fn holds(wanted: &Value, found: &Value) -> bool {
    let Some((operator, operand)) = wanted.as_object().and_then(|object| object.iter().next()) else {
        return wanted == found;
    };
    let text = found.as_str();
    match operator.as_str() {
        "exists" => *operand == json!(true),
        "prefix" => text.is_some_and(|text| text.starts_with(operand.as_str().unwrap())),
        "suffix" => text.is_some_and(|text| text.ends_with(operand.as_str().unwrap())),
        "anything-but" => !operand.as_array().unwrap().contains(found),
        "numeric" => found.as_i64().is_some_and(|number| number > operand[1].as_i64().unwrap()),
        other => unreachable!("{other}"),
    }
}

fn flatten(
    value: &Value,
    path: &str,
    elements: &mut Vec<(usize, usize)>,
    arrays: &mut usize,
    leaves: &mut Vec<Leaf>,
) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(value, &join(path, name), elements, arrays, leaves);
            }
        }
        Value::Array(values) => {
            let array = *arrays;
            *arrays += 1;
            for (index, value) in values.iter().enumerate() {
                let inner = value.is_object() || value.is_array();
                elements.extend(inner.then_some((array, index)));
                flatten(value, path, elements, arrays, leaves);
                elements.truncate(elements.len() - usize::from(inner));
            }
        }
        plain => {
            leaves.push(Leaf { path: path.to_owned(), value: plain.clone(), elements: elements.clone() });
        }
    }
}

fn collect_rules(pattern: &Value, path: &str, rules: &mut Vec<(String, Vec<Value>)>) {
    match pattern {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| collect_rules(value, &join(path, name), rules));
        }
        alternatives => rules.push((path.to_owned(), alternatives.as_array().unwrap().clone())),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn name() -> impl Strategy<Value = String> {
    "[ab]"
}

fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[xy]{0,1}".prop_map(Value::from),
        (0..3).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn object(value: impl Strategy<Value = Value>, least: usize) -> impl Strategy<Value = Value> {
    btree_map(name(), value, least..3).prop_map(|fields| Value::Object(Map::from_iter(fields)))
}

fn event() -> impl Strategy<Value = Value> {
    let value = plain().prop_recursive(4, 24, 3, |inner| {
        prop_oneof![object(inner.clone(), 1), vec(inner, 1..4).prop_map(Value::from)]
    });
    object(value, 1)
}

fn alternative() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => plain(),
        2 => any::<bool>().prop_map(|exists| json!({ "exists": exists })),
        1 => "[xy]{0,1}".prop_map(|text| json!({ "prefix": text })),
        1 => "[xy]{0,1}".prop_map(|text| json!({ "suffix": text })),
        1 => vec("[xy]{0,1}", 1..3).prop_map(|texts| json!({ "anything-but": texts })),
        1 => vec(0..3, 1..3).prop_map(|numbers| json!({ "anything-but": numbers })),
        1 => (0..3).prop_map(|number| json!({ "numeric": [">", number] })),
    ]
}

fn fields() -> impl Strategy<Value = Value> {
    let leaf = vec(alternative(), 1..5).prop_map(Value::from);
    object(leaf.prop_recursive(2, 12, 3, |inner| object(inner, 1)), 1)
}

fn pattern() -> impl Strategy<Value = Value> {
    let either =
        (fields(), vec(fields(), 2..4)).prop_filter_map("a field may not be two things", |(fields, or)| {
            let mut whole = fields.as_object()?.clone();
            // A field of an alternative goes inside out: names of the two do not meet.
            whole.retain(|name, _| or.iter().all(|alternative| alternative.get(name).is_none()));
            whole.insert("$or".to_owned(), Value::from(or));
            Some(Value::Object(whole))
        });
    prop_oneof![fields(), either]
}

/// Arrays of objects with arrays of objects, in which several values fulfil each field.
fn event_of_elements() -> impl Strategy<Value = Value> {
    let number = || (0..2).prop_map(Value::from);
    let inner = vec(object(number(), 1), 1..4).prop_map(Value::from);
    let outer = object(prop_oneof![1 => number(), 2 => inner], 2);
    object(vec(outer, 2..5).prop_map(Value::from), 2)
}

fn pattern_of_elements() -> impl Strategy<Value = Value> {
    let absent = Just(json!([{ "exists": false }]));
    let leaf = prop_oneof![4 => (0..2).prop_map(|number| json!([number])), 1 => absent].boxed();
    let inner = object(leaf.clone(), 2);
    object(object(prop_oneof![1 => leaf, 3 => inner], 1), 1)
}

fn check_agrees(pattern: &Value, event: &Value) {
    let expected = matches_plainly(pattern, event);
    let compiled = Pattern::parse(&pattern.to_string()).unwrap();
    let text = event.to_string();
    assert_eq!(compiled.matches(text.as_bytes()).unwrap(), expected);
    assert_eq!(compiled.explain(text.as_bytes()).unwrap().matched, expected);

    let values: Vec<(&String, &Value, String)> =
        event.as_object().unwrap().iter().map(|(name, value)| (name, value, value.to_string())).collect();
    let fields: Vec<Field<'_>> = values
        .iter()
        .map(|(name, value, json)| Field {
            name,
            value: value.as_str().map_or(FieldValue::Json(json.as_bytes()), FieldValue::Text),
        })
        .collect();
    assert_eq!(compiled.matches_fields(&fields).unwrap(), expected);
}

fn check_never_panics(pattern: &str, event: &[u8]) {
    if let Ok(pattern) = Pattern::parse(pattern)
        && pattern.matches(event).is_ok()
    {
        assert_eq!(pattern.explain(event).unwrap().matched, pattern.matches(event).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_definition(pattern in pattern(), event in event()) {
        check_agrees(&pattern, &event);
    }

    #[test]
    fn the_engine_agrees_about_elements(pattern in pattern_of_elements(), event in event_of_elements()) {
        check_agrees(&pattern, &event);
    }

    #[test]
    fn a_set_matches_what_its_patterns_match(patterns in vec(pattern(), 1..6), event in event(), gone in 0..6_usize) {
        let text = event.to_string();
        let mut matcher = Matcher::new();
        for (key, pattern) in patterns.iter().enumerate() {
            matcher.insert(key, Pattern::parse(&pattern.to_string()).unwrap());
        }
        prop_assert_eq!(matcher.remove(&gone), gone < patterns.len());
        let expected: Vec<usize> =
            (0..patterns.len()).filter(|key| *key != gone && matches_plainly(&patterns[*key], &event)).collect();
        prop_assert_eq!(matcher.matches(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn noise_is_refused_and_nothing_more(
        pattern in any::<String>(),
        json in r#"[{}\[\]:,"ab$or\\u0-9.*eE+ -]{0,60}"#,
        event in vec(any::<u8>(), 0..60),
    ) {
        check_never_panics(&pattern, &event);
        check_never_panics(&json, json.as_bytes());
        check_never_panics(r#"{"a": [{"exists": false}]}"#, json.as_bytes());
        check_never_panics(r#"{"a": [{"exists": false}]}"#, &event);
    }
}

/// Cuts each pattern of the project's table short, and puts each of a few characters in the place of each.
#[test]
fn damaged_patterns_are_refused_and_nothing_more() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/patterns.jsonl");
    for line in fs::read_to_string(table).unwrap().lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (pattern, event) = (case["pattern"].as_str().unwrap(), case["event"].as_str().unwrap());
        for (at, character) in pattern.char_indices().take(120) {
            let (before, after) = (&pattern[..at], &pattern[at + character.len_utf8()..]);
            check_never_panics(before, event.as_bytes());
            for other in ["\"", "{", "]", "\\", "0", "\u{e9}"] {
                check_never_panics(&format!("{before}{other}{after}"), event.as_bytes());
            }
        }
    }
}
