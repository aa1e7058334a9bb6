//! [`Refusal`]: every answer that is not a success, with its status and a body that names the field.

use std::error::Error as _;

use api::Problem;
use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode, Uri};

use crate::ingest::BODY_BYTES_MAX;

/// Seconds after which a publisher should come back when a queue is full.
const RETRY_AFTER_S: u32 = 1;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    problem: Problem,
}

impl Refusal {
    /// Returns a refusal with a stable name and a reason.
    pub(crate) fn new(status: StatusCode, error: &str, reason: impl Into<String>) -> Self {
        let problem = Problem { error: error.to_owned(), field: None, reason: reason.into(), help: None };
        Self { status, problem }
    }

    /// Names the field at fault.
    pub(crate) fn field(mut self, field: impl Into<String>) -> Self {
        self.problem.field = Some(field.into());
        self
    }

    /// Says how to mend it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.problem.help = Some(help.into());
        self
    }

    /// The body is larger than any event may be.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            format!("the body is larger than {BODY_BYTES_MAX} bytes"),
        )
        .help("send fewer events a request, or a reference to the data (the `dataref` extension)")
    }

    /// The body could not be read.
    pub(crate) fn unreadable(error: &axum::Error) -> Self {
        // The limit is the innermost cause.
        let mut cause = error.source();
        while let Some(inner) = cause {
            if inner.to_string().contains("length limit") {
                return Self::too_large();
            }
            cause = inner.source();
        }
        Self::new(StatusCode::BAD_REQUEST, "unreadable-body", format!("the body could not be read: {error}"))
    }

    /// The router takes no events now.
    pub(crate) fn not_ready(phase: api::Phase) -> Self {
        let reason = match phase {
            api::Phase::Recovering => "the router is reading its log",
            api::Phase::Draining => "the router is shutting down",
            api::Phase::Failed => "the router's store failed; see its log",
            api::Phase::Running => "the router is busy",
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", reason)
    }

    /// No bus has that name.
    pub(crate) fn unknown_bus(bus: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-bus", format!("there is no bus `{bus}`"))
            .field("bus")
            .help("add it to the configuration, or use `default`")
    }

    /// The store did not take the events.
    pub(crate) fn store(error: &store::Error) -> Self {
        match error {
            store::Error::Full { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", "too many events wait for the disk")
                    .help("try again after the seconds in Retry-After")
            }
            error => {
                // It names files of this machine, which is nothing for a publisher.
                let error: &dyn std::error::Error = error;
                tracing::error!(error, "the store did not take events");
                let reason = "the router's store failed; its log has the details";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "store-failed", reason)
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let wait = matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let mut response = (self.status, Json(self.problem)).into_response();
        if wait {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S));
        }
        response
    }
}

/// Answers a path that does not exist.
pub(crate) async fn no_such_path(uri: Uri) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown-path", format!("there is nothing at {}", uri.path()))
        .help("publish to / or /buses/{bus}/events; ask /api/v1/overview")
}

/// Answers a method that a path does not take.
pub(crate) async fn no_such_method(uri: Uri) -> Refusal {
    let reason = format!("{} does not take this method", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "unknown-method", reason)
}
