//! An event, cut down to the values at the paths that some pattern names.

use std::iter;

use crate::checked::Checked;
use crate::error::EventError;
use crate::number;
use crate::paths::{PathId, PathIndex};
use crate::value::{FieldValue, Input, Literal, Number, Text, Value};
use crate::walk::Walk;

/// No leaf, no element.
const NONE: u32 = u32::MAX;

/// Numbers longer than this are looked through once, and not each time that a condition asks.
const LONG_NUMBER: usize = 32;

/// One array on the way to a value, and which of its elements leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Element {
    pub(crate) array: u32,
    pub(crate) index: u32,
}

/// The innermost element around a value, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Inside(u32);

impl Inside {
    pub(crate) const NOTHING: Self = Self(NONE);

    /// Returns which of the event's elements it is.
    pub(crate) fn index(self) -> Option<usize> {
        (self != Self::NOTHING).then_some(self.0 as usize)
    }
}

/// An element with the one around it, so that a deep event costs no more than its length.
#[derive(Clone, Copy, Debug)]
struct Nested {
    element: Element,
    around: Inside,
    /// How many elements are around it.
    depth: u32,
}

/// A value at a path that some pattern names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leaf {
    kind: Kind,
    /// Which of the event's parts it lies in, and where.
    part: u32,
    start: u32,
    end: u32,
    /// The next value at the same path.
    next: u32,
    inside: Inside,
    /// The double nearest to a number.
    nearest: Option<f64>,
    /// Whether that is known to be the number itself.
    kept: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    /// A string with escapes; `start` and `end` lie in the text without them.
    Unescaped,
    Number,
    Literal(Literal),
}

/// The values at one path.
#[derive(Clone, Copy, Debug)]
struct Values {
    /// The event that they are of; anything else is left over from one before.
    event: u32,
    first: u32,
    last: u32,
    /// Whether one of them lies in an element of an array, itself an object or an array.
    placed: bool,
}

/// The values of one event, in memory that serves the next event again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leaves {
    all: Vec<Leaf>,
    elements: Vec<Nested>,
    unescaped: String,
    /// By path.
    values: Vec<Values>,
    /// The paths at which there are values.
    named: Vec<PathId>,
    event: u32,
}

/// One event with its values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flattened<'e> {
    input: Input<'e>,
    leaves: &'e Leaves,
}

impl Leaves {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Makes room for the values of another event.
    pub(crate) fn start(&mut self, paths: &PathIndex) {
        self.event = self.event.wrapping_add(1);
        if self.event == 0 {
            self.values.clear();
            self.event = 1;
        }
        let never = Values { event: 0, first: NONE, last: NONE, placed: false };
        self.values.resize(self.values.len().max(paths.len()), never);
        self.all.clear();
        self.elements.clear();
        self.unescaped.clear();
        self.named.clear();
    }

    /// Adds an element and returns what it means to lie in it.
    pub(crate) fn element(&mut self, element: Element, around: Inside) -> Inside {
        let depth = self.elements.get(around.0 as usize).map_or(0, |outer| outer.depth + 1);
        self.elements.push(Nested { element, around, depth });
        Inside(offset(self.elements.len() - 1))
    }

    pub(crate) fn text(&mut self, path: PathId, place: Span, inside: Inside) {
        self.push(path, Leaf::new(Kind::Text, place, inside));
    }

    /// Adds the number that begins at `start` of the text; returns where it ends.
    pub(crate) fn number(
        &mut self,
        path: PathId,
        json: &[u8],
        (part, start): (u32, usize),
        inside: Inside,
    ) -> usize {
        let rest = json.get(start..).unwrap_or_default();
        let (mut nearest, length) = number::read(rest);
        let kept = length > LONG_NUMBER;
        if kept {
            nearest = nearest.filter(|nearest| number::keeps(&rest[..length], *nearest));
        }
        let end = start + length;
        let place = Span { part, start, end };
        self.push(path, Leaf { nearest, kept, ..Leaf::new(Kind::Number, place, inside) });
        end
    }

    pub(crate) fn literal(&mut self, path: PathId, literal: Literal, inside: Inside) {
        let nowhere = Span { part: 0, start: 0, end: 0 };
        self.push(path, Leaf::new(Kind::Literal(literal), nowhere, inside));
    }

    /// Adds a string whose escapes `write` replaces.
    pub(crate) fn unescaped(&mut self, path: PathId, write: impl FnOnce(&mut String), inside: Inside) {
        let start = self.unescaped.len();
        write(&mut self.unescaped);
        let place = Span { part: 0, start, end: self.unescaped.len() };
        self.push(path, Leaf::new(Kind::Unescaped, place, inside));
    }

    /// Returns at how many paths there are values.
    pub(crate) fn named(&self) -> usize {
        self.named.len()
    }

    fn push(&mut self, path: PathId, leaf: Leaf) {
        let fresh = offset(self.all.len());
        let values = &mut self.values[path as usize];
        if values.event == self.event {
            self.all[values.last as usize].next = fresh;
        } else {
            *values = Values { event: self.event, first: fresh, last: fresh, placed: false };
            self.named.push(path);
        }
        values.last = fresh;
        values.placed |= leaf.inside != Inside::NOTHING;
        self.all.push(leaf);
    }
}

/// Where a value lies: the part of the event, and the bytes in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) part: u32,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Leaf {
    fn new(kind: Kind, Span { part, start, end }: Span, inside: Inside) -> Self {
        let (start, end) = (offset(start), offset(end));
        Self { kind, part, start, end, next: NONE, inside, nearest: None, kept: false }
    }

    /// Returns the value's bytes, of the text it lies in.
    fn of<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn inside(&self) -> Inside {
        self.inside
    }
}

impl<'e> Flattened<'e> {
    /// Reads an event.
    ///
    /// # Errors
    ///
    /// Returns an error if the event, or one of its fields, is not JSON, whether a pattern looks there or not.
    pub(crate) fn read(
        input: Input<'e>,
        paths: &PathIndex,
        leaves: &'e mut Leaves,
        walk: &mut Walk,
    ) -> Result<Self, EventError> {
        leaves.start(paths);
        match input {
            Input::Bytes(event) => walk.event(Checked::proved(event)?, paths, leaves)?,
            Input::Checked(event) => walk.event(event, paths, leaves)?,
            Input::Fields(fields) => walk.fields(fields, paths, leaves)?,
        }
        Ok(Self { input, leaves })
    }

    /// Returns the values at a path, in the order of the event.
    pub(crate) fn at(self, path: PathId) -> impl Iterator<Item = &'e Leaf> + Clone {
        let leaves = self.leaves;
        let first = self.values(path).and_then(|values| leaves.all.get(values.first as usize));
        iter::successors(first, |leaf| leaves.all.get(leaf.next as usize))
    }

    /// Returns the paths at which there are values, in the order in which they came.
    pub(crate) fn named(self) -> &'e [PathId] {
        &self.leaves.named
    }

    /// Returns whether there is a value at the path.
    pub(crate) fn has(self, path: PathId) -> bool {
        self.values(path).is_some()
    }

    /// Returns whether there is more than one value at the path.
    pub(crate) fn has_many(self, path: PathId) -> bool {
        self.values(path).is_some_and(|values| values.first != values.last)
    }

    /// Returns whether a value at the path lies in an element of an array, itself an object or an array.
    pub(crate) fn is_placed(self, path: PathId) -> bool {
        self.values(path).is_some_and(|values| values.placed)
    }

    /// Returns whether any value does.
    pub(crate) fn has_elements(self) -> bool {
        !self.leaves.elements.is_empty()
    }

    pub(crate) fn value(self, leaf: &Leaf) -> Value<'e> {
        match (leaf.kind, self.text(leaf)) {
            (_, Some(text)) => Value::Text(text),
            (Kind::Literal(literal), None) => Value::Literal(literal),
            (_, None) => Value::Number(Number::known(self.part(leaf), leaf.nearest, leaf.kept)),
        }
    }

    /// Returns a string; none where the value is no string.
    #[inline]
    pub(crate) fn text(self, leaf: &Leaf) -> Option<Text<'e>> {
        match leaf.kind {
            Kind::Text => Some(Text::new(self.part(leaf))),
            Kind::Unescaped => Some(Text::new(leaf.of(self.leaves.unescaped.as_bytes()))),
            Kind::Number | Kind::Literal(_) => None,
        }
    }

    /// Returns the array elements around a value, the innermost first.
    pub(crate) fn elements(self, inside: Inside) -> impl Iterator<Item = Element> + 'e {
        let innermost = self.nested(inside);
        iter::successors(innermost, move |inner| self.nested(inner.around)).map(|nested| nested.element)
    }

    /// Returns whether no element around the one value lies beside one around the other in the same array.
    pub(crate) fn agree(self, one: Inside, other: Inside) -> bool {
        let (mut one, mut other) = (one, other);
        loop {
            let (Some(inner), Some(other_inner)) = (self.nested(one), self.nested(other)) else {
                return true;
            };
            if one == other {
                return true;
            }
            if inner.depth > other_inner.depth {
                one = inner.around;
            } else if inner.depth < other_inner.depth {
                other = other_inner.around;
            } else if inner.around == other_inner.around {
                return inner.element.array != other_inner.element.array;
            } else {
                (one, other) = (inner.around, other_inner.around);
            }
        }
    }

    /// Returns the array of an element.
    pub(crate) fn array_of(self, inside: Inside) -> Option<u32> {
        self.nested(inside).map(|nested| nested.element.array)
    }

    /// Returns the element of an array in which a value lies.
    pub(crate) fn element_in(self, inside: Inside, array: u32) -> Option<Inside> {
        let mut place = inside;
        while let Some(nested) = self.nested(place) {
            if nested.element.array == array {
                return Some(place);
            }
            place = nested.around;
        }
        None
    }

    /// Returns how many elements there are; an element comes behind the one around it.
    pub(crate) fn element_count(self) -> usize {
        self.leaves.elements.len()
    }

    /// Returns an element and the one around it.
    pub(crate) fn element_at(self, index: usize) -> (Element, Inside) {
        let nested = &self.leaves.elements[index];
        (nested.element, nested.around)
    }

    fn nested(self, inside: Inside) -> Option<&'e Nested> {
        self.leaves.elements.get(inside.0 as usize)
    }

    fn values(self, path: PathId) -> Option<&'e Values> {
        self.leaves.values.get(path as usize).filter(|values| values.event == self.leaves.event)
    }

    fn part(self, leaf: &Leaf) -> &'e [u8] {
        leaf.of(match self.input {
            Input::Bytes(json) => json,
            Input::Checked(checked) => checked.json(),
            Input::Fields(fields) => match fields[leaf.part as usize].value {
                FieldValue::Text(text) => text.as_bytes(),
                FieldValue::Json(json) => json,
                FieldValue::Checked(checked) => checked.json(),
            },
        })
    }
}

/// Events of 2^32 bytes are refused, and every leaf and element costs at least one.
fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NONE)
}
