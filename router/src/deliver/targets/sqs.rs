//! [`Sqs`]: events as messages of an SQS queue, in the envelope that EventBridge delivers.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchOutput;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use event::eventbridge::{Identity, envelope};
use url::Url;
use uuid::Uuid;

use super::{Class, Delivery, Failure, Outcome, aws};
use crate::config::AwsService;

/// Characters of a message's group, at most.
const GROUP_ID_CHARS_MAX: usize = 128;

/// One SQS queue.
pub(crate) struct Sqs {
    client: aws_sdk_sqs::Client,
    queue: String,
    identity: Identity,
    batch: usize,
}

impl Sqs {
    /// Returns a client for a queue's URL; `batch` is how many events a request may have, as far as AWS takes them.
    pub(super) fn new(config: &SdkConfig, queue: String, identity: Identity, batch: usize) -> Self {
        let batch = batch.clamp(1, aws::ENTRIES_MAX);
        Self { client: aws_sdk_sqs::Client::new(config), queue, identity, batch }
    }

    /// Sends messages; each one's trace is in the system attribute that SQS and X-Ray know.
    pub(super) async fn send(&self, deliveries: &[Delivery<'_>]) -> Vec<Outcome> {
        let entries: Vec<_> = deliveries.iter().enumerate().map(|(at, one)| self.entry(at, one)).collect();
        aws::send(&entries, size, |together| Box::pin(self.request(together))).await
    }

    /// Returns how many events a request may have.
    pub(super) fn batch_max(&self) -> usize {
        self.batch
    }

    /// Returns where the events go: `sqs sqs.eu-west-1.amazonaws.com/123456789012/orders`.
    pub(super) fn address(&self) -> String {
        let queue = self.queue.split_once("://").map_or(self.queue.as_str(), |(_, queue)| queue);
        format!("sqs {queue}")
    }

    async fn request(&self, entries: &[SendMessageBatchRequestEntry]) -> Result<Vec<Outcome>, Failure> {
        let request = self.client.send_message_batch().queue_url(&self.queue);
        match request.set_entries(Some(entries.to_vec())).send().await {
            Ok(answer) => Ok(entries.iter().map(|entry| outcome(entry.id(), &answer)).collect()),
            Err(error) => Err(aws::failure(&error)),
        }
    }

    fn entry(&self, at: usize, delivery: &Delivery<'_>) -> SendMessageBatchRequestEntry {
        let Delivery { event, received, trace, span, attributes, replay, .. } = delivery;
        let envelope = envelope(event, &self.identity, *received, *replay);
        let mut entry = SendMessageBatchRequestEntry::builder()
            .id(at.to_string())
            .message_body(String::from_utf8_lossy(&envelope))
            .set_message_system_attributes(trace_attribute(trace.xray(*span)));
        // SQS refuses a message with an empty attribute.
        for (name, value) in attributes.iter().filter(|(_, value)| !value.is_empty()) {
            let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            if let Ok(value) = value {
                entry = entry.message_attributes(*name, value);
            }
        }
        if self.queue.strip_suffix(".fifo").is_some() {
            let group = event.extension("partitionkey").map(ToString::to_string);
            entry = entry
                .message_group_id(group_id(group.as_deref().unwrap_or(&event.source)))
                .message_deduplication_id(deduplication_id(&event.source, &event.id));
        }
        #[expect(clippy::expect_used, reason = "the builder asks for nothing else")]
        entry.build().expect("id and body are set")
    }
}

/// Returns the service that a queue's URL is to be sent to. The SDK goes to AWS whatever the URL's host is, so that a
/// queue elsewhere names its own endpoint.
pub(super) fn service(queue: &str, service: &AwsService) -> AwsService {
    let elsewhere = || {
        let url = Url::parse(queue).ok()?;
        let host = url.host_str()?;
        let is_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
        (!is_aws).then(|| url.origin().ascii_serialization())
    };
    AwsService { endpoint: service.endpoint.clone().or_else(elsewhere), region: service.region.clone() }
}

/// A request that succeeded may hold messages that did not.
fn outcome(id: &str, answer: &SendMessageBatchOutput) -> Outcome {
    if answer.successful().iter().any(|entry| entry.id() == id) {
        return Outcome::Delivered { status: None };
    }
    let Some(entry) = answer.failed().iter().find(|entry| entry.id() == id) else {
        return Outcome::Failed(aws::unsaid());
    };
    let mut failure = aws::refusal(Some(entry.code()), entry.message(), None);
    if failure.class == Class::Permanent && !entry.sender_fault() {
        failure.class = Class::Retryable;
    }
    Outcome::Failed(failure)
}

/// Returns what SQS counts as a message's bytes: its body and its attributes, but not those of the system.
fn size(entry: &SendMessageBatchRequestEntry) -> usize {
    let attributes = entry.message_attributes().into_iter().flatten();
    let of = |(name, value): (&String, &MessageAttributeValue)| {
        name.len() + value.data_type().len() + value.string_value().map_or(0, str::len)
    };
    entry.message_body().len() + attributes.map(of).sum::<usize>()
}

fn trace_attribute(
    header: String,
) -> Option<HashMap<MessageSystemAttributeNameForSends, MessageSystemAttributeValue>> {
    let value =
        MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()?;
    Some(HashMap::from([(MessageSystemAttributeNameForSends::AwsTraceHeader, value)]))
}

/// Returns the same text for the same event only: ids are unique within their source, so that both count.
pub(super) fn deduplication_id(source: &str, id: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{source}\0{id}").as_bytes()).to_string()
}

/// Returns a text that may name a group: itself, or a digest where SQS would refuse it.
pub(super) fn group_id(text: &str) -> String {
    let fits =
        (1..=GROUP_ID_CHARS_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { text.to_owned() } else { Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).to_string() }
}
