//! `/api/v1/dead-letters`: what was given up, and what becomes of it.

use std::collections::HashMap;
use std::sync::Arc;

use api::{DeadLetter, DeadLetterFilter, DeadLetterOrder, DeadLetterReport};
use axum::Json;
use axum::extract::{Query, Request, State};
use event::Timestamp;
use http::StatusCode;

use super::inspect::{self, Parameters};
use super::operate;
use super::refusal::Refusal;
use crate::report::letters::{self, Fate};
use crate::router::Shared;

/// Dead letters answered, redriven or purged at a time, at most.
const AT_ONCE_MAX: usize = 1_000;

/// Answers the dead letters that were given up last: fewer than asked for if they take more than about 8 MiB.
pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
) -> Result<Json<Vec<DeadLetter>>, Refusal> {
    let filter = filter(&parameters)?;
    check(&shared, &filter)?;
    let limit = inspect::number(&parameters, "limit")?.unwrap_or(100).min(AT_ONCE_MAX);
    Ok(Json(letters::list(&shared, &filter, limit).await))
}

/// Queues dead letters for their consumers again.
pub(super) async fn redrive(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<DeadLetterReport>, Refusal> {
    settle(&shared, request, Fate::Redrive).await
}

/// Forgets dead letters.
pub(super) async fn purge(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<DeadLetterReport>, Refusal> {
    settle(&shared, request, Fate::Purge).await
}

async fn settle(shared: &Shared, request: Request, fate: Fate) -> Result<Json<DeadLetterReport>, Refusal> {
    let DeadLetterOrder { filter, limit, dry_run } = operate::body(request).await?;
    check(shared, &filter)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).min(AT_ONCE_MAX);
    let report = letters::settle(shared, &filter, limit, fate, dry_run).await;
    report.map(Json).map_err(operate::refused)
}

fn check(shared: &Shared, filter: &DeadLetterFilter) -> Result<(), Refusal> {
    match &filter.consumer {
        Some(name) if !shared.has_letters(name) => Err(inspect::unknown("consumer", name)),
        _ => Ok(()),
    }
}

fn filter(parameters: &HashMap<String, String>) -> Result<DeadLetterFilter, Refusal> {
    let text = |name: &str| parameters.get(name).cloned();
    Ok(DeadLetterFilter {
        consumer: text("consumer"),
        id: text("id"),
        r#type: text("type"),
        source: text("source"),
        reason: text("reason"),
        since: time(parameters, "since")?,
        until: time(parameters, "until")?,
        position: inspect::number(parameters, "position")?.map(|position| position as u64),
    })
}

/// Reads a parameter that is a time, in microseconds since 1970.
fn time(parameters: &HashMap<String, String>, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = parameters.get(name) else { return Ok(None) };
    let invalid = || {
        let reason = format!("`{text}` is not a time in microseconds since 1970");
        Refusal::new(StatusCode::BAD_REQUEST, "invalid-parameter", reason).field(name)
    };
    text.parse().map(|micros| Some(Timestamp::from_micros(micros))).map_err(|_| invalid())
}
