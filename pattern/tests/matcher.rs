//! Many rules in one set, and what is left of them.

use railpost_pattern::{Matcher, Pattern};

/// Removing most rules moves the rest to a new place; those whose texts are long must arrive there whole.
#[test]
fn rules_that_stay_match_when_others_are_removed() {
    let name = |rule: usize| format!("{}{rule}", "x".repeat(rule % 40));
    let mut matcher = Matcher::new();
    for rule in 0..5000 {
        let texts = [
            format!(r#"{{"a": ["{}"]}}"#, name(rule)),
            format!(r#"{{"b": ["{0}", {{"prefix": "{0}-"}}], "c": [{{"exists": false}}]}}"#, name(rule)),
        ];
        for text in texts {
            matcher.insert(rule, Pattern::parse(&text).unwrap());
        }
    }
    for rule in (0..5000).filter(|rule| rule % 5 != 0) {
        assert!(matcher.remove(&rule));
    }
    assert_eq!(matcher.len(), 1000);
    for rule in 0..5000 {
        let expected = if rule % 5 == 0 { vec![rule] } else { vec![] };
        for event in [
            format!(r#"{{"a": "{}"}}"#, name(rule)),
            format!(r#"{{"b": "{}"}}"#, name(rule)),
            format!(r#"{{"b": "{}-"}}"#, name(rule)),
        ] {
            assert_eq!(matcher.matches(event.as_bytes()).unwrap(), expected, "{event}");
        }
    }
}

/// The first ranges of a field are held against a number themselves, further ones are found by their blocks.
#[test]
fn many_ranges_of_one_field_match_the_numbers_in_them() {
    const RULES: i32 = 1000;
    let bounds = |rule: i32| {
        let low = rule * 7 % 50 - 30;
        (f64::from(low), f64::from(low + rule % 9) + 0.5)
    };
    let mut matcher = Matcher::new();
    for rule in 0..RULES {
        let (low, high) = bounds(rule);
        let range = format!(r#"{{"numeric": [">=", {low:?}, "<=", {high:?}]}}"#);
        let wide = format!(r#"{{"numeric": [">", {}]}}"#, RULES - rule);
        let text = format!(r#"{{"a": [{range}, {wide}], "b": [{{"numeric": ["<", {rule}]}}, "x"]}}"#);
        matcher.insert(rule, Pattern::parse(&text).unwrap());
    }
    for kept in [RULES, 300, 20] {
        for rule in kept..RULES {
            matcher.remove(&rule);
        }
        for a in (-80..2040).step_by(3).map(|half| f64::from(half) / 2.0) {
            let is_in = |rule: &i32| {
                let (low, high) = bounds(*rule);
                low <= a && a <= high || a > f64::from(RULES - rule)
            };
            let expected: Vec<i32> = (0..kept).filter(|rule| is_in(rule) && 40 < *rule).collect();
            let event = format!(r#"{{"a": {a:?}, "b": 40}}"#);
            assert_eq!(matcher.matches(event.as_bytes()).unwrap(), expected, "{event}");
            let expected: Vec<i32> = (0..kept).filter(is_in).collect();
            let event = format!(r#"{{"a": [{a:?}, {a:?}], "b": "x"}}"#);
            assert_eq!(matcher.matches(event.as_bytes()).unwrap(), expected, "{event}");
        }
        // No double keeps the number, so no range holds it.
        assert!(matcher.matches(br#"{"a": 2000.00000000000000001, "b": "x"}"#).unwrap().is_empty());
    }
}
