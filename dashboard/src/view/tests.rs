//! Every screen as a user sees it, at three sizes.

use api::{Overview, Phase};
use crossterm::event::{KeyCode, KeyEvent};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::canned;
use crate::message::Message;
use crate::state::State;
use crate::update::update;

mod random;

/// Returns what the terminal shows.
fn shown(state: &State, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| super::draw(state, frame)).unwrap();
    terminal
}

fn buffer(state: &State) -> Buffer {
    shown(state, state.size.width, state.size.height).backend().buffer().clone()
}

/// Returns the text of the terminal.
fn words(state: &State) -> String {
    shown(state, state.size.width, state.size.height).backend().to_string()
}

pub(super) fn key(code: KeyCode) -> Message {
    Message::Key(KeyEvent::from(code))
}

fn letters(text: &str) -> impl Iterator<Item = Message> {
    text.chars().map(|letter| key(KeyCode::Char(letter)))
}

/// Compares a screen that some messages lead to with its snapshots.
fn check(name: &str, messages: impl IntoIterator<Item = Message>) {
    let messages: Vec<Message> = messages.into_iter().collect();
    for (width, height) in [(80, 24), (120, 40), (40, 12)] {
        let mut state = canned::busy(width, height);
        for message in messages.clone() {
            update(&mut state, message);
        }
        let terminal = shown(&state, width, height);
        insta::assert_snapshot!(format!("{name}-{width}x{height}"), terminal.backend());
    }
}

fn event_opened() -> Vec<Message> {
    let id = canned::detail().event.get().split('"').nth(7).unwrap().to_owned();
    let mut messages: Vec<Message> = letters("3g").collect();
    messages.push(key(KeyCode::Enter));
    messages.push(Message::Event { id, answer: Ok(Box::new(canned::detail())) });
    messages
}

fn unreachable() -> Vec<Message> {
    let reason = "Connection refused (os error 111)";
    let failure = || Message::Overview(Err(reason.to_owned()));
    vec![failure(), failure(), failure(), Message::Tick(canned::ahead(75))]
}

#[test]
fn overview() {
    check("overview", []);
}

#[test]
fn overview_with_a_failing_consumer_selected() {
    check("overview-failing", letters("jj"));
}

#[test]
fn overview_of_what_does_not_go_freely() {
    let answer = || [Message::Overview(Ok(canned::restrained()))];
    check("overview-paused", answer());
    check("overview-open", answer().into_iter().chain(letters("jj")));
}

#[test]
fn one_word_says_what_keeps_a_consumer() {
    let mut state = canned::busy(80, 24);
    let mut overview = canned::restrained();
    update(&mut state, Message::Overview(Ok(overview.clone())));
    let because = [
        ("\u{2016} paused,", "`railpost resume billing` lets it go on"),
        ("\u{25b2} slowed,", "slowed to 37 a second"),
        ("\u{2717} open,", "circuit open until 05:58:51 after 5 failures in a row; last error: 503"),
        ("\u{2717} stopped,", "the disk of audit.ndjson is full"),
    ];
    for (word, why) in because {
        let text = words(&state);
        assert!(text.contains(word) && text.contains(why), "{word} {why} {text}");
        letters("j").for_each(|message| drop(update(&mut state, message)));
    }
    overview.consumers[3].state = api::ConsumerState::Delivering;
    overview.consumers[3].holding = Some("held until 05:58:30 by the target".to_owned());
    update(&mut state, Message::Overview(Ok(overview)));
    assert!(words(&state).contains("\u{25b2} held,"), "{}", words(&state));
}

#[test]
fn overview_of_an_unreachable_router() {
    check("overview-unreachable", unreachable());
}

#[test]
fn groups() {
    check("groups", letters("2j"));
}

#[test]
fn groups_with_a_part_selected() {
    check("groups-part", letters("2jj").chain([key(KeyCode::Enter)]).chain(letters("jj")));
}

fn handled() -> impl Iterator<Item = Message> {
    std::iter::once(Message::Groups(Ok(canned::handled()))).chain(letters("2"))
}

#[test]
fn groups_with_windows_one_of_them_held() {
    check("groups-held", handled());
}

#[test]
fn a_prompt_says_what_it_does_to_which_group() {
    check("groups-release", letters("2jrnobody is there to send it"));
    let extended = handled().chain(letters("je45m")).chain([key(KeyCode::Enter)]);
    check("groups-extend", extended.chain(letters("they send at seven, says Ruth, as every Saturday")));
    check("groups-unexpect", letters("2jx"));
    check("groups-refused", letters("2jd").chain([key(KeyCode::Enter)]));
}

#[test]
fn an_answer_is_shown_until_it_is_dismissed() {
    let ordered = || letters("2jrlate").chain([key(KeyCode::Enter)]);
    let refusal = "404: `group`: daily-sales has no open group `g-sales-20` (`railpost groups` lists them)";
    check("groups-failed", ordered().chain([Message::Handled(Err(refusal.to_owned()))]));
    let shown = |messages: Vec<Message>| {
        let mut state = canned::busy(80, 24);
        ordered().chain(messages).for_each(|message| drop(update(&mut state, message)));
        words(&state)
    };
    let done = || vec![Message::Handled(Ok(1))];
    assert!(shown(vec![]).contains("daily-sales 2026-11-20: release: ordered, not answered yet"));
    assert!(shown(done()).contains("\u{2713} daily-sales 2026-11-20: release: done"));
    assert!(shown(vec![Message::Handled(Ok(0))]).contains("release: the router changed nothing"));
    let dismissed = shown(done().into_iter().chain([key(KeyCode::Esc)]).collect());
    assert!(!dismissed.contains("release: done"), "{dismissed}");
}

#[test]
fn a_prompt_whose_group_goes_says_so() {
    let mut fewer = canned::groups();
    fewer.remove(1);
    let mut state = canned::busy(80, 24);
    letters("2jr").chain([Message::Groups(Ok(fewer))]).for_each(|message| drop(update(&mut state, message)));
    let text = words(&state);
    assert!(text.contains("release daily-sales 2026-11-20") && text.contains("not open any more"), "{text}");
}

#[test]
fn keys_that_need_a_group_are_named_beside_one() {
    let mut state = canned::busy(120, 40);
    letters("2").for_each(|message| drop(update(&mut state, message)));
    assert!(words(&state).contains("release ") && words(&state).contains("hold "));
    update(&mut state, Message::Groups(Ok(canned::handled())));
    assert!(words(&state).contains("let go"), "{}", words(&state));
    update(&mut state, Message::Groups(Ok(vec![])));
    assert!(!words(&state).contains("release "), "{}", words(&state));
}

#[test]
fn a_long_text_shows_its_end_while_it_is_typed() {
    let mut state = canned::busy(40, 12);
    let long = "a reason that is much longer than the line it is typed on, to the end";
    letters("2r")
        .chain([Message::Pasted(long.to_owned())])
        .for_each(|message| drop(update(&mut state, message)));
    assert!(words(&state).contains("line it is typed on, to the end"), "{}", words(&state));
}

#[test]
fn tail() {
    check("tail", letters("3"));
}

#[test]
fn tail_paused_and_filtered() {
    let more = canned::hop("later", 0, event::Step::Delivered { consumer: "billing".into(), attempts: 1 });
    let messages = letters("3 /fraud").chain([Message::Hops(vec![more])]);
    check("tail-filter", messages);
}

#[test]
fn event_at_its_top() {
    check("event", event_opened());
}

#[test]
fn event_at_its_end() {
    check("event-end", event_opened().into_iter().chain(letters("G")));
}

#[test]
fn dead_letters() {
    check("dead-letters", letters("5"));
}

#[test]
fn a_long_reason_of_a_dead_letter_is_indented() {
    check("dead-letters-reason", letters("5j"));
    let open = letters("5j").chain([key(KeyCode::Enter)]);
    check("event-reason", open);
}

#[test]
fn event_of_a_dead_letter_that_is_gone() {
    let id = canned::dead_letters()[0].id.clone();
    let gone = Message::Event { id, answer: Err("404: no event of this id is stored".to_owned()) };
    check("event-gone", letters("5").chain([key(KeyCode::Enter), gone]));
}

#[test]
fn help() {
    check("help", letters("?"));
}

#[test]
fn a_router_without_answers_is_being_connected_to() {
    let text = words(&canned::empty(80, 24));
    assert!(text.contains("connecting to http://127.0.0.1:7245"), "{text}");
}

#[test]
fn empty_answers_say_what_they_mean() {
    let mut state = canned::empty(80, 24);
    update(&mut state, Message::Groups(Ok(vec![])));
    update(&mut state, Message::DeadLetters(Ok(vec![])));
    for (screen, expected) in
        [("2", "no group is open"), ("3", "no hop yet"), ("4", "no event is open"), ("5", "no dead letter")]
    {
        letters(screen).for_each(|message| drop(update(&mut state, message)));
        assert!(words(&state).contains(expected), "{}", words(&state));
    }
}

#[test]
fn colours_tell_how_a_consumer_fares() {
    let first_selected = canned::busy(80, 24);
    let mut last_selected = canned::busy(80, 24);
    letters("G").for_each(|message| drop(update(&mut last_selected, message)));
    let colour_of = |state: &State, name: &str| {
        let buffer = buffer(state);
        let row = buffer.area.rows().find(|row| {
            let text: String = row.positions().map(|at| buffer[at].symbol()).collect();
            text.contains(name)
        });
        buffer[(1, row.unwrap().y)].fg
    };
    assert_eq!(colour_of(&first_selected, "audit-file"), Color::Green);
    assert_eq!(colour_of(&last_selected, "billing"), Color::Yellow);
    assert_eq!(colour_of(&last_selected, "warehouse"), Color::Yellow);
    assert_eq!(colour_of(&last_selected, "fraud-check"), Color::Red);
}

#[test]
fn a_phase_that_is_not_the_usual_one_is_said_aloud() {
    for (phase, expected) in
        [(Phase::Recovering, "RECOVERING"), (Phase::Draining, "DRAINING"), (Phase::Failed, "FAILED")]
    {
        let mut state = canned::busy(80, 24);
        update(&mut state, Message::Overview(Ok(Overview { phase, ..canned::overview() })));
        assert!(words(&state).contains(expected), "{}", words(&state));
    }
}

#[test]
fn what_is_out_of_date_is_dimmed_but_stays() {
    let mut state = canned::busy(80, 24);
    for message in unreachable() {
        update(&mut state, message);
    }
    let body = super::body_of(&state);
    let buffer = buffer(&state);
    let faint = state.theme.stale().fg.unwrap();
    assert!(body.positions().all(|at| buffer[at].fg == faint));
    assert!(words(&state).contains("warehouse"));
}

#[test]
fn without_colours_there_is_none() {
    for screen in ["1jj", "2", "3", "5", "?"] {
        let mut state = canned::busy(120, 40);
        state.theme.colours = false;
        letters(screen).for_each(|message| drop(update(&mut state, message)));
        let buffer = buffer(&state);
        assert!(
            buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset),
            "{screen}"
        );
        assert!(buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)), "{screen}");
    }
}

#[test]
fn a_consumer_with_dead_letters_is_not_fine_after_a_restart() {
    let mut state = canned::empty(80, 24);
    let mut overview = canned::overview();
    overview.consumers.truncate(1);
    overview.consumers[0].failures = 0;
    overview.consumers[0].latency = None;
    update(&mut state, Message::Overview(Ok(overview.clone())));
    let text = words(&state);
    assert!(text.contains("! has dead letters") && !text.contains("fine"), "{text}");
    overview.consumers[0].dead_lettered = 0;
    update(&mut state, Message::Overview(Ok(overview)));
    let text = words(&state);
    assert!(text.contains("\u{25cf} fine") && !text.contains("has dead letters"), "{text}");
}

#[test]
fn hops_are_in_the_order_of_cause_and_effect() {
    let id = "a3c7d1d0-7c0e-4f51-b0d4-0b1f0a7e1f11".to_owned();
    let mut mixed = canned::detail();
    mixed.hops.reverse();
    // Being received ends when the event is on disk, after it may have been read.
    let received = mixed.hops.last_mut().unwrap();
    received.ended = canned::NOW;
    // What is recorded with one time stays as the router has it.
    mixed.hops.swap(1, 2);
    let mut state = canned::busy(80, 60);
    letters("3g").for_each(|message| drop(update(&mut state, message)));
    update(&mut state, key(KeyCode::Enter));
    update(&mut state, Message::Event { id, answer: Ok(Box::new(mixed)) });
    let text = words(&state);
    let steps = ["received", "matched", "attempted     billing", "delivered", "attempted     fraud-check"];
    let places: Vec<_> = steps.iter().map(|step| text.find(&format!("  {step} ")).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_terminal_that_is_too_small_says_so() {
    for (width, height) in [(29, 24), (80, 7), (20, 3), (18, 1)] {
        let text = words(&canned::busy(width, height));
        let lines: Vec<_> = text.lines().map(|line| line.trim_matches('"').trim()).collect();
        assert_eq!(lines[0], "terminal too small", "{text}");
        assert!(lines[1..].iter().all(|line| line.is_empty()), "{text}");
    }
    let mut state = canned::busy(30, 8);
    for screen in ["1", "2", "3", "4", "5"] {
        letters(screen).for_each(|message| drop(update(&mut state, message)));
        assert!(!words(&state).contains("too small"), "{screen}");
    }
    insta::assert_snapshot!("dead-letters-30x8", shown(&state, 30, 8).backend());
}

#[test]
fn a_narrow_terminal_keeps_the_name_and_the_backlog() {
    let text = words(&canned::busy(40, 12));
    assert!(text.contains("warehouse") && text.contains("12,412"), "{text}");
}
