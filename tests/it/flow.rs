//! How fast, and whether at all, a target gets its events: rates, circuits, targets that are gone, batches.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::{ConsumerState, Restraint};
use serde_json::{Value, json};

use crate::harness::peers::{ask, text};
use crate::harness::receiver::Receiver;
use crate::harness::{Router, consumer, event, peers};

/// So many events with the ids `0`, `1`, and so on.
fn events(count: usize) -> Vec<Value> {
    (0..count).map(|number| event(&number.to_string(), "/s", "t", json!({"n": number}))).collect()
}

/// Checks that every one of so many events was taken, and none twice.
fn assert_each_once(receiver: &Receiver, count: usize) {
    let ids: HashSet<String> = receiver.taken().into_iter().collect();
    let missing: Vec<usize> = (0..count).filter(|number| !ids.contains(&number.to_string())).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    assert_eq!(receiver.taken_each().len(), count, "some came twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_is_kept_after_a_burst() {
    let (steady, bursts) = (Receiver::start().await, Receiver::start().await);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"steady\"\ntarget = {{ http = \"{}\" }}\nrate = 50\n\
         [[consumer]]\nname = \"bursts\"\ntarget = {{ http = \"{}\" }}\nrate = {{ per_second = 60, burst = 5 }}\n",
        steady.url("/"),
        bursts.url("/")
    ));
    let began = Instant::now();
    router.publish_all("default", &events(100)).await;
    router.settled().await;
    let took = |receiver: &Receiver, number: usize| receiver.times()[number].duration_since(began);
    // The first 50 are the burst, the other 50 take a second; the last of the other 95 comes after 1.58 s.
    for (receiver, least) in [(&steady, 950), (&bursts, 1_500)] {
        let last = took(receiver, 99);
        let (at_least, at_most) = (Duration::from_millis(least), Duration::from_secs(4));
        assert!(last > at_least && last < at_most, "100 events took {last:?}");
        assert_each_once(receiver, 100);
    }
    let half = took(&bursts, 49);
    assert!(half > Duration::from_millis(700), "a burst of 5 was more: 50 events took {half:?}");
    let half = took(&steady, 49);
    assert!(half + Duration::from_millis(500) < took(&steady, 99), "the burst was held back: {half:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_there_costs_few_attempts_and_no_event() {
    const COUNT: usize = 2_000;
    // Nothing listens at an address that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"http://{address}/\" }}\nconcurrency = 16\n\
         retry = {{ interval = \"20ms\", interval_max = \"200ms\", attempts = 1000 }}\n"
    ));
    router.publish_all("default", &events(COUNT)).await;
    let began = Instant::now();
    let opened = |restraint: Option<Restraint>| restraint == Some(Restraint::Open);
    let overview =
        router.wait_until("an open circuit", |overview| opened(consumer(overview, "c").restraint())).await;
    let holding = consumer(&overview, "c").holding.clone().unwrap();
    assert!(holding.starts_with("circuit open until ") && holding.contains(" failures"), "{holding}");
    let status = text(&router.command(&["status"]).stdout);
    assert!(status.contains("open"), "{status}");
    // Long enough for a probe.
    let overview = router
        .wait_until("three seconds to pass", |overview| {
            assert!(consumer(overview, "c").failures < 200, "{overview:#?}");
            began.elapsed() > Duration::from_secs(3)
        })
        .await;
    assert_eq!(consumer(&overview, "c").pending, COUNT as u64);
    let receiver = Receiver::start_at(&address).await;
    let overview = router.settled().await;
    assert_each_once(&receiver, COUNT);
    assert_eq!(
        (consumer(&overview, "c").delivered, consumer(&overview, "c").holding.as_deref()),
        (2_000, None)
    );
}

/// Waits until a consumer has stopped, and returns why.
async fn stopped(router: &Router, name: &str) -> String {
    let stopped = |overview: &api::Overview| match &consumer(overview, name).state {
        ConsumerState::Stopped { reason } => Some(reason.clone()),
        _ => None,
    };
    stopped(&router.wait_until("the consumer to stop", |overview| stopped(overview).is_some()).await).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_gone_for_good_stops_its_consumer_until_somebody_resumes_it() {
    let (gone, other) = (Receiver::start().await, Receiver::start().await);
    gone.answer_always(410);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"gone\"\ntarget = {{ http = \"{}\" }}\nconcurrency = 4\n\
         [[consumer]]\nname = \"other\"\ntarget = {{ http = \"{}\" }}\n",
        gone.url("/"),
        other.url("/")
    ));
    router.publish_all("default", &events(50)).await;
    let reason = stopped(&router, "gone").await;
    assert!(reason.contains("gone for good") && reason.contains("410"), "{reason}");
    other.expect(50).await;
    assert!(gone.count() <= 4, "{} requests to a target that is gone", gone.count());

    let router = router.crash_and_restart();
    assert_eq!(stopped(&router, "gone").await, reason, "it is still stopped");
    let status = text(&router.command(&["status"]).stdout);
    assert!(status.contains("stopped") && status.contains("410"), "{status}");
    let asked = gone.count();
    router.publish_all("default", &[event("50", "/s", "t", json!({}))]).await;
    other.expect(51).await;
    assert_eq!(gone.count(), asked, "a stopped consumer was sent something");

    gone.answer_always(204);
    let resumed = router.command(&["resume", "gone"]);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let overview = router.settled().await;
    assert_each_once(&gone, 51);
    assert_eq!(consumer(&overview, "gone").state, ConsumerState::Delivering);
}

/// It begins before the present, with so much that it is stopped before it has seen all of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_still_looks_back_stops_too_and_goes_on_when_it_is_resumed() {
    const COUNT: usize = 10_000;
    let gone = Receiver::start().await;
    gone.answer_always(410);
    let router = Router::start("");
    router.publish_all("default", &events(COUNT)).await;
    let router = router.crash_and_restart_with(&format!(
        "[[consumer]]\nname = \"gone\"\ntarget = {{ http = \"{}\", mode = \"batch\" }}\nstart = \"earliest\"\nbatch = 1000\n",
        gone.url("/")
    ));
    gone.expect(1).await;
    stopped(&router, "gone").await;
    gone.answer_always(204);
    router.client().resume("gone").await.unwrap();
    router.wait_until("all events", |overview| consumer(overview, "gone").delivered == COUNT as u64).await;
    assert_eq!(gone.taken().len(), COUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_hold_no_more_than_they_may_and_every_event_once() {
    let receiver = Receiver::start().await;
    // One batch fails as a whole, and is sent again as a whole or in parts.
    receiver.answer_by(|_, count| if count == 1 { 503 } else { 204 });
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\", mode = \"batch\" }}\nbatch = 7\n\
         retry = {{ interval = \"10ms\" }}\n",
        receiver.url("/")
    ));
    router.publish_all("default", &events(100)).await;
    let overview = router.settled().await;
    assert_each_once(&receiver, 100);
    assert_eq!(consumer(&overview, "c").delivered, 100);
    let sizes: Vec<usize> = receiver.received().iter().map(|one| one.ids().len()).collect();
    assert!(sizes.iter().all(|size| (1..=7).contains(size)), "{sizes:?}");
    assert!(sizes.contains(&7), "{sizes:?}");
    let requests = receiver.received();
    let bodies: Vec<Value> = requests.iter().map(crate::harness::receiver::Received::json).collect();
    let each = bodies.iter().flat_map(|body| body.as_array().unwrap());
    for event in each {
        assert_eq!(
            (&event["specversion"], event["data"]["n"].to_string().as_str()),
            (&json!("1.0"), event["id"].as_str().unwrap())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_gets_batches_and_one_message_that_is_too_large_spoils_none() {
    let moto = peers::moto();
    let made = ask("sqs_queue.py", &[moto.address(), "create", "batched"]);
    let url = made["url"].as_str().unwrap();
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"queue\"\ntarget = {{ sqs = \"{url}\" }}\nbatch = 10\nconcurrency = 2\n"
    ));
    let mut all = events(60);
    // What railpost just takes is with its envelope more than SQS takes.
    let room = (1 << 20) - "[]".len() - all[5].to_string().len() - r#","filler":"""#.len();
    all[5]["data"]["filler"] = json!("x".repeat(room));
    // Ten of these are more than one request may hold.
    all[20..40].iter_mut().for_each(|event| event["data"]["filler"] = json!("\u{20ac}".repeat(40_000)));
    router.publish_all("default", &all).await;
    let overview = router.settled().await;
    let queue = consumer(&overview, "queue");
    assert_eq!((queue.delivered, queue.dead_lettered), (59, 1), "{queue:#?}");
    let messages = ask("sqs_queue.py", &[moto.address(), "drain", url, "59"]);
    let messages = messages.as_array().unwrap();
    let mut numbers: Vec<usize> = Vec::new();
    for message in messages {
        let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
        let number: usize = body["id"].as_str().unwrap().parse().unwrap();
        assert_eq!((&body["id"], &body["detail"]), (&json!(number.to_string()), &all[number]["data"]));
        assert_eq!((&body["source"], &body["detail-type"]), (&json!("/s"), &json!("t")));
        numbers.push(number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).filter(|number| *number != 5).collect::<Vec<_>>());
    let letters = router.client().dead_letters(Some("queue"), 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].id.as_str()), (1, "5"));
}
