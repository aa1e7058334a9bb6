//! `railpost top`: the dashboard of a running router.

use std::io::{self, IsTerminal};

use dashboard::Options;

use super::client;
use crate::args::Top;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::signals::Signals;

/// Opens the dashboard; ends when the user leaves it or a signal comes.
pub(crate) async fn run(args: Top) -> Result<Exit, Failure> {
    if !io::stdout().is_terminal() {
        let reason =
            "the dashboard needs a terminal; `railpost status` and `railpost tail` print the same".to_owned();
        return Err(Failure::Usage { reason });
    }
    let client = client(&args.router)?;
    let mut signals = Signals::listen()?;
    let options = Options { refresh: args.refresh };
    dashboard::run(client, options, async move { signals.next().await }).await.map_err(Failure::Dashboard)?;
    Ok(Exit::Done)
}
