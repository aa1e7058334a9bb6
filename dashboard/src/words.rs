//! What a hop, a standing and a handling of a group say in words.

use std::time::Duration;

use api::{GroupAction, GroupStatus, Standing};
use event::hop::{Failure, Outcome, Step, Verdict, Via};
use event::{Text, Timestamp};

use crate::format;

/// Returns what happened at a step, without the step's name.
pub(crate) fn step(step: &Step) -> String {
    match step {
        Step::Received { via: how, source, r#type, subject, bytes } => {
            let about = subject.as_ref().map(|subject| format!(" about {subject}")).unwrap_or_default();
            let size = format::bytes(u64::try_from(*bytes).unwrap_or(u64::MAX));
            format!("{type} from {source}{about}, {size} by {}", via(*how))
        }
        Step::Matched { consumers, aggregations, evaluated } => matched(consumers, aggregations, *evaluated),
        Step::Gated { consumer, schema, verdict, failure } => {
            gated(consumer, schema, *verdict, failure.as_ref())
        }
        Step::Offered { aggregation, key, part, outcome, received, expected } => {
            let of = expected.map(|expected| format!(" of {expected}")).unwrap_or_default();
            format!("{aggregation} {key}: {part} {}", self::outcome(*outcome, &format!("{received}{of}")))
        }
        Step::Released { aggregation, key, reason, parts, missing, .. } => {
            let without =
                if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) };
            format!("{aggregation} {key} with {}{without}: {reason}", format::plural(*parts, "part"))
        }
        Step::Attempted { consumer, attempt, status, error, retry_at, .. } => {
            let status = status.map(|status| format!(" {status}")).unwrap_or_default();
            let Some(error) = error else { return format!("{consumer} attempt {attempt}:{status} ok") };
            let again = retry_at.map(|at| format!(", again at {}", format::clock(at))).unwrap_or_default();
            format!("{consumer} attempt {attempt} failed:{status} {error}{again}")
        }
        Step::Delivered { consumer, attempts } => format!("{consumer} after {}", tries(*attempts)),
        Step::DeadLettered { consumer, attempts, reason } => {
            format!("{consumer} after {}: {reason}", tries(*attempts))
        }
    }
}

/// Returns how a delivery stands.
pub(crate) fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Pending { attempts: 0 } => "pending, not tried yet".to_owned(),
        Standing::Pending { attempts } => format!("pending after {}", tries(*attempts)),
        Standing::DeadLettered { reason } => format!("dead-lettered: {reason}"),
        Standing::Settled => "settled".to_owned(),
    }
}

/// Returns what a group is known by within its aggregation: its key, and its window if it has one.
pub(crate) fn group(group: &GroupStatus, now: Timestamp) -> String {
    match group.window {
        None => group.key.clone(),
        Some(window) => format!("{} {}", group.key, format::window(window, now)),
    }
}

/// Returns what somebody does to a group.
pub(crate) fn handling(action: &GroupAction) -> String {
    match action {
        GroupAction::Release => "release".to_owned(),
        GroupAction::Discard => "discard".to_owned(),
        GroupAction::Extend { by_ms } => format!("extend by {}", extension(*by_ms)),
        GroupAction::Hold => "hold".to_owned(),
        GroupAction::LetGo => "let go".to_owned(),
        GroupAction::Expect { part } => format!("expect `{part}`"),
        GroupAction::Unexpect { part } => format!("expect `{part}` no more"),
    }
}

/// Returns by how long a deadline is put off.
pub(crate) fn extension(milliseconds: u64) -> String {
    match milliseconds {
        0..1_000 => format!("{milliseconds}ms"),
        _ => format::age(Duration::from_millis(milliseconds)),
    }
}

fn matched(consumers: &[Text], aggregations: &[Text], evaluated: usize) -> String {
    let names: Vec<&str> = consumers.iter().chain(aggregations).map(AsRef::as_ref).collect();
    let names = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    format!("{names} ({} asked)", format::plural(evaluated, "filter"))
}

fn gated(consumer: &str, schema: &str, verdict: Verdict, failure: Option<&Failure>) -> String {
    let (verdict, fate) = match verdict {
        Verdict::Deliver => ("accepted", ""),
        Verdict::Skip => ("refused", ", skipped"),
        Verdict::DeadLetter => ("refused", ", kept"),
    };
    let why = failure.map(|failure| {
        let place = if failure.path.is_empty() { "the payload" } else { &failure.path };
        format!(" ({place}: {})", failure.reason)
    });
    format!("{consumer} {verdict} by schema {schema}{fate}{}", why.unwrap_or_default())
}

/// Returns what became of a part; `count` is how many its group has.
fn outcome(outcome: Outcome, count: &str) -> String {
    match outcome {
        Outcome::Added => format!("added, {count}"),
        Outcome::Marker => format!("says something of the group, {count}"),
        Outcome::Refused => "is refused, there is no room".to_owned(),
        Outcome::Duplicate => format!("duplicate, {count}"),
        Outcome::Late => "is late, its group was released".to_owned(),
        Outcome::Discarded => format!("discarded, {count}"),
    }
}

fn via(via: Via) -> &'static str {
    match via {
        Via::HttpBinary => "HTTP",
        Via::HttpStructured => "HTTP, structured",
        Via::HttpBatch => "HTTP, batched",
        Via::PutEvents => "PutEvents",
        Via::Bus => "another bus",
        Via::Release => "a release",
        Via::Replay => "a replay",
        Via::DeadLetter => "the dead letters",
    }
}

fn tries(attempts: u32) -> String {
    format::plural(usize::try_from(attempts).unwrap_or(usize::MAX), "attempt")
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    #[test]
    fn steps_say_what_happened() {
        let check = |what: Step, expected: &str| assert_eq!(step(&what), expected);
        check(
            Step::Matched { consumers: vec![], aggregations: vec![], evaluated: 31 },
            "nobody (31 filters asked)",
        );
        check(
            Step::Gated {
                consumer: "billing".into(),
                schema: "shop/Placed@2".to_owned(),
                verdict: Verdict::Skip,
                failure: Some(Failure { path: "/total".to_owned(), reason: "is no number".to_owned() }),
            },
            "billing refused by schema shop/Placed@2, skipped (/total: is no number)",
        );
        let gated = |verdict| Step::Gated {
            consumer: "catalog".into(),
            schema: "aws.s3/Created@1".to_owned(),
            verdict,
            failure: None,
        };
        check(gated(Verdict::Deliver), "catalog accepted by schema aws.s3/Created@1");
        check(gated(Verdict::DeadLetter), "catalog refused by schema aws.s3/Created@1, kept");
        let offered = |outcome| Step::Offered {
            aggregation: "daily-sales".into(),
            key: "2026-11-20".to_owned(),
            part: "nice".to_owned(),
            outcome,
            received: 0,
            expected: Some(3),
        };
        check(offered(Outcome::Late), "daily-sales 2026-11-20: nice is late, its group was released");
        check(offered(Outcome::Added), "daily-sales 2026-11-20: nice added, 0 of 3");
        check(
            Step::Attempted {
                consumer: "billing".into(),
                target: "http://b".into(),
                attempt: 2,
                status: Some(503),
                error: Some("unavailable".to_owned()),
                retry_at: Some(Timestamp::EPOCH),
            },
            "billing attempt 2 failed: 503 unavailable, again at 00:00:00.000",
        );
        check(Step::Delivered { consumer: "billing".into(), attempts: 1 }, "billing after 1 attempt");
    }
}
