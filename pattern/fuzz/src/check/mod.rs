//! The engine, held against the plain evaluation.

mod explanation;
#[path = "../../../tests/naive/mod.rs"]
pub(crate) mod naive;
mod pattern;
mod rules;

pub(crate) use explanation::explanation;
pub(crate) use pattern::pattern;
pub(crate) use rules::Rules;

use naive::{Event, Json};
use railpost_pattern::{Field, FieldValue};

/// Returns an event's top-level fields apart, strings without their quotes.
fn fields<'e>(event: &'e Event<'_>) -> Vec<Field<'e>> {
    let value = |value: &'e Json, json: &'e str| {
        value.text().map_or(FieldValue::Json(json.as_bytes()), FieldValue::Text)
    };
    event.members.iter().map(|(name, plain, json)| Field { name, value: value(plain, json) }).collect()
}
