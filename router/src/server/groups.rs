//! `/api/v1/groups` and `/api/v1/payload`: groups, what is done to them, and what their releases refer to.

use std::collections::HashMap;
use std::sync::Arc;

use api::{GroupAction, GroupOrder, GroupStatus, HandlingRecord};
use axum::Json;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::response::Response;
use event::Data;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderName, StatusCode};

use super::inspect::{self, Parameters};
use super::operate::{body, refused};
use super::refusal::Refusal;
use crate::orders::Order;
use crate::router::Shared;
use crate::{clock, report};

/// Characters of who, of why and of a part's name, at most.
const TEXT_CHARS_MAX: usize = 1_000;
/// The longest time by which a deadline may be put off at once: ten years.
const EXTEND_MS_MAX: u64 = 10 * 366 * 24 * 3_600_000;

/// Answers one group, open or ended.
pub(super) async fn show(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Result<Json<GroupStatus>, Refusal> {
    let aggregation = named(&parameters, "aggregation")?;
    let group = named(&parameters, "group")?;
    if !shared.has_aggregation(aggregation) {
        return Err(inspect::unknown("aggregation", aggregation));
    }
    let found = report::group(&shared, aggregation, group);
    found.map(Json).ok_or_else(|| inspect::unknown("group", group))
}

/// Does something to a group, and answers to how many groups once that is durable.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<u64>, Refusal> {
    let order: GroupOrder = body(request).await?;
    check(&order)?;
    let found = shared.buses().find_map(|bus| Some((bus, bus.aggregation(&order.aggregation)?)));
    let (bus, aggregation) = found.ok_or_else(|| inspect::unknown("aggregation", &order.aggregation))?;
    let GroupOrder { group, action, by, why, aggregation: name } = order;
    tracing::info!(aggregation = name, group, ?action, by, why, "somebody handles a group");
    let record = HandlingRecord { at: clock::now(), by, why, action };
    let order = Order::Group { aggregation, group, record, done: 0 };
    Ok(Json(bus.order(order).await.map_err(refused)?))
}

/// Answers the payload of the event at a position of a bus, as it came.
pub(super) async fn payload(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Result<Response, Refusal> {
    let name = named(&parameters, "bus")?;
    let position = inspect::number(&parameters, "position")?;
    let position = position.ok_or_else(|| missing("position"))?;
    let bus = shared.buses().find(|bus| bus.name() == name);
    let bus = bus.ok_or_else(|| inspect::unknown("bus", name))?;
    let stored = report::readable(bus, position as u64).await;
    let stored = stored.ok_or_else(|| inspect::unknown("event", &position.to_string()))?;
    let data = stored.event.data;
    let kind = stored.event.datacontenttype.as_deref().unwrap_or(match data {
        Some(Data::Json(_)) => "application/json",
        _ => "application/octet-stream",
    });
    let kind = HeaderValue::from_str(kind).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let bytes = data.map(|data| data.bytes().clone()).unwrap_or_default();
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    // A payload is a stranger's: no browser is to take it for a page of this router's.
    let sandbox = HeaderName::from_static("content-security-policy");
    response.headers_mut().insert(sandbox, HeaderValue::from_static("sandbox"));
    Ok(response)
}

fn check(order: &GroupOrder) -> Result<(), Refusal> {
    let part = match &order.action {
        GroupAction::Expect { part } | GroupAction::Unexpect { part } => Some(("action.part", part)),
        _ => None,
    };
    for (field, text) in [("by", &order.by), ("why", &order.why)].into_iter().chain(part) {
        if text.trim().is_empty() || text.chars().count() > TEXT_CHARS_MAX {
            let reason = format!("`{field}` is a text of 1 to {TEXT_CHARS_MAX} characters");
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid-order", reason).field(field));
        }
    }
    if let GroupAction::Extend { by_ms } = order.action
        && !(1..=EXTEND_MS_MAX).contains(&by_ms)
    {
        let reason = "a deadline is put off by a millisecond to ten years".to_owned();
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "invalid-order", reason).field("action.by_ms"));
    }
    Ok(())
}

fn named<'p>(parameters: &'p HashMap<String, String>, name: &str) -> Result<&'p String, Refusal> {
    parameters.get(name).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> Refusal {
    let reason = format!("say which: ?{name}=...");
    Refusal::new(StatusCode::BAD_REQUEST, "missing-parameter", reason).field(name)
}
