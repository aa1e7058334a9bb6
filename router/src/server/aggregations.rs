//! `/api/v1/aggregations/try`: what another configuration's aggregations would have made of events that the log holds.

use std::sync::Arc;

use api::{Place, TriedAggregation, TryOrder, TryReport};
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use miette::Diagnostic;

use super::inspect;
use super::operate::{body_within, range};
use super::refusal::Refusal;
use crate::bus::Bus;
use crate::clock;
use crate::config::{Aggregation, Config, ConfigError, Finding};
use crate::core::gather::Aggregator;
use crate::ingest::BODY_BYTES_MAX;
use crate::rehearse::trial::{Extent, LISTED_BYTES_MAX, Trial, TrialError};
use crate::router::Shared;

/// Aggregations tried at once, at most.
const AGGREGATIONS_MAX: usize = 100;
/// Errors of a configuration that are told, at most.
const FINDINGS_MAX: usize = 1_000;

/// Tries aggregations. One order at a time: each may take as much memory as its limits say.
pub(super) async fn attempt(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Json<TryReport>, Refusal> {
    let order: TryOrder = body_within(request, BODY_BYTES_MAX).await?;
    shared.taking()?;
    let Ok(_turn) = shared.trials().try_acquire() else {
        let reason = "somebody tries aggregations at this moment, and one order is carried out at a time";
        return Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, "busy", reason)
            .help("try again after the seconds in Retry-After"));
    };
    let config = tokio::task::block_in_place(|| Config::parse_alone(&order.config, &order.file));
    let (config, _) = config.map_err(|error| wrong(&error))?;
    tokio::select! {
        report = all(&shared, &order, &config) => report.map(Json),
        () = shared.stopped() => Err(Refusal::not_ready(api::Phase::Draining)),
    }
}

async fn all(shared: &Shared, order: &TryOrder, config: &Config) -> Result<TryReport, Refusal> {
    let mut report = TryReport::default();
    let mut room = LISTED_BYTES_MAX;
    for (bus, aggregation) in chosen(shared, order, config)? {
        report.aggregations.push(one(bus, order, (aggregation, config), &mut room).await?);
    }
    Ok(report)
}

/// Returns the aggregations that are meant, each with its bus.
fn chosen<'a>(
    shared: &'a Shared,
    order: &TryOrder,
    config: &'a Config,
) -> Result<Vec<(&'a Bus, &'a Aggregation)>, Refusal> {
    let is_meant = |one: &&Aggregation| order.aggregation.as_ref().is_none_or(|name| *name == one.name);
    let chosen: Vec<&Aggregation> = config.aggregations.iter().filter(is_meant).collect();
    if let (Some(name), []) = (&order.aggregation, chosen.as_slice()) {
        let reason = format!("the configuration has no aggregation `{name}`");
        return Err(Refusal::new(StatusCode::NOT_FOUND, "unknown-name", reason).field("aggregation"));
    }
    if chosen.len() > AGGREGATIONS_MAX {
        let reason = format!("the configuration has {} aggregations", chosen.len());
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "too-much", reason)
            .field("aggregation")
            .help(format!("name one: at most {AGGREGATIONS_MAX} are tried at once")));
    }
    let with_bus = |aggregation: &'a Aggregation| {
        let bus = shared.buses().find(|bus| bus.name() == aggregation.bus);
        let help = "a bus that does not run has no log: name an aggregation of one that does";
        let unknown = || inspect::unknown("bus", &aggregation.bus).help(help);
        Ok((&**bus.ok_or_else(unknown)?, aggregation))
    };
    chosen.into_iter().map(with_bus).collect()
}

/// Tries one aggregation, beside the present one of its name if there is one on its bus.
async fn one(
    bus: &Bus,
    order: &TryOrder,
    (aggregation, config): (&Aggregation, &Config),
    room: &mut usize,
) -> Result<TriedAggregation, Refusal> {
    // What comes from now on belongs to another time.
    let now = clock::now();
    let (first, last) = range(bus, order.from, order.until).await?;
    let end = match order.until {
        None | Some(Place::Latest) => now,
        Some(Place::At(instant)) => instant.min(now),
        Some(Place::Earliest | Place::Position(_)) => {
            let newest = bus.event(last).await.ok().flatten();
            newest.map_or(now, |stored| stored.logged)
        }
    };
    let first = first.max(bus.partition().tail().0);
    let extent = Extent { first, last, end }.check().map_err(|error| refused(&error))?;
    let present = {
        let core = bus.core();
        let mut aggregators = core.aggregators().iter().map(Aggregator::config);
        aggregators.find(|one| one.name == aggregation.name).cloned()
    };
    let present = present.as_ref().map(|present| (present, bus.identity()));
    let mut trial = Trial::new(bus.name(), (aggregation, &config.identity), present, extent);
    trial.read(bus.partition()).await.map_err(|error| refused(&error))?;
    tokio::task::block_in_place(|| trial.finish(room)).map_err(|error| refused(&error))
}

/// Answers a trial that did not come to its end.
fn refused(error: &TrialError) -> Refusal {
    if let TrialError::Store(error) = error {
        return Refusal::store(error);
    }
    Refusal::new(StatusCode::BAD_REQUEST, "too-much", error.to_string())
        .field("from")
        .help("narrow the range: begin later, or end earlier")
}

/// Answers a configuration that means nothing, with all that is wrong with it, a line each.
fn wrong(error: &ConfigError) -> Refusal {
    let count = error.findings().count();
    let mut lines: Vec<String> = error.findings().take(FINDINGS_MAX).map(line).collect();
    if count > FINDINGS_MAX {
        lines.push(format!("and {} more errors", count - FINDINGS_MAX));
    }
    Refusal::new(StatusCode::BAD_REQUEST, "invalid-config", lines.join("\n")).field("config")
}

fn line(finding: &Finding) -> String {
    let place = finding.place().map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let help = Diagnostic::help(finding).map(|help| format!("; {help}")).unwrap_or_default();
    format!("{}{place}: {}: {finding}{help}", finding.file(), finding.code())
}
