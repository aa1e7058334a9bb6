//! When a group is complete, and what ends one that may wait for ever.

use super::*;

/// Reads the completion of a file that has one aggregation with this one, and these keys beside it.
fn completion_with(complete: &str, keys: &str) -> Completion {
    let text = format!(
        "[[aggregation]]\nname = 'a'\nkey = {{ path = '$.subject', capture = '(?<total>.*)' }}\npart = '{{value}}'\n\
         complete = {{ {complete} }}\nemit = {{ type = 't' }}\n{keys}\n"
    );
    let Way::Gather(completion) = valid(&text, "railpost.toml").0.aggregations.remove(0).way else {
        panic!("{complete}")
    };
    completion
}

/// The same for a condition that does not end a group, beside one that says so.
fn condition(condition: &str) -> Completion {
    let Completion::Any(mut any) =
        completion_with(&format!("any = [{{ {condition} }}, {{ deadline = 'none' }}]"), "")
    else {
        panic!("{condition}")
    };
    assert!(matches!(any.remove(1), Completion::Never));
    any.remove(0)
}

const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_group_that_nothing_is_sure_to_end_has_a_deadline_of_a_day() {
    for complete in [
        "count = 3",
        "count = '{total}'",
        "expected = ['a']",
        "when = { type = ['last'] }",
        "while = { sum = '$.n', below = 3 }",
        "any = [{ count = 3 }, { expected = ['a'] }]",
        "all = [{ count = 3 }, { idle = '1m' }]",
        "any = [{ count = 3 }, { all = [{ expected = ['a'] }, { deadline = '2h' }] }]",
    ] {
        let Completion::Any(any) = completion_with(complete, "") else { panic!("{complete}") };
        let [_, Completion::Within(DAY)] = any.as_slice() else { panic!("{complete}: {any:?}") };
    }
}

#[test]
fn a_group_that_something_ends_or_nothing_shall_end_has_no_other_deadline() {
    for complete in [
        "idle = '1m'",
        "window = '1h'",
        "deadline = '2h'",
        "deadline = '06:00 Europe/Paris'",
        "deadline = 'none'",
        "any = [{ count = 3 }, { window = '1h' }]",
        "any = [{ count = 3 }, { deadline = 'none' }]",
        "any = [{ count = 3 }, { any = [{ expected = ['a'] }, { deadline = 'none' }] }]",
        "all = [{ idle = '1m' }, { deadline = '2h' }]",
    ] {
        let shown = format!("{:?}", completion_with(complete, ""));
        assert!(!shown.contains("Within(86400s)"), "{complete}: {shown}");
    }
    assert!(matches!(completion_with("deadline = 'none'", ""), Completion::Never));
}

#[test]
fn a_time_after_the_deadline_that_is_not_written_is_no_error() {
    let completion = completion_with("all = [{ count = 3 }, { idle = '48h' }]", "");
    assert!(matches!(completion, Completion::Any(_)), "{completion:?}");
}

#[test]
fn a_count_is_a_number_or_read() {
    let Completion::Count(Count::Fixed(3)) = condition("count = 3") else { panic!() };
    let total = Piece::Value(Value::Path(vec!["data".to_owned(), "total".to_owned()]), Vec::new());
    for (count, piece, from) in [
        ("'{total}'", name("total"), "Any"),
        ("'$.data.total'", total.clone(), "Any"),
        ("{ read = '{total}' }", name("total"), "Any"),
        ("{ read = '{total}', from = 'any' }", name("total"), "Any"),
        ("{ read = '{total}', from = 'first' }", name("total"), "First"),
        ("{ read = '$.data.total', manifest = { type = ['all'] } }", total, "Manifest"),
    ] {
        let Completion::Count(Count::Read(read)) = condition(&format!("count = {count}")) else {
            panic!("{count}")
        };
        assert_eq!(read.template.pieces, [piece], "{count}");
        let said = match read.from {
            CountFrom::First => "First",
            CountFrom::Any => "Any",
            CountFrom::Manifest(pattern) => {
                assert!(pattern.matches(br#"{"type":"all"}"#).unwrap());
                "Manifest"
            }
        };
        assert_eq!(said, from, "{count}");
    }
}

#[test]
fn a_window_follows_the_one_before_it_unless_it_slides() {
    let window = |size, slide, offset, lateness| Window {
        size: Duration::from_mins(size),
        slide: Duration::from_mins(slide),
        offset: Duration::from_mins(offset),
        lateness: Duration::from_mins(lateness),
    };
    for (written, expected) in [
        ("'1h'", window(60, 60, 0, 0)),
        ("{ size = '1h' }", window(60, 60, 0, 0)),
        ("{ size = '1h', slide = '15m', offset = '0s', lateness = '5m' }", window(60, 15, 0, 5)),
        ("{ size = '1h', slide = '1h', offset = '20m', lateness = '0s' }", window(60, 60, 20, 0)),
        ("{ size = '100m', slide = '1m' }", window(100, 1, 0, 0)),
    ] {
        let Completion::Window(read) = completion_with(&format!("window = {written}"), "time = 'event'")
        else {
            panic!("{written}")
        };
        assert_eq!(read, expected, "{written}");
    }
}

#[test]
fn a_group_goes_on_while_a_measure_is_below_a_limit() {
    for (written, measure, limit) in [
        ("sum = '$.n', below = 100", Measure::Sum, Ceiling::Below(100.0)),
        ("sum = '$.n', at_most = -0.5", Measure::Sum, Ceiling::AtMost(-0.5)),
        ("count = '$.n', at_most = 0", Measure::Count, Ceiling::AtMost(0.0)),
        ("count = '$.n', below = 10000", Measure::Count, Ceiling::Below(10_000.0)),
        ("distinct = '$.n', below = 2.5", Measure::Distinct, Ceiling::Below(2.5)),
    ] {
        let Completion::While(read) = condition(&format!("while = {{ {written} }}")) else {
            panic!("{written}")
        };
        assert_eq!(read, While { measure, path: vec!["n".to_owned()], limit }, "{written}");
    }
}

#[test]
fn a_group_warns_before_a_deadline_that_nobody_wrote_too() {
    completion_with("count = 3", "warn = '23h'");
    completion_with("any = [{ count = 3 }, { deadline = '06:00 UTC' }]", "warn = '30m'");
    let text = "[[aggregation]]\nname = 'a'\nkey = '$.subject'\ncomplete = { count = 3 }\nwarn = '24h'\nemit = { type = 't' }\n";
    let error = parse(text, "railpost.toml").unwrap_err();
    assert_eq!(error.findings().map(Finding::code).collect::<Vec<_>>(), [Code::OutOfRange]);
}
