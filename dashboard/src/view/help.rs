//! The help over any screen, written from the key map.

use ratatui::text::{Line, Span};

use super::page::Page;
use crate::keys::BINDINGS;
use crate::state::State;
use crate::text;
use crate::theme::{self, Theme};

/// The widest the help gets.
const WIDTH_MAX: usize = 72;
/// Columns of the keys.
const LABEL_WIDTH: usize = 15;

/// Draws the help, scrolled by some lines.
pub(crate) fn draw(state: &State, scroll: usize, page: &mut Page<'_>) {
    let width = page.width().min(WIDTH_MAX);
    let lines = lines(state.theme, width);
    let mut box_page = page.centred(width, lines.len());
    box_page.wipe();
    let first = scroll.min(lines.len().saturating_sub(box_page.left()));
    for line in &lines[first..] {
        box_page.line(line);
    }
}

/// Returns how many lines the help has on a terminal of that width.
pub(crate) fn height(width: u16) -> usize {
    lines(Theme { colours: false }, usize::from(width).min(WIDTH_MAX)).len()
}

fn lines(theme: Theme, width: usize) -> Vec<Line<'static>> {
    let inner = width.saturating_sub(4);
    let mut lines = vec![edge(theme, width, ["\u{256d}", "\u{256e}"], " Keys ")];
    let mut add = |spans: Vec<Span<'static>>| lines.push(framed(theme, spans, inner));
    for binding in BINDINGS {
        for (index, words) in
            text::wrap(binding.words, inner.saturating_sub(LABEL_WIDTH)).into_iter().enumerate()
        {
            let label = if index == 0 { binding.label } else { "" };
            let label =
                Span::styled(format!("{:<LABEL_WIDTH$}", text::cut(label, LABEL_WIDTH - 1)), theme.heading());
            add(vec![label, Span::raw(words)]);
        }
    }
    add(Vec::new());
    for (mark, style, words) in legend(theme) {
        add(vec![
            Span::styled(format!("{mark:<LABEL_WIDTH$}"), style),
            Span::raw(text::cut(words, inner.saturating_sub(LABEL_WIDTH))),
        ]);
    }
    lines.push(edge(theme, width, ["\u{2570}", "\u{256f}"], " Esc closes "));
    lines
}

fn legend(theme: Theme) -> [(&'static str, ratatui::style::Style, &'static str); 5] {
    use api::Restraint;

    use crate::theme::Health;
    let meaning = |health: Health, words| (health.mark(), theme.health(health), words);
    [
        meaning(Health::Fine, "the consumer keeps up"),
        meaning(Health::DeadLetters, "it keeps up, and deliveries were given up"),
        meaning(Health::Backlog, "events wait for over 2 s, or it is slowed or held"),
        meaning(Health::Restrained(Restraint::Paused), "somebody paused it, or holds the group"),
        meaning(Health::Failing, "attempts fail, its circuit is open, or it has stopped"),
    ]
}

fn edge(theme: Theme, width: usize, corners: [&str; 2], title: &str) -> Line<'static> {
    let rule = theme::RULE.repeat(width.saturating_sub(3 + title.len()));
    Line::from(vec![
        Span::styled(format!("{}{}", corners[0], theme::RULE), theme.accent()),
        Span::styled(title.to_owned(), theme.heading()),
        Span::styled(format!("{rule}{}", corners[1]), theme.accent()),
    ])
}

fn framed(theme: Theme, spans: Vec<Span<'static>>, inner: usize) -> Line<'static> {
    let used: usize = spans.iter().map(Span::width).sum();
    let mut framed = vec![Span::styled("\u{2502} ", theme.accent())];
    framed.extend(spans);
    framed.push(Span::raw(" ".repeat(inner.saturating_sub(used))));
    framed.push(Span::styled(" \u{2502}", theme.accent()));
    Line::from(framed)
}
