//! Hands on groups: a prompt opened, filled in, confirmed or left, and the router's answer.

use api::GroupAction;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{is_typed, questions};
use crate::handling::{Field, Hand, Outcome, Prompt};
use crate::message::Command;
use crate::state::{Screen, State, group_identity};
use crate::words;

/// Opens a prompt for the selected group, if there is one.
pub(super) fn start(state: &mut State, hand: Hand) {
    if state.screen != Screen::Groups {
        return;
    }
    let now = state.now;
    let groups = &mut state.groups;
    let Some(prompt) = groups.selected().map(|group| Prompt::new(hand, group, now)) else { return };
    groups.selection.hold(groups.rows.as_deref().unwrap_or_default(), group_identity);
    dismiss(state);
    state.groups.prompt = Some(prompt);
}

/// Gives a key to the prompt.
pub(super) fn edit(state: &mut State, key: KeyEvent) -> Option<Command> {
    let prompt = state.groups.prompt.as_mut()?;
    match key.code {
        KeyCode::Enter => return confirm(state),
        KeyCode::Esc => state.groups.prompt = None,
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Up | KeyCode::Down => prompt.turn(),
        KeyCode::Backspace => prompt.shorten(),
        KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => prompt.clear(),
        KeyCode::Char(letter) if is_typed(key) => prompt.insert(letter.encode_utf8(&mut [0; 4])),
        _ => {}
    }
    None
}

/// Takes the router's answer and asks for the groups as they are now.
pub(super) fn take(state: &mut State, answer: Result<u64, String>) -> Command {
    if let Some(outcome) = &mut state.groups.outcome {
        outcome.answer = Some(match answer {
            Ok(0) => Err("the router changed nothing".to_owned()),
            Ok(_) => Ok(()),
            Err(reason) => Err(reason),
        });
    }
    Command::Ask(questions(state))
}

/// Takes what came of the last order from the screen, once it is known.
pub(super) fn dismiss(state: &mut State) {
    state.groups.outcome = state.groups.outcome.take().filter(Outcome::is_awaited);
}

/// Goes on to the reason, or orders what the prompt says.
fn confirm(state: &mut State) -> Option<Command> {
    let is_busy = state.groups.outcome.as_ref().is_some_and(Outcome::is_awaited);
    let prompt = state.groups.prompt.as_mut()?;
    if prompt.field == Field::Value && prompt.action().is_ok() {
        prompt.turn();
        return None;
    }
    match prompt.order(&state.by) {
        Err((field, reason)) => {
            prompt.field = field;
            prompt.refusal = Some(reason);
            None
        }
        Ok(_) if is_busy => {
            prompt.refusal = Some("the router has not answered the last order yet".to_owned());
            None
        }
        Ok(order) => {
            let what = ordered(prompt, &order.action);
            state.groups.outcome = Some(Outcome { what, answer: None });
            state.groups.prompt = None;
            Some(Command::Order(order))
        }
    }
}

fn ordered(prompt: &Prompt, action: &GroupAction) -> String {
    format!("{} {}: {}", prompt.aggregation, prompt.name, words::handling(action))
}
