//! [`follow`]: the router's tail, opened again whenever it breaks off.

use std::time::Duration;

use api::Client;
use event::Hop;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use tokio::time::sleep;

use super::Message;
use crate::format;
use crate::tail::BACKFILL;

/// How long a tail that broke off is left alone.
const RETRY: Duration = Duration::from_secs(1);
/// How many hops are taken at once at most.
const BATCH_MAX: usize = 256;

type Batches = BoxStream<'static, Vec<Result<Hop, api::Error>>>;

/// Where the tail stands.
enum Stage {
    Closed { wait: Duration },
    Open(Batches),
    Broken(String),
}

/// Returns the hops as they happen; it never ends.
pub(super) fn follow(client: Client) -> impl Stream<Item = Message> {
    stream::unfold(Stage::Closed { wait: Duration::ZERO }, move |stage| {
        let client = client.clone();
        async move { Some(advance(&client, stage).await) }
    })
}

async fn advance(client: &Client, stage: Stage) -> (Message, Stage) {
    match stage {
        Stage::Closed { wait } => {
            sleep(wait).await;
            match client.tail(BACKFILL).await {
                Ok(hops) => (Message::TailOpened, Stage::Open(hops.ready_chunks(BATCH_MAX).boxed())),
                Err(error) => lost(format::chain(&error)),
            }
        }
        Stage::Open(mut batches) => match batches.next().await {
            None => lost("the router ended it".to_owned()),
            Some(batch) => {
                let (hops, failure) = sorted(batch);
                let next = failure.map_or(Stage::Open(batches), |error| Stage::Broken(format::chain(&error)));
                (Message::Hops(hops), next)
            }
        },
        Stage::Broken(reason) => lost(reason),
    }
}

fn lost(reason: String) -> (Message, Stage) {
    (Message::TailLost(reason), Stage::Closed { wait: RETRY })
}

/// Returns the hops before the first failure, and that failure.
fn sorted(batch: Vec<Result<Hop, api::Error>>) -> (Vec<Hop>, Option<api::Error>) {
    let mut hops = Vec::with_capacity(batch.len());
    for hop in batch {
        match hop {
            Ok(hop) => hops.push(hop),
            Err(error) => return (hops, Some(error)),
        }
    }
    (hops, None)
}
