//! One alternative of a field.

use crate::cidr::{Cidr, parse_address};
use crate::condition::Condition;
use crate::error::{Error, Reason};
use crate::fold::Folded;
use crate::json::Token;
use crate::number::comparable;
use crate::value::Literal;
use crate::wildcard::Wildcard;

use super::Parser;

impl Parser<'_> {
    /// Reads an alternative whose first token was read.
    pub(super) fn condition(&mut self, token: Token) -> Result<Condition, Error> {
        Ok(match token {
            Token::ObjectStart => return self.expression(),
            Token::Text => {
                let text = self.string()?;
                parse_address(&text).map_or(Condition::Text(text), Condition::Address)
            }
            Token::Number => {
                let text = self.reader.token_text();
                comparable(text).map_or_else(|| Condition::NumberText(text.into()), Condition::Number)
            }
            Token::True => Condition::Literal(Literal::True),
            Token::False => Condition::Literal(Literal::False),
            Token::Null => Condition::Literal(Literal::Null),
            _ => return Err(self.refuse(&Reason::NotAValue)),
        })
    }

    fn expression(&mut self) -> Result<Condition, Error> {
        if self.token()? != Token::Name {
            return Err(self.refuse(&Reason::NoOperator));
        }
        let operator = self.reader.name();
        match &*operator {
            "exactly" => {
                let text = self.operand("exact")?;
                self.only_key(Condition::Text(text))
            }
            "prefix" => self.affix("prefix", "Prefix"),
            "suffix" => self.affix("suffix", "Suffix"),
            "numeric" => self.numeric(),
            "anything-but" => self.anything_but(),
            "exists" => self.exists(),
            "cidr" => self.cidr(),
            "equals-ignore-case" => {
                let text = self.operand("equals-ignore-case")?;
                self.only_key(Condition::EqualFold(Folded::new(&text)))
            }
            "wildcard" => {
                let text = self.operand("wildcard")?;
                let wildcard = self.wildcard(&text)?;
                self.only_key(Condition::Wildcard(wildcard))
            }
            _ => Err(self.refuse(&Reason::UnknownOperator(operator.into_owned()))),
        }
    }

    /// Reads a prefix or a suffix: a string, or an object that says to ignore case.
    fn affix(&mut self, operator: &'static str, title: &'static str) -> Result<Condition, Error> {
        let is_prefix = operator == "prefix";
        match self.token()? {
            Token::Text => {
                let text = self.string()?;
                self.only_key(if is_prefix { Condition::Prefix(text) } else { Condition::Suffix(text) })
            }
            Token::ObjectStart => {
                if self.token()? != Token::Name {
                    return Err(self.refuse(&Reason::NoNestedOperator(title)));
                }
                let nested = self.reader.name();
                if nested != "equals-ignore-case" {
                    let nested = nested.into_owned();
                    return Err(self.refuse(&Reason::UnsupportedNested { operator, nested }));
                }
                let folded = Folded::new(&self.operand("equals-ignore-case")?);
                let condition =
                    if is_prefix { Condition::PrefixFold(folded) } else { Condition::SuffixFold(folded) };
                let condition = self.only_key(condition)?;
                self.only_key(condition)
            }
            _ => Err(self.refuse(&Reason::NotAString(operator))),
        }
    }

    fn exists(&mut self) -> Result<Condition, Error> {
        let condition = match self.token()? {
            Token::True => Condition::Exists,
            Token::False => Condition::Absent,
            _ => return Err(self.refuse(&Reason::NotABoolean)),
        };
        self.only_key(condition)
    }

    fn cidr(&mut self) -> Result<Condition, Error> {
        let text = self.operand("prefix")?;
        let cidr = Cidr::parse(&text).map_err(|reason| self.refuse_unplaced(&reason))?;
        self.only_key(Condition::Cidr(cidr))
    }

    pub(super) fn wildcard(&self, text: &str) -> Result<Wildcard, Error> {
        Wildcard::parse(text).map_err(|reason| self.refuse(&reason))
    }

    /// Reads an operator's string; `name` is what a complaint calls the operator.
    fn operand(&mut self, name: &'static str) -> Result<Box<str>, Error> {
        if self.token()? != Token::Text {
            return Err(self.refuse(&Reason::NotAString(name)));
        }
        self.string()
    }

    pub(super) fn string(&mut self) -> Result<Box<str>, Error> {
        match self.reader.string() {
            Ok(text) => Ok(text.into()),
            Err(error) => Err(self.syntax(&error)),
        }
    }

    fn only_key(&mut self, condition: Condition) -> Result<Condition, Error> {
        if self.token()? == Token::ObjectEnd { Ok(condition) } else { Err(self.refuse(&Reason::OneKey)) }
    }
}
