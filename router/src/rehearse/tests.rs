//! Cases hold or fail as their configuration says.

use super::run_cases;
use crate::config::Config;

const RULE: &str = r#"
[[aggregation]]
name = "days"
filter = { type = ["file"] }
key = "$.data.day"
part = "$.data.store"
complete = { any = [{ expected = ["paris", "nice"] }, { deadline = "1h" }] }
emit = { type = "day" }
"#;

/// Runs the steps of one case, and returns what failed: the lines and words.
fn check(steps: &str, expected: &[&str]) {
    let text = format!("{RULE}\n[[case]]\nname = \"one\"\nsteps = [\n{steps}\n]\n");
    let config = Config::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error:?}")).0;
    let outcomes = run_cases(&config);
    let failures = outcomes.iter().flat_map(|outcome| &outcome.failures);
    let failures: Vec<String> = failures
        .map(|failure| format!("{}: expected {}, found {}", failure.line, failure.expected, failure.found))
        .collect();
    assert_eq!(failures, expected);
}

#[test]
fn a_case_that_holds_says_nothing() {
    check(
        r#"{ publish = [{ type = "file", data = { day = "1", store = "nice" } }, { type = "file", data = { day = "2", store = "nice" } }] },
           { at = "+15m", publish = { type = "file", data = { day = "1", store = "paris" } } },
           { at = "+15m", expect = { released = { type = "day", key = "1", parts = ["nice", "paris"], missing = [], by = "expected" }, open = { key = "2", missing = ["paris"] } } },
           { at = "+1h", expect = { released = [{ key = "2", parts = ["nice"], missing = ["paris"], by = "deadline" }], open = [], late = 0 } },
           { at = "+2h", publish = { type = "file", data = { day = "2", store = "paris" } }, expect = { released = [], late = 1, duplicate = 0, discarded = 0 } }"#,
        &[],
    );
}

#[test]
fn a_case_that_fails_says_where_and_what_was_found() {
    check(
        r#"{ publish = { type = "file", data = { day = "1", store = "nice" } } },
           { at = "+1h", expect = { released = { key = "1", by = "expected" }, late = 2 } }"#,
        &[
            "14: expected released: a release `1` by expected, found released: day `1` with [nice] without [paris] by deadline",
            "14: expected late = 2, found 0",
        ],
    );
}

#[test]
fn an_event_waits_for_room_where_the_rule_says_so() {
    let text = r#"
        [[aggregation]]
        name = "few"
        key = "$.data.key"
        complete = { idle = "1m" }
        groups_max = 1
        at_limit = "wait"
        emit = { type = "group" }

        [[case]]
        name = "the second key waits for the first one's end"
        steps = [
            { publish = [{ type = "x", data = { key = "a" } }, { type = "x", data = { key = "b" } }] },
            { at = "+59s", expect = { released = [], open = { key = "a" } } },
            { at = "+60s", expect = { released = { key = "a", by = "idle" }, open = { key = "b" } } },
            { at = "+120s", expect = { released = { key = "b", by = "idle" }, open = [] } },
        ]
    "#;
    let config = Config::parse(text, "test.toml").unwrap_or_else(|error| panic!("{error:?}")).0;
    assert_eq!(run_cases(&config)[0].failures, []);
}
