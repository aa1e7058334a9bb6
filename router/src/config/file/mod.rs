//! The shape of the file. What is said here of a table or a key is what the reference and the JSON Schema say.

mod aggregation;
mod at;
mod bus;
mod case;
mod complete;
mod consumer;
mod filter;
mod key;
mod one_or_many;
mod rate;
mod retry;
mod text_or;

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

pub(crate) use self::aggregation::{
    AggregationTable, AtLimitName, DuplicatesName, EmitTable, LateName, PartialName, PayloadsName,
    ResequenceTable, TimeTable, UnplacedName,
};
pub(crate) use self::at::At;
pub(crate) use self::bus::{BusTable, DedupTable, DurabilityName, RetentionTable};
pub(crate) use self::case::{
    CaseTable, EventTable, ExpectTable, GroupTable, MembersTable, ReleaseTable, StepTable,
};
pub(crate) use self::complete::{
    Complete, CountShape, CountTable, ExpectedShape, ExpectedTable, FromName, ManifestTable, WhileTable,
    WindowTable,
};
pub(crate) use self::consumer::{ConsumerTable, ModeName, OtherwiseName, TargetTable};
pub(crate) use self::filter::{Entries, Filter, Node};
pub(crate) use self::key::{Key, Keys};
pub(crate) use self::one_or_many::{OneOrMany, Several};
pub(crate) use self::rate::{RateLimit, RateTable};
pub(crate) use self::retry::RetryTable;
pub(crate) use self::text_or::{LongForm, TextOr};

/// The configuration of a railpost router.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
#[schemars(title = "railpost configuration")]
pub(crate) struct File {
    /// The router itself.
    pub(crate) router: RouterTable,
    /// Where traces go.
    pub(crate) trace: TraceTable,
    /// The buses by name. The bus `default` is always there.
    pub(crate) bus: BTreeMap<At<String>, BusTable>,
    /// The consumers, one table each.
    pub(crate) consumer: Vec<ConsumerTable>,
    /// The aggregations, one table each.
    pub(crate) aggregation: Vec<AggregationTable>,
    /// Test cases of the aggregations, one table each.
    pub(crate) case: Vec<At<CaseTable>>,
}

/// The router itself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(crate) struct RouterTable {
    /// The address and port where the HTTP surface listens; `127.0.0.1:7245` unless set.
    pub(crate) listen: Option<At<String>>,
    /// The folder of the logs, relative to this file; the platform's state directory unless set.
    pub(crate) data_dir: Option<At<String>>,
    /// How long a stop may wait for attempts under way; `10s` unless set.
    pub(crate) drain: Option<At<LengthOfTime>>,
    /// The account, 12 digits, that events without their own show to patterns; `000000000000` unless set.
    pub(crate) account: Option<At<String>>,
    /// The region that events without their own show to patterns; `us-east-1` unless set.
    pub(crate) region: Option<At<String>>,
    /// A folder of JSON Schemas, `REGISTRY/NAME/VERSION.json`, relative to this file.
    pub(crate) schemas: Option<At<String>>,
    /// Ranges of addresses beside the public ones that the name of an `http` target may resolve to, such as
    /// `10.0.0.0/8` or `fd00::/8`; an address alone is a range of one; none unless set.
    pub(crate) allow_targets: Vec<At<String>>,
}

/// Where traces go.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(crate) struct TraceTable {
    /// The service's name in traces; `railpost` unless set.
    pub(crate) service: Option<At<String>>,
    /// An OTLP gRPC endpoint, such as `http://127.0.0.1:4317`; no OTLP unless set.
    pub(crate) otlp: Option<At<String>>,
    /// The UDP address of an X-Ray daemon, such as `127.0.0.1:2000`; no X-Ray unless set.
    pub(crate) xray_daemon: Option<At<String>>,
    /// The fraction, 0 to 1, of the traces started here that are recorded; `1.0` unless set. Where a publisher has
    /// decided for its trace, that decision stands.
    pub(crate) sample: Option<At<f64>>,
}

/// A length of time: numbers with `d`, `h`, `m`, `s` or `ms`, largest first, such as `7d`, `1h30m` or `500ms`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct LengthOfTime(
    #[schemars(regex(pattern = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$"), length(min = 2))]
    pub(crate) String,
);

/// A number of bytes: a whole number and `KB`, `MB`, `GB` or `TB` (powers of 1000), or `KiB`, `MiB`, `GiB` or `TiB`
/// (powers of 1024), such as `10GB`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Size(#[schemars(regex(pattern = r"^[0-9]+[KMGT]i?B$"))] pub(crate) String);

/// A place on a bus: `latest`, `earliest`, or a time.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct StartText(pub(crate) String);

impl JsonSchema for StartText {
    fn schema_name() -> Cow<'static, str> {
        "StartText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A place on a bus: `latest`, `earliest`, or a time such as `2026-11-21T06:00:00Z`.",
            "anyOf": [
                { "type": "string", "enum": ["latest", "earliest"] },
                { "type": "string", "format": "date-time" }
            ]
        })
    }
}
