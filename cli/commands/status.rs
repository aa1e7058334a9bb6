//! `railpost status`: the router at a glance, and whether its ledgers balance.

use api::{
    AggregationStatus, BusStatus, ConsumerState, ConsumerStatus, Durability, Overview, Phase, Restraint,
};

use super::client;
use crate::args::Status;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};
use crate::text::{bytes, duration, escape, sentence, value};

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
    text.extend(overview.buses.iter().filter_map(|bus| not_durable(bus, screen)));
    let slow: Vec<&ConsumerStatus> = overview.consumers.iter().filter(|consumer| !goes(consumer)).collect();
    let tables = [
        (overview.buses.is_empty(), buses(&overview.buses)),
        (overview.consumers.is_empty(), consumers(&overview.consumers)),
        (slow.is_empty(), waiting(&slow)),
        (overview.aggregations.is_empty(), aggregations(&overview.aggregations)),
    ];
    for (_, table) in tables.iter().filter(|(empty, _)| !empty) {
        text.push_str("\n\n");
        text.push_str(&table.render(screen));
    }
    text.extend(overview.aggregations.iter().filter_map(|aggregation| holds_up(aggregation, screen)));
    text
}

/// Returns a line that says so of an aggregation that is at a limit, and lets its bus wait.
pub(crate) fn holds_up(aggregation: &AggregationStatus, screen: Screen) -> Option<String> {
    let why = sentence(aggregation.waits.as_deref()?);
    let words = format!("WAITING: {} holds up bus {}", value(&aggregation.name), value(&aggregation.bus));
    Some(format!("\n{}: {why}", screen.ink(Ink::Red, &words)))
}

/// Returns a line that says so of a bus whose acknowledgement does not mean that an event is on disk.
fn not_durable(bus: &BusStatus, screen: Screen) -> Option<String> {
    if bus.durability == Durability::Disk {
        return None;
    }
    let words = format!("NOT DURABLE: bus {} acknowledges from MEMORY", value(&bus.name));
    let words = screen.ink(Ink::Red, &words);
    Some(format!("\n{words}; what it has acknowledged can be lost when the machine fails"))
}

fn buses(buses: &[BusStatus]) -> Table {
    let mut table = Table::new(&["BUS", ">EVENTS", ">UNDECIDED", ">DUPLICATES", ">EVENTS/S", ">ON DISK"]);
    for bus in buses {
        table.row(vec![
            Cell::inked(Ink::Bold, &bus.name),
            Cell::new(&bus.head),
            Cell::alarm(Ink::Yellow, bus.head.saturating_sub(bus.applied)),
            Cell::new(&bus.duplicates),
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

/// Returns whether nothing keeps a consumer from delivering, and nothing of it waits.
fn goes(consumer: &ConsumerStatus) -> bool {
    consumer.restraint().is_none() && consumer.retrying == 0 && consumer.held == 0
}

/// Returns what keeps consumers from delivering freely as a table.
fn waiting(consumers: &[&ConsumerStatus]) -> Table {
    let mut table = Table::new(&["CONSUMER", "STATE", ">RETRYING", ">BEHIND ITS KEY", "BECAUSE"]);
    for consumer in consumers {
        let (word, ink) = match consumer.restraint() {
            Some(restraint @ (Restraint::Stopped | Restraint::Open)) => (restraint.word(), Ink::Red),
            Some(restraint) => (restraint.word(), Ink::Yellow),
            None => ("delivering", Ink::Plain),
        };
        let because = match &consumer.state {
            ConsumerState::Stopped { reason } => reason.as_str(),
            ConsumerState::Paused => "somebody paused it; `railpost resume` lets it go on",
            ConsumerState::Delivering => consumer.holding.as_deref().unwrap_or_default(),
        };
        table.row(vec![
            Cell::inked(Ink::Bold, &consumer.name),
            Cell::inked(ink, word),
            Cell::new(&consumer.retrying),
            Cell::new(&consumer.held),
            Cell::sentence(ink, because),
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
                tail: 1,
                applied: 12,
                rate: 1.25,
                disk_bytes: 64 << 20,
                durability: Durability::Disk,
                duplicates: 2,
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
                without_key: 0,
                refused: 0,
                amended: 0,
                revisions: 0,
                skipped: 0,
                waits: None,
            }],
        }
    }

    fn check(late: u64, ledger: &str) {
        let text = render("http://127.0.0.1:7245", &overview(late), Screen::none());
        let expected = format!(
            "\
railpost 0.1.0 on http://127.0.0.1:7245: running for 3m 20s

BUS      EVENTS  UNDECIDED  DUPLICATES  EVENTS/S  ON DISK
landing      12          0           2       1.2   64 MiB

AGGREGATION  BUS      OFFERED  = RELEASED  + LATE  + DUPLICATE  + DISCARDED  + OPEN  {ledger}"
        );
        assert_eq!(text, expected);
    }

    fn consumer(name: &str) -> ConsumerStatus {
        ConsumerStatus {
            name: name.to_owned(),
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
            state: ConsumerState::Delivering,
            retrying: 0,
            held: 0,
            holding: None,
        }
    }

    #[test]
    fn the_consumers_fit_eighty_columns() {
        let table = consumers(&[consumer("a-consumer-with-a-name")]);
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

    #[test]
    fn an_aggregation_that_holds_up_its_bus_is_said_aloud() {
        let mut overview = overview(1);
        overview.aggregations[0].waits = Some("100000 groups are open, its limit".to_owned());
        let text = render("http://127.0.0.1:7245", &overview, Screen::none());
        let expected = "WAITING: daily-sales holds up bus landing: 100000 groups are open, its limit";
        assert_eq!(text.lines().last(), Some(expected));
    }

    #[test]
    fn a_bus_in_memory_is_said_aloud() {
        let mut overview = overview(1);
        overview.buses[0].durability = Durability::Memory;
        let text = render("http://127.0.0.1:7245", &overview, Screen::none());
        let expected = "NOT DURABLE: bus landing acknowledges from MEMORY; what it has acknowledged can be lost when \
                        the machine fails";
        assert_eq!(text.lines().nth(1), Some(expected));
    }

    #[test]
    fn a_consumer_that_does_not_go_freely_says_why() {
        let stopped = ConsumerState::Stopped { reason: "the bus of its target is gone".to_owned() };
        let circuit =
            Some("circuit open until 2026-11-21T12:00:03.000Z after 5 failures in a row".to_owned());
        let consumers = [
            consumer("free"),
            ConsumerStatus { retrying: 3, ..consumer("audit") },
            ConsumerStatus { state: ConsumerState::Paused, ..consumer("billing") },
            ConsumerStatus { state: stopped, ..consumer("copy") },
            ConsumerStatus { holding: circuit, retrying: 12, held: 4, ..consumer("fraud") },
            ConsumerStatus { holding: Some("slowed to 37 a second".to_owned()), ..consumer("mail") },
            ConsumerStatus {
                holding: Some("held until 12:00:30 by the target".to_owned()),
                ..consumer("shop")
            },
        ];
        let overview = Overview { consumers: consumers.to_vec(), ..overview(1) };
        let text = render("http://127.0.0.1:7245", &overview, Screen::none());
        let expected = "\
CONSUMER  STATE       RETRYING  BEHIND ITS KEY  BECAUSE
audit     delivering         3               0
billing   paused             0               0  somebody paused it; `railpost resume` lets it go on
copy      stopped            0               0  the bus of its target is gone
fraud     open              12               4  circuit open until 2026-11-21T12:00:03.000Z after 5 failures in a row
mail      slowed             0               0  slowed to 37 a second
shop      held               0               0  held until 12:00:30 by the target";
        assert!(text.split("\n\n").any(|table| table == expected), "{text}");
    }
}
