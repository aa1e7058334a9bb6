//! What a list of messages leads to.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use event::hop::Step;

use super::*;
use crate::detail::Answer;
use crate::tail::{HELD_MAX, HOPS_MAX};
use crate::view::canned;

mod handling;

/// Applies messages to a busy state; returns it and what the last message asked for.
fn after(messages: impl IntoIterator<Item = Message>) -> (State, Option<Command>) {
    let mut state = canned::busy(80, 24);
    let mut last = None;
    for message in messages {
        last = update(&mut state, message);
    }
    (state, last)
}

fn key(code: KeyCode) -> Message {
    Message::Key(KeyEvent::from(code))
}

fn typed(text: &str) -> Vec<Message> {
    text.chars()
        .map(|letter| match letter {
            '\n' => key(KeyCode::Enter),
            '\u{1b}' => key(KeyCode::Esc),
            '\t' => key(KeyCode::Tab),
            letter => key(KeyCode::Char(letter)),
        })
        .collect()
}

fn delivered(event: &str, milliseconds: u64) -> event::Hop {
    canned::hop(event, milliseconds, Step::Delivered { consumer: "billing".into(), attempts: 1 })
}

#[test]
fn a_tick_asks_for_what_is_shown() {
    let asked = |keys: &str| {
        let (_, command) = after(typed(keys).into_iter().chain([Message::Tick(canned::NOW)]));
        let Some(Command::Ask(questions)) = command else { panic!("{command:?}") };
        questions
    };
    assert_eq!(asked("1"), [Question::Overview]);
    assert_eq!(asked("2"), [Question::Overview, Question::Groups]);
    assert_eq!(asked("3"), [Question::Overview]);
    assert_eq!(asked("4"), [Question::Overview]);
    assert_eq!(asked("5"), [Question::Overview, Question::DeadLetters]);
    assert_eq!(asked("5j\n"), [Question::Overview, Question::Event("ord-77".to_owned())]);
}

#[test]
fn tab_goes_around() {
    let (state, _) = after(typed("\t\t"));
    assert_eq!(state.screen, Screen::Tail);
    let (state, _) = after([key(KeyCode::BackTab)]);
    assert_eq!(state.screen, Screen::DeadLetters);
}

#[test]
fn q_and_interrupt_quit_wherever_they_mean_it() {
    let interrupt = || Message::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
    assert_eq!(after(typed("q")).1, Some(Command::Quit));
    assert_eq!(after(typed("?q")).1, Some(Command::Quit));
    assert_eq!(after(typed("3/").into_iter().chain([interrupt()])).1, Some(Command::Quit));
    let (state, command) = after(typed("3/q"));
    assert_eq!((state.tail.filter.as_str(), command), ("q", None));
}

#[test]
fn failures_are_counted_from_the_first() {
    let failure = |reason: &str| Message::Overview(Err(reason.to_owned()));
    let (state, _) = after([failure("one"), Message::Tick(canned::ahead(9)), failure("two")]);
    assert_eq!(state.link, Link::Down { since: canned::NOW, reason: "two".to_owned(), tries: 2 });
    assert!(state.overview.is_some(), "the last answer stays");
    let (state, _) = after([failure("one"), Message::Overview(Ok(canned::overview()))]);
    assert_eq!(state.link, Link::Up);
}

#[test]
fn a_selected_group_stays_selected_when_others_go() {
    let mut fewer = canned::groups();
    fewer.remove(0);
    let (state, _) = after(typed("2j").into_iter().chain([Message::Groups(Ok(fewer.clone()))]));
    assert_eq!(state.groups.selection.index, 0);
    fewer.remove(0);
    let (state, _) = after(typed("2j").into_iter().chain([Message::Groups(Ok(fewer))]));
    assert_eq!(state.groups.selection.index, 0, "the nearest one if it is gone");
}

#[test]
fn a_part_opens_its_event_and_escape_leads_back() {
    let (state, command) = after(typed("2j\nj\n"));
    let id = canned::groups()[1].parts[1].event.clone();
    assert_eq!(command, Some(Command::Ask(vec![Question::Overview, Question::Event(id)])));
    assert_eq!((state.screen, state.groups.part), (Screen::Event, Some(1)));
    let (state, _) = after(typed("2j\nj\n\u{1b}"));
    assert_eq!((state.screen, state.groups.part), (Screen::Groups, Some(1)));
    let (state, _) = after(typed("2j\nj\n\u{1b}\u{1b}"));
    assert_eq!((state.screen, state.groups.part), (Screen::Groups, None));
}

#[test]
fn the_parts_lose_the_keys_when_their_group_goes() {
    let mut fewer = canned::groups();
    fewer.remove(0);
    let (state, _) = after(typed("2\n").into_iter().chain([Message::Groups(Ok(fewer.clone()))]));
    assert_eq!(state.groups.part, None);
    let (state, _) = after(typed("2j\nj").into_iter().chain([Message::Groups(Ok(fewer))]));
    assert_eq!((state.groups.selection.index, state.groups.part), (0, Some(1)));
}

#[test]
fn a_consumer_opens_the_tail_of_its_name() {
    let (state, _) = after(typed("jj\n"));
    assert_eq!((state.screen, state.tail.filter.as_str()), (Screen::Tail, "fraud-check"));
    assert_eq!(state.tail.visible().len(), 3);
}

#[test]
fn a_paused_tail_stands_still_and_catches_up() {
    let hops = || Message::Hops(vec![delivered("later", 0)]);
    let (state, _) = after(typed("3 ").into_iter().chain([hops()]));
    assert_eq!((state.tail.len(), state.tail.held()), (11, 1));
    let (state, _) = after(typed("3 ").into_iter().chain([hops()]).chain(typed(" ")));
    assert_eq!((state.tail.len(), state.tail.held()), (12, 0));
    assert_eq!(*state.tail.current().unwrap().event, *"later");
}

#[test]
fn the_tail_is_bounded() {
    let many = vec![delivered("e", 0); HOPS_MAX + 5];
    let (state, _) = after([Message::Hops(many.clone())]);
    assert_eq!(state.tail.len(), HOPS_MAX);
    let (state, _) = after(typed("3 ").into_iter().chain([Message::Hops(many)]));
    assert_eq!((state.tail.held(), state.tail.skipped), (HELD_MAX, 5));
}

#[test]
fn a_selected_hop_stays_selected_until_the_end_is_reached() {
    let more = || Message::Hops(vec![delivered("later", 0)]);
    let (state, _) = after(typed("3k").into_iter().chain([more()]));
    assert_eq!(*state.tail.current().unwrap().event, *"b-0001");
    let (state, _) = after(typed("3kG").into_iter().chain([more()]));
    assert_eq!(*state.tail.current().unwrap().event, *"later");
}

#[test]
fn a_new_tail_does_not_repeat_what_is_known() {
    let mut again = canned::hops();
    again.push(delivered("later", 0));
    let (state, _) = after([Message::TailLost("gone".to_owned()), Message::TailOpened, Message::Hops(again)]);
    assert_eq!(state.tail.len(), 12);
    assert_eq!(state.tail.lost, None);
}

#[test]
fn a_filter_is_typed_kept_and_cleared() {
    let (state, _) = after(typed("3/FRAUDx").into_iter().chain([key(KeyCode::Backspace)]).chain(typed("\n")));
    assert_eq!((state.tail.filter.as_str(), state.tail.editing), ("FRAUD", false));
    assert_eq!(state.tail.visible().len(), 3);
    let (state, _) = after(typed("3/fraud\n\u{1b}"));
    assert_eq!(state.tail.filter, "");
}

#[test]
fn an_answer_to_another_question_changes_nothing() {
    let answer = |id: &str| Message::Event { id: id.to_owned(), answer: Ok(Box::new(canned::detail())) };
    let (state, _) = after(typed("5\n").into_iter().chain([answer("other")]));
    assert!(matches!(state.detail.unwrap().answer, Answer::Awaited));
    let failed = Message::Event { id: "ord-77".to_owned(), answer: Err("gone".to_owned()) };
    let (state, _) = after(typed("5j\n").into_iter().chain([answer("ord-77"), failed]));
    assert!(matches!(state.detail.unwrap().answer, Answer::Known(_)), "what is known stays");
}

#[test]
fn an_event_scrolls_no_further_than_its_end() {
    let answer = Message::Event { id: "ord-77".to_owned(), answer: Ok(Box::new(canned::detail())) };
    let (state, _) = after(typed("5j\n").into_iter().chain([answer]).chain(typed("GG")));
    let scroll = state.detail.as_ref().unwrap().scroll;
    assert_eq!(scroll, spare_lines(&state));
    assert!(scroll > 0);
}

#[test]
fn help_takes_the_keys_until_it_is_closed() {
    let (state, _) = after(typed("?jj"));
    assert_eq!(state.consumers.index, 0);
    assert!(state.help.is_some());
    assert_eq!(after(typed("?\u{1b}")).0.help, None);
}
