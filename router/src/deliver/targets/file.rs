//! [`File`]: events as JSON lines, appended to a file that may be moved away at any time.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Delivery, Failure, Outcome, line};

/// A file of JSON lines.
///
/// An event is delivered once its line is on disk. Attempts at one file write one after the other; those that wait are
/// bounded by the consumer's concurrency.
pub(crate) struct File {
    appender: Arc<Appender>,
}

struct Appender {
    path: PathBuf,
    open: Mutex<Option<fs::File>>,
}

impl File {
    /// Returns a target that creates the file, and its folders, with the first event.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { appender: Arc::new(Appender { path, open: Mutex::new(None) }) }
    }

    /// Appends the events' lines and waits until they are on disk.
    ///
    /// The write runs to its end even if nobody waits for it any longer, so that a shutdown leaves no half line.
    pub(super) async fn send(&self, deliveries: &[Delivery<'_>]) -> Vec<Outcome> {
        let lines = line::encode_all(deliveries);
        let appender = Arc::clone(&self.appender);
        let written = tokio::task::spawn_blocking(move || appender.append(&lines)).await;
        let outcome = match written.map_err(io::Error::other).flatten() {
            Ok(()) => Outcome::Delivered { status: None },
            Err(error) => {
                let path = self.appender.path.display();
                Outcome::Failed(Failure::retryable(format!("cannot append to {path}: {error}")))
            }
        };
        vec![outcome; deliveries.len()]
    }

    /// Returns where the events go: `file /var/log/orders.jsonl`.
    pub(super) fn address(&self) -> String {
        format!("file {}", self.appender.path.display())
    }
}

impl Appender {
    /// Appends lines. After an error the file is opened anew, which ends the line that the error may have torn.
    fn append(&self, lines: &[u8]) -> io::Result<()> {
        let mut slot = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = match slot.take() {
            Some(file) if is_at(&file, &self.path)? => file,
            _ => open(&self.path)?,
        };
        file.write_all(lines)?;
        file.sync_data()?;
        *slot = Some(file);
        Ok(())
    }
}

/// Returns whether a path still leads to an open file.
fn is_at(file: &fs::File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn open(path: &Path) -> io::Result<fs::File> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = fs::OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.metadata()?.len() == 0 {
        // A new file is on disk only when its name is.
        fs::File::open(folder)?.sync_all()?;
    } else if last_byte(&mut file)? != b'\n' {
        tracing::warn!(path = %path.display(), "ended a line that was torn by an earlier failure");
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn last_byte(file: &mut fs::File) -> io::Result<u8> {
    let mut byte = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut byte)?;
    Ok(byte[0])
}
