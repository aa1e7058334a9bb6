//! `[[consumer]]`: one receiver's whole contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Filter, LengthOfTime};

/// One receiver's whole contract.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct ConsumerTable {
    /// Its name, unique among the consumers: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub(crate) name: At<String>,
    /// The bus it reads; `default` unless set.
    pub(crate) bus: Option<At<String>>,
    /// Which events it gets: a pattern; all events unless set.
    pub(crate) filter: Option<At<Filter>>,
    /// The schema that payloads must follow; any payload will do unless set.
    pub(crate) schema: Option<SchemaTable>,
    /// Where its events go: exactly one of `http`, `sqs`, `eventbridge`, `bus`, `file`, `stdout`, and its options.
    pub(crate) target: At<TargetTable>,
    /// What happens after a failed attempt.
    #[serde(default)]
    pub(crate) retry: RetryTable,
    /// Attempts under way at a time, at most, 1 to 1024; `32` unless set.
    pub(crate) concurrency: Option<At<i64>>,
}

/// A schema check.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct SchemaTable {
    /// A schema and a range of versions, such as `shop.orders/OrderPlaced@^2`; the highest version in the range judges.
    pub(crate) accept: At<String>,
    /// What becomes of an event that does not follow it; `dead-letter` unless set.
    pub(crate) otherwise: Option<OtherwiseName>,
}

/// What becomes of an event that does not follow its schema.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OtherwiseName {
    /// It is dropped and counted.
    Skip,
    /// It is kept with the dead letters.
    DeadLetter,
}

/// Where a consumer's events go: exactly one of `http`, `sqs`, `eventbridge`, `bus`, `file` and `stdout`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table such as `{ http = \"http://...\" }`")]
pub(crate) struct TargetTable {
    /// A URL that gets every event by `POST`.
    pub(crate) http: Option<At<String>>,
    /// The URL of an SQS queue; a message's body is the event's `EventBridge` envelope.
    pub(crate) sqs: Option<At<String>>,
    /// The name or ARN of a bus of `EventBridge`.
    pub(crate) eventbridge: Option<At<String>>,
    /// The name of another bus of this router.
    pub(crate) bus: Option<At<String>>,
    /// A file that JSON lines are appended to, relative to this file.
    pub(crate) file: Option<At<String>>,
    /// `true`: JSON lines on standard output.
    pub(crate) stdout: Option<At<bool>>,
    /// With `http`: how the event is written; `binary` unless set.
    pub(crate) mode: Option<At<ModeName>>,
    /// With `http`: headers added to every request. `${NAME}` in a value stands for an environment variable.
    pub(crate) headers: Option<At<BTreeMap<At<String>, At<String>>>>,
    /// With `http`: how long one attempt may take; `10s` unless set.
    pub(crate) timeout: Option<At<LengthOfTime>>,
    /// With `sqs` and `eventbridge`: the service's address, where it is not AWS's own or the environment's.
    pub(crate) endpoint: Option<At<String>>,
    /// With `sqs` and `eventbridge`: the region, where it is not the environment's.
    pub(crate) region: Option<At<String>>,
}

/// How an HTTP target gets its events.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ModeName {
    /// CloudEvents binary mode: the payload is the body, the attributes are headers.
    Binary,
    /// CloudEvents structured mode: the body is the whole event.
    Structured,
}

/// What happens after a failed attempt: exponential backoff with full jitter, until a limit.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(crate) struct RetryTable {
    /// Tries after the first, at most; `185` unless set, as `EventBridge` has it.
    pub(crate) attempts: Option<At<u32>>,
    /// How old an event may become; `24h` unless set, as `EventBridge` has it.
    pub(crate) max_age: Option<At<LengthOfTime>>,
    /// The longest wait after the first failure; `1s` unless set.
    pub(crate) interval: Option<At<LengthOfTime>>,
    /// The longest wait after any failure; `15m` unless set.
    pub(crate) interval_max: Option<At<LengthOfTime>>,
}
