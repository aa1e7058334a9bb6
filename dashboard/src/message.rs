//! [`Message`]: what can happen. [`Command`]: what an update asks for in return.

use api::{DeadLetter, EventDetail, GroupOrder, GroupStatus, Overview};
use crossterm::event::KeyEvent;
use event::{Hop, Timestamp};
use ratatui::layout::Size;

/// One thing that happened.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    /// Time passed: this is the router's clock as well as it is known.
    Tick(Timestamp),
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted.
    Pasted(String),
    /// The terminal has this size now.
    Resized(Size),
    /// The router's state at a glance, or why it is not known.
    Overview(Result<Overview, String>),
    /// The open groups, or why they are not known.
    Groups(Result<Vec<GroupStatus>, String>),
    /// To how many groups the order was done, or why it is not known to be.
    Handled(Result<u64, String>),
    /// The dead letters, or why they are not known.
    DeadLetters(Result<Vec<DeadLetter>, String>),
    /// One event, or why it is not known.
    Event {
        /// The id asked for.
        id: String,
        /// The answer.
        answer: Result<Box<EventDetail>, String>,
    },
    /// The tail starts anew; the first hops may be known already.
    TailOpened,
    /// Hops happened.
    Hops(Vec<Hop>),
    /// The tail broke off.
    TailLost(String),
}

/// What an update asks of the loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Leave.
    Quit,
    /// Ask the router.
    Ask(Vec<Question>),
    /// Send the router an order about a group. There is one at a time.
    Order(GroupOrder),
}

/// One request to the router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Its state at a glance.
    Overview,
    /// Its open groups.
    Groups,
    /// Its newest dead letters.
    DeadLetters,
    /// The event of this id.
    Event(String),
}
