//! `railpost demo`: an example that runs by itself and can be watched.

mod stage;
mod story;
mod summary;

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::time::Duration;

use api::{Client, Overview};
use event::Hop;
use event::hop::{Step, Verdict};
use futures::{Stream, StreamExt};
use tokio::time::{sleep, timeout};

use self::stage::Stage;
use self::summary::Summary;
use crate::args::Demo;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::hop_line::hop_line;
use crate::screen::{self, Screen};
use crate::signals::Signals;

/// How long the example may take where nobody watches it.
const TIME_LIMIT: Duration = Duration::from_secs(14);
/// Between two looks at whether everything has been dealt with.
const LOOK_AGAIN: Duration = Duration::from_millis(150);
/// The last hops may still be on their way when everything has been dealt with.
const LAST_HOPS: Duration = Duration::from_millis(300);
/// How often the dashboard asks.
const REFRESH: Duration = Duration::from_millis(250);
/// Hops asked for when the example begins; there are none yet.
const EARLIER_HOPS: usize = 100;

/// Runs the example to its end, or until the user has seen enough, and sums up.
pub(crate) async fn run(args: Demo) -> Result<Exit, Failure> {
    let mut signals = Signals::listen()?;
    let stage = Stage::open().await?;
    let watched = !args.plain && io::stdin().is_terminal() && io::stdout().is_terminal();
    let mut summary = Summary::default();
    let ended = if watched {
        on_dashboard(stage.client(), &mut summary, &mut signals).await
    } else {
        in_lines(stage.client(), &mut summary, &mut signals).await
    };
    let ended = match ended {
        Ok(ended) => ended,
        Err(failure) => {
            stage.close().await;
            return Err(failure);
        }
    };
    let exit = sum_up(stage.client(), &summary, ended).await;
    stage.close().await;
    exit
}

/// Why the example is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// Everything was dealt with.
    Settled,
    /// The user has seen enough.
    Left,
    /// The time was up before everything was dealt with.
    TimeUp,
}

async fn sum_up(client: &Client, summary: &Summary, ended: Ended) -> Result<Exit, Failure> {
    let overview = client.overview().await?;
    let letters = client.dead_letters(None, 20).await?;
    screen::print(&summary.render(&overview, &letters, Screen::of_stdout()))?;
    if ended == Ended::TimeUp {
        screen::note("the time was up before every event had been dealt with");
    }
    let well = super::status::balances(&overview) && ended != Ended::TimeUp;
    Ok(if well { Exit::Done } else { Exit::Failed })
}

async fn on_dashboard(
    client: &Client,
    summary: &mut Summary,
    signals: &mut Signals,
) -> Result<Ended, Failure> {
    let mut hops = Box::pin(client.tail(EARLIER_HOPS).await?);
    let options = dashboard::Options { refresh: REFRESH };
    let dashboard = dashboard::run(client.clone(), options, signals.next());
    let collect = async {
        while let Some(hop) = hops.next().await {
            summary.record(&hop?);
        }
        std::future::pending::<Result<Infallible, Failure>>().await
    };
    let story = async {
        for round in 0.. {
            story::tell(client, round).await?;
            sleep(story::BETWEEN_ROUNDS).await;
        }
        std::future::pending::<Result<Infallible, Failure>>().await
    };
    tokio::select! {
        result = dashboard => result.map_err(Failure::Dashboard)?,
        Err(failure) = collect => return Err(failure),
        Err(failure) = story => return Err(failure),
    }
    Ok(Ended::Left)
}

async fn in_lines(client: &Client, summary: &mut Summary, signals: &mut Signals) -> Result<Ended, Failure> {
    screen::print(story::PROLOGUE)?;
    let mut hops = Box::pin(client.tail(EARLIER_HOPS).await?);
    let settled = async {
        story::tell(client, 0).await?;
        until_settled(client).await
    };
    let ended = {
        let watch = watch(&mut hops, summary);
        tokio::select! {
            result = settled => result.map(|()| Ended::Settled)?,
            Err(failure) = watch => return Err(failure),
            () = sleep(TIME_LIMIT) => Ended::TimeUp,
            () = signals.next() => Ended::Left,
        }
    };
    while let Ok(Some(hop)) = timeout(LAST_HOPS, hops.next()).await {
        show(&hop?, summary)?;
    }
    Ok(ended)
}

/// Prints hops as long as they come; never ends by itself.
async fn watch<S>(hops: &mut S, summary: &mut Summary) -> Result<Infallible, Failure>
where
    S: Stream<Item = Result<Hop, api::Error>> + Unpin,
{
    while let Some(hop) = hops.next().await {
        show(&hop?, summary)?;
    }
    std::future::pending().await
}

/// Prints a hop that the story turns on, and keeps what the summary needs.
fn show(hop: &Hop, summary: &mut Summary) -> Result<(), Failure> {
    summary.record(hop);
    let worth_a_line = match &hop.step {
        Step::Received { .. } | Step::Offered { .. } | Step::Released { .. } | Step::DeadLettered { .. } => {
            true
        }
        Step::Gated { verdict, .. } => *verdict != Verdict::Deliver,
        Step::Attempted { error, .. } => error.is_some(),
        Step::Matched { .. } | Step::Delivered { .. } => false,
    };
    if worth_a_line {
        screen::print(&hop_line(hop, Screen::of_stdout()))?;
    }
    Ok(())
}

/// Waits until every event has been decided and delivered or given up, and no group is open, at two looks in a row.
async fn until_settled(client: &Client) -> Result<(), Failure> {
    let mut looks = 0;
    while looks < 2 {
        sleep(LOOK_AGAIN).await;
        looks = if is_settled(&client.overview().await?) { looks + 1 } else { 0 };
    }
    Ok(())
}

fn is_settled(overview: &Overview) -> bool {
    overview.buses.iter().all(|bus| bus.head == bus.applied)
        && overview.consumers.iter().all(|consumer| consumer.pending == 0)
        && overview.aggregations.iter().all(|aggregation| aggregation.open_groups == 0)
}
