use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use axum::response::Response;
use bytes::Bytes;
use event::{Data, Event, Value};
use serde_json::{Value as Json, json};

use super::{
    Client, Outcome, Seen, XRAY, beside_server, connect, delivery, error, identity, in_words, order, send,
};
use crate::config::{AwsService, Target};
use crate::deliver::targets::{aws, eventbridge, sqs};

const DELIVERED: Outcome = Outcome::Delivered { status: None };

fn config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("key", "secret", None, None, "test");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .http_client(aws::http_client(Some(endpoint)).unwrap())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .build()
}

/// Sends one event to a queue beside a server that answers with `status` and `body`.
async fn send_message(queue: &str, event: &Event, status: u16, body: Json) -> (Outcome, Vec<Seen>) {
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let client = Client::Sqs(sqs::Sqs::new(&config, queue.to_owned(), identity()));
        send(&client, event).await
    };
    beside_server(move || answer(status, &body), work).await
}

/// Puts one event on a bus beside a server that answers with `body`.
async fn put_events(event: &Event, body: Json) -> (Outcome, Vec<Seen>) {
    let work = async |address| {
        let config = config(&format!("http://{address}"));
        let client = Client::EventBridge(eventbridge::EventBridge::new(&config, "orders".to_owned()));
        send(&client, event).await
    };
    beside_server(move || answer(200, &body), work).await
}

fn answer(status: u16, body: &Json) -> Response {
    let answer = Response::builder().status(status).header("content-type", "application/x-amz-json-1.0");
    answer.body(body.to_string().into()).unwrap()
}

fn body(seen: &[Seen]) -> Json {
    let [request] = seen else { panic!("{} requests where one was expected", seen.len()) };
    serde_json::from_str(&request.body).unwrap()
}

#[tokio::test]
async fn a_queue_gets_the_envelope_and_the_trace() {
    let queue = "https://sqs.eu-west-1.amazonaws.com/000000000000/orders";
    let (outcome, seen) = send_message(queue, &order("1"), 200, json!({ "MessageId": "m" })).await;
    assert_eq!(outcome, DELIVERED);
    let request = body(&seen);
    assert_eq!(request["QueueUrl"], queue);
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
        let (outcome, seen) = send_message(queue, &event, 200, json!({ "MessageId": "m" })).await;
        assert_eq!(outcome, DELIVERED);
        assert_eq!(body(&seen)["MessageGroupId"], group);
        assert_eq!(body(&seen)["MessageDeduplicationId"], sqs::deduplication_id("shop.orders", "order 1"));
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
async fn a_bus_gets_the_event_and_its_trace() {
    let mut event = order("1");
    event.time = Some("2026-11-21T07:00:05+01:00".to_owned());
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
    event.subject = Some("arn:aws:s3:::sales".to_owned());
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
async fn connecting_needs_nobody_to_answer() {
    let service =
        AwsService { endpoint: Some("http://127.0.0.1:1".to_owned()), region: Some("eu-west-1".to_owned()) };
    let queue = Target::Sqs { queue: "https://host/0/orders".to_owned(), service: service.clone() };
    assert_eq!(connect(&queue).await.unwrap().address(), "sqs host/0/orders");
    let bus = Target::EventBridge { bus: "orders".to_owned(), service };
    assert_eq!(connect(&bus).await.unwrap().address(), "eventbridge orders");
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
