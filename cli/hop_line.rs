//! One line for one hop, as `tail`, `explain` and `demo` show it.

use event::hop::{Outcome, Step, Verdict};
use event::{Hop, Text};

use crate::screen::{Ink, Screen};
use crate::text::{bytes, count, list, sentence, time_of_day, value};

/// Returns a hop as one line: when the step ended as a time of day in UTC, bus, event, what happened.
pub(crate) fn hop_line(hop: &Hop, screen: Screen) -> String {
    let time = screen.ink(Ink::Dim, &time_of_day(hop.ended));
    format!("{time} {} {} {}", value(&hop.bus), value(&hop.event), step_text(&hop.step, screen))
}

/// Returns what happened at a step, in words; the step's name stands out.
pub(crate) fn step_text(step: &Step, screen: Screen) -> String {
    let name = screen.ink(ink(step), step.name());
    format!("{name} {}", words(step))
}

fn ink(step: &Step) -> Ink {
    match step {
        Step::Delivered { .. } | Step::Released { .. } | Step::Gated { verdict: Verdict::Deliver, .. } => {
            Ink::Green
        }
        Step::Attempted { error: None, .. } => Ink::Plain,
        Step::DeadLettered { .. } => Ink::Red,
        Step::Attempted { .. } | Step::Gated { .. } => Ink::Yellow,
        Step::Offered { outcome, .. } if *outcome != Outcome::Added => Ink::Yellow,
        Step::Received { .. } | Step::Matched { .. } | Step::Offered { .. } => Ink::Plain,
    }
}

fn words(step: &Step) -> String {
    match step {
        Step::Received { source, r#type, subject, bytes: size, .. } => {
            let subject = subject.as_ref().map(|subject| format!(" {}", value(subject))).unwrap_or_default();
            let size = bytes(u64::try_from(*size).unwrap_or(u64::MAX));
            format!("{} from {}{subject}, {size}", value(r#type), value(source))
        }
        Step::Matched { consumers, aggregations, evaluated } => matched(consumers, aggregations, *evaluated),
        Step::Gated { consumer, schema, verdict, failure } => {
            let verdict = match verdict {
                Verdict::Deliver => "follows",
                Verdict::Skip => "skipped, does not follow",
                Verdict::DeadLetter => "refused, does not follow",
            };
            let failure = failure.as_ref().map(|failure| {
                let place = if failure.path.is_empty() { "the payload" } else { &failure.path };
                format!(": {} {}", value(place), sentence(&failure.reason))
            });
            format!("{} {verdict} {}{}", value(consumer), value(schema), failure.unwrap_or_default())
        }
        Step::Offered { .. } => offered(step),
        Step::Released { aggregation, key, reason, parts, missing, .. } => {
            let missing =
                if missing.is_empty() { String::new() } else { format!(", without {}", list(missing)) };
            let parts = count(u64::try_from(*parts).unwrap_or(u64::MAX), "part");
            format!("{} {}: {parts}{missing}, because {}", value(aggregation), value(key), sentence(reason))
        }
        Step::Attempted { .. } => attempted(step),
        Step::Delivered { consumer, attempts } => {
            format!("{} after {}", value(consumer), count(u64::from(*attempts), "attempt"))
        }
        Step::DeadLettered { consumer, reason, .. } => format!("{}: {}", value(consumer), sentence(reason)),
    }
}

fn matched(consumers: &[Text], aggregations: &[Text], evaluated: usize) -> String {
    match (consumers.is_empty(), aggregations.is_empty()) {
        (true, true) => {
            format!("nothing, {} asked", count(u64::try_from(evaluated).unwrap_or(u64::MAX), "filter"))
        }
        (false, true) => list(consumers),
        (true, false) => format!("aggregation {}", list(aggregations)),
        (false, false) => format!("{} and aggregation {}", list(consumers), list(aggregations)),
    }
}

fn offered(step: &Step) -> String {
    let Step::Offered { aggregation, key, part, outcome, received, expected } = step else {
        return String::new();
    };
    let expected = expected.map(|expected| format!(" of {expected}")).unwrap_or_default();
    let part = value(part);
    let outcome = match outcome {
        Outcome::Added => format!("{part} added ({received}{expected})"),
        Outcome::Duplicate => format!("{part} is a duplicate ({received}{expected})"),
        Outcome::Late => format!("{part} is late, its group was released"),
        Outcome::Discarded => "discarded, it cannot be a part".to_owned(),
        Outcome::Marker => format!("a marker ({received}{expected})"),
        Outcome::Refused => format!("there is no room for {part}"),
    };
    let group = if key.is_empty() { String::new() } else { format!(" {}", value(key)) };
    format!("{}{group}: {outcome}", value(aggregation))
}

fn attempted(step: &Step) -> String {
    let Step::Attempted { consumer, target, attempt, status, error, retry_at } = step else {
        return String::new();
    };
    let status = status.map(|status| format!(" {status}")).unwrap_or_default();
    let error = error.as_ref().map(|error| format!(" failed: {}", sentence(error))).unwrap_or_default();
    let retry = retry_at.map(|at| format!("; again at {}", time_of_day(at))).unwrap_or_default();
    format!("{} to {} (attempt {attempt}){status}{error}{retry}", value(consumer), value(target))
}

#[cfg(test)]
mod tests {
    use event::hop::{Failure, Via};
    use event::{SpanId, Timestamp, TraceId};

    use super::*;

    fn check(step: Step, expected: &str) {
        let hop = Hop {
            bus: "default".into(),
            event: "9f3a".into(),
            position: 7,
            started: Timestamp::from_millis(43_201_234),
            ended: Timestamp::from_millis(43_201_235),
            trace: TraceId([1; 16]),
            span: SpanId([2; 8]),
            parent: None,
            sampled: true,
            step,
        };
        assert_eq!(hop_line(&hop, Screen::none()), format!("12:00:01.235 default 9f3a {expected}"));
    }

    fn names(names: &[&str]) -> Vec<Text> {
        names.iter().map(|name| (*name).into()).collect()
    }

    #[test]
    fn a_received_event_says_what_and_whence() {
        let step = Step::Received {
            via: Via::HttpBinary,
            source: "shop.orders".into(),
            r#type: "Order\u{1b}Placed".into(),
            subject: Some("order/17".into()),
            bytes: 312,
        };
        check(step, "received Order\\u{1b}Placed from shop.orders order/17, 312 B");
    }

    #[test]
    fn a_match_names_who_gets_the_event() {
        let matched = |consumers: &[&str], aggregations: &[&str]| Step::Matched {
            consumers: names(consumers),
            aggregations: names(aggregations),
            evaluated: 4,
        };
        check(matched(&["billing", "audit"], &[]), "matched billing, audit");
        check(matched(&["audit"], &["daily-sales"]), "matched audit and aggregation daily-sales");
        check(matched(&[], &["daily-sales"]), "matched aggregation daily-sales");
        check(matched(&[], &[]), "matched nothing, 4 filters asked");
    }

    #[test]
    fn a_refusal_names_the_place_and_the_reason() {
        let step = Step::Gated {
            consumer: "billing".into(),
            schema: "shop.orders/OrderPlaced@2".to_owned(),
            verdict: Verdict::DeadLetter,
            failure: Some(Failure { path: "/total".to_owned(), reason: "is not a number".to_owned() }),
        };
        check(
            step,
            "gated billing refused, does not follow shop.orders/OrderPlaced@2: /total is not a number",
        );
    }

    #[test]
    fn a_part_says_where_its_group_stands() {
        let offered = |outcome| Step::Offered {
            aggregation: "daily-sales".into(),
            key: "2026-11-19".to_owned(),
            part: "lyon".to_owned(),
            outcome,
            received: 2,
            expected: Some(3),
        };
        check(offered(Outcome::Added), "offered daily-sales 2026-11-19: lyon added (2 of 3)");
        check(offered(Outcome::Duplicate), "offered daily-sales 2026-11-19: lyon is a duplicate (2 of 3)");
        check(offered(Outcome::Late), "offered daily-sales 2026-11-19: lyon is late, its group was released");
        check(offered(Outcome::Marker), "offered daily-sales 2026-11-19: a marker (2 of 3)");
    }

    #[test]
    fn a_release_says_why_and_what_is_missing() {
        let step = Step::Released {
            aggregation: "daily-sales".into(),
            key: "2026-11-21".to_owned(),
            reason: "deadline after 3s".to_owned(),
            parts: 2,
            missing: vec!["lyon".to_owned()],
            links: Vec::new(),
        };
        check(step, "released daily-sales 2026-11-21: 2 parts, without lyon, because deadline after 3s");
    }

    #[test]
    fn a_failed_attempt_says_when_the_next_one_is() {
        let step = Step::Attempted {
            consumer: "billing".into(),
            target: "http://127.0.0.1:9/".into(),
            attempt: 1,
            status: Some(503),
            error: Some("service unavailable".to_owned()),
            retry_at: Some(Timestamp::from_millis(43_202_000)),
        };
        let expected = "attempted billing to http://127.0.0.1:9/ (attempt 1) 503 failed: service unavailable; \
                        again at 12:00:02.000";
        check(step, expected);
    }
}
