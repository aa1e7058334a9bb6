//! Whether an event fulfils a combination of field conditions.

use crate::compiled::{Branch, Compiled, FieldRule};
use crate::condition::Condition;
use crate::elements::Search;
use crate::flatten::Flattened;
use crate::paths::PathId;

/// What one field of an event must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Test<'c> {
    pub(crate) path: PathId,
    pub(crate) conditions: &'c [Condition],
    /// Whether it also holds where the field has no value.
    pub(crate) absent: bool,
}

/// Returns whether the event fulfils any of the pattern's combinations.
///
/// The event was flattened by the pattern's own paths.
pub(crate) fn matches(compiled: &Compiled, event: Flattened<'_>, search: &mut Search) -> bool {
    compiled.branches.iter().any(|branch| branch_holds(compiled, branch, event, search))
}

/// Returns whether the event fulfils one combination.
///
/// Most events are decided field by field. Only where values of two fields lie in elements of arrays must a
/// choice of values be found of which no two lie in different elements of one array.
pub(crate) fn branch_holds(
    compiled: &Compiled,
    branch: &Branch,
    event: Flattened<'_>,
    search: &mut Search,
) -> bool {
    let mut placed = 0;
    let mut undecided = false;
    for test in compiled.rules(branch).map(FieldRule::test) {
        let in_element = event.is_placed(test.path);
        placed += usize::from(in_element);
        if !test.holds(event) {
            if !(test.absent && in_element) {
                return false;
            }
            undecided = true;
        }
    }
    if placed < 2 {
        return !undecided;
    }
    search.succeeds(compiled.rules(branch).map(FieldRule::test), event)
}

impl Test<'_> {
    /// Returns whether the field, taken alone, holds.
    pub(crate) fn holds(&self, event: Flattened<'_>) -> bool {
        if !event.has(self.path) {
            return self.absent;
        }
        event.at(self.path).any(|leaf| {
            let value = event.value(leaf);
            self.conditions.iter().any(|condition| condition.holds(&value))
        })
    }
}
