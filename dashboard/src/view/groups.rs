//! Screen 2: groups in flight, and the selected one below them.

use api::GroupStatus;
use event::Timestamp;
use ratatui::text::Span;

use super::columns::{Column, Grid, cell};
use super::group;
use super::page::{Page, window};
use crate::state::State;
use crate::theme::{self, Theme};
use crate::{format, text};

/// Below this height the parts and the other groups are not shown together while a part is selected.
const SPLIT_HEIGHT: usize = 12;
/// Below this height there is no room for the selected group.
const SELECTED_HEIGHT: usize = 4;
/// From this much time to the deadline on, the countdown is marked.
const SOON_SECONDS: u64 = 60;
/// The widths of the key beside a window.
const WINDOW_KEY: [usize; 3] = [16, 22, 50];
/// As many columns of a key stay beside its window.
const KEY_KEPT: usize = 7;

#[derive(Clone, Copy)]
enum Group {
    Aggregation,
    Key,
    Parts,
    Missing,
    Age,
    Deadline,
    Idle,
}

/// Draws the screen.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    let theme = state.theme;
    if let Some(failure) = state.groups.failure.as_ref().filter(|_| !state.is_stale()) {
        page.words(&format!(" {failure}"), theme.failing());
    }
    let Some(rows) = &state.groups.rows else {
        return page.words(" waiting for the router's answer", theme.faint());
    };
    if rows.is_empty() {
        return page.words(" no group is open: nothing waits for its parts", theme.faint());
    }
    let Some(chosen) = state.groups.selected() else { return };
    if state.groups.part.is_some() && page.left() < SPLIT_HEIGHT {
        return group::draw(state, chosen, page);
    }
    let height = page.left();
    let list = (rows.len() + 1).min((height * 2 / 5).max(height.saturating_sub(8)).max(3));
    table(state, rows, &mut page.part(list));
    if page.left() >= SELECTED_HEIGHT {
        page.gap();
        group::draw(state, chosen, page);
    }
}

fn table(state: &State, rows: &[GroupStatus], page: &mut Page<'_>) {
    let key = if rows.iter().any(|group| group.window.is_some()) { WINDOW_KEY } else { [8, 14, 36] };
    let grid = Grid::fit_marked(
        &[
            Column::text(Group::Aggregation, "AGGREGATION", 3, [11, 14, 24]),
            Column::text(Group::Key, "KEY", 0, key),
            Column::text(Group::Parts, "PARTS", 0, [9, 12, 22]),
            Column::text(Group::Missing, "MISSING", 5, [10, 14, 40]),
            Column::number(Group::Age, "AGE", 4, 7),
            Column::number(Group::Deadline, "DEADLINE", 1, 8),
            Column::number(Group::Idle, "IDLE IN", 2, 7),
        ],
        page.width(),
    );
    page.line(&grid.head(state.theme));
    let chosen = state.groups.selection.index;
    for index in window(chosen, rows.len(), page.left()) {
        let is_selected = index == chosen;
        let mark = if rows[index].held { theme::HELD } else { " " };
        let mark = Span::styled(mark, state.theme.warning());
        let line = grid
            .marked_row(is_selected, mark, |column, width| group_cell(state, &rows[index], column, width));
        page.line_over(&line, if is_selected { state.theme.selected() } else { Theme::plain() });
    }
}

fn group_cell(state: &State, group: &GroupStatus, column: Group, width: usize) -> Span<'static> {
    let theme = state.theme;
    let countdown = |at: Option<Timestamp>| match at {
        Some(_) if group.held => cell("held", theme.warning()),
        None => cell("-", theme.faint()),
        Some(at) if at.since(state.now).as_secs() < SOON_SECONDS => {
            cell(format::until(at, state.now), theme.warning())
        }
        Some(at) => cell(format::until(at, state.now), Theme::plain()),
    };
    match column {
        Group::Aggregation => cell(&group.aggregation, Theme::plain()),
        Group::Key => cell(key(group, state.now, width), Theme::strong()),
        Group::Parts => cell(progress(group, width), theme.accent()),
        Group::Missing if group.missing.is_empty() => cell("-", theme.faint()),
        Group::Missing => {
            let names: Vec<&str> = group.missing.iter().map(|part| part.name.as_str()).collect();
            cell(names.join(", "), theme.warning())
        }
        Group::Age => cell(format::age(state.now.since(group.opened)), Theme::plain()),
        Group::Deadline => countdown(group.deadline),
        Group::Idle => countdown(group.idle_until),
    }
}

/// Returns the key and the window; where there is no room for both, the key gives way first, but not all of it.
fn key(group: &GroupStatus, now: Timestamp, width: usize) -> String {
    let Some(window) = group.window else { return group.key.clone() };
    let needed = KEY_KEPT.min(text::width(&text::clean(&group.key)));
    let full = format::window(window, now);
    let window = if needed + 1 + full.len() <= width { full } else { format::window_start(window, now) };
    let room = width.saturating_sub(window.len() + 1).max(needed);
    format!("{} {window}", text::cut(&group.key, room))
}

/// Returns how many parts there are, as a bar too where the whole is known.
fn progress(group: &GroupStatus, width: usize) -> String {
    let have = group.parts.len();
    let Some(want) = group.expected else { return format::plural(have, "part") };
    let words = format!(" {have}/{want}");
    format::bar(have, want, width.saturating_sub(words.len())) + &words
}
