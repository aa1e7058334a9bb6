//! What a group waits for, in words, and what somebody did to it.

use api::{GroupAction, GroupStatus};
use serde_json::json;

use super::rig::{Act, BUS, Fate, Rig, Step, at, event, rule};
use crate::core::HandleError;

const KEYS: &str = "filter = { type = ['file'] }\nkey = '$.data.k'\npart = '$.data.s'\n";

fn part(seconds: i64, position: u64, name: &str, more: &serde_json::Value) -> Step {
    let mut data = more.clone();
    (data["k"], data["s"]) = (json!("a"), json!(name));
    let act = Act::Publish(Box::new(event(seconds, position, "file", &data)));
    Step { at: seconds, act, fate: Fate::Restart, is_live: true }
}

fn order(seconds: i64, action: GroupAction) -> Step {
    Step { at: seconds, act: Act::Order("a".to_owned(), action), fate: Fate::Restart, is_live: true }
}

fn status(rig: &mut Rig, seconds: i64) -> GroupStatus {
    rig.core().aggregators()[0].group(BUS, at(seconds), "a").unwrap()
}

#[test]
fn a_group_says_what_each_condition_waits_for() {
    let check = |complete: &str, seconds: i64, expected: &[&str]| {
        let mut rig = Rig::new(rule(&format!("{KEYS}complete = {complete}")));
        rig.run(&[part(0, 1, "paris", &json!({"n": 4}))], |_, _| ());
        assert_eq!(status(&mut rig, seconds).waiting_for, expected, "{complete}");
    };
    check(
        "{ any = [{ count = 3 }, { idle = '5m' }, { deadline = '3h' }] }",
        110,
        &["count needs 2 more of 3", "idle would fire in 3 min 10 s", "deadline in 2 h 58 min"],
    );
    check(
        "{ any = [{ expected = ['paris', 'nice', 'oslo'] }, { deadline = '06:00 Europe/Paris' }] }",
        0,
        &["waiting for nice, oslo", "deadline in 5 h, at 06:00 Europe/Paris"],
    );
    check(
        "{ any = [{ expected = { names = ['paris', 'nice', 'oslo', 'rome'], quorum = 2 } }, { deadline = 'none' }] }",
        0,
        &["waiting for 1 of nice, oslo, rome"],
    );
    check(
        "{ any = [{ when = { type = ['end'] } }, { window = '1h' }] }",
        60,
        &["waiting for an event that says so", "its window ends in 59 min"],
    );
    check(
        "{ any = [{ count = '$.data.total' }, { deadline = 'none' }] }",
        0,
        &["waiting for an event that says how many parts there are"],
    );
    check("{ any = [{ count = '$.data.n' }, { deadline = 'none' }] }", 0, &["count needs 3 more of 4"]);
    let manifest =
        "{ expected = { manifest = { filter = { type = ['manifest'] }, names = '$.data.names' } } }";
    check(
        &format!("{{ any = [{manifest}, {{ deadline = 'none' }}] }}"),
        0,
        &["waiting for the manifest that names the parts"],
    );
    check(
        "{ any = [{ while = { sum = '$.data.n', below = 10 } }, { deadline = 'none' }] }",
        0,
        &["the sum of data.n is 4, below 10"],
    );
}

#[test]
fn a_held_group_is_completed_by_nothing_until_it_is_let_go() {
    let mut rig = Rig::new(rule(&format!("{KEYS}complete = {{ deadline = '1m' }}")));
    rig.run(&[part(0, 1, "paris", &json!({})), order(10, GroupAction::Hold)], |_, _| ());
    let held = status(&mut rig, 20);
    assert_eq!(held.waiting_for, ["held: nothing completes it until it is let go", "deadline in 40 s"]);
    assert!(held.held);
    rig.pass(1_000, true);
    assert_eq!(rig.open().len(), 1);
    rig.run(&[order(2_000, GroupAction::LetGo)], |_, _| ());
    let payload = super::rig::payload(rig.stored()[0]);
    assert_eq!(payload["reason"], "deadline: 1 min after the first part");
    // Nobody was late: it was held.
    assert_eq!((payload["late_by_ms"].as_u64(), payload.get("late_because")), (Some(0), None));
    assert_eq!(payload["history"][0]["by"], "ann");
    assert_eq!(payload["history"][1]["action"], json!({"kind": "let-go"}));
    let ended = status(&mut rig, 2_000);
    assert_eq!(ended.history.len(), 2);
    assert!(ended.ended.unwrap().released);
}

#[test]
fn what_somebody_does_is_in_the_release_and_in_the_history() {
    let complete =
        "complete = { any = [{ expected = ['paris', 'nice'] }, { deadline = '1m' }] }\nwarn = '30s'";
    let mut rig = Rig::new(rule(&format!("{KEYS}{complete}")));
    let steps = [
        part(0, 1, "paris", &json!({})),
        order(40, GroupAction::Extend { by_ms: 600_000 }),
        order(41, GroupAction::Expect { part: "oslo".to_owned() }),
        order(42, GroupAction::Unexpect { part: "nice".to_owned() }),
    ];
    rig.run(&steps, |_, _| ());
    let now = status(&mut rig, 42);
    assert_eq!(now.missing.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["oslo"]);
    assert_eq!(now.deadline, Some(at(660)));
    assert_eq!(now.waiting_for, ["waiting for oslo", "deadline in 10 min 18 s"]);
    rig.run(&[order(700, GroupAction::Release)], |_, _| ());
    let told = rig.releases();
    let kinds: Vec<(&str, &str)> = told.iter().map(|one| (one.kind.as_str(), one.by.as_str())).collect();
    // It warns again before its new deadline, under another id.
    assert_eq!(kinds, [("out.warning", ""), ("out.warning", ""), ("out", "deadline")]);
}

#[test]
fn a_release_by_hand_says_who_and_why() {
    let mut rig = Rig::new(rule(&format!("{KEYS}complete = {{ count = 3 }}")));
    rig.run(&[part(0, 1, "paris", &json!({})), order(5, GroupAction::Release)], |_, _| ());
    let payload = super::rig::payload(rig.stored()[0]);
    assert_eq!(
        (&payload["completed_by"], &payload["reason"]),
        (&json!("order"), &json!("order: released by ann: so"))
    );
    rig.run(&[part(6, 2, "nice", &json!({})), order(7, GroupAction::Discard)], |_, _| ());
    assert_eq!(rig.ledger().discarded, 1);
    let ended = status(&mut rig, 7).ended.unwrap();
    assert_eq!((ended.released, ended.reason.as_str()), (false, "order: discarded by ann: so"));
}

#[test]
fn orders_that_name_no_group_or_several_are_refused() {
    let keys = "complete = { window = { size = '1m', slide = '30s' } }\ntime = 'processing'";
    let mut rig = Rig::new(rule(&format!("{KEYS}{keys}")));
    rig.run(&[part(100, 1, "paris", &json!({}))], |_, _| ());
    let mut handle = |group: &str, action: GroupAction| {
        let record = api::HandlingRecord { at: at(100), by: "ann".to_owned(), why: "so".to_owned(), action };
        rig.core().handle(0, (at(100), group), &record).map(|(count, _)| count)
    };
    let refused = handle("b", GroupAction::Hold).unwrap_err();
    assert_eq!(refused.to_string(), "aggregation `days` has no open group `b`");
    let refused = handle("a", GroupAction::Hold).unwrap_err();
    let HandleError::Ambiguous { count, ids, .. } = refused else { panic!("{refused}") };
    assert_eq!(count, 2);
    assert_eq!(handle(ids.split(", ").next().unwrap(), GroupAction::Hold), Ok(1));
    let refused = handle("*", GroupAction::Expect { part: "nice".to_owned() }).unwrap_err();
    assert_eq!(refused.to_string(), "a part is expected of one group, not of all at once");
    assert_eq!(handle("*", GroupAction::LetGo), Ok(2));
    assert_eq!(handle("*", GroupAction::Release), Ok(2));
}
