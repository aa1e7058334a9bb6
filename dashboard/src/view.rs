//! The state drawn: what all screens have in common here, and one file a screen.
//!
//! Nothing here keeps or changes anything. What does not fit is left out, the least important first.

use ratatui::Frame;
use ratatui::layout::{Rect, Size};

use crate::state::{Screen, State};
use crate::theme::Theme;

mod chrome;
mod columns;
mod dead_letters;
pub(crate) mod event;
mod group;
mod groups;
mod handling;
pub(crate) mod help;
mod overview;
mod page;
mod tail;

use page::Page;

/// From this height on, a line sets the tabs apart.
const RULE_HEIGHT: u16 = 16;
/// On a smaller terminal no screen says anything that can be read.
const SIZE_MIN: Size = Size { width: 30, height: 8 };
/// What is shown there instead.
const TOO_SMALL: &str = "terminal too small";

/// Draws everything.
pub(crate) fn draw(state: &State, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    if area.width < SIZE_MIN.width || area.height < SIZE_MIN.height {
        return Page::new(buffer, area).words(TOO_SMALL, Theme::plain());
    }
    let body = body(state, area);
    chrome::draw(state, &mut Page::new(buffer, Rect { height: body.y, ..area }));
    let footer = Rect { y: area.bottom().saturating_sub(1), height: 1, ..area };
    chrome::footer(state, &mut Page::new(buffer, footer));
    draw_screen(state, &mut Page::new(buffer, body));
    if state.is_stale() {
        buffer.set_style(body, state.theme.stale());
    }
    let below = footer.y.saturating_sub(body.bottom());
    handling::draw(state, &mut Page::new(buffer, Rect { y: body.bottom(), height: below, ..area }));
    if let Some(scroll) = state.help {
        help::draw(state, scroll, &mut Page::new(buffer, area));
    }
}

/// Returns the part of the terminal that belongs to the screen.
pub(crate) fn body_of(state: &State) -> Rect {
    body(state, Rect::new(0, 0, state.size.width, state.size.height))
}

fn draw_screen(state: &State, page: &mut Page<'_>) {
    match state.screen {
        Screen::Overview => overview::draw(state, page),
        Screen::Groups => groups::draw(state, page),
        Screen::Tail => tail::draw(state, page),
        Screen::Event => event::draw(state, page),
        Screen::DeadLetters => dead_letters::draw(state, page),
    }
}

/// Returns what is left between what is above the screen and what is below it.
fn body(state: &State, area: Rect) -> Rect {
    let above = 2 + u16::from(chrome::has_banner(state)) + u16::from(area.height >= RULE_HEIGHT);
    let height = area.height.saturating_sub(above + 1);
    let below = handling::height(state, usize::from(area.width), usize::from(height));
    let height = height.saturating_sub(u16::try_from(below).unwrap_or(u16::MAX));
    Rect { y: area.y + above, height, ..area }
}

#[cfg(test)]
pub(crate) mod canned;
#[cfg(test)]
mod tests;
