//! `railpost dead-letters`: deliveries that were given up.

use api::DeadLetter;

use super::client;
use crate::args::DeadLetters;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::table::{Cell, Table};

/// Prints dead letters, the newest first.
pub(crate) async fn run(args: DeadLetters) -> Result<Exit, Failure> {
    let letters = client(&args.router)?.dead_letters(args.consumer.as_deref(), args.limit).await?;
    if args.json {
        screen::print_json(&letters)?;
    } else if letters.is_empty() {
        screen::print("no dead letters")?;
    } else {
        screen::print(&table(&letters).render(Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

/// Returns dead letters as a table.
pub(crate) fn table(letters: &[DeadLetter]) -> Table {
    let mut table = Table::new(&["?!GIVEN UP", "CONSUMER", "?BUS", "!EVENT", "?>TRIES", "REASON"]);
    for letter in letters {
        // Only the first and the last tries are kept, so the number of the last one is the count.
        let tries = letter.attempts.last().map_or(0, |attempt| attempt.number);
        table.row(vec![
            Cell::new(&letter.at),
            Cell::inked(Ink::Bold, &letter.consumer),
            Cell::new(&letter.bus),
            Cell::new(&letter.id),
            Cell::new(&tries),
            Cell::inked(Ink::Red, &letter.reason),
        ]);
    }
    table
}
