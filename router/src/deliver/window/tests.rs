//! The window against a list that is searched from end to end, and what a worker relies on.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { entries: 24, ready: 10 };

/// The same as a window, slowly.
#[derive(Default)]
struct Model {
    entries: Vec<Item>,
}

#[derive(Clone, Debug)]
struct Item {
    position: u64,
    key: Option<Key>,
    due: Option<Timestamp>,
    under_way: bool,
}

impl Model {
    /// Those that nothing of their key is before, be it by position or under way.
    fn free(&self) -> Vec<Item> {
        let others = |item: &Item| {
            let (key, position) = (item.key, item.position);
            self.entries
                .iter()
                .filter(move |other| key.is_some() && other.key == key && other.position != position)
        };
        let free = |item: &&Item| {
            !item.under_way && others(item).all(|other| !other.under_way && other.position > item.position)
        };
        self.entries.iter().filter(free).cloned().collect()
    }

    fn take(&mut self, now: Timestamp) -> Option<u64> {
        let free = self.free();
        let retries =
            free.iter().filter_map(|item| Some((item.due.filter(|due| *due <= now)?, item.position)));
        let ready = free.iter().filter(|item| item.due.is_none()).map(|item| item.position);
        let position = retries.min().map(|(_, position)| position).or_else(|| ready.min())?;
        self.find(position)?.under_way = true;
        Some(position)
    }

    fn find(&mut self, position: u64) -> Option<&mut Item> {
        self.entries.iter_mut().find(|item| item.position == position)
    }

    fn admit(&mut self, item: Item) -> bool {
        let new = self.find(item.position).is_none() && self.entries.len() < LIMITS.entries;
        if new {
            self.entries.push(item);
        }
        new
    }

    /// Ends the attempt at an entry.
    fn back(&mut self, position: u64, retry_at: Option<Timestamp>) -> bool {
        let Some(item) = self.find(position).filter(|item| item.under_way) else { return false };
        (item.under_way, item.due) = (false, retry_at.or(item.due));
        true
    }

    /// Lets go of an entry that is under way or free.
    fn settled(&mut self, position: u64) -> bool {
        let open = self.free().iter().any(|item| item.position == position);
        let open = open || self.find(position).is_some_and(|item| item.under_way);
        self.entries.retain(|item| !open || item.position != position);
        open
    }

    fn check(&self, window: &Window, now: Timestamp) {
        let free = self.free();
        let waiting: Vec<_> = free.iter().filter_map(|item| item.due).collect();
        let ready = free.len() - waiting.len();
        let under_way = self.entries.iter().filter(|item| item.under_way).count();
        assert_eq!(window.len(), self.entries.len());
        assert_eq!(window.waiting_retry(), waiting.len());
        assert_eq!(window.held(), self.entries.len() - free.len() - under_way);
        assert_eq!(window.next_due(), waiting.iter().min().copied());
        assert_eq!(window.has_ready(now), ready > 0 || waiting.iter().any(|due| *due <= now));
        let room = (LIMITS.entries - self.entries.len()).min(LIMITS.ready.saturating_sub(ready));
        assert_eq!(window.room(), room);
        assert_eq!(window.due.len(), self.entries.iter().filter(|item| item.due.is_some()).count());
    }
}

#[derive(Clone, Debug)]
enum Act {
    Admit(u64, Option<Key>, Option<i64>),
    Take,
    Batch(usize),
    Failed(prop::sample::Index, i64),
    PutBack(prop::sample::Index),
    Settled(prop::sample::Index),
    /// About any position, whether it is in hand or not.
    Stray(u64),
    Pass(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let index = any::<prop::sample::Index>;
    let retry = || prop::option::weighted(0.2, 0..200_i64);
    let admit = (0..64_u64, prop::option::weighted(0.8, 0..4_u64), retry());
    prop_oneof![
        6 => admit.prop_map(|(position, key, retry)| Act::Admit(position, key.map(Key), retry)),
        4 => Just(Act::Take),
        1 => (0..8_usize).prop_map(Act::Batch),
        2 => (index(), 0..100_i64).prop_map(|(one, wait)| Act::Failed(one, wait)),
        1 => index().prop_map(Act::PutBack),
        3 => index().prop_map(Act::Settled),
        1 => (0..64_u64).prop_map(Act::Stray),
        1 => (0..80_i64).prop_map(Act::Pass),
    ]
}

fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// Does the same to both.
fn apply(act: &Act, now: &mut i64, window: &mut Window, model: &mut Model) {
    let taken: Vec<u64> =
        model.entries.iter().filter(|item| item.under_way).map(|item| item.position).collect();
    let one = |index: &prop::sample::Index| if taken.is_empty() { 99 } else { *index.get(&taken) };
    match act {
        Act::Admit(position, key, retry) => {
            // The key is the event's own.
            let key = model.find(*position).map_or(*key, |item| item.key);
            let due = retry.map(at);
            let item = Item { position: *position, key, due, under_way: false };
            assert_eq!(window.admit(*position, key, due), model.admit(item));
        }
        Act::Take => assert_eq!(window.take(at(*now)), model.take(at(*now))),
        Act::Batch(max) => {
            let batch = window.take_batch(at(*now), *max);
            assert_eq!(batch, (0..*max).map_while(|_| model.take(at(*now))).collect::<Vec<_>>());
            let keys: Vec<Key> = batch.iter().filter_map(|position| model.find(*position)?.key).collect();
            assert_eq!(keys.len(), keys.iter().collect::<BTreeSet<_>>().len(), "two of one key");
        }
        Act::Failed(index, wait) => {
            let (position, due) = (one(index), at(*now + wait));
            assert_eq!(window.failed(position, due), model.back(position, Some(due)));
        }
        Act::PutBack(index) => {
            assert_eq!(window.put_back(one(index)), model.back(one(index), None));
        }
        Act::Settled(index) => assert_eq!(window.settled(one(index)), model.settled(one(index))),
        Act::Stray(position) => {
            assert_eq!(window.failed(*position, at(*now)), model.back(*position, Some(at(*now))));
            assert_eq!(window.put_back(*position), model.back(*position, None));
            assert_eq!(window.settled(*position), model.settled(*position));
        }
        Act::Pass(wait) => *now += wait,
    }
    model.check(window, at(*now));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn gives_what_a_search_would_give(acts in prop::collection::vec(act(), 1..200)) {
        let (mut window, mut model, mut now) = (Window::new(LIMITS), Model::default(), 0);
        for act in &acts {
            apply(act, &mut now, &mut window, &mut model);
        }
    }

    /// A worker with eight hands, a target that fails at random, events that come in order.
    #[test]
    fn a_key_is_never_out_of_order_and_all_is_delivered(
        keys in prop::collection::vec(prop::option::weighted(0.8, 0..5_u64), 1..120),
        seed in any::<u64>(),
    ) {
        let mut window = Window::new(LIMITS);
        let mut waiting = keys.iter().copied().enumerate().map(|(n, key)| (n as u64, key));
        let (mut under_way, mut settled) = (Vec::new(), Vec::new());
        let mut draw = seed;
        for now in 0.. {
            prop_assert!(now < 100_000, "it does not end");
            draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            while window.room() > 0 && let Some((position, key)) = waiting.next() {
                prop_assert!(window.admit(position, key.map(Key), None));
            }
            let due = window.has_ready(at(now));
            let taken = window.take_batch(at(now), 8 - under_way.len());
            prop_assert!(under_way.len() == 8 || due != taken.is_empty(), "something is due and not taken");
            for position in taken {
                prop_assert!(!under_way.contains(&position) && !settled.contains(&position));
                under_way.push(position);
            }
            match ((draw >> 33) % 10, under_way.first().copied()) {
                (_, None) if window.len() == 0 => break,
                (_, None) => prop_assert!(window.next_due().is_some(), "all that is left waits for nothing"),
                (0..4, Some(first)) => prop_assert!(window.failed(first, at(now + 7))),
                (4, Some(first)) => prop_assert!(window.put_back(first)),
                (_, Some(first)) => {
                    prop_assert!(window.settled(first));
                    settled.push(first);
                }
            }
            if !under_way.is_empty() {
                under_way.remove(0);
            }
        }
        let mut order = BTreeMap::<u64, Vec<u64>>::new();
        for position in &settled {
            if let Some(key) = keys[usize::try_from(*position).unwrap()] {
                order.entry(key).or_default().push(*position);
            }
        }
        prop_assert!(order.values().all(|positions| positions.is_sorted()), "{order:?}");
        settled.sort_unstable();
        prop_assert!(settled.into_iter().eq(0..keys.len() as u64));
    }
}

fn window(positions: &[(u64, u64)]) -> Window {
    let mut window = Window::new(LIMITS);
    for (position, key) in positions {
        assert!(window.admit(*position, Some(Key(*key)), None));
    }
    window
}

#[test]
fn a_failed_head_blocks_its_own_key_only() {
    let mut window = window(&[(1, 7), (2, 7), (3, 8), (4, 7)]);
    assert_eq!(window.take_batch(at(0), 9), [1, 3]);
    assert!(window.failed(1, at(50)) && window.settled(3));
    assert_eq!((window.take(at(49)), window.held(), window.next_due()), (None, 2, Some(at(50))));
    assert_eq!(window.take(at(50)), Some(1));
    assert!(window.settled(1));
    assert_eq!((window.take(at(50)), window.take(at(50))), (Some(2), None));
}

#[test]
fn one_that_comes_late_goes_first_but_disturbs_nobody() {
    let mut window = window(&[(5, 7), (6, 7)]);
    assert_eq!(window.take(at(0)), Some(5));
    assert!(window.admit(3, Some(Key(7)), None), "redriven");
    assert_eq!(window.take(at(0)), None, "5 is under way");
    assert!(window.failed(5, at(90)));
    assert_eq!(window.take(at(100)), Some(3));
    assert!(window.settled(3));
    assert_eq!((window.take(at(80)), window.take(at(100))), (None, Some(5)), "5 has kept its retry time");
}

#[test]
fn a_full_window_admits_nothing_until_something_is_settled() {
    let mut window = Window::new(Limits { entries: 3, ready: 2 });
    assert_eq!(window.room(), 2);
    assert!((1..=3).all(|position| window.admit(position, None, None)));
    assert!(!window.admit(4, None, None) && window.room() == 0);
    assert!(window.take(at(0)) == Some(1) && window.settled(1));
    assert_eq!(window.room(), 0, "two are ready");
    assert!(window.take(at(0)) == Some(2));
    assert_eq!(window.room(), 1);
}

#[test]
fn a_long_line_behind_one_key_is_no_burden() {
    let mut window = Window::new(Limits { entries: 65_537, ready: 64 });
    assert!((0..=65_536).all(|position| window.admit(position, Some(Key(1)), None)));
    assert_eq!((window.held(), window.room()), (65_536, 0));
    for position in 0..=65_536 {
        assert_eq!(window.take_batch(at(0), 8), [position]);
        assert!(window.settled(position));
    }
    assert_eq!(window.len(), 0);
}

#[test]
fn a_probe_is_an_event_that_was_never_tried_if_there_is_one() {
    let mut window = Window::new(Limits { entries: 10, ready: 10 });
    assert!(window.admit(1, None, None) && window.take(Timestamp::EPOCH) == Some(1));
    assert!(window.failed(1, Timestamp::EPOCH) && window.admit(2, None, None));
    assert_eq!(window.take_probe(Timestamp::EPOCH), Some(2));
    assert_eq!(window.take_probe(Timestamp::EPOCH), Some(1));
    assert_eq!(window.take_probe(Timestamp::EPOCH), None);
}
