//! The key map: one table that keys are looked up in and that help and footer are written from.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::state::{Motion, Screen};

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Show(Screen),
    NextScreen,
    PreviousScreen,
    Move(Motion),
    Open,
    Back,
    Pause,
    Filter,
    Help,
    Quit,
}

/// One row of the key map.
pub(crate) struct Binding {
    /// The keys as help names them.
    pub(crate) label: &'static str,
    /// What they do.
    pub(crate) words: &'static str,
    /// The keys and what they do in a word, for the footer of these screens.
    pub(crate) footer: Option<(&'static str, &'static str, &'static [Screen])>,
    keys: &'static [(KeyCode, Action)],
}

const LISTS: &[Screen] = &[Screen::Groups, Screen::Tail, Screen::DeadLetters, Screen::Overview];

/// Every key there is.
pub(crate) const BINDINGS: &[Binding] = &[
    Binding {
        label: "up down, j k",
        words: "move by a line",
        footer: Some(("\u{2191}\u{2193}", "move", &Screen::ALL)),
        keys: &[
            (KeyCode::Up, Action::Move(Motion::Up)),
            (KeyCode::Char('k'), Action::Move(Motion::Up)),
            (KeyCode::Down, Action::Move(Motion::Down)),
            (KeyCode::Char('j'), Action::Move(Motion::Down)),
        ],
    },
    Binding {
        label: "PgUp PgDn",
        words: "move by a page",
        footer: Some(("PgUp PgDn", "page", &[Screen::Event])),
        keys: &[
            (KeyCode::PageUp, Action::Move(Motion::PageUp)),
            (KeyCode::PageDown, Action::Move(Motion::PageDown)),
        ],
    },
    Binding {
        label: "Home End, g G",
        words: "go to the first or the last line; the last line of the tail follows it",
        footer: None,
        keys: &[
            (KeyCode::Home, Action::Move(Motion::First)),
            (KeyCode::Char('g'), Action::Move(Motion::First)),
            (KeyCode::End, Action::Move(Motion::Last)),
            (KeyCode::Char('G'), Action::Move(Motion::Last)),
        ],
    },
    Binding {
        label: "Enter",
        words: "open: a consumer's tail, a group's parts, an event",
        footer: Some(("Enter", "open", LISTS)),
        keys: &[(KeyCode::Enter, Action::Open)],
    },
    Binding {
        label: "Esc",
        words: "go back; clear the filter",
        footer: Some(("Esc", "back", &[Screen::Event])),
        keys: &[(KeyCode::Esc, Action::Back)],
    },
    Binding {
        label: "space",
        words: "pause the tail, or go on",
        footer: Some(("space", "pause", &[Screen::Tail])),
        keys: &[(KeyCode::Char(' '), Action::Pause)],
    },
    Binding {
        label: "/",
        words: "filter the tail by a text",
        footer: Some(("/", "filter", &[Screen::Tail])),
        keys: &[(KeyCode::Char('/'), Action::Filter)],
    },
    Binding {
        label: "1 to 5, Tab",
        words: "show a screen, the next one, with Shift the one before",
        footer: Some(("1-5", "screens", &Screen::ALL)),
        keys: &[
            (KeyCode::Char('1'), Action::Show(Screen::Overview)),
            (KeyCode::Char('2'), Action::Show(Screen::Groups)),
            (KeyCode::Char('3'), Action::Show(Screen::Tail)),
            (KeyCode::Char('4'), Action::Show(Screen::Event)),
            (KeyCode::Char('5'), Action::Show(Screen::DeadLetters)),
            (KeyCode::Tab, Action::NextScreen),
            (KeyCode::BackTab, Action::PreviousScreen),
        ],
    },
    Binding {
        label: "?",
        words: "show this help",
        footer: Some(("?", "help", &Screen::ALL)),
        keys: &[(KeyCode::Char('?'), Action::Help)],
    },
    Binding {
        label: "q",
        words: "quit; so does Ctrl-C",
        footer: Some(("q", "quit", &Screen::ALL)),
        keys: &[(KeyCode::Char('q'), Action::Quit)],
    },
];

/// Returns what a key means, if anything.
pub(crate) fn action(key: KeyEvent) -> Option<Action> {
    if !is_press(key) {
        return None;
    }
    if is_interrupt(key) {
        return Some(Action::Quit);
    }
    if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
        return None;
    }
    let mut keys = BINDINGS.iter().flat_map(|binding| binding.keys);
    keys.find(|(code, _)| *code == key.code).map(|(_, action)| *action)
}

/// Returns whether a key went down; some terminals also say when it goes up.
pub(crate) fn is_press(key: KeyEvent) -> bool {
    key.kind != KeyEventKind::Release
}

/// Returns whether a key is Ctrl-C, which quits whatever has the keys.
pub(crate) fn is_interrupt(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c')
}
