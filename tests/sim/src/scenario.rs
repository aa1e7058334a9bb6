//! What a seed decides beforehand: the events, the lives of the router, and what goes wrong when.

use std::time::Duration;

use bytes::Bytes;
use event::{Data, Event};
use fastrand::Rng;
use router::config::Config;
use serde_json::json;
use store::Faults;

/// Events that publishers try to publish in all.
const EVENTS: usize = 160;
/// Keys of the consumer that keeps an order, and groups of the aggregation.
pub(crate) const KEYS: u32 = 5;

const CONFIG: &str = r#"
[bus.landing]
retention = "10m"
[bus.audit]

# Gets everything.
[[consumer]]
name = "all"
bus = "landing"
target = { http = "http://127.0.0.1:1/" }
retry = { attempts = 100000, max_age = "300d", interval = "100ms", interval_max = "10s" }
concurrency = 4

# Gets events of one type, those of one key in order.
[[consumer]]
name = "ordered"
bus = "landing"
filter = { type = ["a"] }
target = { http = "http://127.0.0.1:1/" }
order_by = "$.data.key"
retry = { attempts = 100000, max_age = "300d", interval = "100ms", interval_max = "10s" }
concurrency = 3

# Gives up soon.
[[consumer]]
name = "strict"
bus = "landing"
filter = { type = ["b"] }
target = { http = "http://127.0.0.1:1/" }
retry = { attempts = 1, interval = "100ms" }
concurrency = 2
rate = 50

# Copies to another bus.
[[consumer]]
name = "copy"
bus = "landing"
filter = { type = ["a"] }
target = { bus = "audit" }
retry = { attempts = 100000, max_age = "300d", interval = "100ms", interval_max = "10s" }

[[consumer]]
name = "audit"
bus = "audit"
target = { http = "http://127.0.0.1:1/" }
retry = { attempts = 100000, max_age = "300d", interval = "100ms", interval_max = "10s" }

[[aggregation]]
name = "groups"
bus = "landing"
filter = { type = ["part"] }
key = "$.data.key"
complete = { any = [{ count = 3 }, { deadline = "20s" }] }
emit = { type = "group" }

# Waits for names, and takes what comes late into a revision.
[[aggregation]]
name = "amended"
bus = "landing"
filter = { type = ["part"] }
key = "$.data.key"
part = "$.data.slot"
complete = { any = [{ expected = ["0", "1", "2"] }, { deadline = "15s" }] }
duplicates = "last"
late = "amend"
warn = "5s"
emit = { type = "amended", parts = "included" }

# Overlapping windows of the events' own time.
[[aggregation]]
name = "windows"
bus = "landing"
filter = { type = ["part"] }
key = "$.data.key"
time = { path = "$.data.at", disorder = "2s", quiet = "10s" }
complete = { window = { size = "30s", slide = "10s", lateness = "1s" } }
late = "side"
early = "7s"
emit = { type = "window" }

# Sessions, few of which are open at a time.
[[aggregation]]
name = "sessions"
bus = "landing"
filter = { type = ["part"] }
key = "$.data.key"
time = { path = "$.data.at", quiet = "5s" }
complete = { idle = "4s" }
groups_max = 2
at_limit = "refuse"
emit = { type = "session" }

# One by one, in the order of their numbers.
[[aggregation]]
name = "sequence"
bus = "landing"
filter = { type = ["part"] }
key = "$.data.key"
resequence = { by = "$.data.number", gap = "3s", forget = "3650d" }
emit = { type = "in-order" }

[[consumer]]
name = "gathered"
bus = "landing"
filter = { source = [{ prefix = "railpost/" }], type = [{ anything-but = ["group"] }] }
target = { http = "http://127.0.0.1:1/" }
retry = { attempts = 100000, max_age = "300d", interval = "100ms", interval_max = "10s" }

[[consumer]]
name = "groups"
bus = "landing"
filter = { type = ["group"] }
target = { http = "http://127.0.0.1:1/" }
retry = { attempts = 100000, max_age = "300d", interval = "100ms", interval_max = "10s" }
"#;

/// Everything that a seed decides beforehand.
pub struct Scenario {
    /// The seed.
    pub seed: u64,
    /// The configuration, the same for all.
    pub config: Config,
    /// The events, in the order in which publishers try them.
    pub events: Vec<Event>,
    /// The lives of the router before the last.
    pub epochs: Vec<Plan>,
}

/// One life of the router.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What goes wrong with the disk.
    pub faults: Faults,
    /// How long it lasts if nothing goes wrong.
    pub lasts: Duration,
    /// How it ends if nothing goes wrong.
    pub ending: Ending,
    /// The events that are tried in it.
    pub events: std::ops::Range<usize>,
    /// How much later the next one begins, in milliseconds; the clock may have been set back.
    pub pause_ms: i64,
}

/// How a life of the router ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is told to stop.
    Stop,
    /// Its process is killed.
    Kill,
    /// The power fails.
    PowerCut,
}

impl Scenario {
    /// Returns what a seed decides.
    ///
    /// # Panics
    /// The configuration is none, which no seed can change.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let parsed = Config::parse(CONFIG, "simulation.toml");
        let (config, _) = parsed.unwrap_or_else(|error| panic!("{error:?}"));
        let events = (0..EVENTS).map(|number| event(number, &mut rng)).collect();
        let lives = rng.usize(1..6);
        let cuts: Vec<usize> = (0..=lives).map(|life| EVENTS * life / lives).collect();
        let epochs = cuts.windows(2).map(|cut| plan(cut[0]..cut[1], &mut rng)).collect();
        Self { seed, config, events, epochs }
    }
}

fn event(number: usize, rng: &mut Rng) -> Event {
    let kind = ["a", "a", "b", "part"][rng.usize(0..4)];
    let filler = "x".repeat(rng.usize(0..600));
    let data = json!({
        "key": rng.u32(0..KEYS),
        "slot": rng.u32(0..4),
        "number": number,
        // Around the time at which the simulation begins, and not in order.
        "at": 1_795_240_800_000_u64 + number as u64 * 400 + rng.u64(0..6_000),
        "filler": filler,
    })
    .to_string();
    Event {
        datacontenttype: Some("application/json".into()),
        data: Some(Data::Json(Bytes::from(data))),
        ..Event::new(format!("e{number}"), "/simulation", kind)
    }
}

fn plan(events: std::ops::Range<usize>, rng: &mut Rng) -> Plan {
    let mut faults = Faults::default();
    match rng.u8(0..10) {
        // Opening a disk and a life of this length take some hundred operations.
        0..=5 => faults.crash_at = Some(rng.u64(0..900)),
        6 => faults.fail_sync_from = Some(rng.u64(0..600)),
        7 => faults.fail_at = Some(rng.u64(0..900)),
        8 => faults.bytes_max = Some(rng.u64(200_000..600_000)),
        _ => {}
    }
    let ending = [Ending::Stop, Ending::Kill, Ending::PowerCut][rng.usize(0..3)];
    let lasts = Duration::from_millis(rng.u64(500..40_000));
    Plan { faults, lasts, ending, events, pause_ms: rng.i64(-60_000..4_000_000) }
}
