//! Screen 4: one event, with its hops and the reasons of each consumer.

use std::collections::BTreeMap;

use api::{Decision, EventDetail, FieldReason};
use event::Hop;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use serde_json::value::RawValue;

use super::dead_letters;
use super::page::{Page, title_line};
use crate::detail::{Answer, Detail};
use crate::json::{self, Kind};
use crate::state::State;
use crate::theme::{self, Theme};
use crate::{format, text, words};

/// How many lines of a payload are shown.
const PAYLOAD_LINES_MAX: usize = 1_000;
/// How many bytes of a text payload are shown.
const PAYLOAD_BYTES_MAX: usize = 64 << 10;
/// Attributes in the order they are shown; others follow by name.
const ATTRIBUTES: [&str; 8] =
    ["id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "specversion"];
/// From this width on, the hops say how long they took.
const TOOK_WIDTH: usize = 60;
/// From this width on, the hops are drawn to scale too.
const SCALE_WIDTH: usize = 100;
/// Columns of that drawing.
const SCALE_COLUMNS: usize = 20;

/// Draws the screen.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    let Some(detail) = &state.detail else {
        page.words(" no event is open", state.theme.faint());
        return page.words(" open one with Enter: a hop, a part, a dead letter", state.theme.faint());
    };
    let lines = lines(state, detail, page.width());
    let room = page.left();
    let first = detail.scroll.min(lines.len().saturating_sub(room));
    for line in lines.iter().skip(first).take(room) {
        page.line(line);
    }
}

/// Returns how many lines the event has on this terminal.
pub(crate) fn height(state: &State) -> usize {
    state.detail.as_ref().map_or(0, |detail| lines(state, detail, usize::from(state.size.width)).len())
}

/// Returns which lines of the event are on the screen, empty if all are.
pub(crate) fn place(state: &State) -> String {
    let (height, room) = (height(state), usize::from(super::body_of(state).height));
    let Some(detail) = state.detail.as_ref().filter(|_| height > room) else { return String::new() };
    let last = detail.scroll.saturating_add(room).min(height);
    format!("{}-{last} of {height} ", detail.scroll + 1)
}

/// Lines of text that grow downwards.
struct Text {
    theme: Theme,
    width: usize,
    lines: Vec<Line<'static>>,
}

fn lines(state: &State, detail: &Detail, width: usize) -> Vec<Line<'static>> {
    let mut text = Text { theme: state.theme, width, lines: Vec::new() };
    match &detail.answer {
        Answer::Awaited => text.words(&format!(" asking for {}", detail.id), state.theme.faint()),
        Answer::Failed(reason) => text.words(&format!(" {reason}"), state.theme.failing()),
        Answer::Known(known) => {
            let place = format!("{} position {}", known.bus, format::exact(known.position));
            text.title(&detail.id, &place);
            text.attributes(state, known);
        }
    }
    if let Some(letter) = &detail.dead_letter {
        text.title("Attempts", &letter.consumer);
        text.labelled(Span::raw("  "), &letter.reason, state.theme.failing());
        text.lines.extend(dead_letters::attempts(state, letter, width));
    }
    match (&detail.answer, &detail.dead_letter) {
        (Answer::Known(known), _) => {
            text.payload(&json::members(known.event.get()));
            text.hops(&known.hops);
            text.decisions(&known.decisions);
        }
        (Answer::Failed(_), Some(letter)) => text.payload(&json::members(letter.event.get())),
        _ => {}
    }
    text.lines
}

impl Text {
    fn words(&mut self, words: &str, style: Style) {
        self.lines.extend(text::wrap(words, self.width).into_iter().map(|line| Line::styled(line, style)));
    }

    fn title(&mut self, title: &str, words: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(title_line(self.theme, self.width, title, words));
    }

    /// Adds a value after its label, wrapped beside it.
    fn labelled(&mut self, label: Span<'static>, words: &str, style: Style) {
        let room = self.width.saturating_sub(label.width());
        if room < 8 {
            self.lines.push(Line::from(label));
            return self.words(words, style);
        }
        let indent = " ".repeat(label.width());
        let mut label = Some(label);
        for words in text::wrap(words, room) {
            let start = label.take().unwrap_or_else(|| Span::raw(indent.clone()));
            self.lines.push(Line::from(vec![start, Span::styled(words, style)]));
        }
    }

    fn attributes(&mut self, state: &State, known: &EventDetail) {
        let members = json::members(known.event.get());
        let first = ATTRIBUTES.iter().filter_map(|name| members.get_key_value(*name));
        let others = members.iter().filter(|(name, _)| {
            !ATTRIBUTES.contains(&name.as_str()) && !matches!(name.as_str(), "data" | "data_base64")
        });
        for (name, value) in first.chain(others) {
            let label = Span::styled(format!("  {:<16}", text::cut(name, 15)), self.theme.faint());
            self.labelled(label, &json::plain(value.get()), Theme::plain());
        }
        let label = Span::styled(format!("  {:<16}", "accepted"), self.theme.faint());
        let age = format::age(state.now.since(known.received));
        self.labelled(label, &format!("{}, {age} ago", known.received), Theme::plain());
    }

    fn payload(&mut self, members: &BTreeMap<String, Box<RawValue>>) {
        let kind = members.get("datacontenttype").map(|kind| json::plain(kind.get())).unwrap_or_default();
        if let Some(encoded) = members.get("data_base64") {
            self.title("Payload", &format!("{kind} in base64"));
            return self.long_text(&json::plain(encoded.get()));
        }
        let Some(value) = members.get("data") else {
            self.title("Payload", "");
            return self.words("  none", self.theme.faint());
        };
        let size = format::bytes(u64::try_from(value.get().len()).unwrap_or(u64::MAX));
        self.title("Payload", format!("{kind} {size}").trim());
        let is_json = kind.is_empty() || kind.contains("json");
        if is_json { self.json(value.get()) } else { self.long_text(&json::plain(value.get())) }
    }

    fn json(&mut self, raw: &str) {
        let lines = json::lines(raw, PAYLOAD_LINES_MAX + 1);
        for pieces in lines.iter().take(PAYLOAD_LINES_MAX) {
            let style = |kind: Kind| match kind {
                Kind::Key => self.theme.accent(),
                Kind::Text => self.theme.fine(),
                Kind::Number => self.theme.warning().remove_modifier(Modifier::BOLD),
                Kind::Word => self.theme.special(),
                Kind::Mark => self.theme.faint(),
            };
            let pieces = pieces.iter().map(|(kind, text)| (style(*kind), clip(text).0));
            let lines = wrap_pieces(pieces, self.width);
            self.lines.extend(lines);
        }
        if lines.len() > PAYLOAD_LINES_MAX {
            self.words("  ... the rest is not shown", self.theme.faint());
        }
    }

    fn long_text(&mut self, whole: &str) {
        let (shown, is_cut) = clip(whole);
        for line in shown.lines().take(PAYLOAD_LINES_MAX) {
            self.labelled(Span::raw("  "), line, Theme::plain());
        }
        if is_cut || shown.lines().count() > PAYLOAD_LINES_MAX {
            self.words("  ... the rest is not shown", self.theme.faint());
        }
    }

    fn hops(&mut self, hops: &[Hop]) {
        let (Some(start), Some(end)) =
            (hops.iter().map(|hop| hop.started).min(), hops.iter().map(|hop| hop.ended).max())
        else {
            self.title("Hops", "");
            return self.words("  none is recorded by this process", self.theme.faint());
        };
        let whole = micros(end, start);
        self.title("Hops", &format!("{} in {}", hops.len(), format::micros(whole)));
        for hop in hops {
            let (at, until) = (micros(hop.started, start), micros(hop.ended, start));
            let mut label = format!("  {:>7}", format!("+{}", format::micros(at)));
            if self.width >= TOOK_WIDTH {
                label = format!("{label} {:>7}", format::micros(until.saturating_sub(at)));
            }
            if self.width >= SCALE_WIDTH {
                label = format!("{label}  {}", scale(at, until, whole));
            }
            label = format!("{label}  {:<13} ", hop.step.name());
            let style = self.theme.step(&hop.step);
            self.labelled(Span::styled(label, style), &words::step(&hop.step), Theme::plain());
        }
    }

    fn decisions(&mut self, decisions: &[Decision]) {
        self.title("Decisions", "under the rules in force now");
        if decisions.is_empty() {
            self.words("  the bus has no consumer and no aggregation", self.theme.faint());
        }
        for decision in decisions {
            let (mark, style) = self.mark(decision.matched);
            let style = if decision.matched { style } else { self.theme.faint() };
            let what = if decision.aggregation { " (aggregation)" } else { "" };
            let name = format!("  {mark} {}{what}  ", text::cut(&decision.name, 30));
            self.labelled(Span::styled(name, style), &verdict(decision), Theme::plain());
            for field in &decision.fields {
                self.field(field);
            }
        }
    }

    fn field(&mut self, field: &FieldReason) {
        let (mark, style) = self.mark(field.matched);
        let path = format!("      {mark} {}  ", text::cut(&field.path, 40));
        let closest = field.closest.as_ref().map(|closest| format!("; closest: {closest}"));
        let words = format!("wants {}, found {}{}", field.wanted, field.found, closest.unwrap_or_default());
        self.labelled(Span::styled(path, style), &words, Theme::plain());
    }

    fn mark(&self, holds: bool) -> (&'static str, Style) {
        if holds { (theme::YES, self.theme.fine()) } else { (theme::NO, self.theme.warning()) }
    }
}

fn verdict(decision: &Decision) -> String {
    let mut words = vec![if decision.matched { "matched" } else { "did not match" }.to_owned()];
    words.extend(decision.schema.clone());
    words.extend(decision.standing.as_ref().map(words::standing));
    words.join(", ")
}

fn micros(later: event::Timestamp, earlier: event::Timestamp) -> u64 {
    u64::try_from(later.since(earlier).as_micros()).unwrap_or(u64::MAX)
}

/// Returns when a hop was, drawn to the scale of the whole.
fn scale(start: u64, end: u64, whole: u64) -> String {
    let column = |at: u64| {
        let columns = u128::try_from(SCALE_COLUMNS).unwrap_or(1);
        usize::try_from(u128::from(at) * columns / u128::from(whole.max(1))).unwrap_or(0).min(SCALE_COLUMNS)
    };
    let first = column(start).min(SCALE_COLUMNS - 1);
    let last = column(end).max(first + 1);
    let dots = |count: usize| "\u{b7}".repeat(count);
    format!("{}{}{}", dots(first), "\u{2501}".repeat(last - first), dots(SCALE_COLUMNS - last))
}

/// Returns the first part of a long text, and whether something is left out.
fn clip(text: &str) -> (&str, bool) {
    let shown = &text[..text.floor_char_boundary(PAYLOAD_BYTES_MAX)];
    (shown, shown.len() < text.len())
}

/// Returns pieces in lines that fit, each after a margin.
fn wrap_pieces<'a>(pieces: impl Iterator<Item = (Style, &'a str)>, width: usize) -> Vec<Line<'static>> {
    let room = width.saturating_sub(2).max(2);
    let mut lines = Vec::new();
    let mut line = vec![Span::raw("  ")];
    let mut used = 0;
    for (style, mut rest) in pieces {
        loop {
            let (head, left) = text::split(rest, room.saturating_sub(used));
            used += text::width(&head);
            line.push(Span::styled(head, style));
            if left.is_empty() {
                break;
            }
            lines.push(Line::from(std::mem::replace(&mut line, vec![Span::raw("  ")])));
            used = 0;
            rest = left;
        }
    }
    lines.push(Line::from(line));
    lines
}
