//! [`Batches`]: a file of lines, some lines at a time.

use std::path::Path;
use std::time::Duration;

use tokio::fs::File;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader, Lines};

use crate::failure::Failure;
use crate::screen;
use crate::text::escape;

/// A batch that is not full goes out when the input pauses for so long, so that a pipe that stays open is no stall.
const PAUSE: Duration = Duration::from_millis(50);

/// The lines of a file or of standard input.
pub(super) struct Batches {
    lines: Lines<Box<dyn AsyncBufRead + Send + Unpin>>,
    number: u64,
    /// Lines that could not be read as what was wanted.
    pub(super) refused: u64,
}

/// One line's item and the line's number, 1 for the first.
#[derive(Debug)]
pub(super) struct Numbered<T> {
    pub(super) line: u64,
    pub(super) item: T,
}

impl Batches {
    /// Opens a file; `-` is standard input.
    pub(super) async fn open(path: &Path) -> Result<Self, Failure> {
        let reader: Box<dyn AsyncBufRead + Send + Unpin> = if path == Path::new("-") {
            Box::new(BufReader::new(tokio::io::stdin()))
        } else {
            let file = File::open(path).await;
            Box::new(BufReader::new(file.map_err(|source| Failure::File { path: path.to_owned(), source })?))
        };
        Ok(Self { lines: reader.lines(), number: 0, refused: 0 })
    }

    /// Returns the next lines that can be read, at most `size`; none at the end. Names each line that cannot.
    pub(super) async fn next<T>(
        &mut self,
        size: usize,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<Vec<Numbered<T>>>, Failure> {
        let mut batch = Vec::new();
        while batch.len() < size {
            let next = self.lines.next_line();
            let line = if batch.is_empty() {
                next.await?
            } else {
                match tokio::time::timeout(PAUSE, next).await {
                    Ok(line) => line?,
                    Err(_) => break,
                }
            };
            let Some(line) = line else { break };
            self.number += 1;
            if line.trim().is_empty() {
                continue;
            }
            match read(&line) {
                Ok(item) => batch.push(Numbered { line: self.number, item }),
                Err(reason) => {
                    self.refused += 1;
                    name_line(Some(self.number), &reason);
                }
            }
        }
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}

/// Says on standard error what is wrong with a line, or with the one event that came from flags.
pub(super) fn name_line(line: Option<u64>, reason: &str) {
    match line {
        Some(line) => screen::note(&format!("line {line}: {}", escape(reason))),
        None => screen::note(&format!("refused: {}", escape(reason))),
    }
}
