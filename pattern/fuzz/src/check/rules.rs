//! A set of rules, and the same rules one by one.

use std::cell::RefCell;

use railpost_pattern::{Checked, EventError, Field, FieldValue, Input, Matcher, Pattern, Scratch};

use super::naive::{self, Event, Json};
use super::{fields, pattern};

/// A [`Matcher`] beside what it is made of.
#[derive(Default)]
pub(crate) struct Rules {
    matcher: Matcher<usize>,
    /// Used for every event, as callers do.
    scratch: RefCell<Scratch>,
    /// The keys in the order in which they were first inserted.
    keys: Vec<(usize, Vec<Both>)>,
}

/// A pattern as the engine holds it and as the judge does.
struct Both {
    pattern: Pattern,
    plain: naive::Pattern,
}

impl Rules {
    /// Returns a set without rules.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a pattern to a key, if it is one.
    pub(crate) fn insert(&mut self, key: usize, text: &str) {
        let (Some(pattern), Some(plain)) = (pattern(text), naive::Pattern::read(text)) else {
            return;
        };
        self.matcher.insert(key, pattern.clone());
        let both = Both { pattern, plain };
        match self.keys.iter_mut().find(|(other, _)| *other == key) {
            Some((_, patterns)) => patterns.push(both),
            None => self.keys.push((key, vec![both])),
        }
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, key: usize) {
        let there = self.keys.len();
        self.keys.retain(|(other, _)| *other != key);
        assert_eq!(self.matcher.remove(&key), self.keys.len() < there);
    }

    /// Inserts a key that is not there and removes it, so many times.
    pub(crate) fn churn(&mut self, key: usize, text: &str, times: usize) {
        if self.keys.iter().any(|(other, _)| *other == key) {
            return;
        }
        if let Some(pattern) = pattern(text) {
            for _ in 0..times {
                self.matcher.insert(key, pattern.clone());
                assert!(self.matcher.remove(&key));
            }
        }
    }

    /// Holds what the set and each of its patterns say of an event.
    pub(crate) fn check(&self, event: &[u8]) {
        let Some(plain) = Event::read(event) else {
            self.check_refused(event);
            return;
        };
        let fields = fields(&plain);
        let mut matching = Vec::new();
        for (key, patterns) in &self.keys {
            // Not `any`: every pattern is to be asked.
            if patterns.iter().filter(|both| both.check(event, &plain, &fields)).count() > 0 {
                matching.push(*key);
            }
        }
        self.check_forms(event, &fields, &matching);
    }

    /// Holds that the set says the same in whatever form it gets the event.
    fn check_forms(&self, event: &[u8], fields: &[Field<'_>], expected: &[usize]) {
        let accepted = |checked: Result<_, EventError>| {
            checked.unwrap_or_else(|error| panic!("{error}: {}", self.describe(event)))
        };
        let checked: Checked<'_> = accepted(Checked::event(event));
        let whole = std::str::from_utf8(checked.json()).ok().and_then(Json::read);
        assert!(matches!(whole, Some(Json::Object(_))), "{}", self.describe(event));

        let mut checked_fields = fields.to_vec();
        for field in &mut checked_fields {
            if let FieldValue::Json(json) = field.value {
                field.value = FieldValue::Checked(accepted(Checked::value(json)));
            }
        }
        let forms = [
            Input::Bytes(event),
            Input::Checked(checked),
            Input::Fields(fields),
            Input::Fields(&checked_fields),
        ];
        for form in forms {
            assert_eq!(self.ask(form).as_deref(), Ok(expected), "{form:?}\n{}", self.describe(event));
        }
        assert_eq!(self.matcher.matches(event).as_deref(), Ok(expected));
        assert_eq!(self.matcher.matches_fields(fields).as_deref(), Ok(expected));
    }

    fn check_refused(&self, event: &[u8]) {
        check_error(self.ask(Input::Bytes(event)), event);
        check_error(Checked::event(event), event);
        for both in self.keys.iter().flat_map(|(_, patterns)| patterns) {
            check_error(both.pattern.matches(event), event);
        }
    }

    /// Asks the set, which adds to what is in the list, and adds nothing where it refuses the event.
    fn ask(&self, event: Input<'_>) -> Result<Vec<usize>, EventError> {
        let mut keys = vec![usize::MAX];
        let answer = self.matcher.matches_into(event, &mut self.scratch.borrow_mut(), &mut keys);
        assert_eq!(keys.first(), Some(&usize::MAX));
        assert!(answer.is_ok() || keys.len() == 1);
        answer.map(|()| keys.split_off(1))
    }

    fn describe(&self, event: &[u8]) -> String {
        let lines = self.keys.iter().flat_map(|(key, patterns)| {
            patterns.iter().map(move |both| format!("\n{key}: {}", both.pattern.text()))
        });
        format!("{}{}", String::from_utf8_lossy(event), lines.collect::<String>())
    }
}

impl Both {
    /// Returns whether an event matches, after every way to ask agreed.
    fn check(&self, event: &[u8], plain: &Event<'_>, fields: &[Field<'_>]) -> bool {
        let answer = self.pattern.matches(event);
        let question = || format!("{}\n{}", self.pattern.text(), String::from_utf8_lossy(event));
        if let Some(expected) = self.plain.matches(plain) {
            assert_eq!(answer, Ok(expected), "{}", question());
        }
        assert_eq!(self.pattern.matches_fields(fields), answer, "{}", question());
        answer.unwrap_or_else(|error| panic!("{error}: {}", question()))
    }
}

/// Holds that an event was refused, at a byte it has or at its end.
fn check_error<T: std::fmt::Debug>(answer: Result<T, EventError>, event: &[u8]) {
    let text = String::from_utf8_lossy(event);
    match answer {
        Err(
            EventError::Malformed { field: None, offset, .. } | EventError::NotUtf8 { field: None, offset },
        ) => {
            assert!(offset <= event.len(), "byte {offset} of {text}");
        }
        Err(EventError::NotAnObject) => {}
        other => panic!("{other:?}, and no event: {text}"),
    }
}
