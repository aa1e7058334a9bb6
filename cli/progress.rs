//! [`Progress`]: one line on the terminal that says how far a command is.

use std::io::{self, IsTerminal, Write};

use crate::text::cut;

/// Takes the cursor to the beginning of the line and empties it.
const EMPTY_LINE: &str = "\r\u{1b}[K";

/// A line on standard error that is written anew again and again; nothing, where that is not a terminal. It is gone when
/// this is dropped.
pub(crate) struct Progress {
    /// Columns of the terminal.
    width: Option<usize>,
}

impl Progress {
    /// Returns a line without words yet.
    pub(crate) fn new() -> Self {
        let width = if io::stderr().is_terminal() { crossterm::terminal::size().ok() } else { None };
        Self { width: width.map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0) }
    }

    /// Shows these words instead of the last ones.
    pub(crate) fn show(&self, words: &str) {
        if let Some(width) = self.width {
            write(&format!("{EMPTY_LINE}{}", cut(words, width.saturating_sub(1))));
        }
    }

    /// Writes a line that stays.
    pub(crate) fn note(&self, words: &str) {
        let start = if self.width.is_some() { EMPTY_LINE } else { "" };
        write(&format!("{start}{words}\n"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.width.is_some() {
            write(EMPTY_LINE);
        }
    }
}

/// Writes to standard error. Where that fails nobody is left to tell.
fn write(text: &str) {
    let mut out = io::stderr().lock();
    drop(out.write_all(text.as_bytes()));
    drop(out.flush());
}
