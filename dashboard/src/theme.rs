//! [`Theme`]: every colour and every mark in one place.

use api::{ConsumerStatus, Phase, Restraint};
use event::Timestamp;
use event::hop::{Outcome, Step, Verdict};
use ratatui::style::{Color, Modifier, Style};

use std::time::Duration;

/// The cursor before a selected row.
pub(crate) const CURSOR: &str = "\u{25b8}";
/// A filled mark.
pub(crate) const DOT: &str = "\u{25cf}";
/// A separator within a line.
pub(crate) const BETWEEN: &str = " \u{2502} ";
/// An arrow from a cause to an effect.
pub(crate) const ARROW: &str = "\u{2192}";
/// A bullet of a list.
pub(crate) const BULLET: &str = "\u{2022}";
/// A horizontal line.
pub(crate) const RULE: &str = "\u{2500}";
/// A filter or a field that holds.
pub(crate) const YES: &str = "\u{2713}";
/// One that does not.
pub(crate) const NO: &str = "\u{2717}";
/// What somebody keeps from going on.
pub(crate) const HELD: &str = "\u{2016}";
/// What takes longer than it should.
pub(crate) const SLOW: &str = "\u{25b2}";

/// A consumer whose oldest pending event is older than this has a backlog.
const BACKLOG_AGE: Duration = Duration::from_secs(2);

/// Whether there are colours, and which one means what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Theme {
    pub(crate) colours: bool,
}

/// How a consumer fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Fine,
    DeadLetters,
    Backlog,
    Failing,
    Restrained(Restraint),
}

impl Theme {
    /// Returns the theme for a value of the environment variable `NO_COLOR`.
    pub(crate) fn for_no_color(value: Option<&std::ffi::OsStr>) -> Self {
        Self { colours: value.is_none_or(std::ffi::OsStr::is_empty) }
    }

    pub(crate) fn plain() -> Style {
        Style::new()
    }

    pub(crate) fn strong() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(crate) fn faint(self) -> Style {
        self.painted(Color::DarkGray, Modifier::DIM)
    }

    pub(crate) fn fine(self) -> Style {
        self.painted(Color::Green, Modifier::empty())
    }

    pub(crate) fn warning(self) -> Style {
        self.painted(Color::Yellow, Modifier::BOLD)
    }

    pub(crate) fn failing(self) -> Style {
        self.painted(Color::Red, Modifier::BOLD)
    }

    pub(crate) fn accent(self) -> Style {
        self.painted(Color::Cyan, Modifier::empty())
    }

    pub(crate) fn special(self) -> Style {
        self.painted(Color::Magenta, Modifier::empty())
    }

    /// A title or the heads of columns.
    pub(crate) fn heading(self) -> Style {
        self.accent().add_modifier(Modifier::BOLD)
    }

    /// The row under the cursor; it hides the row's own colours so that it is legible on any ground.
    pub(crate) fn selected(self) -> Style {
        if self.colours {
            Style::new().fg(Color::Black).bg(Color::Cyan)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }

    /// A tab that is shown, a key in the footer, a banner.
    pub(crate) fn inverse(style: Style) -> Style {
        style.add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    /// What is out of date, over its own colours.
    pub(crate) fn stale(self) -> Style {
        self.painted(Color::DarkGray, Modifier::DIM).remove_modifier(Modifier::BOLD)
    }

    pub(crate) fn health(self, health: Health) -> Style {
        match health {
            Health::Fine => self.fine(),
            Health::Failing | Health::Restrained(Restraint::Stopped | Restraint::Open) => self.failing(),
            Health::DeadLetters | Health::Backlog | Health::Restrained(_) => self.warning(),
        }
    }

    pub(crate) fn phase(self, phase: Phase) -> Style {
        match phase {
            Phase::Running => self.fine(),
            Phase::Recovering | Phase::Draining => self.warning(),
            Phase::Failed => self.failing(),
        }
    }

    pub(crate) fn step(self, step: &Step) -> Style {
        match step {
            Step::Received { .. } | Step::Offered { outcome: Outcome::Added, .. } => self.accent(),
            Step::Matched { .. } => Self::plain(),
            Step::Gated { verdict: Verdict::Deliver, .. }
            | Step::Attempted { error: None, .. }
            | Step::Delivered { .. } => self.fine(),
            Step::Gated { verdict: Verdict::DeadLetter, .. } | Step::DeadLettered { .. } => self.failing(),
            Step::Gated { .. } | Step::Offered { .. } | Step::Attempted { .. } => self.warning(),
            Step::Released { .. } => self.special(),
        }
    }

    fn painted(self, colour: Color, otherwise: Modifier) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new().add_modifier(otherwise) }
    }
}

impl Health {
    pub(crate) fn of(consumer: &ConsumerStatus, now: Timestamp) -> Self {
        let is_old = |accepted: Timestamp| now.since(accepted) >= BACKLOG_AGE;
        if let Some(restraint) = consumer.restraint() {
            Self::Restrained(restraint)
        } else if consumer.last_error.is_some() || consumer.failure_rate > 0.0 {
            Self::Failing
        } else if consumer.pending > 0 && consumer.oldest_pending.is_some_and(is_old) {
            Self::Backlog
        } else if consumer.dead_lettered > 0 {
            Self::DeadLetters
        } else {
            Self::Fine
        }
    }

    /// Returns a mark that tells it without colours.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Fine => DOT,
            Self::DeadLetters => "!",
            Self::Backlog | Self::Restrained(Restraint::Slowed | Restraint::Held) => SLOW,
            Self::Failing | Self::Restrained(Restraint::Stopped | Restraint::Open) => NO,
            Self::Restrained(Restraint::Paused) => HELD,
        }
    }

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::DeadLetters => "has dead letters",
            Self::Backlog => "backlog",
            Self::Failing => "failing",
            Self::Restrained(restraint) => restraint.word(),
        }
    }
}

/// Returns a phase in a word.
pub(crate) fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Recovering => "recovering",
        Phase::Running => "running",
        Phase::Draining => "draining",
        Phase::Failed => "failed",
    }
}
