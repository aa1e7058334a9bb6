//! The EventBridge API: JSON 1.1 over `POST /`, so that any AWS SDK with this router as its endpoint is a publisher.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use event::eventbridge::{EntryError, PutEntry};
use event::hop::Via;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use pattern::Pattern;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::bus::Bus;
use crate::clock;
use crate::config::DEFAULT_BUS;
use crate::ingest::{self, Upstream};
use crate::router::Shared;

/// Entries of one request, at most.
const ENTRIES_MAX: usize = 10;
/// What the entries of one request may weigh together.
const ENTRIES_BYTES_MAX: usize = 1 << 20;

/// An error of the whole request, in AWS's words.
struct Fault {
    status: StatusCode,
    code: &'static str,
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEvents {
    entries: Vec<PutEntry>,
}

#[derive(Default, Serialize)]
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
    let body = super::whole(headers, body).await.map_err(|_| Fault::too_large())?;
    let request: PutEvents = serde_json::from_slice(&body).map_err(|error| Fault::serialization(&error))?;
    check(&request.entries)?;
    let buses = shared.taking().map_err(|_| Fault::unavailable())?;
    let upstream = Upstream::of(headers);
    let now = clock::now();
    let mut answer = PutEventsAnswer::default();
    let mut accepted: Vec<(Arc<Bus>, Vec<_>)> = Vec::new();
    for entry in request.entries {
        let id = Uuid::new_v4().to_string();
        let upstream = upstream.with_entry_header(entry.trace_header.as_deref());
        let name = bus_name(entry.event_bus_name.as_deref()).to_owned();
        match entry.into_event(id.clone(), now) {
            Ok(event) => {
                match buses.get(&name) {
                    Some(bus) => queue(&mut accepted, bus, (event, upstream)),
                    None => shared.observer().record_unknown_bus(),
                }
                answer.entries.push(EntryAnswer { event_id: Some(id), ..EntryAnswer::default() });
            }
            Err(EntryError { code, message }) => {
                answer.failed_entry_count += 1;
                let error =
                    EntryAnswer { error_code: Some(code), error_message: Some(message), event_id: None };
                answer.entries.push(error);
            }
        }
    }
    for (bus, events) in accepted {
        ingest::accept(&bus, events, Via::PutEvents, shared.sample())
            .await
            .map_err(|error| Fault::store(&error))?;
    }
    Ok(json(StatusCode::OK, &answer))
}

/// Adds an event to those of its bus, so that each bus takes its share in one write.
fn queue<T>(accepted: &mut Vec<(Arc<Bus>, Vec<T>)>, bus: &Arc<Bus>, event: T) {
    match accepted.iter_mut().find(|(known, _)| Arc::ptr_eq(known, bus)) {
        Some((_, events)) => events.push(event),
        None => accepted.push((Arc::clone(bus), vec![event])),
    }
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
    let body = super::whole(headers, body).await.map_err(|_| Fault::too_large())?;
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

    fn store(error: &store::Error) -> Self {
        match error {
            store::Error::Full { .. } => {
                Self::new("ThrottlingException", "too many events wait for the disk".to_owned())
            }
            _ => Self {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                code: "InternalException",
                message: error.to_string(),
            },
        }
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
