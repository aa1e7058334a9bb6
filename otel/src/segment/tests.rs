use event::hop::{Failure, Link, Outcome, Via};
use event::{Hop, SpanId, Step, Text, Timestamp, TraceId};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

use super::{document, is_documented};

/// Characters that a JSON writer escapes, that take several bytes, or that a name may not have.
fn text() -> impl Strategy<Value = String> {
    (
        vec(prop_oneof![any::<char>(), Just('"'), Just('\u{1}'), Just('\u{1f4e6}'), Just('a')], 0..8),
        0..90_usize,
    )
        .prop_map(|(pattern, times)| pattern.iter().collect::<String>().repeat(times))
}

fn shared() -> impl Strategy<Value = Text> {
    text().prop_map(Text::from)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    (vec(text(), 0..4), 0..200_usize)
        .prop_map(|(some, times)| std::iter::repeat_n(some, times).flatten().collect())
}

fn span() -> impl Strategy<Value = SpanId> {
    (1..=u64::MAX).prop_map(|id| SpanId(id.to_be_bytes()))
}

fn trace() -> impl Strategy<Value = TraceId> {
    (1..=u128::MAX).prop_map(|id| TraceId(id.to_be_bytes()))
}

fn link() -> impl Strategy<Value = Link> {
    (trace(), span()).prop_map(|(trace, span)| Link { trace, span })
}

fn failure() -> impl Strategy<Value = Failure> {
    (text(), text()).prop_map(|(path, reason)| Failure { path, reason })
}

fn step() -> impl Strategy<Value = Step> {
    let received =
        (shared(), shared(), shared(), any::<usize>()).prop_map(|(source, kind, subject, bytes)| {
            Step::Received { via: Via::PutEvents, source, r#type: kind, subject: Some(subject), bytes }
        });
    let gated = (shared(), text(), failure()).prop_map(|(consumer, schema, failure)| Step::Gated {
        consumer,
        schema,
        verdict: super::Verdict::Skip,
        failure: Some(failure),
    });
    let offered = (shared(), text(), text()).prop_map(|(aggregation, key, part)| Step::Offered {
        aggregation,
        key,
        part,
        outcome: Outcome::Late,
        received: 1,
        expected: None,
    });
    let released =
        (shared(), text(), texts(), vec(link(), 0..50)).prop_map(|(aggregation, key, missing, links)| {
            Step::Released { aggregation, key, reason: "idle".to_owned(), parts: links.len(), missing, links }
        });
    let attempted =
        (shared(), shared(), any::<Option<u16>>(), text()).prop_map(|(consumer, target, status, error)| {
            Step::Attempted { consumer, target, attempt: 1, status, error: Some(error), retry_at: None }
        });
    let dead = (shared(), text()).prop_map(|(consumer, reason)| Step::DeadLettered {
        consumer,
        attempts: 1,
        reason,
    });
    prop_oneof![received, gated, offered, released, attempted, dead]
}

prop_compose! {
    fn hop()(
        names in (shared(), shared()),
        (trace, span, parent) in (trace(), span(), proptest::option::of(span())),
        (started, ended) in (any::<i64>(), any::<i64>()),
        step in step(),
    ) -> Hop {
        Hop {
            bus: names.0,
            event: names.1,
            position: u64::MAX,
            started: Timestamp::from_micros(started),
            ended: Timestamp::from_micros(ended),
            trace,
            span,
            parent,
            sampled: true,
            step,
        }
    }
}

fn strings<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, found)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_document_is_within_the_limits_of_x_ray(hop in hop(), service in text()) {
        prop_assert!(is_documented(&hop.step));
        let document = document(&hop, &service);
        prop_assert!(document.json.len() <= 64_000, "{} bytes", document.json.len());
        let json: Value = serde_json::from_slice(&document.json).unwrap();

        let mut found = Vec::new();
        strings(&json, &mut found);
        prop_assert!(found.iter().all(|text| text.chars().count() <= 250));
        let name = json["name"].as_str().unwrap();
        let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/%&#=+\\-@".contains(c);
        prop_assert!((1..=200).contains(&name.chars().count()) && name.chars().all(allowed), "{}", name);
        let key = |key: &String| key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        prop_assert!(json["annotations"].as_object().unwrap().keys().all(key));
        prop_assert!(json.get("links").is_none_or(|links| links.as_array().unwrap().len() <= 20));

        prop_assert_eq!(json["id"].as_str().unwrap(), hop.span.to_string());
        prop_assert_eq!(json["trace_id"].as_str().unwrap(), hop.trace.to_xray());
        let parent = hop.parent.map(|parent| parent.to_string());
        prop_assert_eq!(json.get("parent_id").and_then(Value::as_str), parent.as_deref());
        prop_assert!(json.get("type").is_none() || parent.is_some(), "a subsegment without a parent");
        prop_assert!(json["start_time"].as_f64().unwrap() <= json["end_time"].as_f64().unwrap());
    }
}
