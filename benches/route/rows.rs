//! What is measured, row by row: the routes of events.

use std::time::Duration;

use clap::ValueEnum;

use crate::disk;
use crate::generator::Load;
use crate::measure::{Measured, measure};
use crate::receiver::Receivers;
use crate::server::{Consumer, Server};
use crate::table::{Figure, Line, Unit};
use crate::template::{Form, ROUTES, TENANTS};

/// Events a request, where requests hold several.
pub(crate) const BATCH: u64 = 100;
/// How long the disk is measured.
const SYNCS: Duration = Duration::from_secs(2);
/// How long a router is left alone before its memory is looked at.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// What can be measured, in the order in which it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Row {
    /// A bare HTTP server that reads a request and answers 204: the ceiling.
    Echo,
    /// The disk's own sync.
    Sync,
    /// Events made durable and answered; no consumer.
    Publish,
    /// HTTP in, three consumers that filter, HTTP out, one event a request.
    Route,
    /// The same with a hundred events a request, in and out.
    RouteBatch,
    /// The route at 500 events a second: latencies.
    #[value(name = "paced-500")]
    Paced500,
    /// The route at 5,000 events a second: latencies.
    #[value(name = "paced-5000")]
    Paced5000,
    /// Resident memory, idle and during the route.
    Memory,
    /// 1,000 consumers, of which each event matches one, beside one consumer.
    Consumers,
    /// Resident memory with 10 and with many deliveries pending.
    Pending,
    /// Parts offered by a router that has one core, with 1,000 to 1,000,000 open groups.
    Offer,
    /// A million open groups: memory, kill, restart.
    Groups,
    /// A hundred thousand deadlines on one second, of a million open groups.
    Deadlines,
    /// A long log: appends, memory, kill, restart. Takes minutes, so only if it is named.
    Large,
}

/// One run over the rows.
pub(crate) struct Run {
    pub(crate) during: Duration,
    /// The size of the long log, in events.
    pub(crate) events: u64,
    /// How many deliveries are pending at most.
    pub(crate) pending: u64,
    /// How many parts are offered, and groups open.
    pub(crate) parts: u64,
    pub(crate) lines: Vec<Line>,
    echo: Option<f64>,
    sync_us: Option<f64>,
}

impl Run {
    /// Returns a run that has measured nothing.
    pub(crate) fn new(during: Duration, events: u64, pending: u64, parts: u64) -> Self {
        Self { during, events, pending, parts, lines: Vec::new(), echo: None, sync_us: None }
    }

    /// Measures a row.
    pub(crate) fn row(&mut self, row: Row) {
        match row {
            Row::Echo => {
                self.echo_with(1);
                self.echo_rate();
            }
            Row::Sync => drop(self.sync_us()),
            Row::Publish => self.publish(),
            Row::Route => self.route("route", Form::Binary),
            Row::RouteBatch => self.route("route batch", Form::Batch(BATCH)),
            Row::Paced500 => self.paced("paced 500/s", 500, 16),
            Row::Paced5000 => self.paced("paced 5,000/s", 5_000, 64),
            Row::Memory => self.memory(),
            Row::Consumers => self.consumers(),
            Row::Pending => self.pending(),
            Row::Offer => self.offer(),
            Row::Groups => self.groups(),
            Row::Deadlines => self.deadlines(),
            Row::Large => self.large(),
        }
    }

    /// Notes a line, and says it at once.
    pub(crate) fn note(&mut self, label: String, figures: Vec<Figure>) {
        let line = Line { label, figures };
        eprintln!("  {}", line.text());
        self.lines.push(line);
    }

    fn echo_with(&mut self, connections: usize) -> f64 {
        let echo = Server::echo();
        let mut load = load(&echo, connections, Form::Binary);
        let measured = measure(&echo, &mut load, None, self.during, None);
        let figures = [vec![measured.rate_figure()], of_answers(&measured)].concat();
        let plural = if connections == 1 { "" } else { "s" };
        self.note(format!("echo, {connections} connection{plural}"), figures);
        measured.rate()
    }

    /// Returns what the echo does at 64 connections in this run.
    fn echo_rate(&mut self) -> f64 {
        if let Some(rate) = self.echo {
            return rate;
        }
        let rate = self.echo_with(64);
        *self.echo.insert(rate)
    }

    /// Returns what the median sync takes in this run.
    fn sync_us(&mut self) -> f64 {
        if let Some(micros) = self.sync_us {
            return micros;
        }
        let syncs = disk::syncs(SYNCS);
        let at = |share: f64| syncs.value_at_quantile(share) as f64 / 1e3;
        let figures = vec![
            Figure::new("p50", Unit::Micros, at(0.5)),
            Figure::new("p99", Unit::Micros, at(0.99)),
            Figure::new("syncs/s", Unit::Number, syncs.len() as f64 / SYNCS.as_secs_f64()),
        ];
        self.note("sync, 700 B overwritten".to_owned(), figures);
        *self.sync_us.insert(at(0.5))
    }

    fn publish(&mut self) {
        let echo = self.echo_rate();
        for (label, connections, form) in [
            ("publish, 64 connections", 64, Form::Binary),
            ("publish, batches of 100, 8 connections", 8, Form::Batch(BATCH)),
            ("publish, PutEvents of 10, 16 connections", 16, Form::PutEvents(10)),
        ] {
            let router = Server::router(&[]);
            let mut load = load(&router, connections, form);
            let measured = measure(&router, &mut load, None, self.during, None);
            router.check(load.next, 0, 0);
            let ratio = Figure::new("of echo", Unit::Ratio, measured.rate() / echo);
            self.note(
                label.to_owned(),
                [vec![measured.rate_figure(), ratio], of_answers(&measured)].concat(),
            );
        }
    }

    fn route(&mut self, name: &str, form: Form) {
        let receivers = Receivers::start(ROUTES as usize);
        let router = Server::router(&three(&receivers, form));
        let connections = if form.events() == 1 { 64 } else { 8 };
        let mut load = load(&router, connections, form);
        let measured = measure(&router, &mut load, None, self.during, Some(&receivers));
        router.check(load.next, load.next, 0);
        let delivered = measured.delivered_figures(["delivered p50", "delivered p99"], 0.0);
        let figures = [vec![measured.rate_figure()], delivered.to_vec(), of_answers(&measured)].concat();
        self.note(format!("{name}, {connections} connections"), figures);
    }

    fn paced(&mut self, label: &str, rate: u64, connections: usize) {
        let sync_us = self.sync_us();
        self.paced_echo(label, rate, connections);
        let receivers = Receivers::start(ROUTES as usize);
        let router = Server::router(&three(&receivers, Form::Binary));
        let mut load = load(&router, connections, Form::Binary);
        let measured = measure(&router, &mut load, Some(rate), self.during, Some(&receivers));
        router.check(load.next, load.next, 0);
        let figures = [
            measured.delivered_figures(["delivered p50", "delivered p99"], 0.0).to_vec(),
            measured.delivered_figures(["p50 beyond a sync", "p99 beyond a sync"], sync_us).to_vec(),
            of_answers(&measured),
            vec![measured.rate_figure()],
        ];
        self.note(label.to_owned(), figures.concat());
    }

    /// What of the same rate is HTTP's and the generator's.
    fn paced_echo(&mut self, label: &str, rate: u64, connections: usize) {
        let echo = Server::echo();
        let mut load = load(&echo, connections, Form::Binary);
        let measured = measure(&echo, &mut load, Some(rate), self.during, None);
        self.note(format!("echo, {label}"), of_answers(&measured));
    }

    fn memory(&mut self) {
        let receivers = Receivers::start(ROUTES as usize);
        let router = Server::router(&three(&receivers, Form::Binary));
        std::thread::sleep(REST);
        let idle = router.memory();
        let mut load = load(&router, 64, Form::Binary);
        measure(&router, &mut load, None, self.during, Some(&receivers));
        router.check(load.next, load.next, 0);
        std::thread::sleep(REST);
        let figures = [("idle", idle), ("most", router.memory_max()), ("afterwards", router.memory())];
        let figures = figures.map(|(name, bytes)| Figure::new(name, Unit::Megabytes, bytes as f64));
        self.note("memory, route".to_owned(), figures.to_vec());
    }

    /// One receiver, whether for one consumer or for a thousand with a connection each.
    fn consumers(&mut self) {
        let mut alone = None;
        for count in [1, TENANTS] {
            let receivers = Receivers::start(1);
            let consumer = |tenant: u64| {
                let (filter, path, more) = match count {
                    1 => ("[{ prefix = \"t\" }]".to_owned(), String::new(), "concurrency = 64"),
                    _ => (format!("[\"t{tenant:04}\"]"), format!("t{tenant:04}"), "concurrency = 1"),
                };
                Consumer {
                    name: format!("c{tenant}"),
                    filter: format!("tenant = {filter}"),
                    target: format!("http = \"http://{}/{path}\"", receivers.address(0)),
                    more,
                }
            };
            let router = Server::router(&(0..count).map(consumer).collect::<Vec<_>>());
            let mut load = load(&router, 64, Form::Binary);
            let measured = measure(&router, &mut load, None, self.during, Some(&receivers));
            router.check(load.next, load.next, 0);
            let rate = measured.rate();
            let ratio = Figure::new("of 1 consumer", Unit::Ratio, rate / *alone.get_or_insert(rate));
            let figures = [vec![measured.rate_figure(), ratio], measured.cpu_figures().to_vec()].concat();
            self.note(if count == 1 { "1 consumer" } else { "1,000 consumers" }.to_owned(), figures);
        }
    }
}

/// Returns a load on a server that has had none.
pub(crate) fn load(server: &Server, connections: usize, form: Form) -> Load {
    Load { address: server.address(), connections, form, next: 0 }
}

fn of_answers(measured: &Measured) -> Vec<Figure> {
    [measured.answered_figures(), measured.cpu_figures()].concat()
}

/// Three consumers, each with a receiver of its own and its share of the events.
fn three(receivers: &Receivers, form: Form) -> Vec<Consumer> {
    let consumer = |route: usize| {
        let url = format!("http = \"http://{}/r{route}\"", receivers.address(route));
        let (target, more) = match form.events() {
            1 => (url, "concurrency = 64"),
            _ => (url + ", mode = \"batch\"", "batch = 100"),
        };
        Consumer { name: format!("c{route}"), filter: format!("route = [\"r{route}\"]"), target, more }
    };
    (0..ROUTES as usize).map(consumer).collect()
}
