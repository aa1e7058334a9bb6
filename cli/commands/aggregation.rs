//! `railpost aggregation try`: how groups of the past would differ under changed rules.

use std::collections::BTreeSet;
use std::fs;

use api::{GroupDifference, TriedAggregation, TriedGroup, TryOrder, TryReport};

use super::client;
use crate::args::aggregation::{Action, Aggregation, Try};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::text::{count, duration, list, sentence, value};

/// Does what is asked.
pub(crate) async fn run(args: Aggregation) -> Result<Exit, Failure> {
    match args.action {
        Action::Try(args) => tried(args).await,
    }
}

/// Prints how the groups of a range would differ under a file's rules.
async fn tried(args: Try) -> Result<Exit, Failure> {
    let unreadable = |source| Failure::File { path: args.file.clone(), source };
    let config = fs::read_to_string(&args.file).map_err(unreadable)?;
    let client = client(&args.router)?;
    let now = client.overview().await?.at;
    let order = TryOrder {
        config,
        file: args.file.display().to_string(),
        aggregation: args.aggregation,
        from: args.from.at(now),
        until: args.to.map(|to| to.at(now)),
    };
    let report = client.try_aggregations(&order).await?;
    if args.json {
        screen::print_json(&report)?;
    } else {
        screen::print(&render(&report, Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

fn render(report: &TryReport, screen: Screen) -> String {
    if report.aggregations.is_empty() {
        return "the file has no aggregation".to_owned();
    }
    let sections: Vec<String> =
        report.aggregations.iter().map(|aggregation| section(aggregation, screen)).collect();
    sections.join("\n\n")
}

/// Returns what came of one aggregation: a line that counts, and two for each group that differs.
fn section(aggregation: &TriedAggregation, screen: Screen) -> String {
    let TriedAggregation { name, bus, events, same, differences, different, is_known } = aggregation;
    let differ = match different {
        0 => screen.ink(Ink::Green, "no group differs"),
        1 => screen.ink(Ink::Yellow, "1 group differs"),
        number => screen.ink(Ink::Yellow, &format!("{number} groups differ")),
    };
    let name = screen.ink(Ink::Bold, &value(name));
    let (events, same) = (count(*events, "event"), count(*same, "group"));
    let mut lines = vec![format!("{name} on bus {}: {events} read, {same} the same, {differ}", value(bus))];
    if !is_known {
        lines.push("  the router runs no aggregation of that name, so that every group is new".to_owned());
    }
    let width = differences.iter().map(|one| value(&one.key).chars().count()).max().unwrap_or_default();
    for difference in differences {
        let key = value(&difference.key);
        lines.push(format!("  {key:<width$}  now    {}", now(difference)));
        lines.push(format!("  {:<width$}  tried  {}", "", other(difference, screen)));
    }
    let shown = u64::try_from(differences.len()).unwrap_or(u64::MAX);
    if *different > shown {
        lines.push(format!("  ... and {} that differ", count(different - shown, "more group")));
    }
    lines.join("\n")
}

/// Returns how a group came out under the present rule.
fn now(difference: &GroupDifference) -> String {
    let Some(now) = &difference.now else { return "no such group".to_owned() };
    outcome(&moment(now), &parts(now), &sentence(&now.reason))
}

/// Returns how a group came out under the rule that is tried; what differs stands out.
fn other(difference: &GroupDifference, screen: Screen) -> String {
    let Some(tried) = &difference.tried else { return screen.ink(Ink::Red, "no such group") };
    let (time, mut parts, reason) = (moment(tried), parts(tried), sentence(&tried.reason));
    let Some(now) = &difference.now else {
        return screen.ink(Ink::Yellow, &outcome(&time, &parts, &reason));
    };
    let marked = |differs: bool, text: String| if differs { screen.ink(Ink::Yellow, &text) } else { text };
    parts.push_str(&exchanged(now, tried));
    let changed = now.parts != tried.parts || now.missing != tried.missing;
    outcome(
        &marked(now.released != tried.released, format!("{time}{}", apart(now, tried))),
        &marked(changed, parts),
        &marked(now.reason != tried.reason, reason),
    )
}

fn outcome(time: &str, parts: &str, reason: &str) -> String {
    let because = if reason.is_empty() { String::new() } else { format!(", because {reason}") };
    format!("{time}: {parts}{because}")
}

fn moment(group: &TriedGroup) -> String {
    group.released.map_or_else(|| "still open".to_owned(), |at| at.to_string())
}

/// Returns how many parts a group has, and without which ones it is.
fn parts(group: &TriedGroup) -> String {
    let parts = count(u64::try_from(group.parts.len()).unwrap_or(u64::MAX), "part");
    let missing = &group.missing;
    if missing.is_empty() { parts } else { format!("{parts} without {}", list(missing)) }
}

/// Returns how much earlier or later a group would have been released.
fn apart(now: &TriedGroup, tried: &TriedGroup) -> String {
    match (now.released, tried.released) {
        (Some(now), Some(tried)) if tried > now => format!(" ({} later)", duration(tried.since(now))),
        (Some(now), Some(tried)) if tried < now => format!(" ({} earlier)", duration(now.since(tried))),
        _ => String::new(),
    }
}

/// Returns which parts a group would have gained and lost.
fn exchanged(now: &TriedGroup, tried: &TriedGroup) -> String {
    let before: BTreeSet<&String> = now.parts.iter().collect();
    let after: BTreeSet<&String> = tried.parts.iter().collect();
    let gained: Vec<&&String> = after.difference(&before).collect();
    let lost: Vec<&&String> = before.difference(&after).collect();
    let mut words = Vec::new();
    if !gained.is_empty() {
        words.push(format!("gains {}", list(&gained)));
    }
    if !lost.is_empty() {
        words.push(format!("loses {}", list(&lost)));
    }
    if words.is_empty() && now.parts != tried.parts {
        words.push("in another order".to_owned());
    }
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn group(minute: Option<i64>, reason: &str, parts: &[&str], missing: &[&str]) -> TriedGroup {
        let released = minute.map(|minute| Timestamp::from_millis(minute * 60_000));
        TriedGroup { released, reason: reason.to_owned(), parts: names(parts), missing: names(missing) }
    }

    fn difference(
        key: &str,
        now: impl Into<Option<TriedGroup>>,
        tried: impl Into<Option<TriedGroup>>,
    ) -> GroupDifference {
        GroupDifference { key: key.to_owned(), now: now.into(), tried: tried.into() }
    }

    fn tried(differences: Vec<GroupDifference>, different: u64) -> TriedAggregation {
        TriedAggregation {
            name: "daily-sales".to_owned(),
            bus: "landing".to_owned(),
            events: 1_204,
            same: 30,
            differences,
            different,
            is_known: true,
        }
    }

    fn check(aggregation: TriedAggregation, expected: &str) {
        let report = TryReport { aggregations: vec![aggregation] };
        assert_eq!(render(&report, Screen::none()), expected);
    }

    #[test]
    fn each_difference_says_what_is_and_what_would_be() {
        let differences = vec![
            difference(
                "2026-11-19",
                group(Some(360), "deadline", &["paris", "lyon"], &["nice"]),
                group(Some(372), "expected", &["paris", "lyon", "nice"], &[]),
            ),
            difference(
                "monday",
                group(Some(360), "deadline", &["paris", "lyon"], &[]),
                group(Some(300), "deadline", &["lyon", "oslo"], &[]),
            ),
            difference("a", None, group(None, "", &["paris"], &["lyon"])),
            difference("b", group(Some(1), "count", &["p", "q"], &[]), None),
            difference(
                "c",
                group(Some(1), "count", &["p", "q"], &[]),
                group(Some(1), "count", &["q", "p"], &[]),
            ),
        ];
        check(
            tried(differences, 7),
            "\
daily-sales on bus landing: 1204 events read, 30 groups the same, 7 groups differ
  2026-11-19  now    1970-01-01T06:00:00.000Z: 2 parts without nice, because deadline
              tried  1970-01-01T06:12:00.000Z (12m later): 3 parts (gains nice), because expected
  monday      now    1970-01-01T06:00:00.000Z: 2 parts, because deadline
              tried  1970-01-01T05:00:00.000Z (1h earlier): 2 parts (gains oslo, loses paris), because deadline
  a           now    no such group
              tried  still open: 1 part without lyon
  b           now    1970-01-01T00:01:00.000Z: 2 parts, because count
              tried  no such group
  c           now    1970-01-01T00:01:00.000Z: 2 parts, because count
              tried  1970-01-01T00:01:00.000Z: 2 parts (in another order), because count
  ... and 2 more groups that differ",
        );
    }

    #[test]
    fn a_rule_that_changes_nothing_says_so() {
        check(
            tried(Vec::new(), 0),
            "daily-sales on bus landing: 1204 events read, 30 groups the same, no group differs",
        );
        assert_eq!(render(&TryReport::default(), Screen::none()), "the file has no aggregation");
    }

    #[test]
    fn a_new_aggregation_is_said_to_be_new() {
        let new = TriedAggregation { same: 0, is_known: false, ..tried(Vec::new(), 0) };
        check(
            new,
            "\
daily-sales on bus landing: 1204 events read, no groups the same, no group differs
  the router runs no aggregation of that name, so that every group is new",
        );
    }

    #[test]
    fn what_differs_stands_out() {
        let now = group(Some(360), "deadline", &["paris"], &[]);
        let later = group(Some(361), "deadline", &["paris"], &[]);
        let text = other(&difference("k", now, later), Screen { width: None, colours: true });
        let expected = "\u{1b}[33m1970-01-01T06:01:00.000Z (1m later)\u{1b}[0m: 1 part, because deadline";
        assert_eq!(text, expected);
    }
}
