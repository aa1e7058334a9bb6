//! How groups and ledgers look; orders about groups, given to a router that is none.

use std::sync::{Arc, Mutex};

use api::{
    AggregationStatus, Client, GroupAction, GroupEnd, GroupOrder, GroupStatus, HandlingRecord, MissingPart,
    PartStatus, WindowStatus,
};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use event::Timestamp;

use super::ledger::{self, Ledger};
use super::order::{told, user};
use super::{show, table};
use crate::screen::Screen;

/// 1970-01-02T05:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(86_400_000 + 5 * HOUR_MS);
const HOUR_MS: i64 = 3_600_000;

/// Returns an instant of the second of January.
fn at(hour: i64, minute: i64) -> Timestamp {
    Timestamp::from_millis(86_400_000 + hour * HOUR_MS + minute * 60_000)
}

fn missing(name: &str, usually_by: Option<Timestamp>) -> MissingPart {
    MissingPart { name: name.to_owned(), usually_by }
}

fn part(name: &str, position: u64) -> PartStatus {
    PartStatus { name: name.to_owned(), event: format!("e{position}"), position, received: at(2, 0) }
}

fn group() -> GroupStatus {
    GroupStatus {
        id: "5b1f6e0a".to_owned(),
        aggregation: "daily-sales".to_owned(),
        bus: "landing".to_owned(),
        key: "1970-01-01".to_owned(),
        parts: vec![part("paris", 17), part("lyon", 19)],
        expected: Some(4),
        missing: vec![missing("nice", Some(at(4, 10))), missing("oslo", None)],
        opened: at(2, 0),
        last_part: at(2, 0),
        deadline: Some(at(7, 4)),
        idle_until: Some(at(6, 0)),
        waiting_for: vec!["waiting for nice, oslo".to_owned(), "the deadline in 2h 4m".to_owned()],
        ..GroupStatus::default()
    }
}

#[test]
fn a_group_says_what_it_waits_for() {
    let window = Some(WindowStatus { start: at(4, 0), end: at(5, 0) });
    let clicks = GroupStatus {
        aggregation: "clicks".to_owned(),
        key: "ada".to_owned(),
        window,
        expected: None,
        missing: Vec::new(),
        held: true,
        waiting_for: vec!["held".to_owned()],
        ..group()
    };
    let text = table(&[group(), clicks], NOW).render(Screen::none());
    let expected = "\
AGGREGATION  KEY                            PARTS   MISSING     OPENED  DUE    WAITS FOR
daily-sales  1970-01-01                     2 of 4  nice, oslo  3h ago  in 1h  waiting for nice, oslo; the deadline in 2h 4m
clicks       ada [1970-01-02 04:00..05:00)  2                   3h ago  held   held";
    assert_eq!(text, expected);
}

#[test]
fn groups_of_one_key_have_their_ids_beside_them() {
    let short = |id: &str| GroupStatus {
        id: id.to_owned(),
        missing: Vec::new(),
        waiting_for: vec!["2 more".to_owned()],
        ..group()
    };
    let text = table(&[short("5b1f"), short("6c2a")], NOW).render(Screen::none());
    let expected = "\
AGGREGATION  KEY         PARTS   MISSING  OPENED  DUE    ID    WAITS FOR
daily-sales  1970-01-01  2 of 4           3h ago  in 1h  5b1f  2 more
daily-sales  1970-01-01  2 of 4           3h ago  in 1h  6c2a  2 more";
    assert_eq!(text, expected);
}

#[test]
fn a_group_is_shown_whole() {
    let history = HandlingRecord {
        at: at(4, 30),
        by: "ada".to_owned(),
        why: "nice sends late\u{1b}".to_owned(),
        action: GroupAction::Extend { by_ms: 1_800_000 },
    };
    let group = GroupStatus {
        optional: vec!["rome".to_owned()],
        watermark: Some(at(1, 55)),
        duplicates: 2,
        history: vec![history],
        ..group()
    };
    let expected = "\
daily-sales 1970-01-01 on bus landing: open for 3h
  id          5b1f6e0a
  opened      1970-01-02T02:00:00.000Z (3h ago)
  last part   1970-01-02T02:00:00.000Z (3h ago)
  deadline    1970-01-02T07:04:00.000Z (in 2h 4m)
  idle until  1970-01-02T06:00:00.000Z (in 1h)
  watermark   1970-01-02T01:55:00.000Z (3h 5m ago)
  duplicates  2

What it waits for
  waiting for nice, oslo
  the deadline in 2h 4m

Missing
  nice, usually by 04:10 (late by 50m)
  oslo

Optional, not there
  rome

What was done to it
  1970-01-02T04:30:00.000Z  ada: extended it by 30m, because nice sends late\\u{1b}

Parts: 2 of 4
PART   POSITION  EVENT  RECEIVED
paris        17  e17    1970-01-02T02:00:00.000Z
lyon         19  e19    1970-01-02T02:00:00.000Z";
    assert_eq!(show::render(&group, NOW, Screen::none()), expected);
}

#[test]
fn a_group_that_is_over_says_how() {
    let end = GroupEnd { at: at(4, 0), released: true, reason: "deadline after 2h".to_owned(), revisions: 1 };
    let group = GroupStatus { ended: Some(end), parts: Vec::new(), waiting_for: Vec::new(), ..group() };
    let expected = "\
daily-sales 1970-01-01 on bus landing: released
  id          5b1f6e0a
  opened      1970-01-02T02:00:00.000Z (3h ago)
  last part   1970-01-02T02:00:00.000Z (3h ago)

Missing
  nice, usually by 04:10
  oslo

How it ended
  released 1970-01-02T04:00:00.000Z, because deadline after 2h; 1 revision since

Parts
  not kept with a group that is over; a release names its own";
    assert_eq!(show::render(&group, NOW, Screen::none()), expected);
}

#[test]
fn a_held_group_and_a_large_one_say_so() {
    let group = GroupStatus {
        held: true,
        missing: vec![missing("nice", Some(at(7, 0)))],
        parts: (1..=201).map(|number| part("p", number)).collect(),
        ..group()
    };
    let text = show::render(&group, NOW, Screen::none());
    for line in [
        "daily-sales 1970-01-01 on bus landing: HELD, open for 3h; nothing completes it until `railpost groups let-go`",
        "  nice, usually by 07:00",
        "... and 1 more part; --json has them",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}: {text}");
    }
    assert!(text.contains("e200") && !text.contains("e201"), "{text}");
    let empty = GroupStatus { parts: Vec::new(), ..group.clone() };
    assert!(show::render(&empty, NOW, Screen::none()).ends_with("Parts: 0 of 4\n  none yet"));
    let full = GroupStatus { parts: vec![part("p", 1); 1_000], ..group };
    assert!(show::render(&full, NOW, Screen::none()).contains("Parts: 1000+ of 4"));
}

fn aggregation(late: u64) -> AggregationStatus {
    AggregationStatus {
        name: "daily-sales".to_owned(),
        bus: "landing".to_owned(),
        offered: 12,
        released: 7,
        late,
        duplicate: 1,
        discarded: 3,
        open: 0,
        open_groups: 0,
        releases: 3,
        without_key: 2,
        refused: 1,
        amended: 1,
        revisions: 1,
        skipped: 0,
        waits: Some("1000 groups are open, as many as may be".to_owned()),
    }
}

#[test]
fn a_ledger_has_its_counts() {
    let expected = "\
AGGREGATION  BUS      OFFERED  = RELEASED  + LATE  + DUPLICATE  + DISCARDED  + OPEN  LEDGER    GROUPS  RELEASES
daily-sales  landing       12           7       1            1            3       0  balanced       0         3

AGGREGATION  LATE: AMENDED  DISCARDED: NO KEY  NO ROOM  REVISIONS  SKIPPED
daily-sales              1                  2        1          1        0
WAITING: daily-sales holds up bus landing: 1000 groups are open, as many as may be";
    assert_eq!(ledger::render(&[aggregation(1)], Screen::none()), expected);
    assert!(ledger::render(&[aggregation(0)], Screen::none()).contains("NOT balanced"));
}

#[test]
fn a_ledger_for_programs_says_whether_it_balances() {
    let json = |late| serde_json::to_value(Ledger::of(&aggregation(late))).unwrap();
    let (balanced, not) = (json(1), json(0));
    assert_eq!((&balanced["balances"], &not["balances"]), (&true.into(), &false.into()));
    // Else it has what the overview has.
    let mut named = serde_json::to_value(aggregation(1)).unwrap();
    named["balances"] = true.into();
    assert_eq!(balanced, named);
}

fn order(group: &str, action: GroupAction) -> GroupOrder {
    let text = |text: &str| text.to_owned();
    GroupOrder { aggregation: text("daily"), group: text(group), action, by: text("ada"), why: text("why") }
}

#[test]
fn what_was_done_is_said_in_words() {
    let check = |group: &str, action: GroupAction, done: u64, expected: &str| {
        assert_eq!(told(&order(group, action), done), expected);
    };
    check("monday", GroupAction::Release, 1, "daily monday is released");
    check("*", GroupAction::Release, 12, "12 groups of daily are released");
    check("*", GroupAction::Discard, 1, "1 group of daily is discarded");
    check("*", GroupAction::Discard, 0, "no groups of daily are discarded");
    check(
        "monday",
        GroupAction::Extend { by_ms: 1_800_000 },
        1,
        "daily monday has 30m more until its deadline",
    );
    check("monday", GroupAction::LetGo, 1, "daily monday is let go");
    let expect = |part: &str| GroupAction::Expect { part: part.to_owned() };
    check("monday", expect("nice"), 1, "daily monday waits for nice as well");
}

#[test]
fn whoever_gives_an_order_has_a_name() {
    let check = |named: Option<&str>, user_is: Option<&str>, logname_is: Option<&str>, expected: &str| {
        let environment = |name: &str| if name == "USER" { user_is } else { logname_is }.map(str::to_owned);
        assert_eq!(user(named.map(str::to_owned), environment), expected);
    };
    check(Some("eve"), Some("ada"), Some("bob"), "eve");
    check(None, Some("ada"), Some("bob"), "ada");
    check(None, Some(""), Some("bob"), "bob");
    check(None, None, None, "cli");
}

#[tokio::test]
async fn an_order_says_who_and_why_and_is_counted() {
    let orders: Arc<Mutex<Vec<GroupOrder>>> = Arc::default();
    let answer = async |State(orders): State<Arc<Mutex<Vec<GroupOrder>>>>, Json(order): Json<GroupOrder>| {
        orders.lock().unwrap().push(order);
        Json(3_u64)
    };
    let routes = Router::new().route("/api/v1/groups/handle", post(answer)).with_state(Arc::clone(&orders));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    #[expect(clippy::disallowed_methods, reason = "a test's double lives as long as the test")]
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    let order = order("*", GroupAction::Release);
    assert_eq!(client.handle(&order).await.unwrap(), 3);
    assert_eq!(*orders.lock().unwrap(), [order]);
}
