//! Screen 3: hops as they come, one line each.

use event::Hop;
use ratatui::text::{Line, Span};

use super::columns::{Column, Grid, cell};
use super::page::{Page, window};
use crate::state::State;
use crate::tail::Tail;
use crate::theme::{self, Theme};
use crate::{format, text, words};

#[derive(Clone, Copy)]
enum Field {
    Time,
    Bus,
    Event,
    Step,
    Words,
}

/// Draws the screen.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    let tail = &state.tail;
    let visible = tail.visible();
    page.line(&summary(state, visible.len(), page.width()));
    if let Some(reason) = tail.lost.as_ref().filter(|_| !state.is_stale()) {
        page.words(&format!(" the tail broke off, trying again: {reason}"), state.theme.failing());
    }
    let mut columns = vec![
        Column::text(Field::Time, "TIME (UTC)", 3, [12, 12, 12]),
        Column::text(Field::Bus, "BUS", 4, [7, 8, 14]),
        Column::text(Field::Event, "EVENT", 2, [8, 10, 36]),
        Column::text(Field::Step, "STEP", 1, [13, 13, 13]),
        Column::text(Field::Words, "WHAT HAPPENED", 0, [14, 62, 400]),
    ];
    if state.overview.as_ref().is_some_and(|overview| overview.buses.len() == 1) {
        columns.remove(1);
    }
    let grid = Grid::fit(&columns, page.width());
    page.line(&grid.head(state.theme));
    if visible.is_empty() {
        let words = if tail.len() == 0 { "  no hop yet" } else { "  no hop holds this text" };
        return page.words(words, state.theme.faint());
    }
    let selected = tail.index_in(&visible);
    for index in window(selected, visible.len(), page.left()) {
        let is_selected = index == selected;
        let line = grid.row(is_selected, |column, _| hop_cell(state, &visible[index].hop, column));
        page.line_over(&line, if is_selected { state.theme.selected() } else { Theme::plain() });
    }
}

fn hop_cell(state: &State, hop: &Hop, column: Field) -> Span<'static> {
    match column {
        Field::Time => cell(format::clock(hop.ended), state.theme.faint()),
        Field::Bus => cell(&*hop.bus, Theme::plain()),
        Field::Event => cell(&*hop.event, state.theme.accent()),
        Field::Step => cell(hop.step.name(), state.theme.step(&hop.step)),
        Field::Words => cell(words::step(&hop.step), Theme::plain()),
    }
}

/// Returns whether the tail moves, and what the filter leaves of it.
fn summary(state: &State, visible: usize, width: usize) -> Line<'static> {
    let theme = state.theme;
    let tail = &state.tail;
    let (words, style) = if tail.paused {
        (format!(" PAUSED, {} more", held(tail)), theme.warning())
    } else if tail.is_following() {
        (format!(" {} live", theme::DOT), theme.fine())
    } else {
        (format!(" {} live, G follows", theme::DOT), theme.accent())
    };
    let mut spans = vec![Span::styled(words, style)];
    if tail.filter.is_empty() && !tail.editing {
        spans.push(Span::styled(
            format!("{}{}", theme::BETWEEN, format::plural(tail.len(), "hop")),
            theme.faint(),
        ));
        return Line::from(spans);
    }
    let count = format!(" {visible} of {} ", tail.len());
    let used: usize = spans.iter().map(Span::width).sum::<usize>() + count.len() + 5;
    let room = width.saturating_sub(used).max(4);
    spans.push(Span::styled(theme::BETWEEN, theme.faint()));
    // While it is typed, the end of the filter is what matters.
    let length = tail.filter.chars().count();
    let shown: String = if tail.editing {
        tail.filter.chars().skip(length.saturating_sub(room)).collect()
    } else {
        text::cut(&tail.filter, room)
    };
    spans.push(Span::styled(format!("/{}", text::clean(&shown)), theme.heading()));
    if tail.editing {
        spans.push(Span::styled(" ", Theme::inverse(Theme::plain())));
    }
    spans.push(Span::styled(count, theme.faint()));
    Line::from(spans)
}

fn held(tail: &Tail) -> String {
    if tail.skipped == 0 {
        return tail.held().to_string();
    }
    format!("{} and {} dropped", tail.held(), tail.skipped)
}
