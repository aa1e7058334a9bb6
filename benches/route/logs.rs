//! Rows about what a router keeps: pending deliveries and a long log.

use crate::generator::{Load, Until};
use crate::rows::{BATCH, REST, Run, load};
use crate::server::{Consumer, Server};
use crate::table::{Figure, Unit};
use crate::template::{Form, ROUTES};

/// Connections that batches are appended with.
const CONNECTIONS: usize = 8;
/// Deliveries that are pending where few are.
const FEW: u64 = 10;

impl Run {
    /// Two routers that have taken the same events, of which a paused consumer matches ten or one in three. Once they
    /// were started again their memory holds what is pending, and no longer what the load left behind.
    pub(crate) fn pending(&mut self) {
        let numbers: Vec<String> = (0..FEW).map(|number| format!("\"{number:012}\"")).collect();
        let mut few_bytes = None;
        for (is_few, filter) in
            [(true, format!("number = [{}]", numbers.join(", "))), (false, "route = [\"r0\"]".to_owned())]
        {
            let mut router = Server::router(&[paused(&filter)]);
            router.pause("paused");
            std::thread::sleep(REST);
            let idle = router.memory() as f64;
            let mut load = load(&router, CONNECTIONS, Form::Batch(BATCH));
            load.saturate(Until::Sent(self.pending * ROUTES));
            let pending = if is_few { FEW } else { load.next.div_ceil(ROUTES) };
            router.check(load.next, 0, pending);
            std::thread::sleep(REST);
            let (loaded, most) = (router.memory() as f64, router.memory_max() as f64);
            router.kill_and_restart();
            router.check(load.next, 0, pending);
            std::thread::sleep(REST);
            let restarted = router.memory() as f64;
            let beyond = restarted - *few_bytes.get_or_insert(restarted);
            let figures = vec![
                Figure::new("idle", Unit::Megabytes, idle),
                Figure::new("loaded", Unit::Megabytes, loaded),
                Figure::new("most", Unit::Megabytes, most),
                Figure::new("started again", Unit::Megabytes, restarted),
                Figure::new("a delivery beyond 10", Unit::Bytes, beyond / pending as f64),
                Figure::new("events", Unit::Number, load.next as f64),
                Figure::new("pending", Unit::Number, pending as f64),
            ];
            self.note(if is_few { "few pending" } else { "many pending" }.to_owned(), figures);
        }
    }

    /// A log that grows long, with nobody to deliver to and with everything pending.
    pub(crate) fn large(&mut self) {
        for is_pending in [false, true] {
            let consumers: &[Consumer] =
                if is_pending { &[paused("route = [{ prefix = \"r\" }]")] } else { &[] };
            let mut router = Server::router(consumers);
            if is_pending {
                router.pause("paused");
            }
            let mut load = load(&router, CONNECTIONS, Form::Batch(BATCH));
            let tenth = self.events / 10;
            let first = append(&mut load, tenth);
            append(&mut load, self.events - 2 * tenth);
            let last = append(&mut load, tenth);
            let pending = if is_pending { load.next } else { 0 };
            let disk_bytes = router.check(load.next, 0, pending);
            std::thread::sleep(REST);
            let (before, most) = (router.memory(), router.memory_max());
            let ready = router.kill_and_restart();
            router.check(load.next, 0, pending);
            std::thread::sleep(REST);
            let figures = vec![
                Figure::new("first tenth, events/s", Unit::Number, first),
                Figure::new("last tenth, events/s", Unit::Number, last),
                Figure::new("memory", Unit::Megabytes, before as f64),
                Figure::new("most", Unit::Megabytes, most as f64),
                Figure::new("ready after a kill", Unit::Seconds, ready.as_secs_f64()),
                Figure::new("memory, started again", Unit::Megabytes, router.memory() as f64),
                Figure::new("on disk", Unit::Megabytes, disk_bytes as f64),
                Figure::new("events", Unit::Number, load.next as f64),
            ];
            self.note(
                format!("large log, {}", if is_pending { "all pending" } else { "no consumer" }),
                figures,
            );
        }
    }
}

/// Appends so many events, and returns how many a second.
fn append(load: &mut Load, events: u64) -> f64 {
    let sent = load.saturate(Until::Sent(events));
    sent.events as f64 / sent.seconds
}

/// A consumer that is to be paused; nobody listens where its events would go.
fn paused(filter: &str) -> Consumer {
    Consumer {
        name: "paused".to_owned(),
        filter: filter.to_owned(),
        target: "http = \"http://127.0.0.1:9/\"".to_owned(),
        more: "",
    }
}
