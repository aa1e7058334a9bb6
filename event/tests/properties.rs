//! What holds for any event: encodings give it back, rubbish is refused, and another implementation agrees.

#![expect(clippy::unwrap_used, reason = "a test that cannot prepare its case has failed")]

use bytes::Bytes;
use cloudevents::Event as SdkEvent;
use proptest::prelude::*;
use railpost_event::hop::Via;
use railpost_event::{
    Data, Event, SpanId, Stored, Text, Timestamp, TraceContext, TraceId, Value, http, json,
};

/// Text that CloudEvents allows, ASCII and beyond.
const TEXT: &str = "[ -~\\u{a0}-\\u{d7ff}\\u{10000}-\\u{1fffd}]{1,12}";

/// The payloads and media types that say the same in every encoding.
fn payload() -> impl Strategy<Value = (Option<&'static str>, Option<Data>)> {
    let json_type = prop::sample::select(vec![None, Some("application/json"), Some("Text/X+JSON; a=b")]);
    let number = "-?[1-9][0-9]{0,8}(\\.[0-9]{1,3})?";
    let object = (TEXT, number).prop_map(|(text, number)| format!("{{\"b\": {number}, \"a\":{text:?}}}"));
    // Rust's own escapes for text are not always JSON's.
    let valid = object.prop_filter("is JSON", |text| serde_json::from_str::<serde_json::Value>(text).is_ok());
    prop_oneof![
        (json_type.clone(), valid).prop_map(|(kind, text)| (kind, Some(Data::Json(text.into())))),
        TEXT.prop_map(|text| (Some("text/plain"), Some(Data::Text(text.into())))),
        prop::collection::vec(any::<u8>(), 1..40)
            .prop_map(|bytes| (Some("application/octet-stream"), Some(Data::Binary(bytes.into())))),
        prop::collection::vec(any::<u8>(), 1..40).prop_map(|bytes| (None, Some(Data::Binary(bytes.into())))),
        json_type.prop_map(|kind| (kind, None)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        TEXT.prop_map(Value::String),
        any::<i32>().prop_map(Value::Integer),
        any::<bool>().prop_map(Value::Boolean)
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let time = "20[0-9]{2}-[01][1-2]-(1[0-9]|2[0-8])T1[0-9]:[0-5][0-9]:[0-5][0-9]Z";
    let extensions = prop::collection::btree_map("x[a-z0-9]{1,8}", value(), 0..4);
    let optional =
        (prop::option::of(TEXT), prop::option::of(time), prop::option::of("https://x\\.test/[a-z]{1,5}"));
    (TEXT, "[a-z0-9./_~-]{1,12}", TEXT, optional, extensions, payload()).prop_map(
        |(id, source, kind, (subject, time, dataschema), extensions, (datacontenttype, data))| Event {
            id: id.into(),
            source: source.into(),
            kind: kind.into(),
            subject: subject.map(Text::from),
            time: time.map(Text::from),
            datacontenttype: datacontenttype.map(Text::from),
            dataschema: dataschema.map(Text::from),
            extensions: extensions.into_iter().collect(),
            data,
        },
    )
}

fn stored() -> impl Strategy<Value = Stored> {
    let via = prop::sample::select(vec![
        Via::HttpBinary,
        Via::HttpStructured,
        Via::HttpBatch,
        Via::PutEvents,
        Via::Bus,
        Via::Release,
        Via::Replay,
        Via::DeadLetter,
    ]);
    let kept = (any::<i64>(), "[a-z/,]{0,9}", any::<Option<Vec<u8>>>());
    let trace = (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<Option<[u8; 8]>>(), any::<bool>());
    (any::<i64>(), via, trace, event(), kept).prop_map(|(micros, via, trace, event, (logged, path, note))| {
        let (trace, span, parent, sampled) = trace;
        let (trace, span, parent) = (TraceId(trace), SpanId(span), parent.map(SpanId));
        let trace = TraceContext { trace, span, parent, sampled };
        Stored {
            logged: Timestamp::from_micros(logged),
            path,
            note: note.map(Bytes::from),
            ..Stored::new(Timestamp::from_micros(micros), via, trace, event)
        }
    })
}

/// What headers can carry of an event: they have no types, and name the media type that JSON implies.
fn over_headers(mut event: Event) -> Event {
    for (_, value) in &mut event.extensions {
        *value = Value::String(value.to_string());
    }
    if event.json().is_some() {
        event.datacontenttype.get_or_insert_with(|| "application/json".into());
    }
    event
}

/// The payload of an event without its spelling.
fn parsed(mut event: Event) -> Event {
    let value = event.json().map(|json| serde_json::from_slice::<serde_json::Value>(json).unwrap());
    if let Some(value) = value {
        event.data = Some(Data::Json(value.to_string().into()));
    }
    event
}

proptest! {
    #[test]
    fn structured_mode_gives_the_event_back(event in event()) {
        prop_assert_eq!(json::decode(&json::encode(&event).into()).unwrap(), event);
    }

    #[test]
    fn batches_give_the_events_back(events in prop::collection::vec(event(), 0..4)) {
        prop_assert_eq!(json::decode_batch(&json::encode_batch(&events).into()).unwrap(), events);
    }

    #[test]
    fn binary_mode_gives_the_event_back(event in event()) {
        let (headers, body) = http::encode_binary(&event).unwrap();
        let mut decoded = http::decode_binary(&headers, body).unwrap();
        decoded.extensions.sort_by(|left, right| left.0.cmp(&right.0));
        prop_assert_eq!(decoded, over_headers(event));
    }

    #[test]
    fn the_log_gives_the_event_back(stored in stored()) {
        let bytes = stored.encode();
        prop_assert_eq!(Stored::decode(bytes.clone()).unwrap(), stored);
        for end in 0..bytes.len() {
            prop_assert!(Stored::decode(bytes.slice(..end)).is_err());
        }
    }

    #[test]
    fn a_damaged_record_never_panics(stored in stored(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = stored.encode().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = Stored::decode(bytes.into()) {
            prop_assert_eq!(Stored::decode(read.encode()), Ok(read));
        }
    }

    #[test]
    fn rubbish_is_refused(mut bytes in prop::collection::vec(any::<u8>(), 1..100)) {
        prop_assert!(json::decode(&bytes.clone().into()).is_err());
        bytes[0] = 1;
        if let Ok(read) = Stored::decode(bytes.into()) {
            prop_assert_eq!(Stored::decode(read.encode()), Ok(read));
        }
    }

    #[test]
    fn cloudevents_sdk_reads_what_is_written(event in event()) {
        // That crate takes bytes for JSON where nothing says so.
        prop_assume!(!(matches!(event.data, Some(Data::Binary(_))) && event.datacontenttype.is_none()));
        // It knows a JSON media type by its exact spelling.
        prop_assume!(event.datacontenttype.as_deref() != Some("Text/X+JSON; a=b"));
        let read: SdkEvent = serde_json::from_slice(&json::encode(&event)).unwrap();
        prop_assert_eq!(parsed(Event::try_from(read).unwrap()), parsed(event));
    }

    #[test]
    fn what_cloudevents_sdk_writes_is_read(event in event()) {
        prop_assume!(event.datacontenttype.as_deref() != Some("Text/X+JSON; a=b"));
        let sdk = SdkEvent::from(event.clone());
        prop_assert_eq!(parsed(Event::try_from(sdk.clone()).unwrap()), parsed(event.clone()));
        let mut read = json::decode(&serde_json::to_vec(&sdk).unwrap().into()).unwrap();
        read.extensions.sort_by(|left, right| left.0.cmp(&right.0));
        prop_assert_eq!(parsed(read), parsed(event));
    }
}

/// The event of `tests/data/stored-v1.bin`, and of `stored-v2.bin` with what version 2 added.
fn fixture() -> Stored {
    let document = br#"{"specversion":"1.0","id":"7","source":"/shop","type":"Order Placed","subject":"\u20ac",
        "time":"2026-11-21T06:00:00.5+01:00","datacontenttype":"application/json","dataschema":"https://x.test/s",
        "n":-2147483648,"t":true,"f":false,"s":"x","data":{"b":1.10,"a":12345678901234567890123}}"#;
    let trace = TraceContext {
        trace: TraceId([0xab; 16]),
        span: SpanId([0xcd; 8]),
        parent: Some(SpanId([0xef; 8])),
        sampled: true,
    };
    let event = json::decode(&Bytes::from_static(document)).unwrap();
    Stored::new(Timestamp::from_micros(1_795_240_800_123_456), Via::PutEvents, trace, event)
}

#[test]
fn version_1_stays_readable() {
    let bytes = Bytes::from_static(include_bytes!("data/stored-v1.bin"));
    assert_eq!(Stored::decode(bytes), Ok(fixture()));
}

#[test]
fn version_2_stays_readable() {
    let bytes = Bytes::from_static(include_bytes!("data/stored-v2.bin"));
    let again = Stored {
        logged: Timestamp::from_micros(1_795_327_200_000_000),
        via: Via::Replay,
        path: "shop/landing,shop/audit".to_owned(),
        note: Some(Bytes::from_static(b"{}")),
        ..fixture()
    };
    assert_eq!(Stored::decode(bytes.clone()).as_ref(), Ok(&again));
    assert_eq!(again.encode(), bytes, "a changed form needs a new version number and a new fixture");
}

#[test]
fn an_unknown_version_is_named() {
    let error = Stored::decode(Bytes::from_static(&[9, 9])).unwrap_err();
    assert_eq!(error.to_string(), "the stored event has format version 9, and 2 is the latest known here");
}

#[test]
fn a_payload_of_the_log_is_not_copied() {
    let bytes = fixture().encode();
    let read = Stored::decode(bytes.clone()).unwrap();
    assert!(bytes.as_ptr_range().contains(&read.event.json().unwrap().as_ptr()));
}
