use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::response::Response;
use bytes::Bytes;
use event::{Data, Event, Value};
use serde_json::{Value as Json, json};

use super::{
    Client, Connections, Outcome, Seen, XRAY, beside_server, connect, connect_by, delivery, error, identity,
    in_words, order, send,
};
use crate::config::{AwsService, Target};
use crate::deliver::targets::tls::Tls;
use crate::deliver::targets::{Delivery, aws, eventbridge, sqs};

const DELIVERED: Outcome = Outcome::Delivered { status: None };

fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .http_client(aws::http_client(Some(endpoint), &mut Tls::default()).unwrap())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

/// Sends one event to a queue beside a server that answers with `status` and `body`.
async fn send_message(queue: &str, event: &Event, status: u16, body: Json) -> (Outcome, Vec<Seen>) {
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let client = Client::Sqs(sqs::Sqs::new(&config, queue.to_owned(), identity(), 10));
        send(&client, event).await
    };
    beside_server(move || answer(status, &body), work).await
}

/// Sends orders to a queue beside a server that gives each request the next of these answers.
async fn send_orders(events: &[Event], answers: Vec<(u16, Json)>) -> (Vec<Outcome>, Vec<Seen>) {
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let sqs = sqs::Sqs::new(&config, "http://127.0.0.1/0/orders".to_owned(), identity(), 10);
        Client::Sqs(sqs).send(&events.iter().map(delivery).collect::<Vec<_>>()).await
    };
    let next = Arc::new(AtomicUsize::new(0));
    let answers = move || {
        let (status, body) = &answers[next.fetch_add(1, Ordering::Relaxed)];
        answer(*status, body)
    };
    beside_server(answers, work).await
}

/// Puts one event on a bus beside a server that answers with `body`.
async fn put_events(event: &Event, body: Json) -> (Outcome, Vec<Seen>) {
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let client = Client::EventBridge(eventbridge::EventBridge::new(&config, "orders".to_owned(), 10));
        send(&client, event).await
    };
    beside_server(move || answer(200, &body), work).await
}

fn answer(status: u16, body: &Json) -> Response {
    let answer = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    answer.body(body.to_string().into()).unwrap()
}

/// The answer of a queue that took these messages.
fn taken(ids: &[&str]) -> Json {
    let taken = |id| json!({ "Id": id, "MessageId": "m", "MD5OfMessageBody": "d" });
    json!({ "Successful": ids.iter().map(taken).collect::<Vec<_>>(), "Failed": [] })
}

fn body(seen: &[Seen]) -> Json {
    let [request] = seen else { panic!("{} requests where one was expected", seen.len()) };
    serde_json::from_str(&request.body).unwrap()
}

#[tokio::test]
async fn a_queue_gets_the_envelope_and_the_trace() {
    let queue = "https://sqs.eu-west-1.amazonaws.com/000000000000/orders";
    let (outcome, seen) = send_message(queue, &order("1"), 200, taken(&["0"])).await;
    assert_eq!(outcome, DELIVERED);
    assert_eq!(body(&seen)["QueueUrl"], queue);
    let request = &body(&seen)["Entries"][0];
    assert_eq!(
        request["MessageSystemAttributes"],
        json!({ "AWSTraceHeader": { "DataType": "String", "StringValue": XRAY } })
    );
    assert_eq!(request.get("MessageGroupId"), None);
    let envelope: Json = serde_json::from_str(request["MessageBody"].as_str().unwrap()).unwrap();
    for (name, value) in [
        ("version", json!("0")),
        ("id", json!("1")),
        ("detail-type", json!("OrderPlaced")),
        ("source", json!("shop.orders")),
        ("account", json!("000000000000")),
        ("region", json!("eu-west-1")),
        ("detail", json!({ "total": 1.1 })),
    ] {
        assert_eq!(envelope[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_fifo_queue_groups_by_partition_key_else_by_source() {
    let queue = "http://127.0.0.1:5000/000000000000/orders.fifo";
    let mut event = order("order 1");
    for (key, group) in [(None, "shop.orders"), (Some("customer-7"), "customer-7")] {
        if let Some(key) = key {
            event.set_extension("partitionkey", Value::String(key.to_owned()));
        }
        let (outcome, seen) = send_message(queue, &event, 200, taken(&["0"])).await;
        assert_eq!(outcome, DELIVERED);
        let request = &body(&seen)["Entries"][0];
        assert_eq!(request["MessageGroupId"], group);
        assert_eq!(request["MessageDeduplicationId"], sqs::deduplication_id("shop.orders", "order 1"));
    }
}

#[test]
fn ids_that_sqs_refuses_become_digests() {
    assert_eq!(sqs::group_id("order-1"), "order-1");
    assert_eq!(sqs::group_id(&"x".repeat(128)).len(), 128);
    for refused in ["order 1", "", "\u{e9}", &"x".repeat(129)] {
        let digest = sqs::group_id(refused);
        assert_eq!(digest.len(), 36, "{digest}");
        assert_ne!(digest, sqs::group_id("another one"));
    }
}

#[tokio::test]
async fn what_a_service_says_is_kept_and_tried_once() {
    for (status, code, counts_as) in [
        (400, "com.amazonaws.sqs#QueueDoesNotExist", "permanent"),
        (400, "com.amazonaws.sqs#RequestThrottled", "throttled"),
        (500, "InternalFailure", "retryable"),
    ] {
        let said = json!({ "__type": code, "message": "The specified queue\ndoes not exist." });
        let (outcome, seen) = send_message("http://127.0.0.1/0/orders", &order("1"), status, said).await;
        assert_eq!(seen.len(), 1, "the SDK's own retries are off");
        assert_eq!(in_words(&outcome), counts_as, "{code}");
        let Outcome::Failed(failure) = outcome else { panic!("delivered") };
        assert_eq!(failure.status, Some(status));
        let code = code.rsplit('#').next().unwrap();
        assert_eq!(failure.error, format!("{code}: The specified queue does not exist."));
    }
}

#[tokio::test]
async fn each_message_of_a_batch_has_its_own_outcome() {
    let failed = |id, code, fault| json!({ "Id": id, "Code": code, "Message": "no", "SenderFault": fault });
    let mut said = taken(&["4", "0"]);
    said["Failed"] = json!([
        failed("3", "InvalidMessageContents", true),
        failed("1", "RequestThrottled", true),
        failed("2", "Unheard", false),
    ]);
    let events = ["a", "b", "c", "d", "e", "f"].map(order);
    let (outcomes, seen) = send_orders(&events, vec![(200, said)]).await;
    assert_eq!(body(&seen)["Entries"].as_array().unwrap().len(), 6);
    let words: Vec<_> = outcomes.iter().map(in_words).collect();
    assert_eq!(words, ["delivered", "throttled", "retryable", "permanent", "delivered", "retryable"]);
    let errors: Vec<_> = [1, 3, 5].map(|at| error(outcomes[at].clone())).into();
    let unsaid = "the answer does not say what became of the event";
    assert_eq!(errors, ["RequestThrottled: no", "InvalidMessageContents: no", unsaid]);
}

#[tokio::test]
async fn a_batch_that_is_refused_is_sent_one_by_one() {
    let refused = json!({ "__type": "BatchRequestTooLong", "message": "too long" });
    let denied = json!({ "__type": "InvalidMessageContents", "message": "no" });
    let answers = vec![(400, refused), (200, taken(&["0"])), (400, denied), (200, taken(&["2"]))];
    let (outcomes, seen) = send_orders(&["a", "b", "c"].map(order), answers).await;
    let words: Vec<_> = outcomes.iter().map(in_words).collect();
    assert_eq!((words, seen.len()), (["delivered", "permanent", "delivered"].map(str::to_owned).into(), 4));
}

#[tokio::test]
async fn a_batch_that_may_be_taken_later_is_not_sent_apart() {
    let throttled = json!({ "__type": "RequestThrottled", "message": "slow down" });
    let (outcomes, seen) = send_orders(&["a", "b"].map(order), vec![(400, throttled)]).await;
    assert_eq!(outcomes.iter().map(in_words).collect::<Vec<_>>(), ["throttled", "throttled"]);
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn what_is_said_beside_an_event_goes_in_attributes() {
    let event = order("1");
    let attributes = [("ERROR_CODE", "NO_RESOURCE".to_owned()), ("RULE_ARN", String::new())];
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let client = Client::Sqs(sqs::Sqs::new(&config, "http://127.0.0.1/0/q".to_owned(), identity(), 10));
        client.send(&[Delivery { attributes: &attributes, ..delivery(&event) }]).await
    };
    let (outcomes, seen) = beside_server(|| answer(200, &taken(&["0"])), work).await;
    assert_eq!(outcomes, [DELIVERED]);
    let attributes = json!({ "ERROR_CODE": { "DataType": "String", "StringValue": "NO_RESOURCE" } });
    assert_eq!(body(&seen)["Entries"][0]["MessageAttributes"], attributes);
}

#[test]
fn requests_keep_to_ten_entries_and_one_mebibyte() {
    let mebibyte = 1024 * 1024;
    for (sizes, expected) in [
        (&[1; 10][..], &[(0, 10)][..]),
        (&[1; 11], &[(0, 10), (10, 11)]),
        (&[mebibyte, 1, mebibyte - 1, 1], &[(0, 1), (1, 3), (3, 4)]),
        (&[2 * mebibyte, 1], &[(0, 1), (1, 2)]),
        (&[], &[]),
    ] {
        let requests: Vec<_> = aws::requests(sizes).iter().map(|range| (range.start, range.end)).collect();
        assert_eq!(requests, expected, "{sizes:?}");
    }
}

#[tokio::test]
async fn messages_of_more_than_one_mebibyte_go_in_several_requests() {
    let large = |id| {
        let data = Data::Json(Bytes::from(format!("\"{}\"", "x".repeat(400 * 1024))));
        Event { data: Some(data), ..order(id) }
    };
    let answers = vec![(200, taken(&["0", "1"])), (200, taken(&["2"]))];
    let (outcomes, seen) = send_orders(&["a", "b", "c"].map(large), answers).await;
    assert_eq!((outcomes, seen.len()), (vec![DELIVERED; 3], 2));
}

#[tokio::test]
async fn a_bus_gets_the_event_and_its_trace() {
    let mut event = order("1");
    event.time = Some("2026-11-21T07:00:05+01:00".into());
    event.set_extension("awsresources", Value::String(r#"["arn:a","arn:b"]"#.to_owned()));
    let (outcome, seen) =
        put_events(&event, json!({ "FailedEntryCount": 0, "Entries": [{ "EventId": "e" }] })).await;
    assert_eq!(outcome, DELIVERED);
    let entry = &body(&seen)["Entries"][0];
    assert_eq!(
        *entry,
        json!({
            "EventBusName": "orders",
            "Source": "shop.orders",
            "DetailType": "OrderPlaced",
            "Detail": "{\"total\":1.10}",
            "Resources": ["arn:a", "arn:b"],
            "Time": 1_795_240_805,
            "TraceHeader": XRAY,
        })
    );
}

#[test]
fn a_payload_that_is_no_json_object_goes_whole() {
    let mut event = order("1");
    event.subject = Some("arn:aws:s3:::sales".into());
    for data in
        [None, Some(Data::Text(Bytes::from_static(b"hello"))), Some(Data::Json(Bytes::from_static(b" [1]")))]
    {
        event.data = data;
        let entry = eventbridge::entry(&delivery(&event), "orders");
        let detail: Json = serde_json::from_str(entry.detail().unwrap()).unwrap();
        assert_eq!((&detail["specversion"], &detail["id"]), (&json!("1.0"), &json!("1")));
        assert_eq!((entry.source(), entry.detail_type()), (Some("shop.orders"), Some("OrderPlaced")));
        assert_eq!(entry.resources(), ["arn:aws:s3:::sales"]);
        assert_eq!(entry.time().unwrap().secs(), super::RECEIVED.as_seconds());
    }
}

#[tokio::test]
async fn an_entry_that_failed_is_a_failure() {
    for (code, counts_as) in [("MalformedDetail", "permanent"), ("ThrottlingException", "throttled")] {
        let entries = json!([{ "ErrorCode": code, "ErrorMessage": "Detail is malformed." }]);
        let (outcome, _) =
            put_events(&order("1"), json!({ "FailedEntryCount": 1, "Entries": entries })).await;
        assert_eq!(in_words(&outcome), counts_as);
        assert_eq!(error(outcome), format!("{code}: Detail is malformed."));
    }
}

#[tokio::test]
async fn each_entry_of_a_batch_has_its_own_outcome() {
    let entries = json!([
        { "EventId": "e" },
        { "ErrorCode": "InternalFailure", "ErrorMessage": "oops" },
        { "ErrorCode": "NotAuthorizedForSource", "ErrorMessage": "no" },
    ]);
    let said = json!({ "FailedEntryCount": 2, "Entries": entries });
    let events = ["a", "b", "c", "d"].map(order);
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let client = Client::EventBridge(eventbridge::EventBridge::new(&config, "orders".to_owned(), 10));
        client.send(&events.iter().map(delivery).collect::<Vec<_>>()).await
    };
    let (outcomes, seen) = beside_server(move || answer(200, &said), work).await;
    assert_eq!(body(&seen)["Entries"].as_array().unwrap().len(), 4);
    let words: Vec<_> = outcomes.iter().map(in_words).collect();
    assert_eq!(words, ["delivered", "retryable", "permanent", "retryable"]);
}

#[tokio::test]
async fn connecting_needs_nobody_to_answer() {
    let service =
        AwsService { endpoint: Some("http://127.0.0.1:1".to_owned()), region: Some("eu-west-1".to_owned()) };
    let queue = Target::Sqs { queue: "https://host/0/orders".to_owned(), service: service.clone() };
    assert_eq!(connect(&queue).await.unwrap().address(), "sqs host/0/orders");
    let bus = Target::EventBridge { bus: "orders".to_owned(), service };
    assert_eq!(connect(&bus).await.unwrap().address(), "eventbridge orders");
}

#[tokio::test]
async fn batches_are_as_large_as_configured_and_as_aws_takes_them() {
    let service =
        AwsService { endpoint: Some("http://127.0.0.1:1".to_owned()), region: Some("eu-west-1".to_owned()) };
    let queue = Target::Sqs { queue: "https://host/0/orders".to_owned(), service: service.clone() };
    let bus = Target::EventBridge { bus: "orders".to_owned(), service };
    for target in [queue, bus] {
        for (batch, expected) in [(0, 1), (1, 1), (7, 7), (10, 10), (11, 10)] {
            let client = connect_by(&mut Connections::new(&[]), &target, batch).await.unwrap();
            assert_eq!(client.batch_max(), expected);
        }
    }
}

#[test]
fn a_queue_elsewhere_is_asked_there() {
    let none = AwsService::default();
    let endpoint = |queue: &str, service: &AwsService| sqs::service(queue, service).endpoint;
    assert_eq!(endpoint("https://sqs.eu-west-1.amazonaws.com/1/q", &none), None);
    assert_eq!(endpoint("http://127.0.0.1:5000/1/q", &none).as_deref(), Some("http://127.0.0.1:5000"));
    let own = AwsService { endpoint: Some("http://127.0.0.1:6000".to_owned()), region: None };
    assert_eq!(endpoint("http://127.0.0.1:5000/1/q", &own), own.endpoint);
}
