//! `railpost groups`: groups in flight and what each one waits for.

use api::GroupStatus;
use event::Timestamp;

use super::client;
use crate::args::Groups;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::{list, relative};

/// Prints the open groups, oldest first.
pub(crate) async fn run(args: Groups) -> Result<Exit, Failure> {
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
    Ok(Exit::Done)
}

fn table(groups: &[GroupStatus], now: Timestamp) -> Table {
    let mut table = Table::new(&["AGGREGATION", "KEY", "PARTS", "MISSING", "?OPENED", "DUE", "WAITS FOR"]);
    for group in groups {
        let parts = match group.expected {
            Some(expected) => format!("{} of {expected}", group.parts.len()),
            None => group.parts.len().to_string(),
        };
        let missing = match group.missing.as_slice() {
            [] => Cell::new(""),
            missing => Cell::inked(Ink::Yellow, &list(missing)),
        };
        let due = [group.deadline, group.idle_until].into_iter().flatten().min();
        table.row(vec![
            Cell::inked(Ink::Bold, &group.aggregation),
            Cell::new(&group.key),
            Cell::new(&parts),
            missing,
            Cell::new(&relative(group.opened, now)),
            Cell::new(&due.map(|due| relative(due, now)).unwrap_or_default()),
            Cell::new(&group.waiting_for.join("; ")),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_says_what_it_waits_for() {
        let group = GroupStatus {
            aggregation: "daily-sales".to_owned(),
            bus: "landing".to_owned(),
            key: "2026-11-21".to_owned(),
            parts: Vec::new(),
            expected: Some(3),
            missing: vec!["lyon".to_owned(), "nice".to_owned()],
            opened: Timestamp::from_millis(1_000),
            last_part: Timestamp::from_millis(1_000),
            deadline: Some(Timestamp::from_millis(9_000)),
            idle_until: Some(Timestamp::from_millis(7_000)),
            waiting_for: vec!["expected: 2 more".to_owned(), "deadline in 3s".to_owned()],
        };
        let text = table(&[group], Timestamp::from_millis(4_000)).render(Screen::none());
        let expected = "\
AGGREGATION  KEY         PARTS   MISSING     OPENED  DUE    WAITS FOR
daily-sales  2026-11-21  0 of 3  lyon, nice  3s ago  in 3s  expected: 2 more; deadline in 3s";
        assert_eq!(text, expected);
    }
}
