//! [`Client`]: the connection to one target, and one attempt at a delivery to it.
//!
//! Connecting reads settings and makes no network call, so that a router starts while its targets are down. A client
//! tries once and says what came of it; when to try again is [`super::retry`]'s to decide. Another bus of this router is
//! no client: the worker forwards to it by itself.
//!
//! # Layout
//! * [`outcome`]: [`Outcome`], and the table of what counts as what
//! * [`http`], with [`endpoint`], [`retry_after`] and [`secrets`]
//! * [`pool`], which connects by way of [`resolver`] past [`guard`], and by [`tls`]
//! * `sqs` and `eventbridge`, with `aws`: only with the feature `aws`
//! * [`file`] and [`stdout`], with [`line`]

#[cfg(feature = "aws")]
mod aws;
mod endpoint;
#[cfg(feature = "aws")]
mod eventbridge;
mod file;
mod guard;
mod http;
mod line;
mod outcome;
mod pool;
mod resolver;
mod retry_after;
mod secrets;
#[cfg(feature = "aws")]
mod sqs;
mod stdout;
#[cfg(test)]
mod tests;
mod tls;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use event::eventbridge::Identity;
use event::{Event, SpanId, Timestamp, TraceContext};

pub(crate) use self::outcome::{Class, Failure, Outcome};
use self::resolver::Lookup;
use self::tls::Tls;
use crate::config::{Mode, Range, Target};

/// The connection to one target; any number of attempts may be under way at a time.
pub(crate) enum Client {
    /// `POST` to a URL.
    Http(Box<http::Http>),
    /// An SQS queue.
    #[cfg(feature = "aws")]
    Sqs(sqs::Sqs),
    /// A bus of EventBridge.
    #[cfg(feature = "aws")]
    EventBridge(eventbridge::EventBridge),
    /// A file of JSON lines.
    File(file::File),
    /// Standard output.
    Stdout(stdout::Stdout),
}

/// What one attempt delivers.
pub(crate) struct Delivery<'a> {
    /// The event.
    pub(crate) event: &'a Event,
    /// When this router accepted it.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only the AWS targets write it"))]
    pub(crate) received: Timestamp,
    /// Its trace.
    pub(crate) trace: &'a TraceContext,
    /// The span of this attempt, which the target sees as its parent.
    pub(crate) span: SpanId,
    /// The routers that the event came through, separated by commas; none is an empty text. HTTP targets see it as
    /// `railpost-path`, so that an event that goes in a circle is noticed.
    pub(crate) path: &'a str,
    /// What is said beside the event, as with a dead letter: `ERROR_CODE` is an attribute of an SQS message, and the
    /// header `railpost-error-code` of an HTTP request.
    pub(crate) attributes: &'a [(&'static str, String)],
    /// The replay that sends it again, if one does.
    #[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "only the AWS targets write it"))]
    pub(crate) replay: Option<&'a str>,
}

/// What clients share: the system's certificates, the connections without TLS to each host, and one connection pool and one
/// set of credentials for each AWS service's address and region.
pub(crate) struct Connections {
    allowed: Arc<[Range]>,
    lookup: Lookup,
    tls: Tls,
    /// By the host, and by how long a connection may take.
    plain: HashMap<(String, Duration), pool::Pool>,
    #[cfg(feature = "aws")]
    aws: aws::Services,
}

/// A target's settings make no client.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The URL is none, or not one to `POST` to.
    #[error("the target's URL cannot be used: {reason}")]
    Url {
        /// What is wrong; never the URL, which may hold a password.
        reason: String,
    },
    /// A configured header cannot be sent.
    #[error("the header `{name}` cannot be sent: {reason}")]
    Header {
        /// Its name; its value may be a secret.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A client with TLS cannot be made, as when the system has no certificates to know servers by.
    #[error("cannot make a client with TLS")]
    Tls(#[source] rustls::Error),
    /// No AWS region is known.
    #[cfg(feature = "aws")]
    #[error("no AWS region: set the target's `region`, or AWS_REGION")]
    Region,
    /// This build has no AWS targets.
    #[cfg(not(feature = "aws"))]
    #[error("this railpost was built without AWS targets: build it with the feature `aws`")]
    Aws,
}

impl Connections {
    /// Returns no connection. `allowed` are the ranges beside the public ones that names of HTTP targets may lead to.
    pub(crate) fn new(allowed: &[Range]) -> Self {
        Self {
            allowed: allowed.into(),
            lookup: resolver::system(),
            tls: Tls::default(),
            plain: HashMap::new(),
            #[cfg(feature = "aws")]
            aws: aws::Services::default(),
        }
    }
}

impl Client {
    /// Returns a client for a target, without any network call; none for another bus of this router. `batch` is how
    /// many events a request may have where the target takes several.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, clippy::unused_async, reason = "the AWS targets need all of it")
    )]
    pub(crate) async fn connect(
        target: &Target,
        identity: &Identity,
        batch: usize,
        connections: &mut Connections,
    ) -> Result<Option<Self>, ConnectError> {
        let client = match target {
            Target::Http { url, mode, headers, timeout } => {
                let batch = if *mode == Mode::Batch { batch } else { 1 };
                let settings = http::Settings { url, mode: *mode, batch, headers, timeout: *timeout };
                Self::Http(Box::new(http::Http::connect(&settings, connections)?))
            }
            Target::File { path } => Self::File(file::File::new(path.clone())),
            Target::Stdout => Self::Stdout(stdout::Stdout),
            Target::Bus { .. } => return Ok(None),
            #[cfg(feature = "aws")]
            Target::Sqs { queue, service } => {
                let config =
                    connections.aws.config(&sqs::service(queue, service), &mut connections.tls).await?;
                Self::Sqs(sqs::Sqs::new(&config, queue.clone(), identity.clone(), batch))
            }
            #[cfg(feature = "aws")]
            Target::EventBridge { bus, service } => {
                let config = connections.aws.config(service, &mut connections.tls).await?;
                Self::EventBridge(eventbridge::EventBridge::new(&config, bus.clone(), batch))
            }
            #[cfg(not(feature = "aws"))]
            Target::Sqs { .. } | Target::EventBridge { .. } => return Err(ConnectError::Aws),
        };
        Ok(Some(client))
    }

    /// Returns how many deliveries [`Self::send`] takes at a time.
    pub(crate) fn batch_max(&self) -> usize {
        match self {
            Self::Http(http) => http.batch_max(),
            #[cfg(feature = "aws")]
            Self::Sqs(sqs) => sqs.batch_max(),
            #[cfg(feature = "aws")]
            Self::EventBridge(eventbridge) => eventbridge.batch_max(),
            Self::File(_) | Self::Stdout(_) => 1,
        }
    }

    /// Tries once to deliver, and says what came of each delivery, in their order. There is at least one of them.
    pub(crate) async fn send(&self, deliveries: &[Delivery<'_>]) -> Vec<Outcome> {
        match self {
            Self::Http(http) => http.send(deliveries).await,
            #[cfg(feature = "aws")]
            Self::Sqs(sqs) => Box::pin(sqs.send(deliveries)).await,
            #[cfg(feature = "aws")]
            Self::EventBridge(eventbridge) => Box::pin(eventbridge.send(deliveries)).await,
            Self::File(file) => file.send(deliveries).await,
            Self::Stdout(stdout) => stdout.send(deliveries).await,
        }
    }

    /// Returns where the events go, in a form that may be shown to anybody.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Http(http) => http.address().to_owned(),
            #[cfg(feature = "aws")]
            Self::Sqs(sqs) => sqs.address(),
            #[cfg(feature = "aws")]
            Self::EventBridge(eventbridge) => eventbridge.address(),
            Self::File(file) => file.address(),
            Self::Stdout(_) => "stdout".to_owned(),
        }
    }
}
