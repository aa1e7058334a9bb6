//! The committer worked by hand, for simulations.

use std::fmt;

use crate::committer::Committer;

/// Works a partition by hand, one batch at a time, so that nothing happens by itself.
pub struct Driver {
    committer: Option<Committer>,
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("closed", &self.committer.is_none()).finish()
    }
}

impl Driver {
    pub(crate) fn new(committer: Committer) -> Self {
        Self { committer: Some(committer) }
    }

    /// Waits for requests, writes those that wait as one batch, answers them, and then does what the engine otherwise
    /// does beside: the next segment is made ready and the state written down.
    ///
    /// It returns false once the partition is closed or its last handle is gone, and then has freed the directory. It may
    /// be dropped while it waits.
    pub async fn turn(&mut self) -> bool {
        let Some(committer) = &mut self.committer else { return false };
        let first = committer.requests.recv().await;
        match (first, self.committer.take()) {
            (Some(first), Some(committer)) => {
                self.committer = committer.batch(first);
                self.committer.is_some()
            }
            (None, Some(committer)) => {
                committer.end();
                false
            }
            (_, None) => false,
        }
    }
}
