//! Events and patterns that are made to take long, or much room.

#![expect(clippy::unwrap_used, reason = "what the test writes itself can be read")]

use railpost_pattern::{EventError, Matcher, Pattern};

/// Returns what a pattern alone says of an event, after a set said the same.
fn check(pattern: &str, event: &str) -> Result<bool, EventError> {
    let pattern = Pattern::parse(pattern).unwrap();
    let mut matcher = Matcher::new();
    matcher.insert((), pattern.clone());
    let alone = pattern.matches(event.as_bytes());
    let explained = pattern.explain(event.as_bytes()).map(|explanation| explanation.matched);
    let together = matcher.matches(event.as_bytes()).map(|keys| !keys.is_empty());
    assert_eq!(alone, together);
    assert_eq!(alone, explained);
    alone
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

/// Each of the same arrays can give a value to one field, and there is one field more than arrays.
#[test]
fn a_puzzle_of_arrays_is_given_up_with_an_error() {
    let puzzle = |fields: usize| {
        let pattern = format!(r#"{{"x":{{{}}}}}"#, list(fields, |field| format!(r#""p{field}":[1]"#)));
        let array = format!(r#""x":[{}]"#, list(fields, |field| format!(r#"{{"p{field}":1}}"#)));
        check(&pattern, &format!("{{{}}}", list(fields - 1, |_| array.clone())))
    };
    assert_eq!(puzzle(5), Ok(false));
    assert_eq!(puzzle(14), Err(EventError::TooManyWays));
}

#[test]
fn fields_of_many_elements_are_put_together_without_trying_each_with_each() {
    let pattern = r#"{"x":{"a":[1],"b":[1],"c":[1]}}"#;
    let pairs = [r#"{"a":1,"b":1}"#, r#"{"b":1,"c":1}"#, r#"{"a":1,"c":1}"#];
    let elements = list(20_000, |element| pairs[element % 3].to_owned());
    assert_eq!(check(pattern, &format!(r#"{{"x":[{elements}]}}"#)), Ok(false));
    assert_eq!(check(pattern, &format!(r#"{{"x":[{elements},{{"a":1,"b":1,"c":1}}]}}"#)), Ok(true));
}

#[test]
fn many_alternatives_in_many_combinations_match_all_the_same() {
    let texts = list(2000, |text| format!("\"t{text}\""));
    let others = list(1000, |other| format!(r#"{{"b":["{other}"]}}"#));
    let pattern = format!(r#"{{"a":[{texts}],"$or":[{others}]}}"#);
    assert_eq!(check(&pattern, r#"{"a":"t1999","b":"999"}"#), Ok(true));
    assert_eq!(check(&pattern, r#"{"a":"t1999","b":"1000"}"#), Ok(false));
    let weak = list(1000, |other| format!(r#"{{"b":[{{"exists":true}}],"b{other}":[{{"exists":false}}]}}"#));
    let pattern = format!(r#"{{"a":[{texts}],"$or":[{weak}]}}"#);
    assert_eq!(check(&pattern, r#"{"a":"t7","b":"999"}"#), Ok(true));
    assert_eq!(check(&pattern, r#"{"a":"t7"}"#), Ok(false));
}

#[test]
fn a_long_number_is_looked_through_once() {
    let ranges = list(2000, |bound| format!(r#"{{"numeric":[">",{}]}}"#, bound + 2));
    let number = format!("1.{}", "0".repeat(200_000));
    assert_eq!(check(&format!(r#"{{"n":[{ranges}]}}"#), &format!(r#"{{"n":{number}}}"#)), Ok(false));
    assert_eq!(check(&format!(r#"{{"n":[{ranges},1]}}"#), &format!(r#"{{"n":{number}}}"#)), Ok(true));
    assert_eq!(check(r#"{"n":[1]}"#, &format!(r#"{{"n":{number}1}}"#)), Ok(false));
}
