//! Groups as tests need them.

use std::time::Duration;

use api::{GroupAction, GroupStatus, HandlingRecord, MissingPart, PartStatus, WindowStatus};

use super::{ago, ahead};

/// Returns two groups that wait for names and one that waits for silence.
pub(crate) fn groups() -> Vec<GroupStatus> {
    let sales = GroupStatus {
        id: "g-sales-20".to_owned(),
        aggregation: "daily-sales".to_owned(),
        bus: "landing".to_owned(),
        key: "2026-11-20".to_owned(),
        parts: vec![
            part("paris", "4f1c9a52-0c1e-4be5-9d52-5f21a2cdb001", 1_201_118, 3_723_000),
            part("nice", "77d0b0a4-5d0a-4b9c-8a62-0f6f4f0f8b17", 1_260_002, 541_500),
        ],
        expected: Some(3),
        missing: vec![missing("lyon", Some(ago(6_500_000)))],
        opened: ago(3_723_000),
        last_part: ago(541_500),
        deadline: Some(ahead(100)),
        waiting_for: vec![
            "all expected parts: 2 of 3 are here, lyon is missing".to_owned(),
            "or the deadline 06:00 Europe/Paris, in 1m 40s".to_owned(),
        ],
        ..GroupStatus::default()
    };
    let soon = GroupStatus {
        id: "g-sales-19".to_owned(),
        key: "2026-11-19".to_owned(),
        parts: vec![part("lyon", "e-19-lyon", 1_100_000, 90_000_000)],
        missing: vec![missing("paris", None), missing("nice", None)],
        opened: ago(90_000_000),
        last_part: ago(90_000_000),
        deadline: Some(ahead(9)),
        waiting_for: vec!["all expected parts: 1 of 3 is here".to_owned()],
        ..sales.clone()
    };
    let documents = GroupStatus {
        id: "g-order-4711".to_owned(),
        aggregation: "order-documents".to_owned(),
        key: "order-4711".to_owned(),
        parts: (1..=4)
            .map(|page| {
                part(
                    &format!("page-{page}"),
                    &format!("doc-4711-{page}"),
                    1_284_000 + page,
                    9_000 - page * 1_000,
                )
            })
            .collect(),
        expected: None,
        missing: vec![],
        opened: ago(8_000),
        last_part: ago(5_000),
        deadline: Some(ahead(3_592)),
        idle_until: Some(ahead(25)),
        waiting_for: vec![
            "30 s of silence: 25 s are left".to_owned(),
            "or the deadline 1 h after the first part".to_owned(),
        ],
        ..sales.clone()
    };
    vec![soon, sales, documents]
}

/// Returns a group that somebody holds and one beside it with the same key: each has a window, and the first one all
/// else that a group can have.
pub(crate) fn handled() -> Vec<GroupStatus> {
    let hour = |milliseconds| {
        let start = ago(milliseconds);
        WindowStatus { start, end: start.after(Duration::from_hours(1)) }
    };
    // 04:00 to 05:00.
    let held = GroupStatus {
        id: "g-clicks-04".to_owned(),
        aggregation: "meter-readings".to_owned(),
        bus: "landing".to_owned(),
        key: "eu-west-3/plant-12".to_owned(),
        window: Some(hour(7_100_000)),
        parts: vec![
            part("m-1", "reading-1", 1_270_000, 7_000_000),
            part("m-3", "reading-3", 1_270_400, 6_200_000),
        ],
        expected: Some(4),
        missing: vec![missing("m-2", Some(ahead(720))), missing("m-4", Some(ago(3_280_000)))],
        optional: vec!["m-9".to_owned()],
        opened: ago(7_000_000),
        last_part: ago(6_200_000),
        deadline: Some(ago(300_000)),
        idle_until: Some(ahead(90)),
        watermark: Some(ago(1_088_000)),
        waiting_for: vec!["the window has ended; 2 of 4 expected parts are here".to_owned()],
        duplicates: 2,
        held: true,
        history: vec![
            record(
                4_000_000,
                "ana@cli",
                GroupAction::Extend { by_ms: 1_800_000 },
                "plant 12 reports late today",
            ),
            record(2_000_000, "night-shift", GroupAction::Expect { part: "m-4".to_owned() }, "the new meter"),
            record(
                500_000,
                "ana@dashboard",
                GroupAction::Hold,
                "the network of plant 12 is being repaired, they call back",
            ),
        ],
        ended: None,
    };
    let open = GroupStatus {
        id: "g-clicks-05".to_owned(),
        window: Some(hour(3_500_000)),
        missing: vec![missing("m-1", None), missing("m-2", None), missing("m-3", None), missing("m-4", None)],
        parts: vec![],
        optional: vec![],
        opened: ago(2_000_000),
        last_part: ago(2_000_000),
        deadline: Some(ahead(400)),
        idle_until: None,
        duplicates: 0,
        held: false,
        history: vec![],
        waiting_for: vec!["the window ends in 1m 40s".to_owned()],
        ..held.clone()
    };
    vec![held, open]
}

fn part(name: &str, event: &str, position: u64, milliseconds: u64) -> PartStatus {
    PartStatus { name: name.to_owned(), event: event.to_owned(), position, received: ago(milliseconds) }
}

fn missing(name: &str, usually_by: Option<event::Timestamp>) -> MissingPart {
    MissingPart { name: name.to_owned(), usually_by }
}

fn record(milliseconds: u64, by: &str, action: GroupAction, why: &str) -> HandlingRecord {
    HandlingRecord { at: ago(milliseconds), by: by.to_owned(), why: why.to_owned(), action }
}
