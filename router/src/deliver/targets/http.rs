//! [`Http`]: events as `POST` requests, CloudEvents in binary or structured mode.
//!
//! Redirects are never followed and no proxy is used: what a configuration names is where its events go.

use std::error::Error as _;
use std::time::Duration;

use event::http::{encode_binary, encode_structured};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Response, Url};
use rustls::crypto::{CryptoProvider, ring};

use super::secrets::Secrets;
use super::{Class, ConnectError, Delivery, Failure, Outcome, retry_after};
use crate::clock;
use crate::config::Mode;

/// Bytes of an answer that are read, at most; a longer answer costs the connection.
const ANSWER_BYTES_MAX: usize = 4 * 1024;

/// How long to wait for an answer's body once its status is known: the status decides, the body only explains.
const ANSWER_BODY_WAIT: Duration = Duration::from_secs(1);

/// How long an idle connection is kept.
const IDLE_CONNECTION_KEPT: Duration = Duration::from_mins(1);

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// One HTTP target, with its own connections.
pub(crate) struct Http {
    client: reqwest::Client,
    url: Url,
    address: String,
    mode: Mode,
    headers: HeaderMap,
    timeout: Duration,
    secrets: Secrets,
}

impl Http {
    /// Returns a client for a URL; `headers` are added to every request.
    pub(super) fn connect(
        url: &str,
        mode: Mode,
        headers: &[(String, String)],
        timeout: Duration,
    ) -> Result<Self, ConnectError> {
        let url = parse_url(url)?;
        Ok(Self {
            client: client(&url)?,
            address: show(&url),
            mode,
            headers: parse_headers(headers)?,
            timeout,
            secrets: Secrets::new(headers, &url),
            url,
        })
    }

    /// Sends one request.
    pub(super) async fn send(&self, delivery: &Delivery<'_>) -> Outcome {
        let encoded = match self.mode {
            Mode::Binary => encode_binary(delivery.event),
            Mode::Structured => Ok(encode_structured(delivery.event)),
        };
        let (mut headers, body) = match encoded {
            Ok(encoded) => encoded,
            Err(error) => return Outcome::Failed(Failure::new(Class::Permanent, None, &error.to_string())),
        };
        let traces = [
            (TRACEPARENT, delivery.trace.traceparent(delivery.span)),
            (XRAY, delivery.trace.xray(delivery.span)),
        ];
        headers.extend(traces.into_iter().filter_map(|(name, value)| Some((name, value.try_into().ok()?))));
        for (name, value) in &self.headers {
            headers.append(name, value.clone());
        }
        let request = self.client.post(self.url.clone()).timeout(self.timeout).headers(headers).body(body);
        match request.send().await {
            Ok(response) => self.answered(response).await,
            Err(error) => Outcome::Failed(self.unanswered(&error)),
        }
    }

    /// Returns where the events go, without user, password and query, and of the path, which may be a secret too, only
    /// the start: `https hooks.example/services/...`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    async fn answered(&self, response: Response) -> Outcome {
        let status = response.status();
        let after = retry_after::read(response.headers(), clock::now());
        // Also read after a success: a connection is used again only once its last answer has been read.
        let body = read_start(response).await;
        let Some(class) = Class::of_http(status, after) else {
            return Outcome::Delivered { status: Some(status.as_u16()) };
        };
        let note = if status.is_redirection() { ": redirects are not followed" } else { "" };
        let body = self.secrets.hide(&String::from_utf8_lossy(&body));
        let colon = if body.trim().is_empty() { "" } else { ": " };
        let error = format!("{status}{note}{colon}{body}");
        Outcome::Failed(Failure::new(class, Some(status.as_u16()), &error))
    }

    fn unanswered(&self, error: &reqwest::Error) -> Failure {
        let cause = self.secrets.hide(&root_cause(error));
        if error.is_builder() {
            return Failure::new(Class::Permanent, None, &format!("cannot make the request: {cause}"));
        }
        Failure::retryable(if error.is_timeout() {
            format!("no answer within {:?}", self.timeout)
        } else if error.is_connect() {
            format!("cannot connect: {cause}")
        } else {
            format!("the connection broke: {cause}")
        })
    }
}

fn parse_url(text: &str) -> Result<Url, ConnectError> {
    let url = Url::parse(text).map_err(|error| ConnectError::Url { reason: error.to_string() })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(ConnectError::Url { reason: format!("`{scheme}` is neither http nor https") }),
    }
}

fn show(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let path = url.path().strip_prefix('/').unwrap_or_default();
    let path = match path.split_once('/') {
        Some((first, rest)) if !rest.is_empty() => format!("{first}/..."),
        _ => path.to_owned(),
    };
    format!("{} {}{port}/{path}", url.scheme(), url.host_str().unwrap_or_default())
}

fn client(url: &Url) -> Result<reqwest::Client, ConnectError> {
    let builder = client_builder()
        .user_agent(concat!("railpost/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .pool_idle_timeout(IDLE_CONNECTION_KEPT);
    // Without TLS the system's certificates are not needed; reading them costs time and memory, and some images have none.
    let builder = if url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
    builder.build().map_err(ConnectError::Http)
}

fn client_builder() -> reqwest::ClientBuilder {
    if CryptoProvider::get_default().is_none() && ring::default_provider().install_default().is_err() {
        tracing::debug!("another part of the process chose the TLS provider first");
    }
    reqwest::Client::builder().no_proxy()
}

/// Checks that the system has certificates to know servers by, which container images may lack.
#[cfg(feature = "aws")]
pub(super) fn check_certificates() -> Result<(), ConnectError> {
    client_builder().build().map(drop).map_err(ConnectError::Http)
}

fn parse_headers(headers: &[(String, String)]) -> Result<HeaderMap, ConnectError> {
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
    Ok(parsed)
}

fn is_reserved(name: &HeaderName) -> bool {
    [CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, TRACEPARENT, XRAY].contains(name)
        || name.as_str().starts_with("ce-")
}

/// Reads an answer's body until its end, a limit or a wait is reached, or it breaks off.
async fn read_start(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    let reading = async {
        while body.len() < ANSWER_BYTES_MAX
            && let Ok(Some(chunk)) = response.chunk().await
        {
            let room = ANSWER_BYTES_MAX - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
    };
    // What came before the wait was over is as good an excerpt as any.
    tokio::time::timeout(ANSWER_BODY_WAIT, reading).await.unwrap_or_default();
    body
}

fn root_cause(error: &reqwest::Error) -> String {
    let first: &dyn std::error::Error = error;
    let last = std::iter::successors(error.source(), |error| (*error).source()).last();
    last.unwrap_or(first).to_string()
}
