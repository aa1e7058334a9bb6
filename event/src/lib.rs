//! One event and all that is said of it: attributes and payload, encodings, trace context, hops.
//!
//! It is pure data: no I/O, no clock, no randomness. It is not a router; it does not decide who gets an event.
//!
//! ```
//! use bytes::Bytes;
//! use railpost_event::{http, json};
//!
//! let document = br#"{"specversion":"1.0","id":"7","source":"shop","type":"sale","data":{"total":12.50}}"#;
//! let event = json::decode(&Bytes::from_static(document))?;
//! assert_eq!(event.json().unwrap(), r#"{"total":12.50}"#);
//!
//! let (headers, body) = http::encode_binary(&event)?;
//! assert_eq!(headers["content-type"], "application/json");
//! assert_eq!(http::decode_binary(&headers, body)?.data, event.data);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//! * [`event`]: [`Event`], [`Value`], [`Data`], [`Text`]
//! * [`attribute`]: what an attribute may be
//! * [`json`]: the JSON format, one event or a batch; [`http`]: the HTTP binding; [`DecodeError`] is both's
//! * [`eventbridge`]: entries of `PutEvents`, the envelope, and the [`View`](eventbridge::View) patterns ask
//! * [`interop`]: to and from the events of `cloudevents-sdk`
//! * [`hop`]: [`Hop`] and [`Step`], one recorded step of one event
//! * [`time`]: the instant of every record, a [`Timestamp`]
//! * [`trace`]: [`TraceContext`] and its headers
//! * [`stored`]: [`Stored`], an event as the log keeps it

pub mod attribute;
mod error;
pub mod event;
pub mod eventbridge;
pub mod hop;
pub mod http;
pub mod interop;
pub mod json;
mod quote;
mod rfc3339;
pub mod stored;
pub mod time;
pub mod trace;

pub use error::DecodeError;
pub use event::{Data, Event, Text, Value};
pub use hop::{Hop, Step};
pub use stored::Stored;
pub use time::Timestamp;
pub use trace::{SpanId, TraceContext, TraceId};
