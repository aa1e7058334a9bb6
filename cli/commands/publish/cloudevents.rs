//! Publishing CloudEvents over HTTP.

use std::time::Duration;

use api::Client;
use bytes::Bytes;
use cloudevents::{EventBuilder, EventBuilderV10};
use event::{Data, Event};
use uuid::Uuid;

use super::batches::{Batches, Numbered, name_line};
use super::{Tally, payload};
use crate::args::{EventArgs, Publish};
use crate::commands::client;
use crate::failure::{Failure, refusal};
use crate::screen;
use crate::text::escape;

/// Events in one request.
const BATCH: usize = 100;
/// The wait after a router said that it has no room.
const WAIT_FOR_ROOM: Duration = Duration::from_millis(250);
/// Waits for room for one request, at most: half a minute.
const WAITS_FOR_ROOM_MAX: usize = 120;

/// A connection to a router and the bus that gets the events.
struct Publisher<'a> {
    client: Client,
    bus: &'a str,
    tally: Tally,
}

/// Publishes what the flags or the lines of a file say.
pub(super) async fn publish(args: &Publish) -> Result<Tally, Failure> {
    let client = client(&args.router)?;
    let mut publisher = Publisher { client, bus: &args.bus, tally: Tally::default() };
    let Some(file) = &args.file else {
        let template = from_flags(&args.event)?;
        let mut left = args.count;
        while left > 0 {
            let size = left.min(BATCH as u64);
            publisher.send((0..size).map(|_| numbered(&template, args)).collect()).await?;
            left -= size;
        }
        return Ok(publisher.tally);
    };
    let mut batches = Batches::open(file).await?;
    let read = |line: &str| {
        let bytes = Bytes::copy_from_slice(line.as_bytes());
        event::json::decode(&bytes).map_err(|error| error.to_string())
    };
    while let Some(batch) = batches.next(BATCH, read).await? {
        let some = |numbered: Numbered<Event>| (Some(numbered.line), numbered.item);
        publisher.send(batch.into_iter().map(some).collect()).await?;
    }
    publisher.tally.refused += batches.refused;
    Ok(publisher.tally)
}

/// Returns the event of the flags, with an id of its own unless the flags name one.
fn numbered(template: &Event, args: &Publish) -> (Option<u64>, Event) {
    let id = args.event.id.clone().unwrap_or_else(new_id);
    (None, Event { id: id.into(), ..template.clone() })
}

fn new_id() -> String {
    Uuid::new_v4().to_string()
}

fn from_flags(args: &EventArgs) -> Result<Event, Failure> {
    let usage = |reason: String| Failure::Usage { reason };
    let time = args.time.unwrap_or_else(jiff::Timestamp::now);
    let mut builder = EventBuilderV10::new()
        .id(args.id.clone().unwrap_or_else(new_id))
        .source(&args.source)
        .ty(args.kind.as_deref().unwrap_or_default())
        .time(time.to_string());
    if let Some(subject) = &args.subject {
        builder = builder.subject(subject);
    }
    for (name, value) in &args.extension {
        builder = builder.extension(name, value.clone());
    }
    let built = builder.build().map_err(|error| usage(error.to_string()))?;
    let mut event = Event::try_from(built).map_err(|error| usage(error.to_string()))?;
    // The payload passes by the builder, which would read and rewrite its numbers.
    if let Some(json) = payload(args)? {
        event.datacontenttype = Some("application/json".into());
        event.data = Some(Data::Json(Bytes::from(json)));
    }
    Ok(event)
}

impl Publisher<'_> {
    /// Publishes a batch in one request. Where the router refuses the batch, publishes its events one by one, so that
    /// the ones at fault can be named.
    async fn send(&mut self, batch: Vec<(Option<u64>, Event)>) -> Result<(), Failure> {
        if let [(line, event)] = batch.as_slice() {
            return self.send_one(*line, event).await;
        }
        let body = event::json::encode_batch(batch.iter().map(|(_, event)| event));
        match self.request("application/cloudevents-batch+json", body).await {
            Ok(()) => batch.iter().try_for_each(|(_, event)| self.acknowledged(event)),
            Err(error) if concerns_events(&error) => {
                for (line, event) in &batch {
                    self.send_one(*line, event).await?;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn send_one(&mut self, line: Option<u64>, event: &Event) -> Result<(), Failure> {
        match self.request("application/cloudevents+json", event::json::encode(event)).await {
            Ok(()) => self.acknowledged(event),
            Err(error) if concerns_events(&error) => {
                name_line(line, &in_words(&error));
                self.tally.refused += 1;
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn request(&self, content_type: &str, body: Vec<u8>) -> Result<(), api::Error> {
        let body = Bytes::from(body);
        for _ in 0..WAITS_FOR_ROOM_MAX {
            match self.client.publish(self.bus, content_type, body.clone()).await {
                Err(api::Error::Refused { status: 429, .. }) => tokio::time::sleep(WAIT_FOR_ROOM).await,
                other => return other,
            }
        }
        self.client.publish(self.bus, content_type, body).await
    }

    fn acknowledged(&mut self, event: &Event) -> Result<(), Failure> {
        self.tally.published += 1;
        Ok(screen::print(&escape(&event.id))?)
    }
}

/// Returns a refusal and its help in one line.
fn in_words(error: &api::Error) -> String {
    let api::Error::Refused { status, problem } = error else { return error.to_string() };
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{}{help}", refusal(*status, problem))
}

/// Returns whether a refusal is about what was sent, so that other events may fare better.
fn concerns_events(error: &api::Error) -> bool {
    matches!(error, api::Error::Refused { status: 400 | 413 | 415 | 422, .. })
}
