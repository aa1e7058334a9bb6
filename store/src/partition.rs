//! The handle of a partition.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::{Arc, Mutex, RwLock, atomic::AtomicU64, atomic::Ordering},
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

use crate::{
    catalog::{Catalog, Reclaimed, SegmentInfo},
    committer::{Committer, Request, Waiting},
    core::Core,
    disk,
    error::{Error, OpenError},
    lock,
    options::{Options, ReadBudget},
    position::{Position, Positions, narrow},
    read,
    record::HEADER_BYTES,
    recovery::{self, Recovery},
    tx::{Committed, Space, Tx},
    writer::Writer,
};

/// One bus's durable log and the keyed state that follows from it. Clones are handles of the same partition.
///
/// When the last handle is dropped, what was asked is still written and the directory is free again afterwards; the
/// drop waits for it. [`Partition::close`] writes the keyed state down as well, so that opening has nothing to replay.
#[derive(Clone, Debug)]
pub struct Partition {
    shared: Arc<Shared>,
}

/// The order matters: the queue must be gone before the committer is waited for.
#[derive(Debug)]
struct Shared {
    core: Arc<Core>,
    requests: mpsc::Sender<Waiting>,
    /// The bytes that may still wait.
    room: Arc<Semaphore>,
    _thread: Thread,
}

/// The committer's thread, which is waited for when this is dropped.
#[derive(Debug)]
struct Thread(Option<JoinHandle<()>>);

impl Drop for Thread {
    fn drop(&mut self) {
        // A panic was told already, to whoever waited for an answer.
        if let Some(thread) = self.0.take() {
            drop(thread.join());
        }
    }
}

impl Partition {
    /// Opens the partition in a directory, which is created if need be, and says what was found there.
    ///
    /// The end of a write that a crash tore is cut off. Any other damage is refused, because going on would lose what
    /// was acknowledged; segments from before the state was last written down are only checked when they are read.
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovery), OpenError> {
        options.check()?;
        create_dir(dir).map_err(OpenError::io(format!("create `{}`", dir.display())))?;
        let lock = lock_dir(dir)?;
        let recovered = recovery::recover(dir, &options)?;
        let active = Arc::clone(&recovered.end.segment);
        let catalog = Catalog::new(dir, options.segment_bytes, recovered.segments, active);
        recovered.spares.into_iter().for_each(|spare| catalog.add_spare(spare));
        let (sender, requests) = mpsc::channel(options.queue_max);
        let room = Arc::new(Semaphore::new(options.queue_bytes_max));
        let core = Arc::new(Core {
            dir: dir.to_owned(),
            options,
            catalog,
            state: RwLock::new(recovered.state),
            head: watch::Sender::new(recovered.end.head),
            syncs: AtomicU64::new(0),
            saved: Mutex::new(recovered.saved),
            failed: watch::Sender::new(None),
            closed: Mutex::new(false),
        });
        let starting = || OpenError::io(format!("start the committer of `{}`", dir.display()));
        let writer = Writer::new(Arc::clone(&core), recovered.end).map_err(starting())?;
        let committer = Committer::new(Arc::clone(&core), requests, writer, lock);
        let name = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().replace('\0', ""));
        let thread = thread::Builder::new().name(format!("store:{name}")).spawn(|| committer.run());
        let thread = Thread(Some(thread.map_err(starting())?));
        let shared = Shared { core, requests: sender, room, _thread: thread };
        Ok((Self { shared: Arc::new(shared) }, recovered.report))
    }

    /// Appends events and returns their positions once they are durable.
    ///
    /// It fails with [`Error::Full`] at once when the queue is at a limit. After a crash a prefix of events that were
    /// not acknowledged may be there.
    pub async fn append(&self, events: Vec<Bytes>) -> Result<Positions, Error> {
        self.shared.core.check()?;
        if events.is_empty() {
            return Ok(Positions::new(self.head(), 0));
        }
        let bytes = events.iter().map(|event| HEADER_BYTES + event.len()).sum();
        self.check_size(bytes)?;
        let share = Arc::clone(&self.shared.room).try_acquire_many_owned(narrow(bytes));
        let share = share.map_err(|_| self.full())?;
        let (answer, answered) = oneshot::channel();
        let request = Request::Append { events, answer };
        let sent = self.shared.requests.try_send(Waiting { request, bytes, _share: share });
        sent.map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => self.full(),
            mpsc::error::TrySendError::Closed(_) => self.stopped(),
        })?;
        answered.await.map_err(|_| self.stopped())?
    }

    /// Makes the changes of a [`Tx`] durable as one, and then seen.
    ///
    /// It waits while the queue is at a limit. Once it was polled to the queue, dropping the future does not undo it.
    pub async fn commit(&self, tx: Tx) -> Result<Committed, Error> {
        self.shared.core.check()?;
        if tx.is_empty() {
            return Ok(Committed { emitted: Positions::new(self.head(), 0) });
        }
        let bytes = HEADER_BYTES + tx.encoded_bytes();
        self.check_size(bytes)?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Commit { tx, answer }, bytes).await?;
        let emitted = answered.await.map_err(|_| self.stopped())??;
        Ok(Committed { emitted })
    }

    /// Returns durable events after a position, in order, and at least one if there is one.
    ///
    /// It may return fewer than the budget allows although there are more. Events that were truncated are passed over,
    /// which shows in the positions. The bytes of one read share one piece of memory. It reads files and blocks.
    pub fn read(&self, after: Position, budget: ReadBudget) -> Result<Vec<(Position, Bytes)>, Error> {
        self.shared.core.check()?;
        read::read(&self.shared.core, after, budget)
    }

    /// Returns the event at a position, or `None` when it is truncated or not yet durable. It reads files and blocks.
    pub fn get(&self, at: Position) -> Result<Option<Bytes>, Error> {
        self.shared.core.check()?;
        if at < self.tail() || at > self.head() {
            return Ok(None);
        }
        let events = read::read(&self.shared.core, Position(at.0 - 1), ReadBudget { events: 1, bytes: 0 })?;
        Ok(events.into_iter().find(|(position, _)| *position == at).map(|(_, event)| event))
    }

    /// Returns the position of the last durable event.
    pub fn head(&self) -> Position {
        self.shared.core.head()
    }

    /// Returns the position of the first event that is still held, or of the next to come when none is.
    pub fn tail(&self) -> Position {
        self.shared.core.catalog.tail()
    }

    /// Returns a receiver that sees every new durable head.
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.shared.core.head.subscribe()
    }

    /// Resolves with the reason once the partition has stopped for good; until then it waits.
    ///
    /// It tells also whoever asks for nothing, as when the state could not be written down.
    pub async fn failed(&self) -> Error {
        let mut failed = self.shared.core.failed.subscribe();
        let reason = failed.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => reason,
            None => std::future::pending().await,
        }
    }

    /// Returns the position that the latest durable commit applied, or `Position(0)`.
    pub fn applied(&self) -> Position {
        lock::read(&self.shared.core.state).applied
    }

    /// Returns the durable value of a key.
    pub fn state(&self, space: Space, key: &[u8]) -> Option<Bytes> {
        lock::read(&self.shared.core.state).get(space, key)
    }

    /// Returns the keys that begin with a prefix, in order, with their durable values.
    pub fn scan(&self, space: Space, prefix: &[u8]) -> Vec<(Bytes, Bytes)> {
        lock::read(&self.shared.core.state).scan(space, prefix)
    }

    /// Returns the first of the keys that begin with a prefix, with its durable value.
    pub fn first(&self, space: Space, prefix: &[u8]) -> Option<(Bytes, Bytes)> {
        lock::read(&self.shared.core.state).first(space, prefix)
    }

    /// Returns how many keys a space has.
    pub fn count(&self, space: Space) -> usize {
        lock::read(&self.shared.core.state).count(space)
    }

    /// Drops the oldest segments whose events are all before a position, and which were sealed before a time in
    /// milliseconds since 1970 if one is given. The segment that is written to stays.
    ///
    /// The keyed state stays as it is. Up to two files are kept for reuse, the others give their space back at once.
    /// It writes and removes files and blocks.
    pub fn truncate(&self, before: Position, sealed_before_ms: Option<u64>) -> Result<Reclaimed, Error> {
        self.shared.core.truncate(before, sealed_before_ms)
    }

    /// Returns the segments, oldest first.
    pub fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.core.catalog.infos(self.head())
    }

    /// Returns the size of all files of the partition in bytes, with those that are kept ready.
    pub fn bytes_on_disk(&self) -> Result<u64, Error> {
        let dir = &self.shared.core.dir;
        disk::bytes_in(dir).map_err(|cause| Error::io(format!("list `{}`", dir.display()), cause))
    }

    /// Returns how many times the log was synced since it was opened.
    pub fn syncs(&self) -> u64 {
        self.shared.core.syncs.load(Ordering::Relaxed)
    }

    /// Writes what waits, writes the keyed state down, and frees the directory. Every later append, commit
    /// and truncation fails with [`Error::Closed`]; closing again does nothing.
    pub async fn close(&self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let closed = match self.send(Request::Close { answer }, 0).await {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(self.stopped())),
            Err(error) => Err(error),
        };
        if matches!(closed, Err(Error::Closed)) { Ok(()) } else { closed }
    }

    async fn send(&self, request: Request, bytes: usize) -> Result<(), Error> {
        let share: OwnedSemaphorePermit = {
            let room = Arc::clone(&self.shared.room);
            room.acquire_many_owned(narrow(bytes)).await.map_err(|_| self.stopped())?
        };
        let sent = self.shared.requests.send(Waiting { request, bytes, _share: share }).await;
        sent.map_err(|_| self.stopped())
    }

    fn check_size(&self, bytes: usize) -> Result<(), Error> {
        let bytes_max = self.shared.core.options.queue_bytes_max;
        if bytes > bytes_max { Err(Error::TooLarge { bytes, bytes_max }) } else { Ok(()) }
    }

    fn full(&self) -> Error {
        let options = &self.shared.core.options;
        Error::Full { requests_max: options.queue_max, bytes_max: options.queue_bytes_max }
    }

    /// Returns why the committer does not answer.
    fn stopped(&self) -> Error {
        self.shared.core.check().err().unwrap_or(Error::Closed)
    }
}

fn create_dir(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    disk::sync_dir(parent.unwrap_or(Path::new(".")))
}

fn lock_dir(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join("lock");
    let file = disk::create(&path).map_err(OpenError::io(format!("create `{}`", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(OpenError::io(format!("lock `{}`", path.display()))(cause)),
    }
}
