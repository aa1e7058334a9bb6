//! CloudEvents over HTTP: binary, structured and batched mode.

use api::{Duplicate, Published};
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event::hop::Via;
use event::http::Mode;
use event::{Event, json};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use store::Appended;

use super::refusal::Refusal;
use crate::ingest::{self, Unfit, Upstream};
use crate::router::Shared;

/// Takes the events of one request; the answer comes after they are durable.
pub(crate) async fn publish(
    shared: &Shared,
    bus: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let buses = shared.taking()?;
    let bus = buses.get(bus).ok_or_else(|| Refusal::unknown_bus(bus))?;
    let body = super::whole(headers, body, ingest::BODY_BYTES_MAX).await?;
    let (events, via) = decode(headers, body)?;
    events.iter().try_for_each(|event| ingest::check(event).map_err(|unfit| refuse(event, &unfit)))?;
    let upstream = Upstream::of(headers);
    let events = events.into_iter().map(|event| (event, upstream.clone())).collect();
    let appended =
        ingest::accept(bus, events, via, shared.sample()).await.map_err(|error| Refusal::store(&error))?;
    Ok(answer(&appended))
}

/// Says nothing where all is new, and else which events were there before: their places in the request and the position
/// of the first one.
fn answer(appended: &[Appended]) -> Response {
    let duplicate = |(index, one): (usize, &Appended)| match one {
        Appended::At(_) => None,
        Appended::DuplicateOf(position) => Some(Duplicate { index, position: position.0 }),
    };
    let duplicates: Vec<Duplicate> = appended.iter().enumerate().filter_map(duplicate).collect();
    if duplicates.is_empty() {
        return StatusCode::NO_CONTENT.into_response();
    }
    (StatusCode::OK, Json(Published { duplicates })).into_response()
}

fn decode(headers: &HeaderMap, body: Bytes) -> Result<(Vec<Event>, Via), Refusal> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    match event::http::mode(content_type) {
        Mode::Batch => json::decode_batch(&body).map(|events| (events, Via::HttpBatch)).map_err(malformed),
        Mode::Structured => {
            json::decode(&body).map(|event| (vec![event], Via::HttpStructured)).map_err(malformed)
        }
        Mode::Binary => event::http::decode_binary(headers, body)
            .map(|event| (vec![event], Via::HttpBinary))
            .map_err(malformed),
        Mode::Unsupported(format) => Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unknown-format",
            format!("`{format}` is not read here"),
        )
        .field("content-type")
        .help("send application/cloudevents+json, application/cloudevents-batch+json, or ce- headers")),
    }
}

fn refuse(event: &Event, unfit: &Unfit) -> Refusal {
    // An id that is itself too long is not repeated.
    let id: String = event.id.chars().take(60).collect();
    Refusal::new(StatusCode::BAD_REQUEST, "invalid-event", format!("event `{id}`: {unfit}"))
        .field(unfit.field())
}

#[expect(clippy::needless_pass_by_value, reason = "it is the last use of the error, in map_err")]
fn malformed(error: event::DecodeError) -> Refusal {
    let refusal = Refusal::new(StatusCode::BAD_REQUEST, "invalid-event", error.to_string());
    match error.field() {
        Some(field) => refusal.field(field),
        None => refusal,
    }
}
