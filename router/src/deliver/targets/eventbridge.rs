//! [`EventBridge`]: events put on a bus of EventBridge, one entry a request.
//!
//! EventBridge takes only JSON objects. An event that has another payload, or none, goes whole: its structured
//! CloudEvents form is the entry's detail. EventBridge gives every event an id of its own.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use event::{Event, Timestamp, Value};

use super::{Delivery, Outcome, aws};

/// One bus of EventBridge.
pub(crate) struct EventBridge {
    client: aws_sdk_eventbridge::Client,
    bus: String,
}

impl EventBridge {
    /// Returns a client for a bus's name or ARN.
    pub(super) fn new(config: &SdkConfig, bus: String) -> Self {
        Self { client: aws_sdk_eventbridge::Client::new(config), bus }
    }

    /// Puts one event.
    pub(super) async fn send(&self, delivery: &Delivery<'_>) -> Outcome {
        match self.client.put_events().entries(entry(delivery, &self.bus)).send().await {
            Ok(answer) => outcome(&answer),
            Err(error) => Outcome::Failed(aws::failure(&error)),
        }
    }

    /// Returns where the events go: `eventbridge orders`.
    pub(super) fn address(&self) -> String {
        format!("eventbridge {}", self.bus)
    }
}

/// A request that succeeded may hold an entry that did not.
fn outcome(answer: &PutEventsOutput) -> Outcome {
    if answer.failed_entry_count() == 0 {
        return Outcome::Delivered { status: None };
    }
    let entry = answer.entries().first();
    let code = entry.and_then(|entry| entry.error_code());
    Outcome::Failed(aws::refusal(code, entry.and_then(|entry| entry.error_message()), None))
}

pub(super) fn entry(delivery: &Delivery<'_>, bus: &str) -> PutEventsRequestEntry {
    let event = delivery.event;
    let (seconds, nanoseconds) = time(event, delivery.received);
    PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(&event.source)
        .detail_type(&event.kind)
        .detail(detail(event))
        .set_resources(Some(resources(event)))
        .time(DateTime::from_secs_and_nanos(seconds, nanoseconds))
        .trace_header(delivery.trace.xray(delivery.span))
        .build()
}

fn detail(event: &Event) -> String {
    let object = event.json().filter(|json| json.trim_ascii_start().starts_with(b"{"));
    match object {
        Some(object) => String::from_utf8_lossy(object).into_owned(),
        None => String::from_utf8_lossy(&event::json::encode(event)).into_owned(),
    }
}

/// The `awsresources` that came with an event born on EventBridge, else its subject where that is an ARN.
fn resources(event: &Event) -> Vec<String> {
    if let Some(Value::String(list)) = event.extension("awsresources")
        && let Ok(list) = serde_json::from_str(list)
    {
        return list;
    }
    event.subject.iter().filter(|subject| subject.starts_with("arn:")).cloned().collect()
}

/// The publisher's time, else the time of acceptance, in seconds and nanoseconds.
fn time(event: &Event, received: Timestamp) -> (i64, u32) {
    let time = event.time.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let micros = time.map_or(received, Timestamp::from).as_micros();
    let nanoseconds = u32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    (micros.div_euclid(1_000_000), nanoseconds)
}
