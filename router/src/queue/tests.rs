//! The set against a simple one, what it stores, and what it costs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A queue beside a set that is certainly right, and a store that takes its changes.
#[derive(Default)]
struct Pair {
    queue: Queue,
    oracle: BTreeSet<u64>,
    store: BTreeMap<u64, Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Change {
    Insert(u64),
    Remove(u64),
    /// So many from there on, every so manyth.
    Fill(u64, u64, u64),
    /// So many positions taken out, beginning at the first that is not below that one, leaving out every so manyth.
    Drain(u64, u64, u64),
    Store,
    Reopen,
}

impl Pair {
    fn insert(&mut self, position: u64) {
        assert_eq!(self.queue.insert(position), self.oracle.insert(position), "insert {position}");
    }

    fn remove(&mut self, position: u64) {
        assert_eq!(self.queue.remove(position), self.oracle.remove(&position), "remove {position}");
    }

    fn apply(&mut self, change: &Change) {
        match *change {
            Change::Insert(position) => self.insert(position),
            Change::Remove(position) => self.remove(position),
            Change::Fill(from, count, step) => {
                (0..count)
                    .filter_map(|n| from.checked_add(n * step))
                    .for_each(|position| self.insert(position));
            }
            Change::Drain(from, count, spare) => {
                let some: Vec<u64> =
                    self.oracle.range(from..).copied().take(usize::try_from(count).unwrap()).collect();
                some.into_iter()
                    .filter(|position| position % spare != 0)
                    .for_each(|position| self.remove(position));
            }
            Change::Store => drop(self.store()),
            Change::Reopen => {
                self.store();
                self.queue = self.restored();
            }
        }
    }

    /// Writes what has changed; returns how many changes and bytes that were.
    fn store(&mut self) -> (usize, usize) {
        let (mut count, mut size) = (0, 0);
        let changes = self.queue.changes();
        let keys: BTreeSet<u64> = changes.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), changes.len(), "a key is written or deleted, not both");
        for (key, bytes) in changes {
            count += 1;
            size += bytes.as_ref().map_or(0, Vec::len);
            match bytes {
                Some(bytes) => drop(self.store.insert(key, bytes)),
                None => assert!(self.store.remove(&key).is_some(), "{key} was never stored"),
            }
        }
        assert!(self.queue.changes().is_empty(), "what was stored is not stored again");
        (count, size)
    }

    fn restored(&self) -> Queue {
        Queue::restore(self.store.iter().map(|(key, bytes)| (*key, bytes))).expect("stored by a queue")
    }

    fn check(&mut self) {
        same(&self.queue, &self.oracle);
        self.store();
        let restored = self.restored();
        same(&restored, &self.oracle);
        let bytes =
            |queue: &Queue| queue.chunks.values().map(|chunk| chunk.bytes().to_vec()).collect::<Vec<_>>();
        assert_eq!(bytes(&restored), bytes(&self.queue));
    }
}

fn same(queue: &Queue, oracle: &BTreeSet<u64>) {
    assert!(
        queue.iter().eq(oracle.iter().copied()),
        "{:?} is not {oracle:?}",
        queue.iter().collect::<Vec<_>>()
    );
    assert_eq!(queue.len(), oracle.len() as u64);
    assert_eq!(queue.first(), oracle.first().copied());
    for (key, chunk) in &queue.chunks {
        assert_eq!(*key, chunk.first());
        assert!((1..=CHUNK_BYTES_MAX).contains(&chunk.size()), "{} bytes", chunk.size());
        assert_eq!(Some(chunk.last()), chunk.runs().last().map(|run| run.last));
    }
}

fn position() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..300_u64, 2 => 0..20_000_u64, 1 => any::<u64>(), 1 => (u64::MAX - 40)..=u64::MAX]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => position().prop_map(Change::Insert),
        4 => position().prop_map(Change::Remove),
        2 => (position(), 1..400_u64, 1..200_u64).prop_map(|(from, count, step)| Change::Fill(from, count, step)),
        2 => (position(), 1..400_u64, 2..9_u64).prop_map(|(from, count, spare)| Change::Drain(from, count, spare)),
        1 => Just(Change::Store),
        1 => Just(Change::Reopen),
    ]
}

/// Anything, or what a queue may have written with one byte changed.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![8 => 1..4_u8, 1 => any::<u8>()];
    let written =
        prop::collection::vec(number, 1..260).prop_map(|numbers| [&[0], numbers.as_slice()].concat());
    let damaged = (written, any::<prop::sample::Index>(), prop::option::of(any::<u8>()));
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        damaged.prop_map(|(mut bytes, at, byte)| {
            let at = at.index(bytes.len());
            bytes[at] = byte.unwrap_or(bytes[at]);
            bytes
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn is_the_set_it_should_be(
        changes in prop::collection::vec(change(), 1..60),
        asked in prop::collection::vec(position(), 20),
    ) {
        let mut pair = Pair::default();
        for change in &changes {
            pair.apply(change);
        }
        for at in asked {
            let next = at.checked_add(1).and_then(|next| pair.oracle.range(next..).next().copied());
            prop_assert_eq!(pair.queue.iter_from(at.saturating_add(1)).next().filter(|next| *next > at), next);
            prop_assert_eq!(pair.queue.contains(at), pair.oracle.contains(&at));
            let rest: Vec<u64> = pair.queue.iter_from(at).collect();
            prop_assert!(rest.iter().eq(pair.oracle.range(at..)));
        }
        pair.check();
    }

    /// Bytes that nobody wrote are refused, or are exactly what this set is stored as.
    #[test]
    fn any_bytes_are_safe(
        key in position(),
        bytes in bytes(),
        at in position(),
    ) {
        let Some(mut queue) = Queue::restore([(key, &bytes)]) else { return Ok(()) };
        prop_assert_eq!(queue.first(), Some(key));
        prop_assert!(queue.iter().any(|one| one > key) == (queue.len() > 1));
        if queue.len() < 5_000 {
            let mut again = Chunk::of(key);
            for position in queue.iter().skip(1) {
                prop_assert!(again.insert(position));
            }
            prop_assert_eq!(again.bytes(), &bytes);
        }
        let len = queue.len();
        prop_assert_eq!(queue.insert(at), queue.len() > len);
        prop_assert!(queue.contains(at) && queue.remove(at) && !queue.contains(at));
    }
}

fn stored(positions: impl IntoIterator<Item = u64>) -> Vec<(u64, Vec<u8>)> {
    let mut queue = Queue::default();
    positions.into_iter().for_each(|position| assert!(queue.insert(position)));
    queue.changes().into_iter().map(|(key, bytes)| (key, bytes.unwrap())).collect()
}

#[test]
fn stores_what_its_page_says() {
    assert_eq!(stored([]), []);
    assert_eq!(stored([7]), [(7, vec![0, 1])]);
    assert_eq!(stored([7, 9, 8]), [(7, vec![0, 3])]);
    assert_eq!(stored([200, 7, 11, 10]), [(7, vec![0, 1, 2, 2, 0xbc, 1, 1])]);
    assert_eq!(stored(1..=1_000_000), [(1, vec![0, 0xc0, 0x84, 0x3d])]);
    assert_eq!(stored([u64::MAX, 0]).len(), 1);
}

#[test]
fn damage_is_refused() {
    let check = |what: &str, chunks: &[(u64, &[u8])]| {
        assert!(Queue::restore(chunks.iter().copied()).is_none(), "{what}");
    };
    check("empty", &[(7, &[])]);
    check("a gap before the first run", &[(7, &[1, 1])]);
    check("no gap before the second run", &[(7, &[0, 1, 0, 1])]);
    check("an empty run", &[(7, &[0, 0])]);
    check("half a run", &[(7, &[0, 1, 5])]);
    check("half a number", &[(7, &[0, 0x80])]);
    check("a number in more bytes than it takes", &[(7, &[0, 0x81, 0])]);
    check("a number above 64 bits", &[(0, &[0, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2, 1])]);
    check("positions above 64 bits", &[(u64::MAX, &[0, 2])]);
    check("more positions than a log has", &[(0, &[0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])]);
    check("two that overlap", &[(7, &[0, 9]), (15, &[0, 1])]);
    check("two in the wrong order", &[(7, &[0, 1]), (3, &[0, 1])]);
    check("a chunk that is too long", &[(0, &[[0, 1].as_slice(), &[1, 1].repeat(128)].concat())]);
}

/// What happens all day: positions come at the end and go at the front, and every so often it is stored.
#[test]
fn a_day_of_deliveries_writes_little() {
    let mut pair = Pair::default();
    (0..3_000).for_each(|n| pair.insert(n * 3));
    pair.store();
    let mut written = 0;
    for turn in 0..100_u64 {
        (0..30).for_each(|n| pair.insert((3_000 + turn * 30 + n) * 3));
        (0..30).for_each(|n| pair.remove((turn * 30 + n) * 3));
        let (count, size) = pair.store();
        assert!(count <= 4, "{count} changes");
        written += size;
    }
    assert!(written < 100 * 2 * CHUNK_BYTES_MAX, "{written} bytes");
    pair.check();
}

#[test]
fn a_million_scattered_positions_take_less_than_four_megabytes() {
    let mut draw = 1_u64;
    let mut positions: Vec<u64> = (0..3_000_000).filter(|_| step(&mut draw).is_multiple_of(3)).collect();
    let in_order = memory(&positions);
    for at in (1..positions.len()).rev() {
        positions.swap(at, usize::try_from(step(&mut draw) % (at as u64 + 1)).unwrap());
    }
    let shuffled = memory(&positions);
    assert!(positions.len() > 990_000 && in_order < 2_000_000, "{in_order} bytes");
    assert!(shuffled < 4_000_000, "{shuffled} bytes");
}

/// Returns the bytes that a queue of these positions takes, with what a map spends on nodes that are half full.
fn memory(positions: &[u64]) -> usize {
    let mut queue = Queue::default();
    for position in positions {
        assert!(queue.insert(*position));
    }
    drop(queue.changes());
    let entry = 2 * size_of::<(u64, Chunk)>();
    queue.chunks.values().map(|chunk| chunk.capacity() + entry).sum()
}

fn step(draw: &mut u64) -> u64 {
    *draw = draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *draw >> 33
}
