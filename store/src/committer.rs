//! What takes the requests that wait, writes them as one batch and answers: on a thread, or by hand.

use std::{
    io, mem,
    sync::{Arc, atomic::Ordering},
    thread,
};

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{
    append::{Appended, NewEvent},
    aside::Task,
    core::Core,
    disk::Lock,
    error::Error,
    lock::lock,
    recent::Recent,
    tx::{Committed, Tx},
    window::Remembered,
    writer::Writer,
};

/// How many bytes one batch gathers before it is written; a single request may be larger.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// The answer to a request, once it is durable. Nobody may be left to hear it.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What may be asked of the committer.
pub(crate) enum Request {
    Append { events: Vec<NewEvent>, answer: Answer<Vec<Appended>> },
    Commit { tx: Tx, answer: Answer<Committed> },
    Close { answer: Answer<()> },
}

/// A request in the queue, with its share of the queue's bytes.
pub(crate) struct Waiting {
    pub(crate) request: Request,
    pub(crate) bytes: usize,
    pub(crate) _share: OwnedSemaphorePermit,
}

pub(crate) struct Committer {
    core: Arc<Core>,
    pub(crate) requests: mpsc::Receiver<Waiting>,
    writer: Writer,
    /// Writes the state down beside the commits.
    saving: Option<Task<Result<(), Error>>>,
    /// What the writer had written when the state was last written down.
    saved_at_bytes: u64,
    /// Held as long as the directory is in use.
    lock: Lock,
}

/// What one batch holds until it is durable.
#[derive(Default)]
struct Batch {
    requests: Vec<Request>,
    bytes: usize,
    closing: Option<Answer<()>>,
}

/// A request that was written, and what to answer.
enum Reply {
    Append(Answer<Vec<Appended>>, Vec<Appended>),
    Commit(Answer<Committed>, Committed),
}

/// What became of a request.
enum Outcome {
    Append(Vec<Appended>),
    Commit(Committed),
}

/// Stops the partition if the thread that holds it panics, so that whoever watches the partition is told.
struct PanicGuard(Arc<Core>);

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.fail("go on", io::Error::other("the thread that writes panicked"));
        }
    }
}

impl Committer {
    pub(crate) fn new(
        core: Arc<Core>,
        requests: mpsc::Receiver<Waiting>,
        writer: Writer,
        lock: Lock,
    ) -> Self {
        Self { core, requests, writer, saving: None, saved_at_bytes: 0, lock }
    }

    /// Works until it is closed, or until the last handle is gone and the queue is empty.
    pub(crate) fn run(self) {
        let _guard = PanicGuard(Arc::clone(&self.core));
        let mut committer = self;
        while let Some(first) = committer.requests.blocking_recv() {
            match committer.batch(first) {
                Some(open) => committer = open,
                None => return,
            }
        }
        committer.end();
    }

    /// Writes one batch, of the first request and those that wait behind it; `None` once closed.
    pub(crate) fn batch(mut self, first: Waiting) -> Option<Self> {
        let mut batch = self.gather(first);
        let closing = batch.closing.take();
        if !batch.requests.is_empty() {
            self.write(batch.requests);
        }
        match closing {
            Some(answer) => {
                self.close(answer);
                None
            }
            None => Some(self),
        }
    }

    fn gather(&mut self, first: Waiting) -> Batch {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(waiting) = next {
            batch.bytes += waiting.bytes;
            match waiting.request {
                Request::Close { answer } => {
                    batch.closing = Some(answer);
                    break;
                }
                request => batch.requests.push(request),
            }
            next = if batch.bytes < BATCH_BYTES_MAX { self.requests.try_recv().ok() } else { None };
        }
        batch
    }

    fn write(&mut self, requests: Vec<Request>) {
        let written = self.core.check().and_then(|()| {
            let written = self.add_and_flush(&requests);
            written.map_err(|cause| self.core.fail("write the log", cause))
        });
        match written {
            Ok(outcomes) => {
                let mut commits = Vec::new();
                let replies = self.replies(requests, outcomes, &mut commits);
                self.core.publish(commits, self.writer.through(), self.writer.head);
                replies.into_iter().for_each(Reply::send);
                self.work_ahead();
            }
            Err(error) => requests.into_iter().for_each(|request| request.refuse(&error)),
        }
    }

    /// Keeps what was written for its readers, and returns what to answer.
    fn replies(&self, requests: Vec<Request>, outcomes: Vec<Outcome>, commits: &mut Vec<Tx>) -> Vec<Reply> {
        let mut recent = lock(&self.core.recent);
        let pairs = requests.into_iter().zip(outcomes);
        pairs.filter_map(|(request, outcome)| reply(request, outcome, &mut recent, commits)).collect()
    }

    fn add_and_flush(&mut self, requests: &[Request]) -> io::Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            match request {
                Request::Append { events, .. } => outcomes.push(Outcome::Append(self.append(events)?)),
                Request::Commit { tx, .. } => {
                    let emitted = self.writer.commit(tx)?;
                    outcomes.push(Outcome::Commit(Committed { emitted }));
                }
                Request::Close { .. } => {}
            }
        }
        self.writer.flush()?;
        Ok(outcomes)
    }

    /// Adds those events that the window does not know.
    fn append(&mut self, events: &[NewEvent]) -> io::Result<Vec<Appended>> {
        let mut window = lock(&self.core.window);
        let mut appended = Vec::with_capacity(events.len());
        for event in events {
            let known = event.key.and_then(|key| window.find(key, event.at_ms));
            appended.push(if let Some(position) = known {
                Appended::DuplicateOf(position)
            } else {
                let position = self.writer.append(event)?;
                if let Some(key) = event.key {
                    window.remember(Remembered { key, at_ms: event.at_ms, position });
                }
                Appended::At(position)
            });
        }
        Ok(appended)
    }

    /// Starts what later batches should not have to wait for. A failure stops the partition.
    fn work_ahead(&mut self) {
        let started = self.writer.prepare_ahead().and_then(|()| self.save_state_if_due());
        if let Err(cause) = started {
            self.core.fail("start a thread", cause);
        }
    }

    fn save_state_if_due(&mut self) -> io::Result<()> {
        let every = self.core.options.snapshot_every_bytes;
        let saved = self.core.saved_bytes.load(Ordering::Relaxed);
        // A large state does not cost the disk more than the log does.
        let due = self.writer.bytes - self.saved_at_bytes >= every.max(saved);
        let idle = self.saving.as_ref().is_none_or(Task::is_finished);
        if due && idle {
            let core = Arc::clone(&self.core);
            self.saving = Some(self.core.aside.start("store-state", move || core.save_state())?);
            self.saved_at_bytes = self.writer.bytes;
        }
        Ok(())
    }

    fn stop_tasks(&mut self) -> Result<(), Error> {
        self.writer.stop().map_err(|cause| self.core.fail("make a segment ready", cause))?;
        let saving = mem::take(&mut self.saving).map(Task::join);
        let panicked = || self.core.fail("write the state", io::Error::other("its thread panicked"));
        saving.map_or(Ok(()), |ended| ended.map_err(|_| panicked())?)
    }

    fn close(mut self, answer: Answer<()>) {
        self.requests.close();
        let closed = self.stop_tasks().and_then(|()| self.core.save_state());
        *lock(&self.core.closed) = true;
        drop(self.lock);
        drop(answer.send(closed));
    }

    /// Ends the work without closing, when nobody is left to ask for more.
    pub(crate) fn end(mut self) {
        // A failure here is kept in the core, and nobody is left to be told.
        drop(self.stop_tasks());
    }
}

fn reply(request: Request, outcome: Outcome, recent: &mut Recent, commits: &mut Vec<Tx>) -> Option<Reply> {
    match (request, outcome) {
        (Request::Append { events, answer }, Outcome::Append(appended)) => {
            for (event, one) in events.into_iter().zip(&appended) {
                if let Appended::At(position) = one {
                    recent.push(*position, event.bytes);
                }
            }
            Some(Reply::Append(answer, appended))
        }
        (Request::Commit { mut tx, answer }, Outcome::Commit(committed)) => {
            for (position, event) in committed.emitted.into_iter().zip(mem::take(&mut tx.emit)) {
                recent.push(position, event);
            }
            commits.push(tx);
            Some(Reply::Commit(answer, committed))
        }
        _ => None,
    }
}

impl Reply {
    fn send(self) {
        match self {
            Self::Append(answer, appended) => drop(answer.send(Ok(appended))),
            Self::Commit(answer, committed) => drop(answer.send(Ok(committed))),
        }
    }
}

impl Request {
    fn refuse(self, error: &Error) {
        match self {
            Self::Append { answer, .. } => drop(answer.send(Err(error.clone()))),
            Self::Commit { answer, .. } => drop(answer.send(Err(error.clone()))),
            Self::Close { answer } => drop(answer.send(Err(error.clone()))),
        }
    }
}
