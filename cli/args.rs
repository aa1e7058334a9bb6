//! [`Args`]: the command line.

pub(crate) mod aggregation;
pub(crate) mod dead_letters;
pub(crate) mod groups;
pub(crate) mod replay;
pub(crate) mod when;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue};
use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

/// Routes events durably, gathers those that belong together, and explains what it did.
#[derive(Debug, Parser)]
#[command(
    name = "railpost",
    version,
    after_help = "\
Start here:
  railpost demo                     Watch files that arrive late become one event a day
  railpost run                      Run a router on http://127.0.0.1:7245
  railpost top                      Watch it

Exit codes: 0 done or yes; 1 failed or no; 2 a mistake in the command line.
Times are shown in UTC."
)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a router until it is told to stop.
    Run(Run),
    /// Watch a router: buses, consumers, groups in flight, dead letters.
    Top(Top),
    /// Publish one event, or a file of events.
    Publish(Box<Publish>),
    /// Print what happens to each event as it happens.
    Tail(Tail),
    /// Explain where one event went and why.
    Explain(Explain),
    /// List the groups in flight and what each one waits for; release, discard, hold or change one.
    Groups(Box<groups::Groups>),
    /// Try changed aggregations on events that the log holds.
    Aggregation(aggregation::Aggregation),
    /// List the deliveries that were given up, send them on their way again, or forget them.
    DeadLetters(Box<dead_letters::DeadLetters>),
    /// Hold a consumer: what matches stays pending until it is resumed.
    Pause(Held),
    /// Let a consumer that was paused or has stopped deliver again.
    Resume(Held),
    /// Send a range of a bus again, to one consumer or to a bus.
    Replay(replay::Replay),
    /// Show what each bus retains.
    Archive(Archive),
    /// Show buses, consumers and aggregations, and whether their ledgers balance.
    Status(Status),
    /// Check a configuration file without running it, and run its test cases.
    Check(Check),
    /// Check the files of buses that no router has open, and repair them if asked.
    Verify(Verify),
    /// Run a router with an example that can be watched, and stop again.
    Demo(Demo),
}

/// Which router is asked.
#[derive(Debug, ClapArgs)]
pub(crate) struct RouterAddress {
    /// The router's address.
    #[arg(long, env = "RAILPOST_URL", default_value = "http://127.0.0.1:7245")]
    pub(crate) url: String,
}

/// Arguments of `railpost run`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost run
  railpost run --config railpost.toml --data-dir /var/lib/railpost
  RUST_LOG=debug railpost run --listen 127.0.0.1:0 --log json

SIGTERM or Ctrl-C stops it after deliveries under way have ended; a second one stops it at once. Either way nothing \
that was acknowledged is lost.")]
pub(crate) struct Run {
    /// The configuration file; without one there is a bus `default` and no consumer.
    #[arg(long, short, env = "RAILPOST_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where events are kept, instead of the configured place or the user's state directory.
    #[arg(long, env = "RAILPOST_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Where to listen, instead of the configured address; port 0 takes a free one.
    #[arg(long, env = "RAILPOST_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// How log records look on standard error, for people or for collectors; `RUST_LOG` says which ones.
    #[arg(long, env = "RAILPOST_LOG", value_name = "FORM", default_value = "text")]
    pub(crate) log: LogForm,
}

/// Arguments of `railpost verify`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost verify
  railpost verify --data-dir /var/lib/railpost --bus landing
  railpost verify --repair

Reads every file, holds it against its sums, and changes nothing. With --repair it copies damaged files aside first, then \
restores what can be restored and marks what is lost, by position; what is whole keeps its position. The router must \
be stopped. The exit code is 1 while something is damaged.")]
pub(crate) struct Verify {
    /// The configuration file, for where events are kept.
    #[arg(long, short, env = "RAILPOST_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where events are kept, instead of the configured place or the user's state directory.
    #[arg(long, env = "RAILPOST_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// One bus alone.
    #[arg(long)]
    pub(crate) bus: Option<String>,
    /// Mend what is damaged.
    #[arg(long)]
    pub(crate) repair: bool,
}

/// How log records look: one line a record, or one JSON object a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    Text,
    Json,
}

/// Arguments of `railpost top`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Top {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// How often the figures are asked for, such as `500ms` or `2s`.
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_duration)]
    pub(crate) refresh: Duration,
}

/// Arguments of `railpost publish`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost publish --type OrderPlaced --source shop.orders --data '{\"total\": 120}'
  railpost publish --type Ping --count 100
  railpost publish --file events.jsonl
  jq -c '.events[]' dump.json | railpost publish --file -
  railpost publish --eventbridge --type OrderPlaced --source shop.orders --data '{\"total\": 120}'

Prints the id of each event that was acknowledged, and so is on disk. A line that is no event is named on standard \
error; the lines after it are still published, and the exit code is 1.")]
pub(crate) struct Publish {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The bus.
    #[arg(long, default_value = "default")]
    pub(crate) bus: String,
    #[command(flatten)]
    pub(crate) event: EventArgs,
    /// How many events with these attributes are published, each with an id of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(conflicts_with_all = ["id", "file"])]
    pub(crate) count: u64,
    /// Publish a file of JSON lines, each an event in the CloudEvents JSON format; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    #[arg(conflicts_with_all = ["source", "kind", "id", "subject", "time", "data", "data_file", "extension"])]
    pub(crate) file: Option<PathBuf>,
    /// Publish through the EventBridge API with the AWS SDK; the lines of a file are PutEvents entries.
    #[arg(long)]
    #[arg(conflicts_with_all = ["id", "subject", "extension"])]
    pub(crate) eventbridge: bool,
}

/// The attributes and the payload of one event.
#[derive(Debug, ClapArgs)]
pub(crate) struct EventArgs {
    /// Where the event comes from.
    #[arg(long, default_value = "railpost.cli", value_parser = parse_attribute)]
    pub(crate) source: String,
    /// What happened; EventBridge calls it detail-type.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "file", value_parser = parse_attribute)]
    pub(crate) kind: Option<String>,
    /// The event's id; a new UUID unless given.
    #[arg(long, value_parser = parse_attribute)]
    pub(crate) id: Option<String>,
    /// What it happened to.
    #[arg(long)]
    pub(crate) subject: Option<String>,
    /// When it happened, such as 2026-11-21T06:00:00Z; now unless given.
    #[arg(long, value_name = "RFC3339", value_parser = parse_time)]
    pub(crate) time: Option<jiff::Timestamp>,
    /// The payload, one JSON value.
    #[arg(long, value_name = "JSON", conflicts_with = "data_file")]
    pub(crate) data: Option<String>,
    /// A file with the payload, one JSON value; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) data_file: Option<PathBuf>,
    /// An extension attribute; may be given more than once.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_extension)]
    pub(crate) extension: Vec<(String, String)>,
}

/// Arguments of `railpost tail`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost tail
  railpost tail --consumer billing --last 100
  railpost tail --json | jq 'select(.step.kind == \"dead-lettered\")'

Ends with the router, or with Ctrl-C.")]
pub(crate) struct Tail {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// How many earlier hops come first.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) last: usize,
    /// Only hops that name this consumer or aggregation.
    #[arg(long, value_name = "NAME")]
    pub(crate) consumer: Option<String>,
    /// Only hops of events on this bus.
    #[arg(long)]
    pub(crate) bus: Option<String>,
    /// One JSON object a line.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost explain`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost explain 5b1f6e0a-4c53-4b0e-9d5c-0d7c7a6c2f11
  railpost explain order-17 --json | jq '.decisions[] | select(.matched | not)'")]
pub(crate) struct Explain {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The event's id.
    #[arg(value_name = "EVENT_ID")]
    pub(crate) event: String,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost pause` and `railpost resume`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost pause billing
  railpost resume billing

What matches a paused consumer stays pending on the bus: nothing is lost. Attempts that are under way are not broken \
off.")]
pub(crate) struct Held {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The consumer's name.
    #[arg(value_name = "CONSUMER", value_parser = parse_attribute)]
    pub(crate) consumer: String,
}

/// Arguments of `railpost archive`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost archive
  railpost archive --json | jq '.[] | select(.pinned_by != null)'

What a bus retains can be sent again: `railpost replay start --help`.")]
pub(crate) struct Archive {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost status`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
A consumer balances when matched = delivered + dead-lettered + dropped + pending.
An aggregation balances when offered = released + late + duplicate + discarded + open, counted in parts.
The exit code is 1 when one of them does not balance, or when the router has failed.")]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost check`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost check railpost.toml
  railpost check railpost.toml --case 'a day without nice is released at six'
  railpost check --schema > railpost.schema.json

The cases of the file run with a clock of their own, on nothing but its aggregations. The exit code is 1 when the file \
is not valid, or when a case does not hold.")]
pub(crate) struct Check {
    /// The configuration file.
    #[arg(value_name = "FILE", required_unless_present = "schema")]
    pub(crate) file: Option<PathBuf>,
    /// Run only the case of this name; may be given more than once.
    #[arg(long, value_name = "NAME", conflicts_with = "schema", value_parser = parse_attribute)]
    pub(crate) case: Vec<String>,
    /// Print the JSON Schema of configuration files instead, for editors.
    #[arg(long, conflicts_with = "file")]
    pub(crate) schema: bool,
}

/// Arguments of `railpost demo`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Three stores send one file of sales a day, out of order and hours apart. The example makes one event of each day, \
with a store that never reports, a day that a marker closes early, a notification that its schema refuses, and a \
consumer that cannot be reached. Everything happens in this process and in a temporary directory.

On a terminal it opens the dashboard and goes on until you leave it (q). Otherwise, or with --plain, it prints each \
step, ends within 15 seconds and sums up; the exit code is 1 if a ledger does not balance.")]
pub(crate) struct Demo {
    /// Print lines also on a terminal, instead of opening the dashboard.
    #[arg(long)]
    pub(crate) plain: bool,
}

/// Adds to a mistake in the command line why something is asked for, where that is not plain.
pub(crate) fn explained(mut error: clap::Error) -> clap::Error {
    let is_why = |name: &String| name.starts_with("--why");
    let missing = error.get(ContextKind::InvalidArg);
    if matches!(missing, Some(ContextValue::Strings(names)) if names.iter().any(is_why)) {
        let tip = ContextValue::StyledStrs(vec![format!("say why with --why: {}", groups::WHY).into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration =
        text.parse().map_err(|_| "expected a duration such as `500ms`".to_owned())?;
    match Duration::try_from(duration) {
        Ok(duration) if duration >= Duration::from_millis(50) => Ok(duration),
        _ => Err("the shortest is 50ms".to_owned()),
    }
}

fn parse_attribute(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it must not be empty; leave the flag out, or give it a value".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn parse_time(text: &str) -> Result<jiff::Timestamp, String> {
    text.parse().map_err(|_| "expected a time with its offset, such as 2026-11-21T06:00:00Z".to_owned())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("expected events a second, such as 100 or 0.5".to_owned()),
    }
}

fn parse_extension(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().all(legal) {
        return Err(format!("`{name}` is no attribute name: lower-case letters and digits are allowed"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    use super::*;

    /// Reads a command line whose words are apart by spaces.
    pub(super) fn parse(line: &str) -> Result<Command, ErrorKind> {
        let words = std::iter::once("railpost").chain(line.split_whitespace());
        Args::try_parse_from(words).map(|args| args.command).map_err(|error| error.kind())
    }

    fn publish(line: &str) -> Publish {
        match parse(line) {
            Ok(Command::Publish(publish)) => *publish,
            other => panic!("`{line}` was read as {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn an_event_needs_a_type_and_a_file_does_not() {
        assert_eq!(parse("publish --data 1").unwrap_err(), ErrorKind::MissingRequiredArgument);
        let one = publish("publish --type Ping --extension tenant=acme --extension tier=2");
        assert_eq!((one.event.source.as_str(), one.count), ("railpost.cli", 1));
        assert_eq!(one.event.extension[0], ("tenant".to_owned(), "acme".to_owned()));
        assert_eq!(one.event.extension[1], ("tier".to_owned(), "2".to_owned()));
        assert_eq!(publish("publish --file -").file, Some(PathBuf::from("-")));
    }

    #[test]
    fn what_cannot_be_both_is_refused() {
        let refused = [
            "publish --file events.jsonl --type Ping",
            "publish --file events.jsonl --source shop",
            "publish --type Ping --id 1 --count 2",
            "publish --type Ping --data 1 --data-file -",
            "publish --type Ping --eventbridge --id 1",
            "check --schema railpost.toml",
            "check --schema --case one",
        ];
        for line in refused {
            assert_eq!(parse(line).unwrap_err(), ErrorKind::ArgumentConflict, "{line}");
        }
    }

    #[test]
    fn values_are_checked() {
        let refused = [
            "publish --type Ping --extension Tenant=acme",
            "publish --type Ping --extension tenant",
            "publish --type Ping --time yesterday",
            "publish --type Ping --count 0",
            "top --refresh 1ms",
            "top --refresh soon",
            "run --listen localhost",
        ];
        for line in refused {
            let kind = parse(line).unwrap_err();
            assert_eq!(kind, ErrorKind::ValueValidation, "{line}");
        }
    }

    #[test]
    fn an_attribute_is_not_empty_and_a_time_has_a_form() {
        let refused = |words: &[&str]| {
            let line = ["railpost", "publish", "--type", "Ping"].iter().chain(words);
            Args::try_parse_from(line).unwrap_err().to_string()
        };
        assert!(refused(&["--source", ""]).contains("must not be empty"), "{}", refused(&["--source", ""]));
        assert!(refused(&["--time", "yesterday"]).contains("such as 2026-11-21T06:00:00Z"));
    }

    #[test]
    fn a_missing_reason_is_asked_for_with_a_reason() {
        let refused = |line: &str| {
            let error = Args::try_parse_from(line.split(' ')).unwrap_err();
            explained(error).render().to_string()
        };
        let said = refused("railpost groups hold daily monday");
        assert!(said.contains("--why <TEXT>") && said.contains(groups::WHY), "{said}");
        assert!(!refused("railpost groups show daily").contains(groups::WHY));
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("2s"), Ok(Duration::from_secs(2)));
    }
}
