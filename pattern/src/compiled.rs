//! A pattern in the form that events are held against.

use std::sync::Arc;

use crate::alternatives::Alternatives;
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
    pub(crate) alternatives: Arc<Alternatives>,
    /// Where each of them stands in the pattern's text.
    pub(crate) spans: Box<[(usize, usize)]>,
}

impl FieldRule {
    pub(crate) fn test(&self) -> Test<'_> {
        Test { path: self.path, alternatives: &self.alternatives }
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
