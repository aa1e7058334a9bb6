//! [`Table`]: rows of cells, aligned, and cut to the width of the terminal.

use crate::screen::{Ink, Screen};
use crate::text::escape;

/// Between two columns.
const GAP: &str = "  ";
/// The narrowest that a column is cut to.
const COLUMN_WIDTH_MIN: usize = 8;
/// The narrowest that the last column is cut to before the others are.
const LAST_COLUMN_WIDTH_MIN: usize = 24;

/// Rows of cells under headings.
pub(crate) struct Table {
    headings: Vec<(&'static str, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// Which side a column's text keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Names and sentences.
    Left,
    /// Numbers.
    Right,
}

/// One cell: its text, already safe to print, and its ink.
pub(crate) struct Cell {
    text: String,
    ink: Ink,
}

impl Cell {
    /// Returns a cell with that text, made safe to print.
    pub(crate) fn new(text: &(impl ToString + ?Sized)) -> Self {
        Self::inked(Ink::Plain, text)
    }

    /// Returns a cell that stands out.
    pub(crate) fn inked(ink: Ink, text: &(impl ToString + ?Sized)) -> Self {
        Self { text: escape(&text.to_string()).into_owned(), ink }
    }

    /// Returns a number that stands out unless it is zero.
    pub(crate) fn alarm(ink: Ink, number: u64) -> Self {
        Self::inked(if number == 0 { Ink::Plain } else { ink }, &number)
    }
}

impl Table {
    /// Returns a table without rows. A heading that starts with `>` heads numbers.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let heading = |text: &&'static str| match text.strip_prefix('>') {
            Some(text) => (text, Align::Right),
            None => (*text, Align::Left),
        };
        Self { headings: headings.iter().map(heading).collect(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.headings.len(), "a cell for each heading");
        self.rows.push(cells);
    }

    /// Returns the table as lines without a last line end.
    pub(crate) fn render(&self, screen: Screen) -> String {
        let widths = self.widths(screen.width);
        let headings = self.headings.iter().map(|(text, _)| (*text, Ink::Dim));
        let mut lines = vec![self.line(headings, &widths, screen)];
        for row in &self.rows {
            lines.push(self.line(row.iter().map(|cell| (cell.text.as_str(), cell.ink)), &widths, screen));
        }
        lines.join("\n")
    }

    /// Returns each column's width: that of its longest cell, unless the table would be too wide. Then the last one
    /// gives way first, since it holds the sentences, and then the widest ones.
    fn widths(&self, limit: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.headings.iter().map(|(text, _)| text.chars().count()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.chars().count());
            }
        }
        let Some(limit) = limit else { return widths };
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let mut excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(limit);
        if let Some(last) = widths.last_mut() {
            let given = excess.min(last.saturating_sub(LAST_COLUMN_WIDTH_MIN));
            *last -= given;
            excess -= given;
        }
        while excess > 0 {
            match widths.iter_mut().max() {
                Some(widest) if *widest > COLUMN_WIDTH_MIN => *widest -= 1,
                _ => break,
            }
            excess -= 1;
        }
        widths
    }

    fn line<'a>(
        &self,
        cells: impl Iterator<Item = (&'a str, Ink)>,
        widths: &[usize],
        screen: Screen,
    ) -> String {
        let mut line = String::new();
        for (index, ((text, ink), width)) in cells.zip(widths).enumerate() {
            let text = cut(text, *width);
            let padding = " ".repeat(width - text.chars().count());
            let text = if text.is_empty() { text } else { screen.ink(ink, &text) };
            let gap = if index == 0 { "" } else { GAP };
            match self.headings[index].1 {
                Align::Left => line.extend([gap, &text, &padding]),
                Align::Right => line.extend([gap, &padding, &text]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Returns the text, cut with three dots where it is longer than the width.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&["CONSUMER", ">PENDING", "LAST ERROR"]);
        table.row(vec![
            Cell::new("billing"),
            Cell::new(&12),
            Cell::inked(Ink::Red, "connection\nrefused by the host"),
        ]);
        table.row(vec![Cell::new("audit"), Cell::alarm(Ink::Yellow, 0), Cell::new("")]);
        table
    }

    fn check(screen: Screen, expected: &[&str]) {
        assert_eq!(sample().render(screen), expected.join("\n"));
    }

    #[test]
    fn columns_are_aligned_and_line_ends_escaped() {
        check(
            Screen::none(),
            &[
                "CONSUMER  PENDING  LAST ERROR",
                "billing        12  connection\\nrefused by the host",
                "audit           0",
            ],
        );
    }

    #[test]
    fn the_last_column_gives_way_before_the_others() {
        let mut table = Table::new(&["EVENT", "REASON"]);
        let event = "e".repeat(36);
        table.row(vec![Cell::new(&event), Cell::new("3 attempts failed, the last one with 503")]);
        let second = |width| {
            let text = table.render(Screen { width: Some(width), colours: false });
            text.lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(second(70), format!("{event}  3 attempts failed, the last o..."));
        assert_eq!(second(60), format!("{}...  3 attempts failed, th...", "e".repeat(31)));
    }

    #[test]
    fn the_widest_column_gives_way_to_the_terminal() {
        check(
            Screen { width: Some(36), colours: false },
            &["CONSUMER  PENDING  LAST ERROR", "billing        12  connection\\nre...", "audit           0"],
        );
    }

    #[test]
    fn colours_do_not_count_as_width() {
        let text = sample().render(Screen { width: Some(36), colours: true });
        let second = text.lines().nth(1).unwrap();
        assert_eq!(second, "billing        12  \u{1b}[31mconnection\\nre...\u{1b}[0m");
    }
}
