//! Arguments of `railpost replay`.

use api::ReplayTo;
use clap::{ArgGroup, Args as ClapArgs, Subcommand};

use super::when::{Place, parse_place};
use super::{RouterAddress, parse_attribute, parse_rate};

/// Arguments of `railpost replay`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost replay start monday --bus landing --from 2026-11-16T00:00:00Z --until 2026-11-17T00:00:00Z --to-consumer billing
  railpost replay list
  railpost replay cancel monday

`railpost archive` shows how far back a bus goes.")]
pub(crate) struct Replay {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with replays.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Start a replay.
    Start(Box<Start>),
    /// List the replays and how far each one is.
    List(List),
    /// End a replay before its range was sent.
    Cancel(Cancel),
}

/// Arguments of `railpost replay start`.
#[derive(Debug, ClapArgs)]
#[command(
    group = ArgGroup::new("to").required(true).args(["to_consumer", "to_bus"]),
    after_help = "\
PLACE is `earliest`, `latest`, a position, a time such as 2026-11-21T06:00:00Z, or an age such as 2h. Both ends belong \
to the range.

Examples:
  railpost replay start again --bus landing --from 2h --to-consumer billing --follow
  railpost replay start audit-2 --bus landing --from earliest --to-bus audit --rate 200
  railpost replay start orders --bus landing --from 100 --until 4711 --to-consumer billing \\
      --filter '{\"detail-type\": [\"OrderPlaced\"]}'

Only the chosen consumer or bus gets the events, marked as a replay. With --follow the exit code is 1 unless all of \
them were sent; Ctrl-C only stops following."
)]
pub(crate) struct Start {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// What it is called from now on.
    #[arg(value_parser = parse_attribute)]
    pub(crate) name: String,
    /// The bus whose events are sent again.
    #[arg(long, value_parser = parse_attribute)]
    pub(crate) bus: String,
    /// The first event of the range.
    #[arg(long, value_name = "PLACE", value_parser = parse_place)]
    pub(crate) from: Place,
    /// The last event of the range; the newest one unless given.
    #[arg(long, value_name = "PLACE", value_parser = parse_place)]
    pub(crate) until: Option<Place>,
    /// Only events that match this EventBridge pattern.
    #[arg(long, value_name = "JSON", value_parser = parse_filter)]
    pub(crate) filter: Option<String>,
    /// Send them to this consumer.
    #[arg(long, value_name = "CONSUMER", value_parser = parse_attribute)]
    pub(crate) to_consumer: Option<String>,
    /// Publish them on this bus.
    #[arg(long, value_name = "BUS", value_parser = parse_attribute)]
    pub(crate) to_bus: Option<String>,
    /// How many events a second; as fast as they are taken, unless set.
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    pub(crate) rate: Option<f64>,
    /// Wait until it ends, and show how far it is.
    #[arg(long)]
    pub(crate) follow: bool,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost replay list`.
#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost replay cancel`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Cancel {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The replay's name.
    #[arg(value_parser = parse_attribute)]
    pub(crate) name: String,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Start {
    /// Returns who gets the events; the command line has exactly one of them.
    pub(crate) fn to(&self) -> Option<ReplayTo> {
        let consumer = self.to_consumer.clone().map(ReplayTo::Consumer);
        consumer.or_else(|| self.to_bus.clone().map(ReplayTo::Bus))
    }
}

/// Takes a JSON object as it is; whether it is a pattern is for the router to say.
fn parse_filter(text: &str) -> Result<String, String> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!("expected an EventBridge pattern, which is a JSON object: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::super::Command;
    use super::super::tests::parse;
    use super::*;

    fn start(line: &str) -> Result<Start, ErrorKind> {
        match parse(&format!("replay start {line}")) {
            Ok(Command::Replay(Replay { action: Action::Start(start) })) => Ok(*start),
            Ok(other) => panic!("`{line}` was read as {other:?}"),
            Err(kind) => Err(kind),
        }
    }

    #[test]
    fn a_range_has_a_beginning_and_goes_to_one_receiver() {
        let replay = start("again --bus landing --from 17 --to-consumer billing").unwrap();
        assert_eq!(replay.from, Place::Fixed(api::Place::Position(17)));
        assert_eq!((replay.until, replay.to()), (None, Some(ReplayTo::Consumer("billing".to_owned()))));
        let line =
            r#"again --bus b --from earliest --until latest --to-bus c --filter {"source":["s"]} --rate 0.5"#;
        let replay = start(line).unwrap();
        assert_eq!(replay.to(), Some(ReplayTo::Bus("c".to_owned())));
        assert_eq!((replay.filter.as_deref(), replay.rate), (Some(r#"{"source":["s"]}"#), Some(0.5)));
    }

    #[test]
    fn what_is_no_replay_is_refused() {
        let check =
            |line: &str, expected: ErrorKind| assert_eq!(start(line).unwrap_err(), expected, "{line}");
        check("again --bus b --from 1", ErrorKind::MissingRequiredArgument);
        check("again --bus b --to-bus c", ErrorKind::MissingRequiredArgument);
        check("again --from 1 --to-bus c", ErrorKind::MissingRequiredArgument);
        check("again --bus b --from 1 --to-bus c --to-consumer d", ErrorKind::ArgumentConflict);
        check("again --bus b --from first --to-bus c", ErrorKind::ValueValidation);
        check("again --bus b --from 1 --to-bus c --filter [1]", ErrorKind::ValueValidation);
        check("again --bus b --from 1 --to-bus c --filter {", ErrorKind::ValueValidation);
    }
}
