//! CloudEvents in: three modes, strict reading, errors that name the field; and the Python SDK on both sides.

use serde_json::json;

use crate::harness::peers::{self, Peer};
use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, event, wait_for};

const STRUCTURED: &str = "application/cloudevents+json";
const BATCH: &str = "application/cloudevents-batch+json";

fn forwarding(receiver: &Receiver, mode: &str) -> String {
    let url = receiver.url("/in");
    format!("[[consumer]]\nname = \"all\"\ntarget = {{ http = \"{url}\", mode = \"{mode}\" }}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mode_arrives_as_it_was_sent() {
    let receiver = Receiver::start().await;
    let router = Router::start(&forwarding(&receiver, "structured"));
    let binary = [
        ("ce-id", "1"),
        ("ce-source", "/shop"),
        ("ce-type", "order.placed"),
        ("ce-specversion", "1.0"),
        ("ce-subject", "Euro%20%E2%82%AC%20%F0%9F%98%80"),
        ("content-type", "application/json"),
    ];
    let payload = r#"{"total": 12345678901234567890123, "rate": 1.10}"#;
    assert_eq!(router.post("/", &binary, payload).await.0, 204);
    router.publish(event("2", "/shop", "order.placed", json!({"total": 2}))).await;
    let batch = json!([event("3", "/shop", "a", json!(3)), event("4", "/shop", "b", json!(4))]);
    let headers = [("content-type", "Application/CloudEvents-Batch+JSON; charset=utf-8")];
    assert_eq!(router.post("/buses/default/events", &headers, batch.to_string()).await.0, 204);
    assert_eq!(router.post("/", &headers, "[]").await.0, 204);

    let requests = receiver.expect(4).await;
    let mut ids: Vec<String> = requests.iter().map(Received::id).collect();
    ids.sort();
    assert_eq!(ids, ["1", "2", "3", "4"]);
    let first = requests.iter().find(|request| request.id() == "1").unwrap();
    assert_eq!(first.json()["subject"], "Euro \u{20ac} \u{1f600}");
    let text = String::from_utf8(first.body.to_vec()).unwrap();
    assert!(text.contains(payload), "the payload was altered: {text}");
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_the_field_and_the_reason() {
    let router = Router::start("");
    let whole = event("1", "/shop", "t", json!({}));
    let without = |name: &str| {
        let mut document = whole.clone();
        document.as_object_mut().unwrap().remove(name);
        document.to_string()
    };
    let with = |name: &str, value: serde_json::Value| {
        let mut document = whole.clone();
        document[name] = value;
        document.to_string()
    };
    let cases = [
        (STRUCTURED, without("id"), 400, "id"),
        (STRUCTURED, without("source"), 400, "source"),
        (STRUCTURED, without("type"), 400, "type"),
        (STRUCTURED, without("specversion"), 400, "specversion"),
        (STRUCTURED, with("id", json!("")), 400, "id"),
        (STRUCTURED, with("source", json!("not a uri ^^")), 400, "source"),
        (STRUCTURED, with("time", json!("yesterday")), 400, "time"),
        (STRUCTURED, with("myExt", json!("x")), 400, "myExt"),
        (STRUCTURED, with("big", json!(99_999_999_999_i64)), 400, "big"),
        (STRUCTURED, with("data_base64", json!("AA==")), 400, "data_base64"),
        (BATCH, format!("[{}]", without("id")), 400, "id"),
        ("application/cloudevents+avro", "x".to_owned(), 415, "content-type"),
    ];
    for (content_type, body, status, field) in cases {
        let (got, answer) = router.post("/", &[("content-type", content_type)], body.clone()).await;
        assert_eq!((got, answer["field"].as_str()), (status, Some(field)), "{body}: {answer}");
        assert!(answer["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{answer}");
    }
    let bad_header = [
        ("ce-id", "1"),
        ("ce-source", "/s"),
        ("ce-type", "t"),
        ("ce-specversion", "1.0"),
        ("ce-subject", "%C0%A0"),
    ];
    let (status, answer) = router.post("/", &bad_header, "").await;
    assert_eq!(status, 400);
    assert!(answer["field"].as_str().unwrap().contains("subject"), "{answer}");
    let (status, answer) = router.post("/", &[("content-type", STRUCTURED)], vec![b' '; 2 << 20]).await;
    assert_eq!((status, answer["error"].as_str()), (413, Some("too-large")));
    let (status, answer) =
        router.post("/buses/nowhere/events", &[("content-type", STRUCTURED)], whole.to_string()).await;
    assert_eq!((status, answer["field"].as_str()), (404, Some("bus")));
    assert_eq!(router.settled().await.buses[0].head, 0, "something that was refused was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_sdk_publishes_and_receives() {
    let receiver = Peer::start("cloudevents_receiver.py", &[]);
    let config = ["binary", "structured"].map(|mode| {
        let url = receiver.address();
        format!("[[consumer]]\nname = \"{mode}\"\ntarget = {{ http = \"{url}\", mode = \"{mode}\" }}\n")
    });
    let router = Router::start(&config.concat());
    let sent = peers::ask("cloudevents_publisher.py", &[router.url()]);
    assert_eq!(sent, json!({"binary": 204, "structured": 204}));
    let documents = wait_for("four events at the SDK's receiver", || {
        let documents = receiver.documents();
        (documents.len() >= 4).then_some(documents)
    });
    for document in &documents {
        assert_eq!(document["attributes"]["subject"], "Euro \u{20ac} \u{1f600}", "{document}");
        assert_eq!(document["attributes"]["shop"], "paris 6", "{document}");
        assert_eq!(document["data"], json!({"hello": "world"}), "{document}");
    }
    router.settled().await;
}
