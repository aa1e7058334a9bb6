//! The corpus: a file of events, one a line.

use std::path::Path;

use anyhow::{Context, Result};

/// The corpus's name in its directory.
const FILE: &str = "citylots2-syn.jsonl";

/// Reads the corpus: the file itself, or the one in a directory.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be read.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let file = if path.is_dir() { path.join(FILE) } else { path.to_owned() };
    std::fs::read(&file).with_context(|| format!("cannot read the corpus {}", file.display()))
}

/// Returns the first events of a corpus, or all of them.
pub(crate) fn events(text: &[u8], limit: Option<usize>) -> Vec<&[u8]> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.take(limit.unwrap_or(usize::MAX)).collect()
}
