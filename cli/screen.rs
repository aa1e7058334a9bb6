//! Standard output as a command sees it: how wide it is, and whether colours belong there.

use std::env;
use std::io::{self, IsTerminal, Write};

/// What a terminal can do with text; nothing, where standard output is not a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Columns, where lines must not be longer.
    pub(crate) width: Option<usize>,
    /// Whether colours may be used.
    pub(crate) colours: bool,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Not at all.
    Plain,
    /// A heading.
    Bold,
    /// Something that matters less.
    Dim,
    /// Good news.
    Green,
    /// Something to look at.
    Yellow,
    /// Bad news.
    Red,
}

impl Screen {
    /// Returns what standard output can do.
    pub(crate) fn of_stdout() -> Self {
        let terminal = io::stdout().is_terminal();
        let width = if terminal { crossterm::terminal::size().ok() } else { None };
        Self {
            width: width.map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0),
            colours: terminal && colours_wanted(),
        }
    }

    /// Returns a screen that is none: no width, no colours.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self { width: None, colours: false }
    }

    /// Returns the text in that ink, or as it is where there are no colours.
    pub(crate) fn ink(self, ink: Ink, text: &str) -> String {
        let code = match ink {
            Ink::Bold => 1,
            Ink::Dim => 2,
            Ink::Red => 31,
            Ink::Green => 32,
            Ink::Yellow => 33,
            Ink::Plain => return text.to_owned(),
        };
        if self.colours { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Returns whether the user has not switched colours off (see <https://no-color.org>).
pub(crate) fn colours_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && env::var("TERM").as_deref() != Ok("dumb")
}

/// Writes text and a line end to standard output, and makes sure that it is seen at once.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a JSON document to standard output.
pub(crate) fn print_json<T: serde::Serialize>(value: &T) -> io::Result<()> {
    print(&serde_json::to_string_pretty(value)?)
}

/// Returns whether somebody sits at a terminal who can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question on the terminal; everything but `y` and `yes` is a no.
pub(crate) fn ask(question: &str) -> io::Result<bool> {
    write!(io::stderr().lock(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Writes a line to standard error. Where that fails nobody is left to tell.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
