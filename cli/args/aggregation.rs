//! Arguments of `railpost aggregation`.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

use super::when::{Place, parse_place};
use super::{RouterAddress, parse_attribute};

/// Arguments of `railpost aggregation`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Aggregation {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// What to do with aggregations.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show how the groups of the past would differ under the rules of another file; nothing is changed.
    Try(Try),
}

/// Arguments of `railpost aggregation try`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
PLACE is `earliest`, `latest`, a position, a time such as 2026-11-21T06:00:00Z, or an age such as 2h. Both ends belong \
to the range.

Examples:
  railpost aggregation try changed.toml --from 7d
  railpost aggregation try changed.toml --aggregation daily-sales --from earliest --to 2026-11-21T06:00:00Z
  railpost aggregation try changed.toml --from 100 --json | jq '.aggregations[].different'

The running router reads the events of its log twice, by its own rules and by those of the file, each from nothing. \
The exit code is 0 also where groups differ.")]
pub(crate) struct Try {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The configuration file with the changed aggregations.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this aggregation of the file.
    #[arg(long, value_name = "NAME", value_parser = parse_attribute)]
    pub(crate) aggregation: Option<String>,
    /// The first event of the range.
    #[arg(long, value_name = "PLACE", value_parser = parse_place)]
    pub(crate) from: Place,
    /// The last event of the range; the newest one unless given.
    #[arg(long, value_name = "PLACE", value_parser = parse_place)]
    pub(crate) to: Option<Place>,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::super::Command;
    use super::super::tests::parse;
    use super::*;

    #[test]
    fn a_try_has_a_file_and_a_beginning() {
        let line = "aggregation try changed.toml --aggregation daily --from 17 --to latest";
        let Ok(Command::Aggregation(Aggregation { action: Action::Try(args) })) = parse(line) else {
            panic!()
        };
        assert_eq!((args.file, args.aggregation.as_deref()), (PathBuf::from("changed.toml"), Some("daily")));
        assert_eq!(args.from, Place::Fixed(api::Place::Position(17)));
        assert_eq!(args.to, Some(Place::Fixed(api::Place::Latest)));
        let check =
            |line: &str, expected: ErrorKind| assert_eq!(parse(line).unwrap_err(), expected, "{line}");
        check("aggregation try changed.toml", ErrorKind::MissingRequiredArgument);
        check("aggregation try --from 17", ErrorKind::MissingRequiredArgument);
        check("aggregation try changed.toml --from first", ErrorKind::ValueValidation);
    }
}
