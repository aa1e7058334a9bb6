//! JSON as it was written: members that stand twice, and numbers in their own text.

use serde::Deserialize;
use serde_json::value::RawValue;

/// How deep objects and arrays may be nested, the outermost counted as one.
const DEPTH_MAX: usize = 1000;

/// One JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    True,
    False,
    /// A number's own text.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value and nothing after it.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str::<&RawValue>(text).ok()?;
        Reader { rest: text }.value()
    }

    /// Reads the object that a text starts with; returns its members, each with its value as it stands there.
    pub(crate) fn read_object(text: &str) -> Option<Vec<(String, &str)>> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let object = <&RawValue>::deserialize(&mut reader).ok()?.get();
        if !object.starts_with('{') || depth(object) > DEPTH_MAX {
            return None;
        }
        let members = Reader { rest: object }.members();
        assert!(members.is_some(), "serde_json reads it: {object}");
        members
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// Returns how deep a text that is JSON is nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0, 0);
    let mut characters = text.chars();
    let mut inside_text = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => inside_text = !inside_text,
            '\\' => drop(characters.next()),
            '{' | '[' if !inside_text => depth += 1,
            '}' | ']' if !inside_text => depth -= 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Reads text that is known to be JSON.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Json> {
        match self.peek()? {
            '{' => {
                let mut members = Vec::new();
                for (name, value) in self.members()? {
                    members.push((name, Reader { rest: value }.value()?));
                }
                Some(Json::Object(members))
            }
            '[' => self.list(),
            '"' => self.string().map(Json::Text),
            't' => self.word("true", Json::True),
            'f' => self.word("false", Json::False),
            'n' => self.word("null", Json::Null),
            _ => Some(Json::Number(self.number().to_owned())),
        }
    }

    fn members(&mut self) -> Option<Vec<(String, &'a str)>> {
        let mut members = Vec::new();
        self.skip('{')?;
        while self.peek()? != '}' {
            if !members.is_empty() {
                self.skip(',')?;
                self.peek()?;
            }
            let name = self.string()?;
            self.peek()?;
            self.skip(':')?;
            self.peek()?;
            members.push((name, self.raw()?));
        }
        self.skip('}')?;
        Some(members)
    }

    fn list(&mut self) -> Option<Json> {
        let mut values = Vec::new();
        self.skip('[')?;
        while self.peek()? != ']' {
            if !values.is_empty() {
                self.skip(',')?;
            }
            values.push(self.value()?);
        }
        self.skip(']')?;
        Some(Json::List(values))
    }

    /// Reads a value and returns its text.
    fn raw(&mut self) -> Option<&'a str> {
        let before = self.rest;
        let mut reader = serde_json::Deserializer::from_str(before);
        let value = <&RawValue>::deserialize(&mut reader).ok()?.get();
        self.rest = &before[value.len()..];
        Some(value)
    }

    /// Reads a string; half a surrogate pair becomes `?`.
    fn string(&mut self) -> Option<String> {
        self.skip('"')?;
        let mut units: Vec<u16> = Vec::new();
        loop {
            let plain = match self.take()? {
                '"' => break,
                '\\' => match self.take()? {
                    'u' => {
                        let digits = self.rest.get(..4)?;
                        self.rest = &self.rest[4..];
                        units.push(u16::from_str_radix(digits, 16).ok()?);
                        continue;
                    }
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    itself => itself,
                },
                plain => plain,
            };
            units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
        }
        Some(char::decode_utf16(units).map(|character| character.unwrap_or('?')).collect())
    }

    fn number(&mut self) -> &'a str {
        let end = self.rest.find(|next: char| !"+-.eE0123456789".contains(next)).unwrap_or(self.rest.len());
        let (number, rest) = self.rest.split_at(end);
        self.rest = rest;
        number
    }

    fn word(&mut self, word: &str, value: Json) -> Option<Json> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(value)
    }

    /// Passes by white space and returns the character after it.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.chars().next()
    }

    fn skip(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn take(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let first = characters.next();
        self.rest = characters.as_str();
        first
    }
}
