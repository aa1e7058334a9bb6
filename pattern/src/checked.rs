//! JSON that was found to be well-formed.

use std::str;

use crate::check;
use crate::error::EventError;
use crate::json::{Reader, SyntaxError, Token};
use crate::names;

/// JSON that was checked, so that it can be matched any number of times without being checked again.
///
/// ```
/// use railpost_pattern::{Checked, Input, Matcher, Pattern, Scratch};
///
/// let mut matcher = Matcher::new();
/// matcher.insert(1, Pattern::parse(r#"{"source": ["shop.orders"]}"#)?);
///
/// let event = Checked::event(br#"{"source": "shop.orders"}"#)?;
/// let (mut scratch, mut keys) = (Scratch::new(), Vec::new());
/// matcher.matches_into(Input::Checked(event), &mut scratch, &mut keys)?;
/// assert_eq!(keys, [1]);
/// assert!(Checked::event(br#"{"source": "shop.orders", "detail": }"#).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked<'a> {
    json: &'a [u8],
    /// Whether it is known that no object has a name twice, and no name has a dot.
    says_all_once: bool,
}

impl<'a> Checked<'a> {
    /// Checks a whole event: one JSON object. What follows its closing brace is not looked at.
    ///
    /// Finds out too whether a name stands twice in an object, where both values count: if not, matching can stop
    /// where it has found all that the rules name.
    ///
    /// # Errors
    ///
    /// Returns an error if the event is not a JSON object in UTF-8, wherever in it the fault lies.
    pub fn event(event: &'a [u8]) -> Result<Self, EventError> {
        let checked = Self::proved(event)?;
        Ok(Self { says_all_once: names::are_unique(checked.json), ..checked })
    }

    /// Checks a whole event, and nothing more than that it is one.
    pub(crate) fn proved(event: &'a [u8]) -> Result<Self, EventError> {
        if starts_with(event, |first| first == b'{')
            && let Some(end) = check::scope_end(event)
        {
            return Ok(Self { json: &event[..end], says_all_once: false });
        }
        let mut reader = Reader::new(utf8(event, None)?);
        let malformed = |error| EventError::malformed(None, &error);
        match reader.next().map_err(malformed)? {
            Some(Token::ObjectStart) => reader.skip_scope().map_err(malformed)?,
            _ => return Err(EventError::NotAnObject),
        }
        Ok(Self { json: &event[..reader.position()], says_all_once: false })
    }

    /// Checks one JSON value of any kind; only white space may follow it.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not one JSON value in UTF-8.
    pub fn value(json: &'a [u8]) -> Result<Self, EventError> {
        Self::of_field(None, json)
    }

    /// Returns the JSON that was checked.
    pub fn json(self) -> &'a [u8] {
        self.json
    }

    /// Returns whether it is known that no object has a name twice, and no name has a dot.
    pub(crate) fn says_all_once(self) -> bool {
        self.says_all_once
    }

    pub(crate) fn of_field(field: Option<&str>, json: &'a [u8]) -> Result<Self, EventError> {
        if starts_with(json, |first| matches!(first, b'{' | b'['))
            && let Some(end) = check::scope_end(json)
            && json[end..].iter().copied().all(is_space)
        {
            return Ok(Self { json, says_all_once: false });
        }
        let mut reader = Reader::new(utf8(json, field)?);
        whole_value(&mut reader).map_err(|error| EventError::malformed(field, &error))?;
        Ok(Self { json, says_all_once: false })
    }
}

fn whole_value(reader: &mut Reader<'_>) -> Result<(), SyntaxError> {
    if matches!(reader.next_inside()?, Token::ObjectStart | Token::ArrayStart) {
        reader.skip_scope()?;
    }
    reader.expect_end()
}

fn utf8<'e>(bytes: &'e [u8], field: Option<&str>) -> Result<&'e str, EventError> {
    str::from_utf8(bytes)
        .map_err(|error| EventError::NotUtf8 { field: field.map(str::to_owned), offset: error.valid_up_to() })
}

fn starts_with(json: &[u8], wanted: impl FnOnce(u8) -> bool) -> bool {
    json.iter().copied().find(|byte| !is_space(*byte)).is_some_and(wanted)
}

pub(crate) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}
