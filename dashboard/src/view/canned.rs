//! Answers of a router as tests need them, at one fixed moment.

use std::time::Duration;

use api::{
    AggregationStatus, Attempt, BusStatus, ConsumerState, ConsumerStatus, DeadLetter, Decision, Durability,
    EventDetail, FieldReason, Latency, Overview, Phase, Standing,
};
use event::hop::{Outcome, Step, Via};
use event::{Hop, SpanId, Timestamp, TraceId};
use ratatui::layout::Size;
use serde_json::value::RawValue;

use crate::message::Message;
use crate::state::State;
use crate::theme::Theme;
use crate::update::update;

mod groups;

pub(crate) use groups::{groups, handled};

/// 2026-11-21T05:58:20Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_240_700_000);

const ADDRESS: &str = "http://127.0.0.1:7245";

/// Returns the moment so many milliseconds ago.
pub(crate) fn ago(milliseconds: u64) -> Timestamp {
    NOW.before(Duration::from_millis(milliseconds))
}

/// Returns the moment in so many seconds.
pub(crate) fn ahead(seconds: u64) -> Timestamp {
    NOW.after(Duration::from_secs(seconds))
}

/// Returns a state before the first answer.
pub(crate) fn empty(width: u16, height: u16) -> State {
    State::new(ADDRESS, "ana@dashboard", Theme { colours: true }, Size { width, height }, NOW)
}

/// Returns a state after one answer of each kind and a minute of rates.
pub(crate) fn busy(width: u16, height: u16) -> State {
    let mut state = empty(width, height);
    for message in answers() {
        assert_eq!(update(&mut state, message), None);
    }
    state
}

/// Returns one answer of each kind, after a minute of rates.
pub(crate) fn answers() -> Vec<Message> {
    let mut messages: Vec<Message> = (0..120_i32)
        .map(|step| {
            let mut past = overview();
            let wave = f64::from((step * 7) % 23) / 23.0 + f64::from(step) / 60.0;
            past.buses.iter_mut().for_each(|bus| bus.rate *= wave);
            past.consumers.iter_mut().for_each(|consumer| consumer.rate *= wave);
            Message::Overview(Ok(past))
        })
        .collect();
    messages.extend([
        Message::Overview(Ok(overview())),
        Message::Groups(Ok(groups())),
        Message::DeadLetters(Ok(dead_letters())),
        Message::TailOpened,
        Message::Hops(hops()),
    ]);
    messages
}

pub(crate) fn overview() -> Overview {
    let bus = |name: &str, head, applied, rate, disk_bytes| BusStatus {
        name: name.to_owned(),
        head,
        tail: 1,
        applied,
        rate,
        disk_bytes,
        durability: Durability::Disk,
        duplicates: 0,
    };
    Overview {
        version: "0.1.0".to_owned(),
        phase: Phase::Running,
        at: NOW,
        started: ago(11_543_000),
        buses: vec![
            bus("landing", 1_284_331, 1_284_329, 412.4, 734_003_200),
            bus("partners", 8_112, 8_112, 0.3, 5_242_880),
        ],
        consumers: consumers(),
        aggregations: vec![
            aggregation("daily-sales", "landing", [1_170, 12, 9, 2, 3], 2, 390),
            aggregation("order-documents", "landing", [84, 0, 0, 0, 4], 1, 28),
        ],
    }
}

/// Returns an overview in which everything that can keep a consumer from delivering does, and a bus is in memory.
pub(crate) fn restrained() -> Overview {
    let mut overview = overview();
    overview.buses[1].durability = Durability::Memory;
    let [billing, warehouse, fraud, audit] = overview.consumers.as_mut_slice() else {
        panic!("there are four consumers")
    };
    billing.state = ConsumerState::Paused;
    warehouse.holding = Some("slowed to 37 a second".to_owned());
    fraud.holding = Some("circuit open until 05:58:51 after 5 failures in a row".to_owned());
    (fraud.in_flight, fraud.retrying, fraud.held) = (0, 9, 3);
    audit.state = ConsumerState::Stopped { reason: "the disk of audit.ndjson is full".to_owned() };
    overview
}

fn aggregation(name: &str, bus: &str, parts: [u64; 5], open_groups: u64, releases: u64) -> AggregationStatus {
    let status = AggregationStatus {
        name: name.to_owned(),
        bus: bus.to_owned(),
        offered: parts.iter().sum(),
        released: parts[0],
        late: parts[1],
        duplicate: parts[2],
        discarded: parts[3],
        open: parts[4],
        open_groups,
        releases,
        without_key: parts[3],
        refused: 0,
        amended: 0,
        revisions: 0,
        skipped: 0,
        waits: None,
    };
    assert!(status.balances());
    status
}

fn consumers() -> Vec<ConsumerStatus> {
    let fine = ConsumerStatus {
        name: "billing".to_owned(),
        bus: "landing".to_owned(),
        target: "http://127.0.0.1:9000/orders".to_owned(),
        matched: 402_118,
        delivered: 402_113,
        dead_lettered: 2,
        dropped: 0,
        pending: 3,
        in_flight: 3,
        rate: 131.2,
        failure_rate: 0.0,
        failures: 14,
        latency: Some(Latency { p50_us: 840, p99_us: 12_300, max_us: 1_204_000 }),
        last_error: None,
        oldest_pending: Some(ago(4)),
        state: ConsumerState::Delivering,
        retrying: 0,
        held: 0,
        holding: None,
    };
    let backlog = ConsumerStatus {
        name: "warehouse".to_owned(),
        target: "sqs://eu-west-3/warehouse-intake".to_owned(),
        matched: 96_400,
        delivered: 83_988,
        dead_lettered: 0,
        pending: 12_412,
        in_flight: 64,
        rate: 88.0,
        failures: 0,
        latency: Some(Latency { p50_us: 9_400_000, p99_us: 74_000_000, max_us: 81_000_000 }),
        oldest_pending: Some(ago(74_000)),
        ..fine.clone()
    };
    let failing = ConsumerStatus {
        name: "fraud-check".to_owned(),
        target: "https://fraud.example.com/v2/events".to_owned(),
        matched: 5_311,
        delivered: 5_250,
        dead_lettered: 41,
        dropped: 8,
        pending: 12,
        in_flight: 1,
        rate: 0.0,
        failure_rate: 2.4,
        failures: 1_877,
        latency: None,
        last_error: Some("503 Service Unavailable: upstream connect error".to_owned()),
        oldest_pending: Some(ago(312_000)),
        ..fine.clone()
    };
    let quiet = ConsumerStatus {
        name: "audit-file".to_owned(),
        bus: "partners".to_owned(),
        target: "file:audit.ndjson".to_owned(),
        matched: 8_112,
        delivered: 8_112,
        dead_lettered: 0,
        pending: 0,
        in_flight: 0,
        rate: 0.3,
        failures: 0,
        latency: Some(Latency { p50_us: 95, p99_us: 310, max_us: 800 }),
        oldest_pending: None,
        ..fine.clone()
    };
    let all = vec![fine, backlog, failing, quiet];
    assert!(all.iter().all(ConsumerStatus::balances));
    all
}

pub(crate) fn hop(event: &str, milliseconds: u64, step: Step) -> Hop {
    Hop {
        bus: "landing".into(),
        event: event.into(),
        position: 1_284_331,
        started: ago(milliseconds),
        ended: ago(milliseconds).after(Duration::from_micros(180)),
        trace: TraceId([7; 16]),
        span: SpanId([7; 8]),
        parent: None,
        sampled: true,
        step,
    }
}

pub(crate) fn hops() -> Vec<Hop> {
    let mut hops = hops_of("a3c7d1d0-7c0e-4f51-b0d4-0b1f0a7e1f11", 9_000);
    hops.extend([
        hop("e-20-nice", 4_200, received("shop.sales", "Object Created")),
        hop("e-20-nice", 4_199, offered("nice", Outcome::Added)),
        hop("e-20-nice-2", 3_100, offered("nice", Outcome::Duplicate)),
        hop(
            "release-2026-11-18",
            2_500,
            Step::Released {
                aggregation: "daily-sales".into(),
                key: "2026-11-18".to_owned(),
                reason: "all expected parts are here".to_owned(),
                parts: 3,
                missing: vec![],
                links: vec![],
            },
        ),
        hop("b-0001", 1_000, Step::Matched { consumers: vec![], aggregations: vec![], evaluated: 31 }),
        hop(
            "b-0002",
            400,
            Step::DeadLettered {
                consumer: "fraud-check".into(),
                attempts: 185,
                reason: "the retry window of 24h is over".to_owned(),
            },
        ),
    ]);
    hops
}

fn received(source: &str, r#type: &str) -> Step {
    Step::Received {
        via: Via::HttpBinary,
        source: source.into(),
        r#type: r#type.into(),
        subject: None,
        bytes: 312,
    }
}

fn offered(part: &str, outcome: Outcome) -> Step {
    Step::Offered {
        aggregation: "daily-sales".into(),
        key: "2026-11-20".to_owned(),
        part: part.to_owned(),
        outcome,
        received: 2,
        expected: Some(3),
    }
}

/// Returns the hops of an order that was delivered once and failed once.
fn hops_of(id: &str, milliseconds: u64) -> Vec<Hop> {
    let attempt = |consumer: &str, number, error: Option<&str>| Step::Attempted {
        consumer: consumer.into(),
        target: "http://127.0.0.1:9000/orders".into(),
        attempt: number,
        status: Some(if error.is_some() { 503 } else { 200 }),
        error: error.map(str::to_owned),
        retry_at: error.map(|_| ahead(4)),
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).into()).collect();
    vec![
        hop(id, milliseconds, received("shop.orders", "OrderPlaced")),
        hop(
            id,
            milliseconds - 1,
            Step::Matched {
                consumers: names(&["billing", "fraud-check"]),
                aggregations: vec![],
                evaluated: 31,
            },
        ),
        hop(id, milliseconds - 3, attempt("billing", 1, None)),
        hop(id, milliseconds - 3, Step::Delivered { consumer: "billing".into(), attempts: 1 }),
        hop(
            id,
            milliseconds - 12,
            attempt("fraud-check", 1, Some("Service Unavailable: upstream connect error")),
        ),
    ]
}

pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

pub(crate) fn order(id: &str) -> Box<RawValue> {
    raw(&format!(
        r#"{{"specversion":"1.0","id":"{id}","source":"shop.orders","type":"OrderPlaced","time":"2026-11-21T05:58:11.000Z",
        "datacontenttype":"application/json","traceparent":"00-07070707070707070707070707070707-0707070707070707-01",
        "data":{{"order":4711,"total":129.90,"currency":"EUR","express":true,"lines":[{{"sku":"A-100","count":2}},{{"sku":"B-7","count":1}}],"note":null}}}}"#
    ))
}

pub(crate) fn detail() -> EventDetail {
    let id = "a3c7d1d0-7c0e-4f51-b0d4-0b1f0a7e1f11";
    let field = |path: &str, wanted: &str, found: &str, matched| FieldReason {
        path: path.to_owned(),
        wanted: wanted.to_owned(),
        found: found.to_owned(),
        matched,
        closest: None,
    };
    let currency = FieldReason {
        closest: Some("EUR is not USD".to_owned()),
        ..field("detail.currency", "USD or GBP", "EUR", false)
    };
    let decision = |name: &str, matched, fields, standing| Decision {
        name: name.to_owned(),
        aggregation: false,
        matched,
        fields,
        schema: None,
        standing,
    };
    let kind = || field("detail-type", "OrderPlaced", "OrderPlaced", true);
    let gated = Decision {
        schema: Some("shop.orders/OrderPlaced@2 accepts it".to_owned()),
        ..decision(
            "billing",
            true,
            vec![kind(), field("detail.total", "> 100", "129.90", true)],
            Some(Standing::Settled),
        )
    };
    EventDetail {
        bus: "landing".to_owned(),
        position: 1_284_331,
        received: ago(9_000),
        event: order(id),
        hops: hops_of(id, 9_000),
        decisions: vec![
            gated,
            decision(
                "warehouse",
                false,
                vec![kind(), currency, field("detail.region", "exists", "absent", false)],
                None,
            ),
            decision("fraud-check", true, vec![kind()], Some(Standing::Pending { attempts: 1 })),
            Decision {
                aggregation: true,
                ..decision("daily-sales", false, vec![field("source", "aws.s3", "shop.orders", false)], None)
            },
        ],
    }
}

pub(crate) fn dead_letters() -> Vec<DeadLetter> {
    let attempt = |number, milliseconds, status, error: &str| Attempt {
        number,
        at: ago(milliseconds),
        took_us: 30_000_000 / u64::from(number),
        status,
        error: error.to_owned(),
    };
    let letter = |consumer: &str, id: &str, position, reason: &str, milliseconds, attempts| DeadLetter {
        consumer: consumer.to_owned(),
        bus: "landing".to_owned(),
        position,
        id: id.to_owned(),
        reason: reason.to_owned(),
        at: ago(milliseconds),
        attempts,
        event: order(id),
        rule: r#"{"source":["shop.orders"]}"#.to_owned(),
    };
    vec![
        letter(
            "fraud-check",
            "b1aa0c55-11cf-4a0c-9d53-1f6b1f1e9a01",
            1_102_331,
            "the retry window of 24h is over",
            400,
            vec![
                attempt(1, 86_400_000, None, "connection refused"),
                attempt(2, 86_398_000, Some(503), "Service Unavailable: upstream connect error"),
                attempt(184, 600_000, Some(503), "Service Unavailable"),
                attempt(185, 10_400, Some(503), "Service Unavailable"),
            ],
        ),
        letter(
            "billing",
            "ord-77",
            1_090_017,
            "400 Bad Request is permanent: total must be positive",
            7_204_000,
            vec![attempt(1, 7_204_000, Some(400), "Bad Request: total must be positive")],
        ),
        letter(
            "billing",
            "ord-12",
            88,
            "shop.orders/OrderPlaced@2 at /lines/0/count: 0 is less than 1",
            200_000_000,
            vec![],
        ),
    ]
}
