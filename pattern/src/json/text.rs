//! Strings: checked in place, unescaped only where somebody asks.

use std::borrow::Cow;
use std::str;

use super::{Fault, RawText, Reader, SyntaxError, describe};

/// What stands for half of a surrogate pair: it has no form in UTF-8.
const LONE_SURROGATE: char = '?';

impl<'a> Reader<'a> {
    /// Reads the rest of the open string and checks it.
    pub(super) fn scan_text(&mut self) -> Result<RawText, SyntaxError> {
        self.text_open = false;
        self.scan("string value", ": was expecting closing quote for a string value")
    }

    /// Reads the rest of a name whose opening quote was taken.
    pub(super) fn scan_name(&mut self) -> Result<RawText, SyntaxError> {
        self.scan("name", " in field name")
    }

    fn scan(&mut self, place: &'static str, at_end: &'static str) -> Result<RawText, SyntaxError> {
        let start = self.position;
        let mut escaped = false;
        loop {
            let Some(byte) = self.peek() else {
                return Err(SyntaxError::new(Fault::EndOfInput(at_end), self.position));
            };
            self.position += 1;
            match byte {
                b'"' => return Ok(RawText { start, end: self.position - 1, escaped }),
                b'\\' => {
                    escaped = true;
                    self.check_escape()?;
                }
                control if control < b' ' => {
                    let fault = Fault::ControlInText { found: describe(char::from(control)), place };
                    return Err(SyntaxError::new(fault, self.position));
                }
                _ => {}
            }
        }
    }

    fn check_escape(&mut self) -> Result<(), SyntaxError> {
        let end = Fault::EndOfInput(" in character escape sequence");
        match self.take_character() {
            None => return Err(SyntaxError::new(end, self.position)),
            Some('b' | 't' | 'n' | 'f' | 'r' | '"' | '/' | '\\') => return Ok(()),
            Some('u') => {}
            Some(other) => {
                let fault = Fault::UnknownEscape { found: describe(other) };
                return Err(SyntaxError::new(fault, self.position));
            }
        }
        for _ in 0..4 {
            match self.take_character() {
                None => return Err(SyntaxError::new(end, self.position)),
                Some(digit) if digit.is_ascii_hexdigit() => {}
                Some(other) => {
                    let wanted = "expected a hex-digit for character escape sequence".to_owned();
                    return Err(self.unexpected(other, wanted));
                }
            }
        }
        Ok(())
    }

    /// Returns a string that was checked, unescaped.
    pub(super) fn decode(&self, raw: RawText) -> Cow<'a, str> {
        let content = &self.text[raw.start..raw.end];
        if !raw.escaped {
            return Cow::Borrowed(content);
        }
        let mut plain = String::with_capacity(content.len());
        unescape(content.as_bytes(), &mut plain);
        Cow::Owned(plain)
    }
}

/// Appends a string that was checked, its escapes replaced.
pub(crate) fn unescape(content: &[u8], plain: &mut String) {
    let mut rest = content;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        push_plain(plain, &rest[..at]);
        let escape = &rest[at + 1..];
        let (character, length) = match escape.first() {
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => unicode_escape(escape),
            Some(b'/') => ('/', 1),
            Some(b'"') => ('"', 1),
            _ => ('\\', 1),
        };
        plain.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    push_plain(plain, rest);
}

/// Appends text between escapes.
fn push_plain(plain: &mut String, text: &[u8]) {
    plain.push_str(str::from_utf8(text).unwrap_or_default());
}

/// Reads `uXXXX`, and the second half of a surrogate pair where it follows.
fn unicode_escape(escape: &[u8]) -> (char, usize) {
    let high = hexadecimal(escape.get(1..5));
    if let Some(character) = char::from_u32(high) {
        return (character, 5);
    }
    let low = if escape.get(5..7) == Some(b"\\u") { hexadecimal(escape.get(7..11)) } else { 0 };
    if (0xD800..0xDC00).contains(&high) && (0xDC00..0xE000).contains(&low) {
        let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(code).unwrap_or(LONE_SURROGATE), 11);
    }
    (LONE_SURROGATE, 5)
}

fn hexadecimal(digits: Option<&[u8]>) -> u32 {
    let digits = digits.and_then(|digits| str::from_utf8(digits).ok());
    digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default()
}

/// Returns a text as a JSON string.
pub(crate) fn write_text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            control if control < ' ' => push_escape(&mut json, control),
            plain => json.push(plain),
        }
    }
    json.push('"');
    json
}

/// Appends a control character as `\uXXXX`.
pub(super) fn push_escape(json: &mut String, control: char) {
    json.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = u32::from(control) >> shift & 0xF;
        json.push(char::from_digit(digit, 16).unwrap_or('0').to_ascii_uppercase());
    }
}
