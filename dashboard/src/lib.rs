//! The terminal dashboard of a running router: what `railpost top` shows.
//!
//! It asks a router over HTTP and draws the answers: buses and consumers at a glance, groups in flight and what they
//! wait for, hops as they happen, one event with its reasons, dead letters. Hands can be laid
//! on a group: that is all it changes in the router. It holds no routing logic and writes nothing to disk.
//!
//! ```no_run
//! # use railpost_dashboard as dashboard;
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = api::Client::new("http://127.0.0.1:7245")?;
//! dashboard::run(client, dashboard::Options::default(), std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! * [`run`]: the loop that asks the router, reads the keys and draws; the only part with I/O
//! * `message`: what can happen, and what is asked for in return
//! * `state`: what the router said last and what the user looks at; `tail`, `detail` and `handling` are parts of it
//! * `update`: one message applied to the state
//! * `keys`: the key map
//! * `view`: the state drawn, one file a screen; `theme`, `format`, `words`, `json` and `text` serve it
//! * `terminal`: the terminal taken and given back

mod detail;
mod format;
mod handling;
mod json;
mod keys;
mod message;
mod run;
mod state;
mod tail;
mod terminal;
mod text;
mod theme;
mod update;
mod view;
mod words;

pub use run::{Error, Options, run};
