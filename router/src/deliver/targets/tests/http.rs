use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use super::{
    Outcome, PATIENCE, TRACEPARENT, XRAY, beside_server, connect, delivery, error, http_target, in_words,
    order, send,
};
use crate::clock;
use crate::config::{Mode, Target};
use crate::deliver::targets::{Delivery, retry_after};

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

fn answer(status: u16, body: impl Into<Body>) -> Response {
    Response::builder().status(status).body(body.into()).unwrap()
}

/// Sends one order to a target and returns what came of it.
async fn attempt(target: &Target) -> Outcome {
    send(&connect(target).await.unwrap(), &order("1")).await
}

#[tokio::test]
async fn answers_count_as_the_table_says() {
    let table: Vec<Case> = super::cases(include_str!("http_answers.toml"));
    for case in table {
        let answered = case.clone();
        let work = async |address| attempt(&http_target(format!("http://{address}/"))).await;
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
    let work = async |address| attempt(&http_target(format!("http://{address}/here"))).await;
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
    let (outcome, seen) = beside_server(move || answer(403, said), work).await;
    assert_eq!(error(outcome), "403 Forbidden: who is *** *** with ***, ***, ***?");
    assert_eq!(seen[0].header("authorization"), "Bearer sesame-open", "a header is said louder than the URL");
    assert_eq!(seen[0].path, "/?token=k%65y-and-more");
}

#[tokio::test]
async fn a_secret_is_not_shown_in_part_where_the_answer_is_cut() {
    let secret = "0123456789".repeat(50);
    let headers = vec![("authorization".to_owned(), secret.clone())];
    // Of so long an answer 4 KiB are read: eight times the secret, and 96 characters of it.
    let said = secret.repeat(10);
    let work = async |address| {
        let url = format!("http://{address}/");
        attempt(&Target::Http { url, mode: Mode::Binary, headers, timeout: PATIENCE }).await
    };
    let (outcome, _) = beside_server(move || answer(403, said.clone()), work).await;
    assert_eq!(error(outcome), format!("403 Forbidden: {}", "***".repeat(9)));
}

#[tokio::test]
async fn the_user_and_password_of_a_url_go_in_a_header_that_is_never_shown() {
    let work = async |address| attempt(&http_target(format!("http://us%20er:p%40ss@{address}/#part"))).await;
    let (outcome, seen) = beside_server(|| answer(401, "Basic dXMgZXI6cEBzcw== is wrong"), work).await;
    assert_eq!(error(outcome), "401 Unauthorized: Basic *** is wrong");
    assert_eq!(seen[0].header("authorization"), "Basic dXMgZXI6cEBzcw==");
    assert_eq!(
        (seen[0].path.as_str(), seen[0].header("user-agent").split('/').next()),
        ("/", Some("railpost"))
    );
}

#[tokio::test]
async fn what_is_said_beside_an_event_goes_in_headers() {
    let event = order("1");
    let attributes = [
        ("ERROR_CODE", "NO_RESOURCE".to_owned()),
        ("ERROR_MESSAGE", "100 % \u{e9}\n".to_owned()),
        ("RULE_ARN", String::new()),
    ];
    let work = async |address| {
        let client = connect(&http_target(format!("http://{address}/"))).await.unwrap();
        let delivery = Delivery { path: "eu,us", attributes: &attributes, ..delivery(&event) };
        client.send(&[delivery]).await
    };
    let (_, seen) = beside_server(|| answer(200, ""), work).await;
    for (name, value) in [
        ("railpost-path", "eu,us"),
        ("railpost-error-code", "NO_RESOURCE"),
        ("railpost-error-message", "100 %25 %C3%A9%0A"),
        ("railpost-rule-arn", ""),
    ] {
        assert_eq!(seen[0].header(name), value, "{name}");
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
            Some("Railpost-Path"),
            "the header `Railpost-Path` cannot be sent: the event sets it",
        ),
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
        assert_eq!(connect(&http_target(url.to_owned())).await.unwrap().address(), expected);
    }
}
