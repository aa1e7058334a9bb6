//! `railpost dead-letters show`: one of them, whole.

use std::time::Duration;

use api::{Attempt, DeadLetter, DeadLetterFilter};

use crate::args::dead_letters::Show;
use crate::commands::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::{self, Ink, Screen};
use crate::text::{count, duration, escape, json_lines, sentence, value};

/// Prints one dead letter.
pub(super) async fn run(args: Show) -> Result<Exit, Failure> {
    let Show { router, consumer, position, json } = args;
    let filter = DeadLetterFilter {
        consumer: Some(consumer.clone()),
        position: Some(position),
        ..DeadLetterFilter::default()
    };
    let letters = client(&router)?.dead_letters_matching(&filter, 1).await?;
    let Some(letter) = letters.into_iter().next() else {
        return Err(Failure::NoDeadLetter { consumer, position });
    };
    if json {
        screen::print_json(&letter)?;
    } else {
        screen::print(&render(&letter, Screen::of_stdout()))?;
    }
    Ok(Exit::Done)
}

pub(super) fn render(letter: &DeadLetter, screen: Screen) -> String {
    let heading = |text: &str| screen.ink(Ink::Bold, text);
    let consumer = heading(&value(&letter.consumer));
    let mut lines = vec![
        format!("{consumer} did not get position {} of bus {}", letter.position, value(&letter.bus)),
        format!("given up {}: {}", letter.at, screen.ink(Ink::Red, &escape(&letter.reason))),
        String::new(),
        heading("The event"),
    ];
    if letter.event.get() == "null" {
        lines.push("  the log no longer holds it".to_owned());
    } else {
        lines.extend(json_lines(letter.event.get()));
    }
    lines.extend([String::new(), heading("The rule that chose it")]);
    if letter.rule.starts_with('{') {
        lines.extend(json_lines(&letter.rule));
    } else {
        lines.push(format!("  {}", sentence(&letter.rule)));
    }
    lines.extend([String::new(), heading("The attempts")]);
    lines.extend(attempts(&letter.attempts, screen));
    lines.join("\n")
}

/// Returns a line for each attempt that is kept, and one for those between that are not.
fn attempts(attempts: &[Attempt], screen: Screen) -> Vec<String> {
    if attempts.is_empty() {
        return vec!["  it was never tried".to_owned()];
    }
    let mut lines = Vec::new();
    let mut last = 0;
    for attempt in attempts {
        let left_out = attempt.number.saturating_sub(last + 1);
        if left_out > 0 {
            lines.push(format!("        {} between are not kept", count(u64::from(left_out), "attempt")));
        }
        last = attempt.number;
        let status = attempt.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
        let took = duration(Duration::from_micros(attempt.took_us));
        let error = screen.ink(Ink::Red, &escape(&attempt.error));
        lines.push(format!("  {:>4}  {}  {status:>3}  {took:>6}  {error}", attempt.number, attempt.at));
    }
    lines
}
