//! The key map: one table that keys are looked up in and that help and footer are written from.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::handling::Hand;
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
    Handle(Hand),
    Pause,
    Filter,
    Help,
    Quit,
}

/// Keys, what they do in a word, and the screens whose footer says so.
pub(crate) type Hint = (&'static str, &'static str, &'static [Screen]);

/// One row of the key map.
pub(crate) struct Binding {
    /// The keys as help names them.
    pub(crate) label: &'static str,
    /// What they do.
    pub(crate) words: &'static str,
    /// The keys and what they do in a word, for the footer of these screens.
    pub(crate) footer: &'static [Hint],
    keys: &'static [(KeyCode, Action)],
}

/// What the key for a group that may be held does to one that is not.
pub(crate) const HOLD: &str = "hold";

/// Keys that do something to the selected group.
pub(crate) const GROUPS: &[Screen] = &[Screen::Groups];
const LISTS: &[Screen] = &[Screen::Groups, Screen::Tail, Screen::DeadLetters, Screen::Overview];

/// Every key there is.
pub(crate) const BINDINGS: &[Binding] = &[
    Binding {
        label: "up down, j k",
        words: "move by a line",
        footer: &[("\u{2191}\u{2193}", "move", &Screen::ALL)],
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
        footer: &[("PgUp PgDn", "page", &[Screen::Event])],
        keys: &[
            (KeyCode::PageUp, Action::Move(Motion::PageUp)),
            (KeyCode::PageDown, Action::Move(Motion::PageDown)),
        ],
    },
    Binding {
        label: "Home End, g G",
        words: "go to the first or the last line; the last line of the tail follows it",
        footer: &[],
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
        footer: &[("Enter", "open", LISTS)],
        keys: &[(KeyCode::Enter, Action::Open)],
    },
    Binding {
        label: "Esc",
        words: "go back; clear the filter",
        footer: &[("Esc", "back", &[Screen::Event])],
        keys: &[(KeyCode::Esc, Action::Back)],
    },
    Binding {
        label: "r d",
        words: "a group: release it as it is, or discard it",
        footer: &[("r", "release", GROUPS), ("d", "discard", GROUPS)],
        keys: &[
            (KeyCode::Char('r'), Action::Handle(Hand::Release)),
            (KeyCode::Char('d'), Action::Handle(Hand::Discard)),
        ],
    },
    Binding {
        label: "h e",
        words: "a group: hold it, let it go, put its deadline off",
        footer: &[("h", HOLD, GROUPS), ("e", "extend", GROUPS)],
        keys: &[
            (KeyCode::Char('h'), Action::Handle(Hand::Hold)),
            (KeyCode::Char('e'), Action::Handle(Hand::Extend)),
        ],
    },
    Binding {
        label: "a x",
        words: "a group: expect a part more, or one no more",
        footer: &[("a", "expect", GROUPS), ("x", "drop", GROUPS)],
        keys: &[
            (KeyCode::Char('a'), Action::Handle(Hand::Expect)),
            (KeyCode::Char('x'), Action::Handle(Hand::Unexpect)),
        ],
    },
    Binding {
        label: "space",
        words: "pause the tail, or go on",
        footer: &[("space", "pause", &[Screen::Tail])],
        keys: &[(KeyCode::Char(' '), Action::Pause)],
    },
    Binding {
        label: "/",
        words: "filter the tail by a text",
        footer: &[("/", "filter", &[Screen::Tail])],
        keys: &[(KeyCode::Char('/'), Action::Filter)],
    },
    Binding {
        label: "1 to 5, Tab",
        words: "show a screen, the next one, with Shift the one before",
        footer: &[("1-5", "screens", &Screen::ALL)],
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
        footer: &[("?", "help", &Screen::ALL)],
        keys: &[(KeyCode::Char('?'), Action::Help)],
    },
    Binding {
        label: "q",
        words: "quit; so does Ctrl-C",
        footer: &[("q", "quit", &Screen::ALL)],
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
