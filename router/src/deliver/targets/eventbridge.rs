//! [`EventBridge`]: events put on a bus of EventBridge.
//!
//! EventBridge takes only JSON objects. An event that has another payload, or none, goes whole: its structured
//! CloudEvents form is the entry's detail. EventBridge gives every event an id of its own.

use aws_config::SdkConfig;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use event::{Event, Timestamp, Value};

use super::{Delivery, Failure, Outcome, aws};

/// What an entry's time counts among its bytes.
const TIME_BYTES: usize = 14;

/// One bus of EventBridge.
pub(crate) struct EventBridge {
    client: aws_sdk_eventbridge::Client,
    bus: String,
    batch: usize,
}

impl EventBridge {
    /// Returns a client for a bus's name or ARN; `batch` is how many events a request may have, as far as AWS takes them.
    pub(super) fn new(config: &SdkConfig, bus: String, batch: usize) -> Self {
        let batch = batch.clamp(1, aws::ENTRIES_MAX);
        Self { client: aws_sdk_eventbridge::Client::new(config), bus, batch }
    }

    /// Puts events.
    pub(super) async fn send(&self, deliveries: &[Delivery<'_>]) -> Vec<Outcome> {
        let entries: Vec<_> = deliveries.iter().map(|delivery| entry(delivery, &self.bus)).collect();
        aws::send(&entries, size, |together| Box::pin(self.request(together))).await
    }

    /// Returns how many events a request may have.
    pub(super) fn batch_max(&self) -> usize {
        self.batch
    }

    /// Returns where the events go: `eventbridge orders`.
    pub(super) fn address(&self) -> String {
        format!("eventbridge {}", self.bus)
    }

    async fn request(&self, entries: &[PutEventsRequestEntry]) -> Result<Vec<Outcome>, Failure> {
        match self.client.put_events().set_entries(Some(entries.to_vec())).send().await {
            Ok(answer) => Ok((0..entries.len()).map(|at| outcome(at, &answer)).collect()),
            Err(error) => Err(aws::failure(&error)),
        }
    }
}

/// A request that succeeded may hold entries that did not.
fn outcome(at: usize, answer: &PutEventsOutput) -> Outcome {
    match answer.entries().get(at) {
        _ if answer.failed_entry_count() == 0 => Outcome::Delivered { status: None },
        Some(entry) if entry.error_code().is_none() => Outcome::Delivered { status: None },
        Some(entry) => Outcome::Failed(aws::refusal(entry.error_code(), entry.error_message(), None)),
        None => Outcome::Failed(aws::unsaid()),
    }
}

/// Returns what EventBridge counts as an entry's bytes: the time as 14, and the texts of the event.
fn size(entry: &PutEventsRequestEntry) -> usize {
    let texts = [entry.source(), entry.detail_type(), entry.detail()];
    let texts = texts.into_iter().flatten().chain(entry.resources().iter().map(String::as_str));
    entry.time().map_or(0, |_| TIME_BYTES) + texts.map(str::len).sum::<usize>()
}

pub(super) fn entry(delivery: &Delivery<'_>, bus: &str) -> PutEventsRequestEntry {
    let event = delivery.event;
    let (seconds, nanoseconds) = time(event, delivery.received);
    PutEventsRequestEntry::builder()
        .event_bus_name(bus)
        .source(&*event.source)
        .detail_type(&*event.kind)
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
    event.subject.iter().filter(|subject| subject.starts_with("arn:")).map(ToString::to_string).collect()
}

/// The publisher's time, else the time of acceptance, in seconds and nanoseconds.
fn time(event: &Event, received: Timestamp) -> (i64, u32) {
    let time = event.time.as_deref().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let micros = time.map_or(received, Timestamp::from).as_micros();
    let nanoseconds = u32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    (micros.div_euclid(1_000_000), nanoseconds)
}
