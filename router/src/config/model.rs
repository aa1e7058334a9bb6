//! What a configuration means: checked, complete, with every default filled in.

mod aggregation;
mod case;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use event::Timestamp;
use event::eventbridge::Identity;
use pattern::Pattern;

pub use self::aggregation::{
    Aggregation, AtLimit, Ceiling, Completion, Count, CountFrom, Cutoff, Duplicates, Emit, EventTime,
    Expected, Format, Late, Limits, Manifest, Measure, Names, NamesPerKey, Partial, Payloads, Piece,
    ReadCount, Resequence, Template, Time, Unplaced, Value, WINDOWS_MAX, Way, While, Window,
};
pub use self::case::{Case, CaseStep, Expectation, GroupLike, ReleaseLike};

/// The bus that exists without being configured.
pub const DEFAULT_BUS: &str = "default";

/// A router's whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the HTTP surface listens.
    pub listen: SocketAddr,
    /// Where the logs are kept; none means the platform's state directory.
    pub data_dir: Option<PathBuf>,
    /// The account and region that events without their own show to EventBridge patterns.
    pub identity: Identity,
    /// How long a drain may take.
    pub drain: Duration,
    /// Ranges beside the public ones that the name of an HTTP target may resolve to.
    pub allowed_targets: Vec<Range>,
    /// A folder of JSON Schemas, `REGISTRY/NAME/VERSION.json`.
    pub schemas: Option<PathBuf>,
    /// Where traces go.
    pub trace: Trace,
    /// At least [`DEFAULT_BUS`].
    pub buses: Vec<Bus>,
    /// In the order of the file.
    pub consumers: Vec<Consumer>,
    /// In the order of the file.
    pub aggregations: Vec<Aggregation>,
    /// Test cases of the aggregations, in the order of the file.
    pub cases: Vec<Case>,
}

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The service's name in traces.
    pub service: String,
    /// An OTLP gRPC endpoint, such as `http://127.0.0.1:4317`.
    pub otlp: Option<String>,
    /// An X-Ray daemon's UDP address.
    pub xray_daemon: Option<SocketAddr>,
    /// The fraction of traces started here that exporters record, 0 to 1. A publisher's decision stands.
    pub sample: f64,
}

/// One bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bus {
    /// Its name.
    pub name: String,
    /// What is kept.
    pub retention: Retention,
    /// What an acknowledged event survives.
    pub durability: Durability,
    /// When two events count as one.
    pub dedup: Option<Dedup>,
}

/// What a bus keeps. An event that a consumer still needs stays whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// How long events are kept at least; none means for ever.
    pub age: Option<Duration>,
    /// How many bytes of log are kept about; none means all.
    pub bytes: Option<u64>,
}

/// What an acknowledged event survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A power cut.
    #[default]
    Disk,
    /// The end of the process, but not a power cut.
    Memory,
}

/// When two published events count as one: the second is answered with the first one's position, and not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dedup {
    /// How long a key is remembered.
    pub window: Duration,
    /// What must be the same; none means `source` and `id`.
    pub key: Option<Vec<String>>,
}

/// A range of IP addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first address, or any of the range.
    pub address: IpAddr,
    /// How many leading bits count, at most 32 or 128.
    pub bits: u8,
}

/// One receiver's whole contract.
#[derive(Clone, Debug)]
pub struct Consumer {
    /// Its name, unique in the file.
    pub name: String,
    /// The bus it reads.
    pub bus: String,
    /// Which events it gets; none means all.
    pub filter: Option<Pattern>,
    /// The schema its payloads must follow.
    pub gate: Option<Gate>,
    /// Where its events go.
    pub target: Target,
    /// What happens after a failed attempt.
    pub retry: Retry,
    /// Attempts under way at a time, at most.
    pub concurrency: usize,
    /// Whose events must not overtake one another: those with the same key; none means that none must.
    pub order_by: Option<KeyExpression>,
    /// Events a second at most; none means no limit.
    pub rate: Option<Rate>,
    /// Events a request at most, where the target takes several.
    pub batch: usize,
    /// Where a consumer that is new to its bus begins.
    pub start: Start,
    /// Where its dead letters are sent as well; they are kept in any case.
    pub dead_letters: Option<Target>,
    /// The consumer whose dead letters it gets, instead of what a filter matches; none for those that a file names.
    pub letters_of: Option<String>,
}

/// A limit on events a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Events a second in the long run.
    pub per_second: f64,
    /// Events at once after a quiet time.
    pub burst: u32,
}

/// Where a consumer that is new to its bus begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With the events that are accepted from now on.
    #[default]
    Latest,
    /// With the oldest event that the bus still holds.
    Earliest,
    /// With the first event that was accepted at or after an instant.
    At(Timestamp),
}

/// A schema check.
#[derive(Clone, Debug)]
pub struct Gate {
    /// A schema and a version range, such as `shop.orders/OrderPlaced@^2`.
    pub accept: schemas::Requirement,
    /// What becomes of an event that does not follow it.
    pub otherwise: Otherwise,
}

/// What becomes of an event that its gate refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// It is dropped and counted.
    Skip,
    /// It is kept with the dead letters.
    DeadLetter,
}

/// Where a consumer's events go.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// `POST` to a URL.
    Http {
        /// The URL.
        url: String,
        /// How the event is written.
        mode: Mode,
        /// Headers added to every request; their values may be secrets and are never shown.
        headers: Vec<(String, String)>,
        /// How long one attempt may take.
        timeout: Duration,
    },
    /// An SQS queue; the body is the event's EventBridge envelope.
    Sqs {
        /// The queue's URL.
        queue: String,
        /// The service's address and region, where they are not the environment's.
        service: AwsService,
    },
    /// A bus of EventBridge.
    EventBridge {
        /// The bus's name or ARN.
        bus: String,
        /// The service's address and region, where they are not the environment's.
        service: AwsService,
    },
    /// Another bus of this router.
    Bus {
        /// Its name.
        name: String,
    },
    /// A file of JSON lines, appended to.
    File {
        /// Its path.
        path: PathBuf,
    },
    /// Standard output, JSON lines.
    Stdout,
}

/// Shows the kind alone: addresses and headers may hold secrets.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http { .. } => "Http",
            Self::Sqs { .. } => "Sqs",
            Self::EventBridge { .. } => "EventBridge",
            Self::Bus { .. } => "Bus",
            Self::File { .. } => "File",
            Self::Stdout => "Stdout",
        })
    }
}

/// How an HTTP target gets its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// CloudEvents binary mode.
    Binary,
    /// CloudEvents structured mode.
    Structured,
    /// CloudEvents batched mode: several events a request.
    Batch,
}

/// An AWS service's address and region.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AwsService {
    /// The address; none means AWS's own or the environment's.
    pub endpoint: Option<String>,
    /// The region; none means the environment's.
    pub region: Option<String>,
}

/// What happens after a failed attempt: exponential backoff with full jitter, until a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Tries after the first, at most; 185 unless set, as EventBridge has it.
    pub attempts: u32,
    /// How long after its first try an event may be tried again; 24 h unless set, as EventBridge has it.
    pub max_age: Duration,
    /// The longest wait after the first failure.
    pub interval: Duration,
    /// How many times longer the longest wait is after each further failure, 1 or more.
    pub backoff_rate: f64,
    /// The longest wait after any failure.
    pub interval_max: Duration,
}

/// How an event's key is found: a value of the event, optionally taken apart by a regular expression.
#[derive(Clone, Debug)]
pub struct KeyExpression {
    /// Paths into the event, such as `$.detail.object.key`, each split at its dots; the first at which there is a value
    /// counts.
    pub paths: Vec<Vec<String>>,
    /// Named captures for the templates; the whole value must match.
    pub capture: Option<regex::Regex>,
    /// The key; `{value}` is the value at the path, other names are captures.
    pub key: Template,
}
