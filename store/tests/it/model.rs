//! An engine against the oracle, under random requests, with reclaiming, kills and reopening in between.

use proptest::{collection::vec, prelude::*};
use store::{Dedup, Local, Memory, NewEvent, Options, Partition, Position, Tx};
use tempfile::TempDir;

use crate::{
    killed, only_from, open,
    oracle::{Oracle, new_commit, new_event, seen},
    run, small,
};

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<NewEvent>),
    Commit(Tx),
    Reclaim { percent: u64 },
    Kill,
    Drop,
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => vec(new_event(), 1..8).prop_map(Step::Append),
        6 => new_commit().prop_map(Step::Commit),
        1 => (0..=100_u64).prop_map(|percent| Step::Reclaim { percent }),
        1 => Just(Step::Kill),
        1 => Just(Step::Drop),
        1 => Just(Step::Close),
    ]
}

fn options() -> Options {
    let dedup = Dedup { window_ms: 1000, keys_max: 20 };
    Options { snapshot_every_bytes: 6000, recent_bytes_max: 1000, dedup, ..small() }
}

/// An engine, as far as it can be killed and opened again.
enum Engine {
    Memory(Memory),
    Local(TempDir, Option<Local>),
}

impl Engine {
    fn partition(&self) -> &dyn Partition {
        match self {
            Self::Memory(memory) => memory,
            Self::Local(_, local) => local.as_ref().unwrap(),
        }
    }

    fn kill(&mut self) {
        if let Self::Local(dir, local) = self {
            let copy = killed(dir.path());
            *local = Some(open(copy.path(), &options()));
            *dir = copy;
        }
    }

    fn reopen(&mut self) {
        if let Self::Local(dir, local) = self {
            *local = None;
            *local = Some(open(dir.path(), &options()));
        }
    }

    fn step(&mut self, step: Step, oracle: &mut Oracle) {
        match step {
            Step::Append(new) => {
                let expected: Vec<_> = new.iter().map(|event| oracle.append(event.clone())).collect();
                assert_eq!(run(self.partition().append(new)).unwrap(), expected);
            }
            Step::Commit(tx) => {
                let committed = run(self.partition().commit(tx.clone())).unwrap();
                assert_eq!(committed.emitted.len(), tx.emit.len() as u64);
                oracle.commit(tx);
            }
            Step::Reclaim { percent } => {
                let from = oracle.head().0 * percent / 100;
                let tail = self.partition().tail();
                run(self.partition().reclaim(only_from(from))).unwrap();
                assert!(self.partition().tail() <= Position(from).max(tail));
            }
            Step::Kill => self.kill(),
            Step::Drop => self.reopen(),
            Step::Close => {
                if let Self::Local(..) = self {
                    run(self.partition().close()).unwrap();
                }
                self.reopen();
            }
        }
        let partition = self.partition();
        assert_eq!(partition.head(), oracle.head());
        assert_eq!(seen(partition), oracle.seen(partition.tail()));
    }
}

fn check(mut engine: Engine, steps: Vec<Step>) {
    let mut oracle = Oracle::new(options().dedup);
    for step in steps {
        engine.step(step, &mut oracle);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_directory_does_as_the_oracle(steps in vec(step(), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let local = open(dir.path(), &options());
        check(Engine::Local(dir, Some(local)), steps);
    }

    #[test]
    fn memory_does_as_the_oracle(steps in vec(step(), 1..60)) {
        check(Engine::Memory(Memory::new(options())), steps);
    }
}
