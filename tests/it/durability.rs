//! What was acknowledged is delivered: kill -9 at full publishing rate, drains, readiness.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, event, http};

/// Publishes without a pause until told to stop or refused; returns the ids that were acknowledged.
async fn publish_until(url: String, publisher: usize, stop: Arc<AtomicBool>) -> Vec<String> {
    let client = http();
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let id = format!("{publisher}-{number}");
        let body =
            event(&id, "/load", "part", json!({"group": number % 10, "publisher": publisher})).to_string();
        let request = client.post(&url).header("content-type", "application/cloudevents+json").body(body);
        match request.send().await {
            Ok(response) if response.status().as_u16() == 204 => acknowledged.push(id),
            _ => break,
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_kill_9_at_full_rate() {
    let receiver = Receiver::start().await;
    let mut router = Router::start(&format!(
        r#"
        [[consumer]]
        name = "all"
        filter = {{ type = ["part"] }}
        target = {{ http = "{}" }}
        concurrency = 16

        [[aggregation]]
        name = "groups"
        filter = {{ type = ["part"] }}
        key = "$.data.group"
        complete = {{ deadline = "1h" }}
        parts_max = 1000000
        emit = {{ type = "group" }}
        "#,
        receiver.url("/")
    ));
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        let stop = Arc::new(AtomicBool::new(false));
        let publishers =
            (0..8).map(|one| publish_until(router.url().to_owned(), round * 8 + one, Arc::clone(&stop)));
        let load = futures::future::join_all(publishers);
        let crash = async {
            let before = receiver.received().len();
            receiver.expect(before + 1500).await;
            router.kill();
            stop.store(true, Ordering::Relaxed);
        };
        let (ids, ()) = tokio::join!(load, crash);
        acknowledged.extend(ids.into_iter().flatten());
        router = router.crash_and_restart();
    }
    let overview = router.settled().await;
    let delivered: HashSet<String> = receiver.received().iter().map(Received::id).collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !delivered.contains(*id)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged events were lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    assert!(acknowledged.len() > 4000, "only {} events were acknowledged", acknowledged.len());

    let groups = &overview.aggregations[0];
    assert_eq!(
        (groups.open_groups, groups.open),
        (10, groups.offered),
        "a group or a part was lost: {groups:?}"
    );
    assert_eq!(groups.offered, overview.buses[0].head, "every stored event is a part of one group, once");
    println!("{} acknowledged, {} delivered", acknowledged.len(), delivered.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_drains_and_says_what_was_left() {
    let receiver = Receiver::start().await;
    receiver.answer_always(503);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    router.publish(event("1", "/s", "t", json!({}))).await;
    receiver.expect(1).await;
    router.wait_until("the failed attempt", |overview| overview.consumers[0].failures > 0).await;
    let (status, log) = router.terminate();
    assert!(status.success(), "{status}");
    assert!(log.contains("1 deliveries pending"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_that_waits_goes_on_waiting_after_a_restart() {
    let receiver = Receiver::start().await;
    receiver.answer_next(429, Some("3600"));
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    router.publish(event("asked", "/s", "t", json!({}))).await;
    router.wait_until("the failed attempt", |overview| overview.consumers[0].failures > 0).await;
    let router = router.crash_and_restart();
    router.publish(event("later", "/s", "t", json!({}))).await;
    router.wait_until("the later event", |overview| overview.consumers[0].delivered == 1).await;
    let ids: Vec<String> = receiver.received().iter().map(Received::id).collect();
    assert_eq!(ids, ["asked", "later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_renamed_consumer_left_is_told() {
    let receiver = Receiver::start().await;
    receiver.answer_always(503);
    let config = |name: &str| {
        format!("[[consumer]]\nname = \"{name}\"\ntarget = {{ http = \"{}\" }}\n", receiver.url("/"))
    };
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let mut router = Router::start_in(Arc::clone(&folder), &config("old"));
    router.publish(event("1", "/s", "t", json!({}))).await;
    router.wait_until("the failed attempt", |overview| overview.consumers[0].failures > 0).await;
    router.kill();
    let router = Router::start_in(folder, &config("new"));
    router.wait_for_line(&["not configured any more", "name=\"old\"", "count=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_readiness_and_metrics_answer() {
    let router = Router::start("");
    assert_eq!(router.get("/healthz").await.0, 200);
    assert_eq!(router.get("/readyz").await.0, 200);
    router.publish(event("1", "/s", "t", json!({}))).await;
    router.settled().await;
    let (status, metrics) = router.get("/metrics").await;
    assert_eq!(status, 200);
    assert!(metrics.contains("railpost_events_received_total{bus=\"default\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_says_when_to_come_back() {
    let router = Router::start("");
    let batch = |source: usize| -> Vec<_> {
        (0..2_000).map(|n| event(&n.to_string(), &format!("/s/{source}"), "t", json!({}))).collect()
    };
    let (client, url) = (http(), router.url());
    let sends = (0..64).map(|source| {
        let request = client.post(url).header("content-type", "application/cloudevents-batch+json");
        let request = request.body(json!(batch(source)).to_string());
        async move {
            let response = request.send().await.unwrap();
            let retry_after = response.headers().contains_key("retry-after");
            (response.status().as_u16(), retry_after)
        }
    });
    let answers =
        tokio::time::timeout(Duration::from_mins(1), futures::future::join_all(sends)).await.unwrap();
    let accepted = answers.iter().filter(|(status, _)| *status == 204).count() as u64;
    for (status, retry_after) in answers {
        assert!(status == 204 || (status == 429 && retry_after), "{status}");
    }
    assert_eq!(router.settled().await.buses[0].head, accepted * 2_000);
}
