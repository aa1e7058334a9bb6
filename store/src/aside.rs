//! Work beside the committer: on a thread of its own, or at once where nothing may run by itself.

use std::{
    io,
    thread::{self, JoinHandle},
};

/// Where such work is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Aside {
    Thread,
    Inline,
}

/// Work that was started, and what it comes to.
pub(crate) enum Task<T> {
    Running(JoinHandle<T>),
    Done(T),
}

impl Aside {
    pub(crate) fn start<T: Send + 'static>(
        self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Task<T>> {
        match self {
            Self::Thread => thread::Builder::new().name(name.to_owned()).spawn(work).map(Task::Running),
            Self::Inline => Ok(Task::Done(work())),
        }
    }
}

impl<T> Task<T> {
    pub(crate) fn is_finished(&self) -> bool {
        match self {
            Self::Running(thread) => thread.is_finished(),
            Self::Done(_) => true,
        }
    }

    /// Waits for the end; an error when the work panicked.
    pub(crate) fn join(self) -> thread::Result<T> {
        match self {
            Self::Running(thread) => thread.join(),
            Self::Done(outcome) => Ok(outcome),
        }
    }
}
