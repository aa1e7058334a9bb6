//! What users of other systems asked of gathering, each as a test: the name says the system, the number of the thread, and
//! what holds here.
//!
//! Most are a configuration with cases. `running` has those about crashes, stops, failing deliveries and what somebody
//! does by hand: they run the real binary.

mod running;

use router::config::Config;
use router::rehearse::run_cases;

/// Runs the cases of a configuration, each of which must ask for something and hold.
fn check(config: &str) {
    let (config, _) = Config::parse(config, "ask.toml").unwrap_or_else(|error| panic!("{error:?}"));
    assert!(!config.cases.is_empty(), "there is no case");
    assert!(config.cases.iter().all(|case| case.steps.iter().any(|step| step.expect.is_some())));
    for outcome in run_cases(&config) {
        let lines = outcome.failures.iter();
        let lines: Vec<String> = lines
            .map(|one| format!("line {}: expected {}, found {}", one.line, one.expected, one.found))
            .collect();
        assert!(lines.is_empty(), "{}:\n{}", outcome.name, lines.join("\n"));
    }
}

/// Steps that publish one event every so many seconds, from the start of the case on.
fn every(seconds: usize, count: usize, event: &str) -> String {
    let step = |number: usize| format!("{{ at = \"+{}s\", publish = {event} }},\n", number * seconds);
    (0..count).map(step).collect()
}

/// The names of the events from one number to another, as a case has them.
fn ids(from: usize, to: usize) -> String {
    let ids: Vec<String> = (from..=to).map(|number| format!("\"e{number}\"")).collect();
    format!("[{}]", ids.join(", "))
}

/// A group that is busy all the time, so that its idle gap never comes, is released when it is old enough all the same.
#[test]
fn vector_16145_a_busy_key_does_not_hold_up_its_release() {
    let release = |number: usize| {
        format!("{{ parts = {}, by = \"deadline\" }},\n", ids(number * 12 + 1, number * 12 + 12))
    };
    check(&format!(
        r#"
        [[aggregation]]
        name = "logs"
        key = "$.data.host"
        complete = {{ any = [{{ idle = "59s" }}, {{ deadline = "60s" }}] }}
        emit = {{ type = "batch" }}

        [[case]]
        name = "an event every 5 seconds for 5 minutes"
        steps = [
        {}
        {{ at = "+10m", expect = {{ released = [{}], open = [], late = 0, duplicate = 0 }} }},
        ]
        "#,
        every(5, 60, r#"{ type = "line", data = { host = "a" } }"#),
        (0..5).map(release).collect::<String>(),
    ));
}

/// A fixed period and an idle gap are two options: neither changes what the other means.
#[test]
fn vector_8749_an_idle_gap_and_a_period_do_not_change_each_other() {
    let period = |number: usize| {
        format!("{{ type = \"period\", parts = {} }},\n", ids(number * 12 + 1, number * 12 + 12))
    };
    check(&format!(
        r#"
        [[aggregation]]
        name = "idle"
        filter = {{ type = ["keep-alive"] }}
        key = "$.source"
        complete = {{ idle = "60s" }}
        emit = {{ type = "idle" }}

        [[aggregation]]
        name = "period"
        filter = {{ type = ["keep-alive"] }}
        key = "$.source"
        complete = {{ deadline = "60s" }}
        emit = {{ type = "period" }}

        [[case]]
        name = "a keep-alive every 5 seconds for 5 minutes"
        steps = [
        {}
        {{ at = "+300s", expect = {{ released = [{}] }} }},
        {{ at = "+354s", expect = {{ released = [] }} }},
        {{ at = "+355s", expect = {{ released = {{ type = "idle", parts = {} }}, open = [] }} }},
        ]
        "#,
        every(5, 60, r#"{ type = "keep-alive" }"#),
        (0..5).map(period).collect::<String>(),
        ids(1, 60),
    ));
}

/// Windows by a path of the payload, ended by length or by time, each key by itself.
#[test]
fn redpanda_2963_each_discussion_has_a_window_of_its_own() {
    let busy = (0..30).map(|number| match number % 10 {
        0 => r#"{ type = "post", data = { discussion = "b" } }, { type = "post", data = { discussion = "a" } }, "#,
        _ => r#"{ type = "post", data = { discussion = "a" } }, "#,
    });
    check(&format!(
        r#"
        [[aggregation]]
        name = "discussions"
        filter = {{ type = ["post"] }}
        key = "$.data.discussion"
        complete = {{ any = [{{ count = 30 }}, {{ deadline = "30s" }}] }}
        emit = {{ type = "discussion" }}

        [[case]]
        name = "30 posts of one and 3 of another, mixed"
        steps = [
          {{ publish = [{}] }},
          {{ expect = {{ released = {{ key = "a", by = "count", data = {{ "/parts/29/id" = "e33" }} }}, open = {{ key = "b", parts = ["e1", "e12", "e23"] }} }} }},
          {{ at = "+29s", expect = {{ released = [] }} }},
          {{ at = "+30s", expect = {{ released = {{ key = "b", parts = ["e1", "e12", "e23"], by = "deadline" }}, open = [] }} }},
        ]
        "#,
        busy.collect::<String>(),
    ));
}

/// A limit that is smaller than what comes loses nothing: all of it is released, in pieces, also what is larger by itself
/// than the limit.
#[test]
fn redpanda_3700_a_small_limit_releases_in_pieces_and_loses_nothing() {
    let large = "x".repeat(2_000);
    check(&format!(
        r#"
        [[aggregation]]
        name = "small"
        filter = {{ type = ["message"] }}
        key = "$.source"
        complete = {{ idle = "1m" }}
        emit = {{ type = "pieces", parts = "included" }}
        bytes_max = "1KiB"

        [[case]]
        name = "messages past the limit, and one larger than it"
        steps = [
          {{ publish = [{{ type = "message" }}, {{ type = "message" }}, {{ type = "message" }}, {{ type = "message" }}, {{ type = "message" }}] }},
          {{ publish = {{ type = "message", data = "{large}" }} }},
          {{ expect = {{ released = {{ parts = ["e1", "e2", "e3", "e4", "e5", "e6"], by = "limit" }}, discarded = 0 }} }},
          {{ publish = {{ type = "message", data = "{large}" }} }},
          {{ expect = {{ released = {{ parts = ["e7"], by = "limit" }}, open = [], discarded = 0 }} }},
        ]

        [[case]]
        name = "what is left goes when its time has come"
        steps = [
          {{ publish = [{{ type = "message" }}, {{ type = "message" }}] }},
          {{ at = "+1m", expect = {{ released = {{ parts = ["e1", "e2"], by = "idle" }}, open = [], discarded = 0 }} }},
        ]
        "#,
    ));
}

/// What both of a pair wait for until the end of a day, and no longer: half a pair does not meet the other half of the
/// next day.
const DAILY_PAIR: &str = r#"
    [[aggregation]]
    name = "pair"
    filter = { type = ["a", "b"] }
    key = { path = "$.source", key = "pair" }
    part = "$.type"
    complete = { any = [{ expected = ["a", "b"] }, { deadline = "23:59 UTC" }] }
    partial = "discard"
    late = "new-group"
    emit = { type = "both" }
"#;

/// A half of a pair that stays alone is given up at a time of day.
#[test]
fn argo_1381_yesterdays_half_does_not_meet_todays() {
    check(&format!(
        r#"{DAILY_PAIR}
        [[case]]
        name = "b on one day, a and b on the next"
        start = "2026-11-19T08:00:00Z"
        steps = [
          {{ publish = {{ type = "b" }} }},
          {{ at = "2026-11-19T23:59:00Z", expect = {{ released = [], open = [], discarded = 1 }} }},
          {{ at = "2026-11-20T10:00:00Z", publish = {{ type = "a" }} }},
          {{ expect = {{ released = [], open = {{ parts = ["a"], missing = ["b"] }} }} }},
          {{ at = "2026-11-20T11:00:00Z", publish = {{ type = "b" }} }},
          {{ expect = {{ released = {{ parts = ["a", "b"], by = "expected", data = {{ "/parts/0/id" = "e2", "/parts/1/id" = "e3" }} }}, late = 0 }} }},
        ]
        "#
    ));
}

/// Giving up takes all that is held, in whatever order it came, and whether or not it came twice.
#[test]
fn argo_1522_a_reset_does_not_depend_on_the_order_of_delivery() {
    let (a, b) = (
        r#"{ id = "a", type = "a", time = "2026-11-19T08:00:01Z" }"#,
        r#"{ id = "b", type = "b", time = "2026-11-19T08:00:02Z" }"#,
    );
    let three = DAILY_PAIR.replace(r#"expected = ["a", "b"]"#, r#"expected = ["a", "b", "c"]"#);
    for (order, duplicates) in [(vec![a, b], 0), (vec![b, a], 0), (vec![a, b, b, a], 2), (vec![b, a, a], 1)] {
        check(&format!(
            r#"{three}
            [[case]]
            name = "two of three, and then the reset"
            start = "2026-11-19T09:00:00Z"
            steps = [
              {{ publish = [{}] }},
              {{ at = "+1h", expect = {{ open = {{ missing = ["c"] }}, duplicate = {duplicates} }} }},
              {{ at = "2026-11-19T23:59:00Z", expect = {{ released = [], open = [], discarded = 2 }} }},
            ]
            "#,
            order.join(", "),
        ));
    }
}

/// What comes at the very instant of a reset, or just after it, is of the next day.
#[test]
fn argo_1694_what_comes_in_the_second_of_a_reset_is_kept() {
    check(&format!(
        r#"{DAILY_PAIR}
        [[case]]
        name = "just before, at, and just after"
        start = "2026-11-19T22:00:00Z"
        steps = [
          {{ publish = {{ type = "a" }} }},
          {{ at = "2026-11-19T23:59:00Z", publish = {{ type = "b" }} }},
          {{ expect = {{ released = [], discarded = 1, open = {{ parts = ["b"] }} }} }},
          {{ at = "2026-11-19T23:59:00.200Z", publish = {{ type = "a" }} }},
          {{ expect = {{ released = {{ parts = ["b", "a"] }}, discarded = 1, open = [] }} }},
        ]
        "#
    ));
}

/// Two conditions on payloads of one source and one type are two parts.
#[test]
fn argo_3063_two_events_of_one_source_and_type_make_a_pair() {
    check(
        r#"
        [[aggregation]]
        name = "ready"
        filter = { source = ["/build"], type = ["done"] }
        key = "$.data.commit"
        part = "$.data.step"
        complete = { expected = ["compile", "test"] }
        emit = { type = "ready" }

        [[case]]
        name = "both steps of one commit"
        steps = [
          { publish = { source = "/build", type = "done", data = { commit = "c1", step = "test" } } },
          { publish = { source = "/build", type = "done", data = { commit = "c2", step = "compile" } } },
          { expect = { released = [] } },
          { publish = { source = "/build", type = "done", data = { commit = "c1", step = "compile" } } },
          { expect = { released = { key = "c1", parts = ["test", "compile"] }, open = { key = "c2" } } },
          { at = "+1h", expect = { released = [] } },
        ]
        "#,
    );
}

/// A group that is complete keeps nothing but that it was: a late part is told apart and opens no group.
#[test]
fn spring_2217_a_late_part_of_a_complete_group_is_told_apart() {
    check(
        r#"
        [[aggregation]]
        name = "orders"
        filter = { type = ["line"] }
        key = "$.data.order"
        part = "$.data.line"
        complete = { count = 2 }
        late = "side"
        emit = { type = "order" }

        [[case]]
        name = "a third line of two"
        steps = [
          { publish = [{ type = "line", data = { order = "o", line = 1 } }, { type = "line", data = { order = "o", line = 2 } }] },
          { expect = { released = { type = "order", parts = ["1", "2"] }, open = [] } },
          { at = "+2d", publish = { type = "line", data = { order = "o", line = 3 } } },
          { expect = { released = { type = "order.late", key = "o", data = { "/part" = "3" } }, open = [], late = 1 } },
        ]
        "#,
    );
}

/// One event that ends two groups is in its own one only, and each release has its own key and parts.
#[test]
fn camel_12121_the_event_that_ends_two_groups_is_in_its_own() {
    check(
        r#"
        [[aggregation]]
        name = "pairs"
        filter = { type = ["part"] }
        key = "$.data.key"
        complete = { any = [{ count = 2 }, { deadline = "1m" }] }
        emit = { type = "pair", parts = "included" }

        [[case]]
        name = "the second event of b comes when a is due"
        steps = [
          { publish = { type = "part", data = { key = "a" } } },
          { at = "+30s", publish = { type = "part", data = { key = "b" } } },
          { at = "+1m", publish = { type = "part", data = { key = "b" } } },
          { expect = { released = [
            { key = "a", parts = ["e1"], by = "deadline", data = { "/parts/0/data/key" = "a" } },
            { key = "b", parts = ["e2", "e3"], by = "count", data = { "/parts/0/data/key" = "b", "/parts/1/data/key" = "b" } },
          ] } },
        ]

        [[aggregation]]
        name = "days"
        filter = { type = ["row"] }
        key = "$.data.day"
        complete = { any = [{ count = 2 }, { deadline = "none" }] }
        emit = { type = "day" }

        [[aggregation]]
        name = "shops"
        filter = { type = ["row"] }
        key = "$.data.shop"
        complete = { any = [{ count = 3 }, { deadline = "none" }] }
        emit = { type = "shop" }

        [[case]]
        name = "one row ends a day and a shop"
        steps = [
          { publish = [
            { type = "row", data = { day = "1", shop = "x" } },
            { type = "row", data = { day = "2", shop = "x" } },
            { type = "row", data = { day = "2", shop = "x" } },
          ] },
          { expect = { released = [{ type = "day", key = "2", parts = ["e2", "e3"] }, { type = "shop", key = "x", parts = ["e1", "e2", "e3"] }] } },
          { expect = { open = { aggregation = "days", key = "1", parts = ["e1"] } } },
        ]
        "#,
    );
}

/// A window that one event opens and another one ends, for each key by itself.
#[test]
fn ekuiper_3904_a_window_between_two_events_is_its_keys_own() {
    check(
        r#"
        [[aggregation]]
        name = "runs"
        filter = { type = ["state"] }
        key = "$.data.machine"
        complete = { any = [{ when = { data = { stopped = [true] } } }, { deadline = "none" }] }
        late = "new-group"
        emit = { type = "run" }

        [[case]]
        name = "two machines"
        steps = [
          { publish = { type = "state", data = { machine = "m1", stopped = false } } },
          { at = "+1h", publish = { type = "state", data = { machine = "m2", stopped = false } } },
          { at = "+2h", publish = { type = "state", data = { machine = "m1", stopped = true } } },
          { expect = { released = { key = "m1", parts = ["e1", "e3"], by = "when" }, open = { key = "m2", parts = ["e2"] } } },
          { at = "+300d", publish = { type = "state", data = { machine = "m1", stopped = false } } },
          { expect = { released = [], open = [{ key = "m2" }, { key = "m1", parts = ["e4"] }] } },
        ]
        "#,
    );
}

/// One input goes first: what comes of it alone waits for nothing, while two others wait for each other, and a daily reset
/// still ends what is left of these. What is not here is holding the others back while the first has a backlog.
#[test]
fn argo_2912_the_first_input_waits_for_nothing_and_the_others_for_each_other() {
    check(
        r#"
        [[aggregation]]
        name = "first"
        filter = { type = ["a"] }
        key = "$.data.job"
        complete = { count = 1 }
        emit = { type = "trigger.a" }

        [[aggregation]]
        name = "others"
        filter = { type = ["b", "c"] }
        key = "$.data.job"
        part = "$.type"
        complete = { any = [{ expected = ["b", "c"] }, { deadline = "23:59 UTC" }] }
        partial = "discard"
        late = "new-group"
        emit = { type = "trigger.bc" }

        [[case]]
        name = "an a goes at once, and takes nothing of what waits"
        steps = [
            { publish = { type = "b", data = { job = "x" } } },
            { at = "+1m", publish = { type = "a", data = { job = "x" } }, expect = { released = { type = "trigger.a", parts = ["e2"] }, open = { parts = ["b"], missing = ["c"] } } },
            { at = "+2m", publish = { type = "c", data = { job = "x" } }, expect = { released = { type = "trigger.bc", parts = ["b", "c"] }, open = [] } },
        ]

        [[case]]
        name = "the reset ends what waits, and not what goes first"
        steps = [
            { publish = { type = "b", data = { job = "x" } } },
            { at = "+23h59m", expect = { released = [], open = [], discarded = 1 } },
            { at = "+24h", publish = [{ type = "c", data = { job = "x" } }, { type = "a", data = { job = "x" } }], expect = { released = { type = "trigger.a" }, open = { parts = ["c"], missing = ["b"] } } },
        ]
        "#,
    );
}
