//! An event, cut down to the values at the paths that some pattern names.

use std::{iter, str};

use crate::error::EventError;
use crate::json::{Reader, SyntaxError, Token};
use crate::paths::{PathId, PathIndex, Place};
use crate::value::{Field, FieldValue, Literal, Value};

/// One array on the way to a value, and which of its elements leads there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Element {
    pub(crate) array: u32,
    pub(crate) index: u32,
}

impl Element {
    /// Returns the element and goes on to the next of its array.
    fn take(&mut self) -> Self {
        let element = *self;
        self.index += 1;
        element
    }
}

/// An element with the one around it, so that a deep event costs no more than its length.
#[derive(Clone, Copy, Debug)]
struct Nested {
    element: Element,
    around: Option<u32>,
}

#[derive(Debug)]
pub(crate) struct Leaf<'e> {
    path: PathId,
    pub(crate) value: Value<'e>,
    /// The innermost element around the value.
    inside: Option<u32>,
}

/// The values an event has at the paths that some pattern names.
#[derive(Debug)]
pub(crate) struct Flattened<'e> {
    /// Sorted by path; values of one path in the order of the event.
    leaves: Vec<Leaf<'e>>,
    elements: Vec<Nested>,
}

impl<'e> Flattened<'e> {
    /// Reads a whole event.
    pub(crate) fn of_event(event: &'e [u8], paths: &PathIndex) -> Result<Self, EventError> {
        let text = utf8(event, None)?;
        let mut flattener = Flattener::new(paths);
        let mut reader = Reader::new(text);
        flattener.event(&mut reader)?.map_err(|error| EventError::malformed(None, &error))?;
        Ok(flattener.finish())
    }

    /// Reads an event whose top-level fields come apart.
    pub(crate) fn of_fields(fields: &[Field<'e>], paths: &PathIndex) -> Result<Self, EventError> {
        let mut flattener = Flattener::new(paths);
        for field in fields {
            let place = paths.descend(PathIndex::ROOT, field.name);
            match field.value {
                FieldValue::Text(text) => flattener.leaf(place, || Value::Text(text.into())),
                FieldValue::Json(json) => {
                    let mut reader = Reader::new(utf8(json, Some(field.name))?);
                    let read = flattener.whole_value(&mut reader, place);
                    read.map_err(|error| EventError::malformed(Some(field.name), &error))?;
                }
            }
        }
        Ok(flattener.finish())
    }

    /// Returns the values at a path.
    pub(crate) fn at(&self, path: PathId) -> &[Leaf<'e>] {
        let start = self.leaves.partition_point(|leaf| leaf.path < path);
        let count = self.leaves[start..].partition_point(|leaf| leaf.path == path);
        &self.leaves[start..start + count]
    }

    /// Returns the array elements a value lies in, the innermost first.
    pub(crate) fn elements(&self, leaf: &Leaf<'_>) -> impl Iterator<Item = Element> + '_ {
        let nested = |index: u32| self.elements.get(index as usize);
        let innermost = leaf.inside.and_then(nested);
        iter::successors(innermost, move |inner| inner.around.and_then(nested)).map(|nested| nested.element)
    }
}

impl Leaf<'_> {
    /// Returns whether the value lies in an element of an array, itself an object or an array.
    pub(crate) fn is_placed(&self) -> bool {
        self.inside.is_some()
    }
}

fn utf8<'e>(bytes: &'e [u8], field: Option<&str>) -> Result<&'e str, EventError> {
    str::from_utf8(bytes)
        .map_err(|error| EventError::NotUtf8 { field: field.map(str::to_owned), offset: error.valid_up_to() })
}

struct Flattener<'e, 'p> {
    paths: &'p PathIndex,
    leaves: Vec<Leaf<'e>>,
    elements: Vec<Nested>,
    /// The objects and arrays that are being read, the innermost last.
    scopes: Vec<Scope>,
    /// The innermost element that is being read.
    inside: Option<u32>,
    arrays: u32,
}

/// An object or an array at a place where patterns look.
struct Scope {
    place: Place,
    /// In an array, which one it is and which of its elements comes next.
    next: Option<Element>,
    /// The innermost element around this scope's own.
    around: Option<u32>,
}

impl<'e, 'p> Flattener<'e, 'p> {
    fn new(paths: &'p PathIndex) -> Self {
        let (leaves, elements, scopes) = (Vec::new(), Vec::new(), Vec::new());
        Self { paths, leaves, elements, scopes, inside: None, arrays: 0 }
    }

    fn finish(mut self) -> Flattened<'e> {
        self.leaves.sort_by_key(|leaf| leaf.path);
        Flattened { leaves: self.leaves, elements: self.elements }
    }

    fn event(&mut self, reader: &mut Reader<'e>) -> Result<Result<(), SyntaxError>, EventError> {
        match reader.next() {
            Ok(Some(token @ Token::ObjectStart)) => Ok(self.value(reader, token, Some(PathIndex::ROOT))),
            Ok(_) => Err(EventError::NotAnObject),
            Err(error) => Ok(Err(error)),
        }
    }

    fn whole_value(&mut self, reader: &mut Reader<'e>, place: Option<Place>) -> Result<(), SyntaxError> {
        let token = reader.next_inside()?;
        self.value(reader, token, place)?;
        reader.expect_end()
    }

    /// Takes a whole value whose first token was read.
    fn value(
        &mut self,
        reader: &mut Reader<'e>,
        token: Token,
        place: Option<Place>,
    ) -> Result<(), SyntaxError> {
        self.start(reader, token, place, self.inside)?;
        while let Some(scope) = self.scopes.last_mut() {
            let place = scope.place;
            match (reader.next_inside()?, &mut scope.next) {
                (Token::ObjectEnd | Token::ArrayEnd, _) => {
                    self.inside = scope.around;
                    self.scopes.pop();
                }
                (token @ (Token::ObjectStart | Token::ArrayStart), Some(next)) => {
                    let element = next.take();
                    let around = self.inside;
                    self.inside = Some(offset(self.elements.len()));
                    self.elements.push(Nested { element, around });
                    self.start(reader, token, Some(place), around)?;
                }
                (token, Some(next)) => {
                    next.take();
                    self.start(reader, token, Some(place), self.inside)?;
                }
                (_, None) => {
                    let place = self.paths.descend(place, &reader.name());
                    let token = reader.next_inside()?;
                    self.start(reader, token, place, self.inside)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a value's first token; where no pattern looks the whole value is passed by.
    fn start(
        &mut self,
        reader: &mut Reader<'e>,
        token: Token,
        place: Option<Place>,
        around: Option<u32>,
    ) -> Result<(), SyntaxError> {
        match (token, place) {
            (Token::ObjectStart, Some(place)) => self.scopes.push(Scope { place, next: None, around }),
            (Token::ArrayStart, Some(place)) => {
                let next = Some(Element { array: self.arrays, index: 0 });
                self.arrays += 1;
                self.scopes.push(Scope { place, next, around });
            }
            (Token::ObjectStart | Token::ArrayStart, None) => reader.skip_scope()?,
            (Token::Text, Some(place)) if self.paths.path(place).is_some() => {
                let text = reader.string()?;
                self.leaf(Some(place), || Value::Text(text));
            }
            (Token::Number, place) => self.leaf(place, || Value::Number(reader.token_text())),
            (Token::True, place) => self.leaf(place, || Value::Literal(Literal::True)),
            (Token::False, place) => self.leaf(place, || Value::Literal(Literal::False)),
            (Token::Null, place) => self.leaf(place, || Value::Literal(Literal::Null)),
            (Token::Text | Token::Name | Token::ObjectEnd | Token::ArrayEnd, _) => {}
        }
        Ok(())
    }

    fn leaf(&mut self, place: Option<Place>, value: impl FnOnce() -> Value<'e>) {
        let Some(path) = place.and_then(|place| self.paths.path(place)) else {
            return;
        };
        self.leaves.push(Leaf { path, value: value(), inside: self.inside });
    }
}

/// An event has fewer than 2^32 bytes, and every element costs at least one.
fn offset(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
