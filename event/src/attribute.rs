//! What CloudEvents allows as an attribute: names, required values, and the form of each value.

use crate::event::{Event, Value};
use crate::rfc3339;

/// The most extension attributes one event may have; an event with more is refused.
pub const EXTENSIONS_MAX: usize = 256;

/// An attribute that CloudEvents does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// A required attribute is not there.
    #[error("`{field}` is missing, and CloudEvents requires it")]
    Missing {
        /// The attribute.
        field: &'static str,
    },
    /// An attribute that must say something is empty.
    #[error("`{field}` is empty; leave it out or give it a value")]
    Empty {
        /// The attribute.
        field: String,
    },
    /// A name is not made of lower-case ASCII letters and digits.
    #[error("`{field}` is not an attribute name: names are made of a-z and 0-9")]
    Name {
        /// The name.
        field: String,
    },
    /// A name belongs to CloudEvents itself and cannot be an extension's.
    #[error("`{field}` cannot be the name of an extension: CloudEvents has given it a meaning")]
    Reserved {
        /// The name.
        field: String,
    },
    /// A name is there twice.
    #[error("`{field}` is there more than once")]
    Duplicate {
        /// The name.
        field: String,
    },
    /// A text holds a character that its attribute cannot.
    #[error("`{field}` holds the character {character:?} at byte {at}, which {rule}")]
    Character {
        /// The attribute.
        field: String,
        /// The character.
        character: char,
        /// Its place in the value, in bytes.
        at: usize,
        /// Which rule forbids it.
        rule: &'static str,
    },
    /// A text does not have the form that its attribute asks for.
    #[error("`{field}` is `{value}`, which is not {form}")]
    Form {
        /// The attribute.
        field: String,
        /// Its value.
        value: String,
        /// The form it should have.
        form: &'static str,
    },
    /// A value is of a type that its attribute cannot have.
    #[error("`{field}` is {found}, and must be {wanted}")]
    Type {
        /// The attribute.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it may be.
        wanted: &'static str,
    },
    /// A number is not a 32-bit integer.
    #[error("`{field}` is {value}, which is not an integer from -2147483648 to 2147483647")]
    Integer {
        /// The attribute.
        field: String,
        /// The number.
        value: String,
    },
    /// The event is of another version of CloudEvents.
    #[error("`specversion` is `{found}`, and only `1.0` is understood")]
    SpecVersion {
        /// The version.
        found: String,
    },
    /// There are more extensions than one event may have.
    #[error("`{field}` is one extension too many: an event may have {EXTENSIONS_MAX}")]
    TooMany {
        /// The first one over the limit.
        field: String,
    },
}

impl Invalid {
    /// Returns the name of the attribute that is wrong.
    pub fn field(&self) -> &str {
        match self {
            Self::Missing { field } => field,
            Self::SpecVersion { .. } => "specversion",
            Self::Empty { field }
            | Self::Name { field }
            | Self::Reserved { field }
            | Self::Duplicate { field }
            | Self::Character { field, .. }
            | Self::Form { field, .. }
            | Self::Type { field, .. }
            | Self::Integer { field, .. }
            | Self::TooMany { field } => field,
        }
    }
}

/// Checks every attribute of an event, and that no extension is there twice.
pub fn check(event: &Event) -> Result<(), Invalid> {
    check_text("id", &event.id)?;
    check_uri_reference("source", &event.source)?;
    check_text("type", &event.kind)?;
    event.subject.as_deref().map_or(Ok(()), |text| check_text("subject", text))?;
    event.time.as_deref().map_or(Ok(()), check_time)?;
    event.datacontenttype.as_deref().map_or(Ok(()), check_media_type)?;
    event.dataschema.as_deref().map_or(Ok(()), check_dataschema)?;
    for (at, (name, value)) in event.extensions.iter().enumerate() {
        if at >= EXTENSIONS_MAX {
            return Err(Invalid::TooMany { field: name.clone() });
        }
        check_extension_name(name)?;
        if let Value::String(text) = value {
            check_characters(name, text)?;
        }
        if event.extensions[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(Invalid::Duplicate { field: name.clone() });
        }
    }
    Ok(())
}

/// Checks that a name can be that of an extension: `[a-z0-9]+`, and none that CloudEvents uses itself.
pub fn check_extension_name(name: &str) -> Result<(), Invalid> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(Invalid::Name { field: name.to_owned() });
    }
    match name {
        "data" | "id" | "source" | "type" | "specversion" | "subject" | "time" | "datacontenttype"
        | "dataschema" => Err(Invalid::Reserved { field: name.to_owned() }),
        _ => Ok(()),
    }
}

/// Checks that a text is not empty and that CloudEvents allows its characters.
pub fn check_text(field: &str, text: &str) -> Result<(), Invalid> {
    check_not_empty(field, text)?;
    check_characters(field, text)
}

/// Checks that a text is a URI reference, such as `https://shop.test/orders`, `/orders` or `aws.s3`.
pub fn check_uri_reference(field: &str, text: &str) -> Result<(), Invalid> {
    check_not_empty(field, text)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    if let Some((at, character)) = text.char_indices().find(|(_, c)| !u8::try_from(*c).is_ok_and(allowed)) {
        let rule = "a URI reference cannot hold unless it is percent-encoded";
        return Err(Invalid::Character { field: field.to_owned(), character, at, rule });
    }
    let after_percent = || text.as_bytes().split(|byte| *byte == b'%').skip(1);
    let escaped = after_percent().all(|rest| rest.len() > 1 && rest[..2].iter().all(u8::is_ascii_hexdigit));
    if !escaped || text.bytes().filter(|byte| *byte == b'#').count() > 1 {
        return Err(form(field, text, "a URI reference"));
    }
    Ok(())
}

/// Tells whether a media type is JSON: its subtype is `json` or ends in `+json`. No media type is taken as JSON.
pub fn is_json(media_type: Option<&str>) -> bool {
    media_type.is_none_or(|text| {
        let essence = essence(text);
        let ends = |suffix: &str| {
            essence.len() > suffix.len() && {
                let tail = &essence.as_bytes()[essence.len() - suffix.len()..];
                tail.eq_ignore_ascii_case(suffix.as_bytes())
            }
        };
        ends("/json") || ends("+json")
    })
}

/// Returns a media type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence).trim_matches([' ', '\t'])
}

fn check_dataschema(text: &str) -> Result<(), Invalid> {
    check_uri_reference("dataschema", text)?;
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.as_bytes());
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    match scheme {
        Some([first, rest @ ..]) if first.is_ascii_alphabetic() && rest.iter().all(allowed) => Ok(()),
        _ => Err(form("dataschema", text, "an absolute URI")),
    }
}

fn check_time(text: &str) -> Result<(), Invalid> {
    if rfc3339::is_valid(text) { Ok(()) } else { Err(form("time", text, "an RFC 3339 date and time")) }
}

fn check_media_type(text: &str) -> Result<(), Invalid> {
    check_text("datacontenttype", text)?;
    let named =
        essence(text).split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let parameters = text.split_once(';').is_none_or(|(_, rest)| are_parameters(rest));
    let valid = named && parameters;
    if valid { Ok(()) } else { Err(form("datacontenttype", text, "a media type such as `application/json`")) }
}

/// Tells whether the text after the first `;` of a media type is a list of `name=value`, values maybe quoted.
fn are_parameters(text: &str) -> bool {
    let mut rest = text.trim_matches([' ', '\t']);
    while !rest.is_empty() {
        let Some((name, value)) = rest.split_once('=') else { return false };
        let end = match value.strip_prefix('"') {
            Some(quoted) => closing_quote(quoted).map(|at| at + 2),
            None => Some(value.find([';', ' ', '\t']).unwrap_or(value.len())),
        };
        let Some((value, after)) = end.and_then(|end| value.split_at_checked(end)) else { return false };
        let after = after.trim_start_matches([' ', '\t']);
        let separated = after.is_empty() || after.starts_with(';');
        if !is_token(name) || !(value.starts_with('"') || is_token(value)) || !separated {
            return false;
        }
        rest = after.trim_start_matches([';', ' ', '\t']);
    }
    true
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(allowed)
}

fn check_not_empty(field: &str, text: &str) -> Result<(), Invalid> {
    if text.is_empty() { Err(Invalid::Empty { field: field.to_owned() }) } else { Ok(()) }
}

fn check_characters(field: &str, text: &str) -> Result<(), Invalid> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(());
    }
    let Some((at, character)) = text.char_indices().find(|(_, character)| is_forbidden(*character)) else {
        return Ok(());
    };
    let rule = "CloudEvents forbids: it is a control character or no character at all";
    Err(Invalid::Character { field: field.to_owned(), character, at, rule })
}

fn is_forbidden(character: char) -> bool {
    let code = u32::from(character);
    character.is_control() || (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}

fn form(field: &str, value: &str, form: &'static str) -> Invalid {
    Invalid::Form { field: field.to_owned(), value: value.to_owned(), form }
}
