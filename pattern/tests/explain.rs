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
            r#"detail.total: wanted {"numeric":[">",100]}, found 40, "x\ny", null; closest: 40 is not > 100"#,
            r#"detail.coupon: wanted {"exists":false} or "free to use", found nothing"#,
        ],
    );
}

#[test]
fn a_line_break_in_a_name_breaks_no_line() {
    check(r#"{"a\nb": {"\u0007": ["x"]}}"#, "{}", &[r#"a\nb.\u{7}: wanted "x", found nothing"#]);
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

/// Returns what the explanation of `{"a": [wanted]}` says came closest.
fn check_closest(wanted: &str, event: &str, expected: &str) {
    let pattern = format!(r#"{{"a": [{wanted}]}}"#);
    let explanation = Pattern::parse(&pattern).unwrap().explain(event.as_bytes()).unwrap();
    let why = explanation.fields[0].closest.as_ref().map_or("nothing", |closest| &closest.why);
    assert_eq!(why, expected, "{wanted} against {event}");
}

#[test]
fn the_closest_alternative_and_what_it_lacks_are_named() {
    for (wanted, found, why) in [
        // The same but for its spelling or its kind.
        (r#""paid", "sent""#, r#""Paid""#, r#""paid" differs in case"#),
        (r#""sent", "paid""#, r#""paid ""#, r#""paid" differs in white space"#),
        (r#""paid""#, r#"" PAID""#, r#""paid" differs in case and white space"#),
        (r#"" paid""#, r#""paid""#, r#"" paid" differs in white space"#),
        (r#"{"prefix": "shop."}"#, r#""Shop.orders""#, r#""shop." differs in case"#),
        (r#"{"equals-ignore-case": "paid"}"#, r#""PAID\n""#, r#""paid" differs in white space"#),
        (r#""three", 3"#, r#""3""#, r#"3 is a number, "3" is a string"#),
        (r#""x", "3""#, "3", r#""3" is a string, 3 is a number"#),
        (r#""x", true"#, r#""true""#, r#"true is a literal, "true" is a string"#),
        (r#"{"numeric": [">", 100]}"#, r#""140""#, r#""140" is a string, not a number"#),
        ("12", r#""12 apples""#, r#""12 apples" is a string, not a number"#),
        (r#"{"prefix": "12"}"#, "123", "123 is a number, not a string"),
        // The right kind, and how much of it is right.
        (r#"{"numeric": [">", 100]}, "vip""#, "40", "40 is not > 100"),
        (r#"{"numeric": ["<", 0]}, {"numeric": [">=", 50, "<", 60]}"#, "45", "45 is not >= 50"),
        (r#"{"numeric": [">=", 50, "<=", 60.5]}"#, "1e300", "1e300 is not <= 60.5"),
        (r#"{"numeric": [">", 1e300]}"#, "1", "1 is not > 1e300"),
        (
            r#"{"numeric": [">", 0]}"#,
            "9007199254740993",
            "9007199254740993 has more digits than can be compared",
        ),
        ("1, 41, 1000", "40", "40 is not 41"),
        ("9007199254740993", "1", "1 is not 9007199254740993"),
        (r#""sent""#, r#""paid""#, r#""paid" is not "sent""#),
        (r#""sent", "paying""#, r#""paid""#, r#""paid" begins with "pa", but is not "paying""#),
        (r#"{"prefix": "shop.x"}"#, r#""shop-y""#, r#""shop-y" begins with "shop", not with "shop.x""#),
        (r#"{"suffix": ".png"}"#, r#""a.jpeg""#, r#""a.jpeg" ends with "g", not with ".png""#),
        (
            r#"{"suffix": ".png"}, {"suffix": ".jpg"}"#,
            r#""b.pjg""#,
            r#""b.pjg" ends with "g", not with ".png""#,
        ),
        (r#"{"prefix": "shop."}"#, r#""bank""#, r#""bank" does not begin with "shop.""#),
        (
            r#"{"suffix": {"equals-ignore-case": ".png"}}"#,
            r#""a.gif""#,
            r#""a.gif" does not end with ".png" in any case"#,
        ),
        (r#"{"equals-ignore-case": "paid"}"#, r#""sent""#, r#""sent" is not "paid" in any case"#),
        (r#"{"wildcard": "sales/*.csv"}"#, r#""sales/a.txt""#, r#""sales/a.txt" does not end with ".csv""#),
        (
            r#"{"wildcard": "sales/*.csv"}"#,
            r#""stock/a.csv""#,
            r#""stock/a.csv" does not begin with "sales/""#,
        ),
        (r#"{"wildcard": "a*-b-*c"}"#, r#""a-x-c""#, r#""a-x-c" has no "-b-" after "a""#),
        (r#"{"wildcard": "*-b-*"}"#, r#""a-x-c""#, r#""a-x-c" has no "-b-""#),
        (r#"{"wildcard": "x*"}, {"wildcard": "a*b*d"}"#, r#""a-b-c""#, r#""a-b-c" does not end with "d""#),
        (r#"{"wildcard": "plain"}"#, r#""plan""#, r#""plan" is not "plain""#),
        (r#""10.0.0.1""#, r#""10.0.0.2""#, r#""10.0.0.2" is not "10.0.0.1""#),
        (r#"{"cidr": "10.0.0.0/24"}"#, r#""10.0.1.1""#, r#""10.0.1.1" is not in "10.0.0.0/24""#),
        (r#"{"cidr": "10.0.0.0/24"}"#, r#""host""#, r#""host" is not an address"#),
        ("true", "false", "false is not true"),
        // What should not be.
        (r#"{"anything-but": ["lost", "void"]}"#, r#""void""#, r#""void" is excluded"#),
        (r#"{"exists": false}"#, "null", "null is there"),
        // Another kind.
        (r#""paid""#, "40", "40 is a number, not a string"),
        ("40", "null", "null is a literal, not a number"),
        ("null", r#""""#, r#""" is a string, not a literal"#),
        // The best of several values.
        (r#""paid", {"numeric": [">", 100]}"#, r#"["x", 99, "p", true]"#, "99 is not > 100"),
        (r#""paid""#, "{}", "nothing"),
    ] {
        check_closest(wanted, &format!(r#"{{"a": {found}}}"#), why);
    }
}

#[test]
fn long_texts_and_long_lists_are_cut_in_lines() {
    let long = "x".repeat(1000);
    let shown = format!("\"{}...", "x".repeat(199));
    check_closest(
        &format!("\"{long}y\""),
        &format!(r#"{{"a": "{long}"}}"#),
        &format!("{shown} begins with {shown}, but is not {shown}"),
    );
    let numbers: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    check(
        &format!(r#"{{"a": [{}]}}"#, numbers.join(",")),
        r#"{"a": 1000}"#,
        &[&format!(
            "a: wanted {} or 10 more, found 1000; closest: 1000 is not 29",
            numbers[..20].join(" or ")
        )],
    );
}

/// The field that fails is held against the event once, and not once for each combination.
#[test]
fn many_combinations_are_explained_at_once() {
    let either = |name: &str| {
        let objects: Vec<String> = (0..10).map(|number| format!(r#"{{"{name}": [{number}]}}"#)).collect();
        format!(r#""$or": [{}]"#, objects.join(","))
    };
    let wanted: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let pattern =
        format!(r#"{{{}, {}, {}, "d": [{}]}}"#, either("a"), either("b"), either("c"), wanted.join(","));
    let values: Vec<String> = (1000..11_000).map(|number| number.to_string()).collect();
    let event = format!(r#"{{"a": 9, "b": 9, "c": 9, "d": [{}]}}"#, values.join(","));
    let explanation = Pattern::parse(&pattern).unwrap().explain(event.as_bytes()).unwrap();
    assert_eq!((explanation.combinations, explanation.combination), (1000, 999));
    assert_eq!(explanation.fields[3].closest.as_ref().unwrap().why, "1000 is not 99");
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
    let line = format!("a: wanted 99, found {} and 10 more; closest: 19 is not 99", numbers[..20].join(", "));
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
            "fields": [{"path": "a", "wanted": ["\"x\""], "found": ["\"y\""], "more": 0, "held": false,
                "closest": {"wanted": 0, "found": 0, "why": "\"y\" is not \"x\""}}],
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
fn a_pattern_that_expands_to_too_much_is_refused() {
    let objects =
        |name: &str| -> Vec<String> { (0..10).map(|at| format!(r#"{{"{name}{at}": [1]}}"#)).collect() };
    let either = ["x", "y", "z"].map(|name| format!(r#""$or": [{}]"#, objects(name).join(","))).join(",");
    let fields = |count: usize| -> Vec<String> { (0..count).map(|at| format!(r#""{at}": [1]"#)).collect() };
    let combined = |count: usize| Pattern::parse(&format!("{{{either}, {}}}", fields(count).join(",")));
    assert!(combined(997).is_ok());
    assert_eq!(
        combined(998).unwrap_err().to_string(),
        "Rule is too complex - its combinations have more than 1000000 fields together"
    );
    let long = "p".repeat(9_990);
    let nested = |count: usize| Pattern::parse(&format!(r#"{{"{long}": {{{}}}}}"#, fields(count).join(",")));
    assert!(nested(99).is_ok());
    assert_eq!(
        nested(101).unwrap_err().to_string(),
        "Rule is too complex - the paths of its fields have more than 1000000 bytes together"
    );
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
