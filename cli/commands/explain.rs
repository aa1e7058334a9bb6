//! `railpost explain`: where one event went, and why.

use api::{Decision, EventDetail, FieldReason, Standing};
use event::hop::{Hop, Step};

use super::client;
use crate::args::Explain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hop_line::step_text;
use crate::screen::{self, Ink, Screen};
use crate::text::{count, duration, json_lines, sentence, value};

/// Prints an event, its hops as a timeline, and each decision with its reasons.
pub(crate) async fn run(args: Explain) -> Result<Exit, Failure> {
    let detail = client(&args.router)?.explain(&args.event).await?;
    if args.json {
        screen::print_json(&detail)?;
    } else {
        screen::print(&render(&detail, Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

fn render(detail: &EventDetail, screen: Screen) -> String {
    let bus = value(&detail.bus);
    let mut lines = vec![format!("position {} on bus {bus}, accepted {}", detail.position, detail.received)];
    lines.extend(json_lines(detail.event.get()));
    lines.extend([String::new(), screen.ink(Ink::Bold, "What happened")]);
    lines.extend(timeline(detail, screen));
    lines.push(String::new());
    lines.push(screen.ink(Ink::Bold, "Who gets it, under the rules in force now"));
    if detail.decisions.is_empty() {
        lines.push("  nobody: the bus has no consumer and no aggregation".to_owned());
    }
    for decision in &detail.decisions {
        lines.push(headline(decision, is_delivered(detail, &decision.name), screen));
        lines.extend(decision.fields.iter().map(|field| reason(field, screen)));
        let schema = decision.schema.as_ref();
        lines.extend(schema.map(|schema| format!("      {}", sentence(schema))));
    }
    lines.join("\n")
}

/// Returns whether a hop says that a consumer got the event.
fn is_delivered(detail: &EventDetail, name: &str) -> bool {
    detail.hops.iter().any(|hop| matches!(&hop.step, Step::Delivered { consumer, .. } if **consumer == *name))
}

/// Returns a line for each hop, with the time since the event was accepted.
fn timeline(detail: &EventDetail, screen: Screen) -> Vec<String> {
    if detail.hops.is_empty() {
        return vec![
            "  its hops are no longer in memory; the delivery states below are from the store".to_owned(),
        ];
    }
    let mut hops: Vec<&Hop> = detail.hops.iter().collect();
    // Nothing happens to an event before it is received, whatever the clocks of two threads say.
    hops.sort_by_key(|hop| (!matches!(hop.step, Step::Received { .. }), hop.ended));
    let line = |hop: &Hop| {
        let after = format!("+{}", duration(hop.ended.since(detail.received)));
        format!("  {} {}", screen.ink(Ink::Dim, &format!("{after:>8}")), step_text(&hop.step, screen))
    };
    hops.into_iter().map(line).collect()
}

fn headline(decision: &Decision, delivered: bool, screen: Screen) -> String {
    let kind = if decision.aggregation { "aggregation" } else { "consumer" };
    let (mark, ink) = if decision.matched { ("yes", Ink::Green) } else { ("no ", Ink::Yellow) };
    let standing = decision.standing.as_ref().map(|standing| match standing {
        Standing::Pending { attempts } => {
            format!(", pending after {}", count(u64::from(*attempts), "attempt"))
        }
        Standing::DeadLettered { reason } => format!(", dead-lettered: {}", sentence(reason)),
        Standing::Settled if delivered => ", delivered".to_owned(),
        Standing::Settled => ", settled".to_owned(),
    });
    let name = screen.ink(Ink::Bold, &value(&decision.name));
    format!("  {} {kind} {name}{}", screen.ink(ink, mark), standing.unwrap_or_default())
}

fn reason(field: &FieldReason, screen: Screen) -> String {
    let (path, wanted, found) = (value(&field.path), value(&field.wanted), value(&field.found));
    if field.matched {
        return format!("      {path} is {found}");
    }
    let closest = field.closest.as_ref().map(|closest| format!("; closest: {}", sentence(closest)));
    let path = screen.ink(Ink::Yellow, &path);
    format!("      {path}: wanted {wanted}, found {found}{}", closest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use event::hop::Via;
    use event::{SpanId, Timestamp, TraceId};

    use super::*;

    fn field(path: &str, wanted: &str, found: &str, matched: bool) -> FieldReason {
        let (path, wanted, found) = (path.to_owned(), wanted.to_owned(), found.to_owned());
        FieldReason { path, wanted, found, matched, closest: None }
    }

    fn decision(name: &str, fields: Vec<FieldReason>, standing: Option<Standing>) -> Decision {
        let matched = fields.iter().all(|field| field.matched);
        Decision { name: name.to_owned(), aggregation: false, matched, fields, schema: None, standing }
    }

    fn hop(ended: i64, step: Step) -> Hop {
        Hop {
            bus: "default".into(),
            event: "17".into(),
            position: 7,
            started: Timestamp::EPOCH,
            ended: Timestamp::from_millis(ended),
            trace: TraceId([1; 16]),
            span: SpanId([2; 8]),
            parent: None,
            sampled: true,
            step,
        }
    }

    fn detail(payload: &str, hops: Vec<Hop>, decisions: Vec<Decision>) -> EventDetail {
        EventDetail {
            bus: "default".to_owned(),
            position: 7,
            received: Timestamp::from_millis(1_000),
            event: serde_json::value::RawValue::from_string(payload.to_owned()).unwrap(),
            hops,
            decisions,
        }
    }

    #[test]
    fn what_was_received_comes_first_and_what_was_delivered_is_said_to_be() {
        let received = Step::Received {
            via: Via::Bus,
            source: "shop".into(),
            r#type: "x".repeat(100).into(),
            subject: None,
            bytes: 1,
        };
        let delivered = Step::Delivered { consumer: "audit".into(), attempts: 1 };
        let hops = vec![hop(1_002, delivered), hop(1_003, received)];
        let settled = |name| decision(name, Vec::new(), Some(Standing::Settled));
        let text = render(&detail("{}", hops, vec![settled("audit"), settled("late")]), Screen::none());
        let order = [text.find(" received "), text.find(" delivered audit")];
        assert!(order[0].is_some() && order[0] < order[1], "{text}");
        assert!(text.contains("audit, delivered") && text.contains("late, settled"), "{text}");
        assert!(text.contains(&format!("{}... from shop", "x".repeat(57))), "{text}");
    }

    #[test]
    fn every_decision_has_its_reason() {
        let total = FieldReason {
            closest: Some("99 is not > 100".to_owned()),
            ..field("detail.total", r#"{"numeric":[">",100]}"#, "99", false)
        };
        let detail = EventDetail {
            bus: "default".to_owned(),
            position: 7,
            received: Timestamp::from_millis(43_201_234),
            event: serde_json::value::RawValue::from_string("{\"id\":\"17\"}".to_owned()).unwrap(),
            hops: Vec::new(),
            decisions: vec![
                decision(
                    "billing",
                    vec![total, field("detail.coupon", r#"{"exists":true}"#, "absent", false)],
                    None,
                ),
                decision(
                    "audit",
                    vec![field("source", "\"shop\"", "\"shop\"", true)],
                    Some(Standing::Settled),
                ),
            ],
        };
        let expected = "\
position 7 on bus default, accepted 1970-01-01T12:00:01.234Z
  {
    \"id\": \"17\"
  }

What happened
  its hops are no longer in memory; the delivery states below are from the store

Who gets it, under the rules in force now
  no  consumer billing
      detail.total: wanted {\"numeric\":[\">\",100]}, found 99; closest: 99 is not > 100
      detail.coupon: wanted {\"exists\":true}, found absent
  yes consumer audit, settled
      source is \"shop\"";
        assert_eq!(render(&detail, Screen::none()), expected);
    }
}
