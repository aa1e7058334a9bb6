//! What the handles, the committer and its helping threads share.

use std::{
    io,
    sync::{
        Arc, Mutex, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use crate::{
    aside::Aside,
    catalog::{Catalog, Reclaimed},
    disk::Folder,
    error::Error,
    lock::{lock, read, write},
    options::Options,
    partition::Keep,
    position::{Place, Position},
    recent::Recent,
    snapshot::Image,
    state::State,
    tx::Tx,
    window::Window,
};

#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) folder: Folder,
    pub(crate) aside: Aside,
    pub(crate) options: Options,
    pub(crate) catalog: Catalog,
    pub(crate) state: RwLock<State>,
    /// The keys of what was appended; some of it may be on the way to the disk. Locked after the state, if both are.
    pub(crate) window: Mutex<Window>,
    /// Locked alone.
    pub(crate) recent: Mutex<Recent>,
    pub(crate) head: watch::Sender<Position>,
    pub(crate) syncs: AtomicU64,
    /// Up to where the copy of the state on disk goes; held while one is written.
    pub(crate) saved: Mutex<Option<Place>>,
    /// What that copy takes, in bytes.
    pub(crate) saved_bytes: AtomicU64,
    /// Why the partition stopped for good, once it did.
    pub(crate) failed: watch::Sender<Option<Error>>,
    /// True once the directory may have another user; held while segments are dropped.
    pub(crate) closed: Mutex<bool>,
}

impl Core {
    pub(crate) fn head(&self) -> Position {
        *self.head.borrow()
    }

    /// Fails once the partition has stopped.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.failed.borrow().as_ref().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Stops the partition for good and returns why; the first reason stays.
    pub(crate) fn fail(&self, action: &str, cause: io::Error) -> Error {
        let action = format!("{action} in `{}`", self.folder.dir.display());
        let error = Error::Failed { action, cause: Arc::new(cause) };
        self.failed.send_if_modified(|first| {
            let stops = first.is_none();
            first.get_or_insert_with(|| error.clone());
            stops
        });
        self.check().err().unwrap_or(error)
    }

    pub(crate) fn count_sync(&self) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
    }

    /// Makes durable commits seen, then the durable head.
    pub(crate) fn publish(&self, commits: Vec<Tx>, through: Place, head: Position) {
        let mut state = write(&self.state);
        for tx in commits {
            state.apply(tx);
        }
        state.through = through;
        state.head = head;
        drop(state);
        self.head.send_if_modified(|seen| std::mem::replace(seen, head) != head);
    }

    /// Writes the state down, unless that was done since the last record.
    pub(crate) fn save_state(&self) -> Result<(), Error> {
        let mut saved = lock(&self.saved);
        self.check()?;
        if *saved == Some(read(&self.state).through) {
            return Ok(());
        }
        let image = {
            let mut state = write(&self.state);
            Image::of(&mut state, &lock(&self.window))
        };
        let through = image.through;
        let bytes = image.save(&self.folder).map_err(|cause| self.fail("write the state", cause))?;
        // Changes that came meanwhile may move into the state again.
        drop(image);
        self.saved_bytes.store(bytes, Ordering::Relaxed);
        *saved = Some(through);
        Ok(())
    }

    /// Drops whole segments, once the state on disk does not need them.
    pub(crate) fn reclaim(&self, keep: Keep) -> Result<Reclaimed, Error> {
        let closed = lock(&self.closed);
        self.check()?;
        if *closed {
            return Err(Error::Closed);
        }
        let on_disk = read(&self.state).through.segment;
        let Some(last) = self.catalog.droppable(keep, on_disk) else { return Ok(Reclaimed::default()) };
        let covered = lock(&self.saved).is_some_and(|saved| saved.segment > last);
        if !covered {
            self.save_state()?;
        }
        let mut reclaimed = Reclaimed::default();
        while let Some(dropped) = self.catalog.drop_oldest(last)? {
            self.folder.sync().map_err(|cause| self.fail("make a removal durable", cause))?;
            reclaimed.segments += 1;
            reclaimed.events += dropped.info.last.0 + 1 - dropped.info.first.0;
            match dropped.spare {
                Some(spare) => self.catalog.add_spare(spare),
                None => reclaimed.bytes += dropped.info.bytes,
            }
        }
        Ok(reclaimed)
    }
}
