//! A pattern in the form that events are held against.

use crate::condition::Condition;
use crate::evaluate::Test;

/// A pattern's fields, and the combinations of them that match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Compiled {
    /// Every path the pattern names, dotted.
    pub(crate) paths: Vec<Box<str>>,
    pub(crate) rules: Vec<FieldRule>,
    pub(crate) branches: Vec<Branch>,
}

/// What one array in a pattern says about one field.
#[derive(Clone, Debug)]
pub(crate) struct FieldRule {
    /// An index into the pattern's paths.
    pub(crate) path: u32,
    pub(crate) conditions: Box<[Condition]>,
    /// Where each condition stands in the pattern's text.
    pub(crate) spans: Box<[(usize, usize)]>,
    /// Whether the rule also holds where the field has no value.
    pub(crate) absent: bool,
}

impl FieldRule {
    pub(crate) fn test(&self) -> Test<'_> {
        Test { path: self.path, conditions: &self.conditions, absent: self.absent }
    }
}

/// One combination that `$or` expands to: indices into the pattern's rules, sorted by path.
#[derive(Clone, Debug)]
pub(crate) struct Branch(pub(crate) Box<[u32]>);

impl Compiled {
    pub(crate) fn rules<'a>(
        &'a self,
        branch: &'a Branch,
    ) -> impl Iterator<Item = &'a FieldRule> + Clone + 'a {
        branch.0.iter().map(|index| &self.rules[*index as usize])
    }
}
