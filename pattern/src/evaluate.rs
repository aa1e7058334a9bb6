//! Whether an event fulfils a combination of field conditions.

use std::sync::Arc;

use crate::alternatives::Alternatives;
use crate::compiled::{Branch, Compiled, FieldRule};
use crate::elements::Search;
use crate::flatten::Flattened;
use crate::paths::PathId;

/// What one field of an event must have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Test<'c> {
    pub(crate) path: PathId,
    pub(crate) alternatives: &'c Arc<Alternatives>,
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
            if !(test.may_be_absent() && in_element) {
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
    #[inline]
    pub(crate) fn holds(&self, event: Flattened<'_>) -> bool {
        if !event.has(self.path) {
            return self.may_be_absent();
        }
        // Most values are texts; to make a value of each first makes all of matching 5 % slower.
        event.at(self.path).any(|leaf| match event.text(leaf) {
            Some(text) => self.alternatives.accept_text(&text),
            None => self.alternatives.accept(&event.value(leaf)),
        })
    }

    /// Returns whether the field may have no value.
    pub(crate) fn may_be_absent(&self) -> bool {
        self.alternatives.may_be_absent()
    }
}
