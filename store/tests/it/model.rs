//! A partition against a list and a map, under random requests with crashes and truncation in between.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use store::{Options, Partition, Position, Space, Tx};
use tempfile::TempDir;

use crate::{events, killed, open, run, small};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Vec<u8>>),
    Commit { put: Vec<(u8, u8, u8)>, delete: Vec<(u8, u8)>, emit: Vec<Vec<u8>>, applied: bool },
    Truncate { percent: u64 },
    Kill,
    Drop,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    let event = || vec(any::<u8>(), 0..400);
    let put = vec((0..2_u8, 0..12_u8, any::<u8>()), 0..6);
    let delete = vec((0..2_u8, 0..12_u8), 0..4);
    let commit = (put, delete, vec(event(), 0..3), any::<bool>());
    prop_oneof![
        6 => vec(event(), 1..8).prop_map(Step::Append),
        6 => commit.prop_map(|(put, delete, emit, applied)| Step::Commit { put, delete, emit, applied }),
        1 => (0..=100_u64).prop_map(|percent| Step::Truncate { percent }),
        1 => Just(Step::Kill),
        1 => Just(Step::Drop),
        1 => Just(Step::Close),
    ]
}

#[derive(Default)]
struct Model {
    events: Vec<Bytes>,
    keys: BTreeMap<(u8, u8), u8>,
    applied: u64,
}

struct Run {
    dir: TempDir,
    partition: Option<Partition>,
    model: Model,
}

fn options() -> Options {
    Options { snapshot_every_bytes: 6000, ..small() }
}

impl Run {
    fn partition(&self) -> &Partition {
        self.partition.as_ref().unwrap()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append(new) => {
                let new: Vec<Bytes> = new.into_iter().map(Bytes::from).collect();
                let positions = run(self.partition().append(new.clone())).unwrap();
                assert_eq!(positions.first(), Some(Position(self.model.events.len() as u64 + 1)));
                self.model.events.extend(new);
            }
            Step::Commit { put, delete, emit, applied } => self.commit(&put, &delete, emit, applied),
            Step::Truncate { percent } => {
                let before = Position(self.model.events.len() as u64 * percent / 100);
                let tail = self.partition().tail();
                self.partition().truncate(before, None).unwrap();
                assert!(self.partition().tail() <= before.max(tail));
            }
            Step::Kill => {
                let copy = killed(self.dir.path());
                self.partition = Some(open(copy.path(), &options()));
                self.dir = copy;
            }
            Step::Drop => self.reopen(),
            Step::Close => {
                run(self.partition().close()).unwrap();
                self.reopen();
            }
        }
    }

    fn reopen(&mut self) {
        self.partition = None;
        self.partition = Some(open(self.dir.path(), &options()));
    }

    fn commit(&mut self, put: &[(u8, u8, u8)], delete: &[(u8, u8)], emit: Vec<Vec<u8>>, applied: bool) {
        let emit: Vec<Bytes> = emit.into_iter().map(Bytes::from).collect();
        let applied = applied.then_some(Position(self.model.events.len() as u64));
        let bytes = |byte: u8| Bytes::from(vec![byte]);
        let tx = Tx {
            applied,
            put: put.iter().map(|(space, key, value)| (Space(*space), bytes(*key), bytes(*value))).collect(),
            delete: delete.iter().map(|(space, key)| (Space(*space), bytes(*key))).collect(),
            emit: emit.clone(),
        };
        let committed = run(self.partition().commit(tx)).unwrap();
        assert_eq!(committed.emitted.len(), emit.len() as u64);
        self.model.events.extend(emit);
        self.model.applied = applied.map_or(self.model.applied, |position| position.0);
        for key in delete {
            self.model.keys.remove(key);
        }
        self.model.keys.extend(put.iter().map(|(space, key, value)| ((*space, *key), *value)));
    }

    fn check(&self) {
        let partition = self.partition();
        assert_eq!(partition.head().0, self.model.events.len() as u64);
        assert_eq!(partition.applied().0, self.model.applied);
        for space in 0..2 {
            let keys = self.model.keys.range((space, 0)..=(space, 255));
            let expected: Vec<_> = keys.map(|((_, key), value)| (vec![*key], vec![*value])).collect();
            let found = partition.scan(Space(space), b"");
            let found: Vec<_> = found.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
            assert_eq!(found, expected);
        }
        let tail = partition.tail().0;
        let expected = (1..).zip(self.model.events.iter().cloned()).filter(|(position, _)| *position >= tail);
        assert_eq!(events(partition), expected.collect::<Vec<_>>());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_partition_is_a_list_and_a_map(steps in vec(step(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let partition = Some(open(dir.path(), &options()));
        let mut run = Run { dir, partition, model: Model::default() };
        for step in steps {
            run.step(step);
            run.check();
        }
    }
}
