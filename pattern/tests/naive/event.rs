//! An event, cut into its values.

use super::json::Json;

/// An event: its values in the order of its text.
#[derive(Debug)]
pub(crate) struct Event<'e> {
    /// The top-level names, each with its value and that value's own text.
    pub(crate) members: Vec<(String, Json, &'e str)>,
    leaves: Vec<Leaf>,
}

/// A string, a number, `true`, `false` or `null` in an event.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// The names on the way to it, joined by dots.
    pub(crate) path: String,
    pub(crate) value: Json,
    /// The elements that it lies in, of those arrays whose element is an object or an array.
    pub(crate) elements: Vec<Element>,
}

/// An element of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// Which of the event's arrays it is.
    array: usize,
    index: usize,
}

impl Element {
    /// Returns whether both lie in one array, and not in the same place.
    pub(crate) fn is_beside(self, other: Self) -> bool {
        self.array == other.array && self.index != other.index
    }
}

impl<'e> Event<'e> {
    /// Reads an event; none where the bytes do not start with a JSON object in UTF-8.
    pub(crate) fn read(bytes: &'e [u8]) -> Option<Self> {
        let mut members = Vec::new();
        let text = bytes.utf8_chunks().next()?.valid();
        for (name, text) in Json::read_object(text)? {
            members.push((name, Json::read(text)?, text));
        }
        let mut walk = Walk { leaves: Vec::new(), arrays: 0 };
        for (name, value, _) in &members {
            walk.value(name, value, &[]);
        }
        Some(Self { members, leaves: walk.leaves })
    }

    /// Returns the values at a path.
    pub(crate) fn at(&self, path: &str) -> impl Iterator<Item = &Leaf> {
        self.leaves.iter().filter(move |leaf| leaf.path == path)
    }
}

struct Walk {
    leaves: Vec<Leaf>,
    arrays: usize,
}

impl Walk {
    fn value(&mut self, path: &str, value: &Json, elements: &[Element]) {
        match value {
            Json::Object(members) => {
                for (name, value) in members {
                    self.value(&format!("{path}.{name}"), value, elements);
                }
            }
            Json::List(values) => {
                let array = self.arrays;
                self.arrays += 1;
                for (index, value) in values.iter().enumerate() {
                    let mut inside = elements.to_vec();
                    if matches!(value, Json::Object(_) | Json::List(_)) {
                        inside.push(Element { array, index });
                    }
                    self.value(path, value, &inside);
                }
            }
            plain => {
                let elements = elements.to_vec();
                self.leaves.push(Leaf { path: path.to_owned(), value: plain.clone(), elements });
            }
        }
    }
}
