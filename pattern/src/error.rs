//! What is said about a pattern or an event that is refused.

use crate::json::{Fault, Location, SyntaxError, source_reference};

/// The limit on combinations that `$or` may expand a pattern to; a pattern beyond it is refused.
pub const COMBINATIONS_MAX: usize = 1000;

/// The limit on fields in all combinations of a pattern together; a pattern beyond it is refused.
pub(crate) const FIELDS_MAX: usize = 1_000_000;

/// The limit on the bytes in the paths of all fields of a pattern; a pattern beyond it is refused.
pub(crate) const PATHS_MAX: usize = 1_000_000;

/// A place in a pattern's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
    /// The line of the first byte; the first line is 1.
    pub line: usize,
    /// The column of the first byte in UTF-16 units; the first column is 1.
    pub column: usize,
}

/// A pattern that was refused.
///
/// Its text is the reason in the words of `EventBridge`, without the place: `Empty arrays are not allowed`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    message: String,
    suffix: String,
    span: Span,
}

impl Error {
    /// Builds an error about the given bytes; `places` are the positions that `EventBridge` would report.
    pub(crate) fn new(text: &str, reason: &Reason, bytes: (usize, usize), places: &[usize]) -> Self {
        let (start, end) = bytes;
        let Location { line, column } = Location::of(text, start);
        let message = match reason {
            Reason::Syntax(fault) => fault.message(text),
            other => other.to_string(),
        };
        let suffix: Vec<_> =
            places.iter().map(|place| format!("\n at {}", source_reference(text, *place))).collect();
        Self { message, suffix: suffix.concat(), span: Span { start, end: end.max(start), line, column } }
    }

    /// Returns the reason alone: what `EventBridge` says after `Event pattern is not valid. Reason: `.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the reason with the place as `EventBridge` adds it, on one or two further lines or not at all:
    /// `\n at [Source: (String)"..."; line: 1, column: 9]`.
    pub fn message_with_source(&self) -> String {
        format!("{}{}", self.message, self.suffix)
    }

    /// Returns the part of the pattern the error is about.
    pub fn span(&self) -> Span {
        self.span
    }
}

/// Why a pattern is refused, in the words of `EventBridge`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Reason {
    #[error("{0}")]
    Syntax(Fault),
    #[error("Filter is not an object")]
    NotAnObject,
    #[error("Empty objects are not allowed")]
    EmptyObject,
    #[error("Empty arrays are not allowed")]
    EmptyArray,
    #[error("\"{0}\" must be an object or an array")]
    NotAnArray(String),
    #[error("Match value must be String, number, true, false, or null")]
    NotAValue,
    #[error("Match expression name not found")]
    NoOperator,
    #[error("Unrecognized match type {0}")]
    UnknownOperator(String),
    #[error("Only one key allowed in match expression")]
    OneKey,
    #[error("{0} match pattern must be a string")]
    NotAString(&'static str),
    #[error("{0} expression name not found")]
    NoNestedOperator(&'static str),
    #[error("Unsupported {operator} pattern: {nested}")]
    UnsupportedNested { operator: &'static str, nested: String },
    #[error("exists match pattern must be either true or false.")]
    NotABoolean,
    #[error("Value of numeric must be an array.")]
    NumericNotAnArray,
    #[error("Invalid member in numeric match: {0}")]
    NumericMember(String),
    #[error("Unrecognized numeric range operator: {0}")]
    NumericOperator(String),
    #[error("Value of {0} must be numeric")]
    NumericOperand(String),
    #[error("Bad value in numeric range: {0}")]
    RangeMember(String),
    #[error("Bad numeric range operator: {0}")]
    RangeOperator(String),
    #[error("Too many terms in numeric range expression")]
    RangeTooLong,
    #[error("Too many elements in numeric expression")]
    TooManyElements,
    #[error("Bottom must be less than top")]
    EmptyRange,
    #[error("Cannot compare number : {0}")]
    Incomparable(String),
    #[error("Value of anything-but must be an array or single string/number value.")]
    AnythingButValue,
    #[error("Inside anything but list, start|null|boolean is not supported.")]
    AnythingButMember,
    #[error("Inside anything but list, either all values are number or string, mixed type is not supported")]
    AnythingButMixed,
    #[error("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.")]
    IgnoreCaseMember,
    #[error("Null prefix/suffix not allowed")]
    EmptyAffix,
    #[error("Consecutive wildcard characters at pos {0}")]
    ConsecutiveWildcards(usize),
    #[error("Invalid escape character at pos {0}")]
    WildcardEscape(usize),
    #[error(
        "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences \
         after a wildcard character"
    )]
    TooComplex,
    #[error("Malformed CIDR, one '/' required")]
    CidrSlash,
    #[error("Malformed CIDR, mask bits must be an integer")]
    CidrMask,
    #[error("Malformed CIDR, mask bits must not be negative")]
    CidrNegative,
    #[error("{version} mask bits must be < {limit}")]
    CidrTooLong { version: &'static str, limit: u8 },
    #[error("Invalid IP address: {0}")]
    InvalidAddress(String),
    #[error("Nonstandard IP address: {0}")]
    NonstandardAddress(String),
    #[error("It must be an Array followed with $or.")]
    OrNotAnArray,
    #[error("Only JSON object is allowed in array of $or relationship.")]
    OrMember,
    #[error("There must have at least 2 Objects in $or relationship.")]
    OrTooShort,
    #[error("{0} is Ruler reserved fieldName which cannot be used inside $or.")]
    Reserved(String),
    #[error(
        "Rule is too complex - its $or relationships expand to more than {COMBINATIONS_MAX} combinations"
    )]
    TooManyCombinations,
    #[error("Rule is too complex - its combinations have more than {FIELDS_MAX} fields together")]
    TooManyFields,
    #[error("Rule is too complex - the paths of its fields have more than {PATHS_MAX} bytes together")]
    PathsTooLong,
}

/// An event that cannot be matched because it cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// The event is JSON, and not an object, or it is empty.
    #[error("the event is not a JSON object")]
    NotAnObject,
    /// The event, or one field of it, has 4 GiB or more.
    #[error("{} is longer than 4 GiB", subject(field.as_deref()))]
    TooLong {
        /// The top-level field whose value it is, where the fields came apart.
        field: Option<String>,
    },
    /// The event has so many arrays with values of the same paths that it cannot be said in reasonable time whether
    /// values of all fields are found together.
    #[error("the event's arrays hold too many ways to put the values of a rule's fields together")]
    TooManyWays,
    /// The event, or one field of it, is not UTF-8.
    #[error("{} is not UTF-8 at byte {offset}", subject(field.as_deref()))]
    NotUtf8 {
        /// The top-level field whose value it is, where the fields came apart.
        field: Option<String>,
        /// The first byte that is not UTF-8, counted from the start of the event or of the field's value.
        offset: usize,
    },
    /// The event, or one field of it, is not JSON.
    #[error("{} is not valid JSON at byte {offset}: {reason}", subject(field.as_deref()))]
    Malformed {
        /// The top-level field whose value it is, where the fields came apart.
        field: Option<String>,
        /// The byte where that was noticed, counted from the start of the event or of the field's value.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
}

impl EventError {
    pub(crate) fn malformed(field: Option<&str>, error: &SyntaxError) -> Self {
        Self::Malformed { field: field.map(str::to_owned), offset: error.at, reason: error.fault.to_string() }
    }
}

fn subject(field: Option<&str>) -> String {
    field.map_or_else(|| "the event".to_owned(), |field| format!("the event's field `{field}`"))
}
