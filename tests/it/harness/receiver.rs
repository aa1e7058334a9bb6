//! An HTTP receiver that remembers what it got and answers as it is told.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

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
}

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
    otherwise: Option<u16>,
}

impl Receiver {
    /// Starts a receiver that answers 204.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
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
        self.seen.lock().unwrap().otherwise = Some(status);
    }

    /// All that came so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.seen.lock().unwrap().received.clone()
    }

    /// Waits until so many requests came, and returns them.
    pub(crate) async fn expect(&self, count: usize) -> Vec<Received> {
        let deadline = tokio::time::Instant::now() + super::DEADLINE;
        loop {
            let received = self.received();
            if received.len() >= count {
                return received;
            }
            assert!(tokio::time::Instant::now() < deadline, "{} of {count} requests came", received.len());
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

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

async fn answer(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> Response {
    let mut seen = receiver.seen.lock().unwrap();
    seen.received.push(Received { headers, body });
    let otherwise = (seen.otherwise.unwrap_or(204), None);
    let (status, retry_after) = seen.answers.pop_front().unwrap_or(otherwise);
    let mut response = StatusCode::from_u16(status).unwrap().into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert("retry-after", seconds.parse().unwrap());
    }
    response
}
