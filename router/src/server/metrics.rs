//! `/metrics`: the overview in the `OpenMetrics` text format, as Prometheus reads it.

use std::fmt;
use std::sync::Arc;

use api::Overview;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::report;
use crate::router::Shared;

/// Answers every metric.
pub(crate) async fn scrape(State(shared): State<Arc<Shared>>) -> Response {
    let mut registry = Registry::with_prefix("railpost");
    registry.register_collector(Box::new(Scrape {
        overview: report::overview(&shared).await,
        unknown_bus: shared.observer().unknown_bus(),
        exported: shared.observer().exported(),
    }));
    let mut body = String::new();
    if text::encode(&mut body, &registry).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], body).into_response()
}

/// What one scrape shows.
#[derive(Debug)]
struct Scrape {
    overview: Overview,
    unknown_bus: u64,
    exported: Option<otel::Counters>,
}

/// One time series of a family: its labels and its value.
type Series<'a, N> = (Vec<(&'static str, &'a str)>, N);

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.buses(&mut encoder)?;
        self.consumers(&mut encoder)?;
        self.aggregations(&mut encoder)?;
        self.exporter(&mut encoder)?;
        let unknown = vec![(Vec::new(), self.unknown_bus)];
        counters(&mut encoder, "events_unknown_bus", "Events for a bus that does not exist", unknown)
    }
}

impl Scrape {
    fn buses(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let each = |value: fn(&api::BusStatus) -> u64| -> Vec<Series<'_, u64>> {
            self.overview.buses.iter().map(|bus| (vec![("bus", bus.name.as_str())], value(bus))).collect()
        };
        counters(encoder, "events_received", "Events taken by a bus", each(|bus| bus.head))?;
        counters(encoder, "events_decided", "Events decided on a bus", each(|bus| bus.applied))?;
        gauges(encoder, "log_bytes", "Bytes that a bus takes on disk", each(|bus| bus.disk_bytes))
    }

    fn consumers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let each = |value: fn(&api::ConsumerStatus) -> u64| -> Vec<Series<'_, u64>> {
            let consumers = self.overview.consumers.iter();
            consumers
                .map(|one| (vec![("bus", one.bus.as_str()), ("consumer", one.name.as_str())], value(one)))
                .collect()
        };
        counters(encoder, "matched", "Events whose filter held", each(|one| one.matched))?;
        counters(encoder, "delivered", "Events delivered", each(|one| one.delivered))?;
        counters(encoder, "dead_lettered", "Events given up and kept", each(|one| one.dead_lettered))?;
        counters(encoder, "dropped", "Events dropped by policy", each(|one| one.dropped))?;
        counters(encoder, "attempts_failed", "Attempts that failed", each(|one| one.failures))?;
        gauges(encoder, "pending", "Events not delivered yet", each(|one| one.pending))?;
        gauges(encoder, "in_flight", "Attempts under way", each(|one| one.in_flight))?;
        let quantile = |value: fn(&api::Latency) -> u64| each_latency(&self.overview, value);
        gauges(
            encoder,
            "latency_p50_us",
            "Median microseconds from acceptance to delivery",
            quantile(|l| l.p50_us),
        )?;
        gauges(encoder, "latency_p99_us", "99th percentile of the same", quantile(|l| l.p99_us))
    }

    fn aggregations(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let each = |value: fn(&api::AggregationStatus) -> u64| -> Vec<Series<'_, u64>> {
            let aggregations = self.overview.aggregations.iter();
            aggregations
                .map(|one| (vec![("bus", one.bus.as_str()), ("aggregation", one.name.as_str())], value(one)))
                .collect()
        };
        counters(encoder, "parts_offered", "Events offered to an aggregation", each(|one| one.offered))?;
        counters(encoder, "parts_released", "Parts of released groups", each(|one| one.released))?;
        counters(encoder, "parts_late", "Parts whose group was released before", each(|one| one.late))?;
        counters(encoder, "parts_duplicate", "Parts that were there already", each(|one| one.duplicate))?;
        counters(encoder, "parts_discarded", "Events that could not be parts", each(|one| one.discarded))?;
        counters(encoder, "parts_without_key", "Those of them without a key", each(|one| one.without_key))?;
        counters(encoder, "parts_refused", "Those of them without room", each(|one| one.refused))?;
        counters(encoder, "parts_amended", "Late parts in a revision", each(|one| one.amended))?;
        counters(encoder, "releases", "Groups released", each(|one| one.releases))?;
        counters(encoder, "revisions", "Releases that were revised", each(|one| one.revisions))?;
        counters(encoder, "numbers_skipped", "Numbers of sequences skipped", each(|one| one.skipped))?;
        gauges(encoder, "parts_open", "Parts of open groups", each(|one| one.open))?;
        gauges(encoder, "groups_open", "Groups in flight", each(|one| one.open_groups))
    }

    fn exporter(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Some(counts) = &self.exported else { return Ok(()) };
        let one = |value: u64| vec![(Vec::new(), value)];
        counters(encoder, "spans_exported_otlp", "Spans sent by OTLP", one(counts.exported_otlp))?;
        counters(encoder, "spans_failed_otlp", "Spans that OTLP lost", one(counts.failed_otlp))?;
        counters(encoder, "segments_exported_xray", "X-Ray documents sent", one(counts.exported_xray))?;
        counters(encoder, "segments_failed_xray", "X-Ray documents lost", one(counts.failed_xray))?;
        counters(encoder, "hops_dropped", "Hops dropped at the exporter's queue limit", one(counts.dropped))
    }
}

fn each_latency(overview: &Overview, value: fn(&api::Latency) -> u64) -> Vec<Series<'_, u64>> {
    let measured = overview.consumers.iter().filter_map(|one| Some((one, one.latency.as_ref()?)));
    measured
        .map(|(one, latency)| {
            (vec![("bus", one.bus.as_str()), ("consumer", one.name.as_str())], value(latency))
        })
        .collect()
}

fn counters(
    e: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: Vec<Series<'_, u64>>,
) -> fmt::Result {
    let series =
        series.into_iter().map(|(labels, value)| (labels, ConstCounter::new(value))).collect::<Vec<_>>();
    family(e, name, help, &series)
}

fn gauges(
    e: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: Vec<Series<'_, u64>>,
) -> fmt::Result {
    let exact = |value: u64| ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    let series: Vec<_> = series.into_iter().map(|(labels, value)| (labels, exact(value))).collect();
    family(e, name, help, &series)
}

fn family<M: EncodeMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: &[Series<'_, M>],
) -> fmt::Result {
    let Some((_, first)) = series.first() else { return Ok(()) };
    let mut family = encoder.encode_descriptor(name, help, None, first.metric_type())?;
    for (labels, metric) in series {
        metric.encode(family.encode_family(labels)?)?;
    }
    Ok(())
}
