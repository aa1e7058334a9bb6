//! [`Grid`]: columns that fit. Those that do not are left out, the least important first.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text;
use crate::theme::{self, Theme};

/// From this width on there are two spaces between columns.
const ROOMY_WIDTH: usize = 100;

/// A column as it would like to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column<Id> {
    pub(crate) id: Id,
    pub(crate) title: &'static str,
    /// 0 stays to the end; the highest goes first.
    pub(crate) rank: u8,
    /// The least width, the one it needs to be comfortable, and the most it can use.
    pub(crate) widths: [usize; 3],
    pub(crate) side: Side,
}

/// The side that the text of a column keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// Columns with their final widths.
pub(crate) struct Grid<Id> {
    columns: Vec<(Column<Id>, usize)>,
    gap: usize,
    lead: usize,
}

impl<Id: Copy> Column<Id> {
    /// Returns a column for text.
    pub(crate) fn text(id: Id, title: &'static str, rank: u8, widths: [usize; 3]) -> Self {
        Self { id, title, rank, widths, side: Side::Left }
    }

    /// Returns a column for numbers.
    pub(crate) fn number(id: Id, title: &'static str, rank: u8, width: usize) -> Self {
        Self { id, title, rank, widths: [width; 3], side: Side::Right }
    }
}

impl<Id: Copy> Grid<Id> {
    /// Returns as many of the columns as fit beside the cursor.
    pub(crate) fn fit(columns: &[Column<Id>], width: usize) -> Self {
        Self::fit_after(2, columns, width)
    }

    /// Returns as many of the columns as fit beside the cursor and a mark.
    pub(crate) fn fit_marked(columns: &[Column<Id>], width: usize) -> Self {
        Self::fit_after(3, columns, width)
    }

    fn fit_after(lead: usize, columns: &[Column<Id>], width: usize) -> Self {
        let gap = if width >= ROOMY_WIDTH { 2 } else { 1 };
        let room = width.saturating_sub(lead);
        let mut kept: Vec<(Column<Id>, usize)> =
            columns.iter().map(|column| (*column, column.widths[0])).collect();
        while kept.len() > 1 && taken(&kept, gap) > room {
            let ranks = kept.iter().enumerate().max_by_key(|(_, (column, _))| column.rank);
            kept.remove(ranks.map_or(0, |(at, _)| at));
        }
        let mut spare = room.saturating_sub(taken(&kept, gap));
        let mut by_rank: Vec<&mut (Column<Id>, usize)> = kept.iter_mut().collect();
        by_rank.sort_by_key(|(column, _)| column.rank);
        for (column, width) in &mut by_rank {
            let more = column.widths[1].saturating_sub(*width).min(spare);
            *width += more;
            spare -= more;
        }
        share(&mut by_rank, spare);
        Self { columns: kept, gap, lead }
    }

    /// Returns the heads of the columns.
    pub(crate) fn head(&self, theme: Theme) -> Line<'static> {
        let mut spans = vec![Span::raw(" ".repeat(self.lead))];
        for (index, (column, width)) in self.columns.iter().enumerate() {
            self.put(&mut spans, index, Span::styled(text::cut(column.title, *width), theme.heading()));
        }
        Line::from(spans)
    }

    /// Returns a row: `cell` is asked for each column that is shown, with its width.
    pub(crate) fn row<'a>(&self, is_selected: bool, cell: impl Fn(Id, usize) -> Span<'a>) -> Line<'a> {
        self.marked_row(is_selected, Span::default(), cell)
    }

    /// Returns a row with a mark beside the cursor.
    pub(crate) fn marked_row<'a>(
        &self,
        is_selected: bool,
        mark: Span<'a>,
        cell: impl Fn(Id, usize) -> Span<'a>,
    ) -> Line<'a> {
        let cursor = if is_selected { theme::CURSOR } else { " " };
        let mut spans = vec![Span::raw(cursor), mark, Span::raw(" ")];
        for (index, (column, width)) in self.columns.iter().enumerate() {
            let mut span = cell(column.id, *width);
            span.content = text::cut(&span.content, *width).into();
            self.put(&mut spans, index, span);
        }
        Line::from(spans)
    }

    fn put<'a>(&self, spans: &mut Vec<Span<'a>>, index: usize, span: Span<'a>) {
        let (column, width) = &self.columns[index];
        let padding = " ".repeat(width.saturating_sub(span.width()));
        let gap = " ".repeat(if index + 1 < self.columns.len() { self.gap } else { 0 });
        match column.side {
            Side::Left => spans.extend([span, Span::raw(padding + &gap)]),
            Side::Right => spans.extend([Span::raw(padding), span, Span::raw(gap)]),
        }
    }
}

/// Returns a cell's text in a style.
pub(crate) fn cell(text: impl Into<String>, style: Style) -> Span<'static> {
    Span::styled(text.into(), style)
}

/// Widens the columns in turn until each has the most it can use or nothing is left.
fn share<Id>(columns: &mut [&mut (Column<Id>, usize)], mut spare: usize) {
    while spare > 0 {
        let before = spare;
        for (column, width) in columns.iter_mut() {
            if spare > 0 && *width < column.widths[2] {
                *width += 1;
                spare -= 1;
            }
        }
        if spare == before {
            return;
        }
    }
}

fn taken<Id>(columns: &[(Column<Id>, usize)], gap: usize) -> usize {
    columns.iter().map(|(_, width)| width).sum::<usize>() + gap * columns.len().saturating_sub(1)
}
