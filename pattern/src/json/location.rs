//! Lines and columns, and the way `EventBridge` quotes the text an error is about.

use super::text::push_escape;

/// How many characters of the text an error message quotes.
const QUOTED_MAX: usize = 500;

/// A place in a text: both figures start at one, columns count UTF-16 units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Location {
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = &text[..floor_boundary(text, offset)];
        let mut line = 1;
        let mut line_start = 0;
        let mut bytes = before.bytes().enumerate().peekable();
        while let Some((index, byte)) = bytes.next() {
            let follows = byte == b'\r' && bytes.peek().is_some_and(|(_, next)| *next == b'\n');
            if (byte == b'\n' || byte == b'\r') && !follows {
                line += 1;
                line_start = index + 1;
            }
        }
        Self { line, column: before[line_start..].encode_utf16().count() + 1 }
    }
}

/// Returns `[Source: (String)"..."; line: 1, column: 2]`, the text cut after 500 characters.
pub(crate) fn source_reference(text: &str, offset: usize) -> String {
    let Location { line, column } = Location::of(text, offset);
    let mut quoted = String::with_capacity(text.len().min(QUOTED_MAX) + 64);
    let mut units = 0;
    let mut omitted = 0;
    for character in text.chars() {
        if units + character.len_utf16() > QUOTED_MAX || omitted > 0 {
            omitted += character.len_utf16();
            continue;
        }
        units += character.len_utf16();
        if character.is_control() && !matches!(character, '\n' | '\r') {
            push_escape(&mut quoted, character);
        } else {
            quoted.push(character);
        }
    }
    let truncated = if omitted > 0 { format!("[truncated {omitted} chars]") } else { String::new() };
    format!("[Source: (String)\"{quoted}\"{truncated}; line: {line}, column: {column}]")
}

fn floor_boundary(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
