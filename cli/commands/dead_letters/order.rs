//! `railpost dead-letters redrive` and `purge`: batch by batch, so that either can be stopped at any time.

use std::pin::pin;
use std::time::Duration;

use api::{Client, DeadLetterFilter, DeadLetterOrder, DeadLetterReport};
use tokio::time::{Instant, sleep_until};

use crate::args::dead_letters::{Order, Purge};
use crate::commands::client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::screen;
use crate::signals::Signals;
use crate::text::{count, duration};

/// How many are ordered at once, at most; a stop waits for the answer about them.
const BATCH_MAX: u32 = 1_000;

/// The longest wait between two batches, however low the rate.
const PAUSE_MAX: Duration = Duration::from_hours(24 * 365);

/// What is done with dead letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Redrive,
    Purge,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// As many as were asked for are done.
    Whole,
    /// A signal came.
    Stopped,
    /// The router did none of those that are left.
    Stuck,
}

/// Sends dead letters on their way again.
pub(super) async fn redrive(args: Order) -> Result<Exit, Failure> {
    carry_out(Deed::Redrive, args, true).await
}

/// Forgets dead letters, after a yes.
pub(super) async fn purge(args: Purge) -> Result<Exit, Failure> {
    if !args.yes && !args.order.dry_run && !screen::can_ask() {
        let reason = "what is purged is gone for good: without a terminal to ask on, say --yes".to_owned();
        return Err(Failure::Usage { reason });
    }
    carry_out(Deed::Purge, args.order, args.yes).await
}

async fn carry_out(deed: Deed, args: Order, sure: bool) -> Result<Exit, Failure> {
    if args.filter.is_empty() && !args.all {
        let reason = "say which dead letters, such as --consumer billing, or all of them with --all";
        return Err(Failure::Usage { reason: reason.to_owned() });
    }
    let client = client(&args.router)?;
    let now = client.overview().await?.at;
    let mut filter = args.filter.at(now);
    // What is given up from now on, perhaps once more, is not meant: otherwise this need not end.
    filter.until = Some(filter.until.map_or(now, |until| until.min(now)));
    let limit = args.limit.unwrap_or(u32::MAX);
    let order = DeadLetterOrder { filter: filter.clone(), limit, dry_run: true };
    let preview = deed.order(&client, &order).await?;
    let all = preview.done + preview.left;
    let wanted = all.min(u64::from(limit));
    let left = all - wanted;
    if args.dry_run {
        return said(args.json, DeadLetterReport { done: wanted, left }, &deed.would(wanted, left));
    }
    if wanted > 0 && !sure && !screen::ask(&format!("forget {} for good?", count(wanted, "dead letter")))? {
        screen::note("nothing was purged");
        return Ok(Exit::Failed);
    }
    let mut work = Work { client, deed, filter, wanted, rate: args.rate, done: 0, left: all };
    let mut signals = Signals::listen()?;
    let ended = work.run(&mut async || signals.next().await).await?;
    let report = DeadLetterReport { done: work.done, left: work.left };
    let exit = said(args.json, report, &deed.told(ended, work.done, work.left))?;
    Ok(if ended == Ended::Whole { exit } else { Exit::Failed })
}

/// Says what became of an order: a document for programs, words for people.
fn said(json: bool, report: DeadLetterReport, words: &str) -> Result<Exit, Failure> {
    if json {
        screen::print_json(&report)?;
    } else {
        screen::print(words)?;
    }
    Ok(Exit::Done)
}

impl Deed {
    async fn order(self, client: &Client, order: &DeadLetterOrder) -> Result<DeadLetterReport, api::Error> {
        match self {
            Self::Redrive => client.redrive(order).await,
            Self::Purge => client.purge(order).await,
        }
    }

    fn past(self) -> &'static str {
        match self {
            Self::Redrive => "redriven",
            Self::Purge => "purged",
        }
    }

    fn under_way(self) -> &'static str {
        match self {
            Self::Redrive => "redriving",
            Self::Purge => "purging",
        }
    }

    /// Returns what would be done, in words.
    pub(super) fn would(self, wanted: u64, left: u64) -> String {
        let others = if left > 0 { format!(", {left} others left") } else { String::new() };
        format!("{} would be {}{others}", count(wanted, "dead letter"), self.past())
    }

    /// Returns what was done, in words.
    pub(super) fn told(self, ended: Ended, done: u64, left: u64) -> String {
        let past = self.past();
        let letters = count(done, "dead letter");
        match ended {
            Ended::Whole if done == 0 && left == 0 => "no dead letter is like that".to_owned(),
            Ended::Whole if left == 0 => format!("{letters} {past}"),
            Ended::Whole => format!("{letters} {past}, {left} others left"),
            Ended::Stopped => format!("stopped: {letters} {past}, {left} left as they were"),
            Ended::Stuck => format!(
                "{letters} {past}; the router did none of the other {left}: their consumer may no longer be \
                 configured, or their events be gone from the log"
            ),
        }
    }
}

/// Orders one batch after the other.
pub(super) struct Work {
    pub(super) client: Client,
    pub(super) deed: Deed,
    /// Which ones; none that is given up after the beginning, so that their number only falls.
    pub(super) filter: DeadLetterFilter,
    /// How many are to be done.
    pub(super) wanted: u64,
    /// How many a second.
    pub(super) rate: Option<f64>,
    /// How many are done.
    pub(super) done: u64,
    /// How many others there are.
    pub(super) left: u64,
}

impl Work {
    /// Works until all is done or `signal` comes.
    pub(super) async fn run(&mut self, signal: &mut impl AsyncFnMut()) -> Result<Ended, Failure> {
        let progress = Progress::new();
        let began = Instant::now();
        while self.done < self.wanted {
            progress.show(&self.words(began.elapsed()));
            let asked = Instant::now();
            let (report, stopped) = self.batch(signal, &progress).await?;
            self.done += report.done;
            self.left = report.left;
            if self.left == 0 || self.done >= self.wanted {
                break;
            }
            if stopped {
                return Ok(Ended::Stopped);
            }
            if report.done == 0 {
                return Ok(Ended::Stuck);
            }
            let pause = self.rate.map_or(Duration::ZERO, |rate| pause(report.done, rate));
            progress.show(&self.words(began.elapsed()));
            tokio::select! {
                biased;
                () = signal() => return Ok(Ended::Stopped),
                () = sleep_until(asked + pause) => {}
            }
        }
        Ok(Ended::Whole)
    }

    /// Orders one batch and waits for the answer; also returns whether a signal came meanwhile. A second one ends the
    /// wait.
    async fn batch(
        &self,
        signal: &mut impl AsyncFnMut(),
        progress: &Progress,
    ) -> Result<(DeadLetterReport, bool), Failure> {
        let limit = batch(self.wanted - self.done, self.rate);
        let order = DeadLetterOrder { filter: self.filter.clone(), limit, dry_run: false };
        let mut answer = pin!(self.deed.order(&self.client, &order));
        let broke = |source| Failure::DeadLettersBroke {
            past: self.deed.past(),
            done: self.done,
            batch: limit,
            source: Box::new(source),
        };
        tokio::select! {
            report = &mut answer => return Ok((report.map_err(broke)?, false)),
            () = signal() => progress.note("stopping after the router's answer; a second signal stops at once"),
        }
        tokio::select! {
            report = answer => Ok((report.map_err(broke)?, true)),
            () = signal() => {
                Err(Failure::DeadLettersForced { past: self.deed.past(), done: self.done, batch: limit })
            }
        }
    }

    /// Returns how far it is, in words.
    fn words(&self, elapsed: Duration) -> String {
        let Self { deed, wanted, done, .. } = self;
        let more = wanted - done;
        let left = match (self.rate, *done) {
            (Some(rate), _) => format!(", {} left", duration(whole_seconds(pause(more, rate)))),
            (None, 0) => String::new(),
            (None, done) => {
                let rest = elapsed.mul_f64(float(more) / float(done));
                format!(", {} left", duration(whole_seconds(rest)))
            }
        };
        format!("{} {done} of {wanted}{left}; Ctrl-C stops", deed.under_way())
    }
}

/// Returns how many are ordered at once: about a second's worth where there is a rate.
pub(super) fn batch(more: u64, rate: Option<f64>) -> u32 {
    let paced = rate.map_or(BATCH_MAX, |rate| {
        (1..BATCH_MAX).find(|number| f64::from(*number) >= rate).unwrap_or(BATCH_MAX)
    });
    u32::try_from(more).unwrap_or(u32::MAX).min(paced)
}

/// Returns how long that many take at a rate.
fn pause(number: u64, rate: f64) -> Duration {
    Duration::try_from_secs_f64(float(number) / rate).map_or(PAUSE_MAX, |pause| pause.min(PAUSE_MAX))
}

fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs().max(1))
}

/// Returns a number for arithmetic with rates, where what lies past 32 bits does not matter.
fn float(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
