//! What an operator does: pausing, dead letters redriven and purged, and what goes beside a dead letter elsewhere.

use std::collections::HashSet;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use api::ConsumerState;
use serde_json::{Value, json};

use crate::harness::peers::{ask, text};
use crate::harness::receiver::Receiver;
use crate::harness::{Router, consumer, event, peers, railpost};

/// Events with the ids of a range.
fn events(numbers: std::ops::Range<usize>) -> Vec<Value> {
    numbers.map(|number| event(&number.to_string(), "/s", "t", json!({"n": number}))).collect()
}

fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// What a command of dead letters says in JSON: how many were done, and how many are left.
fn report(router: &Router, arguments: &[&str]) -> (u64, u64) {
    let output = router.command(&[&["dead-letters"], arguments, &["--json"]].concat());
    let report: Value = serde_json::from_str(&told(&output)).unwrap();
    (report["done"].as_u64().unwrap(), report["left"].as_u64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_consumer_keeps_its_backlog_over_a_restart() {
    let (held, other) = (Receiver::start().await, Receiver::start().await);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"held\"\ntarget = {{ http = \"{}\" }}\n\
         [[consumer]]\nname = \"other\"\ntarget = {{ http = \"{}\" }}\n",
        held.url("/"),
        other.url("/")
    ));
    told(&router.command(&["pause", "held"]));
    router.publish_all("default", &events(0..300)).await;
    other.expect(300).await;
    let router = router.crash_and_restart();
    router.publish_all("default", &events(300..310)).await;
    other.expect(310).await;
    let overview = router.client().overview().await.unwrap();
    let status = consumer(&overview, "held");
    assert_eq!((&status.state, status.pending, held.count()), (&ConsumerState::Paused, 310, 0));
    assert!(told(&router.command(&["status"])).contains("paused"));
    told(&router.command(&["resume", "held"]));
    router.settled().await;
    assert_eq!((held.taken().len(), held.taken_each().len()), (310, 310));
    let unknown = router.command(&["pause", "nobody"]);
    assert!(unknown.status.code() == Some(1) && text(&unknown.stderr).contains("nobody"), "{unknown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_still_looks_back_can_be_paused() {
    let receiver = Receiver::start().await;
    let router = Router::start("");
    router.publish_all("default", &events(0..10_000)).await;
    let config = format!(
        "[[consumer]]\nname = \"c\"\nstart = \"earliest\"\nconcurrency = 1\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    );
    let router = router.crash_and_restart_with(&config);
    router.client().pause("c").await.unwrap();
    // An attempt that was under way may end yet.
    let most = receiver.count() + 1;
    let overview =
        router.wait_until("all events", |overview| consumer(overview, "c").matched == 10_000).await;
    assert_eq!(consumer(&overview, "c").state, ConsumerState::Paused);
    assert!(receiver.count() <= most, "{} deliveries after the pause", receiver.count() - most);
    let router = router.crash_and_restart();
    let overview = router.client().overview().await.unwrap();
    assert_eq!(consumer(&overview, "c").state, ConsumerState::Paused);
}

/// A router whose consumer refuses so many events for good: those below 10 as orders, the others as pings.
async fn with_letters(receiver: &Receiver, count: usize) -> Router {
    receiver.answer_by(|one, _| if one.header("ce-type") == Some("order") { 400 } else { 404 });
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\nconcurrency = 4\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    let mut all = events(0..count);
    all[..10].iter_mut().for_each(|event| event["type"] = json!("order"));
    router.publish_all("default", &all).await;
    let overview = router.settled().await;
    assert_eq!(consumer(&overview, "c").dead_lettered, count as u64);
    router
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_listed_shown_redriven_and_purged_by_what_they_are() {
    let receiver = Receiver::start().await;
    let router = with_letters(&receiver, 30).await;
    let listed = told(&router.command(&["dead-letters", "list", "--consumer", "c", "--type", "order"]));
    assert_eq!(listed.matches("400 Bad Request").count(), 10, "{listed}");
    let letters = router.client().dead_letters(Some("c"), 100).await.unwrap();
    let seventh = letters.iter().find(|letter| letter.id == "7").unwrap();
    let shown = told(&router.command(&["dead-letters", "show", "c", &seventh.position.to_string()]));
    assert!(shown.contains("\"n\": 7") && shown.contains("400") && shown.contains("all events"), "{shown}");

    // What the filters choose, without doing anything.
    let choices: [(&[&str], u64); 8] = [
        (&["--all"], 30),
        (&["--id", "7"], 1),
        (&["--type", "order"], 10),
        (&["--source", "/other"], 0),
        (&["--reason", "404"], 20),
        (&["--consumer", "c", "--type", "t", "--reason", "400"], 0),
        (&["--since", "1h"], 30),
        (&["--until", "1h"], 0),
    ];
    for (filter, expected) in choices {
        let chosen = report(&router, &[&["redrive", "--dry-run"], filter].concat());
        assert_eq!(chosen, (expected, 0), "{filter:?}");
    }
    assert_eq!(receiver.count(), 30, "a dry run sent something");
    let careless = router.command(&["dead-letters", "purge", "--type", "order"]);
    assert_eq!(careless.status.code(), Some(2), "without a terminal it needs --yes");

    assert_eq!(report(&router, &["purge", "--type", "order", "--limit", "4", "--yes"]), (4, 6));
    receiver.answer_always(204);
    let began = Instant::now();
    assert_eq!(report(&router, &["redrive", "--all", "--rate", "15"]), (26, 0));
    assert!(began.elapsed() > Duration::from_millis(900), "26 at 15 a second took {:?}", began.elapsed());
    let overview = router.settled().await;
    let one = consumer(&overview, "c");
    assert_eq!((one.matched, one.delivered, one.dropped, one.dead_lettered), (30, 26, 4, 0));
    let taken: HashSet<String> = receiver.taken_each().into_iter().collect();
    assert_eq!((taken.len(), receiver.taken_each().len()), (26, 26));
    // They are listed the newest first, and purged the oldest first.
    let orders: Vec<&String> =
        letters.iter().rev().map(|letter| &letter.id).filter(|id| id.len() == 1).collect();
    assert_eq!(
        orders.iter().map(|id| taken.contains(*id)).collect::<Vec<_>>(),
        [[false; 4].as_slice(), &[true; 6]].concat()
    );
    assert!(told(&router.command(&["dead-letters"])).contains("no dead letters"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_again_is_a_dead_letter_again_and_once() {
    let receiver = Receiver::start().await;
    let router = with_letters(&receiver, 12).await;
    assert_eq!(report(&router, &["redrive", "--all"]), (12, 0));
    let overview = router.settled().await;
    let one = consumer(&overview, "c");
    assert_eq!((one.matched, one.dead_lettered, one.delivered), (12, 12, 0));
    assert_eq!(receiver.count(), 24, "each was tried once more");
    let mut ids: Vec<String> =
        router.client().dead_letters(None, 100).await.unwrap().into_iter().map(|letter| letter.id).collect();
    ids.sort_by_key(|id| id.parse::<u32>().unwrap());
    assert_eq!(ids, (0..12).map(|number| number.to_string()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_that_is_killed_half_way_loses_nothing_and_repeats_nothing() {
    const COUNT: usize = 300;
    let receiver = Receiver::start().await;
    let mut router = with_letters(&receiver, COUNT).await;
    receiver.answer_always(204);
    for kill in 1..=2 {
        let command = railpost()
            .args(["dead-letters", "redrive", "--consumer", "c", "--rate", "100"])
            .env("RAILPOST_URL", router.url())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        receiver.expect(COUNT + kill * 70).await;
        router.kill();
        let output = tokio::task::block_in_place(|| command.wait_with_output().unwrap());
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        router = router.crash_and_restart();
    }
    let before = router.settled().await;
    let left = consumer(&before, "c").dead_lettered;
    assert!(left > 0 && left < COUNT as u64, "{left}");
    assert_eq!(report(&router, &["redrive", "--all"]), (left, 0));
    let overview = router.settled().await;
    let one = consumer(&overview, "c");
    assert_eq!((one.matched, one.delivered, one.dead_lettered), (COUNT as u64, COUNT as u64, 0));
    assert_eq!(receiver.taken().len(), COUNT);
    let repeated = receiver.taken_each().len() - COUNT;
    println!("{repeated} deliveries repeated by two kills");
    // What was under way, or had just ended; not the 70 that were finished before each kill.
    assert!(repeated <= 2 * 32, "{repeated} deliveries repeated");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_go_to_a_queue_with_what_eventbridge_says_of_them() {
    let receiver = Receiver::start().await;
    receiver.answer_by(|one, _| if one.id() == "refused" { 403 } else { 500 });
    let moto = peers::moto();
    let made = ask("sqs_queue.py", &[moto.address(), "create", "letters"]);
    let queue = made["url"].as_str().unwrap();
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\ndead_letters = {{ sqs = \"{queue}\" }}\n\
         retry = {{ attempts = 2, interval = \"10ms\" }}\n",
        receiver.url("/orders")
    ));
    let mut exhausted = event("exhausted", "/s", "t", json!({"n": 1}));
    exhausted["time"] = json!("2026-11-21T06:00:00Z");
    router.publish_all("default", &[exhausted, event("refused", "/s", "t", json!({"n": 2}))]).await;
    let overview = router.settled().await;
    assert_eq!(
        (consumer(&overview, "c").dead_lettered, consumer(&overview, "c/dead-letters").delivered),
        (2, 2)
    );
    let messages = ask("sqs_queue.py", &[moto.address(), "drain", queue, "2"]);
    let of = |id: &str| {
        let messages = messages.as_array().unwrap();
        let found =
            messages.iter().find(|one| one["body"].as_str().unwrap().contains(&format!("\"id\":\"{id}\"")));
        found.unwrap().clone()
    };
    let (exhausted, refused) = (of("exhausted"), of("refused"));
    let body: Value = serde_json::from_str(exhausted["body"].as_str().unwrap()).unwrap();
    let expected = json!({
        "version": "0", "id": "exhausted", "detail-type": "t", "source": "/s", "account": "000000000000",
        "time": "2026-11-21T06:00:00Z", "region": "us-east-1", "resources": [], "detail": {"n": 1},
    });
    assert_eq!(body, expected);
    let said = |message: &Value, name: &str| message["message_attributes"][name].as_str().map(str::to_owned);
    let target = format!("http {}", receiver.url("/orders").trim_start_matches("http://"));
    for message in [&exhausted, &refused] {
        assert_eq!(said(message, "RULE_ARN").unwrap(), "arn:aws:events:us-east-1:000000000000:rule/c");
        assert_eq!(said(message, "TARGET_ARN").unwrap(), target);
    }
    assert_eq!(said(&exhausted, "RETRY_ATTEMPTS").unwrap(), "2");
    assert_eq!(said(&exhausted, "EXHAUSTED_RETRY_CONDITION").unwrap(), "MaximumRetryAttempts");
    assert!(said(&exhausted, "ERROR_MESSAGE").unwrap().contains("500"), "{exhausted}");
    assert!(said(&exhausted, "ERROR_CODE").is_some(), "{exhausted}");
    assert_eq!(said(&refused, "ERROR_CODE").unwrap(), "NO_PERMISSIONS");
    assert_eq!(
        (said(&refused, "RETRY_ATTEMPTS").unwrap().as_str(), said(&refused, "EXHAUSTED_RETRY_CONDITION")),
        ("0", None)
    );
}
