//! Twenty kill -9 in a row, each in the middle of the load: nothing is lost, and only what was under way or just
//! delivered comes twice.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::receiver::Receiver;
use crate::harness::{Router, consumer, event, http};

const ROUNDS: usize = 20;
const CONCURRENCY: usize = 8;
const PUBLISHERS: usize = 4;
/// Events that the publishers get through in the 5 ms that a commit may take, at most.
const UNCOMMITTED: usize = 32;

/// Publishes one event after the other until one is not taken; returns the ids of those that were. One in twenty is of
/// the type `rare`.
async fn publish_until_refused(url: String, publisher: String, stop: Arc<AtomicBool>) -> Vec<String> {
    let client = http();
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let id = format!("{publisher}-{number}");
        let kind = if number % 20 == 0 { "rare" } else { "common" };
        let request = client.post(&url).header("content-type", "application/cloudevents+json");
        let answer = request.body(event(&id, "/load", kind, json!({"n": number})).to_string()).send().await;
        if stop.load(Ordering::Relaxed) || answer.is_err() {
            break;
        }
        assert_eq!(answer.unwrap().status(), 204);
        acknowledged.push(id);
    }
    acknowledged
}

/// One round: load, and a kill once so many more deliveries were made.
async fn round(router: &mut Router, number: usize, all: &Receiver) -> Vec<String> {
    let stop = Arc::new(AtomicBool::new(false));
    let publishers = (0..PUBLISHERS).map(|publisher| {
        publish_until_refused(router.url().to_owned(), format!("{number}-{publisher}"), Arc::clone(&stop))
    });
    let load = futures::future::join_all(publishers);
    let crash = async {
        // Not always at the same place of what goes on.
        all.expect(all.count() + 40 + 13 * (number % 7)).await;
        router.kill();
        stop.store(true, Ordering::Relaxed);
    };
    let (ids, ()) = tokio::join!(load, crash);
    ids.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_under_load_lose_nothing() {
    let (all, failing, beyond) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    // Three of four times it does not take what it gets.
    failing.answer_by(|_, count| if count % 4 == 3 { 204 } else { 503 });
    let mut router = Router::start(&format!(
        r#"
        [bus.second]
        [[consumer]]
        name = "all"
        target = {{ http = "{}" }}
        concurrency = {CONCURRENCY}
        [[consumer]]
        name = "failing"
        filter = {{ type = ["rare"] }}
        target = {{ http = "{}" }}
        concurrency = {CONCURRENCY}
        retry = {{ interval = "5ms", interval_max = "50ms", attempts = 100000 }}
        [[consumer]]
        name = "onward"
        target = {{ bus = "second" }}
        concurrency = {CONCURRENCY}
        [[consumer]]
        name = "beyond"
        bus = "second"
        target = {{ http = "{}" }}
        concurrency = {CONCURRENCY}
        "#,
        all.url("/"),
        failing.url("/"),
        beyond.url("/")
    ));
    let mut acknowledged = Vec::new();
    for number in 0..ROUNDS {
        acknowledged.extend(round(&mut router, number, &all).await);
        router = router.crash_and_restart();
    }
    failing.answer_always(204);
    let overview = router.settled().await;

    for receiver in [&all, &beyond] {
        let taken: HashSet<String> = receiver.taken().into_iter().collect();
        let lost: Vec<&String> = acknowledged.iter().filter(|id| !taken.contains(*id)).collect();
        assert!(lost.is_empty(), "{} of {} were lost: {lost:?}", lost.len(), acknowledged.len());
    }
    let rare = |id: &&String| id.rsplit('-').next().unwrap().parse::<usize>().unwrap() % 20 == 0;
    let taken: HashSet<String> = failing.taken().into_iter().collect();
    assert!(acknowledged.iter().filter(rare).all(|id| taken.contains(id)), "the failing consumer lost one");

    // Between the buses of one router every event goes exactly once, whenever it is killed.
    let (first, second) = (&overview.buses[0], &overview.buses[1]);
    assert_eq!((first.name.as_str(), first.head), ("default", second.head), "{overview:#?}");
    assert_eq!(first.head, all.taken().len() as u64, "what was stored was delivered");
    for name in ["all", "onward", "beyond"] {
        let one = consumer(&overview, name);
        assert_eq!((one.matched, one.delivered, one.dead_lettered), (first.head, first.head, 0), "{one:#?}");
    }
    let mut repeated = 0;
    for (receiver, name) in [(&all, "all"), (&failing, "failing"), (&beyond, "beyond")] {
        let (each, once) = (receiver.taken_each().len(), receiver.taken().len());
        println!("{name}: {once} events, {} more than once", each - once);
        repeated += each - once;
    }
    println!("{} acknowledged, {} stored, {repeated} deliveries repeated", acknowledged.len(), first.head);
    assert!(acknowledged.len() > ROUNDS * 40, "only {} events were acknowledged", acknowledged.len());
    assert!(repeated <= ROUNDS * (CONCURRENCY + UNCOMMITTED) * 3, "{repeated} repeated in {ROUNDS} kills");
}
