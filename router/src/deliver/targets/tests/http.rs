use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use tokio::net::TcpListener;

use super::{Outcome, TRACEPARENT, XRAY, beside_server, connect, error, in_words, order, send};
use crate::clock;
use crate::config::{Mode, Target};
use crate::deliver::targets::{Class, retry_after};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    status: u16,
    retry_after: Option<String>,
    date: Option<String>,
    counts_as: String,
}

impl Case {
    fn answer(&self) -> Response {
        let mut answer = Response::builder().status(self.status);
        for (name, value) in [("retry-after", &self.retry_after), ("date", &self.date)] {
            if let Some(value) = value {
                answer = answer.header(name, value);
            }
        }
        answer.body(Body::empty()).unwrap()
    }
}

fn target(url: String) -> Target {
    Target::Http { url, mode: Mode::Binary, headers: Vec::new(), timeout: PATIENCE }
}

fn answer(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// Sends one order to a target and returns what came of it.
async fn attempt(target: &Target) -> Outcome {
    send(&connect(target).await.unwrap(), &order("1")).await
}

#[tokio::test]
async fn answers_count_as_the_table_says() {
    let table: Table = toml::from_str(include_str!("http_answers.toml")).unwrap();
    for case in table.case {
        let answered = case.clone();
        let work = async |address| attempt(&target(format!("http://{address}/"))).await;
        let (outcome, seen) = beside_server(move || answered.answer(), work).await;
        let Case { status, retry_after, counts_as, .. } = case;
        assert_eq!(in_words(&outcome), counts_as, "{status} with {retry_after:?}");
        assert_eq!(seen.len(), 1, "{status}");
        let said = match outcome {
            Outcome::Delivered { status } => status,
            Outcome::Failed(failure) => failure.status,
        };
        assert_eq!(said, Some(status));
    }
}

#[test]
fn a_date_is_read_against_the_present_where_the_answer_has_no_clock() {
    let minute = Duration::from_mins(1);
    let now = clock::now();
    let until = now.after(minute).to_jiff().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let headers = HeaderMap::from_iter([("retry-after".parse().unwrap(), until.parse().unwrap())]);
    let wait = retry_after::read(&headers, now).unwrap();
    assert!(wait > Duration::from_secs(59) && wait <= minute, "{wait:?}");
}

#[tokio::test]
async fn binary_mode_puts_attributes_and_this_attempt_in_headers() {
    let headers = [("authorization", "Bearer sesame-open"), ("x-team", "a"), ("x-team", "b")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let work = async |address| {
        let url = format!("http://{address}/orders?key=1");
        attempt(&Target::Http { url, mode: Mode::Binary, headers, timeout: PATIENCE }).await
    };
    let (outcome, seen) = beside_server(|| answer(202, "taken"), work).await;
    assert_eq!(outcome, Outcome::Delivered { status: Some(202) });
    let [request] = &seen[..] else { panic!("{} requests", seen.len()) };
    assert_eq!(request.path, "/orders?key=1");
    assert_eq!(request.body, r#"{"total":1.10}"#);
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "shop.orders"),
        ("ce-type", "OrderPlaced"),
        ("content-type", "application/json"),
        ("traceparent", TRACEPARENT),
        ("x-amzn-trace-id", XRAY),
        ("authorization", "Bearer sesame-open"),
    ] {
        assert_eq!(request.header(name), value, "{name}");
    }
    assert_eq!(request.headers.get_all("x-team").iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(request.header("ce-traceparent"), "", "the starting trace is the publisher's to set");
}

#[tokio::test]
async fn structured_mode_puts_attributes_in_the_body() {
    let work = async |address| {
        let (url, headers) = (format!("http://{address}/"), Vec::new());
        attempt(&Target::Http { url, mode: Mode::Structured, headers, timeout: PATIENCE }).await
    };
    let (outcome, seen) = beside_server(|| answer(200, ""), work).await;
    assert_eq!(outcome, Outcome::Delivered { status: Some(200) });
    let [request] = &seen[..] else { panic!("{} requests", seen.len()) };
    assert!(request.header("content-type").starts_with("application/cloudevents+json"));
    assert_eq!(request.header("traceparent"), TRACEPARENT);
    assert_eq!(request.header("x-amzn-trace-id"), XRAY);
    assert_eq!(request.header("ce-id"), "");
    let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
    assert_eq!(body["id"], "1");
    assert_eq!(body["type"], "OrderPlaced");
    assert!(request.body.contains(r#"{"total":1.10}"#), "{}", request.body);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_no_way_to_go() {
    let redirect =
        || Response::builder().status(307).header("location", "/elsewhere").body(Body::empty()).unwrap();
    let work = async |address| attempt(&target(format!("http://{address}/here"))).await;
    let (outcome, seen) = beside_server(redirect, work).await;
    assert_eq!(error(outcome), "307 Temporary Redirect: redirects are not followed");
    assert_eq!(seen.iter().map(|request| request.path.as_str()).collect::<Vec<_>>(), ["/here"]);
}

#[tokio::test]
async fn what_the_target_says_is_kept_in_short_and_without_secrets() {
    let headers = vec![("authorization".to_owned(), "Bearer sesame-open".to_owned())];
    let said = "who is\n Bearer sesame-open with k%65y-and-more, key-and-more, pass-word?";
    let work = async |address| {
        let url = format!("http://user:pass-word@{address}/?token=k%65y-and-more");
        attempt(&Target::Http { url, mode: Mode::Binary, headers, timeout: PATIENCE }).await
    };
    let (outcome, _) = beside_server(move || answer(403, said), work).await;
    assert_eq!(error(outcome), "403 Forbidden: who is *** *** with ***, ***, ***?");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let endless = || {
        let chunk = Ok::<_, std::io::Error>(Bytes::from_static(b"no "));
        answer(
            400,
            Body::from_stream(futures::stream::iter(std::iter::repeat_with(move || {
                chunk.as_ref().map(Bytes::clone).map_err(|_| std::io::Error::other("none"))
            }))),
        )
    };
    let work = async |address| attempt(&target(format!("http://{address}/"))).await;
    let (outcome, _) = beside_server(endless, work).await;
    let error = error(outcome);
    assert!(error.starts_with("400 Bad Request: no no no") && error.len() == 200, "{error}");
}

#[tokio::test]
async fn an_answer_without_an_end_does_not_undo_its_status() {
    let hanging =
        || answer(200, Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>()));
    let work = async |address| attempt(&target(format!("http://{address}/"))).await;
    let (outcome, _) = beside_server(hanging, work).await;
    assert_eq!(outcome, Outcome::Delivered { status: Some(200) });
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_retryable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let timeout = Duration::from_millis(150);
    let hanging = Target::Http { url: url.clone(), mode: Mode::Binary, headers: Vec::new(), timeout };
    check_retryable(attempt(&hanging).await, "no answer within 150ms");

    let hang_up = async move {
        // The first connection is that of the attempt that gave up.
        for _ in 0..2 {
            drop(listener.accept().await.unwrap());
        }
        std::future::pending::<()>().await;
    };
    let target = target(url);
    let outcome = tokio::select! {
        outcome = attempt(&target) => outcome,
        () = hang_up => unreachable!("it never ends"),
    };
    check_retryable(outcome, "the connection broke: ");
    // The listener went with the future that owned it.
    check_retryable(attempt(&target).await, "cannot connect: Connection refused");
}

fn check_retryable(outcome: Outcome, text: &str) {
    match outcome {
        Outcome::Failed(failure) => {
            assert_eq!((failure.class, failure.status), (Class::Retryable, None));
            assert!(failure.error.starts_with(text), "{}", failure.error);
        }
        Outcome::Delivered { status } => panic!("delivered with {status:?}"),
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_without_their_values() {
    for (url, header, expected) in [
        ("orders", None, "the target's URL cannot be used: relative URL without a base"),
        ("ftp://host/", None, "the target's URL cannot be used: `ftp` is neither http nor https"),
        (
            "http://host/",
            Some("bad name"),
            "the header `bad name` cannot be sent: its name is no header name",
        ),
        ("http://host/", Some("Content-Type"), "the header `Content-Type` cannot be sent: the event sets it"),
        ("http://host/", Some("ce-id"), "the header `ce-id` cannot be sent: the event sets it"),
        (
            "http://host/",
            Some("authorization"),
            "the header `authorization` cannot be sent: its value has characters that no header may have",
        ),
    ] {
        let headers = header.map(|name| (name.to_owned(), "sesame\n".to_owned())).into_iter().collect();
        let target = Target::Http { url: url.to_owned(), mode: Mode::Binary, headers, timeout: PATIENCE };
        let error = connect(&target).await.err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(expected));
    }
}

#[tokio::test]
async fn the_address_shows_no_secret() {
    for (url, expected) in [
        ("http://127.0.0.1:9000/orders", "http 127.0.0.1:9000/orders"),
        ("http://user:secret@shop.example/in?token=secret#part", "http shop.example/in"),
        ("http://[::1]:80", "http [::1]/"),
        ("https://hooks.example:8443/services/T0/B0/secret", "https hooks.example:8443/services/..."),
        ("https://hooks.example//secret", "https hooks.example//..."),
    ] {
        assert_eq!(connect(&target(url.to_owned())).await.unwrap().address(), expected);
    }
}
