//! What certainly happens to an event: to any event at all, or to a release of which more is known.

use pattern::{Field, FieldValue, Pattern};

use super::template::VALUE;
use crate::config::model::{
    Aggregation, AtLimit, Completion, Consumer, Count, Emit, Format, KeyExpression, Late, Partial, Piece,
    Template, Value, Way,
};

/// Attributes that every release has, as texts that are not empty. `subject` is the group's key.
const ATTRIBUTES: [&str; 11] = [
    "id",
    "source",
    "type",
    "detail-type",
    "time",
    "subject",
    "datacontenttype",
    "specversion",
    "version",
    "account",
    "region",
];

/// What the payload of every release has, under `detail` and `data`.
const PAYLOAD: [&str; 2] = ["aggregation", "key"];

/// Returns whether a consumer certainly passes on an event, which is any event unless it is a release.
pub(super) fn passes(consumer: &Consumer, release: Option<&Emit>) -> bool {
    consumer.gate.is_none() && holds(consumer.filter.as_ref(), release)
}

/// Returns whether an aggregation certainly gathers a release and, after it, releases one of its own.
pub(super) fn gathers(aggregation: &Aggregation, release: &Emit) -> bool {
    let Way::Gather(completion) = &aggregation.way else { return false };
    let full = aggregation.limits.parts_max == 1 && aggregation.limits.at_limit == AtLimit::Release;
    // A key that was released before may be that of this release too: where such a part is late, it ends here.
    (full || completes_alone(completion))
        && aggregation.late == Late::NewGroup
        && aggregation.partial == Partial::Release
        && holds(aggregation.filter.as_ref(), Some(release))
        && names(&aggregation.key, aggregation.part.as_ref(), release)
}

/// Returns whether a filter certainly holds. Of a release it may ask for what is known of it before it is made.
fn holds(filter: Option<&Pattern>, release: Option<&Emit>) -> bool {
    let (Some(filter), Some(release)) = (filter, release) else { return filter.is_none() };
    let known =
        ["source", "type", "detail-type"].map(|name| (name, known(release, name).unwrap_or_default()));
    let fields = known.map(|(name, text)| Field { name, value: FieldValue::Text(text) });
    filter.paths().all(|path| known.iter().any(|(name, _)| *name == path))
        && filter.matches_fields(&fields).unwrap_or(false)
}

/// Returns whether a release certainly has a key and a part's name.
fn names(key: &[KeyExpression], part: Option<&Template>, release: &Emit) -> bool {
    let captures: Option<Vec<_>> = key.iter().map(|expression| captures(expression, release)).collect();
    let Some(captures) = captures else { return false };
    let all = captures.concat();
    key.iter().zip(&captures).all(|(expression, own)| fills(&expression.key, own))
        && part.is_none_or(|part| fills(part, &all))
}

/// Returns the captures that certainly have a text; none if the expression may find nothing.
fn captures<'k>(expression: &'k KeyExpression, release: &Emit) -> Option<Vec<&'k str>> {
    let path = expression.paths.iter().find(|path| is_there(path))?;
    let Some(regex) = &expression.capture else { return Some(Vec::new()) };
    if expression.paths.first() != Some(path) {
        return None;
    }
    let found = regex.captures(path.first().and_then(|name| known(release, name))?)?;
    let is_found = |name: &&str| found.name(name).is_some_and(|text| !text.is_empty());
    Some(regex.capture_names().flatten().filter(is_found).collect())
}

/// Returns whether a template certainly has a text.
fn fills(template: &Template, captures: &[&str]) -> bool {
    template.pieces.iter().all(|piece| match piece {
        Piece::Text(_) => true,
        Piece::Value(value, formats) => {
            let is_there = match value {
                Value::Name(name) => name == VALUE || captures.contains(&name.as_str()),
                Value::Path(path) => is_there(path),
            };
            is_there && formats.iter().all(|format| matches!(format, Format::Lower | Format::Upper))
        }
    })
}

/// Returns an attribute of a release that the configuration says.
fn known<'r>(release: &'r Emit, name: &str) -> Option<&'r str> {
    match name {
        "source" => Some(&release.source),
        "type" | "detail-type" => Some(&release.kind),
        _ => None,
    }
}

/// Returns whether every release has a text at a path.
fn is_there(path: &[String]) -> bool {
    match path {
        [name] => ATTRIBUTES.contains(&name.as_str()),
        [data, name] => matches!(data.as_str(), "detail" | "data") && PAYLOAD.contains(&name.as_str()),
        _ => false,
    }
}

/// Returns whether a group of one part certainly ends, at once or in time.
fn completes_alone(completion: &Completion) -> bool {
    match completion {
        Completion::Count(count) => matches!(count, Count::Fixed(1)),
        Completion::Idle(_) | Completion::Within(_) | Completion::Cutoff(_) | Completion::Window(_) => true,
        Completion::Expected(_) | Completion::Never | Completion::When(_) | Completion::While(_) => false,
        Completion::Any(any) => any.iter().any(completes_alone),
        Completion::All(all) => all.iter().all(completes_alone),
    }
}
