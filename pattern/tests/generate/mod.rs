//! Patterns and events that have much in common: few names, few values, each spelled in many ways.

mod alternative;
mod fulfil;
mod spelling;
mod value;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::check::naive::Json;
use fulfil::Maker;
pub(crate) use spelling::spell;
use value::{name, plain, text};
pub(crate) use value::{odd_numbers, odd_texts};

/// An object with its members in any order, some of them twice.
fn object(value: impl Strategy<Value = Json>, least: usize, most: usize) -> impl Strategy<Value = Json> {
    vec((name(), value), least..=most).prop_map(Json::Object)
}

fn list(value: impl Strategy<Value = Json>, least: usize, most: usize) -> impl Strategy<Value = Json> {
    vec(value, least..=most).prop_map(Json::List)
}

/// A tree of any values.
fn event_tree() -> impl Strategy<Value = Json> {
    let value = plain().prop_recursive(
        5,
        24,
        3,
        |inner| prop_oneof![2 => object(inner.clone(), 0, 3), 3 => list(inner, 0, 4)],
    );
    object(value, 0, 4)
}

/// Arrays of objects with arrays of objects, in which several values fulfil each field.
fn event_of_elements() -> impl Strategy<Value = Json> {
    let digit = || (0..2_u8).prop_map(|digit: u8| Json::Number(digit.to_string()));
    let inner = list(prop_oneof![4 => object(digit(), 1, 2), 1 => list(digit(), 0, 2), 1 => digit()], 1, 4);
    let outer = object(prop_oneof![1 => digit(), 2 => inner], 2, 4);
    object(list(prop_oneof![8 => outer, 1 => digit()], 2, 5), 2, 3)
}

/// An event's text.
pub(crate) fn event() -> impl Strategy<Value = String> {
    let tree = prop_oneof![3 => event_tree(), 2 => event_of_elements()];
    (
        tree,
        any::<u64>(),
        prop_oneof![4 => Just(""), 1 => Just("}"), 1 => Just(" {\"a\":"), 1 => Just("\u{e9}")],
    )
        .prop_map(|(tree, seed, rest)| spell(&tree, seed) + rest)
}

/// An object of fields, in which there may be `$or` at any depth.
fn fields() -> impl Strategy<Value = Json> {
    let leaf = list(alternative::alternative(), 1, 4);
    let inside = leaf.prop_recursive(2, 5, 2, |inner| either(object(inner, 1, 2)));
    either(object(inside, 1, 2))
}

/// Puts `$or` with two or three objects into some of the objects, before or after one of their fields.
fn either(objects: impl Strategy<Value = Json> + 'static) -> impl Strategy<Value = Json> {
    let objects = objects.boxed();
    let alternatives = vec(objects.clone(), 2..4).prop_map(Json::List);
    let mixed = (objects.clone(), alternatives, any::<prop::sample::Index>()).prop_map(|(object, or, at)| {
        let Json::Object(mut members) = object else { return object };
        members.insert(at.index(members.len() + 1), ("$or".to_owned(), or));
        Json::Object(members)
    });
    prop_oneof![4 => objects, 1 => mixed]
}

/// Fields of which several can be fulfilled by elements of one array.
fn fields_of_elements() -> impl Strategy<Value = Json> {
    let digit = (0..2_u8).prop_map(|digit: u8| Json::Number(digit.to_string())).boxed();
    let exists = |holds| Json::Object(vec![("exists".to_owned(), holds)]);
    let absent = list(prop_oneof![2 => Just(exists(Json::False)), 1 => digit.clone()], 1, 2);
    let leaf =
        prop_oneof![4 => list(digit, 1, 1), 1 => absent, 1 => list(Just(exists(Json::True)), 1, 1)].boxed();
    let inner = object(leaf.clone(), 1, 3);
    object(object(prop_oneof![1 => leaf, 2 => inner], 1, 2), 1, 2)
}

fn pattern_tree() -> impl Strategy<Value = Json> {
    prop_oneof![3 => fields(), 2 => fields_of_elements()]
}

/// A pattern's text; now and then it is refused.
pub(crate) fn pattern() -> impl Strategy<Value = String> {
    (pattern_tree(), any::<u64>()).prop_map(|(tree, seed)| spell(&tree, seed))
}

/// The texts of a pattern and of an event, one of each two made to fulfil most of the pattern.
pub(crate) fn pair() -> impl Strategy<Value = (String, String)> {
    let events = prop_oneof![3 => event_tree(), 2 => event_of_elements()];
    (pattern_tree(), events, any::<[u64; 4]>()).prop_map(|(pattern, event, seeds)| {
        let [way, choices, pattern_seed, event_seed] = seeds;
        let made = if way % 2 == 0 { made_for(&pattern, &event, choices) } else { event };
        let rename = |json| if way % 8 < 2 { rename(json) } else { json };
        (spell(&rename(pattern), pattern_seed), spell(&rename(made), event_seed))
    })
}

/// Returns an event that fulfils most of a pattern and has a few members of another event.
fn made_for(pattern: &Json, event: &Json, choices: u64) -> Json {
    let (Json::Object(fields), Json::Object(others)) = (pattern, event) else {
        return event.clone();
    };
    let mut members = Maker { choices }.members(fields);
    members.extend(others.iter().take(usize::try_from(choices % 3).unwrap_or_default()).cloned());
    Json::Object(members)
}

/// Gives the commonest names others, which come in another order by bytes than by UTF-16 units.
fn rename(json: Json) -> Json {
    let name = |name: String| match name.as_str() {
        "a" => "\u{10400}".to_owned(),
        "b" => "\u{ff5e}".to_owned(),
        _ => name,
    };
    match json {
        Json::List(values) => Json::List(values.into_iter().map(rename).collect()),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(key, value)| (name(key), rename(value))).collect())
        }
        plain => plain,
    }
}

/// One change to a text: where, how many bytes go, and what comes.
pub(crate) fn damage() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let token = prop::sample::select(vec![
        "\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\u{0}", "\u{1f}", "\u{7f}", "\u{e9}", "0", "-", ".",
        "e", "+", "\\u", "\\ud83d", "\\x", "true", "nul", "/", "\u{feff}", "\u{a0}", "1e400", "01", "$or",
        "*", "**",
    ]);
    let token = prop_oneof![
        6 => token.prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 1..3),
        2 => Just(Vec::new()),
    ];
    (any::<prop::sample::Index>(), 0..3_usize, token)
}
