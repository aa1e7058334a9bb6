//! `railpost groups release`, `discard`, `hold` and the others: what somebody does to a group, and why.

use std::env;
use std::time::Duration;

use api::{Client, GroupAction, GroupOrder};

use crate::args::groups::{Account, Many, Which};
use crate::commands::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::text::{count, duration, list, value};

/// What stands for all open groups of an aggregation in an order.
const ALL: &str = "*";

/// Does something to one group.
pub(super) async fn one(which: Which, action: GroupAction) -> Result<Exit, Failure> {
    let Which { router, aggregation, group, account } = which;
    carry_out(&client(&router)?, order(aggregation, group, action, account)).await
}

/// Releases or discards one group, or, after a yes, all of them.
pub(super) async fn many(args: Many, action: GroupAction) -> Result<Exit, Failure> {
    let Many { router, aggregation, group, account, yes, .. } = args;
    // Without the name of a group, the command line has --all.
    let all = group.is_none();
    if all && !yes && !screen::can_ask() {
        let reason = "this is about every open group: without a terminal to ask on, say --yes".to_owned();
        return Err(Failure::Usage { reason });
    }
    let client = client(&router)?;
    if all && !yes && !sure(&client, &aggregation, &action).await? {
        screen::note("nothing was done");
        return Ok(Exit::Failed);
    }
    let group = group.unwrap_or_else(|| ALL.to_owned());
    carry_out(&client, order(aggregation, group, action, account)).await
}

/// Asks whether all open groups of an aggregation are meant.
async fn sure(client: &Client, aggregation: &str, action: &GroupAction) -> Result<bool, Failure> {
    let aggregations = client.overview().await?.aggregations;
    let Some(status) = aggregations.iter().find(|status| status.name == aggregation) else {
        let names: Vec<&str> = aggregations.iter().map(|status| status.name.as_str()).collect();
        let help = format!("the router has {}", list(&names));
        return Err(Failure::UnknownName { what: "aggregation", name: aggregation.to_owned(), help });
    };
    let verb = if *action == GroupAction::Discard { "discard" } else { "release" };
    let number = status.open_groups;
    Ok(screen::ask(&format!("{verb} all open groups of {}, {number} now?", value(aggregation)))?)
}

fn order(aggregation: String, group: String, action: GroupAction, account: Account) -> GroupOrder {
    let by = user(account.by, |name| env::var(name).ok());
    GroupOrder { aggregation, group, action, by, why: account.why }
}

/// Returns who gives the order: whom the command line or the environment names.
pub(super) fn user(named: Option<String>, environment: impl Fn(&str) -> Option<String>) -> String {
    let of_environment = |name| environment(name).filter(|user| !user.is_empty());
    named
        .or_else(|| of_environment("USER"))
        .or_else(|| of_environment("LOGNAME"))
        .unwrap_or_else(|| "cli".to_owned())
}

async fn carry_out(client: &Client, order: GroupOrder) -> Result<Exit, Failure> {
    let done = client.handle(&order).await?;
    if done == 0 && order.group != ALL {
        return Err(Failure::NoGroup { aggregation: order.aggregation, group: order.group });
    }
    screen::print(&told(&order, done))?;
    Ok(Exit::Done)
}

/// Returns what was done, in words.
pub(super) fn told(order: &GroupOrder, done: u64) -> String {
    let aggregation = value(&order.aggregation);
    let (subject, is, are) = match done {
        _ if order.group != ALL => (format!("{aggregation} {}", value(&order.group)), "is", "waits"),
        1 => (format!("1 group of {aggregation}"), "is", "waits"),
        _ => (format!("{} of {aggregation}", count(done, "group")), "are", "wait"),
    };
    match &order.action {
        GroupAction::Release => format!("{subject} {is} released"),
        GroupAction::Discard => format!("{subject} {is} discarded"),
        GroupAction::Hold => {
            format!("{subject} {is} held: nothing completes it until `railpost groups let-go`")
        }
        GroupAction::LetGo => format!("{subject} {is} let go"),
        GroupAction::Extend { by_ms } => {
            format!("{subject} has {} more until its deadline", duration(Duration::from_millis(*by_ms)))
        }
        GroupAction::Expect { part } => format!("{subject} {are} for {} as well", value(part)),
        GroupAction::Unexpect { part } => format!("{subject} {are} for {} no more", value(part)),
    }
}
