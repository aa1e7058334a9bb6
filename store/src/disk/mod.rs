//! Every call that changes or reads a file or a directory, as a seam: [`RealDisk`] is the operating system's.

mod real;
#[cfg(any(test, feature = "simulation"))]
mod simulated;

use std::{
    any::Any,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use self::real::RealDisk;
#[cfg(any(test, feature = "simulation"))]
pub use self::simulated::{Faults, SimulatedDisk};

/// Zeros, as many as are written at once.
static ZEROS: [u8; 256 * 1024] = [0; 256 * 1024];

/// What is held while a directory is in use; dropping it frees the directory.
pub type Lock = Box<dyn Any + Send>;

/// Files by their paths, and the directories that name them.
///
/// What was written is certain to outlast a power cut once the file was synced, a name once its directory was.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file that is there, to read and to write.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Creates a file, or empties it if it is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file another name, at which another file may be until then.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file. Who has it open may read on.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Returns the files of a directory in the order of their names, without its directories.
    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>>;
    /// Creates a directory and those above it, durably. It is no error when it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Locks a file, which is created if need be; `None` when another holder has it.
    fn lock(&self, path: &Path) -> io::Result<Option<Lock>>;
    /// Returns true when there is a file or a directory at the path.
    fn exists(&self, path: &Path) -> io::Result<bool>;
}

/// An open file.
#[expect(clippy::len_without_is_empty, reason = "a file that holds nothing is of no special interest")]
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Reads from a byte on until the buffer is full or the file ends, and returns how many bytes were read.
    fn read_at(&self, buffer: &mut [u8], byte: u64) -> io::Result<usize>;
    /// Writes all bytes from a byte on; the file grows when they go beyond its end.
    fn write_at(&self, bytes: &[u8], byte: u64) -> io::Result<()>;
    /// Makes the content durable, and of the metadata what is needed to read it.
    fn sync(&self) -> io::Result<()>;
    /// Returns the size in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Returns when the file was last written, in milliseconds since 1970.
    fn modified_ms(&self) -> io::Result<u64>;
}

/// A file as its directory shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where the file is, with the directory.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// One directory on a disk.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: PathBuf,
}

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path) -> Self {
        Self { disk, dir: dir.to_owned() }
    }

    pub(crate) fn list(&self) -> io::Result<Vec<Listed>> {
        self.disk.list(&self.dir)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.sync_dir(&self.dir)
    }

    /// Moves a file within the directory, durably.
    pub(crate) fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)?;
        self.sync()
    }

    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        self.disk.lock(&self.dir.join("lock"))
    }
}

/// Really writes zeros, so that overwriting them later changes no metadata and syncs fast.
pub(crate) fn zero(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<()> {
    let mut at = from;
    while at < to {
        let step = (to - at).min(ZEROS.len() as u64);
        let step_bytes = usize::try_from(step).unwrap_or(ZEROS.len());
        file.write_at(&ZEROS[..step_bytes], at)?;
        at += step;
    }
    Ok(())
}

/// Reads up to `want` bytes, fewer only at the end of the file.
pub(crate) fn read_at_most(file: &dyn DiskFile, byte: u64, want: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; want];
    let filled = file.read_at(&mut bytes, byte)?;
    bytes.truncate(filled);
    Ok(bytes)
}

/// Reads a whole file.
pub(crate) fn read_all(file: &dyn DiskFile) -> io::Result<Vec<u8>> {
    let bytes = usize::try_from(file.len()?).map_err(io::Error::other)?;
    read_at_most(file, 0, bytes)
}
