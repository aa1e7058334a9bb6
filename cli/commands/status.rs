//! `railpost status`: the router at a glance, and whether its ledgers balance.

use api::{AggregationStatus, BusStatus, ConsumerStatus, Overview, Phase};

use super::client;
use crate::args::Status;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::{bytes, duration, escape};

/// Prints the overview; the answer is no where a ledger does not balance or the router has failed.
pub(crate) async fn run(args: Status) -> Result<Exit, Failure> {
    let client = client(&args.router)?;
    let overview = client.overview().await?;
    if args.json {
        screen::print_json(&overview)?;
    } else {
        screen::print(&render(client.base(), &overview, Screen::of_stdout()))?;
    }
    let well = balances(&overview) && overview.phase != Phase::Failed;
    Ok(if well { Exit::Done } else { Exit::Failed })
}

/// Returns whether every ledger balances.
pub(crate) fn balances(overview: &Overview) -> bool {
    overview.consumers.iter().all(ConsumerStatus::balances)
        && overview.aggregations.iter().all(AggregationStatus::balances)
}

fn render(base: &str, overview: &Overview, screen: Screen) -> String {
    let (phase, ink) = match overview.phase {
        Phase::Recovering => ("recovering", Ink::Yellow),
        Phase::Running => ("running", Ink::Green),
        Phase::Draining => ("draining", Ink::Yellow),
        Phase::Failed => ("failed", Ink::Red),
    };
    let uptime = duration(overview.at.since(overview.started));
    let version = escape(&overview.version);
    let mut text = format!("railpost {version} on {base}: {} for {uptime}", screen.ink(ink, phase));
    let tables = [
        (overview.buses.is_empty(), buses(&overview.buses)),
        (overview.consumers.is_empty(), consumers(&overview.consumers)),
        (overview.aggregations.is_empty(), aggregations(&overview.aggregations)),
    ];
    for (_, table) in tables.iter().filter(|(empty, _)| !empty) {
        text.push_str("\n\n");
        text.push_str(&table.render(screen));
    }
    text
}

fn buses(buses: &[BusStatus]) -> Table {
    let mut table = Table::new(&["BUS", ">EVENTS", ">UNDECIDED", ">EVENTS/S", ">ON DISK"]);
    for bus in buses {
        table.row(vec![
            Cell::inked(Ink::Bold, &bus.name),
            Cell::new(&bus.head),
            Cell::alarm(Ink::Yellow, bus.head.saturating_sub(bus.applied)),
            Cell::new(&format!("{:.1}", bus.rate)),
            Cell::new(&bytes(bus.disk_bytes)),
        ]);
    }
    table
}

/// Returns the consumers' ledgers as a table.
pub(crate) fn consumers(consumers: &[ConsumerStatus]) -> Table {
    let mut table = Table::new(&[
        "CONSUMER",
        "?BUS",
        ">MATCHED",
        ">= DELIVERED",
        ">+ DEAD",
        ">+ DROPPED",
        ">+ PENDING",
        "?>IN FLIGHT",
        "LEDGER",
        "?LAST ERROR",
    ]);
    for consumer in consumers {
        table.row(vec![
            Cell::inked(Ink::Bold, &consumer.name),
            Cell::new(&consumer.bus),
            Cell::new(&consumer.matched),
            Cell::new(&consumer.delivered),
            Cell::alarm(Ink::Red, consumer.dead_lettered),
            Cell::alarm(Ink::Yellow, consumer.dropped),
            Cell::alarm(Ink::Yellow, consumer.pending),
            Cell::new(&consumer.in_flight),
            verdict(consumer.balances()),
            Cell::inked(Ink::Red, consumer.last_error.as_deref().unwrap_or_default()),
        ]);
    }
    table
}

/// Returns the aggregations' ledgers as a table.
pub(crate) fn aggregations(aggregations: &[AggregationStatus]) -> Table {
    let mut table = Table::new(&[
        "AGGREGATION",
        "?BUS",
        ">OFFERED",
        ">= RELEASED",
        ">+ LATE",
        ">+ DUPLICATE",
        ">+ DISCARDED",
        ">+ OPEN",
        "LEDGER",
        "?>GROUPS",
        "?>RELEASES",
    ]);
    for aggregation in aggregations {
        table.row(vec![
            Cell::inked(Ink::Bold, &aggregation.name),
            Cell::new(&aggregation.bus),
            Cell::new(&aggregation.offered),
            Cell::new(&aggregation.released),
            Cell::alarm(Ink::Yellow, aggregation.late),
            Cell::alarm(Ink::Yellow, aggregation.duplicate),
            Cell::alarm(Ink::Yellow, aggregation.discarded),
            Cell::new(&aggregation.open),
            verdict(aggregation.balances()),
            Cell::new(&aggregation.open_groups),
            Cell::new(&aggregation.releases),
        ]);
    }
    table
}

fn verdict(balances: bool) -> Cell {
    if balances { Cell::inked(Ink::Green, "balanced") } else { Cell::inked(Ink::Red, "NOT balanced") }
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    fn overview(late: u64) -> Overview {
        Overview {
            version: "0.1.0".to_owned(),
            phase: Phase::Running,
            at: Timestamp::from_millis(200_000),
            started: Timestamp::EPOCH,
            buses: vec![BusStatus {
                name: "landing".to_owned(),
                head: 12,
                applied: 12,
                rate: 1.25,
                disk_bytes: 64 << 20,
            }],
            consumers: Vec::new(),
            aggregations: vec![AggregationStatus {
                name: "daily-sales".to_owned(),
                bus: "landing".to_owned(),
                offered: 9,
                released: 7,
                late,
                duplicate: 1,
                discarded: 0,
                open: 0,
                open_groups: 0,
                releases: 3,
            }],
        }
    }

    fn check(late: u64, ledger: &str) {
        let text = render("http://127.0.0.1:7245", &overview(late), Screen::none());
        let expected = format!(
            "\
railpost 0.1.0 on http://127.0.0.1:7245: running for 3m 20s

BUS      EVENTS  UNDECIDED  EVENTS/S  ON DISK
landing      12          0       1.2   64 MiB

AGGREGATION  BUS      OFFERED  = RELEASED  + LATE  + DUPLICATE  + DISCARDED  + OPEN  {ledger}"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn the_consumers_fit_eighty_columns() {
        let consumer = ConsumerStatus {
            name: "a-consumer-with-a-name".to_owned(),
            bus: "a-bus-with-a-name".to_owned(),
            target: "http://127.0.0.1:9/".to_owned(),
            matched: 123_456,
            delivered: 123_000,
            dead_lettered: 400,
            dropped: 6,
            pending: 50,
            in_flight: 32,
            rate: 0.0,
            failure_rate: 0.0,
            failures: 400,
            latency: None,
            last_error: Some("connection refused by the host that was asked".to_owned()),
            oldest_pending: None,
        };
        let table = consumers(&[consumer]);
        let wide = table.render(Screen::none());
        assert!(wide.contains("IN FLIGHT") && wide.contains("       32  balanced"), "{wide}");
        for width in [20, 40, 60, 80, 99] {
            let text = table.render(Screen { width: Some(width), colours: false });
            assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
            assert!(width < 80 || text.contains("123456") && text.contains("balanced"), "{width}: {text}");
        }
    }

    #[test]
    fn a_ledger_that_balances_is_said_to() {
        check(
            1,
            "LEDGER    GROUPS  RELEASES
daily-sales  landing        9           7       1            1            0       0  balanced       0         3",
        );
        assert!(balances(&overview(1)));
    }

    #[test]
    fn a_ledger_that_does_not_balance_is_said_not_to() {
        check(
            0,
            "LEDGER        GROUPS  RELEASES
daily-sales  landing        9           7       0            1            0       0  NOT balanced       0         3",
        );
        assert!(!balances(&overview(0)));
    }
}
