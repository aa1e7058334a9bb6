//! The HTTP surface: events in, answers out.
//!
//! * [`cloudevents`]: `POST /` and `POST /buses/{bus}/events`
//! * [`eventbridge`]: `POST /` with `X-Amz-Target`
//! * [`inspect`]: `/api/v1`, what the dashboard and the command line ask
//! * [`dead_letters`], which is `/api/v1/dead-letters`
//! * [`aggregations`], which is `/api/v1/aggregations/try`
//! * [`groups`]: `/api/v1/groups/show`, `/api/v1/groups/handle`, `/api/v1/payload`
//! * [`operate`]: `/api/v1/consumers`, `/api/v1/replays`, `/api/v1/archive`
//! * [`tail`]: `/api/v1/tail`, hops as they happen
//! * [`health`]: `/healthz`, `/readyz`
//! * [`metrics`], which is `/metrics`
//! * [`refusal`]: every answer that is not a success

mod aggregations;
mod cloudevents;
mod dead_letters;
mod eventbridge;
mod groups;
mod health;
mod inspect;
mod metrics;
mod operate;
mod refusal;
mod tail;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::{get, post};
use bytes::Bytes;
use http::HeaderMap;

use crate::config::DEFAULT_BUS;
use crate::router::Shared;
pub(crate) use refusal::Refusal;

/// Returns every route of a router.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", post(root))
        .route("/buses/{bus}/events", post(publish))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::scrape))
        .route("/api/v1/overview", get(inspect::overview))
        .route("/api/v1/groups", get(inspect::groups))
        .route("/api/v1/groups/show", get(groups::show))
        .route("/api/v1/groups/handle", post(groups::handle))
        .route("/api/v1/aggregations/try", post(aggregations::attempt))
        .route("/api/v1/payload", get(groups::payload))
        .route("/api/v1/event", get(inspect::event))
        .route("/api/v1/dead-letters", get(dead_letters::list))
        .route("/api/v1/dead-letters/redrive", post(dead_letters::redrive))
        .route("/api/v1/dead-letters/purge", post(dead_letters::purge))
        .route("/api/v1/consumers/pause", post(operate::pause))
        .route("/api/v1/consumers/resume", post(operate::resume))
        .route("/api/v1/replays", get(operate::replays).post(operate::replay))
        .route("/api/v1/replays/cancel", post(operate::cancel_replay))
        .route("/api/v1/archive", get(operate::archive))
        .route("/api/v1/tail", get(tail::tail))
        .fallback(refusal::no_such_path)
        .method_not_allowed_fallback(refusal::no_such_method)
        .with_state(shared)
}

/// `POST /` is the EventBridge API if the request names an operation of it, else CloudEvents for the default bus.
async fn root(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.headers.contains_key("x-amz-target") {
        return eventbridge::call(&shared, &parts.headers, body).await;
    }
    respond(cloudevents::publish(&shared, DEFAULT_BUS, &parts.headers, body).await)
}

async fn publish(State(shared): State<Arc<Shared>>, Path(bus): Path<String>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    respond(cloudevents::publish(&shared, &bus, &parts.headers, body).await)
}

fn respond(result: Result<Response, Refusal>) -> Response {
    use axum::response::IntoResponse;
    result.unwrap_or_else(IntoResponse::into_response)
}

/// Reads a whole body, or says that it is too large.
async fn whole(headers: &HeaderMap, body: axum::body::Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    let announced =
        headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: usize| length > bytes_max) {
        return Err(Refusal::too_large());
    }
    axum::body::to_bytes(body, bytes_max).await.map_err(|error| Refusal::unreadable(&error))
}
