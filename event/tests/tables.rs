//! Every table of `tests/data`, one row after the other; a failing row is named.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its case has failed")]

use bytes::Bytes;
use railpost_event::eventbridge::{Field, Identity, PutEntry, View, envelope};
use railpost_event::http::{self as binding, Mode};
use railpost_event::trace::{Fresh, Incoming, parse_traceparent, parse_xray};
use railpost_event::{Event, SpanId, Timestamp, TraceContext, TraceId, json};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// 2026-11-21T06:00:00.750Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_240_800_750);

fn rows(table: &str) -> Vec<Value> {
    let rows: Vec<_> = table.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty());
    rows
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field].as_str().unwrap_or_else(|| panic!("{} has no {field}", row["name"]))
}

/// Checks that a decoded event encodes to `encoded`, or that the error begins with the row's `error`.
fn check<E: ToString>(row: &Value, decoded: Result<Event, E>, encoded: &str) {
    let name = &row["name"];
    match (decoded, row["error"].as_str()) {
        (Ok(event), None) => {
            assert_eq!(String::from_utf8(json::encode(&event)).unwrap(), encoded, "{name}");
        }
        (Err(error), Some(expected)) => {
            let error = error.to_string();
            assert!(error.starts_with(expected), "{name}: {error}");
        }
        (decoded, expected) => {
            panic!("{name}: wanted {expected:?}, got {:?}", decoded.map_err(|e| e.to_string()));
        }
    }
}

#[test]
fn binary_mode() {
    for row in rows(include_str!("data/binary.jsonl")) {
        let mut headers = HeaderMap::new();
        for pair in row["headers"].as_array().unwrap() {
            let name: HeaderName = pair[0].as_str().unwrap().parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(pair[1].as_str().unwrap().as_bytes()).unwrap());
        }
        let body = Bytes::from(text(&row, "body").to_owned());
        let encoded = row["structured"].as_str().unwrap_or_default();
        check(&row, binding::decode_binary(&headers, body), encoded);
    }
}

#[test]
fn structured_mode() {
    for row in rows(include_str!("data/structured.jsonl")) {
        let document = text(&row, "document");
        let encoded = row["encoded"].as_str().unwrap_or(document);
        check(&row, json::decode(&Bytes::from(document.to_owned())), encoded);
    }
}

#[test]
fn entries() {
    for row in rows(include_str!("data/entries.jsonl")) {
        let name = &row["name"];
        let entry: PutEntry = serde_json::from_value(row["entry"].clone()).unwrap();
        if let Some(size) = row["size"].as_u64() {
            assert_eq!(entry.size() as u64, size, "{name}");
        }
        match entry.into_event("e1".to_owned(), NOW) {
            Ok(event) => {
                assert_eq!(
                    String::from_utf8(json::encode(&event)).unwrap(),
                    text(&row, "structured"),
                    "{name}"
                );
            }
            Err(error) => {
                assert_eq!(
                    (error.code, &*error.message),
                    (text(&row, "code"), text(&row, "message")),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn envelopes_and_views() {
    let identity = Identity { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() };
    for row in rows(include_str!("data/envelopes.jsonl")) {
        let name = &row["name"];
        let event = json::decode(&Bytes::from(text(&row, "event").to_owned())).unwrap();
        let written = String::from_utf8(envelope(&event, &identity, NOW, None)).unwrap();
        assert_eq!(written, text(&row, "envelope"), "{name}");

        let view = View::new(&event, &identity, NOW);
        let mut names: Vec<_> = view.fields().map(|(name, _)| name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all, "{name}: a field is there twice");
        for (field, expected) in row["fields"].as_object().unwrap() {
            let found = view.fields().find(|(name, _)| name == field).map(|(_, value)| match value {
                Field::Text(text) => format!("text {text}"),
                Field::Json(json) => format!("json {}", str::from_utf8(json).unwrap()),
            });
            assert_eq!(found.as_deref(), expected.as_str(), "{name}: {field}");
        }
    }
}

fn check_trace(table: &str, parse: fn(&str) -> Option<Incoming>) {
    for row in rows(table) {
        let expected = row["trace"].as_str().map(|trace| Incoming {
            trace: trace.parse().unwrap(),
            parent: row["parent"].as_str().map(|parent| parent.parse().unwrap()),
            sampled: row["sampled"].as_bool(),
        });
        assert_eq!(parse(text(&row, "header")), expected, "{}", row["name"]);
    }
}

#[test]
fn trace_headers() {
    check_trace(include_str!("data/xray.jsonl"), parse_xray);
    check_trace(include_str!("data/traceparent.jsonl"), parse_traceparent);
}

#[test]
fn the_trace_is_that_of_the_first_readable_header() {
    let fresh = Fresh { trace: TraceId([9; 16]), span: SpanId([8; 8]) };
    let xray = "Root=1-11111111-111111111111111111111111";
    let header = "00-22222222222222222222222222222222-2222222222222222-00";
    let own = "00-33333333333333333333333333333333-3333333333333333-01";
    let check = |headers: [Option<&str>; 3], trace: u8, parent: Option<u8>, sampled: bool| {
        let context = TraceContext::start(headers[0], headers[1], headers[2], fresh, true);
        let parent = parent.map(|byte| SpanId([byte; 8]));
        assert_eq!(context, TraceContext { trace: TraceId([trace; 16]), span: fresh.span, parent, sampled });
    };
    check([Some(xray), Some(header), Some(own)], 0x11, None, true);
    check([Some("junk"), Some(header), Some(own)], 0x22, Some(0x22), false);
    check([None, None, Some(own)], 0x33, Some(0x33), true);
    check([None, Some("junk"), None], 9, None, true);
}

#[test]
fn trace_headers_are_written_as_they_are_read() {
    for sampled in [true, false] {
        let (trace, span) = (TraceId([0xab; 16]), SpanId([0xcd; 8]));
        let context = TraceContext { trace, span: SpanId([1; 8]), parent: None, sampled };
        let incoming = Some(Incoming { trace, parent: Some(span), sampled: Some(sampled) });
        assert_eq!(parse_xray(&context.xray(span)), incoming);
        assert_eq!(parse_traceparent(&context.traceparent(span)), incoming);
    }
}

#[test]
fn modes() {
    let check =
        |content_type, expected| assert_eq!(binding::mode(content_type), expected, "{content_type:?}");
    check(None, Mode::Binary);
    check(Some("application/json"), Mode::Binary);
    check(Some("Application/CloudEvents+JSON; charset=utf-8"), Mode::Structured);
    check(Some("application/cloudevents-batch+json"), Mode::Batch);
    check(Some("APPLICATION/CLOUDEVENTS-BATCH+JSON ;x=y"), Mode::Batch);
    check(Some("application/cloudevents+avro; a=b"), Mode::Unsupported("application/cloudevents+avro"));
    check(
        Some("application/cloudevents-batch+avro"),
        Mode::Unsupported("application/cloudevents-batch+avro"),
    );
    check(Some("application/cloudevents"), Mode::Unsupported("application/cloudevents"));
}

#[test]
fn batches() {
    let check = |document: &'static str, expected: Result<usize, &str>| {
        let decoded = json::decode_batch(&Bytes::from_static(document.as_bytes()));
        match (decoded, expected) {
            (Ok(events), Ok(count)) => {
                assert_eq!(events.len(), count);
                assert_eq!(String::from_utf8(json::encode_batch(&events)).unwrap(), document);
            }
            (Err(error), Err(text)) => assert!(error.to_string().starts_with(text), "{error}"),
            (decoded, expected) => panic!("{document}: {decoded:?}, wanted {expected:?}"),
        }
    };
    check("[]", Ok(0));
    check(r#"[{"specversion":"1.0","id":"1","source":"s","type":"t","data":[1]}]"#, Ok(1));
    let second = concat!(
        r#"[{"specversion":"1.0","id":"1","source":"s","type":"t"},"#,
        r#"{"specversion":"1.0","id":""#
    );
    check(
        concat!(
            r#"[{"specversion":"1.0","id":"1","source":"s","type":"t"},"#,
            r#"{"specversion":"1.0","id":"2","id":"3"}]"#
        ),
        Err("event 1 of the batch: `id` is there more than once"),
    );
    check(
        r#"[{"specversion":"1.0","id":"1","source":"","type":"t"}]"#,
        Err("event 0 of the batch: `source` is empty"),
    );
    check("[7]", Err("the batch is not a JSON array of events: invalid type: integer"));
    check("{}", Err("the batch is not a JSON array of events: invalid type: map, expected a JSON array"));
    check(second, Err("the batch is not a JSON array of events: EOF"));
}

#[test]
fn payload_is_a_slice_of_the_document() {
    let document =
        Bytes::from_static(br#"{"specversion":"1.0","id":"1","source":"s","type":"t","data": {"a": 1} }"#);
    let event = json::decode(&document).unwrap();
    let data = event.json().unwrap();
    assert_eq!(&data[..], br#"{"a": 1}"#);
    assert!(document.as_ptr_range().contains(&data.as_ptr()));
}

#[test]
fn binary_mode_names_the_json_that_structured_mode_implies() {
    let document =
        br#"{"specversion":"1.0","id":"1","source":"s","type":"a \u20ac","data":"I'm just a string"}"#;
    let event = json::decode(&Bytes::from_static(document)).unwrap();
    let (headers, body) = binding::encode_binary(&event).unwrap();
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["ce-type"], "a%20%E2%82%AC");
    assert_eq!(body, r#""I'm just a string""#);
}
