//! Gathering: parts that arrive apart become one event; each way of completion; late, duplicate; crashes.

use serde_json::{Value, json};

use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, event};

fn gathering(receiver: &Receiver, complete: &str) -> String {
    format!(
        r#"
        [[aggregation]]
        name = "days"
        filter = {{ type = ["file"] }}
        key = {{ path = "$.data.key", capture = '(?<day>[0-9-]+)/(?<store>[a-z]+)\.csv', key = "{{day}}" }}
        part = "{{store}}"
        complete = {complete}
        emit = {{ type = "day.complete" }}

        [[consumer]]
        name = "releases"
        filter = {{ type = ["day.complete"] }}
        target = {{ http = "{}", mode = "structured" }}
        "#,
        receiver.url("/")
    )
}

fn file(id: &str, key: &str) -> Value {
    event(id, "/files", "file", json!({"key": key}))
}

fn parts(release: &Value) -> Vec<&str> {
    release["data"]["parts"].as_array().unwrap().iter().map(|part| part["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn expected_parts_in_any_order_with_duplicates_and_latecomers() {
    let receiver = Receiver::start().await;
    let router = Router::start(&gathering(
        &receiver,
        r#"{ any = [{ expected = ["paris", "lyon", "nice"] }, { deadline = "1h" }] }"#,
    ));
    for (id, key) in [("1", "d-1/lyon.csv"), ("2", "d-1/lyon.csv"), ("3", "nonsense"), ("4", "d-1/nice.csv")]
    {
        let key = key.replace("d-1", "2026-11-19");
        router.publish(file(id, &key)).await;
    }
    let waiting = router.client().groups(Some("days")).await.unwrap();
    let waiting = if waiting.is_empty() || waiting[0].parts.len() < 2 {
        router.settled().await;
        router.client().groups(Some("days")).await.unwrap()
    } else {
        waiting
    };
    assert_eq!((waiting[0].key.as_str(), waiting[0].missing[0].name.as_str()), ("2026-11-19", "paris"));
    assert!(waiting[0].waiting_for.iter().any(|line| line.contains("paris")), "{waiting:?}");
    assert!(waiting[0].deadline.is_some());

    router.publish(file("5", "2026-11-19/paris.csv")).await;
    let release = receiver.expect(1).await[0].json();
    assert_eq!(parts(&release), ["lyon", "nice", "paris"]);
    assert_eq!(
        (&release["data"]["completed_by"], &release["data"]["key"]),
        (&json!("expected"), &json!("2026-11-19"))
    );
    assert_eq!((&release["type"], &release["data"]["duplicates"]), (&json!("day.complete"), &json!(1)));

    router.publish(file("6", "2026-11-19/oslo.csv")).await;
    let overview = router.wait_until("the late part", |overview| overview.aggregations[0].late == 1).await;
    let days = &overview.aggregations[0];
    assert_eq!((days.offered, days.released, days.duplicate, days.discarded), (6, 3, 1, 1));
    assert!(days.balances(), "{days:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn count_idle_deadline_and_marker_complete_a_group() {
    let cases = [
        ("{ count = 2 }", "count"),
        (r#"{ idle = "300ms" }"#, "idle"),
        (r#"{ deadline = "400ms" }"#, "deadline"),
        (r#"{ all = [{ count = 1 }, { idle = "200ms" }] }"#, "count"),
    ];
    for (complete, by) in cases {
        let receiver = Receiver::start().await;
        let router = Router::start(&gathering(&receiver, complete));
        router.publish(file("1", "2026-11-19/lyon.csv")).await;
        router.publish(file("2", "2026-11-19/nice.csv")).await;
        let release = receiver.expect(1).await[0].json();
        assert_eq!(release["data"]["completed_by"], by, "{complete}: {release}");
        assert_eq!(parts(&release), ["lyon", "nice"], "{complete}");
        router.settled().await;
    }
    let receiver = Receiver::start().await;
    let complete = r#"{ any = [{ when = { type = ["file"], data = { key = [{ suffix = "/last.csv" }] } } }, { deadline = "1h" }] }"#;
    let router = Router::start(&gathering(&receiver, complete));
    router.publish(file("1", "2026-11-19/lyon.csv")).await;
    router.publish(file("2", "2026-11-19/last.csv")).await;
    let release = receiver.expect(1).await[0].json();
    assert_eq!((&release["data"]["completed_by"], parts(&release)), (&json!("when"), vec!["lyon", "last"]));
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_and_their_timers_survive_a_crash() {
    let receiver = Receiver::start().await;
    let complete = r#"{ any = [{ expected = ["a", "b"] }, { deadline = "2s" }] }"#;
    let mut router = Router::start(&gathering(&receiver, complete));
    router.publish(file("1", "2026-11-19/a.csv")).await;
    router.publish(file("2", "2026-11-20/a.csv")).await;
    router.wait_until("two open groups", |overview| overview.aggregations[0].open_groups == 2).await;
    router = router.crash_and_restart();
    assert_eq!(router.client().groups(None).await.unwrap().len(), 2);
    router.publish(file("3", "2026-11-20/b.csv")).await;
    let mut releases: Vec<Value> = receiver.expect(2).await.iter().map(Received::json).collect();
    releases.sort_by_key(|release| release["data"]["key"].to_string());
    let by: Vec<&Value> = releases.iter().map(|release| &release["data"]["completed_by"]).collect();
    assert_eq!(by, [&json!("deadline"), &json!("expected")]);
    assert_eq!(releases[0]["data"]["missing"], json!(["b"]));
    let overview = router.settled().await;
    assert_eq!((overview.aggregations[0].releases, overview.aggregations[0].offered), (2, 3));
}
