//! Reads a pattern's text.
//!
//! The order of the checks, and where the reader stands at each, decide which of several mistakes is reported
//! and the column that is reported with it; both are those of `EventBridge`.

mod anything_but;
mod expression;
mod numeric;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::compiled::{Branch, Compiled, FieldRule};
use crate::complexity;
use crate::condition::Condition;
use crate::error::{COMBINATIONS_MAX, Error, Reason};
use crate::json::{Reader, SyntaxError, Token};

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

/// A combination being built: for each path the rule written last.
type Combination = BTreeMap<u32, u32>;

/// Compiles a pattern's text.
pub(crate) fn parse(text: &str) -> Result<Compiled, Error> {
    let mut parser = Parser {
        text,
        reader: Reader::new(text),
        paths: HashMap::new(),
        compiled: Compiled::default(),
        combinations: Vec::new(),
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
    paths: HashMap<Box<str>, u32>,
    compiled: Compiled,
    /// The dotted path of the object that is being read.
    path: String,
    steps: usize,
    /// What the fields read so far make up; none before the first.
    combinations: Vec<Combination>,
    /// The objects and `$or` lists that are being read, the innermost last.
    scopes: Vec<Scope>,
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
                    self.combinations.clone_from(before);
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
            after.append(&mut self.combinations);
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
        let mut before = std::mem::take(&mut self.combinations);
        if before.is_empty() {
            before.push(Combination::new());
        }
        self.scopes.push(Scope::Or { before, after: Vec::new(), count: 0 });
        Ok(())
    }

    fn leave_or(&mut self) -> Result<(), Error> {
        if let Some(Scope::Or { after, count, .. }) = self.scopes.pop() {
            if count < 2 {
                return Err(self.refuse(&Reason::OrTooShort));
            }
            self.combinations = after;
        }
        Ok(())
    }

    /// Reads the list of a field's alternatives and writes it into every combination.
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
        let path = self.path_id();
        let rule = index(self.compiled.rules.len());
        self.compiled.rules.push(FieldRule {
            path,
            absent: conditions.iter().any(|condition| matches!(condition, Condition::Absent)),
            conditions: conditions.into(),
            spans: spans.into(),
        });
        if self.combinations.is_empty() {
            self.combinations.push(Combination::new());
        }
        for combination in &mut self.combinations {
            combination.insert(path, rule);
        }
        Ok(())
    }

    fn path_id(&mut self) -> u32 {
        if let Some(id) = self.paths.get(&*self.path) {
            return *id;
        }
        let id = index(self.compiled.paths.len());
        self.compiled.paths.push(self.path.as_str().into());
        self.paths.insert(self.path.as_str().into(), id);
        id
    }

    fn finish(mut self) -> Result<Compiled, Error> {
        let paths = &self.compiled.paths;
        let by_path = |rule: &(u32, u32)| paths[rule.0 as usize].encode_utf16().collect::<Vec<_>>();
        let mut branches = Vec::with_capacity(self.combinations.len());
        for combination in &self.combinations {
            let mut rules: Vec<_> = combination.iter().map(|(path, rule)| (*path, *rule)).collect();
            rules.sort_by_cached_key(by_path);
            branches.push(Branch(rules.into_iter().map(|(_, rule)| rule).collect()));
        }
        self.compiled.branches = branches;
        let in_force: BTreeSet<u32> =
            self.compiled.branches.iter().flat_map(|branch| branch.0.iter().copied()).collect();
        let conditions = |rule: &u32| &self.compiled.rules[*rule as usize].conditions;
        if in_force.iter().map(conditions).any(|field| complexity::exceeds(field, complexity::COMPLEXITY_MAX))
        {
            return Err(self.refuse_whole(&Reason::TooComplex));
        }
        Ok(self.compiled)
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

/// A text of 2^32 bytes is needed for as many rules.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
