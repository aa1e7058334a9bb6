//! Rows about gathering: parts offered, a million open groups, and many deadlines on one second.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use event::hop::Via;
use event::stored::Stored;
use event::{Data, Event, SpanId, Timestamp, TraceContext, TraceId};
use store::{Local, NewEvent, Options, Partition};
use tempfile::TempDir;

use crate::receiver::Receivers;
use crate::rows::{REST, Run, load};
use crate::server::{Consumer, Server, folder};
use crate::table::{Figure, Unit};
use crate::template::Form;

/// Events appended to a log at once, before a router opens it.
const FILLED_AT_ONCE: usize = 2_000;
/// The length of a part's payload, as that of the other rows' events.
const PAYLOAD_BYTES: usize = 450;
/// How often a router is asked how far it is.
const LOOK: Duration = Duration::from_millis(50);
/// How long after a log is written the deadlines are.
const DEADLINE_AFTER: Duration = Duration::from_secs(45);
/// Events a second that are published while deadlines pass.
const PACE: u64 = 200;

/// How a load of parts is spread.
#[derive(Clone, Copy)]
struct Parts {
    groups: u64,
    each: u64,
    /// The `type` of the events: which aggregation gathers them.
    kind: &'static str,
}

impl Run {
    /// Parts that wait in the log, offered by a router that has one core, with so many groups open.
    pub(crate) fn offer(&mut self) {
        for groups in [1_000, 10_000, 100_000, 1_000_000] {
            let each = (self.parts / groups).max(1);
            let parts = Parts { groups, each, kind: "part" };
            let folder = folder();
            fill(&folder, &[parts]);
            let config = aggregation("all", "part", &format!("{{ count = {} }}", each + 1));
            let router = Server::over(folder, &config, Some(0));
            let (rate, cpu_us) = offered(&router, groups * each);
            let figures = vec![
                Figure::new("parts/s", Unit::Number, rate),
                Figure::new("server CPU a part", Unit::Micros, cpu_us),
                Figure::new("parts", Unit::Number, (groups * each) as f64),
            ];
            self.note(format!("offer, {} open groups, one core", words(groups)), figures);
        }
    }

    /// A million open groups: their memory, and how long a killed router takes to have them back.
    pub(crate) fn groups(&mut self) {
        self.groups_of(1);
        self.groups_of(2);
    }

    fn groups_of(&mut self, each: u64) {
        let groups = self.parts;
        let folder = folder();
        fill(&folder, &[Parts { groups, each, kind: "part" }]);
        let config = aggregation("all", "part", "{ count = 3 }");
        let mut router = Server::over(folder, &config, None);
        std::thread::sleep(REST);
        offered(&router, groups * each);
        std::thread::sleep(REST);
        let (memory, most) = (router.memory(), router.memory_max());
        let ready = router.kill_and_restart();
        std::thread::sleep(REST);
        let open = router.overview().aggregations[0].open_groups;
        assert_eq!(open, groups, "open groups after a kill");
        let figures = vec![
            Figure::new("memory", Unit::Megabytes, memory as f64),
            Figure::new("most", Unit::Megabytes, most as f64),
            Figure::new("a group", Unit::Bytes, memory as f64 / groups as f64),
            Figure::new("ready after a kill", Unit::Seconds, ready.as_secs_f64()),
            Figure::new("memory, started again", Unit::Megabytes, router.memory() as f64),
        ];
        let plural = if each == 1 { "" } else { "s" };
        self.note(format!("{} open groups of {each} part{plural}", words(groups)), figures);
    }

    /// A tenth of the open groups have their deadline on the same second, while events are published and delivered.
    pub(crate) fn deadlines(&mut self) {
        let due = self.parts / 10;
        let folder = folder();
        let later = Parts { groups: self.parts - due, each: 1, kind: "later" };
        fill(&folder, &[later, Parts { groups: due, each: 1, kind: "due" }]);
        let deadline = jiff::Timestamp::now() + DEADLINE_AFTER;
        let at = deadline.strftime("%H:%M:%S");
        let receivers = Receivers::start(1);
        let mut config = aggregation("later", "later", "{ count = 3 }");
        config.push_str(&aggregation("due", "due", &format!("{{ deadline = \"{at} UTC\" }}")));
        config.push_str(&Server::consumers(&[Consumer {
            name: "c".to_owned(),
            filter: "route = [{ prefix = \"r\" }]".to_owned(),
            target: format!("http = \"http://{}/\"", receivers.address(0)),
            more: "concurrency = 64",
        }]));
        let router = Server::over(folder, &config, None);
        offered(&router, self.parts);
        let mut load = load(&router, 16, Form::Binary);
        let quiet = load.pace(PACE, Duration::from_secs(5));
        receivers.drained(load.next);
        receivers.reset();
        let wait = Duration::try_from(deadline - jiff::Timestamp::now());
        let wait = wait.unwrap_or_else(|_| panic!("the log was not read before the deadline"));
        std::thread::sleep(wait.saturating_sub(Duration::from_secs(2)));
        let busy = load.pace(PACE, Duration::from_secs(12));
        receivers.drained(load.next);
        let releases = router.overview().aggregations.iter().map(|one| one.releases).sum::<u64>();
        assert_eq!(releases, due, "groups released at their deadline");
        let longest = |answered: &hdrhistogram::Histogram<u64>| answered.max() as f64;
        let figures = vec![
            Figure::new("longest answer", Unit::Micros, longest(&busy.answered)),
            Figure::new("longest delivery", Unit::Micros, longest(&receivers.latencies())),
            Figure::new("answered p99", Unit::Micros, busy.answered.value_at_quantile(0.99) as f64),
            Figure::new("longest answer before", Unit::Micros, longest(&quiet.answered)),
            Figure::new("open groups", Unit::Number, self.parts as f64),
        ];
        self.note(format!("{} deadlines on one second", words(due)), figures);
    }
}

/// Waits until all parts are offered. Returns how many a second there were, and what each took of the processor, from the
/// first look on.
fn offered(router: &Server, parts: u64) -> (f64, f64) {
    let first = router.overview().buses[0].applied;
    let (began, cpu) = (Instant::now(), router.cpu());
    loop {
        let bus = &router.overview().buses[0];
        if bus.applied == bus.head {
            break;
        }
        std::thread::sleep(LOOK);
    }
    let (seconds, cpu) = (began.elapsed().as_secs_f64(), router.cpu().saturating_sub(cpu));
    let overview = router.overview();
    let offered: u64 = overview.aggregations.iter().map(|one| one.offered).sum();
    assert_eq!(offered, parts, "parts offered");
    assert!(overview.aggregations.iter().all(api::AggregationStatus::balances), "a ledger does not balance");
    let counted = (parts - first).max(1) as f64;
    (counted / seconds, cpu.as_secs_f64() * 1e6 / counted)
}

fn aggregation(name: &str, kind: &str, complete: &str) -> String {
    let mut config = String::new();
    writeln!(
        config,
        "[[aggregation]]\nname = \"{name}\"\nfilter = {{ type = [\"{kind}\"] }}\nkey = \"$.data.group\"\n\
         part = \"$.data.part\"\ncomplete = {complete}\nemit = {{ type = \"release\" }}\ngroups_max = 10000000\n"
    )
    .unwrap();
    config
}

/// Writes a log of parts, of each group one after the other.
fn fill(folder: &TempDir, loads: &[Parts]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (partition, _) =
            Local::open(&folder.path().join("data").join("default"), Options::default()).unwrap();
        let mut waiting = Vec::with_capacity(FILLED_AT_ONCE);
        let mut number = 0;
        for parts in loads {
            for part in 0..parts.each {
                for group in 0..parts.groups {
                    waiting.push(event(parts.kind, group, part, number));
                    number += 1;
                    if waiting.len() == FILLED_AT_ONCE {
                        partition.append(std::mem::take(&mut waiting)).await.unwrap();
                    }
                }
            }
        }
        if !waiting.is_empty() {
            partition.append(waiting).await.unwrap();
        }
        partition.close().await.unwrap();
    });
}

fn event(kind: &str, group: u64, part: u64, number: u64) -> NewEvent {
    // Spread over the groups as keys are that say nothing of when they come.
    let spread = group.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut data = format!(r#"{{"group":"order-{spread:016x}","part":"part-{part}","note":""#);
    let filling = PAYLOAD_BYTES.saturating_sub(data.len() + 2);
    data.push_str(&"x".repeat(filling));
    data.push_str("\"}");
    let mut event = Event::new(format!("5f3e9c52-7d1a-4b6e-9f04-{number:012}"), "/bench", kind);
    event.datacontenttype = Some("application/json".into());
    event.data = Some(Data::Json(Bytes::from(data)));
    let trace = TraceContext {
        trace: TraceId(u128::from(number + 1).to_be_bytes()),
        span: SpanId((number + 1).to_be_bytes()),
        parent: None,
        sampled: false,
    };
    let now = Timestamp::from(jiff::Timestamp::now());
    let at_ms = u64::try_from(now.as_millis()).unwrap();
    NewEvent { bytes: Stored::new(now, Via::HttpBatch, trace, event).encode(), key: None, at_ms }
}

fn words(count: u64) -> String {
    match count {
        1_000_000.. => format!("{} M", count / 1_000_000),
        1_000.. => format!("{} k", count / 1_000),
        _ => count.to_string(),
    }
}
