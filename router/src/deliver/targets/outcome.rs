//! [`Outcome`]: what came of one attempt, and what it counts as. The table of what counts as what is in
//! `docs/delivery.md`, and the tests hold it against the code.

use std::time::Duration;

use http::StatusCode;

/// Characters of a [`Failure`]'s text, at most; the rest is cut.
const ERROR_CHARS_MAX: usize = 200;

/// What the older of SQS's error codes begin with.
#[cfg(any(feature = "aws", test))]
const SQS_PREFIX: &str = "AWS.SimpleQueueService.";

/// AWS error codes that ask for fewer requests, or say that a quota is used up.
#[cfg(any(feature = "aws", test))]
const AWS_THROTTLING: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KMS.ThrottlingException",
    "KmsThrottled",
    "LimitExceededException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// AWS error codes of faults that pass without anybody's help, whatever their status.
#[cfg(any(feature = "aws", test))]
const AWS_PASSING: &[&str] = &[
    "ConcurrentModificationException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "QueueDeletedRecently",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TokenRefreshRequired",
    "Unavailable",
];

/// What came of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The target has the event.
    Delivered {
        /// The target's own status where it has one, such as an HTTP status.
        status: Option<u16>,
    },
    /// It does not, or did not say so.
    Failed(Failure),
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What may follow.
    pub(crate) class: Class,
    /// The target's own status where it has one, such as an HTTP status.
    pub(crate) status: Option<u16>,
    /// What the target said, on one line of at most 200 characters, without secrets of the configuration.
    pub(crate) error: String,
}

/// What may follow a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Another attempt may succeed.
    Retryable,
    /// Another attempt may succeed, later.
    Throttled {
        /// How long the target asked to be left alone; it may be longer than anybody wants to wait.
        after: Option<Duration>,
    },
    /// No attempt with this event will succeed.
    Permanent,
    /// No attempt with any event will succeed.
    Retired,
}

impl Failure {
    /// Returns a failure with its text made fit to show: one line, cut at 200 characters.
    pub(super) fn new(class: Class, status: Option<u16>, error: &str) -> Self {
        Self { class, status, error: excerpt(error) }
    }

    /// Returns a failure after which another attempt may succeed, and for which the target has no status.
    pub(crate) fn retryable(error: impl AsRef<str>) -> Self {
        Self::new(Class::Retryable, None, error.as_ref())
    }
}

impl Class {
    /// Returns the class of an HTTP answer, or none if it means success. `after` is what its `Retry-After` asks.
    pub(super) fn of_http(status: StatusCode, after: Option<Duration>) -> Option<Self> {
        match status.as_u16() {
            200..=299 => None,
            410 => Some(Self::Retired),
            429 => Some(Self::Throttled { after }),
            503 if after.is_some() => Some(Self::Throttled { after }),
            408 | 425 | 500..=599 => Some(Self::Retryable),
            _ => Some(Self::Permanent),
        }
    }

    /// Returns the class of an AWS error; the errors of single entries have a code and no status.
    #[cfg(any(feature = "aws", test))]
    pub(super) fn of_aws(code: &str, status: Option<u16>) -> Self {
        let code = &code.strip_prefix(SQS_PREFIX).unwrap_or(code);
        if AWS_THROTTLING.contains(code) || status == Some(429) {
            Self::Throttled { after: None }
        } else if AWS_PASSING.contains(code) || status.is_some_and(|status| status >= 500) {
            Self::Retryable
        } else {
            Self::Permanent
        }
    }
}

/// Returns text on one line of at most 200 characters; one that was longer ends in dots.
fn excerpt(text: &str) -> String {
    const DOTS: &str = "...";
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(ERROR_CHARS_MAX) {
        None => line,
        Some(_) => line.chars().take(ERROR_CHARS_MAX - DOTS.len()).chain(DOTS.chars()).collect(),
    }
}
