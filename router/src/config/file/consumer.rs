//! `[[consumer]]`: one receiver's whole contract.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{At, Filter, Key, LengthOfTime, RateLimit, RetryTable, StartText};

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
    #[serde(default, deserialize_with = "RetryTable::one")]
    pub(crate) retry: RetryTable,
    /// Attempts under way at a time, at most, 1 to 1024; `32` unless set.
    pub(crate) concurrency: Option<At<i64>>,
    /// Whose events must not overtake one another: those with the same key, a path such as `$.data.order`, or a table;
    /// none must unless set. An event without a key waits for no other.
    pub(crate) order_by: Option<At<Key>>,
    /// Events a second at most: a number such as `100` or `0.5`, or a table; no limit unless set.
    pub(crate) rate: Option<At<RateLimit>>,
    /// Events a request at most: with `http` and `mode = "batch"` 1 to 1000, `100` unless set; with `sqs` and
    /// `eventbridge` 1 to 10, `10` unless set. Other targets get one at a time. With `order_by` a batch holds one event
    /// a key.
    pub(crate) batch: Option<At<i64>>,
    /// Where it begins if it is new to its bus: `latest`, `earliest`, or a time such as `2026-11-21T06:00:00Z`, the
    /// first event accepted at it or after; `latest` unless set.
    pub(crate) start: Option<At<StartText>>,
    /// Where its dead letters are sent as well: `http`, `sqs`, `eventbridge`, `file`, or another `bus` than its own, with
    /// the options of a target. They are kept here in any case.
    pub(crate) dead_letters: Option<At<TargetTable>>,
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
    /// CloudEvents batched mode: the body is an array of whole events, see `batch`.
    Batch,
}
