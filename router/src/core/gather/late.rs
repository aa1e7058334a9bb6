//! What becomes of a part whose group has ended.

use event::hop::Outcome;

use super::group::Span;
use super::groups::{Groups, UNSAVED_MIN};
use super::offer::{Offer, Offered, note};
use super::release::Telling;
use super::table::Slot;
use super::{Scope, aside, room};
use crate::config::Late;

impl Groups {
    /// Takes a part whose group has ended: the one with that place in the order, or of that window.
    pub(super) fn add_late(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, order, window): (Slot, Option<u64>, Option<Span>),
        offer: &Offer<'_, '_>,
    ) -> Offered {
        scope.ledger.late += 1;
        match scope.rule.config.late {
            Late::Amend => self.amend(scope, (slot, order), offer),
            Late::Side => {
                let part = self.part(scope.rule, offer);
                if let Some((key, keyed)) = self.table.get(slot) {
                    let ended = keyed.ended.iter().find(|ended| Some(ended.order) == order);
                    aside::late(scope, key, (&part, offer), (ended, window));
                }
            }
            Late::Discard | Late::NewGroup => {}
        }
        Offered { outcome: Outcome::Late, received: 0, expected: None, refused: None }
    }

    /// Releases an ended group again with a part that came late.
    fn amend(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, order): (Slot, Option<u64>),
        offer: &Offer<'_, '_>,
    ) {
        let part = self.part(scope.rule, offer);
        let Some((key, keyed)) = self.table.get_mut(slot) else { return };
        let (key, watermark) = (key.clone(), keyed.watermark);
        let Some(ended) = keyed.ended.iter_mut().find(|ended| Some(ended.order) == order) else { return };
        let Some(group) = &mut ended.kept else { return };
        if group.holds(&part.name) || room::is_too_much(group, scope.rule, &part, None) {
            return;
        }
        group.more_mut().late.push(part.name.clone());
        note(scope, group, &part, offer);
        group.add(part);
        ended.times = group.times;
        ended.revisions += 1;
        ended.saved = false;
        let (order, bytes) = (ended.order, group.bytes());
        let (group, revision) = (group.as_ref().clone(), ended.revisions);
        let reason = format!("late: part {} came after the release", offer.name.unwrap_or_default());
        scope.ledger.amended += 1;
        scope.ledger.revisions += 1;
        self.say(scope, (&key, &group, watermark), &reason, Telling::Revision(revision));
        self.note_kept(order, bytes);
        self.unsaved += UNSAVED_MIN + bytes.min(UNSAVED_MIN);
        self.touch(slot);
    }
}
