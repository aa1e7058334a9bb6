//! [`Ended`]: how a group ended, for those who ask and for parts that come late.

use api::{GroupEnd, HandlingRecord};
use event::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::{Group, Span};
use super::time::Watermark;

/// How a group ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// Its place in the order in which groups of its aggregation ended.
    pub(crate) order: u64,
    pub(crate) id: u64,
    pub(crate) first: u64,
    pub(crate) window: Option<Span>,
    pub(crate) times: Option<Span>,
    pub(crate) opened: Timestamp,
    pub(crate) at: Timestamp,
    /// Whether it was released, or else discarded.
    pub(crate) released: bool,
    pub(crate) reason: String,
    pub(crate) revisions: u32,
    watermark: Option<(Timestamp, Timestamp)>,
    #[serde(with = "super::codec::json_text")]
    pub(crate) history: Vec<HandlingRecord>,
    /// The group itself, where a late part may amend it. It stays saved as it was.
    #[serde(skip)]
    pub(crate) kept: Option<Box<Group>>,
    /// Whether it is saved as it is.
    #[serde(skip)]
    pub(crate) saved: bool,
    /// Whether it is saved at all.
    #[serde(skip)]
    pub(crate) on_disk: bool,
}

impl Ended {
    /// Takes note of how a group ended.
    pub(crate) fn new(order: u64, group: &Group, watermark: Watermark, how: (Timestamp, bool, &str)) -> Self {
        let (at, released, reason) = how;
        Self {
            order,
            id: group.id,
            first: group.first,
            window: group.window,
            times: group.times,
            opened: group.opened,
            at,
            released,
            reason: reason.to_owned(),
            revisions: 0,
            watermark: watermark.to_save(),
            history: group.more.as_ref().map(|more| more.history.clone()).unwrap_or_default(),
            kept: None,
            saved: false,
            on_disk: false,
        }
    }

    /// Returns how far its key's events had come.
    pub(crate) fn watermark(&self) -> Watermark {
        Watermark::restored(self.watermark)
    }

    /// Takes note of how far its key's events have come since.
    pub(crate) fn came_to(&mut self, watermark: Watermark) {
        self.watermark = watermark.to_save();
        self.saved = false;
    }

    /// Returns it as others see it.
    pub(crate) fn status(&self) -> GroupEnd {
        GroupEnd {
            at: self.at,
            released: self.released,
            reason: self.reason.clone(),
            revisions: self.revisions,
        }
    }
}
