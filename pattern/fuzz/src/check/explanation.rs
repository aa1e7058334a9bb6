//! What is explained about one pattern and one event.

use railpost_pattern::{EventError, Explanation, FOUND_MAX, FieldExplanation};

use super::naive::{Combination, Event, Json, Pattern, Rule};
use super::{fields, pattern};

/// Explains an event and holds that it is the truth.
pub(crate) fn explanation(text: &str, event: &[u8]) {
    let (Some(pattern), Some(plain)) = (pattern(text), Pattern::read(text)) else {
        return;
    };
    let explained = pattern.explain(event);
    assert_eq!(
        pattern.matches(event),
        explained.as_ref().map(|explanation| explanation.matched).map_err(EventError::clone)
    );
    let Some(event) = Event::read(event) else {
        assert!(explained.is_err(), "explained, and no event: {text}");
        return;
    };
    let explained = explained.unwrap_or_else(|error| panic!("{error}: {event:?}"));
    assert_eq!(pattern.explain_fields(&fields(&event)).as_ref(), Ok(&explained), "{text}\n{event:?}");
    check(&explained, &plain, &event);
}

fn check(explained: &Explanation, pattern: &Pattern, event: &Event<'_>) {
    let question = || format!("{explained:?}\n{pattern:?}\n{event:?}");
    assert_eq!(explained.combinations, pattern.combinations().len(), "{}", question());
    let combination =
        pattern.combinations().nth(explained.combination).unwrap_or_else(|| panic!("{}", question()));

    check_choice(explained, &combination, pattern, event);
    let rules = pattern.in_order_of_text(&combination);
    assert_eq!(explained.fields.len(), rules.len(), "{}", question());
    for (field, rule) in explained.fields.iter().zip(rules) {
        check_field(field, rule, event);
    }

    // A line for each field, and one more where elements differ.
    let lines = explained.to_string().split('\n').count() - usize::from(explained.elements_differ);
    assert_eq!(lines, explained.fields.len(), "{}", question());
}

/// Holds that the combination told about is one that matches, or else one of those that came closest.
fn check_choice(
    explained: &Explanation,
    combination: &Combination<'_>,
    pattern: &Pattern,
    event: &Event<'_>,
) {
    let question = || format!("{explained:?}\n{pattern:?}\n{event:?}");
    if let Some(matched) = combination.matches(event) {
        assert_eq!(explained.matched, matched, "{}", question());
    }
    if let Some(matched) = pattern.matches(event) {
        assert_eq!(explained.matched, matched, "{}", question());
    }
    let failing = explained.fields.iter().filter(|field| !field.held).count();
    assert_eq!(explained.elements_differ, !explained.matched && failing == 0, "{}", question());
    let fewest = pattern.combinations().map(|combination| combination.failing(event)).min();
    assert!(explained.matched || Some(failing) == fewest, "{}", question());
}

fn check_field(field: &FieldExplanation, rule: &Rule, event: &Event<'_>) {
    let read = |texts: &[String]| texts.iter().map(|text| Json::read(text)).collect::<Option<Vec<_>>>();
    assert_eq!(field.path, rule.path);
    assert_eq!(field.held, rule.holds_alone(event), "{field:?}\n{rule:?}\n{event:?}");
    assert_eq!(read(&field.wanted).as_ref(), Some(&rule.wanted));

    let values: Vec<Json> = event.at(&rule.path).map(|leaf| leaf.value.clone()).collect();
    let told = values.len().min(FOUND_MAX);
    assert_eq!(read(&field.found), Some(values[..told].to_vec()));
    assert_eq!(field.more, values.len() - told);
}
