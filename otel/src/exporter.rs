//! [`Exporter`]: takes hops without ever blocking.

use std::sync::Arc;

use event::Hop;

use crate::config::{Config, Error};
use crate::counters::{Counters, Counts, add};
use crate::daemon::Daemon;
use crate::lane::{Destination, Entrance, Lane};
use crate::otlp::Otlp;
use crate::service::Service;

/// Takes hops for a [`Service`]. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Exporter {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    entrances: Vec<Entrance>,
    counts: Arc<Counts>,
}

impl Exporter {
    /// Returns an exporter and the service that sends what it takes; the caller runs the service.
    ///
    /// Each destination has a queue of its own, so that a slow collector costs a daemon nothing.
    ///
    /// # Errors
    /// The OTLP endpoint is malformed, there is no UDP socket, or the queue has no room.
    ///
    /// # Panics
    /// With a destination, outside of a tokio runtime.
    pub fn new(config: Config) -> Result<(Self, Service), Error> {
        if config.queue_max == 0 {
            return Err(Error::NoQueue);
        }
        let counts = Arc::new(Counts::default());
        let mut entrances = Vec::with_capacity(2);
        let mut lane = |destination| {
            let (entrance, lane) = Lane::new(destination, config.queue_max, Arc::clone(&counts));
            entrances.push(entrance);
            lane
        };
        let otlp = config.otlp.map(|endpoint| Otlp::new(endpoint, &config.service, lane(Destination::Otlp)));
        let otlp = otlp.transpose()?;
        let daemon = config.xray_daemon;
        let xray = daemon.map(|address| Daemon::new(address, config.service, lane(Destination::Xray)));
        let service = Service { otlp, xray: xray.transpose()? };
        Ok((Self { shared: Arc::new(Shared { entrances, counts }) }, service))
    }

    /// Takes a hop to be sent; a hop that is not sampled is ignored.
    ///
    /// It never blocks: when a queue is full, or the service has ended, the hop is dropped and counted.
    pub fn offer(&self, hop: &Arc<Hop>) {
        if !hop.sampled {
            return;
        }
        let Shared { entrances, counts } = &*self.shared;
        add(&counts.offered, 1);
        for entrance in entrances {
            entrance.offer(hop, counts);
        }
    }

    /// Returns what became of the hops so far.
    pub fn counters(&self) -> Counters {
        self.shared.counts.read()
    }
}
