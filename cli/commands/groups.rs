//! `railpost groups`: groups in flight, what each one waits for, and what somebody does to them.

mod ledger;
mod order;
mod show;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use api::{GROUPS_LISTED_MAX, GroupAction, GroupStatus, WindowStatus};
use event::Timestamp;

use super::client;
use crate::args::groups::{Action, Extend, Groups, List, Part};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::{list, relative, short_time};

/// The parts that a router lists of one group, at most.
const PARTS_LISTED_MAX: usize = 1_000;

/// Does what is asked; without a word about that, lists.
pub(crate) async fn run(args: Groups) -> Result<Exit, Failure> {
    match args.action {
        None if args.list.ledger => ledger::run(args.list).await,
        None => listed(args.list).await,
        Some(Action::Show(args)) => show::run(args).await,
        Some(Action::Release(args)) => order::many(args, GroupAction::Release).await,
        Some(Action::Discard(args)) => order::many(args, GroupAction::Discard).await,
        Some(Action::Hold(args)) => order::one(args.which, GroupAction::Hold).await,
        Some(Action::LetGo(args)) => order::one(args.which, GroupAction::LetGo).await,
        Some(Action::Extend(Extend { which, duration })) => {
            let by_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            order::one(which, GroupAction::Extend { by_ms }).await
        }
        Some(Action::Expect(Part { which, part })) => order::one(which, GroupAction::Expect { part }).await,
        Some(Action::Unexpect(Part { which, part })) => {
            order::one(which, GroupAction::Unexpect { part }).await
        }
    }
}

/// Prints the open groups, oldest first.
async fn listed(args: List) -> Result<Exit, Failure> {
    let client = client(&args.router)?;
    let groups = client.groups(args.aggregation.as_deref()).await?;
    if args.json {
        screen::print_json(&groups)?;
    } else if groups.is_empty() {
        screen::print("no open groups")?;
    } else {
        let now = client.overview().await?.at;
        screen::print(&table(&groups, now).render(Screen::of_stdout()))?;
    }
    if groups.len() >= GROUPS_LISTED_MAX {
        screen::note(&format!(
            "these are the oldest {GROUPS_LISTED_MAX}; --aggregation shows those of one, --ledger counts them all"
        ));
    }
    Ok(Exit::Done)
}

/// Returns groups as a table, with their ids where keys alone do not tell them apart.
fn table(groups: &[GroupStatus], now: Timestamp) -> Table {
    let mut keys = HashSet::new();
    let with_ids = !groups.iter().all(|group| keys.insert((&group.aggregation, &group.key)));
    let mut headings = vec!["AGGREGATION", "KEY", "PARTS", "MISSING", "?OPENED", "DUE"];
    headings.extend(with_ids.then_some("?!ID"));
    headings.push("WAITS FOR");
    let mut table = Table::new(&headings);
    for group in groups {
        let missing: Vec<&str> = group.missing.iter().map(|part| part.name.as_str()).collect();
        let missing = if missing.is_empty() { String::new() } else { list(&missing) };
        let mut cells = vec![
            Cell::inked(Ink::Bold, &group.aggregation),
            Cell::new(&named(group)),
            Cell::new(&parts(group)),
            Cell::inked(Ink::Yellow, &missing),
            Cell::new(&relative(group.opened, now)),
            due(group, now),
        ];
        cells.extend(with_ids.then(|| Cell::new(&group.id)));
        cells.push(Cell::sentence(Ink::Plain, &group.waiting_for.join("; ")));
        table.row(cells);
    }
    table
}

/// Returns when time completes a group, or that somebody holds it.
fn due(group: &GroupStatus, now: Timestamp) -> Cell {
    if group.held {
        return Cell::inked(Ink::Yellow, "held");
    }
    let due = [group.deadline, group.idle_until].into_iter().flatten().min();
    Cell::new(&due.map(|due| relative(due, now)).unwrap_or_default())
}

/// Returns a group's key, and its window where it stands for one: `clicks [2026-11-21 06:00..07:00)`.
fn named(group: &GroupStatus) -> String {
    match group.window {
        Some(window) => format!("{} {}", group.key, span(window)),
        None => group.key.clone(),
    }
}

/// Returns a window with the end that does not belong to it.
fn span(window: WindowStatus) -> String {
    let start = window.start.to_jiff().strftime("%Y-%m-%d");
    format!("[{start} {}..{})", short_time(window.start, window.start), short_time(window.end, window.start))
}

/// Returns how many parts there are, and of how many: `1000+` where there may be more than the router lists.
fn parts(group: &GroupStatus) -> String {
    let more = if group.parts.len() >= PARTS_LISTED_MAX { "+" } else { "" };
    let there = format!("{}{more}", group.parts.len());
    match group.expected {
        Some(expected) => format!("{there} of {expected}"),
        None => there,
    }
}
