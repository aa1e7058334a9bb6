//! Arguments of `railpost dead-letters`.

use api::DeadLetterFilter;
use clap::{Args as ClapArgs, Subcommand};
use event::Timestamp;

use super::when::{Moment, parse_moment};
use super::{RouterAddress, parse_attribute, parse_rate};

/// Arguments of `railpost dead-letters`; without a word after it, those of `list`.
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  railpost dead-letters
  railpost dead-letters show billing 4711
  railpost dead-letters redrive --consumer billing --since 2h --rate 50
  railpost dead-letters purge --consumer billing --reason '400 Bad Request' --dry-run"
)]
pub(crate) struct DeadLetters {
    /// What to do with them.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    #[command(flatten)]
    pub(crate) list: List,
}

/// What to do with dead letters.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// List dead letters, the newest first.
    List(List),
    /// Show one dead letter: payload, attempts, and the rule that chose the event.
    Show(Show),
    /// Send dead letters on their way again, the oldest first.
    Redrive(Order),
    /// Forget dead letters for good, the oldest first.
    Purge(Purge),
}

/// Which dead letters are meant: those for which every condition holds.
#[derive(Debug, ClapArgs)]
pub(crate) struct Filter {
    /// Only those of this consumer.
    #[arg(long, value_name = "NAME", value_parser = parse_attribute)]
    pub(crate) consumer: Option<String>,
    /// Only the event with this id.
    #[arg(long, value_parser = parse_attribute)]
    pub(crate) id: Option<String>,
    /// Only events of this type.
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_attribute)]
    pub(crate) kind: Option<String>,
    /// Only events from this source.
    #[arg(long, value_parser = parse_attribute)]
    pub(crate) source: Option<String>,
    /// Only those whose reason contains this text.
    #[arg(long, value_name = "TEXT", value_parser = parse_attribute)]
    pub(crate) reason: Option<String>,
    /// Only those given up then or later: a time such as 2026-11-21T06:00:00Z, or an age such as 2h.
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    pub(crate) since: Option<Moment>,
    /// Only those given up then or earlier: a time, or an age.
    #[arg(long, value_name = "WHEN", value_parser = parse_moment)]
    pub(crate) until: Option<Moment>,
}

/// Arguments of `railpost dead-letters list`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost dead-letters list --consumer billing --since 30m
  railpost dead-letters list --type OrderPlaced --reason timeout --limit 1000
  railpost dead-letters list --json | jq -r '.[] | .consumer + \" \" + .reason' | sort | uniq -c")]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// How many at most, up to 1000; the newest come first.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// One JSON document, with payloads and attempts.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost dead-letters show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost dead-letters show billing 4711
  railpost dead-letters show billing 4711 --json | jq .event.data

`railpost dead-letters list` names the position of each one.")]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The consumer that did not get the event.
    #[arg(value_name = "CONSUMER", value_parser = parse_attribute)]
    pub(crate) consumer: String,
    /// The event's position on its bus.
    #[arg(value_name = "POSITION")]
    pub(crate) position: u64,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost dead-letters redrive`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost dead-letters redrive --consumer billing --dry-run
  railpost dead-letters redrive --consumer billing --since 2h --rate 50
  railpost dead-letters redrive --all

Only what was given up before the command began is meant, so what fails once more stays a dead letter. Ctrl-C leaves \
the rest as dead letters and says how many were done; the exit code is then 1.")]
pub(crate) struct Order {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    #[command(flatten)]
    pub(crate) filter: Filter,
    /// All of them, where no other flag says which ones.
    #[arg(long, conflicts_with_all = ["consumer", "id", "kind", "source", "reason", "since", "until"])]
    pub(crate) all: bool,
    /// How many at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: Option<u32>,
    /// How many a second; as fast as the router takes them, unless set.
    #[arg(long, value_name = "N", value_parser = parse_rate)]
    pub(crate) rate: Option<f64>,
    /// Only say how many it would be.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// One JSON document: how many were done, and how many are left.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost dead-letters purge`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost dead-letters purge --consumer billing --dry-run
  railpost dead-letters purge --consumer billing --until 30d
  railpost dead-letters purge --all --yes

What is purged cannot be redriven. On a terminal the command asks first; without one it needs --yes. Ctrl-C \
leaves the rest and says how many were done; the exit code is then 1.")]
pub(crate) struct Purge {
    #[command(flatten)]
    pub(crate) order: Order,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

impl Filter {
    /// Returns whether no condition is set.
    pub(crate) fn is_empty(&self) -> bool {
        self.at(Timestamp::EPOCH).is_empty()
    }

    /// Returns the filter that is meant, by the router's clock.
    pub(crate) fn at(&self, now: Timestamp) -> DeadLetterFilter {
        DeadLetterFilter {
            consumer: self.consumer.clone(),
            id: self.id.clone(),
            r#type: self.kind.clone(),
            source: self.source.clone(),
            reason: self.reason.clone(),
            since: self.since.map(|since| since.at(now)),
            until: self.until.map(|until| until.at(now)),
            position: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::super::Command;
    use super::super::tests::parse;
    use super::*;

    fn read(line: &str) -> DeadLetters {
        match parse(&format!("dead-letters {line}")) {
            Ok(Command::DeadLetters(letters)) => *letters,
            other => panic!("`{line}` was read as {other:?}"),
        }
    }

    #[test]
    fn without_a_word_it_is_a_list() {
        let alone = read("--consumer billing --limit 7 --json");
        assert!(alone.action.is_none() && alone.list.json);
        assert_eq!((alone.list.filter.consumer.as_deref(), alone.list.limit), (Some("billing"), 7));
        let Some(Action::List(list)) = read("list --type OrderPlaced").action else { panic!("no list") };
        assert_eq!((list.filter.kind.as_deref(), list.limit), (Some("OrderPlaced"), 50));
    }

    #[test]
    fn a_filter_is_what_the_flags_say() {
        let line =
            "redrive --id 17 --type T --source /s --reason timeout --since 2h --until 2026-11-21T06:00:00Z";
        let Some(Action::Redrive(order)) = read(line).action else { panic!("no redrive") };
        let now = Timestamp::from_millis(1_795_240_800_000);
        let expected = DeadLetterFilter {
            id: Some("17".to_owned()),
            r#type: Some("T".to_owned()),
            source: Some("/s".to_owned()),
            reason: Some("timeout".to_owned()),
            since: Some(Timestamp::from_millis(1_795_233_600_000)),
            until: Some(now),
            ..DeadLetterFilter::default()
        };
        assert_eq!(order.filter.at(now), expected);
        assert!(!order.filter.is_empty() && read("").list.filter.is_empty());
    }

    #[test]
    fn what_means_too_much_is_refused() {
        let check = |line: &str, expected: ErrorKind| {
            assert_eq!(parse(&format!("dead-letters {line}")).unwrap_err(), expected, "{line}");
        };
        check("purge --all --consumer billing", ErrorKind::ArgumentConflict);
        check("--consumer billing purge --all", ErrorKind::ArgumentConflict);
        check("purge --reason=", ErrorKind::ValueValidation);
        check("redrive --all --rate 0", ErrorKind::ValueValidation);
        check("redrive --all --rate inf", ErrorKind::ValueValidation);
        check("redrive --all --limit 0", ErrorKind::ValueValidation);
        check("redrive --all --yes", ErrorKind::UnknownArgument);
        check("list --limit 1001", ErrorKind::ValueValidation);
        check("show billing", ErrorKind::MissingRequiredArgument);
    }
}
