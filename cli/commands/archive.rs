//! `railpost archive`: what each bus retains.

use api::ArchiveStatus;

use super::client;
use crate::args::Archive;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::bytes;

/// Prints the range that each bus retains.
pub(crate) async fn run(args: Archive) -> Result<Exit, Failure> {
    let archive = client(&args.router)?.archive().await?;
    if args.json {
        screen::print_json(&archive)?;
    } else {
        screen::print(&table(&archive).render(Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

fn table(archive: &[ArchiveStatus]) -> Table {
    let mut table = Table::new(&[
        "BUS",
        ">EVENTS",
        ">FIRST",
        ">LAST",
        "?!OLDEST",
        "?!NEWEST",
        ">ON DISK",
        "KEEPS",
        "KEPT LONGER BY",
    ]);
    for bus in archive {
        let moment =
            |at: Option<event::Timestamp>| Cell::new(&at.map(|at| at.to_string()).unwrap_or_default());
        table.row(vec![
            Cell::inked(Ink::Bold, &bus.bus),
            Cell::new(&bus.events()),
            Cell::new(&bus.first),
            Cell::new(&bus.last),
            moment(bus.first_at),
            moment(bus.last_at),
            Cell::new(&bytes(bus.bytes)),
            Cell::new(bus.retention.as_deref().unwrap_or("for ever")),
            Cell::inked(Ink::Yellow, bus.pinned_by.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    #[test]
    fn a_bus_says_what_it_keeps_and_why() {
        let landing = ArchiveStatus {
            bus: "landing".to_owned(),
            first: 101,
            last: 4_711,
            first_at: Some(Timestamp::from_millis(1_000)),
            last_at: Some(Timestamp::from_millis(9_000)),
            bytes: 64 << 20,
            retention: Some("7d, 10 GB".to_owned()),
            pinned_by: Some("3 dead letters of billing".to_owned()),
        };
        let empty = ArchiveStatus {
            bus: "audit".to_owned(),
            first: 1,
            last: 0,
            first_at: None,
            last_at: None,
            bytes: 0,
            retention: None,
            pinned_by: None,
        };
        let text = table(&[landing, empty]).render(Screen::none());
        let expected = "\
BUS      EVENTS  FIRST  LAST  OLDEST                    NEWEST                    ON DISK  KEEPS      KEPT LONGER BY
landing    4611    101  4711  1970-01-01T00:00:01.000Z  1970-01-01T00:00:09.000Z   64 MiB  7d, 10 GB  3 dead letters of billing
audit         0      1     0                                                          0 B  for ever";
        assert_eq!(text, expected);
    }
}
