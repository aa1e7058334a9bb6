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
