//! `railpost groups show`: one of them, whole.

use std::time::Duration;

use api::{GroupAction, GroupEnd, GroupStatus, HandlingRecord, MissingPart};
use event::Timestamp;

use super::{named, parts, span};
use crate::args::groups::Show;
use crate::commands::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::{count, duration, relative, sentence, short_time, value};

/// The parts that are shown of a group; the JSON document has as many as the router lists.
const PARTS_SHOWN_MAX: usize = 200;

/// Prints one group.
pub(super) async fn run(args: Show) -> Result<Exit, Failure> {
    let client = client(&args.router)?;
    let group = client.group(&args.aggregation, &args.group).await?;
    if args.json {
        screen::print_json(&group)?;
    } else {
        let now = client.overview().await?.at;
        screen::print(&render(&group, now, Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

pub(super) fn render(group: &GroupStatus, now: Timestamp, screen: Screen) -> String {
    let name = screen.ink(Ink::Bold, &format!("{} {}", value(&group.aggregation), value(&named(group))));
    let mut lines = vec![format!("{name} on bus {}: {}", value(&group.bus), standing(group, now, screen))];
    lines.extend(facts(group, now));
    let sections = [
        ("What it waits for", group.waiting_for.iter().map(|line| format!("  {}", sentence(line))).collect()),
        ("Missing", group.missing.iter().map(|part| missing(part, group, now, screen)).collect()),
        ("Optional, not there", group.optional.iter().map(|name| format!("  {}", value(name))).collect()),
        ("What was done to it", group.history.iter().map(handling).collect()),
        ("How it ended", group.ended.iter().map(ended).collect::<Vec<String>>()),
    ];
    for (heading, body) in sections.into_iter().filter(|(_, body)| !body.is_empty()) {
        lines.extend([String::new(), screen.ink(Ink::Bold, heading)]);
        lines.extend(body);
    }
    lines.extend([String::new(), arrived(group, screen)]);
    lines.join("\n")
}

/// Returns in a few words whether a group is open, held or over.
fn standing(group: &GroupStatus, now: Timestamp, screen: Screen) -> String {
    let age = duration(now.since(group.opened));
    match &group.ended {
        Some(end) if end.released => screen.ink(Ink::Green, "released"),
        Some(_) => screen.ink(Ink::Yellow, "discarded"),
        None if group.held => {
            let held = screen.ink(Ink::Yellow, "HELD");
            format!("{held}, open for {age}; nothing completes it until `railpost groups let-go`")
        }
        None => format!("open for {age}"),
    }
}

/// Returns a line for each time that there is, with how far it is from now, and for what else a line says.
fn facts(group: &GroupStatus, now: Timestamp) -> Vec<String> {
    let fact = |name: &str, text: &str| format!("  {name:<10}  {text}");
    let time =
        |name: &str, at: Option<Timestamp>| at.map(|at| fact(name, &format!("{at} ({})", relative(at, now))));
    let mut lines = vec![fact("id", &value(&group.id))];
    lines.extend(group.window.map(|window| fact("window", &span(window))));
    let is_open = group.ended.is_none();
    let times = [
        ("opened", Some(group.opened)),
        ("last part", Some(group.last_part)),
        ("deadline", group.deadline.filter(|_| is_open)),
        ("idle until", group.idle_until.filter(|_| is_open)),
        ("watermark", group.watermark),
    ];
    lines.extend(times.into_iter().filter_map(|(name, at)| time(name, at)));
    if group.duplicates > 0 {
        lines.push(fact("duplicates", &group.duplicates.to_string()));
    }
    lines
}

/// Returns a part that has not come, and when it usually comes.
fn missing(part: &MissingPart, group: &GroupStatus, now: Timestamp, screen: Screen) -> String {
    let name = screen.ink(Ink::Yellow, &value(&part.name));
    let Some(usually_by) = part.usually_by else { return format!("  {name}") };
    // What is learned from the past is no more exact than that.
    let usually_by = Timestamp::from_millis(usually_by.as_seconds() * 1_000);
    let late = now.since(usually_by);
    let late = if group.ended.is_some() || late < Duration::from_secs(1) {
        String::new()
    } else {
        format!(" ({})", screen.ink(Ink::Red, &format!("late by {}", duration(late))))
    };
    format!("  {name}, usually by {}{late}", short_time(usually_by, now))
}

/// Returns what somebody did.
fn handling(record: &HandlingRecord) -> String {
    let HandlingRecord { at, by, why, action } = record;
    format!("  {at}  {}: {}, because {}", value(by), deed(action), sentence(why))
}

fn deed(action: &GroupAction) -> String {
    match action {
        GroupAction::Release => "released it".to_owned(),
        GroupAction::Discard => "discarded it".to_owned(),
        GroupAction::Extend { by_ms } => {
            format!("extended it by {}", duration(Duration::from_millis(*by_ms)))
        }
        GroupAction::Hold => "held it".to_owned(),
        GroupAction::LetGo => "let it go".to_owned(),
        GroupAction::Expect { part } => format!("made it wait for {}", value(part)),
        GroupAction::Unexpect { part } => format!("made it wait for {} no more", value(part)),
    }
}

fn ended(end: &GroupEnd) -> String {
    let how = if end.released { "released" } else { "discarded" };
    let revised = match end.revisions {
        0 => String::new(),
        number => format!("; {} since", count(u64::from(number), "revision")),
    };
    format!("  {how} {}, because {}{revised}", end.at, sentence(&end.reason))
}

/// Returns the parts as a table under a heading.
fn arrived(group: &GroupStatus, screen: Screen) -> String {
    if group.ended.is_some() && group.parts.is_empty() {
        let heading = screen.ink(Ink::Bold, "Parts");
        return format!("{heading}\n  not kept with a group that is over; a release names its own");
    }
    let heading = screen.ink(Ink::Bold, &format!("Parts: {}", parts(group)));
    if group.parts.is_empty() {
        return format!("{heading}\n  none yet");
    }
    let mut table = Table::new(&["PART", ">POSITION", "!EVENT", "?!RECEIVED"]);
    for part in group.parts.iter().take(PARTS_SHOWN_MAX) {
        table.row(vec![
            Cell::new(&part.name),
            Cell::new(&part.position),
            Cell::new(&part.event),
            Cell::new(&part.received),
        ]);
    }
    let mut text = format!("{heading}\n{}", table.render(screen));
    let left = group.parts.len().saturating_sub(PARTS_SHOWN_MAX);
    if left > 0 {
        let left = count(u64::try_from(left).unwrap_or(u64::MAX), "more part");
        text.extend(["\n... and ", &left, "; --json has them"]);
    }
    text
}
