//! What a collector gets.

use std::fmt::Write as _;

use event::{SpanId, TraceId};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use railpost_otel::Config;

use crate::peers::Collector;
use crate::{export, hops};

#[tokio::test]
async fn a_collector_gets_every_sampled_hop_as_a_span() {
    let collector = Collector::start(0);
    let config =
        Config { service: "orders-router".to_owned(), otlp: Some(collector.endpoint()), ..Config::default() };
    let counters = export(config, &hops()).await;
    let sampled = hops().len() as u64 - 1;
    assert_eq!((counters.offered, counters.exported_otlp, counters.failed_otlp), (sampled, sampled, 0));
    assert_eq!(counters.last_error, None);
    insta::assert_snapshot!(describe(&collector));
}

#[tokio::test]
async fn a_refused_batch_is_tried_once_more() {
    let collector = Collector::start(1);
    let counters = export(Config { otlp: Some(collector.endpoint()), ..Config::default() }, &hops()).await;
    assert_eq!((counters.exported_otlp, counters.failed_otlp), (counters.offered, 0));
    assert_eq!((collector.refused(), collector.taken().len()), (1, 1));
}

#[tokio::test]
async fn a_batch_refused_twice_is_lost_and_counted() {
    let collector = Collector::start(2);
    let counters = export(Config { otlp: Some(collector.endpoint()), ..Config::default() }, &hops()).await;
    assert_eq!((counters.exported_otlp, counters.failed_otlp), (0, counters.offered));
    assert_eq!((collector.refused(), collector.taken().len()), (2, 0));
    let error = counters.last_error.unwrap();
    assert!(error.starts_with("otlp: ") && error.contains("Unavailable"), "{error}");
}

#[tokio::test]
async fn a_thousand_hops_leave_in_batches() {
    let collector = Collector::start(0);
    let hops: Vec<_> = hops().into_iter().cycle().filter(|hop| hop.sampled).take(1_000).collect();
    let counters = export(Config { otlp: Some(collector.endpoint()), ..Config::default() }, &hops).await;
    assert_eq!(counters.exported_otlp, 1_000);
    let sizes: Vec<usize> = collector.taken().iter().map(|one| spans(&one.resource_spans).count()).collect();
    assert_eq!(sizes, [512, 488]);
}

fn spans(resources: &[ResourceSpans]) -> impl Iterator<Item = &Span> {
    resources.iter().flat_map(|resource| &resource.scope_spans).flat_map(|scope| &scope.spans)
}

/// Writes what was taken, a paragraph a span.
fn describe(collector: &Collector) -> String {
    let mut text = String::new();
    for request in collector.taken() {
        for resource in &request.resource_spans {
            let attributes = &resource.resource.as_ref().unwrap().attributes;
            let name = attributes.iter().find(|attribute| attribute.key == "service.name");
            writeln!(text, "service {}", value(name.unwrap().value.as_ref())).unwrap();
        }
        spans(&request.resource_spans).for_each(|span| describe_span(span, &mut text).unwrap());
    }
    text
}

fn describe_span(span: &Span, text: &mut String) -> std::fmt::Result {
    let kind = SpanKind::try_from(span.kind).unwrap();
    let took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000;
    writeln!(text, "\n{} ({})", span.name, kind.as_str_name())?;
    let remote = if span.flags & 0x200 == 0 { "" } else { ", remote" };
    writeln!(text, "  {} below {}{remote}", id(&span.trace_id, &span.span_id), hex(&span.parent_span_id))?;
    writeln!(text, "  from {} us for {took} us", span.start_time_unix_nano / 1_000)?;
    for KeyValue { key, value: one, .. } in &span.attributes {
        writeln!(text, "  {key} = {}", value(one.as_ref()))?;
    }
    for link in &span.links {
        writeln!(text, "  link {}", id(&link.trace_id, &link.span_id))?;
    }
    match &span.status {
        Some(status) if status.code != 0 => writeln!(text, "  status {}: {}", status.code, status.message),
        _ => Ok(()),
    }
}

fn value(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()).unwrap() {
        Value::StringValue(text) => format!("{text:?}"),
        Value::IntValue(number) => number.to_string(),
        Value::ArrayValue(list) => {
            list.values.iter().map(|one| self::value(Some(one))).collect::<Vec<_>>().join(", ")
        }
        other => format!("{other:?}"),
    }
}

fn id(trace: &[u8], span: &[u8]) -> String {
    format!("{}/{}", TraceId(trace.try_into().unwrap()), hex(span))
}

fn hex(span: &[u8]) -> String {
    if span.is_empty() { "nothing".to_owned() } else { SpanId(span.try_into().unwrap()).to_string() }
}
