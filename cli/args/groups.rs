//! Arguments of `railpost groups`.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand};

use super::when::parse_length;
use super::{RouterAddress, parse_attribute};

/// Why an order must come with a reason.
pub(super) const WHY: &str = "the group's history says for good who did what to it, and why";

/// Arguments of `railpost groups`; without a word after it, groups are listed.
#[derive(Debug, ClapArgs)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  railpost groups --aggregation daily-sales
  railpost groups show daily-sales 2026-11-21
  railpost groups release daily-sales 2026-11-21 --why 'lyon is closed today'
  railpost groups extend daily-sales 2026-11-21 2h --why 'nice sends late'
  railpost groups --ledger

GROUP is a group's key, or its id where the key has several groups; the list shows ids where it has to, --json always.
With --ledger the exit code is 1 when an aggregation does not balance: \
offered = released + late + duplicate + discarded + open, counted in parts."
)]
pub(crate) struct Groups {
    /// What to do, if not to list groups.
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    #[command(flatten)]
    pub(crate) list: List,
}

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Show one group: its parts, what is missing, each condition, what somebody did to it.
    Show(Show),
    /// Release a group as it is.
    Release(Many),
    /// End a group without a release; its parts count as discarded.
    Discard(Many),
    /// Let nothing complete a group until it is let go.
    Hold(One),
    /// Let a group that is held be completed again.
    LetGo(One),
    /// Put a group's deadline off.
    Extend(Extend),
    /// Wait for a part as well.
    Expect(Part),
    /// Wait for a part no more.
    Unexpect(Part),
}

/// What is listed.
#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// Only this aggregation.
    #[arg(long, value_name = "NAME", value_parser = parse_attribute)]
    pub(crate) aggregation: Option<String>,
    /// Instead of groups, what became of every part, by aggregation, and whether that balances.
    #[arg(long)]
    pub(crate) ledger: bool,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Arguments of `railpost groups show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost groups show daily-sales 2026-11-21
  railpost groups show daily-sales 2026-11-21 --json | jq -r '.missing[].name'

A part is late that is not there when nine of ten past groups had theirs.")]
pub(crate) struct Show {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The aggregation.
    #[arg(value_name = "AGGREGATION", value_parser = parse_attribute)]
    pub(crate) aggregation: String,
    /// The group's key, or its id.
    #[arg(value_name = "GROUP", value_parser = parse_group)]
    pub(crate) group: String,
    /// One JSON document.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Who wants something, and why.
#[derive(Debug, ClapArgs)]
pub(crate) struct Account {
    /// Why; it stays in the group's history.
    #[arg(long, value_name = "TEXT", value_parser = parse_why)]
    pub(crate) why: String,
    /// Who wants it; the user that USER or LOGNAME names unless given, or else `cli`.
    #[arg(long, value_name = "NAME", value_parser = parse_attribute)]
    pub(crate) by: Option<String>,
}

/// Which group an order is about, and who wants it why.
#[derive(Debug, ClapArgs)]
pub(crate) struct Which {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The aggregation.
    #[arg(value_name = "AGGREGATION", value_parser = parse_attribute)]
    pub(crate) aggregation: String,
    /// The group's key, or its id.
    #[arg(value_name = "GROUP", value_parser = parse_group)]
    pub(crate) group: String,
    #[command(flatten)]
    pub(crate) account: Account,
}

/// Arguments of `railpost groups hold` and `railpost groups let-go`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost groups hold daily-sales 2026-11-21 --why 'paris sends a correction'
  railpost groups let-go daily-sales 2026-11-21 --why 'it is there'")]
pub(crate) struct One {
    #[command(flatten)]
    pub(crate) which: Which,
}

/// Arguments of `railpost groups release` and `railpost groups discard`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost groups release daily-sales 2026-11-21 --why 'lyon is closed today'
  railpost groups discard daily-sales --all --why 'a test run' --yes

With --all the command asks first on a terminal; without one it needs --yes.")]
pub(crate) struct Many {
    #[command(flatten)]
    pub(crate) router: RouterAddress,
    /// The aggregation.
    #[arg(value_name = "AGGREGATION", value_parser = parse_attribute)]
    pub(crate) aggregation: String,
    /// The group's key, or its id.
    #[arg(value_name = "GROUP", value_parser = parse_group, required_unless_present = "all")]
    pub(crate) group: Option<String>,
    /// All open groups of the aggregation, instead of one.
    #[arg(long, conflicts_with = "group")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) account: Account,
    /// Do not ask.
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Arguments of `railpost groups extend`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost groups extend daily-sales 2026-11-21 30m --why 'nice sends late'")]
pub(crate) struct Extend {
    #[command(flatten)]
    pub(crate) which: Which,
    /// By how much, such as `30m` or `2h`.
    #[arg(value_name = "DURATION", value_parser = parse_length)]
    pub(crate) duration: Duration,
}

/// Arguments of `railpost groups expect` and `railpost groups unexpect`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  railpost groups expect daily-sales 2026-11-21 oslo --why 'the store opened today'
  railpost groups unexpect daily-sales 2026-11-21 lyon --why 'lyon is closed today'")]
pub(crate) struct Part {
    #[command(flatten)]
    pub(crate) which: Which,
    /// The part's name.
    #[arg(value_name = "PART", value_parser = parse_attribute)]
    pub(crate) part: String,
}

/// Takes what names one group: in an order, `*` alone would mean all of them.
fn parse_group(text: &str) -> Result<String, String> {
    match text {
        "" => Err("a group has a key; name it, or the group's id".to_owned()),
        "*" => Err(
            "`*` would be all groups: say --all where that can be, and name a group of that key by its id"
                .to_owned(),
        ),
        _ => Ok(text.to_owned()),
    }
}

fn parse_why(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err(format!("say why: {WHY}")) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::super::Command;
    use super::super::tests::parse;
    use super::*;

    fn read(line: &str) -> Groups {
        match parse(&format!("groups {line}")) {
            Ok(Command::Groups(groups)) => *groups,
            other => panic!("`{line}` was read as {other:?}"),
        }
    }

    #[test]
    fn without_a_word_groups_are_listed() {
        let Groups { action, list } = read("--aggregation daily --json");
        assert!(action.is_none() && list.json && !list.ledger);
        assert_eq!(list.aggregation.as_deref(), Some("daily"));
        assert!(read("--ledger").list.ledger);
    }

    #[test]
    fn one_group_or_all_of_them_are_meant() {
        let Some(Action::Release(one)) = read("release daily monday --why w").action else { panic!() };
        assert_eq!((one.group.as_deref(), one.all, one.account.why.as_str()), (Some("monday"), false, "w"));
        let Some(Action::Discard(all)) = read("discard daily --all --why w --by ada -y").action else {
            panic!()
        };
        assert_eq!((all.group, all.all, all.yes, all.account.by.as_deref()), (None, true, true, Some("ada")));
        let Some(Action::Extend(extend)) = read("extend daily monday 30m --why w").action else { panic!() };
        assert_eq!(extend.duration, Duration::from_mins(30));
        let Some(Action::LetGo(one)) = read("let-go daily monday --why w").action else { panic!() };
        assert_eq!((one.which.aggregation.as_str(), one.which.group.as_str()), ("daily", "monday"));
        let Some(Action::Unexpect(part)) = read("unexpect daily monday lyon --why w").action else {
            panic!()
        };
        assert_eq!(part.part, "lyon");
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let check = |line: &str, expected: ErrorKind| {
            assert_eq!(parse(&format!("groups {line}")).unwrap_err(), expected, "{line}");
        };
        check("release daily monday", ErrorKind::MissingRequiredArgument);
        check("release daily --why w", ErrorKind::MissingRequiredArgument);
        check("release daily monday --all --why w", ErrorKind::ArgumentConflict);
        check("release daily * --why w", ErrorKind::ValueValidation);
        check("release daily monday --why=", ErrorKind::ValueValidation);
        check("hold daily * --why w", ErrorKind::ValueValidation);
        check("hold daily --all --why w", ErrorKind::UnknownArgument);
        check("extend daily monday 0s --why w", ErrorKind::ValueValidation);
        check("expect daily monday --why w", ErrorKind::MissingRequiredArgument);
        check("--ledger show daily monday", ErrorKind::ArgumentConflict);
        check("daily", ErrorKind::InvalidSubcommand);
    }
}
