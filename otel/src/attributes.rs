//! What a hop's span says: the semantic conventions of messaging and of CloudEvents, and `railpost.*` for the rest.

use event::hop::{Outcome, Verdict, Via};
use event::{Hop, Step};
use opentelemetry::{Array, KeyValue, StringValue, Value};

/// Returns the attributes of the span that a hop is.
pub(crate) fn attributes(hop: &Hop) -> Vec<KeyValue> {
    let mut attributes = Attributes(Vec::with_capacity(16));
    attributes.set("railpost.bus", hop.bus.clone());
    attributes.set("railpost.position", integer(hop.position));
    attributes.set("cloudevents.event_id", hop.event.clone());
    match &hop.step {
        Step::Received { .. } | Step::Matched { .. } | Step::Gated { .. } => attributes.intake(hop),
        Step::Offered { .. } | Step::Released { .. } => attributes.gathering(hop),
        Step::Attempted { .. } | Step::Delivered { .. } | Step::DeadLettered { .. } => {
            attributes.delivery(hop);
        }
    }
    attributes.0
}

/// Returns the peer that a target's address names: the host and port of a URL, or all of anything else.
pub(crate) fn peer(target: &str) -> &str {
    match target.split_once("://") {
        Some((_, rest)) => rest.split(['/', '?', '#']).next().unwrap_or(rest),
        None => target,
    }
}

struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }

    fn set_some(&mut self, key: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    fn set_list<T: Into<StringValue> + Clone>(&mut self, key: &'static str, values: &[T]) {
        if !values.is_empty() {
            let values = values.iter().map(|value| value.clone().into()).collect();
            self.set(key, Value::Array(Array::String(values)));
        }
    }

    fn messaging(&mut self, operation: &'static str, kind: &'static str, hop: &Hop, destination: &str) {
        self.set("messaging.system", "railpost");
        self.set("messaging.operation.name", operation);
        self.set("messaging.operation.type", kind);
        self.set("messaging.destination.name", destination.to_owned());
        self.set("messaging.message.id", hop.event.clone());
    }

    fn intake(&mut self, hop: &Hop) {
        match &hop.step {
            Step::Received { via, source, r#type, subject, bytes } => {
                let (via, kind) = via_words(*via);
                self.messaging("publish", kind, hop, &hop.bus);
                self.set("messaging.message.body.size", integer(*bytes));
                self.set("cloudevents.event_source", source.clone());
                self.set("cloudevents.event_spec_version", "1.0");
                self.set("cloudevents.event_type", r#type.clone());
                self.set_some("cloudevents.event_subject", subject.clone());
                self.set("railpost.via", via);
            }
            Step::Matched { consumers, aggregations, evaluated } => {
                self.set("railpost.filters.evaluated", integer(*evaluated));
                self.set("railpost.filters.matched", integer(consumers.len() + aggregations.len()));
                self.set_list("railpost.consumers", consumers);
                self.set_list("railpost.aggregations", aggregations);
            }
            Step::Gated { consumer, schema, verdict, failure } => {
                self.set("railpost.consumer", consumer.clone());
                self.set("railpost.schema", schema.clone());
                self.set("railpost.verdict", verdict_word(*verdict));
                self.set_some("railpost.schema.path", failure.as_ref().map(|failure| failure.path.clone()));
                self.set_some(
                    "railpost.schema.reason",
                    failure.as_ref().map(|failure| failure.reason.clone()),
                );
                self.set_some("error.type", (*verdict != Verdict::Deliver).then_some("schema_mismatch"));
            }
            _ => {}
        }
    }

    fn gathering(&mut self, hop: &Hop) {
        match &hop.step {
            Step::Offered { aggregation, key, part, outcome, received, expected } => {
                self.set("railpost.aggregation", aggregation.clone());
                self.set("railpost.group.key", key.clone());
                self.set("railpost.group.parts", integer(*received));
                self.set_some("railpost.group.expected", expected.map(integer));
                self.set("railpost.part", part.clone());
                self.set("railpost.outcome", outcome_word(*outcome));
            }
            Step::Released { aggregation, key, reason, parts, missing, links: _ } => {
                self.messaging("aggregate", "process", hop, &hop.bus);
                self.set("messaging.batch.message_count", integer(*parts));
                self.set("railpost.aggregation", aggregation.clone());
                self.set("railpost.group.key", key.clone());
                self.set("railpost.group.parts", integer(*parts));
                self.set_list("railpost.group.missing", missing);
                self.set("railpost.group.wait_ms", integer(hop.ended.since(hop.started).as_millis()));
                self.set("railpost.release.reason", reason.clone());
            }
            _ => {}
        }
    }

    fn delivery(&mut self, hop: &Hop) {
        match &hop.step {
            Step::Attempted { consumer, target, attempt, status, error, retry_at } => {
                self.messaging("attempt", "send", hop, consumer);
                self.set("railpost.consumer", consumer.clone());
                self.set("railpost.target", target.clone());
                self.set("peer.service", peer(target).to_owned());
                self.set("railpost.attempt", i64::from(*attempt));
                self.set_some("http.response.status_code", status.map(i64::from));
                self.set_some("railpost.retry_at", retry_at.map(|at| at.to_string()));
                let failed = error.is_some();
                let kind = status.map_or_else(|| "delivery_failed".to_owned(), |status| status.to_string());
                self.set_some("error.type", failed.then_some(kind));
            }
            Step::Delivered { consumer, attempts } => {
                self.messaging("deliver", "send", hop, consumer);
                self.set("railpost.consumer", consumer.clone());
                self.set("railpost.attempts", i64::from(*attempts));
            }
            Step::DeadLettered { consumer, attempts, reason } => {
                self.messaging("dead-letter", "settle", hop, consumer);
                self.set("railpost.consumer", consumer.clone());
                self.set("railpost.attempts", i64::from(*attempts));
                self.set("railpost.dead_letter.reason", reason.clone());
                self.set("error.type", "dead_letter");
            }
            _ => {}
        }
    }
}

/// Numbers beyond the signed range have no attribute type; they are shown as the greatest that has.
fn integer(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn via_words(via: Via) -> (&'static str, &'static str) {
    match via {
        Via::HttpBinary => ("http-binary", "receive"),
        Via::HttpStructured => ("http-structured", "receive"),
        Via::HttpBatch => ("http-batch", "receive"),
        Via::PutEvents => ("put-events", "receive"),
        Via::Bus => ("bus", "process"),
        Via::Release => ("release", "process"),
        Via::Replay => ("replay", "process"),
        Via::DeadLetter => ("dead-letter", "process"),
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Deliver => "deliver",
        Verdict::Skip => "skip",
        Verdict::DeadLetter => "dead-letter",
    }
}

fn outcome_word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Added => "added",
        Outcome::Duplicate => "duplicate",
        Outcome::Late => "late",
        Outcome::Discarded => "discarded",
        Outcome::Marker => "marker",
        Outcome::Refused => "refused",
    }
}
