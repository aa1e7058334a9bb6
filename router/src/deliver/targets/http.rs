//! [`Http`]: events as `POST` requests, CloudEvents in binary, structured or batched mode.
//!
//! Redirects are never followed and no proxy is used: what a configuration names is where its events go.

use std::error::Error;
use std::io;
use std::iter;
use std::time::Duration;

use bytes::Bytes;
use event::http::{encode_batch, encode_binary, encode_structured};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::endpoint::Endpoint;
use super::guard::Guard;
use super::pool::{self, Pool};
use super::resolver::{Refused, Resolver};
use super::secrets::Secrets;
use super::tls::Tls;
use super::{Class, ConnectError, Connections, Delivery, Failure, Outcome, retry_after};
use crate::clock;
use crate::config::Mode;

/// Bytes of an answer that are read, at most; a longer answer costs the connection.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How long to wait for an answer's body once its status is known: the status decides, the body only explains.
const ANSWER_BODY_WAIT: Duration = Duration::from_secs(1);

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// What the names of this router's own headers begin with.
const OWN: &str = "railpost-";
const PATH: HeaderName = HeaderName::from_static("railpost-path");

const SENDER: HeaderValue = HeaderValue::from_static(concat!("railpost/", env!("CARGO_PKG_VERSION")));

/// What a value of an own header writes as `%` and two digits, beside all that is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');

/// One HTTP target.
pub(crate) struct Http {
    pool: Pool,
    uri: Uri,
    address: String,
    mode: Mode,
    batch: usize,
    headers: HeaderMap,
    timeout: Duration,
    secrets: Secrets,
}

/// What a configuration says of one HTTP target.
pub(super) struct Settings<'a> {
    /// Where its events go.
    pub(super) url: &'a str,
    /// How they are written.
    pub(super) mode: Mode,
    /// Events a request, at most.
    pub(super) batch: usize,
    /// Headers added to every request.
    pub(super) headers: &'a [(String, String)],
    /// How long one attempt may take until the status of its answer.
    pub(super) timeout: Duration,
}

impl Http {
    /// Returns a client for a URL.
    pub(super) fn connect(
        settings: &Settings<'_>,
        connections: &mut Connections,
    ) -> Result<Self, ConnectError> {
        let Settings { url, mode, batch, headers, timeout } = *settings;
        let endpoint = Endpoint::parse(url)?;
        let tls = if endpoint.is_secure() { connections.tls.system()? } else { Tls::none()? };
        let allowed = connections.allowed.clone();
        let lookup = connections.lookup.clone();
        let open = || Pool::new(Resolver::new(Guard::new(endpoint.host(), allowed), lookup), tls, timeout);
        let headers = constant_headers(headers, &endpoint)?;
        // Requests over one HTTP/2 connection could wait for one another; over HTTP/1.1 each has a connection.
        let pool = if endpoint.is_secure() {
            open()
        } else {
            connections.plain.entry((endpoint.host().to_owned(), timeout)).or_insert_with(open).clone()
        };
        Ok(Self {
            pool,
            secrets: Secrets::new(&headers, &endpoint.url),
            uri: endpoint.uri,
            address: endpoint.address,
            mode,
            batch: batch.max(1),
            headers,
            timeout,
        })
    }

    /// Returns how many events a request may have.
    pub(super) fn batch_max(&self) -> usize {
        self.batch
    }

    /// Sends one request, or more where the deliveries cannot share one.
    pub(super) async fn send(&self, deliveries: &[Delivery<'_>]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(deliveries.len());
        for together in deliveries.chunk_by(|one, next| self.may_share(one, next)) {
            let outcome = self.attempt(together).await;
            outcomes.extend(iter::repeat_n(outcome, together.len()));
        }
        outcomes
    }

    /// Returns where the events go, in a form that may be shown to anybody.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Headers speak for a whole request, so that events of which they say different things do not share one.
    fn may_share(&self, one: &Delivery<'_>, next: &Delivery<'_>) -> bool {
        let plain = one.attributes.is_empty() && next.attributes.is_empty();
        self.mode == Mode::Batch && plain && one.path == next.path
    }

    async fn attempt(&self, deliveries: &[Delivery<'_>]) -> Outcome {
        match tokio::time::timeout(self.timeout, self.exchange(deliveries)).await {
            Ok(Ok(response)) => self.answered(response).await,
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(_) => Outcome::Failed(Failure::retryable(format!("no answer within {:?}", self.timeout))),
        }
    }

    /// Sends a request, and once more on a new connection if the old one had come to its end.
    async fn exchange(&self, deliveries: &[Delivery<'_>]) -> Result<Response<Incoming>, Failure> {
        let answer = match self.pool.send(self.request(deliveries)?).await {
            Err(error) if pool::is_stale(&error) => self.pool.send_anew(self.request(deliveries)?).await,
            answer => answer,
        };
        answer.map_err(|error| self.unanswered(&error))
    }

    fn request(&self, deliveries: &[Delivery<'_>]) -> Result<Request<Full<Bytes>>, Failure> {
        let (mut headers, body) = match (self.mode, deliveries) {
            (Mode::Binary, [delivery]) => encode_binary(delivery.event)
                .map_err(|error| Failure::new(Class::Permanent, None, &error.to_string()))?,
            (Mode::Structured, [delivery]) => encode_structured(delivery.event),
            _ => encode_batch(deliveries.iter().map(|delivery| delivery.event)),
        };
        headers.extend(deliveries.first().into_iter().flat_map(own_headers));
        // Several events have several traces, and each carries its own.
        if let [Delivery { trace, span, .. }] = deliveries {
            let traces = [(TRACEPARENT, trace.traceparent(*span)), (XRAY, trace.xray(*span))];
            headers.extend(traces.into_iter().filter_map(|(name, text)| Some((name, text.try_into().ok()?))));
        }
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }

    async fn answered(&self, response: Response<Incoming>) -> Outcome {
        let (head, body) = response.into_parts();
        // Also read after a success: a connection is used again only once its last answer has been read.
        let body = read_start(body).await;
        let status = head.status;
        let after = retry_after::read(&head.headers, clock::now());
        let Some(class) = Class::of_http(status, after) else {
            return Outcome::Delivered { status: Some(status.as_u16()) };
        };
        let note = if status.is_redirection() { ": redirects are not followed" } else { "" };
        let body = self.secrets.hide(&String::from_utf8_lossy(&body));
        let colon = if body.trim().is_empty() { "" } else { ": " };
        let error = format!("{status}{note}{colon}{body}");
        Outcome::Failed(Failure::new(class, Some(status.as_u16()), &error))
    }

    fn unanswered(&self, error: &legacy::Error) -> Failure {
        let causes = || iter::successors(Some(error as &dyn Error), |error| (*error).source());
        if let Some(refused) = causes().find_map(|cause| cause.downcast_ref::<Refused>()) {
            return Failure::retryable(refused.to_string());
        }
        let is_late = |cause: &io::Error| cause.kind() == io::ErrorKind::TimedOut;
        let cause = match causes().last() {
            Some(cause) if cause.downcast_ref().is_some_and(is_late) => "no answer in time".to_owned(),
            Some(cause) => self.secrets.hide(&cause.to_string()),
            None => String::new(),
        };
        let what = if error.is_connect() { "cannot connect" } else { "the connection broke" };
        Failure::retryable(format!("{what}: {cause}"))
    }
}

/// Returns the headers that all requests have.
fn constant_headers(headers: &[(String, String)], endpoint: &Endpoint) -> Result<HeaderMap, ConnectError> {
    let mut parsed = HeaderMap::new();
    for (name, value) in headers {
        let invalid = |reason| ConnectError::Header { name: name.clone(), reason };
        let header = HeaderName::try_from(name).map_err(|_| invalid("its name is no header name"))?;
        if is_reserved(&header) {
            return Err(invalid("the event sets it"));
        }
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| invalid("its value has characters that no header may have"))?;
        value.set_sensitive(true);
        parsed.append(header, value);
    }
    if let Some(authorization) = endpoint.authorization() {
        parsed.entry(AUTHORIZATION).or_insert(authorization);
    }
    parsed.entry(USER_AGENT).or_insert(SENDER);
    Ok(parsed)
}

fn is_reserved(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, TRACEPARENT, XRAY].contains(name)
        || name.as_str().starts_with("ce-")
        || name.as_str().starts_with(OWN)
}

/// Returns what is said beside a delivery's event, as headers.
fn own_headers(delivery: &Delivery<'_>) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    let path = (!delivery.path.is_empty()).then(|| Some((PATH, own_value(delivery.path)?))).flatten();
    let attributes = delivery.attributes.iter().filter_map(|(name, text)| {
        let name = format!("{OWN}{}", name.to_ascii_lowercase().replace('_', "-"));
        Some((HeaderName::try_from(name).ok()?, own_value(text)?))
    });
    path.into_iter().chain(attributes)
}

fn own_value(text: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(utf8_percent_encode(text, ESCAPED).to_string()).ok()
}

/// Reads an answer's body until its end, a limit or a wait is reached, or it breaks off.
async fn read_start(mut body: Incoming) -> Vec<u8> {
    let mut start = Vec::new();
    if body.is_end_stream() {
        return start;
    }
    let reading = async {
        while start.len() < ANSWER_BYTES_MAX
            && let Some(Ok(frame)) = body.frame().await
        {
            if let Some(chunk) = frame.data_ref() {
                let room = ANSWER_BYTES_MAX - start.len();
                start.extend_from_slice(&chunk[..chunk.len().min(room)]);
            }
        }
    };
    // What came before the wait was over is as good an excerpt as any.
    tokio::time::timeout(ANSWER_BODY_WAIT, reading).await.unwrap_or_default();
    start
}
