//! [`Table`]: rows of cells, aligned, and cut to the width of the terminal.

use crate::screen::{Ink, Screen};
use crate::text::{cut, sentence, value};

/// Between two columns.
const GAP: &str = "  ";
/// The narrowest that a column of text is cut to.
const COLUMN_WIDTH_MIN: usize = 12;
/// The narrowest that the heading of numbers is cut to; the numbers themselves never are.
const HEADING_WIDTH_MIN: usize = 7;
/// The narrowest that the last column is cut to before the others are.
const LAST_COLUMN_WIDTH_MIN: usize = 24;

/// Rows of cells under headings.
pub(crate) struct Table {
    headings: Vec<Heading>,
    rows: Vec<Vec<Cell>>,
}

/// What stands above a column, and how the column behaves.
struct Heading {
    text: &'static str,
    align: Align,
    /// Whether the column is left out where the table would be too wide.
    optional: bool,
    /// Whether its cells are of no use when they are cut, as ids are.
    whole: bool,
}

/// Which side a column's text keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Names and sentences.
    Left,
    /// Numbers.
    Right,
}

/// One cell: its text, already safe to print and not too long, and its ink.
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
        Self { text: value(&text.to_string()), ink }
    }

    /// Returns a cell with a sentence, which is more than a value and worth more room.
    pub(crate) fn sentence(ink: Ink, text: &str) -> Self {
        Self { text: sentence(text), ink }
    }

    /// Returns a number that stands out unless it is zero.
    pub(crate) fn alarm(ink: Ink, number: u64) -> Self {
        Self::inked(if number == 0 { Ink::Plain } else { ink }, &number)
    }
}

impl Table {
    /// Returns a table without rows. A heading that starts with `>` heads numbers, one with `!` cells that are never
    /// cut; before that, `?` marks a column that a narrow terminal does without.
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        let heading = |text: &&'static str| {
            let (text, optional) = text.strip_prefix('?').map_or((*text, false), |text| (text, true));
            let (text, whole) = text.strip_prefix('!').map_or((text, false), |text| (text, true));
            let (text, align) =
                text.strip_prefix('>').map_or((text, Align::Left), |text| (text, Align::Right));
            Heading { text, align, optional, whole }
        };
        Self { headings: headings.iter().map(heading).collect(), rows: Vec::new() }
    }

    /// Adds a row with one cell for each heading.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.headings.len(), "a cell for each heading");
        self.rows.push(cells);
    }

    /// Returns the table as lines without a last line end, none of them wider than the screen. Columns are cut first;
    /// if that is not enough, columns are left out, which a last line says.
    pub(crate) fn render(&self, screen: Screen) -> String {
        let (columns, left_out) = self.columns(screen.width);
        let headings = |index: usize| (self.headings[index].text, Ink::Dim);
        let mut lines = vec![self.line(&columns, headings, screen)];
        for row in &self.rows {
            lines.push(self.line(&columns, |index| (row[index].text.as_str(), row[index].ink), screen));
        }
        if !left_out.is_empty() {
            let note = format!("(left out: {})", left_out.join(", "));
            lines.push(screen.ink(Ink::Dim, &cut(&note, screen.width.unwrap_or(usize::MAX))));
        }
        lines.join("\n")
    }

    /// Returns the columns that are shown, and the headings of those that are not.
    fn columns(&self, limit: Option<usize>) -> (Vec<Column>, Vec<&'static str>) {
        let mut all: Vec<Column> = (0..self.headings.len()).map(|index| self.column(index)).collect();
        let Some(limit) = limit else { return (all, Vec::new()) };
        let mut left_out = Vec::new();
        loop {
            let mut shown = all.clone();
            if fit(&mut shown, limit) {
                return (shown, left_out);
            }
            if all.len() == 1 {
                all[0].width = limit;
                return (all, left_out);
            }
            let optional = all.iter().position(|column| self.headings[column.index].optional);
            let gone = all.remove(optional.unwrap_or(all.len() - 1));
            left_out.push(self.headings[gone.index].text);
        }
    }

    /// Returns a column as wide as its longest cell.
    fn column(&self, index: usize) -> Column {
        let Heading { text, align, whole, .. } = self.headings[index];
        let content = self.rows.iter().map(|row| row[index].text.chars().count()).max().unwrap_or_default();
        let width = content.max(text.chars().count());
        let least = match align {
            Align::Left if whole => width,
            Align::Left => COLUMN_WIDTH_MIN,
            Align::Right => content.max(HEADING_WIDTH_MIN),
        };
        Column { index, width, least: least.min(width) }
    }

    fn line<'a>(&self, columns: &[Column], cell: impl Fn(usize) -> (&'a str, Ink), screen: Screen) -> String {
        let mut line = String::new();
        for (place, column) in columns.iter().enumerate() {
            let (text, ink) = cell(column.index);
            let align = self.headings[column.index].align;
            // Only the heading of numbers can be too long for its column, and it is clearer without dots.
            let text = match align {
                Align::Left => cut(text, column.width).into_owned(),
                Align::Right => text.chars().take(column.width).collect(),
            };
            let padding = " ".repeat(column.width.saturating_sub(text.chars().count()));
            let text = if text.is_empty() { text } else { screen.ink(ink, &text) };
            let gap = if place == 0 { "" } else { GAP };
            match align {
                Align::Left => line.extend([gap, &text, &padding]),
                Align::Right => line.extend([gap, &padding, &text]),
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// One column as it is shown.
#[derive(Clone, Copy)]
struct Column {
    /// Which heading and which cells.
    index: usize,
    /// How wide it is.
    width: usize,
    /// The narrowest that it is cut to.
    least: usize,
}

/// Makes columns narrower until they fit, the last one first, since it holds the sentences, and then the widest ones;
/// returns whether they do.
fn fit(columns: &mut [Column], limit: usize) -> bool {
    let gaps = GAP.len() * columns.len().saturating_sub(1);
    let width: usize = columns.iter().map(|column| column.width).sum();
    let mut excess = (width + gaps).saturating_sub(limit);
    if let Some(last) = columns.last_mut() {
        let given = excess.min(last.width.saturating_sub(LAST_COLUMN_WIDTH_MIN.max(last.least)));
        last.width -= given;
        excess -= given;
    }
    while excess > 0 {
        let narrowable = columns.iter_mut().filter(|column| column.width > column.least);
        let Some(widest) = narrowable.max_by_key(|column| column.width) else { return false };
        widest.width -= 1;
        excess -= 1;
    }
    true
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
    fn a_narrow_terminal_does_without_optional_columns() {
        let mut table = Table::new(&["CONSUMER", "?BUS", ">MATCHED", "?>IN FLIGHT"]);
        table.row(vec![Cell::new("billing"), Cell::new("landing"), Cell::new(&1_234_567), Cell::new(&32)]);
        let at = |width| table.render(Screen { width: Some(width), colours: false });
        assert_eq!(at(37), "CONSUMER  BUS      MATCHED  IN FLIGHT\nbilling   landing  1234567         32");
        assert_eq!(at(28), "CONSUMER  MATCHED  IN FLIGHT\nbilling   1234567         32\n(left out: BUS)");
        assert_eq!(at(18), "CONSUMER  MATCHED\nbilling   1234567\n(left out: BUS,...");
        assert_eq!(at(5), "CO...\nbi...\n(l...");
    }

    #[test]
    fn an_id_is_not_cut() {
        let mut table = Table::new(&["?!AT", "CONSUMER", "!EVENT"]);
        let (at, event) = ("2026-11-21T06:00:00Z", "e".repeat(36));
        table.row(vec![Cell::new(at), Cell::new("billing"), Cell::new(&event)]);
        let text = table.render(Screen { width: Some(60), colours: false });
        assert_eq!(text, format!("CONSUMER  EVENT\nbilling   {event}\n(left out: AT)"));
    }

    #[test]
    fn a_long_value_is_cut_everywhere() {
        let mut table = Table::new(&["KEY"]);
        table.row(vec![Cell::new(&"k".repeat(500))]);
        assert_eq!(table.render(Screen::none()), format!("KEY\n{}...", "k".repeat(57)));
    }

    #[test]
    fn colours_do_not_count_as_width() {
        let text = sample().render(Screen { width: Some(36), colours: true });
        let second = text.lines().nth(1).unwrap();
        assert_eq!(second, "billing        12  \u{1b}[31mconnection\\nre...\u{1b}[0m");
    }
}
