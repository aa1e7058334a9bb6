//! The EventBridge API: unmodified AWS clients, AWS's answers, row by row.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::peers;
use crate::harness::receiver::Receiver;
use crate::harness::{Router, root, wait_for};

fn entry(source: &str, detail: &Value) -> Value {
    json!({"Source": source, "DetailType": "Order Placed", "Detail": detail.to_string()})
}

#[tokio::test(flavor = "multi_thread")]
async fn boto3_publishes_ten_entries_of_which_one_is_bad() {
    let moto = peers::moto();
    let queue =
        peers::ask("sqs_queue.py", &[moto.address(), "create", "orders"])["url"].as_str().unwrap().to_owned();
    let router = Router::start(&format!(
        r#"
        [[consumer]]
        name = "orders"
        filter = {{ source = ["shop.orders"], detail = {{ total = [{{ numeric = [">", 100] }}] }} }}
        target = {{ sqs = "{queue}", endpoint = "{}" }}
        "#,
        moto.address()
    ));
    let mut entries: Vec<Value> =
        (0..10).map(|n| entry("shop.orders", &json!({"n": n, "total": n * 40}))).collect();
    entries[4]["Detail"] = json!("{not json");
    let answer = peers::ask("put_events.py", &[router.url(), &json!(entries).to_string()]);
    assert_eq!(answer["FailedEntryCount"], 1);
    let ids: Vec<Option<&str>> =
        answer["Entries"].as_array().unwrap().iter().map(|one| one["EventId"].as_str()).collect();
    assert_eq!(ids.iter().flatten().count(), 9);
    assert_eq!(
        answer["Entries"][4],
        json!({"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."})
    );

    // 0, 40 and 80 do not match; 160 was refused.
    let messages = peers::ask("sqs_queue.py", &[moto.address(), "drain", &queue, "6"]);
    let mut arrived: Vec<(u64, String)> = messages
        .as_array()
        .unwrap()
        .iter()
        .map(|message| {
            let body: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
            (body["detail"]["n"].as_u64().unwrap(), body["id"].as_str().unwrap().to_owned())
        })
        .collect();
    arrived.sort();
    let expected: Vec<(u64, String)> =
        [3, 5, 6, 7, 8, 9].into_iter().map(|n| (n as u64, ids[n].unwrap().to_owned())).collect();
    assert_eq!(arrived, expected, "each matching event arrives once, under the id that was answered");
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aws_command_line_publishes_and_tests_patterns() {
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"all\"\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    let entries = json!([entry("cli", &json!({"n": 1}))]).to_string();
    let output = peers::aws(router.url(), &["events", "put-events", "--entries", &entries]);
    assert!(output.status.success(), "{}", peers::text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let requests = receiver.expect(1).await;
    assert_eq!(requests[0].header("ce-id"), answer["Entries"][0]["EventId"].as_str());
    assert_eq!(requests[0].json(), json!({"n": 1}));

    let event =
        json!({"id": "1", "account": "1", "source": "cli", "time": "2026-11-21T00:00:00Z", "region": "r",
        "detail-type": "t", "detail": {"n": 1}})
        .to_string();
    let pattern = r#"{"detail": {"n": [{"numeric": ["<", 2]}]}}"#;
    let output = peers::aws(
        router.url(),
        &["events", "test-event-pattern", "--event", &event, "--event-pattern", pattern],
    );
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap(), json!({"Result": true}));
    let output = peers::aws(
        router.url(),
        &["events", "test-event-pattern", "--event", &event, "--event-pattern", "{}"],
    );
    assert!(
        peers::text(&output.stderr).contains("InvalidEventPatternException"),
        "{}",
        peers::text(&output.stderr)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn put_events_answers_as_recorded_on_aws() {
    let table = conformance().join("putevents.visible.jsonl");
    let Ok(rows) = std::fs::read_to_string(&table) else {
        println!("skipped: {} is not there", table.display());
        return;
    };
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"all\"\ntarget = {{ http = \"{}\", mode = \"structured\" }}\n[bus.custom]\n",
        receiver.url("/")
    ));
    let mut delivered = 0;
    for row in rows.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        // What boto3 makes of these times before it sends them.
        let request = row["request"].to_string().replace("\"<now>\"", "1767225600");
        let request = request.replace("\"2022-01-01 00:00:00Z\"", "1640995200");
        let (status, answer) = put_events(&router, &request).await;
        assert_eq!(status, u16::try_from(row["http_status"].as_u64().unwrap()).unwrap(), "{row}: {answer}");
        if row["expect"] == "error" {
            assert_eq!(answer["__type"], row["error_code"], "{row}");
            assert_eq!(answer["message"], row["error"], "{row}");
        }
        if let Some(expected) = row.get("response") {
            assert_eq!(masked(&answer), masked(expected), "{row}");
        }
        delivered += answer["Entries"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|one| one["EventId"].is_string())
            .count();
        if row["name"] == "nonexistent_bus_entry" {
            delivered -= 1;
        }
    }
    receiver.expect(delivered).await;
    assert_eq!(router.settled().await.buses.iter().map(|bus| bus.head).sum::<u64>(), delivered as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_delivered_envelope_is_as_recorded_on_aws() {
    let moto = peers::moto();
    let queue =
        peers::ask("sqs_queue.py", &[moto.address(), "create", "all"])["url"].as_str().unwrap().to_owned();
    let target = format!("{{ sqs = \"{queue}\", endpoint = \"{}\" }}", moto.address());
    let router = Router::start(&format!("[[consumer]]\nname = \"all\"\ntarget = {target}\n"));
    let request = json!({"Entries": [{"Source": "core.update", "DetailType": "update", "Time": 1_640_995_200,
        "Detail": "{\"message\": \"long time\"}"}]});
    let (_, answer) = put_events(&router, &request.to_string()).await;
    let id = answer["Entries"][0]["EventId"].as_str().unwrap();
    let messages = peers::ask("sqs_queue.py", &[moto.address(), "drain", &queue, "1"]);
    let expected = format!(
        r#"{{"version":"0","id":"{id}","detail-type":"update","source":"core.update","account":"000000000000","time":"2022-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":{{"message": "long time"}}}}"#
    );
    assert_eq!(messages[0]["body"].as_str().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eventbridge_target_forwards_to_a_bus_of_moto() {
    let moto = peers::moto();
    let queue = peers::ask("event_bus.py", &[moto.address(), "downstream", "arrived"])["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let target = format!("{{ eventbridge = \"downstream\", endpoint = \"{}\" }}", moto.address());
    let router = Router::start(&format!("[[consumer]]\nname = \"forward\"\ntarget = {target}\n"));
    put_events(&router, &json!({"Entries": [entry("shop", &json!({"n": 7}))]}).to_string()).await;
    let messages = peers::ask("sqs_queue.py", &[moto.address(), "drain", &queue, "1"]);
    let body: Value = serde_json::from_str(messages[0]["body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["source"], &body["detail"]), (&json!("shop"), &json!({"n": 7})));
    wait_for("one message and no more", || (messages.as_array().unwrap().len() == 1).then_some(()));
    router.settled().await;
}

async fn put_events(router: &Router, body: &str) -> (u16, Value) {
    let headers = [("x-amz-target", "AWSEvents.PutEvents"), ("content-type", "application/x-amz-json-1.1")];
    router.post("/", &headers, body.to_owned()).await
}

/// Hides what differs from call to call.
fn masked(answer: &Value) -> Value {
    let mut answer = answer.clone();
    for one in answer["Entries"].as_array_mut().into_iter().flatten() {
        if let Some(id) = one.get_mut("EventId") {
            *id = json!("<id>");
        }
    }
    answer
}

fn conformance() -> PathBuf {
    std::env::var_os("RAILPOST_CONFORMANCE")
        .map_or_else(|| root().join("../shared/conformance"), PathBuf::from)
}
