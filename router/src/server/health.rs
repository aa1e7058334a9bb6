//! `/healthz`: the process answers. `/readyz`: it takes events.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;

use super::refusal::Refusal;
use crate::router::Shared;

/// Answers as long as the process does.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Answers 503 while the router recovers or drains, and after its store failed.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Result<(StatusCode, &'static str), Refusal> {
    shared.taking().map(|_| (StatusCode::OK, "ready\n"))
}
