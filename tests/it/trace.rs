//! One trace from publisher to consumer; spans by OTLP, segments by UDP.

use std::collections::HashSet;
use std::net::UdpSocket;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::peers::{self, Peer};
use crate::harness::receiver::Receiver;
use crate::harness::{Router, event, wait_for};

/// The trace id as W3C writes it.
fn w3c(xray: &str) -> String {
    xray.strip_prefix("1-").unwrap().replace('-', "")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_of_the_xray_sdk_goes_on_to_the_consumer_and_to_otlp() {
    let (receiver, collector) = (Receiver::start().await, Peer::start("otlp_receiver.py", &[]));
    receiver.answer_next(503, None);
    let router = Router::start(&format!(
        "[trace]\nservice = \"orders-router\"\notlp = \"{}\"\n\
         [[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\nretry = {{ interval = \"10ms\" }}\n",
        collector.address(),
        receiver.url("/")
    ));
    let entries = json!([{"Source": "s", "DetailType": "t", "Detail": "{}"}]).to_string();
    let upstream = peers::ask("xray_upstream.py", &[router.url(), &entries]);
    let trace = w3c(upstream["trace"].as_str().unwrap());

    let requests = receiver.expect(2).await;
    for request in &requests {
        let xray = request.header("x-amzn-trace-id").unwrap();
        assert!(xray.contains(upstream["trace"].as_str().unwrap()), "{xray}");
        let traceparent = request.header("traceparent").unwrap();
        assert_eq!(traceparent.split('-').nth(1), Some(trace.as_str()), "{traceparent}");
        assert!(
            xray.contains(traceparent.split('-').nth(2).unwrap()),
            "{xray} and {traceparent} name different spans"
        );
    }
    let attempts: HashSet<&str> = requests.iter().map(|one| one.header("traceparent").unwrap()).collect();
    assert_eq!(attempts.len(), 2, "each attempt is a span of its own");

    let spans = wait_for("the spans of all hops", || {
        let spans = collector.documents();
        let names: Vec<&str> = spans.iter().filter_map(|span| span["name"].as_str()).collect();
        ["publish default", "match default", "attempt c", "deliver c"]
            .iter()
            .all(|name| names.contains(name))
            .then_some(spans)
    });
    let ids: HashSet<&str> = spans.iter().map(|span| span["span"].as_str().unwrap()).collect();
    let upstream_spans: Vec<&str> =
        upstream["parents"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for span in &spans {
        assert_eq!((&span["trace"], &span["service"]), (&json!(trace), &json!("orders-router")), "{span}");
        let parent = span["parent"].as_str().unwrap();
        assert!(ids.contains(parent) || upstream_spans.contains(&parent), "an orphan: {span}");
    }
    let publish = spans.iter().find(|span| span["name"] == "publish default").unwrap();
    assert!(
        upstream_spans.contains(&publish["parent"].as_str().unwrap()),
        "{publish} does not follow {upstream}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn segment_documents_reach_a_daemon() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[trace]\nxray_daemon = \"{}\"\n[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\n",
        daemon.local_addr().unwrap(),
        receiver.url("/")
    ));
    let upstream = [
        ("content-type", "application/cloudevents+json"),
        ("x-amzn-trace-id", "root=1-5759e988-bd862e3fe1be46a994272793; Sampled=1; Self=1-0-0"),
    ];
    let body = event("1", "/s", "t", json!({})).to_string();
    assert_eq!(router.post("/", &upstream, body).await.0, 204);
    receiver.expect(1).await;
    let mut documents: Vec<Value> = Vec::new();
    let mut buffer = vec![0; 65_536];
    wait_for("the segments of publish and deliver, and the attempt", || {
        if let Ok(length) = daemon.recv(&mut buffer) {
            let datagram = String::from_utf8(buffer[..length].to_vec()).unwrap();
            let (header, document) = datagram.split_once('\n').unwrap();
            assert_eq!(
                serde_json::from_str::<Value>(header).unwrap(),
                json!({"format": "json", "version": 1})
            );
            documents.push(serde_json::from_str(document).unwrap());
        }
        (documents.len() >= 3).then_some(())
    });
    let ids: HashSet<&str> = documents.iter().map(|document| document["id"].as_str().unwrap()).collect();
    let roots = documents.iter().filter(|document| document.get("parent_id").is_none()).count();
    assert_eq!(roots, 1, "{documents:#?}");
    for document in &documents {
        assert_eq!(document["trace_id"], "1-5759e988-bd862e3fe1be46a994272793", "{document}");
        assert_eq!(document["id"].as_str().unwrap().len(), 16);
        assert!(document["end_time"].as_f64().unwrap() >= document["start_time"].as_f64().unwrap());
        if let Some(parent) = document.get("parent_id") {
            assert!(ids.contains(parent.as_str().unwrap()), "an orphan: {document}");
        }
    }
    let sent = receiver.received()[0].header("x-amzn-trace-id").unwrap().to_owned();
    assert!(!sent.contains("Self"), "{sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_outlives_a_crash() {
    let receiver = Receiver::start().await;
    receiver.answer_always(503);
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\nretry = {{ interval = \"50ms\", interval_max = \"50ms\" }}\n",
        receiver.url("/")
    ));
    router.publish(event("1", "/s", "t", json!({}))).await;
    let before = receiver.expect(1).await[0].header("x-amzn-trace-id").unwrap().to_owned();
    router.wait_until("the attempt's record", |overview| overview.consumers[0].failures > 0).await;
    let router = router.crash_and_restart();
    receiver.answer_always(204);
    router.settled().await;
    let after = receiver.received().last().unwrap().header("x-amzn-trace-id").unwrap().to_owned();
    assert_eq!(before.split(';').next(), after.split(';').next(), "the trace changed");
}
