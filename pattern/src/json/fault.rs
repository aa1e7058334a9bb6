//! What can be wrong with a JSON text, in the words `EventBridge` uses.

use super::location::source_reference;

pub(super) const COMMENT: &str = "maybe a (non-standard) comment? (not recognized as one since Feature \
     'ALLOW_COMMENTS' not enabled for parser)";
pub(super) const VALUES: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

/// A JSON text that cannot be read, and the byte it was noticed at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub(crate) struct SyntaxError {
    pub(crate) fault: Fault,
    pub(crate) at: usize,
}

impl SyntaxError {
    pub(crate) fn new(fault: Fault, at: usize) -> Self {
        Self { fault, at }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("Unexpected character ({found}): {wanted}")]
    UnexpectedCharacter { found: String, wanted: String },
    #[error("Unexpected character ({found}) in numeric value: {wanted}")]
    UnexpectedInNumber { found: String, wanted: &'static str },
    #[error("Invalid numeric value: Leading zeroes not allowed")]
    LeadingZero,
    #[error("Unrecognized token '{token}': was expecting {VALUES}")]
    UnknownToken { token: String },
    #[error("Non-standard token '{0}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow")]
    NonStandardToken(&'static str),
    #[error(
        "Illegal character ({found}): only regular white space (\\r, \\n, \\t) is allowed between tokens"
    )]
    ControlBetweenTokens { found: String },
    #[error(
        "Illegal unquoted character ({found}): has to be escaped using backslash to be included in {place}"
    )]
    ControlInText { found: String, place: &'static str },
    #[error("Unrecognized character escape {found}")]
    UnknownEscape { found: String },
    #[error("Unexpected end-of-input{0}")]
    EndOfInput(&'static str),
    #[error("Unexpected end-of-input within/between {0} entries")]
    EndBetween(&'static str),
    #[error("Unexpected end-of-input: expected close marker for {} that starts at byte {start}", kind(*object))]
    Unclosed { object: bool, start: usize },
    #[error("Unexpected close marker '{marker}': expected '{}' for {} that starts at byte {start}",
        closing(*object), kind(*object))]
    WrongClose { marker: char, object: bool, start: usize },
    #[error(
        "Document nesting depth ({depth}) exceeds the maximum allowed ({}, from \
        `StreamReadConstraints.getMaxNestingDepth()`)",
        super::DEPTH_MAX
    )]
    TooDeep { depth: usize },
}

impl Fault {
    /// Returns the fault in the words of `EventBridge`, which quotes the whole text to name a place in it.
    pub(crate) fn message(&self, text: &str) -> String {
        match self {
            Self::Unclosed { object, start } => format!(
                "Unexpected end-of-input: expected close marker for {} (start marker at {})",
                kind(*object),
                source_reference(text, *start)
            ),
            Self::WrongClose { marker, object, start } => format!(
                "Unexpected close marker '{marker}': expected '{}' (for {} starting at {})",
                closing(*object),
                kind(*object),
                source_reference(text, *start)
            ),
            other => other.to_string(),
        }
    }
}

fn kind(object: bool) -> &'static str {
    if object { "Object" } else { "Array" }
}

fn closing(object: bool) -> char {
    if object { '}' } else { ']' }
}

/// Returns a character with its code, as error texts name it.
pub(crate) fn describe(character: char) -> String {
    let code = u32::from(character);
    if character.is_control() {
        format!("(CTRL-CHAR, code {code})")
    } else if code > 255 {
        format!("'{character}' (code {code} / 0x{code:x})")
    } else {
        format!("'{character}' (code {code})")
    }
}
