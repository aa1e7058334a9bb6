//! Screen 5: deliveries given up, and the attempts of the selected one.

use api::{Attempt, DeadLetter};
use ratatui::text::{Line, Span};

use super::columns::{Column, Grid, cell};
use super::page::{Page, window};
use crate::state::{DeadRow, State};
use crate::theme::{self, Theme};
use crate::{format, text};

/// With less room than this beside an attempt its error goes below it.
const ERROR_COLUMNS_MIN: usize = 16;
/// Below this height there is no room for the attempts.
const SELECTED_HEIGHT: usize = 4;

#[derive(Clone, Copy)]
enum Field {
    Consumer,
    Event,
    Type,
    Reason,
    Attempts,
    Age,
}

/// Draws the screen.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    let theme = state.theme;
    if let Some(failure) = state.dead_letters.failure.as_ref().filter(|_| !state.is_stale()) {
        page.words(&format!(" {failure}"), theme.failing());
    }
    let Some(rows) = &state.dead_letters.rows else {
        return page.words(" waiting for the router's answer", theme.faint());
    };
    if rows.is_empty() {
        return page.words(" no dead letter: no delivery was given up", theme.fine());
    }
    let height = page.left();
    let list = (rows.len() + 1).min((height * 3 / 5).max(height.saturating_sub(8)).max(3));
    table(state, rows, &mut page.part(list));
    let row = rows.get(state.dead_letters.selection.index).filter(|_| page.left() >= SELECTED_HEIGHT);
    if let Some(row) = row {
        page.gap();
        selected(state, &row.letter, page);
    }
}

fn table(state: &State, rows: &[DeadRow], page: &mut Page<'_>) {
    let grid = Grid::fit(
        &[
            Column::text(Field::Consumer, "CONSUMER", 0, [8, 12, 20]),
            Column::text(Field::Event, "EVENT", 2, [8, 10, 36]),
            Column::text(Field::Type, "TYPE", 4, [11, 12, 30]),
            Column::text(Field::Reason, "REASON", 0, [12, 24, 120]),
            Column::number(Field::Attempts, "TRIES", 3, 5),
            Column::number(Field::Age, "AGE", 1, 7),
        ],
        page.width(),
    );
    page.line(&grid.head(state.theme));
    let chosen = state.dead_letters.selection.index;
    for index in window(chosen, rows.len(), page.left()) {
        let is_selected = index == chosen;
        let line = grid.row(is_selected, |column, _| letter_cell(state, &rows[index], column));
        page.line_over(&line, if is_selected { state.theme.selected() } else { Theme::plain() });
    }
}

fn letter_cell(state: &State, row: &DeadRow, column: Field) -> Span<'static> {
    let letter = &row.letter;
    match column {
        Field::Consumer => cell(&letter.consumer, Theme::strong()),
        Field::Event => cell(&letter.id, state.theme.accent()),
        Field::Type => cell(&row.event_type, Theme::plain()),
        Field::Reason => cell(&letter.reason, state.theme.failing()),
        Field::Attempts => cell(made(letter).to_string(), Theme::plain()),
        Field::Age => cell(format::age(state.now.since(letter.at)), Theme::plain()),
    }
}

/// Returns how many attempts were made; of many, only the first and the last are kept.
fn made(letter: &DeadLetter) -> u32 {
    letter.attempts.iter().map(|attempt| attempt.number).max().unwrap_or(0)
}

fn selected(state: &State, letter: &DeadLetter, page: &mut Page<'_>) {
    let place = format!(
        "{} position {} {} {}",
        letter.bus,
        format::exact(letter.position),
        theme::BULLET,
        format::moment(letter.at, state.now)
    );
    page.title(state.theme, &format!("{} {} {}", letter.id, theme::ARROW, letter.consumer), &place);
    page.paragraph(&letter.reason, state.theme.failing());
    let lines = attempts(state, letter, page.width());
    // The last attempts say more than the first ones.
    let skipped = lines.len().saturating_sub(page.left());
    for line in &lines[skipped..] {
        page.line(line);
    }
}

/// Returns a line for each attempt that is kept.
pub(crate) fn attempts(state: &State, letter: &DeadLetter, width: usize) -> Vec<Line<'static>> {
    if letter.attempts.is_empty() {
        return vec![Line::styled("  it was never tried", state.theme.faint())];
    }
    let moments: Vec<String> =
        letter.attempts.iter().map(|attempt| format::moment(attempt.at, state.now)).collect();
    let longest = moments.iter().map(String::len).max().unwrap_or(0);
    let padded = moments.into_iter().map(|moment| format!("{moment:<longest$}"));
    letter
        .attempts
        .iter()
        .zip(padded)
        .flat_map(|(attempt, at)| attempt_lines(state.theme, attempt, &at, width))
        .collect()
}

fn attempt_lines(theme: Theme, attempt: &Attempt, at: &str, width: usize) -> Vec<Line<'static>> {
    let status = attempt.status.map_or_else(|| "-".to_owned(), |status| status.to_string());
    let mut spans = vec![
        Span::styled(format!("  {:>4}  ", attempt.number), theme.faint()),
        Span::raw(format!("{at}  ")),
        Span::raw(format!("{:>6}  ", format::micros(attempt.took_us))),
        Span::styled(format!("{status:>3}  "), theme.warning()),
    ];
    let room = width.saturating_sub(spans.iter().map(Span::width).sum());
    if room >= ERROR_COLUMNS_MIN {
        spans.push(Span::raw(text::cut(&attempt.error, room)));
        return vec![Line::from(spans)];
    }
    let below = format!("        {}", text::cut(&attempt.error, width.saturating_sub(8)));
    vec![Line::from(spans), Line::raw(below)]
}
