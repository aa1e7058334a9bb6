//! What properties do not show, as test cases of a configuration have it.

use std::path::Path;

use crate::config::Config;
use crate::rehearse::run_cases;

/// Runs one case of an aggregation with these keys, all of which must hold.
fn check(keys: &str, steps: &str) {
    check_in(Path::new("test.toml"), keys, steps);
}

fn check_in(file: &Path, keys: &str, steps: &str) {
    let emit = if keys.contains("emit = ") { "" } else { "emit = { type = \"out\" }" };
    let part = if keys.contains("resequence") { "" } else { "part = \"$.data.s\"" };
    let filter = "filter = { type = [\"file\"] }";
    let rule =
        format!("[[aggregation]]\nname = \"rule\"\nkey = \"$.subject\"\n{filter}\n{part}\n{emit}\n{keys}");
    let text = format!("{rule}\n[[case]]\nname = \"one\"\nsteps = [\n{}\n]\n", events(steps));
    let config = if file.is_absolute() {
        std::fs::write(file, &text).unwrap();
        Config::load(file)
    } else {
        Config::parse(&text, "test.toml")
    };
    let outcomes = run_cases(&config.unwrap_or_else(|error| panic!("{error:?}\n{text}")).0);
    assert_eq!(outcomes.len(), 1);
    if let Some(failure) = outcomes[0].failures.first() {
        let step = text.lines().nth(failure.line - 1).unwrap_or_default();
        panic!("{step}\nexpected {}\nfound    {}\n{keys}", failure.expected, failure.found);
    }
}

/// Spares the cases what all their events have: `file(...)` is a part of `a` with these members of its payload.
fn events(steps: &str) -> String {
    let open = |kind: &str| format!("publish = {{ type = \"{kind}\", subject = \"a\", data = {{ ");
    let kinds = ["file", "end", "manifest"];
    kinds
        .iter()
        .fold(steps.replace(" )", " } }"), |text, kind| text.replace(&format!("{kind}( "), &open(kind)))
}

#[test]
fn a_manifest_may_come_first_last_or_in_between() {
    let keys = "complete = { expected = { manifest = { filter = { type = ['manifest'] }, names = '$.data.files.name' } } }";
    let names = "manifest( files = [{ name = \"x\" }, { name = \"y\" }, { name = \"x\" }] )";
    let done = "expect = { released = { parts = [\"x\", \"y\"], missing = [], by = \"expected\", data = { \"/reason\" = \"expected: all 2 parts came\" } }, open = [] }";
    for order in [
        [names, "file( s = \"x\" )", "file( s = \"y\" )"],
        ["file( s = \"x\" )", names, "file( s = \"y\" )"],
        ["file( s = \"x\" )", "file( s = \"y\" )", names],
    ] {
        let [one, two, three] = order;
        check(
            keys,
            &format!("{{ {one} }},\n{{ {two}, expect = {{ released = [] }} }},\n{{ {three}, {done} }}"),
        );
    }
}

#[test]
fn a_count_is_read_from_the_first_part_from_any_or_from_a_manifest() {
    check(
        "complete = { count = '{$.data.n|int}' }",
        r#"{ file( s = "x" ) },
           { file( s = "y", n = "03" ) },
           { file( s = "z", n = "9" ), expect = { released = { parts = ["x", "y", "z"], by = "count", data = { "/reason" = "count: all 3 parts came" } } } }"#,
    );
    check(
        "complete = { count = { read = '$.data.n', from = 'first' } }",
        r#"{ file( s = "x" ) },
           { file( s = "y", n = 2 ), expect = { released = [], open = { parts = ["x", "y"] } } },
           { at = "+24h", expect = { released = { by = "deadline" } } }"#,
    );
    check(
        "complete = { count = { read = '$.data.n', manifest = { type = ['manifest'] } } }",
        r#"{ file( s = "x", n = 1 ) },
           { file( s = "y" ), expect = { released = [] } },
           { manifest( n = 2 ), expect = { released = { parts = ["x", "y"], by = "count" } } }"#,
    );
}

#[test]
fn a_group_goes_on_while_what_it_adds_up_to_is_below_a_limit() {
    check(
        "complete = { while = { sum = '$.data.n', below = 10 } }",
        r#"{ file( s = "x", n = 4 ) },
           { file( s = "y", n = "nan" ) },
           { file( s = "z", n = "5.5" ), expect = { released = [], open = { parts = ["x", "y", "z"] } } },
           { file( s = "u", n = 0.5 ), expect = { released = { by = "while", data = { "/reason" = "while: the sum of data.n is 10, no longer below 10" } } } }"#,
    );
    check(
        "complete = { while = { count = '$.data.n', at_most = 1 } }",
        r#"{ file( s = "x", n = 4 ) },
           { file( s = "y" ), expect = { released = [] } },
           { file( s = "z", n = 4 ), expect = { released = { data = { "/reason" = "while: the count of data.n is 2, no longer at most 1" } } } }"#,
    );
    check(
        "complete = { while = { distinct = '$.data.n', below = 2 } }\nduplicates = 'last'",
        r#"{ file( s = "x", n = 4 ) },
           { file( s = "y", n = 4 ), expect = { released = [] } },
           { file( s = "x", n = 5 ), expect = { released = { parts = ["x", "y"], by = "while" }, duplicate = 1 } }"#,
    );
}

#[test]
fn late_parts_amend_are_told_aside_or_open_a_new_group() {
    let expected = "complete = { expected = ['x', 'y'], optional = ['z'], quorum = 1 }";
    let expected =
        expected.replace("expected = ['x', 'y'], optional", "expected = { names = ['x', 'y'], optional");
    let expected = expected.replace("quorum = 1 }", "quorum = 1 } }");
    check(
        &format!("{expected}\nlate = 'amend'"),
        r#"{ file( s = "x" ), expect = { released = { parts = ["x"], missing = ["y"], data = { "/reason" = "expected: 1 of 2 parts came, and 1 are enough", "/optional_missing" = ["z"] } } } },
           { at = "+1h", file( s = "z" ), expect = { released = { parts = ["x", "z"], missing = ["y"], by = "late", data = { "/revision" = 1, "/late" = ["z"], "/late_by_ms" = 0 } } } },
           { at = "+2h", file( s = "z" ), expect = { released = [] } },
           { at = "+3h", file( s = "y" ), expect = { released = { parts = ["x", "z", "y"], missing = [], data = { "/revision" = 2, "/late" = ["z", "y"], "/reason" = "late: part y came after the release" } }, late = 3, open = [] } }"#,
    );
    check(
        &format!("{expected}\nlate = 'side'"),
        r#"{ file( s = "x" ), expect = { released = { parts = ["x"] } } },
           { at = "+1h", file( s = "y" ), expect = { released = { type = "out.late", key = "a", data = { "/part" = "y", "/released" = "2026-01-01T00:00:00.000Z" } }, late = 1, open = [] } }"#,
    );
    check(
        &format!("{expected}\nlate = 'new-group'"),
        r#"{ file( s = "x" ), expect = { released = { parts = ["x"] } } },
           { at = "+1h", file( s = "y" ), expect = { released = { parts = ["y"], missing = ["x"] }, late = 0 } }"#,
    );
}

#[test]
fn what_is_not_whole_in_time_is_discarded_where_that_is_asked() {
    check(
        "complete = { any = [{ expected = ['x', 'y'] }, { idle = '5m' }] }\npartial = 'discard'",
        r#"{ file( s = "x" ) },
           { at = "+5m", expect = { released = [], open = [], discarded = 1 } },
           { at = "+6m", file( s = "y" ), expect = { released = [], open = { parts = ["y"] }, late = 0 } }"#,
    );
}

#[test]
fn an_open_group_tells_what_it_has_so_far_and_warns_before_its_deadline() {
    check(
        "complete = { any = [{ expected = ['x', 'y', 'z'] }, { deadline = '1h' }] }\nearly = '10m'\nwarn = '15m'",
        r#"{ file( s = "x" ) },
           { at = "+10m", expect = { released = { type = "out.early", parts = ["x"], missing = ["y", "z"], data = { "/early" = 1, "/reason" = "early: after 1 parts" } } } },
           { at = "+35m", expect = { released = [] } },
           { at = "+36m", file( s = "y" ) },
           { at = "+40m", expect = { released = { type = "out.early", parts = ["x", "y"], data = { "/early" = 4 } } } },
           { at = "+45m", expect = { released = { type = "out.warning", missing = ["z"], data = { "/reason" = "warning: the deadline is in 15 min", "/deadline" = "2026-01-01T01:00:00.000Z" } } } },
           { at = "+1h", expect = { released = { type = "out", by = "deadline", missing = ["z"], data = { "/reason" = "deadline: 1 h after the first part", "/late_by_ms" = 0, "/waited_ms" = 3600000 } } } }"#,
    );
}

#[test]
fn a_cutoff_follows_the_clocks_of_its_place() {
    let cutoff = |time: &str| format!("complete = {{ deadline = '{time} Europe/Paris' }}");
    let reason = |time: &str| format!("deadline: {time} Europe/Paris");
    for (time, start, released) in [
        // In the night of 29 March the clocks go from 02:00 to 03:00, and of 25 October from 03:00 to 02:00.
        ("06:00", "2026-03-28T23:00:00Z", "2026-03-29T04:00:00.000Z"),
        ("06:00", "2026-03-28T02:00:00Z", "2026-03-28T05:00:00.000Z"),
        ("06:00", "2026-03-29T04:00:00Z", "2026-03-30T04:00:00.000Z"),
        ("02:30", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00.000Z"),
        ("06:00", "2026-10-24T23:00:00Z", "2026-10-25T05:00:00.000Z"),
        ("02:30", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00.000Z"),
        ("02:30", "2026-10-25T00:45:00Z", "2026-10-26T01:30:00.000Z"),
    ] {
        let steps = format!(
            r#"{{ at = "{start}", file( s = "x" ) }},
               {{ at = "2026-11-01T00:00:00Z", expect = {{ released = {{ by = "deadline", data = {{ "/released" = "{released}", "/reason" = "{}" }} }} }} }}"#,
            reason(time)
        );
        check(&cutoff(time), &steps);
    }
}

#[test]
fn parts_are_sorted_by_numbers_before_texts() {
    check(
        "complete = { count = 6 }\norder_by = '$.data.n'",
        r#"{ publish = [
             { type = "file", subject = "a", data = { s = "ten", n = "10" } },
             { type = "file", subject = "a", data = { s = "b", n = "b" } },
             { type = "file", subject = "a", data = { s = "none" } },
             { type = "file", subject = "a", data = { s = "nine", n = 9 } },
             { type = "file", subject = "a", data = { s = "half", n = -0.5 } },
             { type = "file", subject = "a", data = { s = "again", n = "09" } },
           ], expect = { released = { parts = ["half", "nine", "again", "ten", "b", "none"] } } }"#,
    );
}

#[test]
fn payloads_are_included_merged_or_referred_to() {
    let two = r#"{ file( s = "x", n = 1, deep = { a = 1, b = 1 } ) },
                 { file( s = "y", n = 2, deep = { b = 2 } ), expect = { released = "#;
    check(
        "complete = { count = 2 }\nemit = { type = 'out', parts = 'merged' }",
        &format!(
            r#"{two} {{ data = {{ "/merged" = {{ s = "y", n = 2, deep = {{ a = 1, b = 2 }} }} }} }} }} }}"#
        ),
    );
    check(
        "complete = { count = 2 }\norder_by = '{$.data.deep.a}'\nemit = { type = 'out', parts = 'included' }",
        &format!(
            r#"{two} {{ data = {{ "/parts/0/data/n" = 1, "/parts/1/data" = {{ s = "y", n = 2, deep = {{ b = 2 }} }} }} }} }} }}"#
        ),
    );
    let large = "1234567890".repeat(60);
    check(
        "complete = { count = 2 }\nemit = { type = 'out', parts = 'merged', payload_max = '1KiB' }",
        &format!(
            r#"{{ file( s = "{large}" ) }},
               {{ file( s = "y{large}" ), expect = {{ released = {{ data = {{ "/payloads" = "referred", "/parts/0/reference" = "/api/v1/payload?bus=default&position=1" }} }} }} }}"#
        ),
    );
}

#[test]
fn each_key_has_names_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let names = "\"2026-12-25\" = [\"nice\"]\n\"2026-*\" = [\"nice\", \"oslo\"]\n";
    std::fs::write(folder.path().join("stores.toml"), names).unwrap();
    let event = |key: &str, name: &str| {
        format!("{{ type = \"file\", subject = \"{key}\", data = {{ s = \"{name}\" }} }}")
    };
    let (holiday, day, other) =
        (event("2026-12-25", "nice"), event("2026-12-26", "nice"), event("2025", "nice"));
    let released = r#"released = [{ key = "2026-12-25", missing = [] }]"#;
    let open = r#"open = [{ key = "2026-12-26", missing = ["oslo"] }, { key = "2025", missing = [] }]"#;
    check_in(
        &folder.path().join("railpost.toml"),
        "complete = { expected = { file = 'stores.toml' } }",
        &format!("{{ publish = [{holiday}, {day}, {other}], expect = {{ {released}, {open} }} }}"),
    );
}

#[test]
fn a_window_that_ended_takes_parts_for_as_long_as_it_says() {
    let time = "time = { path = '$.data.at' }";
    check(
        &format!("complete = {{ window = {{ size = '1h', lateness = '10m' }} }}\n{time}"),
        r#"{ at = "+3h", file( s = "x", at = "2026-01-01T00:59:00Z" ) },
           { at = "+3h", file( s = "y", at = "2026-01-01T01:09:59Z" ) },
           { at = "+3h", file( s = "z", at = "2026-01-01T00:00:00Z" ), expect = { released = [] } },
           { at = "+3h", file( s = "u", at = "2026-01-01T01:10:00Z" ), expect = { released = { parts = ["x", "z"], by = "window", data = { "/window/start" = "2026-01-01T00:00:00.000Z", "/reason" = "window: it ended at 2026-01-01T01:00:00.000Z", "/late_by_ms" = 0 } } } },
           { at = "+3h", file( s = "v", at = "2026-01-01T00:30:00Z" ), expect = { late = 1 } },
           { at = "+3h30s", expect = { released = [] } },
           { at = "+4h1m", expect = { released = { parts = ["y", "u"] }, open = [] } }"#,
    );
}

/// The first events of a key are not late, however old they are.
#[test]
fn history_is_gathered_by_its_own_time() {
    for complete in ["{ idle = '1m' }", "{ window = '1m' }"] {
        check(
            &format!("complete = {complete}\ntime = {{ path = '$.data.at' }}\nlate = 'discard'"),
            r#"{ file( s = "x", at = "2020-05-05T00:00:00Z" ) },
               { file( s = "y", at = "2020-05-05T00:00:30Z" ), expect = { late = 0, open = { parts = ["x", "y"] } } },
               { file( s = "z", at = "2020-05-05T00:02:00Z" ), expect = { released = { parts = ["x", "y"] }, late = 0 } }"#,
        );
    }
}

#[test]
fn a_gap_in_a_sequence_is_told() {
    check(
        "resequence = { by = '$.data.n', start = 1, gap = '30s' }",
        r#"{ file( n = 4 ), expect = { released = [], open = { parts = ["4"], missing = ["1"] } } },
           { at = "+10s", file( n = 1 ), expect = { released = { type = "out" } } },
           { at = "+30s", expect = { released = [{ type = "out.gap", key = "a", data = { "/from" = 2, "/to" = 3, "/count" = 2, "/waited_ms" = 30000, "/reason" = "gap: held for 30 s" } }, { type = "out", data = { "/n" = 4 } }], open = [] } },
           { at = "+40s", file( n = 2 ), expect = { released = [], late = 1 } }"#,
    );
}
