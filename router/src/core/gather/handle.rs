//! What somebody does to a group, with who, when and why.

use api::{GroupAction, HandlingRecord};

use super::groups::{Cause, End, Groups};
use super::sequences::Sequences;
use super::table::Slot;
use super::{Aggregator, Held, Scope, Site, release};

/// Records kept with a group; past it the oldest goes.
const HISTORY_MAX: usize = 100;
/// Names that somebody adds or drops, for one group.
const NAMES_MAX: usize = 10_000;
/// Groups ended at once, where all are to be; those left are ended in the next turn.
pub(crate) const ALL_AT_ONCE: usize = 1_024;
/// Stands for all open groups.
pub(crate) const ALL: &str = "*";
/// Open groups looked through for one that is named by its id.
const SEARCHED_MAX: usize = 20_000;

/// Why something was not done to a group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandleError {
    /// There is no such open group.
    #[error("aggregation `{aggregation}` has no open group `{group}`")]
    Unknown {
        /// The aggregation.
        aggregation: String,
        /// The key or id.
        group: String,
    },
    /// A key has several groups.
    #[error("key `{group}` has {count} open groups: name one by its id, {ids}")]
    Ambiguous {
        /// The key.
        group: String,
        /// How many.
        count: usize,
        /// Their ids.
        ids: String,
    },
    /// It cannot be done to this group.
    #[error("{0}")]
    Impossible(String),
}

impl Aggregator {
    /// Does something to a group, named by its key or its id, or to all of them. Returns to how many. A group whose key
    /// is the star that stands for all is named by its id.
    pub(crate) fn handle(
        &mut self,
        site: &mut Site<'_>,
        group: &str,
        record: &HandlingRecord,
    ) -> Result<u64, HandleError> {
        let mut scope = Scope { rule: &self.rule, ledger: &mut self.ledger, site };
        match &mut self.held {
            Held::Groups(groups) => groups.handle(&mut scope, group, record),
            Held::Sequences(sequences) => sequences.handle(&mut scope, group, record),
        }
    }
}

impl Groups {
    fn handle(
        &mut self,
        scope: &mut Scope<'_, '_>,
        group: &str,
        record: &HandlingRecord,
    ) -> Result<u64, HandleError> {
        let ends = matches!(record.action, GroupAction::Release | GroupAction::Discard);
        let found = self.named(scope, group, if ends { ALL_AT_ONCE } else { usize::MAX })?;
        let of_one = matches!(record.action, GroupAction::Expect { .. } | GroupAction::Unexpect { .. });
        if group == ALL && of_one {
            let reason = "a part is expected of one group, not of all at once".to_owned();
            return Err(HandleError::Impossible(reason));
        }
        let mut count = 0;
        for (slot, id) in found {
            if let Some(index) = self.index_of(slot, id) {
                self.act(scope, (slot, index, id), record)?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Returns where the groups are that are meant.
    fn named(
        &self,
        scope: &Scope<'_, '_>,
        group: &str,
        limit: usize,
    ) -> Result<Vec<(Slot, u64)>, HandleError> {
        if group == ALL {
            return Ok(self.ages.iter().map(|(_, slot, id)| (*slot, *id)).take(limit).collect());
        }
        if let Some(slot) = self.table.find(group)
            && let Some((key, keyed)) = self.table.get(slot)
            && !keyed.groups.is_empty()
        {
            if let [one] = keyed.groups.as_slice() {
                return Ok(vec![(slot, one.id)]);
            }
            let (bus, name) = (scope.site.bus, &scope.rule.name);
            let ids = keyed.groups.iter().map(|one| release::group_id(bus, name, key, one).to_string());
            let ids: Vec<String> = ids.take(10).collect();
            let count = keyed.groups.len();
            return Err(HandleError::Ambiguous { group: group.to_owned(), count, ids: ids.join(", ") });
        }
        self.by_id(scope.site.bus, &scope.rule.name, group).map(|found| vec![found]).ok_or_else(|| {
            HandleError::Unknown { aggregation: scope.rule.config.name.clone(), group: group.to_owned() }
        })
    }

    /// Finds an open group by its id, among the oldest ones.
    pub(super) fn by_id(&self, bus: &str, aggregation: &str, id: &str) -> Option<(Slot, u64)> {
        let wanted: uuid::Uuid = id.parse().ok()?;
        let is_it = |slot: Slot, place: u64| {
            let (key, keyed) = self.table.get(slot)?;
            let group = keyed.groups.iter().find(|group| group.id == place)?;
            (release::group_id(bus, aggregation, key, group) == wanted).then_some((slot, place))
        };
        self.ages.iter().take(SEARCHED_MAX).find_map(|(_, slot, place)| is_it(*slot, *place))
    }

    fn act(
        &mut self,
        scope: &mut Scope<'_, '_>,
        (slot, index, id): (Slot, usize, u64),
        record: &HandlingRecord,
    ) -> Result<(), HandleError> {
        let Some(group) = self.group_mut(slot, id) else { return Ok(()) };
        group.saved.dirty = true;
        let more = group.more_mut();
        let names = matches!(record.action, GroupAction::Expect { .. } | GroupAction::Unexpect { .. });
        if names && more.added.len() + more.dropped.len() >= NAMES_MAX {
            return Err(HandleError::Impossible(format!("{NAMES_MAX} names were changed before")));
        }
        if more.history.len() >= HISTORY_MAX {
            more.history.remove(0);
        }
        more.history.push(record.clone());
        match &record.action {
            GroupAction::Extend { by_ms } => {
                let extended = more.extended_ms.saturating_add(*by_ms);
                more.extended_ms = extended;
                group.warned &= *by_ms == 0;
            }
            GroupAction::Hold => group.held = true,
            GroupAction::LetGo => group.held = false,
            GroupAction::Expect { part } => {
                more.dropped.remove(part);
                more.added.insert(part.clone());
            }
            GroupAction::Unexpect { part } => {
                more.added.remove(part);
                more.dropped.insert(part.clone());
            }
            GroupAction::Release | GroupAction::Discard => {
                let is_release = record.action == GroupAction::Release;
                let (what, how) =
                    if is_release { ("released", End::Release(None)) } else { ("discarded", End::Discard) };
                let reason = format!("order: {what} by {}: {}", record.by, record.why);
                self.end(scope, (slot, index), &reason, how);
                self.touch(slot);
                self.tidy(slot);
                return Ok(());
            }
        }
        self.touch(slot);
        self.settle(scope, slot, Cause::Change);
        Ok(())
    }
}

impl Sequences {
    fn handle(
        &mut self,
        scope: &mut Scope<'_, '_>,
        group: &str,
        record: &HandlingRecord,
    ) -> Result<u64, HandleError> {
        let found = match self.table.find(group) {
            _ if group == ALL => {
                self.table.slots().filter(|slot| self.holds(*slot)).take(ALL_AT_ONCE).collect()
            }
            Some(slot) => vec![slot],
            None => {
                let aggregation = scope.rule.config.name.clone();
                return Err(HandleError::Unknown { aggregation, group: group.to_owned() });
            }
        };
        let Some(rule) = scope.rule.resequence() else { return Ok(0) };
        let count = found.len() as u64;
        for slot in found {
            match &record.action {
                GroupAction::Release => {
                    let reason = format!("order: released by {}: {}", record.by, record.why);
                    self.release(scope, slot, &reason);
                }
                GroupAction::Discard => self.discard(scope, slot),
                _ => {
                    let reason = "a sequence can be released or discarded, and nothing else".to_owned();
                    return Err(HandleError::Impossible(reason));
                }
            }
            if let Some((_, sequence)) = self.table.get_mut(slot) {
                let history = &mut sequence.head.history;
                history.push(record.clone());
                if history.len() > HISTORY_MAX {
                    history.remove(0);
                }
            }
            self.arm(rule, slot);
        }
        Ok(count)
    }
}
