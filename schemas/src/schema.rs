//! [`Schema`]: one version of one JSON Schema, ready to judge payloads.

use std::fmt;
use std::sync::Arc;

use jsonschema::{Retrieve, Uri, ValidationError, Validator};
use semver::Version;
use serde_json::Value;

/// A quoted value is cut to so many characters.
const VALUE_CHARS_MAX: usize = 120;

/// A reason is cut to so many characters, whatever it lists.
const REASON_CHARS_MAX: usize = 400;

/// One version of one JSON Schema, ready to judge payloads; clones share it.
#[derive(Clone)]
pub struct Schema(Arc<Compiled>);

struct Compiled {
    name: String,
    version: Version,
    validator: Validator,
}

/// Where and why a payload does not follow its schema.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at `{path}`: {reason}")]
pub struct Violation {
    /// A JSON pointer into the payload; empty for the whole of it.
    pub path: String,
    /// What the schema wanted. It may quote the value found, cut at 120 characters; it is never over 400.
    pub reason: String,
}

impl Schema {
    /// Compiles a schema; `family` is its registry and name.
    pub(crate) fn compile(family: &str, version: Version, source: &Value) -> Result<Self, Violation> {
        let validator =
            jsonschema::options().with_retriever(Nowhere).build(source).map_err(|error| violation(&error))?;
        Ok(Self(Arc::new(Compiled { name: format!("{family}@{version}"), version, validator })))
    }

    /// Returns the full name, such as `shop.orders/OrderPlaced@2.1.0`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        &self.0.version
    }

    /// Judges one payload.
    ///
    /// # Errors
    ///
    /// Returns the first violation, in the schema's own order of keywords.
    pub fn check(&self, payload: &Value) -> Result<(), Violation> {
        self.0.validator.validate(payload).map_err(|error| violation(&error))
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.0.name).finish()
    }
}

/// Refuses every `$ref` out of the file, whatever features another crate turns on.
struct Nowhere;

impl Retrieve for Nowhere {
    fn retrieve(&self, _: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err("a schema refers to nothing outside its own file".into())
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let value = cut(error.instance().to_string(), VALUE_CHARS_MAX);
    let reason = cut(error.masked_with(value).to_string(), REASON_CHARS_MAX);
    Violation { path: error.instance_path().to_string(), reason }
}

/// Returns at most `chars_max` characters of a text, the last of them `...` if it was longer.
fn cut(mut text: String, chars_max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(chars_max) {
        let keep = text.char_indices().nth(chars_max - 3).map_or(end, |(keep, _)| keep);
        text.truncate(keep);
        text.push_str("...");
    }
    text
}
