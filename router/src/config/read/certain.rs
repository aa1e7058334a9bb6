//! What certainly happens to an event: to any event at all, or to a release of which more is known.

use pattern::{Field, FieldValue, Pattern};

use super::template::VALUE;
use crate::config::model::{Aggregation, Completion, Consumer, Emit, KeyExpression, Late, Piece, Template};

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
    let alone = aggregation.parts_max == 1 || completes_alone(&aggregation.complete);
    // A key that was released before may be that of this release too: where such a part is late, it ends here.
    alone
        && aggregation.late == Late::NewGroup
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
fn names(key: &KeyExpression, part: Option<&Template>, release: &Emit) -> bool {
    if !is_there(&key.path) {
        return false;
    }
    let captures = match &key.capture {
        None => Vec::new(),
        Some(regex) => {
            let value = key.path.first().and_then(|name| known(release, name));
            let Some(found) = value.and_then(|value| regex.captures(value)) else { return false };
            let is_found = |name: &&str| found.name(name).is_some_and(|text| !text.is_empty());
            regex.capture_names().flatten().filter(is_found).collect()
        }
    };
    let fills = |template: &Template| {
        template.pieces.iter().all(|piece| match piece {
            Piece::Text(_) => true,
            Piece::Name(name) => name == VALUE || captures.contains(&name.as_str()),
            Piece::Path(path) => is_there(path),
        })
    };
    fills(&key.key) && part.is_none_or(fills)
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
        Completion::Count(count) => *count == 1,
        Completion::Idle(_) | Completion::Within(_) | Completion::Cutoff(_) => true,
        Completion::Expected(_) | Completion::When(_) => false,
        Completion::Any(any) => any.iter().any(completes_alone),
        Completion::All(all) => all.iter().all(completes_alone),
    }
}
