//! [`Service`]: runs the lanes until shutdown, and ends them in time.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use crate::daemon::Daemon;
use crate::otlp::Otlp;

/// How long hops that were taken before the shutdown have to be sent.
const FLUSH_MAX: Duration = Duration::from_secs(2);

/// Sends what an exporter took.
#[derive(Debug)]
pub struct Service {
    pub(crate) otlp: Option<Otlp>,
    pub(crate) xray: Option<Daemon>,
}

impl Service {
    /// Sends, in batches of at most 512 hops or 200 ms, until `shutdown`; then sends what is left.
    ///
    /// It ends at most 2 s after the shutdown, and what is left even then is counted as dropped. With no destination, or
    /// no exporter left, it ends before the shutdown.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { otlp, xray } = self;
        let (stop, stopped) = watch::channel(false);
        let otlp = async {
            if let Some(otlp) = otlp {
                otlp.run(stopped.clone()).await;
            }
        };
        let xray = async {
            if let Some(xray) = xray {
                xray.run(stopped.clone()).await;
            }
        };
        let deadline = async {
            shutdown.await;
            stop.send_replace(true);
            sleep(FLUSH_MAX).await;
        };
        let sent = async {
            tokio::join!(otlp, xray);
        };
        tokio::select! {
            () = sent => {}
            () = deadline => {}
        }
    }
}
