//! [`Stdout`]: events as JSON lines on standard output.

use std::io::{self, Write};

use super::{Delivery, Failure, Outcome, line};

/// Standard output, shared by all that write to it: a line is never mixed with another.
///
/// A pipe that its reader closed is retryable, like any other fault of this machine: the events are not to blame, and
/// given up at once they would all become dead letters because somebody quit `head`. They wait for the next run.
pub(crate) struct Stdout;

impl Stdout {
    /// Writes and flushes one line. A reader that does not read delays it for as long as that takes.
    pub(super) async fn send(&self, delivery: &Delivery<'_>) -> Outcome {
        let line = line::encode(delivery.event);
        let written = tokio::task::spawn_blocking(move || write(&mut io::stdout().lock(), &line)).await;
        outcome(written.map_err(io::Error::other).flatten())
    }
}

pub(super) fn write(output: &mut impl Write, line: &[u8]) -> io::Result<()> {
    output.write_all(line)?;
    output.flush()
}

pub(super) fn outcome(written: io::Result<()>) -> Outcome {
    match written {
        Ok(()) => Outcome::Delivered { status: None },
        Err(error) => {
            Outcome::Failed(Failure::retryable(format!("cannot write to standard output: {error}")))
        }
    }
}
