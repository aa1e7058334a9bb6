//! [`Client`]: the connection to one target, and one attempt at a delivery to it.
//!
//! Connecting reads settings and makes no network call, so that a router starts while its targets are down. A client
//! tries once and says what came of it; when to try again is [`super::retry`]'s to decide. Another bus of this router is
//! no client: the worker forwards to it by itself.
//!
//! # Layout
//! * [`outcome`]: [`Outcome`], and the table of what counts as what
//! * [`http`], with [`retry_after`] and [`secrets`]
//! * `sqs` and `eventbridge`, with `aws`: only with the feature `aws`
//! * [`file`] and [`stdout`], with [`line`]

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
mod eventbridge;
mod file;
mod http;
mod line;
mod outcome;
mod retry_after;
mod secrets;
#[cfg(feature = "aws")]
mod sqs;
mod stdout;
#[cfg(test)]
mod tests;

use event::eventbridge::Identity;
use event::{Event, SpanId, Timestamp, TraceContext};

pub(crate) use self::outcome::{Class, Failure, Outcome};
use crate::config::Target;

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
}

/// What clients share: one connection pool and one set of credentials for each AWS service's address and region.
#[derive(Default)]
pub(crate) struct Connections {
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
    /// The HTTP client cannot be made, as when the system's certificates cannot be read.
    #[error("cannot make an HTTP client")]
    Http(#[source] reqwest::Error),
    /// No AWS region is known.
    #[cfg(feature = "aws")]
    #[error("no AWS region: set the target's `region`, or AWS_REGION")]
    Region,
    /// This build has no AWS targets.
    #[cfg(not(feature = "aws"))]
    #[error("this railpost was built without AWS targets: build it with the feature `aws`")]
    Aws,
}

impl Client {
    /// Returns a client for a target, without any network call; none for another bus of this router.
    #[cfg_attr(
        not(feature = "aws"),
        expect(unused_variables, clippy::unused_async, reason = "the AWS targets need all of it")
    )]
    pub(crate) async fn connect(
        target: &Target,
        identity: &Identity,
        connections: &mut Connections,
    ) -> Result<Option<Self>, ConnectError> {
        let client = match target {
            Target::Http { url, mode, headers, timeout } => {
                Self::Http(Box::new(http::Http::connect(url, *mode, headers, *timeout)?))
            }
            Target::File { path } => Self::File(file::File::new(path.clone())),
            Target::Stdout => Self::Stdout(stdout::Stdout),
            Target::Bus { .. } => return Ok(None),
            #[cfg(feature = "aws")]
            Target::Sqs { queue, service } => {
                let config = connections.aws.config(&sqs::service(queue, service)).await?;
                Self::Sqs(sqs::Sqs::new(&config, queue.clone(), identity.clone()))
            }
            #[cfg(feature = "aws")]
            Target::EventBridge { bus, service } => {
                let config = connections.aws.config(service).await?;
                Self::EventBridge(eventbridge::EventBridge::new(&config, bus.clone()))
            }
            #[cfg(not(feature = "aws"))]
            Target::Sqs { .. } | Target::EventBridge { .. } => return Err(ConnectError::Aws),
        };
        Ok(Some(client))
    }

    /// Tries once to deliver.
    pub(crate) async fn send(&self, delivery: &Delivery<'_>) -> Outcome {
        match self {
            Self::Http(http) => http.send(delivery).await,
            #[cfg(feature = "aws")]
            Self::Sqs(sqs) => Box::pin(sqs.send(delivery)).await,
            #[cfg(feature = "aws")]
            Self::EventBridge(eventbridge) => Box::pin(eventbridge.send(delivery)).await,
            Self::File(file) => file.send(delivery).await,
            Self::Stdout(stdout) => stdout.send(delivery).await,
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
