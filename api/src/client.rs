//! [`Client`]: asks a running router, and publishes to it.

use std::time::Duration;

use bytes::Bytes;
use event::Hop;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    ArchiveStatus, DeadLetter, DeadLetterFilter, DeadLetterOrder, DeadLetterReport, EventDetail, GroupOrder,
    GroupStatus, Overview, Problem, ReplayOrder, ReplayStatus, TryOrder, TryReport,
};

/// How long one request may take; the tail is exempt.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an order may take, such as one about dead letters: the router may have to read each one's event.
const ORDER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a try of aggregations may take: the router reads the whole range.
const TRY_TIMEOUT: Duration = Duration::from_mins(30);
/// The longest line of a tail; a longer one ends it.
const TAIL_LINE_BYTES_MAX: usize = 1 << 20;

/// A connection to one router. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Client {
    base: String,
    http: reqwest::Client,
}

/// A request did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is no HTTP URL.
    #[error("`{url}` is not an http:// or https:// address")]
    Address {
        /// What was given.
        url: String,
    },
    /// The router did not answer.
    #[error("no answer from {base}")]
    Unreachable {
        /// The router's address.
        base: String,
        /// What went wrong.
        #[source]
        source: reqwest::Error,
    },
    /// The router refused the request.
    #[error("{}", refusal(*.status, .problem))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The router's reason.
        problem: Problem,
    },
    /// The answer was not what a router of this version sends.
    #[error("the answer of {base} is not a router's: {reason}")]
    Answer {
        /// The router's address.
        base: String,
        /// What was wrong with it.
        reason: String,
    },
}

fn refusal(status: u16, problem: &Problem) -> String {
    let field = problem.field.as_ref().map(|field| format!("`{field}`: ")).unwrap_or_default();
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{status}: {field}{}{help}", problem.reason)
}

impl Client {
    /// Returns a client for the router at `base`, such as `http://127.0.0.1:7245`. Connects at the first request.
    pub fn new(base: &str) -> Result<Self, Error> {
        let invalid = || Error::Address { url: base.to_owned() };
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(invalid());
        }
        // Another part of the process may have chosen a provider first; any will do.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = reqwest::Client::builder().no_proxy().build().map_err(|_| invalid())?;
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http })
    }

    /// Returns the address this client asks.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Returns the state of the router at a glance.
    pub async fn overview(&self) -> Result<Overview, Error> {
        self.get("overview", &[]).await
    }

    /// Returns the open groups, those of one aggregation if it is named, oldest first: the oldest
    /// [`GROUPS_LISTED_MAX`](crate::GROUPS_LISTED_MAX), where there are more.
    pub async fn groups(&self, aggregation: Option<&str>) -> Result<Vec<GroupStatus>, Error> {
        self.get("groups", &optional("aggregation", aggregation)).await
    }

    /// Returns one group, named by its key, or by its id where the key has several.
    pub async fn group(&self, aggregation: &str, group: &str) -> Result<GroupStatus, Error> {
        self.get("groups/show", &[("aggregation", aggregation.to_owned()), ("group", group.to_owned())]).await
    }

    /// Does something to a group, or to all open groups of an aggregation, and returns to how many. If no answer comes,
    /// it may have been done.
    pub async fn handle(&self, order: &GroupOrder) -> Result<u64, Error> {
        self.order("groups/handle", order, ORDER_TIMEOUT).await
    }

    /// Returns what the aggregations of another configuration would have made of events that the log holds. Nothing is
    /// changed.
    pub async fn try_aggregations(&self, order: &TryOrder) -> Result<TryReport, Error> {
        self.order("aggregations/try", order, TRY_TIMEOUT).await
    }

    /// Returns one event with its hops and the decision of each consumer.
    pub async fn explain(&self, event: &str) -> Result<EventDetail, Error> {
        self.get("event", &[("id", event.to_owned())]).await
    }

    /// Returns at most `limit` dead letters, the newest first, those of one consumer if it is named.
    pub async fn dead_letters(&self, consumer: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let consumer = consumer.map(str::to_owned);
        self.dead_letters_matching(&DeadLetterFilter { consumer, ..DeadLetterFilter::default() }, limit).await
    }

    /// Returns at most `limit` of the dead letters that a filter chooses, the newest first.
    pub async fn dead_letters_matching(
        &self,
        filter: &DeadLetterFilter,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        let mut query = filter.query();
        query.push(("limit", limit.to_string()));
        self.get("dead-letters", &query).await
    }

    /// Sends dead letters on their way again. If no answer comes, some of them may be on it.
    pub async fn redrive(&self, order: &DeadLetterOrder) -> Result<DeadLetterReport, Error> {
        self.order("dead-letters/redrive", order, ORDER_TIMEOUT).await
    }

    /// Forgets dead letters. If no answer comes, some of them may be forgotten.
    pub async fn purge(&self, order: &DeadLetterOrder) -> Result<DeadLetterReport, Error> {
        self.order("dead-letters/purge", order, ORDER_TIMEOUT).await
    }

    /// Pauses a consumer: what matches stays pending. A paused one stays paused.
    pub async fn pause(&self, consumer: &str) -> Result<(), Error> {
        self.named("consumers/pause", consumer).await.map(drop)
    }

    /// Lets a consumer that was paused or has stopped deliver again.
    pub async fn resume(&self, consumer: &str) -> Result<(), Error> {
        self.named("consumers/resume", consumer).await.map(drop)
    }

    /// Starts a replay.
    pub async fn replay(&self, order: &ReplayOrder) -> Result<ReplayStatus, Error> {
        self.order("replays", order, ORDER_TIMEOUT).await
    }

    /// Returns the replays that the router knows of.
    pub async fn replays(&self) -> Result<Vec<ReplayStatus>, Error> {
        self.get("replays", &[]).await
    }

    /// Ends a replay before its range was sent, and returns how far it came.
    pub async fn cancel_replay(&self, name: &str) -> Result<ReplayStatus, Error> {
        let response = self.named("replays/cancel", name).await?;
        self.read(response).await
    }

    /// Returns what each bus retains, by name.
    pub async fn archive(&self) -> Result<Vec<ArchiveStatus>, Error> {
        self.get("archive", &[]).await
    }

    /// Returns the hops as they happen, after at most `last` earlier ones. Ends when the router does.
    pub async fn tail(
        &self,
        last: usize,
    ) -> Result<impl Stream<Item = Result<Hop, Error>> + Send + use<>, Error> {
        let request = self.http.get(format!("{}/api/v1/tail?last={last}", self.base));
        let response = self.answered(request).await?;
        let base = self.base.clone();
        let chunks = response.bytes_stream().map_err({
            let base = base.clone();
            move |source| Error::Unreachable { base: base.clone(), source }
        });
        Ok(lines(chunks).map(move |line| {
            serde_json::from_slice(&line?)
                .map_err(|error| Error::Answer { base: base.clone(), reason: error.to_string() })
        }))
    }

    /// Publishes an encoded body of CloudEvents to a bus: `content_type` says which mode it is in.
    pub async fn publish(&self, bus: &str, content_type: &str, body: Bytes) -> Result<(), Error> {
        let request = self.http.post(format!("{}/buses/{bus}/events", self.base));
        let request = request.header(CONTENT_TYPE, content_type).body(body).timeout(REQUEST_TIMEOUT);
        self.answered(request).await.map(drop)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T, Error> {
        let request = self.http.get(self.url(path, query)).timeout(REQUEST_TIMEOUT);
        let response = self.answered(request).await?;
        self.read(response).await
    }

    /// Posts an order as JSON and returns what became of it, if that comes within the limit.
    async fn order<T: DeserializeOwned>(
        &self,
        path: &str,
        order: &impl Serialize,
        limit: Duration,
    ) -> Result<T, Error> {
        let request = self.http.post(self.url(path, &[])).json(order).timeout(limit);
        let response = self.answered(request).await?;
        self.read(response).await
    }

    /// Posts to something that has a name.
    async fn named(&self, path: &str, name: &str) -> Result<reqwest::Response, Error> {
        let request = self.http.post(self.url(path, &[("name", name.to_owned())]));
        // The router takes no post that a page in a browser could send without asking.
        self.answered(request.header(CONTENT_TYPE, "application/json").timeout(REQUEST_TIMEOUT)).await
    }

    fn url(&self, path: &str, query: &[(&str, String)]) -> String {
        let mut url = format!("{}/api/v1/{path}", self.base);
        for (index, (name, value)) in query.iter().enumerate() {
            let separator = if index == 0 { '?' } else { '&' };
            url.push(separator);
            url.push_str(name);
            url.push('=');
            url.extend(value.bytes().map(|byte| format!("%{byte:02X}")));
        }
        url
    }

    async fn read<T: DeserializeOwned>(&self, response: reqwest::Response) -> Result<T, Error> {
        let body = response.bytes().await;
        let body = body.map_err(|source| Error::Unreachable { base: self.base.clone(), source })?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Answer { base: self.base.clone(), reason: error.to_string() })
    }

    /// Sends a request and turns every answer but success into an error.
    async fn answered(&self, request: reqwest::RequestBuilder) -> Result<reqwest::Response, Error> {
        let sent = request.send().await;
        let response = sent.map_err(|source| Error::Unreachable { base: self.base.clone(), source })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.unwrap_or_default();
        let problem = serde_json::from_slice(&body).unwrap_or_else(|_| Problem {
            error: "unknown".to_owned(),
            field: None,
            reason: String::from_utf8_lossy(&body).into_owned(),
            help: None,
        });
        Err(Error::Refused { status: status.as_u16(), problem })
    }
}

fn optional(name: &'static str, value: Option<&str>) -> Vec<(&'static str, String)> {
    value.map(|value| (name, value.to_owned())).into_iter().collect()
}

/// Cuts a stream of chunks into lines; the last one needs no end.
fn lines<S>(chunks: S) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send
where
    S: Stream<Item = Result<Bytes, Error>> + Send + 'static,
{
    stream::unfold((Box::pin(chunks), Vec::new()), |(mut chunks, mut held)| async move {
        loop {
            if let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                let rest = held.split_off(end + 1);
                held.truncate(end);
                return Some((Ok(held), (chunks, rest)));
            }
            match chunks.next().await {
                Some(Ok(_)) if held.len() > TAIL_LINE_BYTES_MAX => return None,
                Some(Ok(chunk)) => held.extend_from_slice(&chunk),
                Some(Err(error)) => return Some((Err(error), (chunks, Vec::new()))),
                None if held.is_empty() => return None,
                None => return Some((Ok(std::mem::take(&mut held)), (chunks, Vec::new()))),
            }
        }
    })
}
