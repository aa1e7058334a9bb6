//! Hands on groups.

use api::{GroupAction, GroupOrder};

use super::*;
use crate::handling::{Field, Outcome, TEXT_MAX};

/// Returns an order to do something to the second group.
fn order(action: GroupAction, why: &str) -> Command {
    Command::Order(GroupOrder {
        aggregation: "daily-sales".to_owned(),
        group: "g-sales-20".to_owned(),
        action,
        by: "ana@dashboard".to_owned(),
        why: why.to_owned(),
    })
}

fn pasted(text: &str) -> Message {
    Message::Pasted(text.to_owned())
}

#[test]
fn each_key_orders_what_it_says() {
    let check = |keys: &str, action| {
        let (state, command) = after(typed(keys));
        assert_eq!(command, Some(order(action, "why not")), "{keys}");
        assert_eq!(state.groups.prompt, None, "{keys}");
        assert!(state.groups.outcome.is_some_and(|outcome| outcome.is_awaited()), "{keys}");
    };
    let part = |name: &str| name.to_owned();
    check("2jrwhy not\n", GroupAction::Release);
    check("2jdwhy not\n", GroupAction::Discard);
    check("2jhwhy not\n", GroupAction::Hold);
    check("2je1h 30m\nwhy not\n", GroupAction::Extend { by_ms: 5_400_000 });
    check("2jaoslo\n why not \n", GroupAction::Expect { part: part("oslo") });
    check("2jx\nwhy not\n", GroupAction::Unexpect { part: part("lyon") });
    check("2jx2\twhy not\n", GroupAction::Unexpect { part: part("lyon2") });
    check("2j\njrwhy not\n", GroupAction::Release);
}

#[test]
fn a_held_group_is_let_go() {
    let held = Message::Groups(Ok(canned::handled()));
    let (_, command) = after([held].into_iter().chain(typed("2hback again\n")));
    let Some(Command::Order(order)) = command else { panic!("{command:?}") };
    assert_eq!((order.group.as_str(), order.action), ("g-clicks-04", GroupAction::LetGo));
}

#[test]
fn escape_orders_nothing() {
    for keys in ["2jrlate\u{1b}", "2je30m\u{1b}", "2je30m\nlate\u{1b}", "2jalate\tx\u{1b}"] {
        let (state, command) = after(typed(keys));
        assert_eq!((state.groups.prompt, state.groups.outcome, command), (None, None, None), "{keys}");
    }
    let (_, command) = after(typed("2jrlate\u{1b}\n"));
    assert_eq!(command, None);
}

#[test]
fn nothing_is_ordered_without_a_reason_or_a_value_that_can_be_read() {
    let check = |keys: &str, field, refusal: &str| {
        let (state, command) = after(typed(keys));
        let prompt = state.groups.prompt.unwrap();
        assert_eq!((command, prompt.field), (None, field), "{keys}");
        assert!(prompt.refusal.as_ref().unwrap().contains(refusal), "{keys} {prompt:?}");
    };
    check("2jr\n", Field::Why, "say why");
    check("2jr   \n", Field::Why, "say why");
    check("2je\n", Field::Value, "how long");
    check("2je30\n", Field::Value, "how long");
    check("2je30\tlate\n", Field::Value, "how long");
    check("2ja  \n", Field::Value, "name the part");
    let (state, _) = after(typed("2jr\nl"));
    assert_eq!(state.groups.prompt.unwrap().refusal, None, "it goes with the next letter");
}

#[test]
fn what_is_typed_triggers_no_other_key() {
    let (state, command) = after(typed("2jrq?13/ gGjk"));
    assert_eq!((state.screen, state.groups.selection.index, command), (Screen::Groups, 1, None));
    assert_eq!((state.help, state.groups.prompt.unwrap().why.as_str()), (None, "q?13/ gGjk"));
    let interrupt = Message::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert_eq!(after(typed("2jr").into_iter().chain([interrupt])).1, Some(Command::Quit));
}

#[test]
fn a_text_is_corrected_and_cleared() {
    let (state, _) = after(typed("2jrlatex").into_iter().chain([key(KeyCode::Backspace)]));
    assert_eq!(state.groups.prompt.unwrap().why, "late");
    let clear = Message::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
    let (state, _) = after(typed("2jx").into_iter().chain([clear]).chain(typed("nice")));
    assert_eq!(state.groups.prompt.unwrap().value, "nice");
}

#[test]
fn a_pasted_text_is_limited_and_orders_nothing() {
    let long = "line\n".repeat(1_000);
    let (state, command) = after(typed("2jr").into_iter().chain([pasted(&long)]));
    let why = state.groups.prompt.unwrap().why;
    assert_eq!((why.chars().count(), command), (TEXT_MAX, None));
    assert!(why.starts_with("line line "), "{why}");
    let (state, command) = after(typed("2j").into_iter().chain([pasted("rlate\n")]));
    assert_eq!((state.groups.prompt, command), (None, None), "nothing was being typed");
    let (state, _) = after(typed("3/").into_iter().chain([pasted(&"x".repeat(500))]));
    assert_eq!(state.tail.filter.len(), FILTER_MAX);
}

#[test]
fn without_a_group_the_keys_do_nothing() {
    let none = Message::Groups(Ok(vec![]));
    for letter in ["r", "d", "e", "h", "a", "x"] {
        let (state, command) = after([none.clone()].into_iter().chain(typed("2")).chain(typed(letter)));
        assert_eq!((state.groups.prompt, command), (None, None), "{letter}");
        let (state, _) = after(typed("5").into_iter().chain(typed(letter)));
        assert_eq!(state.groups.prompt, None, "{letter}");
        let (state, _) = after(typed("2?").into_iter().chain(typed(letter)));
        assert_eq!(state.groups.prompt, None, "{letter}");
    }
}

#[test]
fn a_prompt_stays_with_its_group_when_others_go() {
    let mut fewer = canned::groups();
    fewer.remove(0);
    let messages = typed("2jr").into_iter().chain([Message::Groups(Ok(fewer))]).chain(typed("late\n"));
    assert_eq!(after(messages).1, Some(order(GroupAction::Release, "late")));
    let gone = Message::Groups(Ok(vec![canned::groups().remove(0)]));
    let messages = typed("2jr").into_iter().chain([gone]).chain(typed("late\n"));
    assert_eq!(
        after(messages).1,
        Some(order(GroupAction::Release, "late")),
        "the router says what it thinks of it"
    );
}

#[test]
fn an_answer_is_kept_and_the_groups_are_asked_for() {
    let answered = |answer| after(typed("2jrlate\n").into_iter().chain([Message::Handled(answer)]));
    let ask = Some(Command::Ask(vec![Question::Overview, Question::Groups]));
    let what = "daily-sales 2026-11-20: release".to_owned();
    let (state, command) = answered(Ok(1));
    assert_eq!(command, ask);
    assert_eq!(state.groups.outcome, Some(Outcome { what: what.clone(), answer: Some(Ok(())) }));
    let (state, command) = answered(Err("409: it is released".to_owned()));
    assert_eq!(command, ask);
    let failed = Some(Err("409: it is released".to_owned()));
    assert_eq!(state.groups.outcome, Some(Outcome { what, answer: failed }));
    assert!(answered(Ok(0)).0.groups.outcome.is_some_and(|outcome| matches!(outcome.answer, Some(Err(_)))));
}

#[test]
fn there_is_one_order_at_a_time() {
    let (state, command) = after(typed("2jrlate\njdlate\n"));
    assert_eq!(command, None);
    assert!(state.groups.prompt.unwrap().refusal.unwrap().contains("not answered the last order"));
    let answer = || [Message::Handled(Err("gone".to_owned()))];
    let (_, command) = after(typed("2jrlate\n\u{1b}d").into_iter().chain(answer()).chain(typed("late\n")));
    assert_eq!(command, Some(order(GroupAction::Discard, "late")), "once it is answered");
    let (state, _) = after(typed("2jrlate\n\u{1b}"));
    assert!(state.groups.outcome.is_some(), "what is not answered cannot be dismissed");
    let (state, _) = after(typed("2jrlate\n").into_iter().chain(answer()).chain(typed("\u{1b}")));
    assert_eq!(state.groups.outcome, None);
}
