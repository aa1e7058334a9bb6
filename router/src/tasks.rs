//! [`Tasks`]: the only place that spawns, so that every task has a name, an owner and an end.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

/// The tasks of one router.
#[derive(Clone, Default)]
pub(crate) struct Tasks {
    set: Arc<Mutex<JoinSet<&'static str>>>,
}

impl Tasks {
    /// Starts a task. A task that panics is reported when the router stops.
    pub(crate) fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        set.spawn(async move {
            task.await;
            name
        });
    }

    /// Waits for all tasks to end; those that have not by the deadline are aborted. Returns how many were.
    pub(crate) async fn finish(&self, deadline: Duration) -> usize {
        let mut set = std::mem::take(&mut *self.set.lock().unwrap_or_else(PoisonError::into_inner));
        let ended = async {
            while let Some(ended) = set.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a task panicked");
                }
            }
        };
        if tokio::time::timeout(deadline, ended).await.is_ok() {
            return 0;
        }
        let left = set.len();
        set.shutdown().await;
        left
    }
}
