//! The paths that patterns name, found step by step while an event is read.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::short::Short;

/// A path that some pattern names.
pub(crate) type PathId = u32;

/// A place on the way to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

/// How many names below a place are compared one by one.
const FEW: usize = 8;
/// Names from this length on are not told apart by their length.
const LENGTH_MAX: usize = 63;

/// A tree of steps. A path's steps are what its dots separate, wherever the dots come from: `{"a.b": 1}` and
/// `{"a": {"b": 1}}` are the same field.
#[derive(Clone, Debug)]
pub(crate) struct PathIndex {
    nodes: Vec<Node>,
    texts: Vec<Box<str>>,
}

#[derive(Clone, Debug, Default)]
struct Node {
    children: Children,
    /// How long the children's names are, as bits; the last stands for all beyond.
    lengths: u64,
    path: Option<PathId>,
}

#[derive(Clone, Debug)]
enum Children {
    Few(Vec<Child>),
    Many(HashMap<Box<str>, Place, FixedState>),
}

#[derive(Clone, Debug)]
struct Child {
    name: Box<str>,
    /// The name, where it is short.
    short: Option<Short>,
    place: Place,
}

impl PathIndex {
    pub(crate) const ROOT: Place = Place(0);

    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::default()], texts: Vec::new() }
    }

    /// Returns how many paths there are; their ids are the numbers below it.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Returns the path's id.
    pub(crate) fn insert(&mut self, path: &str) -> PathId {
        let mut place = Self::ROOT;
        for step in path.split('.') {
            place = self.child_or_insert(place, step);
        }
        *self.nodes[place.0 as usize].path.get_or_insert_with(|| {
            self.texts.push(path.into());
            PathId::try_from(self.texts.len() - 1).unwrap_or(PathId::MAX)
        })
    }

    /// Returns the paths by their ids.
    pub(crate) fn texts(&self) -> &[Box<str>] {
        &self.texts
    }

    /// Returns the place a name leads to, its dots taken as steps, if any pattern goes there.
    pub(crate) fn descend(&self, from: Place, name: &[u8]) -> Option<Place> {
        let found = self.child(from, name);
        if found.is_some() || !self.leads_on(from) || !name.contains(&b'.') {
            return found;
        }
        name.split(|byte| *byte == b'.').try_fold(from, |place, step| self.child(place, step))
    }

    /// Returns the path that ends at the place.
    pub(crate) fn path(&self, place: Place) -> Option<PathId> {
        self.nodes[place.0 as usize].path
    }

    /// Returns whether any path goes on from the place.
    pub(crate) fn leads_on(&self, place: Place) -> bool {
        match &self.nodes[place.0 as usize].children {
            Children::Few(children) => !children.is_empty(),
            Children::Many(_) => true,
        }
    }

    /// Returns the place a name without dots leads to, if any pattern goes there.
    #[inline]
    pub(crate) fn child(&self, place: Place, step: &[u8]) -> Option<Place> {
        let node = &self.nodes[place.0 as usize];
        if node.lengths >> step.len().min(LENGTH_MAX) & 1 == 0 { None } else { node.children.get(step) }
    }

    fn child_or_insert(&mut self, place: Place, step: &str) -> Place {
        if let Some(child) = self.child(place, step.as_bytes()) {
            return child;
        }
        let fresh = Place(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let node = &mut self.nodes[place.0 as usize];
        node.children.insert(step, fresh);
        node.lengths |= 1 << step.len().min(LENGTH_MAX);
        self.nodes.push(Node::default());
        fresh
    }
}

impl Children {
    fn get(&self, step: &[u8]) -> Option<Place> {
        match self {
            Self::Few(children) => {
                let short = Short::of(step);
                let is_it = |child: &&Child| {
                    child.name.len() == step.len()
                        && if short.is_some() { child.short == short } else { child.name.as_bytes() == step }
                };
                children.iter().find(is_it).map(|child| child.place)
            }
            Self::Many(children) => {
                std::str::from_utf8(step).ok().and_then(|step| children.get(step)).copied()
            }
        }
    }

    fn insert(&mut self, step: &str, place: Place) {
        match self {
            Self::Many(children) => {
                children.insert(step.into(), place);
            }
            Self::Few(children) => {
                children.push(Child { name: step.into(), short: Short::of(step.as_bytes()), place });
                if children.len() > FEW {
                    *self = Self::Many(children.drain(..).map(|child| (child.name, child.place)).collect());
                }
            }
        }
    }
}

impl Default for Children {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}
