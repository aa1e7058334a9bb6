//! What an event is made of, and the forms in which one is handed over.

use std::cell::Cell;

use crate::checked::Checked;
use crate::number;

/// An event, in the form in which the caller has it.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// One JSON object. All of it is checked.
    Bytes(&'a [u8]),
    /// One JSON object that was checked before.
    Checked(Checked<'a>),
    /// The event's top-level fields.
    Fields(&'a [Field<'a>]),
}

/// One top-level field of an event whose fields come apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// The field's name, unescaped.
    pub name: &'a str,
    /// Its value.
    pub value: FieldValue<'a>,
}

/// The value of a top-level field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldValue<'a> {
    /// A string, unescaped and without quotes.
    Text(&'a str),
    /// One JSON value of any kind, as it stands in the event. All of it is checked.
    Json(&'a [u8]),
    /// One JSON value of any kind that was checked before.
    Checked(Checked<'a>),
}

/// A value that a condition can look at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'e> {
    Text(Text<'e>),
    Number(Number<'e>),
    Literal(Literal),
}

/// A string in an event, unescaped. It is read as bytes where that does: an event is checked, but only a `str` would
/// keep the proof that it is UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text<'e> {
    pub(crate) bytes: &'e [u8],
    /// The same as characters, once they were asked for.
    characters: Cell<Option<&'e str>>,
}

impl<'e> Text<'e> {
    #[inline]
    pub(crate) fn new(bytes: &'e [u8]) -> Self {
        Self { bytes, characters: Cell::new(None) }
    }

    pub(crate) fn as_str(&self) -> &'e str {
        let characters =
            self.characters.get().unwrap_or_else(|| str::from_utf8(self.bytes).unwrap_or_default());
        self.characters.set(Some(characters));
        characters
    }
}

impl<'e> From<&'e str> for Text<'e> {
    fn from(text: &'e str) -> Self {
        Self { bytes: text.as_bytes(), characters: Cell::new(Some(text)) }
    }
}

/// A number in an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Number<'e> {
    /// Its own text.
    pub(crate) bytes: &'e [u8],
    /// The nearest double; none where that is infinite.
    pub(crate) nearest: Option<f64>,
    /// Whether that is known to be the number itself.
    kept: bool,
}

impl<'e> Number<'e> {
    pub(crate) fn new(text: &'e str) -> Self {
        Self { bytes: text.as_bytes(), nearest: number::nearest(text), kept: false }
    }

    /// Returns a number of which the nearest double is known.
    pub(crate) fn known(bytes: &'e [u8], nearest: Option<f64>, kept: bool) -> Self {
        Self { bytes, nearest, kept }
    }

    /// Returns its own text as characters.
    pub(crate) fn text(self) -> &'e str {
        std::str::from_utf8(self.bytes).unwrap_or_default()
    }

    /// Returns whether the nearest double is one that is wanted, and is the number itself.
    pub(crate) fn is(self, wanted: impl FnOnce(f64) -> bool) -> bool {
        self.nearest
            .is_some_and(|nearest| wanted(nearest) && (self.kept || number::keeps(self.bytes, nearest)))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    True,
    False,
    Null,
}

impl Literal {
    /// Returns the word as JSON has it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Null => "null",
        }
    }
}
