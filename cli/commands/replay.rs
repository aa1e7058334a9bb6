//! `railpost replay`: a range of a bus, sent again.

use std::time::Duration;

use api::{Client, ReplayOrder, ReplayState, ReplayStatus, ReplayTo};
use tokio::time::sleep;

use super::client;
use crate::args::replay::{Action, Cancel, List, Replay, Start};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::screen::{self, Ink, Screen};
use crate::signals::Signals;
use crate::table::{Cell, Table};
use crate::text::{count, sentence, value};

/// How often a replay that is followed is asked for.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(500);

/// Does what is asked.
pub(crate) async fn run(args: Replay) -> Result<Exit, Failure> {
    match args.action {
        Action::Start(args) => start(*args).await,
        Action::List(args) => list(args).await,
        Action::Cancel(args) => cancel(args).await,
    }
}

async fn start(args: Start) -> Result<Exit, Failure> {
    let Some(to) = args.to() else {
        return Err(Failure::Usage {
            reason: "say who gets the events: --to-consumer or --to-bus".to_owned(),
        });
    };
    let client = client(&args.router)?;
    let now = client.overview().await?.at;
    let order = ReplayOrder {
        name: args.name,
        bus: args.bus,
        from: args.from.at(now),
        until: args.until.map(|until| until.at(now)),
        filter: args.filter,
        to,
        rate: args.rate,
    };
    let status = client.replay(&order).await?;
    if !args.follow {
        return said(args.json, &status);
    }
    match follow(&client, status).await? {
        Some(status) => {
            said(args.json, &status)?;
            Ok(if status.state == ReplayState::Done { Exit::Done } else { Exit::Failed })
        }
        None => Ok(Exit::Done),
    }
}

async fn list(args: List) -> Result<Exit, Failure> {
    let replays = client(&args.router)?.replays().await?;
    if args.json {
        screen::print_json(&replays)?;
    } else if replays.is_empty() {
        screen::print("no replays")?;
    } else {
        screen::print(&table(&replays).render(Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

async fn cancel(args: Cancel) -> Result<Exit, Failure> {
    let status = client(&args.router)?.cancel_replay(&args.name).await?;
    said(args.json, &status)
}

/// Says how a replay stands: a document for programs, a line for people.
fn said(json: bool, status: &ReplayStatus) -> Result<Exit, Failure> {
    if json {
        screen::print_json(status)?;
    } else {
        screen::print(&words(status, Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

/// Shows how far a replay is until it ends, and returns how it ended; none if a signal ended the showing.
async fn follow(client: &Client, mut status: ReplayStatus) -> Result<Option<ReplayStatus>, Failure> {
    let mut signals = Signals::listen()?;
    let progress = Progress::new();
    let plain = Screen { width: None, colours: false };
    while status.state == ReplayState::Running {
        progress.show(&words(&status, plain));
        tokio::select! {
            () = signals.next() => {
                let name = value(&status.name);
                progress.note(&format!("the replay goes on; `railpost replay cancel {name}` ends it"));
                return Ok(None);
            }
            () = sleep(FOLLOW_INTERVAL) => {}
        }
        let mut replays = client.replays().await?.into_iter();
        let found = replays.find(|replay| replay.name == status.name && replay.bus == status.bus);
        status = found.ok_or_else(|| Failure::ReplayGone { name: status.name.clone() })?;
    }
    Ok(Some(status))
}

/// Returns how a replay stands, as one line.
fn words(status: &ReplayStatus, screen: Screen) -> String {
    let (state, ink) = state(&status.state);
    let events = count(status.replayed, "event");
    let range = if status.next > status.last {
        format!("all of positions {} to {}", status.first, status.last)
    } else {
        format!("{} of positions {} to {} is next", status.next, status.first, status.last)
    };
    let (name, bus, to) = (value(&status.name), value(&status.bus), receiver(&status.to));
    format!("{name}: {}, {events} sent to {to}; {range} of bus {bus}", screen.ink(ink, &state))
}

fn state(state: &ReplayState) -> (String, Ink) {
    match state {
        ReplayState::Running => ("running".to_owned(), Ink::Plain),
        ReplayState::Done => ("done".to_owned(), Ink::Green),
        ReplayState::Cancelled => ("cancelled".to_owned(), Ink::Yellow),
        ReplayState::Failed { reason } => (format!("failed: {}", sentence(reason)), Ink::Red),
    }
}

fn receiver(to: &ReplayTo) -> String {
    match to {
        ReplayTo::Consumer(name) => format!("consumer {}", value(name)),
        ReplayTo::Bus(name) => format!("bus {}", value(name)),
    }
}

fn table(replays: &[ReplayStatus]) -> Table {
    let mut table = Table::new(&[
        "REPLAY",
        "?BUS",
        "TO",
        ">SENT",
        ">NEXT",
        ">FIRST",
        ">LAST",
        "?>RATE",
        "?!STARTED",
        "?FILTER",
        "STATE",
    ]);
    for replay in replays {
        let (state, ink) = state(&replay.state);
        table.row(vec![
            Cell::inked(Ink::Bold, &replay.name),
            Cell::new(&replay.bus),
            Cell::new(&receiver(&replay.to)),
            Cell::new(&replay.replayed),
            Cell::new(&replay.next),
            Cell::new(&replay.first),
            Cell::new(&replay.last),
            Cell::new(&replay.rate.map(|rate| rate.to_string()).unwrap_or_default()),
            Cell::new(&replay.started),
            Cell::new(replay.filter.as_deref().unwrap_or_default()),
            Cell::sentence(ink, &state),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use event::Timestamp;

    use super::*;

    fn replay(state: ReplayState, next: u64) -> ReplayStatus {
        ReplayStatus {
            name: "monday".to_owned(),
            bus: "landing".to_owned(),
            to: ReplayTo::Consumer("billing".to_owned()),
            state,
            first: 101,
            next,
            last: 1_100,
            replayed: 12,
            started: Timestamp::from_millis(1_000),
            ended: None,
            rate: Some(0.5),
            filter: Some("{\"source\":[\"shop\"]}".to_owned()),
        }
    }

    #[test]
    fn a_replay_says_how_far_it_is() {
        let check = |state: ReplayState, next: u64, expected: &str| {
            assert_eq!(words(&replay(state, next), Screen::none()), expected);
        };
        let running = "monday: running, 12 events sent to consumer billing; 151 of positions 101 to 1100 is next of \
                       bus landing";
        check(ReplayState::Running, 151, running);
        let done =
            "monday: done, 12 events sent to consumer billing; all of positions 101 to 1100 of bus landing";
        check(ReplayState::Done, 1_101, done);
        let failed = "monday: failed: the consumer is gone, 12 events sent to consumer billing; 151 of positions 101 \
                      to 1100 is next of bus landing";
        check(ReplayState::Failed { reason: "the consumer is gone".to_owned() }, 151, failed);
    }

    #[test]
    fn replays_are_listed_with_their_ranges() {
        let text = table(&[replay(ReplayState::Running, 151), replay(ReplayState::Cancelled, 500)])
            .render(Screen::none());
        let expected = "\
REPLAY  BUS      TO                SENT  NEXT  FIRST  LAST  RATE  STARTED                   FILTER               STATE
monday  landing  consumer billing    12   151    101  1100   0.5  1970-01-01T00:00:01.000Z  {\"source\":[\"shop\"]}  running
monday  landing  consumer billing    12   500    101  1100   0.5  1970-01-01T00:00:01.000Z  {\"source\":[\"shop\"]}  cancelled";
        assert_eq!(text, expected);
    }
}
