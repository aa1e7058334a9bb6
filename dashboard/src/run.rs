//! [`run`]: asks the router, reads the keys, draws. Everything happens in one loop on one task.

use std::ffi::OsStr;
use std::io;
use std::pin::pin;
use std::time::Duration;

use api::Client;
use crossterm::event::{Event, EventStream};
use event::Timestamp;
use futures::{Stream, StreamExt};
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::Size;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use crate::message::{Command, Message, Question};
use crate::state::State;
use crate::terminal::{self, Session};
use crate::theme::Theme;
use crate::update::update;
use crate::view;

mod asking;
mod following;

/// The shortest time between two rounds of questions.
const REFRESH_MIN: Duration = Duration::from_millis(50);
/// The shortest time between two frames, unless a key asks for one.
const FRAME: Duration = Duration::from_millis(50);

/// How the dashboard behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// How often the router is asked, at least 50 ms apart; 500 ms if nothing else is said.
    pub refresh: Duration,
}

/// The dashboard could not run, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to draw on.
    #[error("standard output is not a terminal; `railpost tail` prints the hops line by line instead")]
    NotATerminal,
    /// The terminal could not be taken, read or drawn on.
    #[error("the terminal failed")]
    Terminal {
        /// What went wrong.
        #[source]
        source: io::Error,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self { refresh: Duration::from_millis(500) }
    }
}

impl From<io::Error> for Error {
    fn from(source: io::Error) -> Self {
        Self::Terminal { source }
    }
}

/// Shows the router behind `client` until the user quits or `shutdown` resolves.
///
/// The terminal is left as it was found, also on a panic. A router that does not answer is asked again for as long as
/// the dashboard runs; an order about a group is sent once. Colours are left out if the environment variable `NO_COLOR`
/// is set. Orders are given in the name of `USER@dashboard` with the environment variable `USER`, or of `dashboard`.
///
/// # Errors
/// Fails if standard output is no terminal, or if reading or drawing fails.
pub async fn run(client: Client, options: Options, shutdown: impl Future<Output = ()>) -> Result<(), Error> {
    if !terminal::is_present() {
        return Err(Error::NotATerminal);
    }
    let _session = Session::enter()?;
    let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
    let theme = Theme::for_no_color(std::env::var_os("NO_COLOR").as_deref());
    let size = terminal.size()?;
    let by = in_name_of(std::env::var_os("USER").as_deref());
    let state = State::new(client.base(), &by, theme, size, Timestamp::from(jiff::Timestamp::now()));
    let dashboard = Dashboard { client, refresh: options.refresh, state };
    dashboard.drive(&mut terminal, EventStream::new(), shutdown).await
}

/// What the loop needs to know.
struct Dashboard {
    client: Client,
    refresh: Duration,
    state: State,
}

impl Dashboard {
    /// Runs the loop. `inputs` are what the terminal says.
    async fn drive<B>(
        self,
        terminal: &mut Terminal<B>,
        inputs: impl Stream<Item = io::Result<Event>>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error>
    where
        B: Backend,
        B::Error: Send + Sync + 'static,
    {
        let Self { client, refresh, mut state } = self;
        let mut clock = Clock { at: state.now, measured: Instant::now() };
        let mut asking = asking::Asking::new(client.clone());
        let mut tail = pin!(following::follow(client));
        let (mut inputs, mut shutdown) = (pin!(inputs), pin!(shutdown));
        let mut ticks = interval(refresh.max(REFRESH_MIN));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut drawn, mut is_due, mut has_changed) = (Instant::now(), true, false);
        loop {
            if is_due {
                draw(terminal, &state)?;
                (drawn, is_due, has_changed) = (Instant::now(), false, false);
            }
            let message = tokio::select! {
                biased;
                () = &mut shutdown => return Ok(()),
                input = inputs.next() => {
                    is_due = true;
                    match input {
                        None => return Ok(()),
                        Some(input) => heard(&input?),
                    }
                }
                () = sleep_until(drawn + FRAME), if has_changed => {
                    is_due = true;
                    None
                }
                _ = ticks.tick() => Some(Message::Tick(clock.now())),
                Some(answer) = asking.next() => Some(answer),
                Some(hops) = tail.next() => Some(hops),
            };
            let Some(message) = message else { continue };
            has_changed = true;
            clock.learn(&message);
            match update(&mut state, message) {
                Some(Command::Quit) => return Ok(()),
                Some(Command::Ask(questions)) => asking.ask(questions),
                Some(Command::Order(order)) => asking.order(order),
                None => {}
            }
        }
    }
}

/// The router's clock: what it said last, and the time since.
struct Clock {
    at: Timestamp,
    measured: Instant,
}

impl Clock {
    fn now(&self) -> Timestamp {
        self.at.after(self.measured.elapsed())
    }

    fn learn(&mut self, message: &Message) {
        if let Message::Overview(Ok(overview)) = message {
            *self = Self { at: overview.at, measured: Instant::now() };
        }
    }
}

fn draw<B>(terminal: &mut Terminal<B>, state: &State) -> Result<(), Error>
where
    B: Backend,
    B::Error: Send + Sync + 'static,
{
    terminal.draw(|frame| view::draw(state, frame)).map(drop).map_err(|error| io::Error::other(error).into())
}

/// Returns whose name orders are given in, for a value of the environment variable `USER`.
fn in_name_of(user: Option<&OsStr>) -> String {
    match user.map(OsStr::to_string_lossy).filter(|user| !user.is_empty()) {
        Some(user) => format!("{user}@dashboard"),
        None => "dashboard".to_owned(),
    }
}

/// Returns what an input means.
fn heard(input: &Event) -> Option<Message> {
    match input {
        Event::Key(key) => Some(Message::Key(*key)),
        Event::Resize(width, height) => Some(Message::Resized(Size { width: *width, height: *height })),
        Event::Paste(text) => Some(Message::Pasted(text.clone())),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

#[cfg(test)]
mod tests;
