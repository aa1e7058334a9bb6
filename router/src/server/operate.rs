//! `/api/v1/consumers`, `/api/v1/replays` and `/api/v1/archive`: what an operator does.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::{ArchiveStatus, Place, ReplayOrder, ReplayState, ReplayStatus, ReplayTo};
use axum::Json;
use axum::extract::{Query, Request, State};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use pattern::Pattern;
use serde::de::DeserializeOwned;

use super::inspect::{self, Parameters};
use super::refusal::Refusal;
use crate::bus::Bus;
use crate::core::HandleError;
use crate::orders::{Order, OrderError};
use crate::report::archive as archived;
use crate::router::Shared;
use crate::state::record::{Range, ReplayRecord};
use crate::{clock, search};

/// The largest body of an order.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Characters of a replay's name, at most, as EventBridge has it.
const NAME_CHARS_MAX: usize = 64;

/// Delivers nothing to a consumer until it is resumed.
pub(super) async fn pause(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    stand(&shared, &parameters, &headers, |consumer| Order::Pause { consumer }).await
}

/// Delivers to a consumer again that was paused or stopped.
pub(super) async fn resume(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<StatusCode, Refusal> {
    stand(&shared, &parameters, &headers, |consumer| Order::Resume { consumer }).await
}

async fn stand(
    shared: &Shared,
    parameters: &HashMap<String, String>,
    headers: &HeaderMap,
    order: impl FnOnce(usize) -> Order,
) -> Result<StatusCode, Refusal> {
    check_type(headers)?;
    let name = name(parameters)?;
    let found = shared.buses().find_map(|bus| Some((bus, bus.lane(name)?.index)));
    let (bus, consumer) = found.ok_or_else(|| inspect::unknown("consumer", name))?;
    bus.order(order(consumer)).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Answers every replay that runs, and those that ended last.
pub(super) async fn replays(State(shared): State<Arc<Shared>>) -> Json<Vec<ReplayStatus>> {
    let mut replays = Vec::new();
    for bus in shared.buses() {
        replays.extend(bus.replays().iter().map(|record| status(bus, record)));
    }
    replays.sort_by_key(|replay| std::cmp::Reverse(replay.started));
    Json(replays)
}

/// Begins a replay.
pub(super) async fn replay(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<ReplayStatus>, Refusal> {
    let order: ReplayOrder = body(request).await?;
    let bus = check(&shared, &order)?;
    let (first, last) = range(bus, order.from, order.until).await?;
    let record = ReplayRecord {
        name: order.name,
        to: order.to,
        filter: order.filter,
        rate: order.rate,
        state: ReplayState::Running,
        first,
        range: Range { next: first, last },
        replayed: 0,
        started: clock::now(),
        ended: None,
    };
    bus.order(Order::Replay(Box::new(record.clone()))).await.map_err(refused)?;
    Ok(Json(status(bus, &record)))
}

/// Ends a replay where it is.
pub(super) async fn cancel_replay(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Json<ReplayStatus>, Refusal> {
    check_type(&headers)?;
    let name = name(&parameters)?;
    let has = |bus: &&Arc<Bus>, wanted: fn(&ReplayRecord) -> bool| {
        bus.replays().iter().any(|one| one.name == *name && wanted(one))
    };
    let running = shared.buses().find(|bus| has(bus, |one| one.state == ReplayState::Running));
    let bus = running.or_else(|| shared.buses().find(|bus| has(bus, |_| true)));
    let bus = bus.ok_or_else(|| inspect::unknown("replay", name))?;
    bus.order(Order::CancelReplay { name: name.to_owned() }).await.map_err(refused)?;
    let replays = bus.replays();
    let cancelled = replays.iter().find(|one| one.name == *name);
    cancelled.map(|record| Json(status(bus, record))).ok_or_else(|| inspect::unknown("replay", name))
}

/// Answers what each bus retains.
pub(super) async fn archive(State(shared): State<Arc<Shared>>) -> Json<Vec<ArchiveStatus>> {
    let mut archives = Vec::new();
    for bus in shared.buses() {
        archives.push(archived::status(bus).await);
    }
    Json(archives)
}

fn status(bus: &Bus, record: &ReplayRecord) -> ReplayStatus {
    ReplayStatus {
        name: record.name.clone(),
        bus: bus.name().to_owned(),
        to: record.to.clone(),
        state: record.state.clone(),
        first: record.first,
        next: record.range.next,
        last: record.range.last,
        replayed: record.replayed,
        started: record.started,
        ended: record.ended,
        rate: record.rate,
        filter: record.filter.clone(),
    }
}

/// Checks an order for a replay, and returns the bus that it is of.
fn check<'s>(shared: &'s Shared, order: &ReplayOrder) -> Result<&'s Arc<Bus>, Refusal> {
    let invalid = |field: &str, reason: String| {
        Refusal::new(StatusCode::BAD_REQUEST, "invalid-replay", reason).field(field)
    };
    let legal = |next: char| next.is_ascii_alphanumeric() || "._-".contains(next);
    if !order.name.chars().all(legal) || !(1..=NAME_CHARS_MAX).contains(&order.name.len()) {
        let reason = format!("a name is 1 to {NAME_CHARS_MAX} letters, digits, `.`, `_` or `-`");
        return Err(invalid("name", reason));
    }
    if order.rate.is_some_and(|rate| !rate.is_finite() || rate <= 0.0) {
        return Err(invalid("rate", "a rate is events a second, above zero".to_owned()));
    }
    if let Some(Err(error)) = order.filter.as_deref().map(Pattern::parse) {
        return Err(invalid("filter", error.to_string()));
    }
    let known = |name: &str| shared.buses().find(|bus| bus.name() == name);
    match &order.to {
        ReplayTo::Bus(name) if known(name).is_none() => return Err(inspect::unknown("bus", name)),
        // The names with a slash stand for where dead letters are sent on.
        ReplayTo::Consumer(name) if name.contains('/') || !shared.has_consumer(name) => {
            return Err(inspect::unknown("consumer", name));
        }
        _ => {}
    }
    known(&order.bus).ok_or_else(|| inspect::unknown("bus", &order.bus))
}

/// Returns the first and the last position of a range, of those that the bus has.
pub(super) async fn range(bus: &Bus, from: Place, until: Option<Place>) -> Result<(u64, u64), Refusal> {
    let first = place(bus, from).await?;
    let last = match until {
        None | Some(Place::Latest) => bus.partition().head().0,
        // The last event of that time or an earlier one.
        Some(Place::At(instant)) => {
            place(bus, Place::At(instant.after(Duration::from_micros(1)))).await?.saturating_sub(1)
        }
        Some(until) => place(bus, until).await?,
    };
    Ok((first, last.min(bus.partition().head().0)))
}

/// Returns the position that a place means.
async fn place(bus: &Bus, place: Place) -> Result<u64, Refusal> {
    let partition = bus.partition();
    Ok(match place {
        Place::Earliest => partition.tail().0,
        Place::Latest => partition.head().0 + 1,
        Place::Position(position) => position,
        Place::At(instant) => {
            let found = search::position_at(partition, instant).await;
            found.map_err(|error| Refusal::store(&error))?.0
        }
    })
}

fn name(parameters: &HashMap<String, String>) -> Result<&String, Refusal> {
    let missing =
        || Refusal::new(StatusCode::BAD_REQUEST, "missing-parameter", "say which: ?name=NAME").field("name");
    parameters.get("name").ok_or_else(missing)
}

/// Reads the JSON of an order.
pub(super) async fn body<T: DeserializeOwned>(request: Request) -> Result<T, Refusal> {
    body_within(request, BODY_BYTES_MAX).await
}

/// Reads the JSON of an order of so many bytes at most.
pub(super) async fn body_within<T: DeserializeOwned>(
    request: Request,
    bytes_max: usize,
) -> Result<T, Refusal> {
    check_type(request.headers())?;
    let (parts, body) = request.into_parts();
    let body = super::whole(&parts.headers, body, bytes_max).await?;
    serde_json::from_slice(&body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "invalid-body", error.to_string()))
}

/// Refuses what a web page could make a browser send without asking this router first.
fn check_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let is_json = |value: &http::HeaderValue| {
        value.to_str().is_ok_and(|value| value.to_ascii_lowercase().starts_with("application/json"))
    };
    if headers.get(CONTENT_TYPE).is_some_and(is_json) {
        return Ok(());
    }
    let reason = "an order is sent with `content-type: application/json`, so that no web page can forge it";
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", reason).field("content-type"))
}

/// Answers an order that was not carried out.
#[expect(clippy::needless_pass_by_value, reason = "it is the last use of the error, in map_err")]
pub(super) fn refused(error: OrderError) -> Refusal {
    let reason = error.to_string();
    match error {
        OrderError::Stopped => Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", reason),
        OrderError::Unknown { what, .. } => {
            Refusal::new(StatusCode::NOT_FOUND, "unknown-name", reason).field(what)
        }
        OrderError::Group(HandleError::Unknown { .. }) => {
            Refusal::new(StatusCode::NOT_FOUND, "unknown-name", reason).field("group")
        }
        OrderError::Group(_) => Refusal::new(StatusCode::CONFLICT, "impossible", reason).field("group"),
        OrderError::Taken { .. } => Refusal::new(StatusCode::CONFLICT, "name-taken", reason).field("name"),
    }
}
