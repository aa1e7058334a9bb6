//! [`Place`]: where an event belongs among the groups of its key.

use event::Timestamp;

use super::group::{Group, Span};
use super::groups::Keyed;
use super::rule::Rule;
use super::time::windows;

/// Where an event belongs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// In an open group.
    Open(u64),
    /// In a group that is to be opened.
    New(u64, Option<Span>),
    /// In a group that has ended; maybe the one with that place in the order.
    Late(Option<u64>),
}

/// What places are found by.
#[derive(Clone, Copy)]
pub(super) struct Seek<'r> {
    pub(super) rule: &'r Rule,
    /// The log's time.
    pub(super) now: Timestamp,
    /// Where the event stands.
    pub(super) position: u64,
    /// Its time, by the clock that counts.
    pub(super) at: Timestamp,
}

impl Seek<'_> {
    /// Returns the windows that an event is in, the earliest first; no window where groups have none.
    pub(super) fn windows(&self) -> Vec<Option<Span>> {
        match &self.rule.window {
            Some(window) => windows(window, self.at).into_iter().map(Some).collect(),
            None => vec![None],
        }
    }

    /// Returns where an event belongs, in one of its windows.
    pub(super) fn place(&self, keyed: &Keyed, window: Option<Span>) -> Place {
        match window {
            Some(window) => self.in_window(keyed, window),
            None if self.rule.session.is_some() => self.in_session(keyed),
            None => match (keyed.groups.first(), keyed.ended.last()) {
                (Some(group), _) => Place::Open(group.id),
                // What was discarded was no release that a part could have missed.
                (None, Some(ended)) if self.rule.knows_late() && ended.released => {
                    Place::Late(Some(ended.order))
                }
                (None, _) => Place::New(self.position, None),
            },
        }
    }

    fn in_window(&self, keyed: &Keyed, window: Span) -> Place {
        let id = window.start.as_micros().cast_unsigned();
        if keyed.groups.iter().any(|group| group.id == id) {
            return Place::Open(id);
        }
        if !self.rule.knows_late() {
            return Place::New(id, Some(window));
        }
        let ended = keyed.ended.iter().rfind(|ended| ended.window == Some(window));
        let lateness = self.rule.window.map(|window| window.lateness).unwrap_or_default();
        let over = keyed.watermark.over(window.end.after(lateness), &self.rule.config.time);
        match ended {
            Some(ended) if ended.released => Place::Late(Some(ended.order)),
            None if over <= self.now => Place::Late(None),
            Some(_) | None => Place::New(id, Some(window)),
        }
    }

    fn in_session(&self, keyed: &Keyed) -> Place {
        if let Some(group) = keyed.groups.iter().find(|group| self.is_near(group.times)) {
            return Place::Open(group.id);
        }
        let gap = self.rule.session.unwrap_or_default();
        let ended = keyed.ended.iter().rfind(|ended| self.is_near(ended.times));
        if ended.is_some_and(|ended| !ended.released) {
            return Place::New(self.position, None);
        }
        let ended = ended.map(|ended| ended.order);
        let over = keyed.watermark.over(self.at.after(gap), &self.rule.config.time);
        let is_late = self.rule.knows_late() && (ended.is_some() || over <= self.now);
        if is_late { Place::Late(ended) } else { Place::New(self.position, None) }
    }

    /// Returns whether an event is within a gap of a session.
    pub(super) fn is_near(&self, times: Option<Span>) -> bool {
        let gap = self.rule.session.unwrap_or_default();
        times.is_some_and(|times| self.at.after(gap) > times.start && times.end.after(gap) > self.at)
    }

    /// Takes the sessions out that an event is within a gap of as well, beside the first one.
    pub(super) fn bridged(&self, groups: &mut Vec<Group>) -> Vec<Group> {
        let mut is_first = true;
        let mut others = Vec::new();
        let mut at = 0;
        while let Some(group) = groups.get(at) {
            if self.is_near(group.times) && !std::mem::take(&mut is_first) {
                others.push(groups.remove(at));
            } else {
                at += 1;
            }
        }
        others
    }
}
