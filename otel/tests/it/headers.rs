//! The headers of `event::trace` against the propagator of `opentelemetry-aws`, where that one is right.

use event::trace::parse_xray;
use event::{SpanId, TraceContext, TraceId};
use opentelemetry::trace::{SpanContext, TraceFlags, TraceState};
use opentelemetry_aws::trace::xray_propagator::{span_context_from_str, span_context_to_string};
use proptest::prelude::*;

fn reference(trace: TraceId, span: SpanId, sampled: bool) -> SpanContext {
    let trace = opentelemetry::trace::TraceId::from_bytes(trace.0);
    let span = opentelemetry::trace::SpanId::from_bytes(span.0);
    let flags = if sampled { TraceFlags::SAMPLED } else { TraceFlags::default() };
    SpanContext::new(trace, span, flags, true, TraceState::default())
}

proptest! {
    #[test]
    fn a_header_is_written_and_read_as_the_propagator_does(
        trace in any::<[u8; 16]>().prop_filter("an id", |id| *id != [0; 16]),
        span in any::<[u8; 8]>().prop_filter("an id", |id| *id != [0; 8]),
        sampled: bool,
    ) {
        let (trace, span) = (TraceId(trace), SpanId(span));
        let header = TraceContext { trace, span, parent: None, sampled }.xray(span);
        let reference = reference(trace, span, sampled);
        let written = span_context_to_string(&reference);
        prop_assert_eq!(Some(&header), written.as_ref());
        prop_assert_eq!(span_context_from_str(&header), Some(reference));
        let read = parse_xray(&header).unwrap();
        prop_assert_eq!((read.trace, read.parent, read.sampled), (trace, Some(span), Some(sampled)));
    }
}
