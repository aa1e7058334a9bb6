//! The values and fields of an event.

use std::borrow::Cow;

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
    /// One JSON value of any kind, as it stands in the event.
    Json(&'a [u8]),
}

/// A value that a condition can look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value<'e> {
    Text(Cow<'e, str>),
    /// A number, in the event's own text.
    Number(&'e str),
    Literal(Literal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    True,
    False,
    Null,
}
