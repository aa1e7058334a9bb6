//! The thread that takes what waits, writes it as one batch and answers.

use std::{
    fs::File,
    io, mem,
    sync::Arc,
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::{core::Core, error::Error, lock::lock, position::Positions, tx::Tx, writer::Writer};

/// How many bytes one batch gathers before it is written; a single request may be larger.
const BATCH_BYTES_MAX: usize = 1024 * 1024;

/// The answer to an append or a commit, once it is durable. Nobody may be left to hear it.
pub(crate) type Answer = oneshot::Sender<Result<Positions, Error>>;

/// What may be asked of the committer.
pub(crate) enum Request {
    Append { events: Vec<Bytes>, answer: Answer },
    Commit { tx: Tx, answer: Answer },
    Close { answer: oneshot::Sender<Result<(), Error>> },
}

/// A request in the queue, with its share of the queue's bytes.
pub(crate) struct Waiting {
    pub(crate) request: Request,
    pub(crate) bytes: usize,
    pub(crate) _share: OwnedSemaphorePermit,
}

pub(crate) struct Committer {
    core: Arc<Core>,
    requests: mpsc::Receiver<Waiting>,
    writer: Writer,
    /// Writes the state down beside the commits.
    saving: Option<JoinHandle<Result<(), Error>>>,
    /// What the writer had written when the state was last written down.
    saved_at_bytes: u64,
    /// Held as long as the directory is in use.
    lock: File,
}

/// What one batch holds until it is durable.
#[derive(Default)]
struct Batch {
    requests: Vec<Request>,
    bytes: usize,
    closing: Option<oneshot::Sender<Result<(), Error>>>,
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
        lock: File,
    ) -> Self {
        Self { core, requests, writer, saving: None, saved_at_bytes: 0, lock }
    }

    /// Works until it is closed, or until the last handle is gone and the queue is empty.
    pub(crate) fn run(mut self) {
        let _guard = PanicGuard(Arc::clone(&self.core));
        while let Some(first) = self.requests.blocking_recv() {
            let mut batch = self.gather(first);
            let closing = batch.closing.take();
            if !batch.requests.is_empty() {
                self.write(batch);
            }
            if let Some(answer) = closing {
                return self.close(answer);
            }
        }
        // A failure here is kept in the core, and nobody is left to be told.
        drop(self.stop_threads());
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

    fn write(&mut self, batch: Batch) {
        let written = self.core.check().and_then(|()| {
            let written = self.add_and_flush(&batch.requests);
            written.map_err(|cause| self.core.fail("write the log", cause))
        });
        let mut commits = Vec::new();
        let mut answers = Vec::with_capacity(batch.requests.len());
        for request in batch.requests {
            match request {
                Request::Append { answer, .. } => answers.push(answer),
                Request::Commit { tx, answer } => {
                    commits.push(tx);
                    answers.push(answer);
                }
                Request::Close { .. } => {}
            }
        }
        match written {
            Ok(positions) => {
                self.core.publish(commits, self.writer.through(), self.writer.head);
                answers
                    .into_iter()
                    .zip(positions)
                    .for_each(|(answer, positions)| drop(answer.send(Ok(positions))));
                self.work_ahead();
            }
            Err(error) => answers.into_iter().for_each(|answer| drop(answer.send(Err(error.clone())))),
        }
    }

    fn add_and_flush(&mut self, requests: &[Request]) -> io::Result<Vec<Positions>> {
        let mut positions = Vec::with_capacity(requests.len());
        for request in requests {
            match request {
                Request::Append { events, .. } => positions.push(self.writer.append(events)?),
                Request::Commit { tx, .. } => positions.push(self.writer.commit(tx)?),
                Request::Close { .. } => {}
            }
        }
        self.writer.flush()?;
        Ok(positions)
    }

    /// Starts what later batches should not have to wait for. A failure stops the partition.
    fn work_ahead(&mut self) {
        let started = self.writer.prepare_ahead().and_then(|()| self.save_state_if_due());
        if let Err(cause) = started {
            self.core.fail("start a thread", cause);
        }
    }

    fn save_state_if_due(&mut self) -> io::Result<()> {
        let due = self.writer.bytes - self.saved_at_bytes >= self.core.options.snapshot_every_bytes;
        let idle = self.saving.as_ref().is_none_or(JoinHandle::is_finished);
        if due && idle {
            let core = Arc::clone(&self.core);
            let thread = thread::Builder::new().name("store-state".to_owned());
            self.saving = Some(thread.spawn(move || core.save_state())?);
            self.saved_at_bytes = self.writer.bytes;
        }
        Ok(())
    }

    fn stop_threads(&mut self) -> Result<(), Error> {
        self.writer.stop().map_err(|cause| self.core.fail("make a segment ready", cause))?;
        let saving = mem::take(&mut self.saving).map(JoinHandle::join);
        let panicked = || self.core.fail("write the state", io::Error::other("its thread panicked"));
        saving.map_or(Ok(()), |ended| ended.map_err(|_| panicked())?)
    }

    fn close(mut self, answer: oneshot::Sender<Result<(), Error>>) {
        self.requests.close();
        let closed = self.stop_threads().and_then(|()| self.core.save_state());
        *lock(&self.core.closed) = true;
        drop(self.lock);
        drop(answer.send(closed));
    }
}
