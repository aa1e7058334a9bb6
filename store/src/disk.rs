//! Every call that changes or reads a file or the directory, in one place.

use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
    time::UNIX_EPOCH,
};

/// Zeros, as many as are written at once.
static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];

/// Creates a file, or empties it if it is there.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)
}

pub(crate) fn open_to_write(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

pub(crate) fn write_at(file: &File, bytes: &[u8], byte: u64) -> io::Result<()> {
    file.write_all_at(bytes, byte)
}

/// Really writes zeros, so that overwriting them later changes no metadata and syncs fast.
pub(crate) fn zero(file: &File, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let step = (to - at).min(ZEROS.len() as u64);
        let step_bytes = usize::try_from(step).unwrap_or(ZEROS.len());
        write_at(file, &ZEROS[..step_bytes], at)?;
        at += step;
    }
    Ok(())
}

/// Reads up to `want` bytes, fewer only at the end of the file.
pub(crate) fn read_at_most(file: &File, byte: u64, want: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; want];
    let mut filled = 0;
    while filled < want {
        match file.read_at(&mut bytes[filled..], byte + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Syncs the content of a file, and of its metadata what is needed to read it.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    file.sync_data()
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Moves a file within the directory, durably.
pub(crate) fn publish(dir: &Path, from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_dir(dir)
}

/// Returns when a file was last written, in milliseconds since 1970.
pub(crate) fn written_at_ms(metadata: &fs::Metadata) -> u64 {
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    modified.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Returns the size of all files in a directory. A file that is removed meanwhile counts for nothing.
pub(crate) fn bytes_in(dir: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(dir)? {
        bytes += match entry?.metadata() {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}
