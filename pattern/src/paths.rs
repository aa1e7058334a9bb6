//! The paths that patterns name, found step by step while an event is read.

/// A path that some pattern names.
pub(crate) type PathId = u32;

/// A place on the way to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

/// A tree of steps. A path's steps are what its dots separate, wherever the dots come from: `{"a.b": 1}` and
/// `{"a": {"b": 1}}` are the same field.
#[derive(Clone, Debug)]
pub(crate) struct PathIndex {
    nodes: Vec<Node>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    /// Sorted by name.
    children: Vec<(Box<str>, Place)>,
    path: Option<PathId>,
}

impl PathIndex {
    pub(crate) const ROOT: Place = Place(0);

    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()] }
    }

    /// Returns the path's id, which is `fresh` where the path is new.
    pub(crate) fn insert(&mut self, path: &str, fresh: PathId) -> PathId {
        let mut place = Self::ROOT;
        for step in path.split('.') {
            place = self.child_or_insert(place, step);
        }
        *self.nodes[place.0 as usize].path.get_or_insert(fresh)
    }

    /// Returns the place a name leads to, its dots taken as steps, if any pattern goes there.
    pub(crate) fn descend(&self, from: Place, name: &str) -> Option<Place> {
        if self.nodes[from.0 as usize].children.is_empty() {
            return None;
        }
        name.split('.').try_fold(from, |place, step| self.child(place, step))
    }

    /// Returns the path that ends at the place.
    pub(crate) fn path(&self, place: Place) -> Option<PathId> {
        self.nodes[place.0 as usize].path
    }

    fn child(&self, place: Place, step: &str) -> Option<Place> {
        let children = &self.nodes[place.0 as usize].children;
        let found = children.binary_search_by(|(name, _)| (**name).cmp(step));
        found.ok().map(|index| children[index].1)
    }

    fn child_or_insert(&mut self, place: Place, step: &str) -> Place {
        let fresh = Place(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let children = &mut self.nodes[place.0 as usize].children;
        match children.binary_search_by(|(name, _)| (**name).cmp(step)) {
            Ok(index) => children[index].1,
            Err(index) => {
                children.insert(index, (step.into(), fresh));
                self.nodes.push(Node::default());
                fresh
            }
        }
    }
}
