//! One load on one server: a time to warm up, the load, and the wait until all of it is delivered.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::generator::{Load, Until};
use crate::receiver::Receivers;
use crate::server::{self, Server};
use crate::table::{Figure, Unit};

/// How long a server works before it is measured.
const WARM_UP: Duration = Duration::from_secs(2);

/// What a load gave.
pub(crate) struct Measured {
    events: f64,
    /// Until the last one was answered, and delivered where it is.
    seconds: f64,
    answered: Histogram<u64>,
    delivered: Option<Histogram<u64>>,
    server_cpu: Duration,
    load_cpu: Duration,
}

/// Loads a server for so long, as fast as it answers or at so many requests a second. Of the receivers, each event must
/// come to exactly one.
pub(crate) fn measure(
    server: &Server,
    load: &mut Load,
    rate: Option<u64>,
    during: Duration,
    receivers: Option<&Receivers>,
) -> Measured {
    let run = |load: &mut Load, time: Duration| match rate {
        Some(rate) => load.pace(rate, time),
        None => load.saturate(Until::Elapsed(time)),
    };
    run(load, WARM_UP);
    if let Some(receivers) = receivers {
        receivers.drained(load.next);
        receivers.reset();
    }
    let (server_cpu, load_cpu) = (server.cpu(), server::cpu("self"));
    let sent = run(load, during);
    let delivered_us = receivers.map(|receivers| receivers.drained(load.next));
    let seconds = delivered_us.map_or(0.0, |last_us| last_us.saturating_sub(sent.began_us) as f64 / 1e6);
    Measured {
        events: sent.events as f64,
        seconds: seconds.max(sent.seconds),
        answered: sent.answered,
        delivered: receivers.map(Receivers::latencies),
        server_cpu: server.cpu().saturating_sub(server_cpu),
        load_cpu: server::cpu("self").saturating_sub(load_cpu),
    }
}

impl Measured {
    /// Returns how many events went all their way in a second.
    pub(crate) fn rate(&self) -> f64 {
        self.events / self.seconds
    }

    pub(crate) fn rate_figure(&self) -> Figure {
        Figure::new("events/s", Unit::Number, self.rate())
    }

    /// From sending a request, or when it should have been sent, to its answer.
    pub(crate) fn answered_figures(&self) -> [Figure; 2] {
        [
            Figure::new("answered p50", Unit::Micros, quantile(&self.answered, 0.5)),
            Figure::new("answered p99", Unit::Micros, quantile(&self.answered, 0.99)),
        ]
    }

    /// From sending an event, or when it should have been sent, to its arrival, less so many microseconds.
    pub(crate) fn delivered_figures(&self, names: [&'static str; 2], less_us: f64) -> [Figure; 2] {
        let at = |share: f64| self.delivered.as_ref().map_or(0.0, |delivered| quantile(delivered, share));
        [
            Figure::new(names[0], Unit::Micros, at(0.5) - less_us),
            Figure::new(names[1], Unit::Micros, at(0.99) - less_us),
        ]
    }

    /// What an event took of the processors, in the server and in generator and receiver together.
    pub(crate) fn cpu_figures(&self) -> [Figure; 2] {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / self.events;
        [
            Figure::new("server CPU an event", Unit::Micros, each(self.server_cpu)),
            Figure::new("load CPU an event", Unit::Micros, each(self.load_cpu)),
        ]
    }
}

fn quantile(histogram: &Histogram<u64>, share: f64) -> f64 {
    histogram.value_at_quantile(share) as f64
}
