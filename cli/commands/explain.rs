//! `railpost explain`: where one event went, and why.

use api::{Decision, EventDetail, FieldReason, Standing};

use super::client;
use crate::args::Explain;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hop_line::step_text;
use crate::screen::{self, Ink, Screen};
use crate::text::{count, duration, escape, pretty_json};

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
    let bus = escape(&detail.bus);
    let mut lines = vec![
        format!("position {} on bus {bus}, accepted {}", detail.position, detail.received),
        format!("  {}", pretty_json(detail.event.get(), 2)),
        String::new(),
        screen.ink(Ink::Bold, "What happened"),
    ];
    lines.extend(timeline(detail, screen));
    lines.push(String::new());
    lines.push(screen.ink(Ink::Bold, "Who gets it, under the rules in force now"));
    if detail.decisions.is_empty() {
        lines.push("  nobody: the bus has no consumer and no aggregation".to_owned());
    }
    for decision in &detail.decisions {
        lines.push(headline(decision, screen));
        lines.extend(decision.fields.iter().map(|field| reason(field, screen)));
        let schema = decision.schema.as_ref();
        lines.extend(schema.map(|schema| format!("      {}", escape(schema))));
    }
    lines.join("\n")
}

/// Returns a line for each hop, with the time since the event was accepted.
fn timeline(detail: &EventDetail, screen: Screen) -> Vec<String> {
    if detail.hops.is_empty() {
        return vec![
            "  its hops are no longer in memory; the delivery states below are from the store".to_owned(),
        ];
    }
    let mut hops: Vec<&event::Hop> = detail.hops.iter().collect();
    hops.sort_by_key(|hop| hop.ended);
    let line = |hop: &event::Hop| {
        let after = format!("+{}", duration(hop.ended.since(detail.received)));
        format!("  {} {}", screen.ink(Ink::Dim, &format!("{after:>8}")), step_text(&hop.step, screen))
    };
    hops.into_iter().map(line).collect()
}

fn headline(decision: &Decision, screen: Screen) -> String {
    let kind = if decision.aggregation { "aggregation" } else { "consumer" };
    let (mark, ink) = if decision.matched { ("yes", Ink::Green) } else { ("no ", Ink::Yellow) };
    let standing = decision.standing.as_ref().map(|standing| match standing {
        Standing::Pending { attempts } => {
            format!(", pending after {}", count(u64::from(*attempts), "attempt"))
        }
        Standing::DeadLettered { reason } => format!(", dead-lettered: {}", escape(reason)),
        Standing::Settled => ", settled".to_owned(),
    });
    let name = screen.ink(Ink::Bold, &escape(&decision.name));
    format!("  {} {kind} {name}{}", screen.ink(ink, mark), standing.unwrap_or_default())
}

fn reason(field: &FieldReason, screen: Screen) -> String {
    let (path, wanted, found) = (escape(&field.path), escape(&field.wanted), escape(&field.found));
    if field.matched {
        return format!("      {path} is {found}");
    }
    format!("      {} is {found}, wanted {wanted}", screen.ink(Ink::Yellow, &path))
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    fn field(path: &str, wanted: &str, found: &str, matched: bool) -> FieldReason {
        FieldReason { path: path.to_owned(), wanted: wanted.to_owned(), found: found.to_owned(), matched }
    }

    fn decision(name: &str, fields: Vec<FieldReason>, standing: Option<Standing>) -> Decision {
        let matched = fields.iter().all(|field| field.matched);
        Decision { name: name.to_owned(), aggregation: false, matched, fields, schema: None, standing }
    }

    #[test]
    fn every_decision_has_its_reason() {
        let detail = EventDetail {
            bus: "default".to_owned(),
            position: 7,
            received: Timestamp::from_millis(43_201_234),
            event: serde_json::value::RawValue::from_string("{\"id\":\"17\"}".to_owned()).unwrap(),
            hops: Vec::new(),
            decisions: vec![
                decision("billing", vec![field("detail.total", "> 100", "99", false)], None),
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
      detail.total is 99, wanted > 100
  yes consumer audit, settled
      source is \"shop\"";
        assert_eq!(render(&detail, Screen::none()), expected);
    }
}
