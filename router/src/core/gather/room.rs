//! What an aggregation may hold, and what happens at a limit.

use super::Scope;
use super::group::{Group, Part};
use super::groups::{Cause, End, Groups, Keyed, scene};
use super::offer::Offered;
use super::place::{Place, Seek};
use super::rule::Rule;
use super::table::Slot;
use crate::config::AtLimit;
use event::hop::Outcome;

impl Groups {
    /// Makes room for one more group, or says why there is none.
    pub(super) fn make_room(&mut self, scope: &mut Scope<'_, '_>) -> Result<(), String> {
        let limits = scope.rule.config.limits;
        // Those whose time has come go first.
        while self.open_groups() >= limits.groups_max
            && let Some(slot) = self.table.woken(scope.site.now)
        {
            self.settle(scope, slot, Cause::Timer);
        }
        if self.open_groups() < limits.groups_max {
            return Ok(());
        }
        let reason = format!("limit: {} open groups", limits.groups_max);
        if limits.at_limit == AtLimit::Refuse {
            return Err(reason);
        }
        let Some((_, slot, id)) = self.ages.first().copied() else { return Ok(()) };
        if let Some(index) = self.index_of(slot, id) {
            self.end(scope, (slot, index), &reason, End::Release(None));
            self.tidy(slot);
        }
        Ok(())
    }

    /// Returns what an event must wait for: room in its open groups, if it is a part, and for those that it opens.
    pub(super) fn must_wait(&self, seek: &Seek<'_>, key: &str, is_part: bool) -> Option<String> {
        let (limits, name) = (seek.rule.config.limits, &seek.rule.name);
        let nothing = Keyed::default();
        let keyed = self.table.find(key).and_then(|slot| self.table.get(slot));
        let keyed = keyed.map_or(&nothing, |(_, keyed)| keyed);
        let mut new = 0;
        for window in seek.windows() {
            match seek.place(keyed, window) {
                Place::New(..) => new += 1,
                Place::Late(_) => {}
                Place::Open(id) => {
                    let group = keyed.groups.iter().find(|group| group.id == id);
                    if let Some(full) = group.filter(|group| is_part && is_full(group, seek.rule)) {
                        return Some(format!(
                            "group `{key}` of `{name}` is full ({})",
                            limit(full, seek.rule)
                        ));
                    }
                }
            }
        }
        let open = self.open_groups();
        (new > 0 && open > 0 && open + new > limits.groups_max)
            .then(|| format!("`{name}` has {open} open groups, and its limit is {}", limits.groups_max))
    }

    /// Releases a group that can take no more.
    pub(super) fn release_if_full(&mut self, scope: &mut Scope<'_, '_>, (slot, id): (Slot, u64)) {
        if scope.rule.config.limits.at_limit != AtLimit::Release {
            return;
        }
        let (Some((key, keyed)), Some(index)) = (self.table.get(slot), self.index_of(slot, id)) else {
            return;
        };
        let group = &keyed.groups[index];
        let scene = scene(scope.rule, key, group, keyed.watermark, scope.site.now);
        // What completes it as well says more.
        if is_full(group, scope.rule) && (group.held || !scope.rule.condition.is_met(&scene)) {
            let reason = limit(group, scope.rule);
            self.end(scope, (slot, index), &reason, End::Release(None));
        }
    }
}

/// Counts a part for which there is no room.
pub(super) fn refused(scope: &mut Scope<'_, '_>, reason: String) -> Offered {
    scope.ledger.discarded += 1;
    scope.ledger.refused += 1;
    Offered { outcome: Outcome::Refused, received: 0, expected: None, refused: Some(reason) }
}

/// Returns whether a group can take no more parts.
pub(super) fn is_full(group: &Group, rule: &Rule) -> bool {
    let limits = rule.config.limits;
    group.parts().len() >= limits.parts_max || group.bytes() >= limits.bytes_max
}

/// Returns whether a group is too full for a part, if it takes it in the place of another one.
pub(super) fn is_too_much(group: &Group, rule: &Rule, part: &Part, instead: Option<usize>) -> bool {
    let limits = rule.config.limits;
    let (count, bytes) = match instead {
        None => (group.parts().len(), group.bytes()),
        Some(place) => (0, group.bytes() - group.parts()[place].bytes()),
    };
    count >= limits.parts_max || (bytes + part.bytes() > limits.bytes_max && bytes > 0)
}

/// Returns which limit a group is at, in words.
pub(super) fn limit(group: &Group, rule: &Rule) -> String {
    let limits = rule.config.limits;
    if group.parts().len() >= limits.parts_max {
        format!("limit: {} parts a group", limits.parts_max)
    } else {
        format!("limit: {} bytes a group", limits.bytes_max)
    }
}
