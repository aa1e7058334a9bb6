//! The tests of all combinations, each held once however many rules make it.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::alternatives::Alternatives;
use crate::evaluate::Test;
use crate::paths::PathId;
use crate::short::hash;

/// Which of the tests.
pub(crate) type TestId = u32;

#[derive(Clone, Debug, Default)]
pub(crate) struct Tests {
    tests: Vec<Held>,
    by_text: HashTable<TestId>,
}

#[derive(Clone, Debug)]
struct Held {
    path: PathId,
    alternatives: Arc<Alternatives>,
    /// The conditions as a pattern writes them: tests of one path with one text are one test.
    text: Box<str>,
}

impl Tests {
    /// Returns the id of a test, whose conditions a pattern writes so.
    pub(crate) fn hold(&mut self, test: Test<'_>, written: &str) -> TestId {
        let is_it = |id: &TestId| {
            let held = &self.tests[*id as usize];
            held.path == test.path && *held.text == *written
        };
        let hashed = hash(written.as_bytes(), test.path.into());
        if let Some(id) = self.by_text.find(hashed, is_it) {
            return *id;
        }
        let fresh = TestId::try_from(self.tests.len()).unwrap_or(TestId::MAX);
        let alternatives = test.alternatives.clone();
        self.tests.push(Held { path: test.path, alternatives, text: written.into() });
        let tests = &self.tests;
        let rehash = |id: &TestId| {
            let held = &tests[*id as usize];
            hash(held.text.as_bytes(), held.path.into())
        };
        self.by_text.insert_unique(hashed, fresh, rehash);
        fresh
    }

    pub(crate) fn get(&self, id: TestId) -> Test<'_> {
        let held = &self.tests[id as usize];
        Test { path: held.path, alternatives: &held.alternatives }
    }

    /// Returns the conditions as a pattern writes them.
    pub(crate) fn text(&self, id: TestId) -> &str {
        &self.tests[id as usize].text
    }

    pub(crate) fn len(&self) -> usize {
        self.tests.len()
    }
}
