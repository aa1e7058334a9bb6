//! Numbers and the three literals.

use super::fault::VALUES;
use super::{Fault, Reader, SyntaxError, Token, describe};

/// How much of an unknown token an error message quotes.
const TOKEN_MAX: usize = 256;

impl Reader<'_> {
    /// Reads the rest of a literal whose first character was taken.
    pub(super) fn literal(&mut self, word: &'static str, token: Token) -> Result<Token, SyntaxError> {
        for (index, expected) in word.bytes().enumerate().skip(1) {
            if self.peek() != Some(expected) {
                return Err(self.unknown_token(word[..index].to_owned()));
            }
            self.position += 1;
        }
        let next = self.text[self.position..].chars().next();
        if next.is_some_and(|next| next >= '0' && is_identifier_part(next)) {
            return Err(self.unknown_token(word.to_owned()));
        }
        Ok(token)
    }

    fn unknown_token(&mut self, mut token: String) -> SyntaxError {
        while let Some(next) = self.text[self.position..].chars().next() {
            if !is_identifier_part(next) {
                break;
            }
            self.position += next.len_utf8();
            token.push(next);
            if token.len() >= TOKEN_MAX {
                token.push_str("...");
                break;
            }
        }
        SyntaxError::new(Fault::UnknownToken { token }, self.position)
    }

    /// Returns the error for a character that starts no value.
    pub(super) fn odd_value(&mut self, character: char) -> SyntaxError {
        for (first, word) in [('N', "NaN"), ('I', "Infinity")] {
            if character == first {
                return match self.literal(word, Token::Number) {
                    Ok(_) => SyntaxError::new(Fault::NonStandardToken(word), self.position),
                    Err(error) => error,
                };
            }
        }
        if character.is_alphabetic() || matches!(character, '$' | '_') {
            return self.unknown_token(character.to_string());
        }
        self.unexpected(character, format!("expected a valid value {VALUES}"))
    }

    /// Reads the rest of a number whose first character was taken.
    pub(super) fn number(&mut self, first: char) -> Result<Token, SyntaxError> {
        let mut leading = first;
        if first == '-' {
            leading = self.digit("expected digit (0-9) to follow minus sign, for valid numeric value")?;
        }
        if leading == '0' && self.peek().is_some_and(|next| next.is_ascii_digit()) {
            return Err(SyntaxError::new(Fault::LeadingZero, self.position + 1));
        }
        self.skip_digits();
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digit("Decimal point not followed by a digit")?;
            self.skip_digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digit("Exponent indicator not followed by a digit")?;
            self.skip_digits();
        }
        Ok(Token::Number)
    }

    fn skip_digits(&mut self) {
        while self.peek().is_some_and(|next| next.is_ascii_digit()) {
            self.position += 1;
        }
    }

    fn digit(&mut self, wanted: &'static str) -> Result<char, SyntaxError> {
        match self.take_character() {
            Some(digit) if digit.is_ascii_digit() => Ok(digit),
            Some(other) => {
                let fault = Fault::UnexpectedInNumber { found: describe(other), wanted };
                Err(SyntaxError::new(fault, self.position - other.len_utf8()))
            }
            None => Err(SyntaxError::new(Fault::EndOfInput(" in a Number value"), self.position)),
        }
    }
}

fn is_identifier_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '$' | '_')
}
