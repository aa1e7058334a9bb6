//! [`State`]: what the router said last, and what the user looks at.

use std::collections::{BTreeMap, VecDeque};

use api::{BusStatus, ConsumerStatus, DeadLetter, GroupStatus, Overview};
use event::Timestamp;
use ratatui::layout::Size;

use crate::detail::Detail;
use crate::handling::{Outcome, Prompt};
use crate::tail::Tail;
use crate::theme::Theme;

/// How many samples of a rate are kept; the oldest go.
pub(crate) const SAMPLES_MAX: usize = 240;

/// Everything the views draw from.
#[derive(Debug)]
pub(crate) struct State {
    /// The router's clock as well as it is known.
    pub(crate) now: Timestamp,
    /// The router's address.
    pub(crate) address: String,
    /// Whose name orders are given in.
    pub(crate) by: String,
    pub(crate) theme: Theme,
    /// The terminal's size.
    pub(crate) size: Size,
    pub(crate) link: Link,
    pub(crate) overview: Option<Overview>,
    /// Recent rates of buses and consumers, by [`bus_series`] and [`consumer_series`].
    pub(crate) samples: BTreeMap<String, VecDeque<f64>>,
    /// The selected consumer.
    pub(crate) consumers: Selection,
    pub(crate) groups: Groups,
    pub(crate) tail: Tail,
    pub(crate) detail: Option<Detail>,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) screen: Screen,
    /// The screen that leaving an event goes back to.
    pub(crate) came_from: Screen,
    /// How far the help is scrolled, while it is shown.
    pub(crate) help: Option<usize>,
}

/// Whether the router answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// Nothing has been heard yet.
    Connecting,
    /// The last question was answered.
    Up,
    /// The last question was not answered.
    Down {
        /// When the first of these failures was.
        since: Timestamp,
        /// The last failure.
        reason: String,
        /// How many questions failed in a row.
        tries: u32,
    },
}

/// The open groups and which of them is selected.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// None until the router has answered.
    pub(crate) rows: Option<Vec<GroupStatus>>,
    pub(crate) failure: Option<String>,
    pub(crate) selection: Selection,
    /// The selected part, while the parts have the keys.
    pub(crate) part: Option<usize>,
    /// What is about to be done to a group; while it is open it has the keys.
    pub(crate) prompt: Option<Prompt>,
    /// What came of the last order about a group.
    pub(crate) outcome: Option<Outcome>,
}

/// The dead letters and which of them is selected.
#[derive(Debug, Default)]
pub(crate) struct DeadLetters {
    /// None until the router has answered.
    pub(crate) rows: Option<Vec<DeadRow>>,
    pub(crate) failure: Option<String>,
    pub(crate) selection: Selection,
}

/// A dead letter with what is read from its event once.
#[derive(Clone, Debug)]
pub(crate) struct DeadRow {
    pub(crate) letter: DeadLetter,
    /// The event's `type`.
    pub(crate) event_type: String,
}

/// The screens in the order of their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Screen {
    #[default]
    Overview,
    Groups,
    Tail,
    Event,
    DeadLetters,
}

/// A way to move in a list or a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Motion {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

/// A selected row that stays the same thing when the list changes around it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) index: usize,
    identity: Option<String>,
}

impl State {
    pub(crate) fn new(address: &str, by: &str, theme: Theme, size: Size, now: Timestamp) -> Self {
        Self {
            now,
            address: address.to_owned(),
            by: by.to_owned(),
            theme,
            size,
            link: Link::Connecting,
            overview: None,
            samples: BTreeMap::new(),
            consumers: Selection::default(),
            groups: Groups::default(),
            tail: Tail::default(),
            detail: None,
            dead_letters: DeadLetters::default(),
            screen: Screen::default(),
            came_from: Screen::default(),
            help: None,
        }
    }

    /// Returns whether what is shown may be out of date.
    pub(crate) fn is_stale(&self) -> bool {
        matches!(self.link, Link::Down { .. })
    }

    /// Returns the consumers the router named last.
    pub(crate) fn consumer_rows(&self) -> &[ConsumerStatus] {
        self.overview.as_ref().map_or(&[], |overview| &overview.consumers)
    }

    /// Returns the dead letters the router named last.
    pub(crate) fn dead_rows(&self) -> &[DeadRow] {
        self.dead_letters.rows.as_deref().unwrap_or_default()
    }

    /// Returns about how many rows one page of a list has.
    pub(crate) fn page_rows(&self) -> usize {
        usize::from(self.size.height).saturating_sub(6).max(1)
    }

    /// Adds one sample to each series and forgets the series of what is gone.
    pub(crate) fn sample(&mut self, overview: &Overview) {
        let buses = overview.buses.iter().map(|bus| (bus_series(bus), bus.rate));
        let consumers = overview.consumers.iter().map(|consumer| (consumer_series(consumer), consumer.rate));
        let mut known = std::mem::take(&mut self.samples);
        for (name, rate) in buses.chain(consumers) {
            let mut series = known.remove(&name).unwrap_or_default();
            if series.len() >= SAMPLES_MAX {
                series.pop_front();
            }
            series.push_back(rate);
            self.samples.insert(name, series);
        }
    }
}

impl Groups {
    /// Returns the group under the cursor.
    pub(crate) fn selected(&self) -> Option<&GroupStatus> {
        self.rows.as_ref()?.get(self.selection.index)
    }
}

impl Screen {
    pub(crate) const ALL: [Self; 5] =
        [Self::Overview, Self::Groups, Self::Tail, Self::Event, Self::DeadLetters];

    /// Returns the screen's name on its tab.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Groups => "Groups",
            Self::Tail => "Tail",
            Self::Event => "Event",
            Self::DeadLetters => "Dead letters",
        }
    }

    /// Returns the screen `steps` further, around the end.
    pub(crate) fn turned(self, steps: usize) -> Self {
        let at = Self::ALL.iter().position(|screen| *screen == self).unwrap_or(0);
        Self::ALL[(at + steps) % Self::ALL.len()]
    }
}

impl Motion {
    /// Returns where `index` moves to among `count` rows.
    pub(crate) fn from(self, index: usize, count: usize, page: usize) -> usize {
        let last = count.saturating_sub(1);
        let to = match self {
            Self::Up => index.saturating_sub(1),
            Self::Down => index.saturating_add(1),
            Self::PageUp => index.saturating_sub(page),
            Self::PageDown => index.saturating_add(page),
            Self::First => 0,
            Self::Last => last,
        };
        to.min(last)
    }
}

impl Selection {
    /// Moves within `rows`.
    pub(crate) fn go<T>(&mut self, motion: Motion, page: usize, rows: &[T], identify: impl Fn(&T) -> String) {
        self.index = motion.from(self.index, rows.len(), page);
        self.hold(rows, identify);
    }

    /// Holds on to the row that is selected, wherever it moves.
    pub(crate) fn hold<T>(&mut self, rows: &[T], identify: impl Fn(&T) -> String) {
        self.identity = rows.get(self.index).map(identify);
    }

    /// Finds the selected row again after `rows` changed, the nearest one if it is gone; returns whether it was found.
    pub(crate) fn settle<T>(&mut self, rows: &[T], identify: impl Fn(&T) -> String) -> bool {
        let found = self
            .identity
            .as_ref()
            .and_then(|identity| rows.iter().position(|row| identify(row) == *identity));
        self.index = found.unwrap_or(self.index).min(rows.len().saturating_sub(1));
        if self.identity.is_some() {
            self.identity = rows.get(self.index).map(identify);
        }
        found.is_some()
    }
}

/// Returns the name of a bus's series of rates.
pub(crate) fn bus_series(bus: &BusStatus) -> String {
    format!("bus {}", bus.name)
}

/// Returns the name of a consumer's series of rates, which is also its identity.
pub(crate) fn consumer_series(consumer: &ConsumerStatus) -> String {
    format!("consumer {} {}", consumer.bus, consumer.name)
}

/// Returns what makes a group the same group in the next answer.
pub(crate) fn group_identity(group: &GroupStatus) -> String {
    format!("{} {}", group.aggregation, group.id)
}

/// Returns what makes a dead letter the same one in the next answer.
pub(crate) fn dead_identity(row: &DeadRow) -> String {
    format!("{} {} {}", row.letter.bus, row.letter.position, row.letter.consumer)
}
