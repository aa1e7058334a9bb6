//! [`Detail`]: the event that is looked at.

use api::{DeadLetter, EventDetail};
use event::hop::Step;

/// One event, what the router said of it, and how far its screen is scrolled.
#[derive(Debug)]
pub(crate) struct Detail {
    /// The event's `id`, as asked for.
    pub(crate) id: String,
    pub(crate) answer: Answer,
    /// The dead letter it was opened from.
    pub(crate) dead_letter: Option<DeadLetter>,
    /// Lines above the screen.
    pub(crate) scroll: usize,
}

/// What is known of an event.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Nothing yet.
    Awaited,
    /// What the router said last.
    Known(Box<EventDetail>),
    /// Nothing, for this reason.
    Failed(String),
}

impl Detail {
    pub(crate) fn new(id: String, dead_letter: Option<DeadLetter>) -> Self {
        Self { id, answer: Answer::Awaited, dead_letter, scroll: 0 }
    }

    /// Takes an answer, its hops in the order of cause and effect; a failure does not replace what is known.
    pub(crate) fn take(&mut self, answer: Result<Box<EventDetail>, String>) {
        match answer {
            Ok(mut known) => {
                known.hops.sort_by_key(|hop| (!matches!(hop.step, Step::Received { .. }), hop.ended));
                self.answer = Answer::Known(known);
            }
            Err(_) if matches!(self.answer, Answer::Known(_)) => {}
            Err(reason) => self.answer = Answer::Failed(reason),
        }
    }
}
