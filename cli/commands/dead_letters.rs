//! `railpost dead-letters`: deliveries that were given up.

mod order;
mod show;
#[cfg(test)]
mod tests;

use api::DeadLetter;

use super::client;
use crate::args::dead_letters::{Action, DeadLetters, List};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};

/// Does what is asked; without a word about that, lists.
pub(crate) async fn run(args: DeadLetters) -> Result<Exit, Failure> {
    match args.action {
        None => list(args.list).await,
        Some(Action::List(args)) => list(args).await,
        Some(Action::Show(args)) => show::run(args).await,
        Some(Action::Redrive(args)) => order::redrive(args).await,
        Some(Action::Purge(args)) => order::purge(args).await,
    }
}

/// Prints dead letters, the newest first.
async fn list(args: List) -> Result<Exit, Failure> {
    let client = client(&args.router)?;
    let filter = args.filter.at(client.overview().await?.at);
    let limit = usize::from(args.limit);
    let letters = client.dead_letters_matching(&filter, limit).await?;
    if args.json {
        screen::print_json(&letters)?;
        return Ok(Exit::Done);
    }
    match (letters.is_empty(), filter.is_empty()) {
        (true, true) => screen::print("no dead letters")?,
        (true, false) => screen::print("no dead letter is like that")?,
        (false, _) => screen::print(&table(&letters).render(Screen::of_stdout()))?,
    }
    if letters.len() == limit {
        screen::note(&format!("these are the newest {limit}; --limit and the filters show others"));
    }
    Ok(Exit::Done)
}

/// Returns dead letters as a table.
pub(crate) fn table(letters: &[DeadLetter]) -> Table {
    let mut table =
        Table::new(&["?!GIVEN UP", "CONSUMER", "?BUS", ">POSITION", "!EVENT", "?>TRIES", "REASON"]);
    for letter in letters {
        // Only the first and the last tries are kept, so the number of the last one is the count.
        let tries = letter.attempts.last().map_or(0, |attempt| attempt.number);
        table.row(vec![
            Cell::new(&letter.at),
            Cell::inked(Ink::Bold, &letter.consumer),
            Cell::new(&letter.bus),
            Cell::new(&letter.position),
            Cell::new(&letter.id),
            Cell::new(&tries),
            Cell::inked(Ink::Red, &letter.reason),
        ]);
    }
    table
}
