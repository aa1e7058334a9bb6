//! The operator `numeric`.

use crate::condition::{Bound, Condition, Range};
use crate::error::{Error, Reason};
use crate::json::Token;
use crate::number::comparable;

use super::Parser;

impl Parser<'_> {
    pub(super) fn numeric(&mut self) -> Result<Condition, Error> {
        if self.token()? != Token::ArrayStart {
            return Err(self.refuse(&Reason::NumericNotAnArray));
        }
        let condition = self.comparison()?;
        self.expect_or_too_many(Token::ObjectEnd)?;
        Ok(condition)
    }

    fn comparison(&mut self) -> Result<Condition, Error> {
        let token = self.token()?;
        if token != Token::Text {
            return Err(self.refuse(&Reason::NumericMember(self.member_text(token))));
        }
        let operator = self.string()?;
        let token = self.token()?;
        match &*operator {
            "=" => {
                let text = self.number_text(token, "equals")?;
                self.expect_or_too_many(Token::ArrayEnd)?;
                self.number(text).map(Condition::Number)
            }
            "<" | "<=" => {
                let text = self.number_text(token, &operator)?;
                self.expect_or_too_many(Token::ArrayEnd)?;
                let top = bound(&operator, self.number(text)?);
                Ok(Condition::Range(Range { bottom: Bound::None, top }))
            }
            ">" | ">=" => {
                let bottom = self.number_text(token, &operator)?;
                match self.token()? {
                    Token::ArrayEnd => {
                        let bottom = bound(&operator, self.number(bottom)?);
                        Ok(Condition::Range(Range { bottom, top: Bound::None }))
                    }
                    token => self.range(&operator, bottom, token),
                }
            }
            _ => Err(self.refuse(&Reason::NumericOperator(operator.into()))),
        }
    }

    /// Reads the upper end of a range whose lower end was read.
    fn range(&mut self, lower: &str, bottom: &str, token: Token) -> Result<Condition, Error> {
        if token != Token::Text {
            return Err(self.refuse(&Reason::RangeMember(self.member_text(token))));
        }
        let upper = self.string()?;
        if !matches!(&*upper, "<" | "<=") {
            return Err(self.refuse(&Reason::RangeOperator(upper.into())));
        }
        let token = self.token()?;
        let top = self.number_text(token, &upper)?;
        if self.token()? != Token::ArrayEnd {
            return Err(self.refuse(&Reason::RangeTooLong));
        }
        let (bottom, top) = (self.number(bottom)?, self.number(top)?);
        if bottom >= top {
            return Err(self.refuse(&Reason::EmptyRange));
        }
        Ok(Condition::Range(Range { bottom: bound(lower, bottom), top: bound(&upper, top) }))
    }

    /// The errors about a number come after those about the list it stands in.
    fn number(&self, text: &str) -> Result<f64, Error> {
        comparable(text).ok_or_else(|| self.refuse(&Reason::Incomparable(text.to_owned())))
    }

    pub(super) fn expect_or_too_many(&mut self, wanted: Token) -> Result<(), Error> {
        if self.token()? == wanted { Ok(()) } else { Err(self.refuse(&Reason::TooManyElements)) }
    }

    fn member_text(&self, token: Token) -> String {
        match token {
            Token::ObjectStart => "{".to_owned(),
            Token::ArrayStart => "[".to_owned(),
            _ => self.reader.token_text().to_owned(),
        }
    }
}

impl<'a> Parser<'a> {
    fn number_text(&self, token: Token, operator: &str) -> Result<&'a str, Error> {
        if token != Token::Number {
            return Err(self.refuse(&Reason::NumericOperand(operator.to_owned())));
        }
        Ok(self.reader.token_text())
    }
}

fn bound(operator: &str, number: f64) -> Bound {
    if operator.ends_with('=') { Bound::Closed(number) } else { Bound::Open(number) }
}
