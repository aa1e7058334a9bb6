//! The EventBridge API: JSON 1.1 over `POST /`, so that any AWS SDK with this router as its endpoint is a publisher.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use event::eventbridge::{EntryError, PutEntry};
use event::hop::Via;
use event::{Event, Timestamp};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use pattern::Pattern;
use serde::{Deserialize, Serialize};
use store::Appended;
use uuid::Uuid;

use crate::bus::Bus;
use crate::clock;
use crate::config::DEFAULT_BUS;
use crate::ingest::{self, Unfit, Upstream};
use crate::router::Shared;

/// Entries of one request, at most.
const ENTRIES_MAX: usize = 10;
/// What the entries of one request may weigh together.
const ENTRIES_BYTES_MAX: usize = 1 << 20;

/// The largest request: escapes make the entries' text up to six times as long.
const REQUEST_BYTES_MAX: usize = 6 * ENTRIES_BYTES_MAX + (64 << 10);

/// An error of the whole request, in AWS's words.
struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Option<Vec<PutEntry>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsAnswer {
    failed_entry_count: usize,
    entries: Vec<EntryAnswer>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EntryAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TestEventPattern {
    event_pattern: Option<String>,
    event: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TestEventPatternAnswer {
    result: bool,
}

/// Events for one bus, each with its place among the request's entries.
type Share = Vec<(usize, (Event, Upstream))>;

impl EntryAnswer {
    fn failed(code: &'static str, message: String) -> Self {
        Self { event_id: None, error_code: Some(code), error_message: Some(message) }
    }
}

/// Answers one call.
pub(crate) async fn call(shared: &Shared, headers: &HeaderMap, body: Body) -> Response {
    let target = headers.get("x-amz-target").map_or("", |target| target.to_str().unwrap_or_default());
    let answer = match target.strip_prefix("AWSEvents.") {
        Some("PutEvents") => put_events(shared, headers, body).await,
        Some("TestEventPattern") => test_event_pattern(headers, body).await,
        _ => Err(Fault::new(
            "UnknownOperationException",
            format!("the operation `{target}` is not known here"),
        )),
    };
    answer.unwrap_or_else(Fault::into_response)
}

async fn put_events(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Response, Fault> {
    let body = super::whole(headers, body, REQUEST_BYTES_MAX).await.map_err(|_| Fault::too_large())?;
    let request: PutEvents = serde_json::from_slice(&body).map_err(|error| Fault::serialization(&error))?;
    let entries = request.entries.ok_or_else(|| Fault::missing("entries"))?;
    check(&entries)?;
    let buses = shared.taking().map_err(|_| Fault::unavailable())?;
    let upstream = Upstream::of(headers);
    let now = clock::now();
    let mut answers = Vec::with_capacity(entries.len());
    let mut accepted: Vec<(Arc<Bus>, Share)> = Vec::new();
    for entry in entries {
        let id = Uuid::new_v4().to_string();
        let upstream = upstream.with_entry_header(entry.trace_header.as_deref());
        let name = bus_name(entry.event_bus_name.as_deref()).to_owned();
        answers.push(match read(entry, &id, now) {
            Ok(event) => {
                match buses.get(&name) {
                    Some(bus) => share(&mut accepted, bus).push((answers.len(), (event, upstream))),
                    None => shared.observer().record_unknown_bus(),
                }
                EntryAnswer { event_id: Some(id), ..EntryAnswer::default() }
            }
            Err(error) => EntryAnswer::failed(error.code, error.message),
        });
    }
    for (bus, events) in accepted {
        let (places, events): (Vec<usize>, Vec<_>) = events.into_iter().unzip();
        match ingest::accept(&bus, events, Via::PutEvents, shared.sample()).await {
            Ok(appended) => {
                for (place, one) in places.into_iter().zip(appended) {
                    // An entry that is stored already has the id that it was given then.
                    if let Appended::DuplicateOf(position) = one
                        && let Ok(Some(first)) = bus.event(position.0).await
                    {
                        answers[place].event_id = Some(first.event.id.to_string());
                    }
                }
            }
            Err(error) => {
                let (code, message) = store_failure(&error);
                for place in places {
                    answers[place] = EntryAnswer::failed(code, message.clone());
                }
            }
        }
    }
    let failed_entry_count = answers.iter().filter(|answer| answer.error_code.is_some()).count();
    Ok(json(StatusCode::OK, &PutEventsAnswer { failed_entry_count, entries: answers }))
}

/// Returns an entry's event, or why it is not taken.
fn read(entry: PutEntry, id: &str, now: Timestamp) -> Result<Event, EntryError> {
    let event = entry.into_event(id.to_owned(), now)?;
    match ingest::check(&event) {
        Ok(()) => Ok(event),
        Err(Unfit::Deep) => {
            Err(EntryError { code: "MalformedDetail", message: "Detail is malformed.".to_owned() })
        }
        Err(unfit @ Unfit::Long { .. }) => {
            Err(EntryError { code: "InvalidArgument", message: unfit.to_string() })
        }
    }
}

/// Returns a bus's share of a request, which it takes in one write.
fn share<'s>(shares: &'s mut Vec<(Arc<Bus>, Share)>, bus: &Arc<Bus>) -> &'s mut Share {
    let known = shares.iter().position(|(known, _)| Arc::ptr_eq(known, bus));
    let place = known.unwrap_or_else(|| {
        shares.push((Arc::clone(bus), Share::new()));
        shares.len() - 1
    });
    &mut shares[place].1
}

/// Shows an entry as AWS's validation errors do.
fn java_text(entry: &PutEntry) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "null".to_owned());
    let resources = entry.resources.as_ref().map(|resources| format!("[{}]", resources.join(", ")));
    let time = entry.time.map(|seconds| seconds.to_string());
    format!(
        "PutEventsRequestEntry(time={}, source={}, resources={}, detailType={}, detail={}, eventBusName={}, \
         traceHeader={}, kmsKeyIdentifier=null, internalMetadata=null)",
        text(&time),
        text(&entry.source),
        text(&resources),
        text(&entry.detail_type),
        text(&entry.detail),
        text(&entry.event_bus_name),
        text(&entry.trace_header),
    )
}

/// A bus is named by its name or its ARN.
fn bus_name(name: Option<&str>) -> &str {
    let name = name.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_BUS);
    name.rsplit_once(":event-bus/").map_or(name, |(_, name)| name)
}

fn check(entries: &[PutEntry]) -> Result<(), Fault> {
    let constraint = match entries.len() {
        0 => "greater than or equal to 1",
        1..=ENTRIES_MAX => {
            let total: usize = entries.iter().map(PutEntry::size).sum();
            return if total > ENTRIES_BYTES_MAX { Err(Fault::too_large()) } else { Ok(()) };
        }
        _ => "less than or equal to 10",
    };
    let shown: Vec<String> = entries.iter().map(java_text).collect();
    Err(Fault::validation(format!(
        "1 validation error detected: Value '[{}]' at 'entries' failed to satisfy constraint: Member must have length {constraint}",
        shown.join(", ")
    )))
}

async fn test_event_pattern(headers: &HeaderMap, body: Body) -> Result<Response, Fault> {
    let body = super::whole(headers, body, REQUEST_BYTES_MAX).await.map_err(|_| Fault::too_large())?;
    let request: TestEventPattern =
        serde_json::from_slice(&body).map_err(|error| Fault::serialization(&error))?;
    let text = request.event_pattern.ok_or_else(|| Fault::missing("eventPattern"))?;
    let event = request.event.ok_or_else(|| Fault::missing("event"))?;
    let pattern = Pattern::parse(&text).map_err(|error| Fault {
        status: StatusCode::BAD_REQUEST,
        code: "InvalidEventPatternException",
        message: format!("Event pattern is not valid. Reason: {}", error.message_with_source()),
    })?;
    let invalid = || Fault::validation("Parameter Event is not valid.".to_owned());
    if !is_envelope(&event) {
        return Err(invalid());
    }
    let result = pattern.matches(event.as_bytes()).map_err(|_| invalid())?;
    Ok(json(StatusCode::OK, &TestEventPatternAnswer { result }))
}

/// AWS tests only what could be on a bus: an object with these members.
fn is_envelope(event: &str) -> bool {
    let members: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(event);
    let wanted = ["id", "account", "source", "time", "region", "detail-type"];
    members.is_ok_and(|members| wanted.iter().all(|name| members.contains_key(*name)))
}

/// Says why a bus did not take its share: the others' are not touched by it.
fn store_failure(error: &store::Error) -> (&'static str, String) {
    match error {
        store::Error::Full { .. } => ("ThrottlingException", "too many events wait for the disk".to_owned()),
        _ => ("InternalFailure", "the store failed; the router's log says why".to_owned()),
    }
}

impl Fault {
    fn new(code: &'static str, message: String) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message }
    }

    fn validation(message: String) -> Self {
        Self::new("ValidationException", message)
    }

    fn missing(member: &str) -> Self {
        Self::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    }

    fn too_large() -> Self {
        Self::validation("Total size of the entries in the request is over the limit.".to_owned())
    }

    fn serialization(error: &serde_json::Error) -> Self {
        Self::new("SerializationException", format!("the request is not what the operation takes: {error}"))
    }

    fn unavailable() -> Self {
        let message = "the router is starting or shutting down".to_owned();
        Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "ServiceUnavailable", message }
    }

    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body<'a> {
            __type: &'a str,
            message: &'a str,
        }
        json(self.status, &Body { __type: self.code, message: &self.message })
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = (status, [(CONTENT_TYPE, "application/x-amz-json-1.1")], body).into_response();
    if let Ok(id) = HeaderValue::from_str(&Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    response
}
