//! The engine under measurement, and the two forms in which it is given events.

use anyhow::{Context, Result};
use railpost_pattern::{Checked, Input, Matcher, Scratch};

/// A set of rules with what it reuses from event to event.
pub(crate) struct Railpost {
    pub(crate) matcher: Matcher<u32>,
    scratch: Scratch,
    keys: Vec<u32>,
}

/// The same events in both forms.
pub(crate) struct Events<'e> {
    pub(crate) bytes: Vec<&'e [u8]>,
    checked: Vec<Checked<'e>>,
}

/// How an event is given.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// As it came: it is checked from end to end while it is matched.
    Bytes,
    /// Known to be well-formed: that was found out before, and is not in the time.
    Checked,
}

impl<'e> Events<'e> {
    /// Checks the events.
    ///
    /// # Errors
    ///
    /// Returns an error that names the first event that is not a JSON object.
    pub(crate) fn new(bytes: Vec<&'e [u8]>) -> Result<Self> {
        let check = |(number, event): (usize, &&'e [u8])| {
            Checked::event(event).with_context(|| format!("event {number} cannot be read"))
        };
        let checked = bytes.iter().enumerate().map(check).collect::<Result<_>>()?;
        Ok(Self { bytes, checked })
    }
}

impl Railpost {
    /// Returns an engine without rules.
    pub(crate) fn new() -> Self {
        Self { matcher: Matcher::new(), scratch: Scratch::new(), keys: Vec::new() }
    }

    /// Matches every event once; counts the matches of each rule, whose key is its index.
    ///
    /// # Errors
    ///
    /// Returns an error if an event is not a JSON object.
    pub(crate) fn pass(&mut self, events: &Events<'_>, form: Form, counts: &mut [u64]) -> Result<()> {
        match form {
            Form::Bytes => self.run(events.bytes.iter().map(|event| Input::Bytes(event)), counts),
            Form::Checked => self.run(events.checked.iter().map(|event| Input::Checked(*event)), counts),
        }
    }

    fn run<'i>(&mut self, events: impl Iterator<Item = Input<'i>>, counts: &mut [u64]) -> Result<()> {
        for event in events {
            self.keys.clear();
            self.matcher.matches_into(event, &mut self.scratch, &mut self.keys)?;
            for key in &self.keys {
                counts[*key as usize] += 1;
            }
        }
        Ok(())
    }
}
