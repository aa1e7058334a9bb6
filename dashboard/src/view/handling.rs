//! Below the groups: what is about to be done to one of them, and what came of the last order.

use std::time::Duration;

use api::{GroupAction, GroupStatus};
use event::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::page::{Page, title_line};
use crate::handling::{Field, Hand, Outcome, Prompt};
use crate::state::{Screen, State};
use crate::theme::{self, Theme};
use crate::{format, text, words};

/// The most lines that an answer takes.
const ANSWER_LINES_MAX: usize = 3;
/// The most lines that the name of a group takes.
const NAME_LINES_MAX: usize = 2;
/// Columns of the names of the texts.
const LABEL_WIDTH: usize = 4;

/// Draws it.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    for line in &lines(state, page.width(), page.left()) {
        page.line(line);
    }
}

/// Returns how many lines it takes of so many.
pub(crate) fn height(state: &State, width: usize, room: usize) -> usize {
    lines(state, width, room).len()
}

/// Returns the lines, in little room without those that say most of what is known.
fn lines(state: &State, width: usize, room: usize) -> Vec<Line<'static>> {
    if state.screen != Screen::Groups {
        return Vec::new();
    }
    let answer =
        |most| state.groups.outcome.iter().flat_map(move |outcome| answer(state, outcome, width, most));
    let Some(prompt) = &state.groups.prompt else { return answer(ANSWER_LINES_MAX).take(room).collect() };
    let mut above: Vec<Line<'static>> = answer(1).collect();
    above.extend(title(state.theme, prompt, width));
    above.extend(effect_lines(state, prompt, width));
    let below = asked(state.theme, prompt, width);
    above.truncate(room.saturating_sub(below.len()));
    above.into_iter().chain(below).take(room).collect()
}

/// Returns what is done to which group; a group with a long name has lines of its own.
fn title(theme: Theme, prompt: &Prompt, width: usize) -> Vec<Line<'static>> {
    let verb = prompt.hand.verb();
    let group = format!("{} {}", prompt.aggregation, prompt.name);
    let whole = format!("{verb} {group}");
    if text::width(&whole) + 4 <= width {
        return vec![title_line(theme, width, &whole, "")];
    }
    let named = wrapped(&group, width.saturating_sub(2), NAME_LINES_MAX);
    let named = named.into_iter().map(|words| Line::styled(format!("  {words}"), theme.heading()));
    std::iter::once(title_line(theme, width, verb, "")).chain(named).collect()
}

/// Returns a text in so many lines at most, the last one cut.
fn wrapped(words: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = text::wrap(words, width);
    if lines.len() > most {
        let rest = lines.split_off(most - 1).join(" ");
        lines.push(text::cut(&rest, width));
    }
    lines
}

/// Returns what came of an order, in so many lines at most.
fn answer(state: &State, outcome: &Outcome, width: usize, most: usize) -> Vec<Line<'static>> {
    let theme = state.theme;
    let (mark, style, result) = match &outcome.answer {
        None => (theme::DOT, theme.accent(), "ordered, not answered yet"),
        Some(Ok(())) => (theme::YES, theme.fine(), "done"),
        Some(Err(reason)) => (theme::NO, theme.failing(), reason.as_str()),
    };
    let said = format!("{}: {result}", outcome.what);
    let lines = wrapped(&said, width.saturating_sub(3), most);
    let line =
        |(index, words)| Line::styled(format!(" {} {words}", if index == 0 { mark } else { " " }), style);
    lines.into_iter().enumerate().map(line).collect()
}

fn effect_lines(state: &State, prompt: &Prompt, width: usize) -> Vec<Line<'static>> {
    let mut groups = state.groups.rows.iter().flatten();
    let (words, style) = match groups.find(|group| prompt.is_about(group)) {
        None => ("it is not open any more".to_owned(), state.theme.failing()),
        Some(group) => (effect(prompt, group, state.now), style_of(prompt.hand, state.theme)),
    };
    text::wrap(&words, width.saturating_sub(2))
        .into_iter()
        .map(|words| Line::styled(format!("  {words}"), style))
        .collect()
}

fn style_of(hand: Hand, theme: Theme) -> Style {
    match hand {
        Hand::Release | Hand::Discard => theme.warning(),
        Hand::Extend | Hand::Hold | Hand::LetGo | Hand::Expect | Hand::Unexpect => Theme::plain(),
    }
}

/// Returns what the order does to the group, as far as its value is known.
fn effect(prompt: &Prompt, group: &GroupStatus, now: Timestamp) -> String {
    match (prompt.hand, prompt.action()) {
        (Hand::Release, _) => release(group),
        (Hand::Discard, _) => {
            let parts = format::plural(group.parts.len(), "part");
            format!("ends it without a release, and discards {parts}")
        }
        (Hand::Hold, _) => "nothing completes it until somebody lets it go".to_owned(),
        (Hand::LetGo, _) => "it can be completed again".to_owned(),
        (Hand::Extend, Ok(GroupAction::Extend { by_ms })) => extend(group, by_ms, now),
        (_, Ok(GroupAction::Expect { part })) => format!("it waits for `{part}` as well"),
        (_, Ok(GroupAction::Unexpect { part })) => format!("it waits for `{part}` no more"),
        (Hand::Extend, _) => "puts its deadline off, by such as 30m or 2h".to_owned(),
        (Hand::Expect, _) => "it waits for one part more".to_owned(),
        (Hand::Unexpect, _) => "it waits for one part less".to_owned(),
    }
}

fn release(group: &GroupStatus) -> String {
    let parts = format::plural(group.parts.len(), "part");
    let missing: Vec<&str> = group.missing.iter().map(|part| part.name.as_str()).collect();
    let without =
        if missing.is_empty() { String::new() } else { format!(", without {}", missing.join(", ")) };
    format!("releases it as it is: {parts}{without}")
}

fn extend(group: &GroupStatus, by_ms: u64, now: Timestamp) -> String {
    let by = words::extension(by_ms);
    let Some(deadline) = group.deadline else { return format!("it has no deadline to put off by {by}") };
    let then = deadline.after(Duration::from_millis(by_ms));
    format!(
        "puts its deadline off by {by}, from {} to {}",
        format::moment(deadline, now),
        format::moment(then, now)
    )
}

/// Returns the texts that are asked for, and what is wrong with them.
fn asked(theme: Theme, prompt: &Prompt, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if let Some(label) = prompt.hand.value() {
        lines.push(text_line(theme, label, &prompt.value, prompt.field == Field::Value, width));
    }
    lines.push(text_line(theme, "why", &prompt.why, prompt.field == Field::Why, width));
    if let Some(refusal) = &prompt.refusal {
        let words = text::cut(refusal, width.saturating_sub(3));
        lines.push(Line::styled(format!(" {} {words}", theme::NO), theme.failing()));
    }
    lines
}

/// Returns a text and its name; while it has the keys, its end is what matters.
fn text_line(theme: Theme, label: &str, words: &str, has_keys: bool, width: usize) -> Line<'static> {
    let room = width.saturating_sub(LABEL_WIDTH + 4);
    let style = if has_keys { theme.heading() } else { theme.faint() };
    let cursor = if has_keys { theme::CURSOR } else { " " };
    let mut spans = vec![Span::styled(format!("{cursor} {label:<LABEL_WIDTH$} "), style)];
    if has_keys {
        spans.push(Span::raw(text::end(words, room)));
        spans.push(Span::styled(" ", Theme::inverse(Theme::plain())));
    } else {
        spans.push(Span::raw(text::cut(words, room)));
    }
    Line::from(spans)
}
