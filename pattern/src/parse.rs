//! Reads a pattern's text.
//!
//! The order of the checks, and where the reader stands at each, decide which of several mistakes is reported
//! and the column that is reported with it; both are those of `EventBridge`.

mod anything_but;
mod combinations;
mod expression;
mod numeric;

use std::sync::Arc;

use crate::alternatives::Alternatives;
use crate::compiled::{Branch, Compiled, FieldRule};
use crate::complexity::Complexity;
use crate::condition::Condition;
use crate::error::{COMBINATIONS_MAX, Error, FIELDS_MAX, PATHS_MAX, Reason};
use crate::json::{Reader, SyntaxError, Token};

use combinations::{Combination, Combinations, index};

/// Names that cannot be fields inside `$or`, because they are operators or are kept for ones to come.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// Compiles a pattern's text.
pub(crate) fn parse(text: &str) -> Result<Compiled, Error> {
    let mut parser = Parser {
        text,
        reader: Reader::new(text),
        fields: Vec::new(),
        paths_len: 0,
        combinations: Combinations::new(),
        scopes: Vec::new(),
        path: String::new(),
        steps: 0,
    };
    if parser.reader.next().map_err(|error| parser.syntax(&error))? != Some(Token::ObjectStart) {
        return Err(parser.refuse(&Reason::NotAnObject));
    }
    parser.pattern()?;
    parser.finish()
}

struct Parser<'a> {
    text: &'a str,
    reader: Reader<'a>,
    /// The fields read so far, in the order of the text.
    fields: Vec<Field>,
    /// How many bytes their paths have together.
    paths_len: usize,
    combinations: Combinations,
    /// The dotted path of the object that is being read.
    path: String,
    steps: usize,
    /// The objects and `$or` lists that are being read, the innermost last.
    scopes: Vec<Scope>,
}

/// The list of one field's alternatives.
struct Field {
    path: Box<str>,
    conditions: Vec<Condition>,
    /// Where each condition stands in the text.
    spans: Vec<(usize, usize)>,
}

enum Scope {
    Object {
        empty: bool,
        inside_or: bool,
        /// The length of the path outside, where the object is the value of a field.
        outer: Option<usize>,
    },
    Or {
        /// The combinations that each object in the list goes on from.
        before: Vec<Combination>,
        /// Those that the objects read so far have led to.
        after: Vec<Combination>,
        count: usize,
    },
}

impl Parser<'_> {
    /// Reads the pattern, whose first token was read.
    fn pattern(&mut self) -> Result<(), Error> {
        self.scopes.push(Scope::Object { empty: true, inside_or: false, outer: None });
        while let Some(scope) = self.scopes.last_mut() {
            let token = match self.reader.next_inside() {
                Ok(token) => token,
                Err(error) => return Err(self.syntax(&error)),
            };
            match (token, scope) {
                (Token::ObjectEnd, Scope::Object { empty: true, .. }) => {
                    return Err(self.refuse(&Reason::EmptyObject));
                }
                (Token::ObjectEnd, _) => self.leave_object()?,
                (_, Scope::Object { empty, inside_or, .. }) => {
                    *empty = false;
                    let inside_or = *inside_or;
                    self.field(inside_or)?;
                }
                (Token::ArrayEnd, Scope::Or { .. }) => self.leave_or()?,
                (Token::ObjectStart, Scope::Or { before, count, .. }) => {
                    *count += 1;
                    self.combinations.go_on(before);
                    self.scopes.push(Scope::Object { empty: true, inside_or: true, outer: None });
                }
                (_, Scope::Or { .. }) => return Err(self.refuse(&Reason::OrMember)),
            }
        }
        Ok(())
    }

    /// Reads what follows a name: enters its object or list, or reads all of its alternatives.
    fn field(&mut self, inside_or: bool) -> Result<(), Error> {
        let name = self.reader.name();
        if name == "$or" {
            return self.enter_or();
        }
        if inside_or && RESERVED.contains(&&*name) {
            return Err(self.refuse(&Reason::Reserved(name.into_owned())));
        }
        let outer = self.path.len();
        if self.steps > 0 {
            self.path.push('.');
        }
        self.path.push_str(&name);
        match self.token()? {
            Token::ObjectStart => {
                self.steps += 1;
                self.scopes.push(Scope::Object { empty: true, inside_or, outer: Some(outer) });
            }
            Token::ArrayStart => {
                self.leaf()?;
                self.path.truncate(outer);
            }
            _ => return Err(self.refuse(&Reason::NotAnArray(name.into_owned()))),
        }
        Ok(())
    }

    fn leave_object(&mut self) -> Result<(), Error> {
        if let Some(Scope::Object { outer: Some(outer), .. }) = self.scopes.pop() {
            self.path.truncate(outer);
            self.steps -= 1;
        }
        if let Some(Scope::Or { after, .. }) = self.scopes.last_mut() {
            self.combinations.append_to(after, index(self.fields.len()));
            if after.len() > COMBINATIONS_MAX {
                return Err(self.refuse_whole(&Reason::TooManyCombinations));
            }
        }
        Ok(())
    }

    /// Enters the list after `$or`: each object in it goes on from the combinations there were before.
    fn enter_or(&mut self) -> Result<(), Error> {
        if self.token()? != Token::ArrayStart {
            return Err(self.refuse(&Reason::OrNotAnArray));
        }
        let mut before = Vec::new();
        self.combinations.append_to(&mut before, index(self.fields.len()));
        self.scopes.push(Scope::Or { before, after: Vec::new(), count: 0 });
        Ok(())
    }

    fn leave_or(&mut self) -> Result<(), Error> {
        if let Some(Scope::Or { after, count, .. }) = self.scopes.pop() {
            if count < 2 {
                return Err(self.refuse(&Reason::OrTooShort));
            }
            self.combinations.go_on(&after);
        }
        Ok(())
    }

    /// Reads the list of a field's alternatives.
    fn leaf(&mut self) -> Result<(), Error> {
        let mut conditions = Vec::new();
        let mut spans = Vec::new();
        loop {
            let token = self.token()?;
            let start = self.reader.token_start();
            if token == Token::ArrayEnd {
                break;
            }
            conditions.push(self.condition(token)?);
            spans.push((start, self.reader.position()));
        }
        if conditions.is_empty() {
            return Err(self.refuse(&Reason::EmptyArray));
        }
        self.paths_len += self.path.len();
        if self.paths_len > PATHS_MAX {
            return Err(self.refuse_whole(&Reason::PathsTooLong));
        }
        self.fields.push(Field { path: self.path.as_str().into(), conditions, spans });
        Ok(())
    }

    fn finish(mut self) -> Result<Compiled, Error> {
        if self.combinations.total(index(self.fields.len())) > FIELDS_MAX {
            return Err(self.refuse_whole(&Reason::TooManyFields));
        }
        let ranks = ranks(&self.fields);
        let combinations = std::mem::replace(&mut self.combinations, Combinations::new());
        let branches = combinations.expand(&ranks);
        if self.is_too_complex(&branches) {
            return Err(self.refuse_whole(&Reason::TooComplex));
        }
        let (paths, rules) = rules(self.fields, &ranks);
        Ok(Compiled { paths, rules, branches })
    }

    /// Returns whether the wildcards of a field that is in some combination are too complex.
    fn is_too_complex(&self, branches: &[Branch]) -> bool {
        let mut in_force = vec![false; self.fields.len()];
        for field in branches.iter().flat_map(|branch| &branch.0) {
            in_force[*field as usize] = true;
        }
        let mut complexity = Complexity::new(self.text.len());
        let mut fields = self.fields.iter().zip(in_force).filter(|(_, in_force)| *in_force);
        fields.any(|(field, _)| complexity.exceeded(&field.conditions))
    }

    fn token(&mut self) -> Result<Token, Error> {
        self.reader.next_inside().map_err(|error| self.syntax(&error))
    }

    fn syntax(&self, error: &SyntaxError) -> Error {
        let end = self.reader.position();
        Error::new(self.text, &Reason::Syntax(error.fault.clone()), (error.at.min(end), end), &[error.at])
    }

    /// An error about the current token, with its place.
    fn refuse(&self, reason: &Reason) -> Error {
        Error::new(self.text, reason, self.token_span(), &[self.reader.position()])
    }

    /// An error about the current token that `EventBridge` reports without a place.
    fn refuse_unplaced(&self, reason: &Reason) -> Error {
        Error::new(self.text, reason, self.token_span(), &[])
    }

    fn token_span(&self) -> (usize, usize) {
        (self.reader.token_start(), self.reader.token_end())
    }

    fn refuse_whole(&self, reason: &Reason) -> Error {
        Error::new(self.text, reason, (0, self.text.len()), &[])
    }
}

/// Returns for each field the place of its path among all paths in order, which is that of their UTF-16 units.
fn ranks(fields: &[Field]) -> Vec<u32> {
    let path = |field: &usize| &*fields[*field].path;
    let mut order: Vec<usize> = (0..fields.len()).collect();
    // Only what takes two units is out of order by its bytes, and in UTF-8 it starts with F0 or above.
    if fields.iter().any(|field| field.path.bytes().any(|byte| byte >= 0xF0)) {
        order.sort_by_cached_key(|field| path(field).encode_utf16().collect::<Vec<_>>());
    } else {
        order.sort_unstable_by_key(path);
    }
    let mut ranks = vec![0; fields.len()];
    for pair in order.windows(2) {
        ranks[pair[1]] = ranks[pair[0]] + u32::from(path(&pair[0]) != path(&pair[1]));
    }
    ranks
}

/// Numbers the paths in the order of the text, and writes the fields down with these numbers.
fn rules(fields: Vec<Field>, ranks: &[u32]) -> (Vec<Box<str>>, Vec<FieldRule>) {
    let mut paths = Vec::new();
    let mut ids = vec![None; fields.len()];
    let rule = |(field, rank): (Field, &u32)| FieldRule {
        path: *ids[*rank as usize].get_or_insert_with(|| {
            paths.push(field.path);
            index(paths.len() - 1)
        }),
        alternatives: Arc::new(Alternatives::new(field.conditions)),
        spans: field.spans.into(),
    };
    let rules = fields.into_iter().zip(ranks).map(rule).collect();
    (paths, rules)
}
