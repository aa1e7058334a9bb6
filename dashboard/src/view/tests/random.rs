//! Whatever a router says and a user types, on whatever terminal: no panic, no harm.

use api::{GroupAction, MissingPart, WindowStatus};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use event::Timestamp;
use event::hop::Step;
use proptest::prelude::*;
use ratatui::layout::Size;

use super::{canned, shown};
use crate::message::Message;
use crate::update::update;

/// What an event must not bring to a terminal.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\u{9b}31m\r\n\t\u{202e}\u{4e2d}\u{1f600}\u{200d}e\u{301}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics_and_nothing_escapes(
        sizes in prop::collection::vec((1_u16..150, 1_u16..60), 1..4),
        messages in prop::collection::vec(message(), 0..30),
        colours in any::<bool>(),
    ) {
        let mut state = canned::empty(sizes[0].0, sizes[0].1);
        state.theme.colours = colours;
        for (index, message) in messages.into_iter().enumerate() {
            update(&mut state, message);
            let (width, height) = sizes[index % sizes.len()];
            let terminal = shown(&state, width, height);
            for cell in &terminal.backend().buffer().content {
                let harm = cell.symbol().contains(is_harmful);
                prop_assert!(!harm);
            }
        }
    }
}

fn is_harmful(letter: char) -> bool {
    letter.is_control() || letter == '\u{202e}'
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        8 => pressed(),
        1 => any::<i64>().prop_map(|micros| Message::Tick(Timestamp::from_micros(micros))),
        1 => (1_u16..150, 1_u16..60).prop_map(|(width, height)| Message::Resized(Size { width, height })),
        1 => Just(Message::Overview(Err(HOSTILE.to_owned()))),
        1 => any::<i64>().prop_map(|at| Message::Overview(Ok(overview(Timestamp::from_micros(at))))),
        1 => (0_usize..4, text()).prop_map(|(count, text)| Message::Groups(Ok(groups(count, &text)))),
        1 => (0_usize..4, text()).prop_map(|(count, text)| Message::DeadLetters(Ok(letters(count, &text)))),
        1 => text().prop_map(|text| Message::Event { id: HOSTILE.to_owned(), answer: Ok(Box::new(detail(&text))) }),
        1 => Just(Message::Event { id: HOSTILE.to_owned(), answer: Err(HOSTILE.to_owned()) }),
        1 => Just(Message::TailOpened),
        2 => (text(), any::<i64>()).prop_map(|(text, at)| Message::Hops(hops(&text, at))),
        1 => text().prop_map(Message::TailLost),
        1 => Just(Message::Groups(Err(HOSTILE.to_owned()))),
        1 => text().prop_map(Message::Pasted),
        1 => prop_oneof![Just(Ok(0)), Just(Ok(1)), text().prop_map(Err)].prop_map(Message::Handled),
        1 => Just(Message::DeadLetters(Err(HOSTILE.to_owned()))),
    ]
}

fn pressed() -> impl Strategy<Value = Message> {
    let code = prop_oneof![
        4 => prop::sample::select(vec!['1', '2', '3', '4', '5', '?', ' ', '/', 'j', 'k', 'g', 'G', 'e', 'r', 'd', 'h', 'a', 'x', '\u{4e2d}'])
            .prop_map(KeyCode::Char),
        3 => prop::sample::select(vec![
            KeyCode::Enter, KeyCode::Esc, KeyCode::Tab, KeyCode::BackTab, KeyCode::Up, KeyCode::Down,
            KeyCode::PageUp, KeyCode::PageDown, KeyCode::Home, KeyCode::End, KeyCode::Backspace,
        ]),
    ];
    (code, any::<bool>()).prop_map(|(code, control)| {
        let modifiers = if control { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        Message::Key(KeyEvent::new(code, modifiers))
    })
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(HOSTILE.to_owned()),
        "\\PC{0,30}",
        "[ -~\u{0}-\u{1f}\u{80}-\u{9f}]{0,200}",
        Just(String::new())
    ]
}

fn overview(at: Timestamp) -> api::Overview {
    let mut overview = canned::overview();
    overview.at = at;
    overview.version = HOSTILE.to_owned();
    overview.buses[0].name = HOSTILE.to_owned();
    overview.buses[0].rate = f64::NAN;
    overview.buses[1].rate = f64::INFINITY;
    overview.buses[0].applied = u64::MAX;
    overview.consumers[0].target = HOSTILE.to_owned();
    overview.buses[0].durability = api::Durability::Memory;
    overview.consumers[0].state = api::ConsumerState::Stopped { reason: HOSTILE.to_owned() };
    overview.consumers[1].holding = Some(HOSTILE.to_owned());
    overview.consumers[1].retrying = u64::MAX;
    overview.consumers[1].last_error = Some(HOSTILE.to_owned());
    overview.consumers[1].pending = u64::MAX;
    overview.aggregations[0].name = HOSTILE.to_owned();
    if at.as_micros() % 2 == 0 {
        overview.phase = api::Phase::Failed;
    }
    if at.as_micros() % 3 == 0 {
        overview.consumers.truncate(1);
    }
    overview
}

fn groups(count: usize, text: &str) -> Vec<api::GroupStatus> {
    let mut groups = canned::handled();
    groups.extend(canned::groups());
    groups.truncate(count);
    for group in &mut groups {
        group.key = text.to_owned();
        group.waiting_for.push(text.repeat(4));
        group
            .missing
            .push(MissingPart { name: text.to_owned(), usually_by: Some(Timestamp::from_micros(i64::MIN)) });
        group.aggregation = text.to_owned();
        group.optional.push(text.to_owned());
        group.duplicates = u64::MAX;
        for record in &mut group.history {
            (record.by, record.why) = (text.to_owned(), text.repeat(3));
            record.action = GroupAction::Expect { part: text.to_owned() };
        }
        group.deadline = Some(Timestamp::from_micros(i64::MAX));
        group.parts.iter_mut().for_each(|part| part.event = text.to_owned());
    }
    if let Some(first) = groups.first_mut() {
        first.parts.clear();
        first.held = text.len().is_multiple_of(2);
        first.window = Some(WindowStatus { start: Timestamp::from_micros(i64::MIN), end: Timestamp::EPOCH });
        first.expected = Some(0);
    }
    groups
}

fn letters(count: usize, text: &str) -> Vec<api::DeadLetter> {
    let mut letters = canned::dead_letters();
    letters.truncate(count);
    for letter in &mut letters {
        letter.id = HOSTILE.to_owned();
        letter.reason = text.repeat(3);
        letter.attempts.iter_mut().for_each(|attempt| attempt.error = text.to_owned());
    }
    letters
}

fn hops(text: &str, at: i64) -> Vec<event::Hop> {
    let mut hops = canned::hops();
    hops.push(canned::hop(HOSTILE, 1, Step::Delivered { consumer: text.into(), attempts: u32::MAX }));
    for hop in &mut hops {
        hop.started = Timestamp::from_micros(at);
    }
    hops
}

fn detail(text: &str) -> api::EventDetail {
    let mut detail = canned::detail();
    let event =
        serde_json::json!({ "id": HOSTILE, text: text, "datacontenttype": "text/plain", "data": text });
    detail.event = canned::raw(&event.to_string().replace("\\u009b", "\u{9b}"));
    detail.hops = hops(text, i64::MIN);
    detail.decisions[0].name = text.to_owned();
    detail.decisions[0].fields[0].found = text.to_owned();
    detail
}
