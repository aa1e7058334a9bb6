//! The same event published twice is stored once, whenever and however it comes, as far as the bus is told so.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Router, event, http};

const BATCH: &str = "application/cloudevents-batch+json";

/// Publishes a batch and returns the status and the duplicates: their places and the positions of the first ones.
async fn publish(router: &Router, bus: &str, batch: &[Value]) -> (u16, Vec<(u64, u64)>) {
    let path = format!("/buses/{bus}/events");
    let (status, body) = router.post(&path, &[("content-type", BATCH)], json!(batch).to_string()).await;
    let duplicates = body["duplicates"].as_array().cloned().unwrap_or_default();
    let number = |one: &Value, name: &str| one[name].as_u64().unwrap();
    (status, duplicates.iter().map(|one| (number(one, "index"), number(one, "position"))).collect())
}

async fn head(router: &Router, bus: &str) -> u64 {
    let overview = router.client().overview().await.unwrap();
    overview.buses.iter().find(|one| one.name == bus).unwrap().head
}

fn of(id: &str, source: &str) -> Value {
    event(id, source, "t", json!({"order": id.len()}))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_comes_twice_is_stored_once_and_its_publisher_is_told() {
    let router = Router::start("");
    assert_eq!(publish(&router, "default", &[of("a", "/1")]).await, (204, vec![]));
    // It is the source and the id that count, whatever else there is.
    let mut again = of("a", "/1");
    again["data"] = json!({"other": true});
    again["type"] = json!("other");
    assert_eq!(publish(&router, "default", &[again]).await, (200, vec![(0, 1)]));
    // New ones in a batch are stored, and repeats within it are found.
    let batch = [of("b", "/1"), of("a", "/1"), of("a", "/2"), of("b", "/1"), of("c", "/1"), of("b", "/1")];
    assert_eq!(publish(&router, "default", &batch).await, (200, vec![(1, 1), (3, 2), (5, 2)]));
    assert_eq!(head(&router, "default").await, 4);

    // In each of the modes, and after a kill.
    let router = router.crash_and_restart();
    let structured = [("content-type", "application/cloudevents+json")];
    let told = json!({"duplicates": [{"index": 0, "position": 3}]});
    assert_eq!(router.post("/", &structured, of("a", "/2").to_string()).await, (200, told.clone()));
    let binary = [("ce-specversion", "1.0"), ("ce-id", "a"), ("ce-source", "/2"), ("ce-type", "t")];
    assert_eq!(router.post("/", &binary, "").await, (200, told));
    assert_eq!(head(&router, "default").await, 4);
    let overview = router.settled().await;
    assert_eq!(overview.buses[0].duplicates, 2, "since this process started");
    // Those of EventBridge have ids of their own.
    let entry = json!({"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}).to_string();
    let target = [("x-amz-target", "AWSEvents.PutEvents"), ("content-type", "application/x-amz-json-1.1")];
    for _ in 0..2 {
        assert_eq!(router.post("/", &target, entry.clone()).await.0, 200);
    }
    assert_eq!(head(&router, "default").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_stored() {
    let router = Router::start("");
    let client = http();
    for round in 0..10 {
        let id = format!("round-{round}");
        let posts = (0..16).map(|_| {
            let request = client.post(router.url()).header("content-type", "application/cloudevents+json");
            let request = request.body(of(&id, "/s").to_string());
            async move {
                let response = request.send().await.unwrap();
                (response.status().as_u16(), response.text().await.unwrap())
            }
        });
        let answers = futures::future::join_all(posts).await;
        let told = json!({"duplicates": [{"index": 0, "position": round + 1}]});
        let repeats = answers.iter().filter(|(status, _)| *status == 200);
        assert!(
            repeats.clone().all(|(_, body)| serde_json::from_str::<Value>(body).unwrap() == told),
            "{answers:?}"
        );
        assert_eq!((repeats.count(), answers.len()), (15, 16), "{answers:?}");
    }
    assert_eq!(head(&router, "default").await, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_says_what_is_the_same_and_for_how_long() {
    let router = Router::start(
        r#"
        [bus.short]
        dedup = "1s"
        [bus.keyed]
        dedup = { window = "1m", key = "$.data.order" }
        [bus.off]
        dedup = "off"
        "#,
    );
    // Within the window it is the same event, past it another one.
    let first = router.client().overview().await.unwrap().at;
    assert_eq!(publish(&router, "short", &[of("a", "/s")]).await, (204, vec![]));
    assert_eq!(publish(&router, "short", &[of("a", "/s")]).await, (200, vec![(0, 1)]));
    let second = router.client().overview().await.unwrap().at;
    assert!(second.since(first) < Duration::from_secs(1), "too slow to tell");
    router
        .wait_until("the window to pass", |overview| overview.at.since(second) > Duration::from_millis(1_010))
        .await;
    assert_eq!(publish(&router, "short", &[of("a", "/s")]).await, (204, vec![]));
    assert_eq!(head(&router, "short").await, 2);

    // The key may be anything of the event; what has none is never the same.
    let keyed = |id: &str, data: Value| event(id, "/s", "t", data);
    let order = json!({"order": 7});
    let batch = [
        keyed("a", order.clone()),
        keyed("b", order.clone()),
        keyed("a", json!({"order": 8})),
        keyed("n", json!({})),
        keyed("n", json!({})),
    ];
    assert_eq!(publish(&router, "keyed", &batch).await, (200, vec![(1, 1)]));
    let router = router.crash_and_restart();
    assert_eq!(publish(&router, "keyed", &[keyed("z", order.clone())]).await, (200, vec![(0, 1)]));
    assert_eq!(head(&router, "keyed").await, 4);
    // With a key of its own a bus knows the events of EventBridge too.
    let entry =
        json!({"Source": "s", "DetailType": "t", "Detail": order.to_string(), "EventBusName": "keyed"});
    let target = [("x-amz-target", "AWSEvents.PutEvents"), ("content-type", "application/x-amz-json-1.1")];
    let (status, answer) = router.post("/", &target, json!({"Entries": [entry]}).to_string()).await;
    assert_eq!((status, &answer["FailedEntryCount"], head(&router, "keyed").await), (200, &json!(0), 4));

    let twice = [of("a", "/s"), of("a", "/s")];
    assert_eq!(publish(&router, "off", &twice).await, (204, vec![]));
    assert_eq!(publish(&router, "off", &twice).await, (204, vec![]));
    assert_eq!(head(&router, "off").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_comes_twice_has_the_id_it_was_given_first() {
    let router = Router::start("[bus.default]\ndedup = { window = \"5m\", key = \"$.detail.order\" }\n");
    let target = [("x-amz-target", "AWSEvents.PutEvents"), ("content-type", "application/x-amz-json-1.1")];
    let put = async |order: u64| {
        let detail = json!({"order": order}).to_string();
        let entry = json!({"Entries": [{"Source": "s", "DetailType": "t", "Detail": detail}]}).to_string();
        let (status, answer) = router.post("/", &target, entry).await;
        assert_eq!(status, 200, "{answer}");
        answer["Entries"][0]["EventId"].as_str().unwrap().to_owned()
    };
    let (one, other, again) = (put(1).await, put(2).await, put(1).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    assert_eq!(head(&router, "default").await, 2);
}
