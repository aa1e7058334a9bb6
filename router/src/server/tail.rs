//! `/api/v1/tail`: hops as they happen, one JSON document a line.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use event::Hop;
use futures::{Stream, StreamExt, stream};
use http::header::CONTENT_TYPE;
use tokio::sync::broadcast::error::RecvError;

use super::inspect;
use super::refusal::Refusal;
use crate::router::Shared;

/// Answers a stream that ends with the router. A reader that is too slow misses hops rather than holding up events.
pub(crate) async fn tail(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Result<Response, Refusal> {
    let last = inspect::number(&parameters, "last")?.unwrap_or(0);
    let body = Body::from_stream(lines(&shared, last).map(Ok::<_, std::convert::Infallible>));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

fn lines(shared: &Arc<Shared>, last: usize) -> impl Stream<Item = Bytes> + Send + use<> {
    let (earlier, coming) = shared.observer().tail(last);
    let stop = shared.stopped();
    let coming = stream::unfold(coming, |mut coming| async move {
        loop {
            match coming.recv().await {
                Ok(hop) => return Some((hop, coming)),
                Err(RecvError::Lagged(missed)) => {
                    tracing::warn!(missed, "a tail was too slow and skipped hops");
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    stream::iter(earlier).chain(coming).map(|hop| line(&hop)).take_until(stop)
}

fn line(hop: &Hop) -> Bytes {
    let mut line = serde_json::to_vec(hop).unwrap_or_default();
    line.push(b'\n');
    Bytes::from(line)
}
