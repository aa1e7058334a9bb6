//! `/api/v1`: what the dashboard and the command line ask.

use std::collections::HashMap;
use std::sync::Arc;

use api::{EventDetail, GroupStatus, Overview};
use axum::Json;
use axum::extract::{Query, State};
use http::StatusCode;

use super::refusal::Refusal;
use crate::report;
use crate::router::Shared;

pub(super) type Parameters = Query<HashMap<String, String>>;

/// Answers the state of the router at a glance.
pub(crate) async fn overview(State(shared): State<Arc<Shared>>) -> Json<Overview> {
    Json(report::overview(&shared).await)
}

/// Answers the open groups.
pub(crate) async fn groups(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Result<Json<Vec<GroupStatus>>, Refusal> {
    let aggregation = parameters.get("aggregation");
    if let Some(name) = aggregation
        && !shared.has_aggregation(name)
    {
        return Err(unknown("aggregation", name));
    }
    Ok(Json(report::groups(&shared, aggregation.map(String::as_str))))
}

/// Answers one event with its hops and decisions.
pub(crate) async fn event(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Result<Json<EventDetail>, Refusal> {
    let id = parameters.get("id").ok_or_else(|| {
        Refusal::new(StatusCode::BAD_REQUEST, "missing-parameter", "name the event: ?id=EVENT_ID").field("id")
    })?;
    report::event(&shared, id).await.map(Json).ok_or_else(|| unknown("event", id))
}

/// Reads a parameter that is a number.
pub(crate) fn number(parameters: &HashMap<String, String>, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    let invalid = || {
        let reason = format!("`{text}` is not a whole number");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid-parameter", reason).field(name)
    };
    text.parse().map(Some).map_err(|_| invalid())
}

/// Answers a name that is not known.
pub(super) fn unknown(what: &str, name: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "unknown-name", format!("there is no {what} `{name}`")).field(what)
}
