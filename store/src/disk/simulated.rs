//! A disk in memory that may lose what was not synced, tear what was being written, fill up, and fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use crate::{
    disk::{Disk, DiskFile, Listed, Lock},
    lock::lock,
};

/// What the disk writes as one.
const SECTOR_BYTES: usize = 512;
/// How far the simulated clock goes on with every operation, in milliseconds.
const OPERATION_MS: u64 = 1;

/// What goes wrong, and when. Operations that change something are counted from 0 on: writes, syncs, creations, renames
/// and removals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The power fails during this operation: it and every later one fails, and what it wrote may be there or not.
    pub crash_at: Option<u64>,
    /// This operation fails and does nothing.
    pub fail_at: Option<u64>,
    /// The first sync of a file from this operation on fails. What it should have made durable never will be, although
    /// it can be read until the power fails, and the next sync succeeds: so Linux behaves.
    pub fail_sync_from: Option<u64>,
    /// All files together hold no more than this many bytes.
    pub bytes_max: Option<u64>,
}

/// A disk in memory, for simulations. Clones are the same disk. With the same seed and the same operations it comes to
/// the same.
#[derive(Clone, Debug)]
pub struct SimulatedDisk {
    inner: Arc<Mutex<Inner>>,
}

/// A file by what it is, whatever its name.
type FileId = u64;

#[derive(Debug, Default)]
struct Inner {
    random: u64,
    faults: Faults,
    operations: u64,
    syncs: u64,
    crashed: bool,
    next_file: FileId,
    /// The names as a program sees them.
    names: BTreeMap<PathBuf, FileId>,
    /// The names that are certain to outlast a power cut.
    durable_names: BTreeMap<PathBuf, FileId>,
    /// The changes of names since, by directory, in order.
    renames: BTreeMap<PathBuf, Vec<Rename>>,
    dirs: BTreeSet<PathBuf>,
    files: BTreeMap<FileId, Content>,
    locks: BTreeSet<PathBuf>,
}

/// A change of names: what goes and what comes.
#[derive(Clone, Debug)]
struct Rename {
    from: Option<PathBuf>,
    to: Option<(PathBuf, FileId)>,
}

/// What a file holds.
#[derive(Clone, Debug, Default)]
struct Content {
    seen: Vec<u8>,
    synced: Vec<u8>,
    /// The sectors that the next sync makes durable, and that a power cut may have written.
    dirty: BTreeSet<usize>,
    modified_ms: u64,
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    id: FileId,
}

/// Frees a lock when it is dropped.
struct Held {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.disk.inner).locks.remove(&self.path);
    }
}

impl SimulatedDisk {
    /// Makes an empty disk on which nothing goes wrong.
    pub fn new(seed: u64) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { random: seed, ..Inner::default() })) }
    }

    /// Says what goes wrong from now on, in place of what was said before. Operations are counted on.
    pub fn plan(&self, faults: Faults) {
        lock(&self.inner).faults = faults;
    }

    /// Returns how many operations were asked for that change something.
    pub fn operations(&self) -> u64 {
        lock(&self.inner).operations
    }

    /// Returns how many syncs of files were asked for.
    pub fn syncs(&self) -> u64 {
        lock(&self.inner).syncs
    }

    /// Returns the size of all files that have a name, in bytes.
    pub fn bytes(&self) -> u64 {
        let inner = lock(&self.inner);
        inner.names.values().map(|id| inner.files[id].seen.len() as u64).sum()
    }

    /// Cuts the power: returns a disk as it may be afterwards, on which nothing goes wrong, and lets this one fail.
    ///
    /// What was synced is there. Of what was not, any of the sectors and any of the changes of names may be.
    #[must_use]
    pub fn after_power_cut(&self) -> Self {
        let mut inner = lock(&self.inner);
        inner.crashed = true;
        let mut names = inner.durable_names.clone();
        for renames in inner.renames.clone().into_values() {
            for rename in renames {
                if inner.coin() {
                    rename.apply(&mut names);
                }
            }
        }
        let mut files = BTreeMap::new();
        for id in names.values() {
            let mut content = inner.files[id].clone();
            content.cut(&mut inner);
            files.insert(*id, content);
        }
        let after = Inner {
            random: inner.next_random(),
            next_file: inner.next_file,
            durable_names: names.clone(),
            names,
            dirs: inner.dirs.clone(),
            files,
            ..Inner::default()
        };
        Self { inner: Arc::new(Mutex::new(after)) }
    }

    /// Ends the program that uses the disk, but not the disk: returns one on which all that was done is still seen, what
    /// is not durable is as before, and nothing goes wrong; this one fails from now on.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        let mut inner = lock(&self.inner);
        inner.crashed = true;
        let after = Inner {
            random: inner.next_random(),
            next_file: inner.next_file,
            names: inner.names.clone(),
            durable_names: inner.durable_names.clone(),
            renames: inner.renames.clone(),
            dirs: inner.dirs.clone(),
            files: inner.files.clone(),
            ..Inner::default()
        };
        Self { inner: Arc::new(Mutex::new(after)) }
    }

    fn file(&self, id: FileId) -> Box<dyn DiskFile> {
        Box::new(SimulatedFile { disk: self.clone(), id })
    }
}

impl Inner {
    /// Returns the next number of a fixed sequence (splitmix64).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn coin(&mut self) -> bool {
        self.next_random() & 1 == 1
    }

    fn check_power(&self) -> io::Result<()> {
        if self.crashed { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Counts an operation. It returns true when the power fails during it, and fails when it does nothing.
    fn begin(&mut self) -> io::Result<bool> {
        self.check_power()?;
        let operation = self.operations;
        self.operations += 1;
        if self.faults.fail_at == Some(operation) {
            return Err(io::Error::other("the simulated operation fails"));
        }
        self.crashed = self.faults.crash_at == Some(operation);
        Ok(self.crashed)
    }

    fn id(&self, path: &Path) -> io::Result<FileId> {
        self.check_power()?;
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change_names(&mut self, dir_of: &Path, rename: Rename) {
        rename.apply(&mut self.names);
        let dir = dir_of.parent().unwrap_or(Path::new("")).to_owned();
        self.renames.entry(dir).or_default().push(rename);
    }

    fn content(&mut self, id: FileId) -> &mut Content {
        self.files.entry(id).or_default()
    }

    fn bytes_left(&self) -> u64 {
        let used = self.names.values().map(|id| self.files[id].seen.len() as u64).sum();
        self.faults.bytes_max.map_or(u64::MAX, |bytes_max| bytes_max.saturating_sub(used))
    }

    fn write(&mut self, id: FileId, bytes: &[u8], byte: u64) -> io::Result<()> {
        let crashes = self.begin()?;
        let (left, now_ms) = (self.bytes_left(), self.operations * OPERATION_MS);
        let content = self.content(id);
        let start = usize::try_from(byte).map_err(io::Error::other)?;
        let fits = content.seen.len().saturating_add(usize::try_from(left).unwrap_or(usize::MAX));
        let end = (start + bytes.len()).min(fits.max(start));
        if end > start {
            content.seen.resize(content.seen.len().max(end), 0);
            content.seen[start..end].copy_from_slice(&bytes[..end - start]);
            content.dirty.extend(start / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
            content.modified_ms = now_ms;
        }
        if end < start + bytes.len() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "no space left on the simulated disk"));
        }
        if crashes { self.check_power() } else { Ok(()) }
    }

    fn sync(&mut self, id: FileId) -> io::Result<()> {
        self.syncs += 1;
        let operation = self.operations;
        if self.begin()? {
            return self.check_power();
        }
        let fails = self.faults.fail_sync_from.is_some_and(|from| operation >= from);
        let content = self.content(id);
        if fails {
            content.dirty.clear();
            self.faults.fail_sync_from = None;
            return Err(io::Error::other("the simulated sync fails"));
        }
        content.sync();
        Ok(())
    }
}

impl Rename {
    fn apply(&self, names: &mut BTreeMap<PathBuf, FileId>) {
        if let Some(from) = &self.from {
            // Only the name of the same file: it may have been given to another one.
            let moved = self.to.as_ref().map(|(_, id)| *id);
            if moved.is_none() || names.get(from).copied() == moved {
                names.remove(from);
            }
        }
        if let Some((to, id)) = &self.to {
            names.insert(to.clone(), *id);
        }
    }
}

impl Content {
    fn sync(&mut self) {
        self.synced.resize(self.seen.len(), 0);
        for sector in std::mem::take(&mut self.dirty) {
            self.write_sector(sector);
        }
    }

    fn write_sector(&mut self, sector: usize) {
        let start = (sector * SECTOR_BYTES).min(self.synced.len());
        let end = (start + SECTOR_BYTES).min(self.synced.len()).min(self.seen.len());
        if start < end {
            self.synced[start..end].copy_from_slice(&self.seen[start..end]);
        }
    }

    /// Leaves what a power cut leaves.
    fn cut(&mut self, inner: &mut Inner) {
        if self.seen.len() != self.synced.len() && inner.coin() {
            self.synced.resize(self.seen.len(), 0);
        }
        for sector in std::mem::take(&mut self.dirty) {
            if inner.coin() {
                self.write_sector(sector);
            }
        }
        self.seen = self.synced.clone();
    }
}

impl Disk for SimulatedDisk {
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let id = lock(&self.inner).id(path)?;
        Ok(self.file(id))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = lock(&self.inner);
        let crashes = inner.begin()?;
        let id = if let Some(id) = inner.names.get(path).copied() {
            let content = inner.content(id);
            content.dirty.clear();
            content.seen.clear();
            id
        } else {
            let id = inner.next_file;
            inner.next_file += 1;
            inner.files.insert(id, Content::default());
            inner.change_names(path, Rename { from: None, to: Some((path.to_owned(), id)) });
            id
        };
        if crashes {
            inner.check_power()?;
        }
        Ok(self.file(id))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = lock(&self.inner);
        let crashes = inner.begin()?;
        let id = inner.names.get(from).copied().ok_or(io::ErrorKind::NotFound)?;
        inner.change_names(to, Rename { from: Some(from.to_owned()), to: Some((to.to_owned(), id)) });
        if crashes { inner.check_power() } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = lock(&self.inner);
        let crashes = inner.begin()?;
        if !inner.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        inner.change_names(path, Rename { from: Some(path.to_owned()), to: None });
        if crashes { inner.check_power() } else { Ok(()) }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Listed>> {
        let inner = lock(&self.inner);
        inner.check_power()?;
        let listed = inner.names.iter().filter(|(path, _)| path.parent() == Some(dir));
        let listed =
            listed.map(|(path, id)| Listed { path: path.clone(), bytes: inner.files[id].seen.len() as u64 });
        Ok(listed.collect())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        let mut inner = lock(&self.inner);
        inner.check_power()?;
        inner.dirs.extend(dir.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut inner = lock(&self.inner);
        if inner.begin()? {
            return inner.check_power();
        }
        for rename in inner.renames.remove(dir).unwrap_or_default() {
            rename.apply(&mut inner.durable_names);
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Lock>> {
        let mut inner = lock(&self.inner);
        inner.check_power()?;
        let free = inner.locks.insert(path.to_owned());
        Ok(free.then(|| Box::new(Held { disk: self.clone(), path: path.to_owned() }) as Lock))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        let inner = lock(&self.inner);
        inner.check_power()?;
        Ok(inner.dirs.contains(path) || inner.names.contains_key(path))
    }
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], byte: u64) -> io::Result<usize> {
        let mut inner = lock(&self.disk.inner);
        inner.check_power()?;
        let seen = &inner.content(self.id).seen;
        let start = usize::try_from(byte).map_err(io::Error::other)?.min(seen.len());
        let count = buffer.len().min(seen.len() - start);
        buffer[..count].copy_from_slice(&seen[start..start + count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], byte: u64) -> io::Result<()> {
        lock(&self.disk.inner).write(self.id, bytes, byte)
    }

    fn sync(&self) -> io::Result<()> {
        lock(&self.disk.inner).sync(self.id)
    }

    fn len(&self) -> io::Result<u64> {
        let mut inner = lock(&self.disk.inner);
        inner.check_power()?;
        Ok(inner.content(self.id).seen.len() as u64)
    }

    fn modified_ms(&self) -> io::Result<u64> {
        let mut inner = lock(&self.disk.inner);
        inner.check_power()?;
        Ok(inner.content(self.id).modified_ms)
    }
}
