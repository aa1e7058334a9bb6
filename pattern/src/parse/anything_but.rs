//! The operator `anything-but`.

use crate::condition::{Condition, Excluded};
use crate::error::{Error, Reason};
use crate::fold::Folded;
use crate::json::{SyntaxError, Token};
use crate::number::comparable;
use crate::wildcard::Wildcard;

use super::Parser;

/// What the excluded values are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Value,
    Prefix,
    Suffix,
    EqualFold,
    Wildcard,
}

impl Parser<'_> {
    pub(super) fn anything_but(&mut self) -> Result<Condition, Error> {
        let mut token = self.token()?;
        let mut kind = Kind::Value;
        if token == Token::ObjectStart {
            kind = self.nested_kind()?;
            token = self.token()?;
        }
        let excluded = match (token, kind) {
            (Token::ArrayStart, Kind::Value) => self.value_list()?,
            (Token::ArrayStart, _) => self.text_list(kind)?,
            (Token::Text, Kind::Value) => Excluded::Texts([self.string()?].into()),
            (Token::Number, Kind::Value) => {
                let number = self.compared().map_err(|reason| self.refuse_unplaced(&reason))?;
                Excluded::Numbers([number].into())
            }
            (Token::Text | Token::Number, _) => {
                let text = if token == Token::Text { Some(self.string()?) } else { None };
                let text = nested_text(text, kind).map_err(|reason| self.refuse(&reason))?;
                self.excluded(kind, vec![text])?
            }
            _ => return Err(self.refuse(&Reason::AnythingButValue)),
        };
        self.expect_or_too_many(Token::ObjectEnd)?;
        if kind != Kind::Value {
            self.expect_or_too_many(Token::ObjectEnd)?;
        }
        Ok(Condition::AnythingBut(excluded))
    }

    fn nested_kind(&mut self) -> Result<Kind, Error> {
        if self.token()? != Token::Name {
            return Err(self.refuse(&Reason::NoNestedOperator("Anything-But")));
        }
        let name = self.reader.name();
        Ok(match &*name {
            "equals-ignore-case" => Kind::EqualFold,
            "prefix" => Kind::Prefix,
            "suffix" => Kind::Suffix,
            "wildcard" => Kind::Wildcard,
            _ => {
                let nested = name.into_owned();
                return Err(self.refuse(&Reason::UnsupportedNested { operator: "anything-but", nested }));
            }
        })
    }

    /// Reads a list of strings or a list of numbers.
    fn value_list(&mut self) -> Result<Excluded, Error> {
        let mut texts = Vec::new();
        let mut numbers = Vec::new();
        loop {
            match self.list_token()? {
                Token::ArrayEnd => break,
                Token::Text => {
                    let text = self.list_string()?;
                    texts.push(text);
                }
                Token::Number => numbers.push(self.compared().map_err(|reason| self.refuse(&reason))?),
                _ => return Err(self.refuse_twice(&Reason::AnythingButMember)),
            }
        }
        if texts.is_empty() == numbers.is_empty() {
            return Err(self.refuse(&Reason::AnythingButMixed));
        }
        numbers.sort_unstable_by(f64::total_cmp);
        texts.sort_unstable();
        Ok(if numbers.is_empty() { Excluded::Texts(texts.into()) } else { Excluded::Numbers(numbers.into()) })
    }

    /// Reads a list of prefixes, suffixes, texts or wildcard patterns.
    fn text_list(&mut self, kind: Kind) -> Result<Excluded, Error> {
        let mut texts = Vec::new();
        loop {
            let token = self.list_token()?;
            if token == Token::ArrayEnd {
                break;
            }
            let text = if token == Token::Text { Some(self.list_string()?) } else { None };
            texts.push(nested_text(text, kind).map_err(|reason| self.refuse_twice(&reason))?);
        }
        if texts.is_empty() {
            return Err(self.refuse(&Reason::EmptyArray));
        }
        self.excluded(kind, texts)
    }

    fn excluded(&self, kind: Kind, texts: Vec<Box<str>>) -> Result<Excluded, Error> {
        Ok(match kind {
            Kind::Value => Excluded::Texts(texts.into()),
            Kind::Prefix => Excluded::Prefixes(texts.into()),
            Kind::Suffix => Excluded::Suffixes(texts.into()),
            Kind::EqualFold => Excluded::Folded(texts.iter().map(|text| Folded::new(text)).collect()),
            Kind::Wildcard => {
                let wildcards: Result<Box<[Wildcard]>, Error> =
                    texts.iter().map(|text| self.wildcard(text)).collect();
                Excluded::Wildcards(wildcards?)
            }
        })
    }

    fn compared(&self) -> Result<f64, Reason> {
        let text = self.reader.token_text();
        comparable(text).ok_or_else(|| Reason::Incomparable(text.to_owned()))
    }

    fn list_token(&mut self) -> Result<Token, Error> {
        self.reader.next_inside().map_err(|error| self.syntax_twice(error))
    }

    fn list_string(&mut self) -> Result<Box<str>, Error> {
        match self.reader.string() {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(self.syntax_twice(error)),
        }
    }

    fn syntax_twice(&self, error: SyntaxError) -> Error {
        let end = self.reader.position();
        let bytes = (error.at.min(end), end);
        Error::new(self.text, &Reason::Syntax(error.fault), bytes, &[error.at, end])
    }

    /// `EventBridge` reports errors inside these lists with their place twice.
    fn refuse_twice(&self, reason: &Reason) -> Error {
        let place = self.reader.position();
        Error::new(self.text, reason, self.token_span(), &[place, place])
    }
}

/// Checks one prefix, suffix, text or wildcard pattern; what is no string comes as `None`.
fn nested_text(text: Option<Box<str>>, kind: Kind) -> Result<Box<str>, Reason> {
    let Some(text) = text else {
        return Err(match kind {
            Kind::EqualFold => Reason::IgnoreCaseMember,
            Kind::Wildcard => Reason::NotAString("wildcard"),
            Kind::Prefix | Kind::Suffix | Kind::Value => Reason::NotAString("prefix/suffix"),
        });
    };
    let empty_affix = text.is_empty() && matches!(kind, Kind::Prefix | Kind::Suffix);
    if empty_affix { Err(Reason::EmptyAffix) } else { Ok(text) }
}
