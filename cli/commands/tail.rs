//! `railpost tail`: hops as they happen.

use event::hop::{Hop, Step};
use futures::StreamExt;

use super::client;
use crate::args::Tail;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hop_line::hop_line;
use crate::screen::{self, Screen};

/// Prints hops; ends when the router does.
pub(crate) async fn run(args: Tail) -> Result<Exit, Failure> {
    let screen = Screen::of_stdout();
    let mut hops = Box::pin(client(&args.router)?.tail(args.last).await?);
    while let Some(hop) = hops.next().await {
        let hop = hop?;
        let on_bus = args.bus.as_ref().is_none_or(|bus| *bus == hop.bus);
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
    Ok(Exit::Done)
}

/// Returns whether a hop is about a consumer or an aggregation of that name.
fn names(hop: &Hop, name: &str) -> bool {
    match &hop.step {
        Step::Received { .. } => false,
        Step::Matched { consumers, aggregations, .. } => {
            consumers.iter().chain(aggregations).any(|matched| matched == name)
        }
        Step::Offered { aggregation, .. } | Step::Released { aggregation, .. } => aggregation == name,
        Step::Gated { consumer, .. }
        | Step::Attempted { consumer, .. }
        | Step::Delivered { consumer, .. }
        | Step::DeadLettered { consumer, .. } => consumer == name,
    }
}
