//! The engine that keeps one directory.

use std::{
    path::Path,
    sync::{Arc, Mutex, RwLock, atomic::AtomicU64, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Instant,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::{
    append::{Appended, NewEvent},
    aside::Aside,
    catalog::{Catalog, Reclaimed, SegmentInfo},
    committer::{Committer, Request, Waiting},
    core::Core,
    disk::{Disk, Folder, Lock, RealDisk},
    driver::Driver,
    error::{Error, OpenError},
    lock,
    options::{Options, ReadBudget},
    partition::{Keep, Partition, Scan},
    position::{Position, Positions, narrow},
    read,
    recent::Recent,
    record::{HEADER_BYTES, KEY_BYTES},
    recovery::{self, Recovery},
    tx::{Committed, Tx},
    writer::Writer,
};

/// A partition in a directory of its own. Clones are handles of the same partition.
///
/// When the last handle is dropped, what was asked is still written and the directory is free again afterwards; the
/// drop waits for it. [`Partition::close`] writes the keyed state down as well, so that opening has nothing to replay.
#[derive(Clone, Debug)]
pub struct Local {
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

/// The committer's thread if it has one, which is waited for when this is dropped.
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

/// A partition that is open, and whose committer does not run yet.
struct Opened {
    core: Arc<Core>,
    requests: mpsc::Sender<Waiting>,
    committer: Committer,
    report: Recovery,
}

impl Local {
    /// Opens the partition in a directory, which is created if need be, and says what was found there.
    ///
    /// The end of a write that a crash tore is cut off. Any other damage is refused, because going on would lose what
    /// was acknowledged: [`repair`](crate::repair()) can. Segments from before the state was last written down are only
    /// checked when they are read, or by [`verify`](crate::verify()).
    pub fn open(dir: &Path, options: Options) -> Result<(Self, Recovery), OpenError> {
        let began = Instant::now();
        let opened = open(Arc::new(RealDisk), dir, options, Aside::Thread)?;
        let name = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().replace('\0', ""));
        let committer = opened.committer;
        let thread = thread::Builder::new().name(format!("store:{name}")).spawn(|| committer.run());
        let starting = OpenError::io(format!("start the committer of `{}`", dir.display()));
        let thread = Thread(Some(thread.map_err(starting)?));
        let report = Recovery { took: began.elapsed(), ..opened.report };
        Ok((Self::new(opened.core, opened.requests, thread), report))
    }

    /// Opens the partition on any disk, without a thread: nothing is written until the [`Driver`] is given a turn.
    ///
    /// With a disk that does the same each time, the same requests and turns come to the same files. [`Recovery::took`]
    /// is zero.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        dir: &Path,
        options: Options,
    ) -> Result<(Self, Driver, Recovery), OpenError> {
        let opened = open(disk, dir, options, Aside::Inline)?;
        let driver = Driver::new(opened.committer);
        Ok((Self::new(opened.core, opened.requests, Thread(None)), driver, opened.report))
    }

    /// Returns how many times the log was synced since it was opened.
    pub fn syncs(&self) -> u64 {
        self.shared.core.syncs.load(Ordering::Relaxed)
    }

    fn new(core: Arc<Core>, requests: mpsc::Sender<Waiting>, thread: Thread) -> Self {
        let room = Arc::new(Semaphore::new(core.options.queue_bytes_max));
        Self { shared: Arc::new(Shared { core, requests, room, _thread: thread }) }
    }

    async fn append_all(&self, events: Vec<NewEvent>) -> Result<Vec<Appended>, Error> {
        self.shared.core.check()?;
        let bytes = append_bytes(&events);
        check_size(bytes, self.shared.core.options.queue_bytes_max)?;
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

    async fn commit_one(&self, tx: Tx) -> Result<Committed, Error> {
        self.shared.core.check()?;
        if tx.is_empty() {
            return Ok(Committed { emitted: Positions::new(self.head(), 0) });
        }
        let bytes = HEADER_BYTES + tx.encoded_bytes();
        check_size(bytes, self.shared.core.options.commit_bytes_max)?;
        let (answer, answered) = oneshot::channel();
        self.send(Request::Commit { tx, answer }, bytes).await?;
        answered.await.map_err(|_| self.stopped())?
    }

    async fn close_once(&self) -> Result<(), Error> {
        let (answer, answered) = oneshot::channel();
        let closed = match self.send(Request::Close { answer }, 0).await {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(self.stopped())),
            Err(error) => Err(error),
        };
        if matches!(closed, Err(Error::Closed)) { Ok(()) } else { closed }
    }

    async fn send(&self, request: Request, bytes: usize) -> Result<(), Error> {
        let room = Arc::clone(&self.shared.room);
        let all = self.shared.core.options.queue_bytes_max;
        let share = room.acquire_many_owned(narrow(bytes.min(all))).await.map_err(|_| self.stopped())?;
        let sent = self.shared.requests.send(Waiting { request, bytes, _share: share }).await;
        sent.map_err(|_| self.stopped())
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

fn check_size(bytes: usize, bytes_max: usize) -> Result<(), Error> {
    if bytes > bytes_max { Err(Error::TooLarge { bytes, bytes_max }) } else { Ok(()) }
}

impl Partition for Local {
    fn append(&self, events: Vec<NewEvent>) -> BoxFuture<'_, Result<Vec<Appended>, Error>> {
        Box::pin(self.append_all(events))
    }

    fn commit(&self, tx: Tx) -> BoxFuture<'_, Result<Committed, Error>> {
        Box::pin(self.commit_one(tx))
    }

    fn read(
        &self,
        after: Position,
        budget: ReadBudget,
    ) -> BoxFuture<'_, Result<Vec<(Position, Bytes)>, Error>> {
        Box::pin(async move {
            self.shared.core.check()?;
            read::read(&self.shared.core, after, budget)
        })
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, Error>> {
        Box::pin(async move {
            self.shared.core.check()?;
            Ok(lock::read(&self.shared.core.state).scan(&scan))
        })
    }

    fn reclaim(&self, keep: Keep) -> BoxFuture<'_, Result<Reclaimed, Error>> {
        Box::pin(async move { self.shared.core.reclaim(keep) })
    }

    fn segments(&self) -> Vec<SegmentInfo> {
        self.shared.core.catalog.infos(self.head())
    }

    fn bytes_on_disk(&self) -> u64 {
        let listed = self.shared.core.folder.list().unwrap_or_default();
        listed.iter().map(|file| file.bytes).sum()
    }

    fn head(&self) -> Position {
        self.shared.core.head()
    }

    fn tail(&self) -> Position {
        self.shared.core.catalog.tail()
    }

    fn applied(&self) -> Position {
        lock::read(&self.shared.core.state).applied
    }

    fn watch(&self) -> watch::Receiver<Position> {
        self.shared.core.head.subscribe()
    }

    fn failed(&self) -> BoxFuture<'_, Error> {
        Box::pin(async move {
            let mut failed = self.shared.core.failed.subscribe();
            let reason = failed.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
            match reason {
                Some(reason) => reason,
                None => std::future::pending().await,
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.close_once())
    }
}

/// Returns how many bytes an append takes in the log, and in the queue.
pub(crate) fn append_bytes(events: &[NewEvent]) -> usize {
    let key_bytes = |event: &NewEvent| if event.key.is_some() { KEY_BYTES } else { 0 };
    events.iter().map(|event| HEADER_BYTES + key_bytes(event) + event.bytes.len()).sum()
}

fn open(disk: Arc<dyn Disk>, dir: &Path, options: Options, aside: Aside) -> Result<Opened, OpenError> {
    options.check()?;
    disk.create_dir(dir).map_err(OpenError::io(format!("create `{}`", dir.display())))?;
    let folder = Folder::new(disk, dir);
    let lock = lock_dir(&folder)?;
    let recovered = recovery::recover(&folder, &options)?;
    let active = Arc::clone(&recovered.end.segment);
    let catalog = Catalog::new(folder.clone(), options.segment_bytes, recovered.segments, active);
    recovered.spares.into_iter().for_each(|spare| catalog.add_spare(spare));
    let (requests, waiting) = mpsc::channel(options.queue_max);
    let core = Arc::new(Core {
        folder,
        aside,
        recent: Mutex::new(Recent::new(options.recent_bytes_max)),
        options,
        catalog,
        state: RwLock::new(recovered.state),
        window: Mutex::new(recovered.window),
        head: watch::Sender::new(recovered.end.head),
        syncs: AtomicU64::new(0),
        saved: Mutex::new(recovered.saved),
        saved_bytes: AtomicU64::new(0),
        failed: watch::Sender::new(None),
        closed: Mutex::new(false),
    });
    let writer = Writer::new(Arc::clone(&core), recovered.end);
    let writer = writer.map_err(OpenError::io(format!("open the log in `{}`", dir.display())))?;
    let committer = Committer::new(Arc::clone(&core), waiting, writer, lock);
    Ok(Opened { core, requests, committer, report: recovered.report })
}

pub(crate) fn lock_dir(folder: &Folder) -> Result<Lock, OpenError> {
    let locking = OpenError::io(format!("lock `{}`", folder.dir.display()));
    folder.lock().map_err(locking)?.ok_or_else(|| OpenError::Locked { dir: folder.dir.clone() })
}
