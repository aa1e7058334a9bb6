//! [`Session`]: the terminal taken, and given back as it was, whatever happens.

use std::io::{self, IsTerminal};
use std::panic::{self, PanicHookInfo};
use std::sync::Arc;
use std::thread;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// The terminal in raw mode on its alternate screen. Dropping it gives the terminal back.
pub(crate) struct Session {
    original: Arc<Hook>,
}

impl Session {
    /// Takes the terminal. From here on a panic gives it back before it is reported.
    pub(crate) fn enter() -> io::Result<Self> {
        let original: Arc<Hook> = Arc::new(panic::take_hook());
        let inherited = Arc::clone(&original);
        panic::set_hook(Box::new(move |info| {
            restore();
            inherited(info);
        }));
        // From here on dropping it undoes what was done.
        let session = Self { original };
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        // A terminal that cannot tell a pasted text from a typed one goes on typing it.
        drop(execute!(io::stdout(), EnableBracketedPaste));
        Ok(session)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        restore();
        // While it panics, a thread may not change the hook; the process is about to end anyway.
        if !thread::panicking() {
            let original = Arc::clone(&self.original);
            panic::set_hook(Box::new(move |info| original(info)));
        }
    }
}

/// Returns whether there is a terminal to draw on.
pub(crate) fn is_present() -> bool {
    io::stdout().is_terminal()
}

/// Gives the terminal back. There is no one to tell if that fails.
fn restore() {
    drop(execute!(io::stdout(), DisableBracketedPaste));
    drop(execute!(io::stdout(), LeaveAlternateScreen, Show));
    drop(disable_raw_mode());
}
