//! Screen 2: groups in flight, and what the selected one has and waits for.

use api::{GroupStatus, PartStatus};
use ratatui::text::{Line, Span};

use super::columns::{Column, Grid, cell};
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
    let Some(group) = rows.get(state.groups.selection.index) else { return };
    if state.groups.part.is_some() && page.left() < SPLIT_HEIGHT {
        return selected(state, group, page);
    }
    let height = page.left();
    let list = (rows.len() + 1).min((height * 2 / 5).max(height.saturating_sub(8)).max(3));
    table(state, rows, &mut page.part(list));
    if page.left() >= SELECTED_HEIGHT {
        page.gap();
        selected(state, group, page);
    }
}

fn table(state: &State, rows: &[GroupStatus], page: &mut Page<'_>) {
    let grid = Grid::fit(
        &[
            Column::text(Group::Aggregation, "AGGREGATION", 3, [11, 14, 24]),
            Column::text(Group::Key, "KEY", 0, [8, 14, 36]),
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
        let line = grid.row(is_selected, |column, width| group_cell(state, &rows[index], column, width));
        page.line_over(&line, if is_selected { state.theme.selected() } else { Theme::plain() });
    }
}

fn group_cell(state: &State, group: &GroupStatus, column: Group, width: usize) -> Span<'static> {
    let theme = state.theme;
    let countdown = |at: Option<event::Timestamp>| match at {
        None => cell("-", theme.faint()),
        Some(at) if at.since(state.now).as_secs() < SOON_SECONDS => {
            cell(format::until(at, state.now), theme.warning())
        }
        Some(at) => cell(format::until(at, state.now), Theme::plain()),
    };
    match column {
        Group::Aggregation => cell(&group.aggregation, Theme::plain()),
        Group::Key => cell(&group.key, Theme::strong()),
        Group::Parts => cell(progress(group, width), theme.accent()),
        Group::Missing if group.missing.is_empty() => cell("-", theme.faint()),
        Group::Missing => cell(group.missing.join(", "), theme.warning()),
        Group::Age => cell(format::age(state.now.since(group.opened)), Theme::plain()),
        Group::Deadline => countdown(group.deadline),
        Group::Idle => countdown(group.idle_until),
    }
}

/// Returns how many parts there are, as a bar too where the whole is known.
fn progress(group: &GroupStatus, width: usize) -> String {
    let have = group.parts.len();
    let Some(want) = group.expected else { return format::plural(have, "part") };
    let words = format!(" {have}/{want}");
    format::bar(have, want, width.saturating_sub(words.len())) + &words
}

fn selected(state: &State, group: &GroupStatus, page: &mut Page<'_>) {
    let theme = state.theme;
    let opened =
        format!("{} {} opened {}", group.bus, theme::BULLET, format::moment(group.opened, state.now));
    page.title(theme, &format!("{} {}", group.aggregation, group.key), &opened);
    let mut waits = Vec::new();
    for sentence in &group.waiting_for {
        waits.extend(bulleted(sentence, page.width(), theme));
    }
    let is_said = |name: &String| group.waiting_for.iter().any(|sentence| sentence.contains(name));
    if !group.missing.iter().all(is_said) {
        waits.extend(bulleted(&format!("missing: {}", group.missing.join(", ")), page.width(), theme));
    }
    let room = page.left().saturating_sub(2 + group.parts.len().clamp(1, 4)).max(1);
    for line in waits.iter().take(room) {
        page.line(line);
    }
    parts(state, group, page);
}

/// Returns a sentence as an item of a list, wrapped.
fn bulleted(sentence: &str, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let lines = text::wrap(sentence, width.saturating_sub(5));
    let bullet = |index: usize| if index == 0 { theme::BULLET } else { " " };
    let line = |(index, words): (usize, String)| {
        Line::from(vec![Span::styled(format!("  {} ", bullet(index)), theme.warning()), Span::raw(words)])
    };
    lines.into_iter().enumerate().map(line).collect()
}

#[derive(Clone, Copy)]
enum Part {
    Number,
    Name,
    Event,
    Position,
    Received,
    Offset,
}

fn parts(state: &State, group: &GroupStatus, page: &mut Page<'_>) {
    let grid = Grid::fit(
        &[
            Column::number(Part::Number, "#", 3, 4),
            Column::text(Part::Name, "PART", 0, [8, 10, 30]),
            Column::text(Part::Event, "EVENT", 2, [8, 14, 40]),
            Column::number(Part::Position, "POSITION", 4, 11),
            Column::text(Part::Received, "ARRIVED", 1, [12, 12, 12]),
            Column::number(Part::Offset, "AFTER", 5, 8),
        ],
        page.width(),
    );
    page.line(&grid.head(state.theme));
    let chosen = state.groups.part;
    for index in window(chosen.unwrap_or(0), group.parts.len(), page.left()) {
        let is_selected = chosen == Some(index);
        let line = grid.row(is_selected, |column, _| part_cell(state, group, index, column));
        page.line_over(&line, if is_selected { state.theme.selected() } else { Theme::plain() });
    }
}

fn part_cell(state: &State, group: &GroupStatus, index: usize, column: Part) -> Span<'static> {
    let part: &PartStatus = &group.parts[index];
    match column {
        Part::Number => cell((index + 1).to_string(), state.theme.faint()),
        Part::Name => cell(&part.name, Theme::strong()),
        Part::Event => cell(&part.event, Theme::plain()),
        Part::Position => cell(format::exact(part.position), Theme::plain()),
        Part::Received => cell(format::clock(part.received), Theme::plain()),
        Part::Offset => {
            cell(format!("+{}", format::age(part.received.since(group.opened))), state.theme.faint())
        }
    }
}
