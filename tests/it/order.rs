//! `order_by`: events of one key never overtake one another, and no key waits for another one.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use api::{Overview, Restraint};
use serde_json::{Value, json};

use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, consumer, event};

const KEYS: usize = 8;
const EACH: usize = 50;

/// One event; its id says its key and its place.
fn of_key(key: &str, number: usize) -> Value {
    event(&format!("{key}/{number}"), "/s", "t", json!({"key": key, "n": number}))
}

/// The places of the events that were taken, in their order, by key.
fn orders(receiver: &Receiver) -> HashMap<String, Vec<usize>> {
    let mut orders: HashMap<String, Vec<usize>> = HashMap::new();
    for id in receiver.taken() {
        let (key, number) = id.split_once('/').unwrap();
        orders.entry(key.to_owned()).or_default().push(number.parse().unwrap());
    }
    orders
}

fn config(receiver: &Receiver) -> String {
    format!(
        "[[consumer]]\nname = \"c\"\norder_by = \"$.data.key\"\nconcurrency = 8\ntarget = {{ http = \"{}\" }}\n\
         retry = {{ interval = \"5ms\", interval_max = \"20ms\", attempts = 100000 }}\n",
        receiver.url("/")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_every_key_survives_failures_and_kills() {
    let receiver = Receiver::start().await;
    receiver.answer_by(|_, count| if count % 3 == 0 { 503 } else { 204 });
    let mut router = Router::start(&config(&receiver));
    let all: Vec<Value> =
        (0..EACH).flat_map(|number| (0..KEYS).map(move |key| of_key(&key.to_string(), number))).collect();
    router.publish_all("default", &all).await;
    for kill in 1..=2 {
        receiver.expect(kill * KEYS * EACH / 2).await;
        router = router.crash_and_restart();
    }
    let overview = router.settled().await;
    assert_eq!(consumer(&overview, "c").delivered, (KEYS * EACH) as u64);
    let orders = orders(&receiver);
    assert_eq!(orders.len(), KEYS);
    for (key, order) in orders {
        assert_eq!(order, (0..EACH).collect::<Vec<_>>(), "the first deliveries of key {key}");
    }
    let repeated = receiver.taken_each().len() - KEYS * EACH;
    println!("{} requests, {repeated} deliveries repeated by two kills", receiver.count());
    // Eight at once, and what a target that answers at once gets through in 5 ms.
    assert!(repeated <= 2 * (8 + 40), "{repeated}");
}

/// Answers 503 to every event of a key, 204 to others.
fn refuse(receiver: &Receiver, key: &'static str) {
    let is_refused = move |one: &Received| one.id().starts_with(key);
    receiver.answer_by(move |one, _| if is_refused(one) { 503 } else { 204 });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_head_fails_holds_only_itself() {
    let receiver = Receiver::start().await;
    refuse(&receiver, "bad/");
    let router = Router::start(&config(&receiver));
    let keys = ["bad", "a", "b", "c"];
    let all: Vec<Value> = (0..EACH).flat_map(|number| keys.map(|key| of_key(key, number))).collect();
    router.publish_all("default", &all).await;
    let others = 3 * EACH as u64;
    let overview =
        router.wait_until("the other keys", |overview| consumer(overview, "c").delivered == others).await;
    let waiting = consumer(&overview, "c");
    assert_eq!((waiting.pending, waiting.held), (EACH as u64, EACH as u64 - 1), "{waiting:#?}");

    // By now nothing but failures came for a while. What comes new for other keys goes all the same.
    let is_open = |overview: &Overview| consumer(overview, "c").restraint() == Some(Restraint::Open);
    let failed = |overview: &Overview| consumer(overview, "c").failures;
    let before = failed(&router.wait_until("an open circuit", is_open).await);
    router.wait_until("a probe that failed", |overview| failed(overview) > before).await;
    let began = Instant::now();
    router.publish_all("default", &(0..EACH).map(|number| of_key("d", number)).collect::<Vec<_>>()).await;
    let overview = router
        .wait_until("a new key's events", |overview| {
            consumer(overview, "c").delivered == others + EACH as u64
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(10), "they waited for {:?}", began.elapsed());
    assert_eq!(consumer(&overview, "c").pending, EACH as u64);

    // What holds the key is still known after a kill, and goes first once it can.
    let router = router.crash_and_restart();
    receiver.answer_always(204);
    router.settled().await;
    assert!(orders(&receiver).values().all(|order| *order == (0..EACH).collect::<Vec<_>>()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_without_a_key_waits_for_no_other() {
    let receiver = Receiver::start().await;
    receiver.answer_by(|one, _| if one.id() == "first" { 503 } else { 204 });
    let router = Router::start(&config(&receiver));
    let without = |id: &str| event(id, "/s", "t", json!({}));
    router.publish_all("default", &["first", "second", "third"].map(without)).await;
    let overview = router.wait_until("the others", |overview| consumer(overview, "c").delivered == 2).await;
    assert_eq!(consumer(&overview, "c").pending, 1);
}
