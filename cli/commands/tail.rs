//! `railpost tail`: hops as they happen.

use api::{Client, Overview};
use event::hop::{Hop, Step};
use futures::StreamExt;

use super::client;
use crate::args::Tail;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hop_line::hop_line;
use crate::screen::{self, Screen};
use crate::text::list;

/// Prints hops; ends when the router does.
pub(crate) async fn run(args: Tail) -> Result<Exit, Failure> {
    let screen = Screen::of_stdout();
    let client = client(&args.router)?;
    if args.consumer.is_some() || args.bus.is_some() {
        known(&args, &client.overview().await?)?;
    }
    let mut hops = Box::pin(client.tail(args.last).await?);
    while let Some(hop) = hops.next().await {
        let hop = hop.map_err(|error| broke(&client, error))?;
        let on_bus = args.bus.as_ref().is_none_or(|bus| **bus == *hop.bus);
        let concerns = args.consumer.as_ref().is_none_or(|name| names(&hop, name));
        if !on_bus || !concerns {
            continue;
        }
        if args.json {
            screen::print(&serde_json::to_string(&hop).map_err(std::io::Error::from)?)?;
        } else {
            screen::print(&hop_line(&hop, screen))?;
        }
    }
    screen::note("the router has ended the stream");
    Ok(Exit::Done)
}

/// Makes sure that the router has what is asked for, since a tail of something else would be silent for ever.
fn known(args: &Tail, overview: &Overview) -> Result<(), Failure> {
    let consumers = overview.consumers.iter().map(|consumer| consumer.name.as_str());
    let aggregations = overview.aggregations.iter().map(|aggregation| aggregation.name.as_str());
    let receivers: Vec<&str> = consumers.chain(aggregations).collect();
    let buses: Vec<&str> = overview.buses.iter().map(|bus| bus.name.as_str()).collect();
    let asked = [("consumer or aggregation", &args.consumer, receivers), ("bus", &args.bus, buses)];
    for (what, name, there) in asked {
        if let Some(name) = name.as_ref().filter(|name| !there.contains(&name.as_str())) {
            let help = format!("the router has {}", list(&there));
            return Err(Failure::UnknownName { what, name: name.clone(), help });
        }
    }
    Ok(())
}

/// Returns why a stream that had begun ended with an error.
fn broke(client: &Client, error: api::Error) -> Failure {
    match error {
        api::Error::Unreachable { .. } => {
            Failure::TailBroke { base: client.base().to_owned(), source: Box::new(error) }
        }
        other => other.into(),
    }
}

/// Returns whether a hop is about a consumer or an aggregation of that name.
fn names(hop: &Hop, name: &str) -> bool {
    match &hop.step {
        Step::Received { .. } => false,
        Step::Matched { consumers, aggregations, .. } => {
            consumers.iter().chain(aggregations).any(|matched| **matched == *name)
        }
        Step::Offered { aggregation, .. } | Step::Released { aggregation, .. } => **aggregation == *name,
        Step::Gated { consumer, .. }
        | Step::Attempted { consumer, .. }
        | Step::Delivered { consumer, .. }
        | Step::DeadLettered { consumer, .. } => **consumer == *name,
    }
}
