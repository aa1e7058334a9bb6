//! Payloads merged into one object.

use std::collections::BTreeMap;

use event::Data;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// A value of a merged object: numbers keep their digits.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// As a part has it.
    Raw(&'a RawValue),
    /// Put together.
    Object(BTreeMap<String, Node<'a>>),
}

/// Merges payloads that are JSON objects; others are left out. Of two values of one name the later counts, and objects
/// are merged in turn.
pub(crate) fn all<'a>(payloads: impl Iterator<Item = &'a Data>) -> Node<'a> {
    let mut merged = BTreeMap::new();
    for payload in payloads {
        if let Data::Json(bytes) = payload
            && let Ok(members) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(bytes)
        {
            merge(&mut merged, members);
        }
    }
    Node::Object(merged)
}

fn merge<'a>(into: &mut BTreeMap<String, Node<'a>>, members: BTreeMap<String, &'a RawValue>) {
    for (name, value) in members {
        let node = match (into.remove(&name).and_then(Node::members), object(value)) {
            (Some(mut before), Some(members)) => {
                merge(&mut before, members);
                Node::Object(before)
            }
            _ => Node::Raw(value),
        };
        into.insert(name, node);
    }
}

fn object(value: &RawValue) -> Option<BTreeMap<String, &RawValue>> {
    value.get().starts_with('{').then(|| serde_json::from_str(value.get()).ok()).flatten()
}

impl Node<'_> {
    fn members(self) -> Option<BTreeMap<String, Self>> {
        match self {
            Self::Object(members) => Some(members),
            Self::Raw(value) => {
                Some(object(value)?.into_iter().map(|(name, value)| (name, Self::Raw(value))).collect())
            }
        }
    }
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Raw(value) => value.serialize(serializer),
            Self::Object(members) => members.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn later_values_count_and_objects_are_merged() {
        let check = |payloads: &[&'static str], expected: &str| {
            let payloads: Vec<Data> =
                payloads.iter().map(|text| Data::Json(Bytes::from_static(text.as_bytes()))).collect();
            assert_eq!(serde_json::to_string(&all(payloads.iter())).unwrap(), expected);
        };
        check(&[], "{}");
        check(&[r#"{"a":1}"#, r#"{"b":2}"#], r#"{"a":1,"b":2}"#);
        check(&[r#"{"a":1}"#, r#"{"a":12345678901234567890123}"#], r#"{"a":12345678901234567890123}"#);
        check(&[r#"{"a":{"x":1,"y":1}}"#, r#"{"a":{"y":2}}"#], r#"{"a":{"x":1,"y":2}}"#);
        check(&[r#"{"a":{"x":{"y":1}}}"#, r#"{"a":{"x":{"z":2}}}"#], r#"{"a":{"x":{"y":1,"z":2}}}"#);
        check(&[r#"{"a":{"x":1}}"#, r#"{"a":[1]}"#, "[1]", "7"], r#"{"a":[1]}"#);
    }
}
