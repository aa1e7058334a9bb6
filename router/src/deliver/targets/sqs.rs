//! [`Sqs`]: events as messages of an SQS queue, in the envelope that EventBridge delivers.

use aws_config::SdkConfig;
use aws_sdk_sqs::types::{MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
use event::eventbridge::{Identity, envelope};
use uuid::Uuid;

use super::{Delivery, Outcome, aws};
use crate::config::AwsService;

/// Characters of a message's group, at most.
const GROUP_ID_CHARS_MAX: usize = 128;

/// One SQS queue.
pub(crate) struct Sqs {
    client: aws_sdk_sqs::Client,
    queue: String,
    identity: Identity,
}

impl Sqs {
    /// Returns a client for a queue's URL.
    pub(super) fn new(config: &SdkConfig, queue: String, identity: Identity) -> Self {
        Self { client: aws_sdk_sqs::Client::new(config), queue, identity }
    }

    /// Sends one message; its trace is in the system attribute that SQS and X-Ray know.
    pub(super) async fn send(&self, delivery: &Delivery<'_>) -> Outcome {
        let envelope = envelope(delivery.event, &self.identity, delivery.received);
        let body = String::from_utf8_lossy(&envelope);
        let mut request = self.client.send_message().queue_url(&self.queue).message_body(body);
        if let Some(trace) = trace_attribute(delivery) {
            request =
                request.message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, trace);
        }
        if self.queue.strip_suffix(".fifo").is_some() {
            let group = delivery.event.extension("partitionkey").map(ToString::to_string);
            request = request
                .message_group_id(group_id(group.as_deref().unwrap_or(&delivery.event.source)))
                .message_deduplication_id(deduplication_id(&delivery.event.source, &delivery.event.id));
        }
        match request.send().await {
            Ok(_) => Outcome::Delivered { status: None },
            Err(error) => Outcome::Failed(aws::failure(&error)),
        }
    }

    /// Returns where the events go: `sqs sqs.eu-west-1.amazonaws.com/123456789012/orders`.
    pub(super) fn address(&self) -> String {
        let queue = self.queue.split_once("://").map_or(self.queue.as_str(), |(_, queue)| queue);
        format!("sqs {queue}")
    }
}

/// Returns the service that a queue's URL is to be sent to. The SDK goes to AWS whatever the URL's host is, so that a
/// queue elsewhere names its own endpoint.
pub(super) fn service(queue: &str, service: &AwsService) -> AwsService {
    let elsewhere = || {
        let url = reqwest::Url::parse(queue).ok()?;
        let host = url.host_str()?;
        let is_aws = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
        (!is_aws).then(|| url.origin().ascii_serialization())
    };
    AwsService { endpoint: service.endpoint.clone().or_else(elsewhere), region: service.region.clone() }
}

fn trace_attribute(delivery: &Delivery<'_>) -> Option<MessageSystemAttributeValue> {
    let header = delivery.trace.xray(delivery.span);
    MessageSystemAttributeValue::builder().data_type("String").string_value(header).build().ok()
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
