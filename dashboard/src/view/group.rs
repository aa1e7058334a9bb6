//! The selected group of screen 2: what it has, what it waits for, and what was done to it.

use api::{GroupAction, GroupStatus, HandlingRecord, MissingPart, PartStatus};
use event::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::columns::{Column, Grid, cell};
use super::page::{Page, window};
use crate::state::State;
use crate::theme::{self, Theme};
use crate::{format, text, words};

/// As many parts stay on the screen whatever else is known.
const PARTS_KEPT: usize = 4;

/// Draws the group.
pub(crate) fn draw(state: &State, group: &GroupStatus, page: &mut Page<'_>) {
    let opened =
        format!("{} {} opened {}", group.bus, theme::BULLET, format::moment(group.opened, state.now));
    page.title(state.theme, &format!("{} {}", group.aggregation, words::group(group, state.now)), &opened);
    let kept = 1 + group.parts.len().clamp(1, PARTS_KEPT);
    let room = page.left().saturating_sub(kept).max(1);
    for line in notes(state, group, page.width()).iter().take(room) {
        page.line(line);
    }
    let (left, of_parts) = (page.left(), 1 + group.parts.len());
    let room = left.saturating_sub(kept).min(left.saturating_sub(of_parts).max(left / 2));
    let history = history(state, group, page.width(), room);
    parts(state, group, &mut page.part(of_parts.min(left.saturating_sub(history.len()))));
    for line in &history {
        page.line(line);
    }
}

/// Returns what is to be known of the group, the most urgent first.
fn notes(state: &State, group: &GroupStatus, width: usize) -> Vec<Line<'static>> {
    let theme = state.theme;
    let mut lines = Vec::new();
    let mut add = |mark: &str, sentence: &str, style: Style| {
        lines.extend(marked(mark, sentence, width, style));
    };
    if group.held {
        add(theme::HELD, &held(group, state.now), theme.warning());
    }
    for sentence in &group.waiting_for {
        add(theme::BULLET, sentence, Theme::plain());
    }
    let (known, unknown): (Vec<&MissingPart>, Vec<&MissingPart>) =
        group.missing.iter().partition(|part| part.usually_by.is_some());
    for (part, at) in by_time(&known) {
        let (mark, style) =
            if at < state.now { (theme::SLOW, theme.warning()) } else { (theme::BULLET, Theme::plain()) };
        add(mark, &usually(&part.name, at, state.now), style);
    }
    let is_said =
        |part: &&MissingPart| group.waiting_for.iter().any(|sentence| sentence.contains(&part.name));
    if !unknown.iter().all(is_said) {
        let names: Vec<&str> = unknown.iter().map(|part| part.name.as_str()).collect();
        add(theme::BULLET, &format!("missing: {}", names.join(", ")), Theme::plain());
    }
    if !group.optional.is_empty() {
        add(theme::BULLET, &format!("optional: {}", group.optional.join(", ")), theme.faint());
    }
    let measures = measures(group, state.now);
    if !measures.is_empty() {
        add(" ", &measures.join(theme::BETWEEN), theme.faint());
    }
    lines
}

fn held(group: &GroupStatus, now: Timestamp) -> String {
    match group.history.iter().rfind(|record| record.action == GroupAction::Hold) {
        None => "held: nothing completes it".to_owned(),
        Some(record) => {
            format!("held by {} since {}: {}", record.by, format::moment(record.at, now), record.why)
        }
    }
}

/// Returns the parts whose usual time is known, the earliest first.
fn by_time<'a>(parts: &[&'a MissingPart]) -> Vec<(&'a MissingPart, Timestamp)> {
    let mut timed: Vec<_> = parts.iter().filter_map(|part| Some((*part, part.usually_by?))).collect();
    timed.sort_by_key(|(_, at)| *at);
    timed
}

fn usually(name: &str, at: Timestamp, now: Timestamp) -> String {
    let distance = if at < now {
        format!("{} ago", format::age(now.since(at)))
    } else {
        format!("in {}", format::age(at.since(now)))
    };
    format!("{name} is missing, usually here by {}, {distance}", format::minute(at, now))
}

/// Returns the window, the watermark and the duplicates, where there are such.
fn measures(group: &GroupStatus, now: Timestamp) -> Vec<String> {
    let mut measures = Vec::new();
    if let Some(window) = group.window {
        measures.push(format!(
            "window {} to {}",
            format::moment(window.start, now),
            format::moment(window.end, now)
        ));
    }
    measures.extend(group.watermark.map(|at| format!("watermark {}", format::moment(at, now))));
    if group.duplicates > 0 {
        let plural = if group.duplicates == 1 { "" } else { "s" };
        measures.push(format!("{} duplicate{plural}", format::exact(group.duplicates)));
    }
    measures
}

/// Returns a sentence as an item of a list, wrapped.
fn marked(mark: &str, sentence: &str, width: usize, style: Style) -> Vec<Line<'static>> {
    let line = |(index, words): (usize, String)| {
        let mark = if index == 0 { mark } else { " " };
        Line::from(vec![Span::raw(format!("  {mark} ")), Span::raw(words)]).style(style)
    };
    text::wrap(sentence, width.saturating_sub(5)).into_iter().enumerate().map(line).collect()
}

/// Returns what was done to the group: as many of the last records as there is room for below a head.
fn history(state: &State, group: &GroupStatus, width: usize, room: usize) -> Vec<Line<'static>> {
    if group.history.is_empty() || room < 2 {
        return Vec::new();
    }
    let mut records: Vec<Line<'static>> = Vec::new();
    for record in group.history.iter().rev() {
        let mut lines = marked(theme::BULLET, &done(record, state.now), width, Theme::plain());
        if records.is_empty() {
            lines.truncate(room - 1);
        } else if records.len() + lines.len() >= room {
            break;
        }
        lines.append(&mut records);
        records = lines;
    }
    let mut lines = vec![Line::styled("  HISTORY", state.theme.heading())];
    lines.append(&mut records);
    lines
}

fn done(record: &HandlingRecord, now: Timestamp) -> String {
    let HandlingRecord { at, by, why, action } = record;
    format!("{} {by}: {}: {why}", format::moment(*at, now), words::handling(action))
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
