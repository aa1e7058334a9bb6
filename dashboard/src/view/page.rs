//! [`Page`]: a part of the terminal, filled line by line from the top.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::text;
use crate::theme::{self, Theme};

/// A part of the terminal. What does not fit is left out.
pub(crate) struct Page<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    used: u16,
}

impl<'a> Page<'a> {
    pub(crate) fn new(buffer: &'a mut Buffer, area: Rect) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, used: 0 }
    }

    pub(crate) fn width(&self) -> usize {
        usize::from(self.area.width)
    }

    /// Returns how many lines are free.
    pub(crate) fn left(&self) -> usize {
        usize::from(self.area.height - self.used)
    }

    /// Takes the next lines as a page of their own.
    pub(crate) fn part(&mut self, lines: usize) -> Page<'_> {
        let height = u16::try_from(lines.min(self.left())).unwrap_or(u16::MAX);
        let area = Rect { y: self.area.y + self.used, height, ..self.area };
        self.used += height;
        Page { buffer: &mut *self.buffer, area, used: 0 }
    }

    /// Fills the next line.
    pub(crate) fn line(&mut self, line: &Line<'_>) {
        self.line_over(line, Style::new());
    }

    /// Fills the next line, on a ground of its own.
    pub(crate) fn line_over(&mut self, line: &Line<'_>, ground: Style) {
        if self.left() == 0 {
            return;
        }
        let y = self.area.y + self.used;
        self.used += 1;
        self.buffer.set_line(self.area.x, y, line, self.area.width);
        self.buffer.set_style(Rect { y, height: 1, ..self.area }, ground);
    }

    /// Fills the next line with one text in one style, cut to fit.
    pub(crate) fn words(&mut self, words: &str, style: Style) {
        let words = text::cut(words, self.width());
        self.line(&Line::styled(words, style));
    }

    /// Fills the next lines with one text, wrapped after a margin.
    pub(crate) fn paragraph(&mut self, words: &str, style: Style) {
        for words in text::wrap(words, self.width().saturating_sub(2)) {
            self.line(&Line::styled(format!("  {words}"), style));
        }
    }

    /// Fills the next line with a title on a horizontal line, and words at its end if they fit.
    pub(crate) fn title(&mut self, theme: Theme, title: &str, words: &str) {
        let line = title_line(theme, self.width(), title, words);
        self.line(&line);
    }

    /// Leaves a line empty.
    pub(crate) fn gap(&mut self) {
        self.line(&Line::default());
    }

    /// Empties the whole page.
    pub(crate) fn wipe(&mut self) {
        for position in self.area.positions() {
            self.buffer[position].reset();
        }
    }

    /// Returns a page within this one, centred.
    pub(crate) fn centred(&mut self, width: usize, height: usize) -> Page<'_> {
        let width = u16::try_from(width).unwrap_or(u16::MAX).min(self.area.width);
        let height = u16::try_from(height).unwrap_or(u16::MAX).min(self.area.height);
        let x = self.area.x + (self.area.width - width) / 2;
        let y = self.area.y + (self.area.height - height) / 2;
        Page { buffer: &mut *self.buffer, area: Rect { x, y, width, height }, used: 0 }
    }
}

/// Returns a title on a horizontal line, and words at its end if they fit.
pub(crate) fn title_line(theme: Theme, width: usize, title: &str, words: &str) -> Line<'static> {
    let title = text::cut(title, width.saturating_sub(4));
    let room = width.saturating_sub(text::width(&title) + 8);
    let words = if room < 8 { String::new() } else { text::cut(words, room) };
    let end = if words.is_empty() { 0 } else { text::width(&words) + 3 };
    let rule = width.saturating_sub(text::width(&title) + 3 + end);
    let mut spans = vec![
        Span::styled(theme::RULE, theme.faint()),
        Span::styled(format!(" {title} "), theme.heading()),
        Span::styled(theme::RULE.repeat(rule), theme.faint()),
    ];
    if !words.is_empty() {
        spans.push(Span::styled(format!(" {words} "), theme.faint()));
        spans.push(Span::styled(theme::RULE, theme.faint()));
    }
    Line::from(spans)
}

/// Returns which of `count` rows to show in `lines` lines so that the selected one is among them.
pub(crate) fn window(selected: usize, count: usize, lines: usize) -> Range<usize> {
    let first = selected.saturating_sub(lines / 2).min(count.saturating_sub(lines));
    first..(first + lines).min(count)
}
