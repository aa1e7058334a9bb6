//! [`update`]: one message applied to the state. It is pure: same state, same message, same outcome.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::detail::Detail;
use crate::keys::{self, Action};
use crate::message::{Command, Message, Question};
use crate::state::{DeadRow, Link, Motion, Screen, State, consumer_series, dead_identity, group_identity};
use crate::tail::Tail;
use crate::{json, view};

mod handling;

/// The longest filter, in characters.
const FILTER_MAX: usize = 120;

/// Applies a message and returns what to do next.
pub(crate) fn update(state: &mut State, message: Message) -> Option<Command> {
    match message {
        Message::Tick(now) => {
            state.now = now;
            return Some(Command::Ask(questions(state)));
        }
        Message::Key(key) => return press(state, key),
        Message::Pasted(text) => paste(state, &text),
        Message::Resized(size) => {
            state.size = size;
            clamp_scroll(state);
        }
        Message::Overview(answer) => take_overview(state, answer),
        Message::Groups(answer) => take_groups(state, answer),
        Message::Handled(answer) => return Some(handling::take(state, answer)),
        Message::DeadLetters(answer) => take_dead_letters(state, answer),
        Message::Event { id, answer } => {
            if let Some(detail) = state.detail.as_mut().filter(|detail| detail.id == id) {
                detail.take(answer);
                clamp_scroll(state);
            }
        }
        Message::TailOpened => state.tail.open(),
        Message::Hops(hops) => state.tail.take(hops),
        Message::TailLost(reason) => state.tail.lost = Some(reason),
    }
    None
}

/// Returns what to ask for: the overview, and what the screen shows.
fn questions(state: &State) -> Vec<Question> {
    let shown = match state.screen {
        Screen::Overview | Screen::Tail => None,
        Screen::Groups => Some(Question::Groups),
        Screen::Event => state.detail.as_ref().map(|detail| Question::Event(detail.id.clone())),
        Screen::DeadLetters => Some(Question::DeadLetters),
    };
    std::iter::once(Question::Overview).chain(shown).collect()
}

fn take_overview(state: &mut State, answer: Result<api::Overview, String>) {
    match answer {
        Ok(overview) => {
            state.link = Link::Up;
            state.now = overview.at;
            state.sample(&overview);
            state.consumers.settle(&overview.consumers, consumer_series);
            state.overview = Some(overview);
        }
        Err(reason) => {
            let (since, tries) = match &state.link {
                Link::Down { since, tries, .. } => (*since, *tries),
                Link::Connecting | Link::Up => (state.now, 0),
            };
            state.link = Link::Down { since, reason, tries: tries.saturating_add(1) };
        }
    }
}

fn take_groups(state: &mut State, answer: Result<Vec<api::GroupStatus>, String>) {
    let groups = &mut state.groups;
    match answer {
        Ok(rows) => {
            let is_same = groups.selection.settle(&rows, group_identity);
            let parts = rows.get(groups.selection.index).map_or(0, |group| group.parts.len());
            groups.part = groups.part.filter(|part| is_same && *part < parts);
            groups.rows = Some(rows);
            groups.failure = None;
        }
        Err(reason) => groups.failure = Some(reason),
    }
}

fn take_dead_letters(state: &mut State, answer: Result<Vec<api::DeadLetter>, String>) {
    let dead_letters = &mut state.dead_letters;
    match answer {
        Ok(letters) => {
            let read = |letter: api::DeadLetter| DeadRow {
                event_type: json::text_member(letter.event.get(), "type"),
                letter,
            };
            let rows: Vec<DeadRow> = letters.into_iter().map(read).collect();
            dead_letters.selection.settle(&rows, dead_identity);
            dead_letters.rows = Some(rows);
            dead_letters.failure = None;
        }
        Err(reason) => dead_letters.failure = Some(reason),
    }
}

fn press(state: &mut State, key: KeyEvent) -> Option<Command> {
    if !keys::is_press(key) {
        return None;
    }
    if state.tail.editing && state.help.is_none() && !keys::is_interrupt(key) {
        edit(state, key);
        return None;
    }
    if state.groups.prompt.is_some() && !keys::is_interrupt(key) {
        return handling::edit(state, key);
    }
    let action = keys::action(key)?;
    if let Some(scroll) = state.help {
        return press_in_help(state, action, scroll);
    }
    match action {
        Action::Quit => return Some(Command::Quit),
        Action::Help => state.help = Some(0),
        Action::Show(screen) => return Some(show(state, screen)),
        Action::NextScreen => return Some(show(state, state.screen.turned(1))),
        Action::PreviousScreen => return Some(show(state, state.screen.turned(Screen::ALL.len() - 1))),
        Action::Move(motion) => go(state, motion),
        Action::Open => return open(state),
        Action::Back => return back(state),
        Action::Handle(hand) => handling::start(state, hand),
        Action::Pause if state.screen == Screen::Tail => state.tail.toggle_pause(),
        Action::Filter if state.screen == Screen::Tail => state.tail.editing = true,
        Action::Pause | Action::Filter => {}
    }
    None
}

fn press_in_help(state: &mut State, action: Action, scroll: usize) -> Option<Command> {
    match action {
        Action::Quit => return Some(Command::Quit),
        Action::Move(motion) => {
            let spare = view::help::height(state.size.width).saturating_sub(usize::from(state.size.height));
            state.help = Some(motion.from(scroll, spare + 1, state.page_rows()));
        }
        Action::Back | Action::Help | Action::Open => state.help = None,
        Action::Show(screen) => {
            state.help = None;
            return Some(show(state, screen));
        }
        Action::NextScreen | Action::PreviousScreen | Action::Handle(_) | Action::Pause | Action::Filter => {}
    }
    None
}

/// Gives a key to the filter of the tail.
fn edit(state: &mut State, key: KeyEvent) {
    let tail = &mut state.tail;
    match key.code {
        KeyCode::Enter => tail.editing = false,
        KeyCode::Esc => {
            tail.editing = false;
            tail.filter.clear();
        }
        KeyCode::Backspace => drop(tail.filter.pop()),
        KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => tail.filter.clear(),
        KeyCode::Char(letter) if is_typed(key) => extend_filter(tail, letter.encode_utf8(&mut [0; 4])),
        KeyCode::Up => tail.go(Motion::Up, 1),
        KeyCode::Down => tail.go(Motion::Down, 1),
        _ => {}
    }
}

/// Gives a pasted text to what is being typed; elsewhere it means nothing, whatever keys its letters are.
fn paste(state: &mut State, text: &str) {
    if state.help.is_some() {
        return;
    }
    if let Some(prompt) = &mut state.groups.prompt {
        prompt.insert(text);
    } else if state.tail.editing {
        extend_filter(&mut state.tail, text);
    }
}

/// Adds to the filter of the tail as much as it may hold.
fn extend_filter(tail: &mut Tail, text: &str) {
    let room = FILTER_MAX.saturating_sub(tail.filter.chars().count());
    tail.filter.extend(text.chars().filter(|letter| !letter.is_control()).take(room));
}

/// Returns whether a key is a letter of a text rather than a command.
fn is_typed(key: KeyEvent) -> bool {
    let is_letter = key.code.as_char().is_some_and(|letter| !letter.is_control());
    is_letter && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
}

fn show(state: &mut State, screen: Screen) -> Command {
    if screen == Screen::Event && state.screen != Screen::Event {
        state.came_from = state.screen;
    }
    state.screen = screen;
    state.tail.editing = false;
    Command::Ask(questions(state))
}

fn go(state: &mut State, motion: Motion) {
    let page = state.page_rows();
    match state.screen {
        Screen::Overview => {
            let rows = state.overview.as_ref().map_or(&[][..], |overview| &overview.consumers);
            state.consumers.go(motion, page, rows, consumer_series);
        }
        Screen::Groups => go_in_groups(state, motion, page),
        Screen::Tail => state.tail.go(motion, page),
        Screen::Event => {
            let spare = spare_lines(state);
            if let Some(detail) = &mut state.detail {
                detail.scroll = motion.from(detail.scroll, spare + 1, page);
            }
        }
        Screen::DeadLetters => {
            let rows = state.dead_letters.rows.as_deref().unwrap_or_default();
            state.dead_letters.selection.go(motion, page, rows, dead_identity);
        }
    }
}

fn go_in_groups(state: &mut State, motion: Motion, page: usize) {
    let groups = &mut state.groups;
    let rows = groups.rows.as_deref().unwrap_or_default();
    match groups.part {
        None => groups.selection.go(motion, page, rows, group_identity),
        Some(part) => {
            let parts = rows.get(groups.selection.index).map_or(0, |group| group.parts.len());
            groups.part = Some(motion.from(part, parts, page));
        }
    }
}

/// Opens what is selected.
fn open(state: &mut State) -> Option<Command> {
    match state.screen {
        Screen::Overview => {
            let name = state.consumer_rows().get(state.consumers.index)?.name.clone();
            state.tail.filter = name;
            state.tail.follow();
            Some(show(state, Screen::Tail))
        }
        Screen::Groups => {
            let rows = state.groups.rows.as_deref().unwrap_or_default();
            let group = rows.get(state.groups.selection.index)?;
            let Some(part) = state.groups.part else {
                state.groups.selection.hold(rows, group_identity);
                state.groups.part = if group.parts.is_empty() { None } else { Some(0) };
                return None;
            };
            let id = group.parts.get(part)?.event.clone();
            Some(open_event(state, Detail::new(id, None)))
        }
        Screen::Tail => {
            let id = state.tail.current()?.event.to_string();
            Some(open_event(state, Detail::new(id, None)))
        }
        Screen::Event => None,
        Screen::DeadLetters => {
            let letter = state.dead_rows().get(state.dead_letters.selection.index)?.letter.clone();
            Some(open_event(state, Detail::new(letter.id.clone(), Some(letter))))
        }
    }
}

fn open_event(state: &mut State, detail: Detail) -> Command {
    state.detail = Some(detail);
    show(state, Screen::Event)
}

fn back(state: &mut State) -> Option<Command> {
    match state.screen {
        Screen::Event => return Some(show(state, state.came_from)),
        Screen::Groups => {
            handling::dismiss(state);
            state.groups.part = None;
        }
        Screen::Tail if state.tail.filter.is_empty() => state.tail.follow(),
        Screen::Tail => state.tail.filter.clear(),
        Screen::Overview | Screen::DeadLetters => {}
    }
    None
}

/// Returns how many lines of the event do not fit its screen.
fn spare_lines(state: &State) -> usize {
    view::event::height(state).saturating_sub(usize::from(view::body_of(state).height))
}

fn clamp_scroll(state: &mut State) {
    let spare = spare_lines(state);
    if let Some(detail) = &mut state.detail {
        detail.scroll = detail.scroll.min(spare);
    }
}

#[cfg(test)]
mod tests;
