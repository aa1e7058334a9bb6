//! The servers under test, each a process of its own, and what the kernel says of processes.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;
use tempfile::TempDir;

/// How long anything may take that no load is on.
const DEADLINE: Duration = Duration::from_mins(1);

/// The argument with which this program is the echo.
pub(crate) const ECHO: &str = "serve-echo";

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    folder: Option<TempDir>,
}

/// One consumer of a router under test.
pub(crate) struct Consumer {
    pub(crate) name: String,
    /// What its filter asks of the payload, as TOML.
    pub(crate) filter: String,
    /// Where its events go, as the TOML of an HTTP target's table.
    pub(crate) target: String,
    /// Further keys, a line each.
    pub(crate) more: &'static str,
}

impl Server {
    /// Starts the echo.
    pub(crate) fn echo() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg(ECHO);
        Self::start(command, None)
    }

    /// Starts a router with these consumers.
    pub(crate) fn router(consumers: &[Consumer]) -> Self {
        let folder = folder();
        Self::over(folder, &Self::consumers(consumers), None)
    }

    /// Starts a router with a configuration over what is in a folder, on one processor if one is named.
    pub(crate) fn over(folder: TempDir, config: &str, processor: Option<usize>) -> Self {
        std::fs::write(folder.path().join("railpost.toml"), config).unwrap();
        let mut command = router_in(&folder, "127.0.0.1:0");
        if let Some(processor) = processor {
            command = pinned(&command, processor);
        }
        Self::start(command, Some(folder))
    }

    /// Returns the configuration of consumers.
    pub(crate) fn consumers(consumers: &[Consumer]) -> String {
        let mut config = String::new();
        for Consumer { name, filter, target, more } in consumers {
            writeln!(
                config,
                "[[consumer]]\nname = \"{name}\"\n{more}\n\
                 filter = {{ source = [\"/bench\"], type = [\"order.placed\"], data = {{ {filter} }} }}\n\
                 target = {{ {target} }}"
            )
            .unwrap();
        }
        config
    }

    /// Returns the state of the router at a glance.
    pub(crate) fn overview(&self) -> api::Overview {
        ask(self.client().overview()).unwrap()
    }

    fn start(mut command: Command, folder: Option<TempDir>) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().unwrap().contains("http://"));
        let line = line.unwrap_or_else(|| panic!("a server did not start: {command:?}")).unwrap();
        let start = line.find("http://").unwrap() + "http://".len();
        let address = line[start..].split([',', ' ', '/']).next().unwrap().parse().unwrap();
        Self { child, address, folder }
    }

    /// Kills the router at once, starts it again over the same data, and returns how long it took to be ready.
    pub(crate) fn kill_and_restart(&mut self) -> Duration {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut command = router_in(self.folder.as_ref().unwrap(), &self.address.to_string());
        let began = Instant::now();
        self.child = command.stdout(Stdio::null()).spawn().unwrap();
        while !self.is_ready() {
            assert!(self.child.try_wait().unwrap().is_none(), "the router ended after it was killed once");
            std::thread::sleep(Duration::from_millis(1));
        }
        began.elapsed()
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(self.address) else { return false };
        let mut answer = Vec::new();
        let asked = stream
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
            .and_then(|()| stream.read_to_end(&mut answer));
        asked.is_ok() && answer.starts_with(b"HTTP/1.1 200")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Pauses a consumer.
    pub(crate) fn pause(&self, consumer: &str) {
        ask(self.client().pause(consumer)).unwrap();
    }

    /// Waits until every event was decided, then checks the router's own books: so many events taken, of which it
    /// delivered so many and has so many pending. Returns the bytes of the log.
    pub(crate) fn check(&self, taken: u64, delivered: u64, pending: u64) -> u64 {
        let began = Instant::now();
        loop {
            let overview = ask(self.client().overview()).unwrap();
            let bus = &overview.buses[0];
            let sum =
                |of: fn(&api::status::ConsumerStatus) -> u64| overview.consumers.iter().map(of).sum::<u64>();
            let books = [bus.head, bus.applied, sum(|one| one.delivered), sum(|one| one.pending)];
            if books == [taken, taken, delivered, pending] {
                return bus.disk_bytes;
            }
            assert!(
                began.elapsed() < DEADLINE,
                "the router took, decided, delivered and holds {books:?}, not {:?}",
                [taken, taken, delivered, pending]
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn client(&self) -> api::Client {
        api::Client::new(&format!("http://{}", self.address)).unwrap()
    }

    /// The processor time it took so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu(&self.child.id().to_string())
    }

    /// Its resident memory now, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most resident memory it ever had, in bytes.
    pub(crate) fn memory_max(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, key: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        1024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Returns a folder where a log may be kept: beside what is built, which is on a disk.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn router_in(folder: &TempDir, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_railpost"));
    command.args(["run", "--listen", listen, "--config"]).arg(folder.path().join("railpost.toml"));
    command.arg("--data-dir").arg(folder.path().join("data")).env("RUST_LOG", "error").stdin(Stdio::null());
    command
}

/// Returns a command that runs on one processor alone.
fn pinned(command: &Command, processor: usize) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.arg("-c").arg(processor.to_string()).arg(command.get_program()).args(command.get_args());
    pinned.env("RUST_LOG", "error").stdin(Stdio::null());
    pinned
}

/// The processor time that a process took so far, or `self`: the kernel counts in hundredths of a second.
pub(crate) fn cpu(process: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit(')').next().unwrap();
    let ticks: u64 =
        after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// The time of all processors so far, and how much of it the hypervisor gave to others.
pub(crate) fn stolen() -> (u64, u64) {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let fields = stat.lines().next().unwrap().split_whitespace().skip(1).take(8);
    let ticks: Vec<u64> = fields.map(|field| field.parse().unwrap()).collect();
    (ticks.iter().sum(), ticks[7])
}

fn ask<T>(question: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(question)
}

/// Answers 204 to every POST, after reading its body.
pub(crate) fn serve_echo() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("http://{}", listener.local_addr().unwrap());
        let routes = axum::Router::new().route("/", post(|_: Bytes| async { StatusCode::NO_CONTENT }));
        axum::serve(listener, routes).await.unwrap();
    });
}
