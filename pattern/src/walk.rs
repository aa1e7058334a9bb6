//! Walks through JSON that was checked, to the values at the paths that some pattern names.
//!
//! What no pattern names is passed by without a look inside. An object is walked to its end all the same, since a
//! name may stand in it twice, and then both values count. Only where it is known that all is said once does the walk
//! stop when each path has its value.

#![expect(clippy::inline_always, reason = "the work is compiled again with the instructions of each form")]

use crate::block::{self, Block, Work};
use crate::checked::Checked;
use crate::error::EventError;
use crate::flatten::{Element, Inside, Leaves, Span};
use crate::json;
use crate::paths::{PathId, PathIndex, Place};
use crate::skip;
use crate::value::{Field, FieldValue, Literal};
use crate::window::Window;

/// What a walk needs to remember, in memory that serves the next event again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Walk {
    /// The objects and arrays around the place that was reached, the innermost last.
    scopes: Vec<Scope>,
    /// How many arrays were entered.
    arrays: u32,
    /// How many of the scopes are arrays.
    open_arrays: u32,
    /// A name with escapes, without them.
    name: String,
}

/// An object or an array at a place where patterns look.
#[derive(Clone, Copy, Debug)]
struct Scope {
    place: Place,
    /// In an array, which one it is and which of its objects and arrays comes next.
    next: Option<Element>,
    /// Whether it is an array of which patterns ask for the values.
    has_values: bool,
    /// The innermost element around what is in this scope.
    inside: Inside,
}

/// The way through one text.
struct Course<'w> {
    json: &'w [u8],
    part: u32,
    place: Place,
    /// How many paths have values when there can be no more; more than there are where that cannot be said.
    enough: usize,
    paths: &'w PathIndex,
    leaves: &'w mut Leaves,
    walk: &'w mut Walk,
}

impl Walk {
    /// Walks through a whole event.
    pub(crate) fn event(
        &mut self,
        event: Checked<'_>,
        paths: &PathIndex,
        leaves: &mut Leaves,
    ) -> Result<(), EventError> {
        let json = short(event.json(), None)?;
        if token(json, 0).1 != b'{' {
            return Err(EventError::NotAnObject);
        }
        self.start();
        let enough = if event.says_all_once() { paths.len() } else { usize::MAX };
        block::widest(Course { json, part: 0, place: PathIndex::ROOT, enough, paths, leaves, walk: self });
        Ok(())
    }

    /// Walks through the fields of an event.
    pub(crate) fn fields(
        &mut self,
        fields: &[Field<'_>],
        paths: &PathIndex,
        leaves: &mut Leaves,
    ) -> Result<(), EventError> {
        self.start();
        for (part, field) in (0..).zip(fields) {
            let place = paths.descend(PathIndex::ROOT, field.name.as_bytes());
            let json = match field.value {
                FieldValue::Text(text) => {
                    let end = short(text.as_bytes(), Some(field.name))?.len();
                    if let Some(path) = place.and_then(|place| paths.path(place)) {
                        leaves.text(path, Span { part, start: 0, end }, Inside::NOTHING);
                    }
                    continue;
                }
                FieldValue::Json(json) => Checked::of_field(Some(field.name), json)?,
                FieldValue::Checked(checked) => checked,
            };
            let json = short(json.json(), Some(field.name))?;
            if let Some(place) = place {
                let enough = usize::MAX;
                block::widest(Course { json, part, place, enough, paths, leaves, walk: self });
            }
        }
        Ok(())
    }

    fn start(&mut self) {
        self.scopes.clear();
        (self.arrays, self.open_arrays) = (0, 0);
    }
}

impl Work for Course<'_> {
    type Output = ();

    /// Goes from mark to mark: colons, and brackets that open or close.
    #[inline(always)]
    fn run<B: Block>(mut self, block: B) {
        let mut window = Window::new();
        let start = token(self.json, 0).0;
        window.seek(self.enter(start, self.place, Inside::NOTHING));
        let mut current = self.walk.scopes.last().copied();
        while let Some(scope) = current {
            if scope.has_values {
                window.seek(self.element(window.at, scope));
                current = self.walk.scopes.last().copied();
                continue;
            }
            let Some(mark) = window.take() else {
                if window.refill(block, self.json) {
                    continue;
                }
                break;
            };
            match (self.json.get(mark), scope.next) {
                (Some(b':'), _) => {
                    let Some(place) = self.member(&window, mark, scope.place) else {
                        continue;
                    };
                    let value = token(self.json, mark + 1).0;
                    window.seek(self.enter(value, place, scope.inside));
                    if self.leaves.named() >= self.enough && self.walk.open_arrays == 0 {
                        break;
                    }
                }
                (Some(b'{' | b'['), None) => {
                    window.seek(skip::scope(self.json, mark));
                    continue;
                }
                (Some(b'{' | b'['), Some(_)) => window.seek(self.element(mark, scope)),
                _ => {
                    self.leave();
                    window.at = mark + 1;
                }
            }
            current = self.walk.scopes.last().copied();
        }
    }
}

impl Course<'_> {
    /// Returns where the name in front of a colon leads to, if any pattern goes there.
    #[inline(always)]
    fn member(&mut self, window: &Window, colon: usize, from: Place) -> Option<Place> {
        let name = window.text_before(colon);
        let bytes = self.json.get(name.start..name.end).unwrap_or_default();
        if name.is_plain || !bytes.iter().any(|byte| matches!(byte, b'.' | b'\\')) {
            return self.paths.child(from, bytes);
        }
        self.odd_member(bytes, from)
    }

    /// Returns where a name leads to that may have dots and escapes.
    #[cold]
    fn odd_member(&mut self, name: &[u8], from: Place) -> Option<Place> {
        if name.contains(&b'\\') {
            self.walk.name.clear();
            json::unescape(name, &mut self.walk.name);
            return self.paths.descend(from, self.walk.name.as_bytes());
        }
        self.paths.descend(from, name)
    }

    /// Leaves the innermost scope.
    fn leave(&mut self) {
        if let Some(Scope { next: Some(_), .. }) = self.walk.scopes.pop() {
            self.walk.open_arrays -= 1;
        }
    }

    /// Takes the element of an array that begins at or behind `at`, or leaves the array; returns where it ends.
    fn element(&mut self, at: usize, scope: Scope) -> usize {
        let (at, first) = token(self.json, at);
        let mut inside = scope.inside;
        match (first, self.walk.scopes.last_mut()) {
            (b']' | 0, _) => {
                self.leave();
                return at + 1;
            }
            (b'{' | b'[', Some(Scope { next: Some(next), .. })) => {
                inside = self.leaves.element(*next, scope.inside);
                next.index += 1;
            }
            _ => {}
        }
        self.enter(at, scope.place, inside)
    }

    /// Takes the value at `at`, or only the beginning of an object or array that patterns look into, or of a number
    /// or literal that nobody asks for; returns where what was taken ends.
    fn enter(&mut self, at: usize, place: Place, inside: Inside) -> usize {
        let path = self.paths.path(place);
        match (self.json.get(at), path) {
            (Some(b'{'), _) if self.paths.leads_on(place) => {
                self.walk.scopes.push(Scope { place, next: None, has_values: false, inside });
                at + 1
            }
            (Some(b'{'), _) => skip::scope(self.json, at),
            (Some(b'['), _) => {
                let next = Some(Element { array: self.walk.arrays, index: 0 });
                self.walk.arrays += 1;
                self.walk.open_arrays += 1;
                self.walk.scopes.push(Scope { place, next, has_values: path.is_some(), inside });
                at + 1
            }
            (Some(b'"'), _) => self.text(at + 1, path, inside),
            (first, path) => self.scalar(at, first.copied(), path, inside),
        }
    }

    fn text(&mut self, start: usize, path: Option<PathId>, inside: Inside) -> usize {
        let (end, escaped) = skip::text_end(self.json, start);
        match path {
            None => {}
            Some(path) if escaped => {
                let raw = self.json.get(start..end).unwrap_or_default();
                self.leaves.unescaped(path, |text| json::unescape(raw, text), inside);
            }
            Some(path) => self.leaves.text(path, Span { part: self.part, start, end }, inside),
        }
        end + 1
    }

    /// Takes a number or a literal. Where nobody asks for it, its end does not matter: there is no mark in it.
    fn scalar(&mut self, start: usize, first: Option<u8>, path: Option<PathId>, inside: Inside) -> usize {
        let Some(path) = path else {
            return start + 1;
        };
        let literal = match first {
            Some(b't') => Literal::True,
            Some(b'f') => Literal::False,
            Some(b'n') => Literal::Null,
            _ => return self.leaves.number(path, self.json, (self.part, start), inside).max(start + 1),
        };
        self.leaves.literal(path, literal, inside);
        start + literal.text().len()
    }
}

/// Returns the next byte from `at` on that is no space and no comma, and where; 0 stands for the end.
#[inline]
fn token(json: &[u8], mut at: usize) -> (usize, u8) {
    loop {
        match json.get(at) {
            Some(b',' | b' ' | b'\n' | b'\r' | b'\t') => at += 1,
            Some(byte) => return (at, *byte),
            None => return (at, 0),
        }
    }
}

/// Refuses JSON whose places have no number of 32 bits.
fn short<'j>(json: &'j [u8], field: Option<&str>) -> Result<&'j [u8], EventError> {
    if u32::try_from(json.len()).is_ok_and(|length| length < u32::MAX) {
        return Ok(json);
    }
    Err(EventError::TooLong { field: field.map(str::to_owned) })
}
