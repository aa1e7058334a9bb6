//! [`Stdout`]: events as JSON lines on standard output.

use std::io::{self, Write};

use super::{Delivery, Failure, Outcome, line};

/// Standard output, shared by all that write to it: a line is never mixed with another.
///
/// A pipe that its reader closed is retryable, like any other fault of this machine: the events are not to blame, and
/// given up at once they would all become dead letters because somebody quit `head`. They wait for the next run.
pub(crate) struct Stdout;

impl Stdout {
    /// Writes and flushes the events' lines. A reader that does not read delays that for as long as it takes.
    pub(super) async fn send(&self, deliveries: &[Delivery<'_>]) -> Vec<Outcome> {
        let lines = line::encode_all(deliveries);
        let written = tokio::task::spawn_blocking(move || write(&mut io::stdout().lock(), &lines)).await;
        vec![outcome(written.map_err(io::Error::other).flatten()); deliveries.len()]
    }
}

pub(super) fn write(output: &mut impl Write, lines: &[u8]) -> io::Result<()> {
    output.write_all(lines)?;
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
