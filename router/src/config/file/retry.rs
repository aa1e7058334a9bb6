//! `retry`: what happens after a failed attempt, in this project's words or in those of Step Functions.

use std::fmt;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{At, LengthOfTime};

/// What happens after a failed attempt: exponential backoff with full jitter, until a limit.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(crate) struct RetryTable {
    /// Tries after the first, at most; `185` unless set, as `EventBridge` has it.
    pub(crate) attempts: Option<At<u32>>,
    /// How long after its first try an event may be tried again; `24h` unless set, as `EventBridge` has it.
    pub(crate) max_age: Option<At<LengthOfTime>>,
    /// The longest wait after the first failure; `1s` unless set.
    pub(crate) interval: Option<At<LengthOfTime>>,
    /// The longest wait after any failure; `15m` unless set.
    pub(crate) interval_max: Option<At<LengthOfTime>>,
    /// How many times longer the longest wait is after each further failure, 1 to 1000; `2.0` unless set.
    pub(crate) backoff_rate: Option<At<f64>>,
    /// `attempts` as Step Functions calls it.
    #[serde(rename = "MaxAttempts")]
    pub(crate) step_attempts: Option<At<u32>>,
    /// `interval` as Step Functions calls it, in whole seconds.
    #[serde(rename = "IntervalSeconds")]
    pub(crate) step_interval: Option<At<i64>>,
    /// `interval_max` as Step Functions calls it, in whole seconds.
    #[serde(rename = "MaxDelaySeconds")]
    pub(crate) step_interval_max: Option<At<i64>>,
    /// `backoff_rate` as Step Functions calls it.
    #[serde(rename = "BackoffRate")]
    pub(crate) step_backoff_rate: Option<At<f64>>,
}

impl RetryTable {
    /// Reads a table, and not an array of them as Step Functions has it.
    pub(crate) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor;

        impl<'de> Visitor<'de> for TableVisitor {
            type Value = RetryTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RetryTable, A::Error> {
                RetryTable::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(TableVisitor)
    }
}
