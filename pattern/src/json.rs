//! Reads JSON one token at a time.
//!
//! Patterns and events go through the same reader. What it accepts, what it says about a text it refuses and
//! where it says it happened follow the reader behind `EventBridge`: a string's content is only read when it is
//! asked for or passed by, and the value after a name is already looked at when the name is returned.

mod fault;
mod literal;
mod location;
mod text;

use std::borrow::Cow;

pub(crate) use fault::{Fault, SyntaxError, describe};
pub(crate) use location::{Location, source_reference};
pub(crate) use text::{unescape, write_text};

/// How deep objects and arrays may be nested, the outermost counted as one.
pub(crate) const DEPTH_MAX: usize = 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Name,
    Text,
    Number,
    True,
    False,
    Null,
}

/// One open object or array.
#[derive(Clone, Copy, Debug)]
struct Scope {
    object: bool,
    start: usize,
    entries: usize,
}

/// The content of a string as it stands in the text, between its quotes.
#[derive(Clone, Copy, Debug, Default)]
struct RawText {
    start: usize,
    end: usize,
    escaped: bool,
}

#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    position: usize,
    scopes: Vec<Scope>,
    token_start: usize,
    /// The value after the name that was returned last, already looked at.
    pending: Option<Token>,
    pending_start: usize,
    name: RawText,
    /// Whether a string's opening quote was read, and its content not yet.
    text_open: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            position: 0,
            scopes: Vec::new(),
            token_start: 0,
            pending: None,
            pending_start: 0,
            name: RawText::default(),
            text_open: false,
        }
    }

    /// Returns the next token, or `None` where the text ends before any value.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, SyntaxError> {
        if let Some(token) = self.pending.take() {
            self.token_start = self.pending_start;
            self.enter(token)?;
            return Ok(Some(token));
        }
        if self.text_open {
            self.scan_text()?;
        }
        let Some(mut character) = self.skip_space()? else {
            return self.end_of_input();
        };
        self.token_start = self.position - character.len_utf8();
        if matches!(character, ']' | '}') {
            return self.close(character).map(Some);
        }
        if self.expects_comma() {
            character = self.skip_comma(character)?;
            self.token_start = self.position - character.len_utf8();
        }
        if self.scopes.last().is_some_and(|scope| scope.object) {
            return self.read_name(character).map(Some);
        }
        let token = self.value(character)?;
        self.enter(token)?;
        Ok(Some(token))
    }

    /// Returns the next token, where one must follow: inside an object or an array.
    pub(crate) fn next_inside(&mut self) -> Result<Token, SyntaxError> {
        let position = self.position;
        self.next()?.ok_or_else(|| SyntaxError::new(Fault::EndOfInput(" in a value"), position))
    }

    /// Returns the name that was read last, unescaped.
    pub(crate) fn name(&self) -> Cow<'a, str> {
        self.decode(self.name)
    }

    /// Reads the rest of the string whose token was returned last and returns it unescaped.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, SyntaxError> {
        let raw = self.scan_text()?;
        Ok(self.decode(raw))
    }

    /// Returns the text between the current token's start and the reader's position.
    pub(crate) fn token_text(&self) -> &'a str {
        &self.text[self.token_start..self.position]
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn token_start(&self) -> usize {
        self.token_start
    }

    /// Returns the end of the current token, as far as it was read.
    pub(crate) fn token_end(&self) -> usize {
        // With a value already looked at, the current token is the name before it.
        if self.pending.is_some() { self.name.end + 1 } else { self.position }
    }

    /// Passes by the rest of the object or array that was just entered.
    pub(crate) fn skip_scope(&mut self) -> Result<(), SyntaxError> {
        let depth = self.scopes.len();
        while self.scopes.len() >= depth {
            self.next_inside()?;
        }
        Ok(())
    }

    /// Refuses anything but white space after the value that was read.
    pub(crate) fn expect_end(&mut self) -> Result<(), SyntaxError> {
        if self.text_open {
            self.scan_text()?;
        }
        match self.skip_space()? {
            None => Ok(()),
            Some(character) => Err(self.unexpected(character, "one value was expected".to_owned())),
        }
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.position).copied()
    }

    fn take_character(&mut self) -> Option<char> {
        let character = self.text[self.position..].chars().next()?;
        self.position += character.len_utf8();
        Some(character)
    }

    /// Passes by white space and takes the character after it.
    fn skip_space(&mut self) -> Result<Option<char>, SyntaxError> {
        loop {
            match self.peek() {
                None => return Ok(None),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.position += 1,
                Some(b'/') => {
                    self.position += 1;
                    return Err(self.unexpected('/', fault::COMMENT.to_owned()));
                }
                Some(byte) if byte < b' ' => {
                    self.position += 1;
                    let fault = Fault::ControlBetweenTokens { found: describe(char::from(byte)) };
                    return Err(SyntaxError::new(fault, self.position));
                }
                Some(_) => return Ok(self.take_character()),
            }
        }
    }

    fn end_of_input(&self) -> Result<Option<Token>, SyntaxError> {
        match self.scopes.last() {
            None => Ok(None),
            Some(scope) => {
                let fault = Fault::Unclosed { object: scope.object, start: scope.start };
                Err(SyntaxError::new(fault, self.position))
            }
        }
    }

    fn close(&mut self, marker: char) -> Result<Token, SyntaxError> {
        let object = marker == '}';
        match self.scopes.last() {
            Some(scope) if scope.object == object => {
                self.scopes.pop();
                Ok(if object { Token::ObjectEnd } else { Token::ArrayEnd })
            }
            Some(scope) => {
                let fault = Fault::WrongClose { marker, object: scope.object, start: scope.start };
                Err(SyntaxError::new(fault, self.position))
            }
            None => Err(self.unexpected(marker, "expected a value".to_owned())),
        }
    }

    fn expects_comma(&mut self) -> bool {
        let Some(scope) = self.scopes.last_mut() else {
            return false;
        };
        scope.entries += 1;
        scope.entries > 1
    }

    fn skip_comma(&mut self, character: char) -> Result<char, SyntaxError> {
        let kind = self.scope_kind();
        if character != ',' {
            let wanted = format!("was expecting comma to separate {kind} entries");
            let fault = Fault::UnexpectedCharacter { found: describe(character), wanted };
            return Err(SyntaxError::new(fault, self.position));
        }
        self.skip_space()?.ok_or_else(|| self.end_between(kind))
    }

    fn read_name(&mut self, character: char) -> Result<Token, SyntaxError> {
        if character != '"' {
            return Err(
                self.unexpected(character, "was expecting double-quote to start field name".to_owned())
            );
        }
        self.name = self.scan_name()?;
        let colon = self.skip_space()?.ok_or_else(|| self.end_between("Object"))?;
        if colon != ':' {
            let wanted = "was expecting a colon to separate field name and value".to_owned();
            return Err(self.unexpected(colon, wanted));
        }
        let first = self.skip_space()?.ok_or_else(|| self.end_between("Object"))?;
        self.pending_start = self.position - first.len_utf8();
        self.pending = Some(self.value(first)?);
        Ok(Token::Name)
    }

    /// Reads the start of a value: all of a number or a literal, the first character of anything else.
    fn value(&mut self, character: char) -> Result<Token, SyntaxError> {
        match character {
            '"' => {
                self.text_open = true;
                Ok(Token::Text)
            }
            '{' => Ok(Token::ObjectStart),
            '[' => Ok(Token::ArrayStart),
            't' => self.literal("true", Token::True),
            'f' => self.literal("false", Token::False),
            'n' => self.literal("null", Token::Null),
            '-' | '0'..='9' => self.number(character),
            '}' => Err(self.unexpected('}', "expected a value".to_owned())),
            odd => Err(self.odd_value(odd)),
        }
    }

    fn enter(&mut self, token: Token) -> Result<(), SyntaxError> {
        if !matches!(token, Token::ObjectStart | Token::ArrayStart) {
            return Ok(());
        }
        if self.scopes.len() == DEPTH_MAX {
            return Err(SyntaxError::new(Fault::TooDeep { depth: DEPTH_MAX + 1 }, self.position));
        }
        self.scopes.push(Scope { object: token == Token::ObjectStart, start: self.token_start, entries: 0 });
        Ok(())
    }

    fn scope_kind(&self) -> &'static str {
        match self.scopes.last() {
            None => "root",
            Some(Scope { object: true, .. }) => "Object",
            Some(Scope { object: false, .. }) => "Array",
        }
    }

    fn end_between(&self, kind: &'static str) -> SyntaxError {
        SyntaxError::new(Fault::EndBetween(kind), self.position)
    }

    /// The error for a character that was just taken, located at that character.
    fn unexpected(&self, character: char, wanted: String) -> SyntaxError {
        let fault = Fault::UnexpectedCharacter { found: describe(character), wanted };
        SyntaxError::new(fault, self.position - character.len_utf8())
    }
}
