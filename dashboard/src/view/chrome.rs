//! Header, tabs and banner above a screen, keys below it.

use api::Phase;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::event;
use super::page::Page;
use crate::handling::{Field, Prompt};
use crate::keys::{self, BINDINGS};
use crate::state::{Link, Screen, State};
use crate::theme::{self, Theme};
use crate::{format, text};

const PRODUCT: &str = "railpost";

/// Draws what is above the screen.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    page.line(&header(state, page.width()));
    page.line(&tabs(state, page.width()));
    if let Some((words, style)) = banner(state, page.width()) {
        page.line_over(&Line::raw(words), Theme::inverse(style));
    }
    if page.left() > 0 {
        page.line(&Line::styled(theme::RULE.repeat(page.width()), state.theme.faint()));
    }
}

/// Draws the keys of the screen.
pub(crate) fn footer(state: &State, page: &mut Page<'_>) {
    let theme = state.theme;
    if state.tail.editing && state.screen == Screen::Tail {
        return page.line(&keys_line(
            &[("Enter", "keep"), ("Esc", "clear"), ("\u{2191}\u{2193}", "move")],
            page.width(),
        ));
    }
    if let Some(prompt) = state.groups.prompt.as_ref().filter(|_| state.screen == Screen::Groups) {
        return page.line(&keys_line(&prompt_keys(prompt), page.width()));
    }
    let mut keys = screen_keys(state);
    if state.screen == Screen::Groups && state.groups.part.is_some() {
        keys.insert(1, ("Esc", "groups"));
    }
    let place = if state.screen == Screen::Event { event::place(state) } else { String::new() };
    let mut line = keys_line(&keys, page.width().saturating_sub(place.len()));
    let space = page.width().saturating_sub(line.width() + place.len());
    line.push_span(Span::raw(" ".repeat(space)));
    line.push_span(Span::styled(place, theme.faint()));
    page.line(&line);
}

/// Returns the keys of the screen, without those that have nothing to act on.
fn screen_keys(state: &State) -> Vec<(&'static str, &'static str)> {
    let group = state.groups.selected();
    let hints = BINDINGS.iter().flat_map(|binding| binding.footer);
    let of_screen = hints.filter(|(_, _, screens)| screens.contains(&state.screen));
    let possible = of_screen.filter(|(_, _, screens)| *screens != keys::GROUPS || group.is_some());
    let word = |word| match group {
        Some(group) if word == keys::HOLD && group.held => "let go",
        _ => word,
    };
    possible.map(|(key, hint, _)| (*key, word(*hint))).collect()
}

fn prompt_keys(prompt: &Prompt) -> Vec<(&'static str, &'static str)> {
    let enter = if prompt.field == Field::Value { "next" } else { "do it" };
    let other = prompt.hand.value().map(|_| ("Tab", "other line"));
    other.into_iter().chain([("Enter", enter), ("Esc", "leave it")]).collect()
}

/// Returns keys and words; the middle ones are left out first, help and quit last.
fn keys_line(keys: &[(&str, &str)], width: usize) -> Line<'static> {
    let mut kept = keys.to_vec();
    let length = |keys: &[(&str, &str)]| {
        keys.iter().map(|(key, word)| text::width(key) + word.len() + 4).sum::<usize>()
    };
    while length(&kept) > width && kept.len() > 2 {
        kept.remove(if kept.len() > 4 { kept.len() - 3 } else { 0 });
    }
    let mut spans = Vec::new();
    for (key, word) in kept {
        spans.push(Span::styled(format!(" {key} "), Theme::inverse(Theme::plain())));
        spans.push(Span::styled(format!(" {word} "), Theme::plain()));
    }
    Line::from(spans)
}

fn header(state: &State, width: usize) -> Line<'static> {
    let theme = state.theme;
    let mut left = vec![Span::styled(format!(" {PRODUCT}"), theme.heading())];
    let mut right: Vec<Span<'static>> = Vec::new();
    let (phase, style) = match (&state.overview, &state.link) {
        (_, Link::Down { .. }) => ("unreachable", theme.failing()),
        (None, _) => ("connecting", theme.warning()),
        (Some(overview), _) => (theme::phase_words(overview.phase), theme.phase(overview.phase)),
    };
    right.push(Span::styled(format!("{} {phase}", theme::DOT), style));
    let between = || Span::styled(theme::BETWEEN, theme.faint());
    if let Some(overview) = &state.overview {
        left.push(Span::raw(text::cut(&format!(" {}", overview.version), 14)));
        right.push(between());
        right.push(Span::raw(format!("up {}", format::age(state.now.since(overview.started)))));
        if width >= 72 {
            right.push(between());
            right.push(Span::styled(format!("{} UTC", clock_seconds(state)), theme.faint()));
        }
    }
    right.push(Span::raw(" "));
    let length = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>();
    if length(&left) + length(&right) >= width {
        left.truncate(1);
    }
    let room = width.saturating_sub(length(&left) + length(&right) + 4);
    if room >= 12 {
        left.push(between());
        left.push(Span::raw(text::cut(&state.address, room)));
    }
    let space = width.saturating_sub(length(&left) + length(&right));
    left.push(Span::raw(" ".repeat(space)));
    left.extend(right);
    Line::from(left)
}

fn clock_seconds(state: &State) -> String {
    state.now.to_jiff().strftime("%H:%M:%S").to_string()
}

/// How much of the tabs is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tabs {
    Counted,
    Named,
    Numbered,
}

fn tabs(state: &State, width: usize) -> Line<'static> {
    let length = |spans: &[Span<'_>]| spans.iter().map(Span::width).sum::<usize>();
    for form in [Tabs::Counted, Tabs::Named] {
        let spans = tab_spans(state, form);
        if length(&spans) <= width {
            return Line::from(spans);
        }
    }
    Line::from(tab_spans(state, Tabs::Numbered))
}

fn tab_spans(state: &State, form: Tabs) -> Vec<Span<'static>> {
    let theme = state.theme;
    let mut spans = Vec::new();
    for (index, screen) in Screen::ALL.into_iter().enumerate() {
        let is_shown = screen == state.screen;
        let number = index + 1;
        let title = if form == Tabs::Numbered && !is_shown { "" } else { screen.title() };
        let (badge, badge_style) =
            if form == Tabs::Counted { badge(state, screen) } else { Default::default() };
        let label = if title.is_empty() { format!(" {number} ") } else { format!(" {number} {title} ") };
        let style = if is_shown { Theme::inverse(theme.accent()) } else { Theme::plain() };
        spans.push(Span::styled(label, style));
        if !badge.is_empty() {
            spans.push(Span::styled(format!("{badge} "), if is_shown { style } else { badge_style }));
        }
    }
    spans
}

/// Returns how much there is to see on a screen.
fn badge(state: &State, screen: Screen) -> (String, Style) {
    let Some(overview) = &state.overview else { return Default::default() };
    let (number, style) = match screen {
        Screen::Groups => {
            (overview.aggregations.iter().map(|row| row.open_groups).sum::<u64>(), state.theme.accent())
        }
        Screen::DeadLetters => {
            (overview.consumers.iter().map(|row| row.dead_lettered).sum::<u64>(), state.theme.failing())
        }
        Screen::Overview | Screen::Tail | Screen::Event => (0, Theme::plain()),
    };
    (if number == 0 { String::new() } else { format::count(number) }, style)
}

/// Returns whether there is something that must not be missed.
pub(crate) fn has_banner(state: &State) -> bool {
    banner(state, 0).is_some()
}

fn banner(state: &State, width: usize) -> Option<(String, Style)> {
    let theme = state.theme;
    if let Link::Down { since, reason, tries } = &state.link {
        let lasting = format::age(state.now.since(*since));
        let head = format!(" UNREACHABLE for {lasting}");
        let since = format!(", since {}", format::moment(*since, state.now));
        let head = if width >= 60 { head + &since } else { head };
        let retry = format!(", retrying ({tries})");
        let room = width.saturating_sub(head.len() + retry.len() + 2);
        let reason = if room >= 12 { format!(": {}", text::cut(reason, room)) } else { String::new() };
        return Some((text::cut(&format!("{head}{retry}{reason}"), width), theme.failing()));
    }
    let words = match state.overview.as_ref()?.phase {
        Phase::Running => return None,
        Phase::Recovering => " RECOVERING: the router reads its log",
        Phase::Draining => " DRAINING: the router finishes what is in flight and takes nothing new",
        Phase::Failed => " FAILED: the router stopped by a failure of its store; its log says which",
    };
    Some((text::cut(words, width), theme.phase(state.overview.as_ref()?.phase)))
}
