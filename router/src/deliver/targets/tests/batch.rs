use axum::body::Body;
use axum::response::Response;
use event::Event;
use serde_json::{Value as Json, json};

use super::{
    Client, Connections, Outcome, PATIENCE, Seen, TRACEPARENT, XRAY, beside_server, connect_by, delivery,
    in_words, order,
};
use crate::config::{Mode, Target};
use crate::deliver::targets::Delivery;

fn answer(status: u16) -> Response {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

async fn client(url: String, mode: Mode, batch: usize) -> Client {
    let target = Target::Http { url, mode, headers: Vec::new(), timeout: PATIENCE };
    connect_by(&mut Connections::new(&[]), &target, batch).await.unwrap()
}

/// Sends deliveries at once beside a server that answers with `status`.
async fn send_all(mode: Mode, deliveries: &[Delivery<'_>], status: u16) -> (Vec<Outcome>, Vec<Seen>) {
    let work = async |address| client(format!("http://{address}/"), mode, 100).await.send(deliveries).await;
    beside_server(move || answer(status), work).await
}

fn orders(ids: &[&str]) -> Vec<Event> {
    ids.iter().map(|id| order(id)).collect()
}

/// Returns the ids of the events of each request.
fn ids(seen: &[Seen]) -> Vec<Vec<String>> {
    let ids = |request: &Seen| {
        let body: Json = serde_json::from_str(&request.body).unwrap();
        body.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    };
    seen.iter().map(ids).collect()
}

#[tokio::test]
async fn a_batch_is_one_request_and_one_answer() {
    let events = orders(&["a", "b", "c"]);
    let deliveries: Vec<_> = events.iter().map(delivery).collect();
    let (outcomes, seen) = send_all(Mode::Batch, &deliveries, 202).await;
    assert_eq!(outcomes, vec![Outcome::Delivered { status: Some(202) }; 3]);
    assert_eq!(ids(&seen), [["a", "b", "c"]]);
    assert_eq!(seen[0].header("content-type"), "application/cloudevents-batch+json");
    assert_eq!((seen[0].header("traceparent"), seen[0].header("x-amzn-trace-id")), ("", ""));
    let first: Json = serde_json::from_str::<Json>(&seen[0].body).unwrap()[0].take();
    assert_eq!((&first["type"], &first["data"]), (&json!("OrderPlaced"), &json!({ "total": 1.1 })));
    for (status, counts_as) in [(500, "retryable"), (400, "permanent"), (429, "throttled")] {
        let (outcomes, seen) = send_all(Mode::Batch, &deliveries, status).await;
        assert_eq!(outcomes.iter().map(in_words).collect::<Vec<_>>(), [counts_as; 3]);
        assert_eq!(seen.len(), 1);
    }
}

#[tokio::test]
async fn a_batch_of_one_is_an_array_with_a_trace() {
    let event = order("a");
    let (_, seen) = send_all(Mode::Batch, &[delivery(&event)], 200).await;
    assert_eq!(ids(&seen), [["a"]]);
    assert_eq!((seen[0].header("traceparent"), seen[0].header("x-amzn-trace-id")), (TRACEPARENT, XRAY));
}

#[tokio::test]
async fn events_of_which_headers_say_different_things_share_no_request() {
    let events = orders(&["a", "b", "c", "d", "e"]);
    let attributes = [("ERROR_CODE", "TIMEOUT".to_owned())];
    let mut deliveries: Vec<_> = events.iter().map(delivery).collect();
    deliveries[1].path = "eu";
    deliveries[2].path = "eu";
    deliveries[4].attributes = &attributes;
    let (outcomes, seen) = send_all(Mode::Batch, &deliveries, 200).await;
    assert_eq!(outcomes.len(), 5);
    assert_eq!(ids(&seen), [vec!["a"], vec!["b", "c"], vec!["d"], vec!["e"]]);
    let paths: Vec<_> = seen.iter().map(|request| request.header("railpost-path")).collect();
    assert_eq!(paths, ["", "eu", "", ""]);
    assert_eq!(seen[3].header("railpost-error-code"), "TIMEOUT");
}

#[tokio::test]
async fn other_modes_take_one_event_a_request() {
    let events = orders(&["a", "b"]);
    let deliveries: Vec<_> = events.iter().map(delivery).collect();
    let (outcomes, seen) = send_all(Mode::Binary, &deliveries, 200).await;
    assert_eq!(outcomes.len(), 2);
    assert_eq!(seen.iter().map(|request| request.header("ce-id")).collect::<Vec<_>>(), ["a", "b"]);
    for (mode, expected) in [(Mode::Binary, 1), (Mode::Structured, 1), (Mode::Batch, 100)] {
        assert_eq!(client("http://127.0.0.1/".to_owned(), mode, 100).await.batch_max(), expected);
    }
}
