//! What a release tells beside its parts: lateness, what it replaces, and what usually comes when.

use api::GroupAction;
use event::Timestamp;
use serde_json::{Value, json};

use super::rig::{Act, Fate, Rig, Step, at, event, payload, rule};
use crate::config::{Aggregation, Completion, Cutoff, Way};
use crate::core::Action;

const KEYS: &str = "key = '$.data.k'\npart = '$.data.s'\n";

fn part(seconds: i64, position: u64, (key, name): (&str, &str)) -> Step {
    let act = Act::Publish(Box::new(event(seconds, position, "file", &json!({"k": key, "s": name}))));
    Step { at: seconds, act, fate: Fate::Restart, is_live: true }
}

fn last(rig: &Rig) -> Value {
    payload(rig.stored().last().unwrap())
}

#[test]
fn a_release_after_a_downtime_says_by_how_much_it_is_late_and_why() {
    for (started, why) in [
        (500, "the router was not running when it was due"),
        (50, "the router had not read its log so far when it was due"),
    ] {
        let mut rig = Rig::new(rule(&format!(
            "{KEYS}complete = {{ any = [{{ deadline = '5m' }}, {{ idle = '1m' }}] }}"
        )));
        rig.run(&[part(0, 1, ("a", "x"))], |_, _| ());
        rig.core().start(at(started));
        rig.pass(600, false);
        let told = last(&rig);
        // However late it looks, silence ended it first.
        assert_eq!((&told["completed_by"], &told["late_by_ms"]), (&json!("idle"), &json!(540_000)));
        assert_eq!(told["late_because"], why);
    }
}

#[test]
fn a_release_in_time_is_not_late_though_one_of_its_conditions_was_met_before() {
    for (complete, parts, until) in [
        ("{ all = [{ idle = '1s' }, { deadline = '40s' }] }", vec![0], 40),
        ("{ all = [{ deadline = '2s' }, { count = 2 }] }", vec![0, 90], 90),
    ] {
        let mut rig = Rig::new(rule(&format!("{KEYS}complete = {complete}")));
        let steps: Vec<Step> =
            (1..).zip(&parts).map(|(at, now)| part(*now, at, ("a", &format!("s{at}")))).collect();
        rig.run(&steps, |_, _| ());
        rig.pass(until, true);
        let told = last(&rig);
        assert_eq!((told["late_by_ms"].as_u64(), told.get("late_because")), (Some(0), None), "{complete}");
    }
}

#[test]
fn a_revision_names_what_it_replaces() {
    let mut rig = Rig::new(rule(&format!("{KEYS}complete = {{ count = 1 }}\nlate = 'amend'")));
    rig.run(&[part(0, 1, ("a", "x")), part(1, 2, ("a", "y")), part(2, 3, ("a", "z"))], |_, _| ());
    let told = rig.stored();
    let ids: Vec<&str> = told.iter().map(|stored| &*stored.event.id).collect();
    let replaces: Vec<Value> = told.iter().map(|stored| payload(stored)["replaces"].clone()).collect();
    assert_eq!(replaces, [Value::Null, json!(ids[0]), json!(ids[1])]);
    assert_eq!((rig.ledger().amended, rig.ledger().releases, rig.ledger().revisions), (2, 1, 2));
}

/// A late event of two windows is told once for each.
#[test]
fn a_late_part_names_the_release_that_it_missed() {
    let window = "complete = { window = { size = '20s', slide = '10s' } }";
    let mut rig = Rig::new(rule(&format!("{KEYS}{window}\ntime = {{ path = '$.data.at' }}\nlate = 'side'")));
    let part = |position: u64, time: i64| {
        let data = json!({"k": "a", "s": format!("s{position}"), "at": at(time).to_string()});
        let act = Act::Publish(Box::new(event(1_000, position, "file", &data)));
        Step { at: 1_000, act, fate: Fate::Restart, is_live: true }
    };
    rig.run(&[part(1, 115), part(2, 300), part(3, 105)], |_, _| ());
    let told: Vec<_> = rig.releases().into_iter().zip(rig.stored().into_iter().map(payload)).collect();
    let (late, releases): (Vec<_>, Vec<_>) = told.iter().partition(|(release, _)| release.kind == "out.late");
    let start = |payload: &Value| payload["window"]["start"].as_str().unwrap().to_owned();
    let windows: Vec<String> = late.iter().map(|(_, payload)| start(payload)).collect();
    assert_eq!(windows, [at(90).to_string(), at(100).to_string()]);
    let missed: Vec<&Value> = late.iter().map(|(_, payload)| &payload["missed"]).collect();
    let first = releases.iter().find(|(_, payload)| start(payload) == at(100).to_string()).unwrap();
    assert_eq!(missed, [&Value::Null, &json!(first.0.id)]);
}

#[test]
fn a_group_says_when_what_it_lacks_usually_comes() {
    let cutoff = Cutoff { time: jiff::civil::time(6, 0, 0, 0), zone: jiff::tz::TimeZone::UTC };
    let base = rule(&format!("{KEYS}complete = {{ expected = ['paris', 'nice'] }}"));
    let Way::Gather(Completion::Any(mut all)) = base.way.clone() else { panic!("{:?}", base.way) };
    all[1] = Completion::Cutoff(cutoff);
    let mut rig = Rig::new(Aggregation { way: Way::Gather(Completion::Any(all)), ..base });
    let mut position = 0;
    let mut parts = |day: i64, names: &[(&str, i64)]| -> Vec<Step> {
        let each = names.iter().map(|(name, hour)| {
            position += 1;
            part(day * 86_400 + hour * 3_600, position, (&format!("d{day}"), name))
        });
        each.collect()
    };
    let mut usually = |day: i64, rig: &mut Rig| {
        rig.run(&parts(day, &[("paris", 3)]), |_, _| ());
        let key = format!("d{day}");
        let status = rig.core().aggregators()[0].group("default", at(day * 86_400 + 11_000), &key).unwrap();
        let usually = status.missing[0].usually_by;
        rig.run(&parts(day, &[("nice", 4)]), |_, _| ());
        usually
    };
    let known: Vec<Option<Timestamp>> = (1..=4).map(|day| usually(day, &mut rig)).collect();
    assert_eq!(known, [None, None, None, Some(at(4 * 86_400 + 4 * 3_600))]);
    rig.run(&parts(5, &[("paris", 3)]), |_, _| ());
    rig.pass(5 * 86_400 + 6 * 3_600, true);
    let told = last(&rig);
    assert_eq!(told["usually_by"], json!([{"name": "nice", "by": at(5 * 86_400 + 4 * 3_600).to_string()}]));
}

#[test]
fn events_without_a_key_and_repetitions_are_kept_where_that_is_asked() {
    let keys =
        format!("{KEYS}complete = {{ count = 9 }}\non_missing_key = 'dead-letter'\nduplicates = 'error'");
    let mut core = crate::core::Core::of_aggregations(
        "default",
        event::eventbridge::Identity { account: "0".to_owned(), region: "r".to_owned() },
        &[rule(&keys)],
    );
    let mut reasons = |position: u64, data: Value| -> Vec<String> {
        let decision = core.step(at(0), position, &event(0, position, "file", &data));
        let reason =
            |action| if let Action::RefusePart { reason, .. } = action { Some(reason) } else { None };
        decision.actions.into_iter().filter_map(reason).collect()
    };
    assert_eq!(reasons(1, json!({"s": "x"})), ["it has no key"]);
    assert_eq!(reasons(2, json!({"k": "a"})), ["it has no part's name"]);
    assert!(reasons(3, json!({"k": "a", "s": "x"})).is_empty());
    assert_eq!(reasons(4, json!({"k": "a", "s": "x"})), ["a part `x` is there already"]);
}

#[test]
fn a_group_takes_no_more_bytes_than_it_may() {
    for (at_limit, duplicates, told) in
        [("release", "first", 1), ("release", "last", 1), ("refuse", "last", 0)]
    {
        let keys = format!(
            "{KEYS}complete = {{ count = 9 }}\nduplicates = '{duplicates}'\nbytes_max = '1KiB'\nat_limit = '{at_limit}'\nemit.parts = 'included'"
        );
        let text = format!("[[aggregation]]\nname = 'a'\nemit.type = 'out'\n{keys}");
        let config =
            crate::config::Config::parse(&text, "test.toml").unwrap_or_else(|error| panic!("{error:?}")).0;
        let mut rig = Rig::new(config.aggregations[0].clone());
        let large = |position: u64, name: &str| {
            let data = json!({"k": "a", "s": name, "x": "x".repeat(if position == 1 { 10 } else { 1_000 })});
            let act = Act::Publish(Box::new(event(0, position, "file", &data)));
            Step { at: 0, act, fate: Fate::Restart, is_live: true }
        };
        let name = if duplicates == "last" { "x" } else { "y" };
        rig.run(&[large(1, "x"), large(2, name)], |_, _| ());
        assert_eq!(rig.stored().len(), told, "{at_limit} {duplicates}");
        if told == 1 {
            assert_eq!(last(&rig)["reason"], "limit: 1024 bytes a group");
        }
    }
}

/// What is read again keeps a group going as what is new does: silence is by the log's time.
#[test]
fn a_part_that_was_received_long_ago_breaks_the_silence() {
    let mut rig = Rig::new(rule(&format!("{KEYS}complete = {{ idle = '10s' }}")));
    let replayed = |seconds: i64, position: u64| {
        let mut stored = event(seconds, position, "file", &json!({"k": "a", "s": format!("s{position}")}));
        stored.received = at(0);
        let act = Act::Publish(Box::new(stored));
        Step { at: seconds, act, fate: Fate::Restart, is_live: true }
    };
    rig.run(&[replayed(1_000, 1), replayed(1_008, 2), replayed(1_016, 3)], |_, _| ());
    rig.pass(1_026, true);
    assert_eq!(rig.releases().len(), 1);
    assert_eq!(rig.releases()[0].parts.len(), 3);
}

/// A session that somebody holds stays held where it becomes one with another, and so does what is late for both.
#[test]
fn sessions_that_become_one_keep_what_was_done_to_them() {
    let keys =
        format!("{KEYS}complete = {{ idle = '10s' }}\ntime = {{ path = '$.data.at' }}\nlate = 'amend'");
    let mut rig = Rig::new(rule(&keys));
    let click = |position: u64, time: i64| {
        let data = json!({"k": "a", "s": format!("s{position}"), "at": at(time).to_string()});
        let act = Act::Publish(Box::new(event(1_000, position, "click", &data)));
        Step { at: 1_000, act, fate: Fate::Restart, is_live: true }
    };
    let order = |action: GroupAction, group: &str| {
        let act = Act::Order(group.to_owned(), action);
        Step { at: 1_000, act, fate: Fate::Restart, is_live: true }
    };
    rig.run(&[click(1, 100)], |_, _| ());
    rig.run(&[order(GroupAction::Hold, "a"), click(2, 115)], |_, _| ());
    let held = rig.core().aggregators()[0].groups("default", at(1_000), 9);
    assert_eq!(held.iter().map(|group| group.held).collect::<Vec<_>>(), [true, false]);
    rig.run(&[order(GroupAction::Hold, &held[1].id), order(GroupAction::LetGo, &held[0].id)], |_, _| ());
    // The first one was over when it was let go, so that there is one left, which is held.
    rig.run(&[click(3, 124), click(4, 108)], |_, _| ());
    let (open, told) = (rig.open(), rig.releases());
    assert_eq!(open[0].1, ["s2=e2", "s3=e3", "s4=e4"]);
    assert_eq!(told[0].parts, ["s1=e1"]);
    // One that is late for the first widens it, so that the next one is near it as well.
    rig.run(&[order(GroupAction::Release, "a"), click(5, 92), click(6, 84)], |_, _| ());
    assert_eq!(rig.releases().last().unwrap().parts, ["s1=e1", "s5=e5", "s6=e6"]);
}

#[test]
fn a_held_session_holds_the_one_that_it_becomes_part_of() {
    let keys =
        format!("{KEYS}complete = {{ idle = '10s' }}\ntime = {{ path = '$.data.at', disorder = '1m' }}");
    let mut rig = Rig::new(rule(&keys));
    let click = |position: u64, time: i64| {
        let data = json!({"k": "a", "s": format!("s{position}"), "at": at(time).to_string()});
        let act = Act::Publish(Box::new(event(1_000, position, "click", &data)));
        Step { at: 1_000, act, fate: Fate::Restart, is_live: true }
    };
    rig.run(&[click(1, 100), click(2, 115)], |_, _| ());
    let second = rig.core().aggregators()[0].groups("default", at(1_000), 9)[1].id.clone();
    let hold = Act::Order(second, GroupAction::Hold);
    rig.run(&[Step { at: 1_000, act: hold, fate: Fate::Restart, is_live: true }, click(3, 108)], |_, _| ());
    rig.pass(100_000, true);
    assert_eq!(rig.open()[0].1, ["s1=e1", "s2=e2", "s3=e3"]);
}

/// What was saved of a session in chunks is saved anew where its parts have others in between.
#[test]
fn sessions_that_become_one_are_saved_anew() {
    let keys =
        format!("{KEYS}complete = {{ idle = '20s' }}\ntime = {{ path = '$.data.at', disorder = '1h' }}");
    let mut rig = Rig::new(rule(&keys));
    let click = |position: u64, time: i64| {
        let data = json!({"k": "a", "s": format!("s{position}"), "at": at(time).to_string()});
        let act = Act::Publish(Box::new(event(1_000, position, "click", &data)));
        Step { at: 1_000, act, fate: Fate::Restart, is_live: true }
    };
    // Two sessions by turns, each with more parts than stay with its head.
    let mut steps: Vec<Step> =
        (1..=40).map(|position| click(position, if position % 2 == 0 { 100 } else { 130 })).collect();
    steps.push(click(41, 115));
    rig.run(&steps, |_, _| ());
    let parts: Vec<String> = (1..=41).map(|position| format!("s{position}=e{position}")).collect();
    assert_eq!(rig.open(), [("a".to_owned(), parts)]);
}
