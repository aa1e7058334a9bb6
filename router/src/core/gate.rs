//! [`Gate`]: the schema check for one consumer.

use event::hop::{Failure, Verdict};
use event::{Step, Text};

use super::action::Action;
use super::facts::Facts;
use crate::config::Otherwise;

/// A consumer's schema and what becomes of an event that does not follow it.
pub(crate) struct Gate {
    schema: schemas::Schema,
    otherwise: Otherwise,
}

impl Gate {
    /// Returns a gate that lets through what follows the schema.
    pub(crate) fn new(schema: schemas::Schema, otherwise: Otherwise) -> Self {
        Self { schema, otherwise }
    }

    /// Returns the schema's name and version.
    pub(crate) fn schema(&self) -> &str {
        self.schema.name()
    }

    /// Returns where and why an event does not follow the schema.
    pub(crate) fn failure(&self, facts: &Facts<'_>) -> Option<Failure> {
        let payload = match facts.payload() {
            Ok(payload) => payload,
            Err(reason) => return Some(Failure { path: String::new(), reason: reason.to_owned() }),
        };
        let violation = self.schema.check(payload).err()?;
        Some(Failure { path: violation.path, reason: violation.reason })
    }

    /// Decides about one event for one consumer.
    pub(crate) fn ask(&self, consumer: usize, name: &Text, facts: &Facts<'_>) -> (Action, Step) {
        let failure = self.failure(facts);
        let (action, verdict) = match (&failure, self.otherwise) {
            (None, _) => (Action::Deliver { consumer }, Verdict::Deliver),
            (Some(_), Otherwise::Skip) => (Action::Drop, Verdict::Skip),
            (Some(failure), Otherwise::DeadLetter) => {
                (Action::DeadLetter { consumer, reason: self.refusal(failure) }, Verdict::DeadLetter)
            }
        };
        let schema = self.schema().to_owned();
        (action, Step::Gated { consumer: Text::clone(name), schema, verdict, failure })
    }

    /// Returns a refusal in words: the schema, the path, the reason.
    pub(crate) fn refusal(&self, failure: &Failure) -> String {
        let path = if failure.path.is_empty() { "the payload" } else { failure.path.as_str() };
        format!("schema {} refuses {path}: {}", self.schema(), failure.reason)
    }
}
