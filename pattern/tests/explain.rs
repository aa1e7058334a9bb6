//! What an explanation says, what a refused pattern and a refused event say.

#![expect(clippy::unwrap_used, reason = "a pattern that cannot be read fails the test")]

use railpost_pattern::{EventError, Field, FieldValue, Matcher, Pattern};

fn check(pattern: &str, event: &str, expected: &[&str]) {
    let explanation = Pattern::parse(pattern).unwrap().explain(event.as_bytes()).unwrap();
    assert_eq!(explanation.to_string(), expected.join("\n"), "{pattern} against {event}");
}

#[test]
fn each_field_has_a_line() {
    check(
        r#"{"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}], "coupon": [{"exists": false}, "free to use"]}}"#,
        r#"{"source": "shop", "detail": {"total": [40, "x\ny", null]}}"#,
        &[
            r#"source: wanted "shop", found "shop""#,
            r#"detail.total: wanted {"numeric":[">",100]}, found 40, "x\ny", null"#,
            r#"detail.coupon: wanted {"exists":false} or "free to use", found nothing"#,
        ],
    );
}

#[test]
fn the_closest_alternative_is_explained() {
    let pattern = r#"{"$or": [{"a": [1], "b": [2]}, {"c": [3], "d": [4], "e": [5]}]}"#;
    check(
        pattern,
        r#"{"c": 3, "d": 4}"#,
        &["c: wanted 3, found 3", "d: wanted 4, found 4", "e: wanted 5, found nothing"],
    );
    check(pattern, r#"{"c": 3, "b": 2, "a": 1}"#, &["a: wanted 1, found 1", "b: wanted 2, found 2"]);
}

#[test]
fn elements_that_differ_are_named() {
    check(
        r#"{"a": {"b": [1], "c": [2]}}"#,
        r#"{"a": [{"b": 1}, {"c": 2}]}"#,
        &[
            "a.b: wanted 1, found 1",
            "a.c: wanted 2, found 2",
            "every field holds, but only in different elements of one array",
        ],
    );
}

#[test]
fn many_values_are_counted() {
    let numbers: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    let line = format!("a: wanted 99, found {} and 10 more", numbers[..20].join(", "));
    check(r#"{"a": [99]}"#, &format!(r#"{{"a": [{}]}}"#, numbers.join(",")), &[&line]);
}

#[test]
fn an_explanation_is_data_too() {
    let pattern = Pattern::parse(r#"{"a": ["x"]}"#).unwrap();
    let explanation = pattern.explain_fields(&[Field { name: "a", value: FieldValue::Text("y") }]).unwrap();
    assert_eq!(
        serde_json::to_value(explanation).unwrap(),
        serde_json::json!({
            "matched": false, "combinations": 1, "combination": 0, "elements_differ": false,
            "fields": [{"path": "a", "wanted": ["\"x\""], "found": ["\"y\""], "more": 0, "held": false}],
        })
    );
}

#[test]
fn a_refused_pattern_names_its_place() {
    let error = Pattern::parse("{\n  \"a\": [\"\u{1d11e}\", {\"prefx\": 1}]}").unwrap_err();
    assert_eq!(error.to_string(), "Unrecognized match type prefx");
    let span = error.span();
    assert_eq!((span.start, span.end, span.line, span.column), (19, 26, 2, 16));
}

#[test]
fn a_refused_event_says_where() {
    let pattern = Pattern::parse(r#"{"a": ["x"]}"#).unwrap();
    let said = |event: &[u8]| pattern.matches(event).unwrap_err().to_string();
    assert_eq!(said(b"[]"), "the event is not a JSON object");
    assert_eq!(said(b"{\"a\": \"\xff\"}"), "the event is not UTF-8 at byte 7");
    assert_eq!(
        said(br#"{"a": "x""#),
        "the event is not valid JSON at byte 9: Unexpected end-of-input: expected close marker for Object that starts at byte 0"
    );
    for json in ["{} x", "", "[1", "nul", "\"x\" \"y\"", "\"x"] {
        let fields = [Field { name: "b", value: FieldValue::Json(json.as_bytes()) }];
        let error = pattern.matches_fields(&fields).unwrap_err();
        assert!(
            matches!(error, EventError::Malformed { field: Some(ref field), .. } if field == "b"),
            "{json}"
        );
    }
}

#[test]
fn a_pattern_tells_the_paths_it_reads() {
    let pattern =
        Pattern::parse(r#"{"d": {"b.c": [1], "$or": [{"e": [1]}, {"b.c": [2]}]}, "a": [1]}"#).unwrap();
    assert_eq!(pattern.paths().collect::<Vec<_>>(), ["d.b.c", "d.e", "a"]);
}

#[test]
fn a_key_matches_by_any_of_its_patterns_until_it_is_removed() {
    let mut matcher = Matcher::new();
    matcher.insert("either", Pattern::parse(r#"{"a": [1]}"#).unwrap());
    matcher.insert("other", Pattern::parse(r#"{"a": [{"exists": true}]}"#).unwrap());
    matcher.insert("either", Pattern::parse(r#"{"b": [1]}"#).unwrap());
    assert_eq!(matcher.matches(br#"{"a": 2, "b": 1}"#).unwrap(), ["either", "other"]);
    assert!(matcher.remove(&"either"));
    assert!(!matcher.remove(&"either"));
    let fields = [Field { name: "a", value: FieldValue::Json(b" 1 ") }];
    assert_eq!(matcher.matches_fields(&fields).unwrap(), ["other"]);
}

/// Trying every choice of elements would take as many steps as there are choices: 300 to the sixth power.
#[test]
fn many_elements_take_few_steps() {
    let list = |name: &str| {
        let elements: Vec<String> = (0..300).map(|_| format!(r#"{{"{name}": 1, "z": 1}}"#)).collect();
        elements.join(",")
    };
    let fields: Vec<String> =
        ["a", "b", "c", "d", "e", "f"].map(|name| format!(r#""{name}": [{}]"#, list("x"))).into();
    let event = format!(r#"{{{}, "g": [{{"x": 1}}, {{"y": 1}}]}}"#, fields.join(","));
    let wanted = ["a", "b", "c", "d", "e", "f"].map(|name| format!(r#""{name}": {{"x": [1], "z": [1]}}"#));
    let pattern = format!(r#"{{{}, "g": {{"x": [1], "y": [1]}}}}"#, wanted.join(","));
    assert!(!Pattern::parse(&pattern).unwrap().matches(event.as_bytes()).unwrap());
}
