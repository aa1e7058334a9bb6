//! An HTTP receiver that remembers what it got and answers as it is told.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// When it came.
    pub(crate) at: Instant,
    /// What it was answered.
    pub(crate) status: u16,
}

/// Chooses the answer to a request, from the request and how many came before it.
type Rule = Box<dyn Fn(&Received, usize) -> u16 + Send>;

/// A receiver on a free port.
#[derive(Clone)]
pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    received: Vec<Received>,
    answers: VecDeque<(u16, Option<&'static str>)>,
    rule: Option<Rule>,
    location: Option<String>,
}

impl Receiver {
    /// Starts a receiver that answers 204.
    pub(crate) async fn start() -> Self {
        Self::start_at("127.0.0.1:0").await
    }

    /// The same, at an address.
    pub(crate) async fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let receiver = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let routes = Router::new().fallback(any(answer)).with_state(receiver.clone());
        #[expect(clippy::disallowed_methods, reason = "a test's receiver lives as long as the test")]
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        receiver
    }

    /// Its address with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers the next request with a status and perhaps a Retry-After.
    pub(crate) fn answer_next(&self, status: u16, retry_after: Option<&'static str>) {
        self.seen.lock().unwrap().answers.push_back((status, retry_after));
    }

    /// Answers every request with a status from now on.
    pub(crate) fn answer_always(&self, status: u16) {
        self.answer_by(move |_, _| status);
    }

    /// Sends every request somewhere else from now on.
    pub(crate) fn redirect(&self, status: u16, location: &str) {
        self.answer_always(status);
        self.seen.lock().unwrap().location = Some(location.to_owned());
    }

    /// Answers every request by a rule from now on; it is told how many requests came before.
    pub(crate) fn answer_by(&self, rule: impl Fn(&Received, usize) -> u16 + Send + 'static) {
        self.seen.lock().unwrap().rule = Some(Box::new(rule));
    }

    /// Forgets what came so far.
    pub(crate) fn forget(&self) {
        self.seen.lock().unwrap().received.clear();
    }

    /// How many requests came so far.
    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().received.len()
    }

    /// When each request came.
    pub(crate) fn times(&self) -> Vec<Instant> {
        self.seen.lock().unwrap().received.iter().map(|one| one.at).collect()
    }

    /// The ids of the events that were taken, in the order of their first coming.
    pub(crate) fn taken(&self) -> Vec<String> {
        let mut known = HashSet::new();
        let mut ids = self.taken_each();
        ids.retain(|id| known.insert(id.clone()));
        ids
    }

    /// The ids of the events that were taken, as often as they were.
    pub(crate) fn taken_each(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.received.iter().filter(|one| one.status < 300).flat_map(Received::ids).collect()
    }

    /// All that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.seen.lock().unwrap().received.clone()
    }

    /// Waits until so many requests came, and returns them.
    pub(crate) async fn expect(&self, count: usize) -> Vec<Received> {
        let deadline = tokio::time::Instant::now() + super::DEADLINE;
        loop {
            if self.count() >= count {
                return self.received();
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} requests came", self.count());
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }
}

impl Received {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The event's id, in either mode.
    pub(crate) fn id(&self) -> String {
        match self.header("ce-id") {
            Some(id) => id.to_owned(),
            None => self.json()["id"].as_str().unwrap().to_owned(),
        }
    }

    /// The ids of all its events, in any mode.
    pub(crate) fn ids(&self) -> Vec<String> {
        let is_batch = self.header("content-type").is_some_and(|kind| kind.contains("batch"));
        if !is_batch {
            return vec![self.id()];
        }
        let batch = self.json();
        batch.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn answer(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let mut seen = receiver.seen.lock().unwrap();
    let mut request = Received { headers, body, at: Instant::now(), status: 204 };
    let count = seen.received.len();
    let by_rule = seen.rule.as_ref().map_or(204, |rule| rule(&request, count));
    let (status, retry_after) = seen.answers.pop_front().unwrap_or((by_rule, None));
    request.status = status;
    seen.received.push(request);
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds.parse().unwrap());
    }
    if let Some(location) = &seen.location {
        response.headers_mut().insert("location", location.parse().unwrap());
    }
    response
}
