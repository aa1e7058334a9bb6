//! What targets receive, and what their answers count as.

#[cfg(feature = "aws")]
mod aws;
mod batch;
mod file;
mod guard;
mod http;
mod misbehaving;
mod outcome;
mod tls;

use std::future::IntoFuture as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::response::Response;
use axum::serve::Listener;
use bytes::Bytes;
use event::eventbridge::Identity;
use event::{Data, Event, SpanId, Timestamp, TraceContext, TraceId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;

use super::{Class, Client, ConnectError, Connections, Delivery, Outcome};
use crate::config::{Mode, Target};

const TRACE: TraceContext = TraceContext {
    trace: TraceId([
        0x57, 0x59, 0xe9, 0x88, 0xbd, 0x86, 0x2e, 0x3f, 0xe1, 0xbe, 0x46, 0xa9, 0x94, 0x27, 0x27, 0x93,
    ]),
    span: SpanId([1; 8]),
    parent: None,
    sampled: true,
};
const SPAN: SpanId = SpanId([2; 8]);
const TRACEPARENT: &str = "00-5759e988bd862e3fe1be46a994272793-0202020202020202-01";
const XRAY: &str = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0202020202020202;Sampled=1";

/// 2026-11-21T06:00:00Z.
const RECEIVED: Timestamp = Timestamp::from_millis(1_795_240_800_000);

/// Longer than any answer here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The cases of a table in a file.
fn cases<T: DeserializeOwned>(text: &str) -> Vec<T> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Table<T> {
        case: Vec<T>,
    }
    toml::from_str::<Table<T>>(text).unwrap().case
}

/// An order with a JSON payload.
fn order(id: &str) -> Event {
    Event {
        datacontenttype: Some("application/json".into()),
        data: Some(Data::Json(Bytes::from_static(b"{\"total\":1.10}"))),
        ..Event::new(id, "shop.orders", "OrderPlaced")
    }
}

fn delivery(event: &Event) -> Delivery<'_> {
    Delivery { event, received: RECEIVED, trace: &TRACE, span: SPAN, path: "", attributes: &[], replay: None }
}

fn identity() -> Identity {
    Identity { account: "000000000000".to_owned(), region: "eu-west-1".to_owned() }
}

/// A target that gets its events one a request.
fn http_target(url: impl Into<String>) -> Target {
    Target::Http { url: url.into(), mode: Mode::Binary, headers: Vec::new(), timeout: PATIENCE }
}

async fn connect(target: &Target) -> Result<Client, ConnectError> {
    connect_by(&mut Connections::new(&[]), target, 1).await
}

async fn connect_by(
    connections: &mut Connections,
    target: &Target,
    batch: usize,
) -> Result<Client, ConnectError> {
    let client = Client::connect(target, &identity(), batch, connections).await?;
    Ok(client.expect("the target is no bus"))
}

/// Sends one event and returns what came of it.
async fn send(client: &Client, event: &Event) -> Outcome {
    let outcomes = client.send(&[delivery(event)]).await;
    let [outcome] = <[Outcome; 1]>::try_from(outcomes).expect("one delivery has one outcome");
    outcome
}

/// Says what came of an attempt in the words of the tables.
fn in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Delivered { .. } => "delivered".to_owned(),
        Outcome::Failed(failure) => class_in_words(failure.class),
    }
}

fn class_in_words(class: Class) -> String {
    match class {
        Class::Retryable => "retryable".to_owned(),
        Class::Throttled { after: None } => "throttled".to_owned(),
        Class::Throttled { after: Some(after) } => format!("throttled for {after:?}"),
        Class::Permanent => "permanent".to_owned(),
        Class::Retired => "retired".to_owned(),
    }
}

fn error(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed(failure) => failure.error,
        Outcome::Delivered { status } => panic!("delivered with {status:?}"),
    }
}

/// A request as it came over the wire.
struct Seen {
    version: axum::http::Version,
    path: String,
    headers: axum::http::HeaderMap,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Runs `work` beside a server that gives every request the same answer; returns the requests too.
async fn beside_server<T>(
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
    work: impl AsyncFnOnce(SocketAddr) -> T,
) -> (T, Vec<Seen>) {
    beside(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer, work).await
}

/// As [`beside_server`], with a listener of any kind.
async fn beside<T, L>(
    listener: L,
    answer: impl Fn() -> Response + Clone + Send + Sync + 'static,
    work: impl AsyncFnOnce(SocketAddr) -> T,
) -> (T, Vec<Seen>)
where
    L: Listener<Addr = SocketAddr>,
{
    let seen = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&seen);
    let app = Router::new().fallback(async move |request: Request| {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.into()).unwrap();
        let Parts { version, uri, headers, .. } = head;
        record.lock().unwrap().push(Seen { version, path: uri.to_string(), headers, body });
        answer()
    });
    let address = listener.local_addr().unwrap();
    let value = tokio::select! {
        value = tokio::time::timeout(PATIENCE, work(address)) => value.expect("it ends in time"),
        ended = axum::serve(listener, app).into_future() => panic!("the server ended: {ended:?}"),
    };
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (value, seen)
}
