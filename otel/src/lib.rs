//! Hops as OpenTelemetry spans and X-Ray segments.
//!
//! The router hands every [`event::Hop`] to an [`Exporter`] once. A [`Service`] sends them on in batches: as OTLP spans to
//! a collector, as X-Ray segment documents to a daemon, or both. It is not a tracer: it makes no ids, takes no time and
//! decides no sampling, because a hop brings all three. What it cannot send it counts.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), railpost_otel::Error> {
//! let config = railpost_otel::Config { otlp: Some("http://127.0.0.1:4317".to_owned()), ..Default::default() };
//! let (exporter, service) = railpost_otel::Exporter::new(config)?;
//! service.run(async {}).await; // shuts down at once: nothing was offered
//! assert_eq!(exporter.counters().offered, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! * [`config`](Config): [`Config`] and [`Error`]
//! * [`exporter`](Exporter): takes hops and never blocks; [`counters`](Counters): what became of them
//! * [`service`](Service): runs one `lane` for each destination: a queue, its batches and its counts
//! * `spans`, `attributes`: what a hop is as a span; `otlp`: sends spans
//! * `segment`: what a hop is as an X-Ray document, and what of `opentelemetry-aws` is used; `daemon`: sends documents

mod attributes;
mod config;
mod counters;
mod daemon;
mod exporter;
mod lane;
mod otlp;
mod segment;
mod service;
mod spans;

pub use config::{Config, Error};
pub use counters::Counters;
pub use exporter::Exporter;
pub use service::Service;
