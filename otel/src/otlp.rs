//! [`Otlp`]: spans by OTLP over gRPC.
//!
//! Spans go straight to the protocol's exporter: the SDK's tracer would give them ids and times of its own, and its batch
//! processor drops without counting.

use std::time::Duration;

use opentelemetry_otlp::{RetryPolicy, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanExporter as _;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::config::Error;
use crate::lane::Lane;
use crate::spans::span;

/// How long one try may take.
const TRY_MAX: Duration = Duration::from_secs(5);
/// How long a batch may take with its second try and the pause before it.
const BATCH_SEND_MAX: Duration = Duration::from_secs(8);

/// Sends a lane's hops to a collector.
#[derive(Debug)]
pub(crate) struct Otlp {
    exporter: SpanExporter,
    lane: Lane,
}

impl Otlp {
    pub(crate) fn new(endpoint: String, service: &str, lane: Lane) -> Result<Self, Error> {
        let mut exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint.clone())
            .with_timeout(TRY_MAX)
            .with_retry_policy(RetryPolicy::recommended().with_max_retries(1))
            .build()
            .map_err(|source| Error::Endpoint { endpoint, source })?;
        exporter.set_resource(&Resource::builder().with_service_name(service.to_owned()).build());
        Ok(Self { exporter, lane })
    }

    /// Sends until the lane ends. A batch that fails twice is lost and counted: newer hops matter more.
    pub(crate) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let batch = self.lane.next(&mut stop).await;
            if batch.is_empty() {
                break;
            }
            let spans = batch.iter().map(|hop| span(hop)).collect();
            match timeout(BATCH_SEND_MAX, self.exporter.export(spans)).await {
                Ok(Ok(())) => self.lane.exported(batch.len()),
                Ok(Err(error)) => self.lane.failed(batch.len(), &error),
                Err(late) => self.lane.failed(batch.len(), &late),
            }
        }
    }
}
