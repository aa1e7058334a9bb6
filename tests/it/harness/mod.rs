//! What every end-to-end test needs: a router process, a receiver, the peers in Python, and waiting with a deadline.

pub(crate) mod peers;
pub(crate) mod receiver;
pub(crate) mod rogue;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use api::{Client, ConsumerStatus, Overview};
use serde_json::Value;

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A running `railpost run` with a data directory of its own.
pub(crate) struct Router {
    child: Child,
    launch: Launch,
    url: String,
    log: Arc<Mutex<String>>,
    /// The threads that read the process's output; they end with it.
    readers: Vec<JoinHandle<()>>,
}

/// How a router is started, and started again over the same data.
#[derive(Clone)]
pub(crate) struct Launch {
    folder: Arc<tempfile::TempDir>,
    data: PathBuf,
    listen: std::net::SocketAddr,
    /// The command line before the binary's own.
    wrapper: Vec<String>,
}

/// What came of a router that did not start.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: std::process::ExitStatus,
    pub(crate) log: String,
}

impl Launch {
    /// In a folder that the test has prepared.
    pub(crate) fn within(folder: Arc<tempfile::TempDir>) -> Self {
        let listen = (std::net::Ipv4Addr::LOCALHOST, 0).into();
        Self { data: folder.path().join("data"), folder, listen, wrapper: Vec::new() }
    }

    /// The same at an address that others must know before.
    pub(crate) fn listening(self, listen: std::net::SocketAddr) -> Self {
        Self { listen, ..self }
    }

    /// The same with its data somewhere else, and behind another command.
    pub(crate) fn wrapped(self, data: PathBuf, wrapper: Vec<String>) -> Self {
        Self { data, wrapper, ..self }
    }

    /// The folder of the logs.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Writes the configuration; `{folder}` in it stands for the test's folder.
    pub(crate) fn configure(&self, config: &str) {
        let folder = self.folder.path().to_string_lossy();
        std::fs::write(self.config(), config.replace("{folder}", &folder)).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("railpost.toml")
    }

    fn command(&self) -> Command {
        let binary = railpost();
        let mut command = match self.wrapper.split_first() {
            None => binary,
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary.get_program());
                command
            }
        };
        command.arg("run").arg("--config").arg(self.config()).arg("--data-dir").arg(&self.data);
        command.args(["--listen", &self.listen.to_string()]).env("NO_COLOR", "1");
        command.env_remove("RAILPOST_URL").env_remove("RAILPOST_CONFIG");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_REGION", "us-east-1");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts a router, and returns it once it takes events.
    pub(crate) fn run(self) -> Router {
        self.try_run()
            .unwrap_or_else(|Refused { status, log }| panic!("the router ended with {status}:\n{log}"))
    }

    /// Starts a router that may refuse to start.
    pub(crate) fn try_run(self) -> Result<Router, Refused> {
        let mut child = self.command().spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let readers =
            vec![collect(child.stdout.take().unwrap(), &log), collect(child.stderr.take().unwrap(), &log)];
        let mut router = Router { child, launch: self, url: String::new(), log, readers };
        let url = wait_for("the router's address", || {
            if let Some(status) = router.ended() {
                return Some(Err(Refused { status, log: router.log() }));
            }
            let log = router.log();
            let line = &log[log.find(" listening on http://")? + " listening on ".len()..];
            Some(Ok(line[..line.find(|c: char| c == ',' || c.is_whitespace())?].to_owned()))
        })?;
        router.url = url;
        Ok(router)
    }
}

impl Router {
    /// Starts a router with a configuration; `{folder}` in it stands for the test's folder.
    pub(crate) fn start(config: &str) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), config)
    }

    /// The same, in a folder that the test has prepared.
    pub(crate) fn start_in(folder: Arc<tempfile::TempDir>, config: &str) -> Self {
        let launch = Launch::within(folder);
        launch.configure(config);
        launch.run()
    }

    /// The address, as `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The test's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.launch.folder.path()
    }

    /// How it was started.
    pub(crate) fn launch(&self) -> &Launch {
        &self.launch
    }

    /// The memory that the process occupies, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// A client of the router.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url).unwrap()
    }

    /// What the process has printed, as far as it was read: all of it once the process has ended.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line with all of these texts in what the process prints.
    pub(crate) fn wait_for_line(&self, texts: &[&str]) {
        let what = format!("a line with {texts:?}");
        wait_for(&what, || {
            self.log().lines().any(|line| texts.iter().all(|text| line.contains(text))).then_some(())
        });
    }

    /// Ends the process at once, as a crash would, and starts another over the same data.
    pub(crate) fn crash_and_restart(mut self) -> Self {
        self.kill();
        let launch = self.launch.clone();
        drop(self);
        launch.run()
    }

    /// The same with another configuration.
    pub(crate) fn crash_and_restart_with(self, config: &str) -> Self {
        self.launch.configure(config);
        self.crash_and_restart()
    }

    /// Ends the process at once.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        wait_for("the killed router to end", || self.ended());
    }

    /// Asks the process to stop, waits for it, and returns its exit status and all it printed.
    pub(crate) fn terminate(mut self) -> (std::process::ExitStatus, String) {
        signal(self.child.id(), "TERM");
        let status = wait_for("the router to end", || self.ended());
        (status, self.log())
    }

    /// Runs a command of the binary against this router.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        railpost().args(arguments).env("RAILPOST_URL", &self.url).stdin(Stdio::null()).output().unwrap()
    }

    /// Posts a request and returns its status and body.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let mut request = http().post(format!("{}{path}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.bytes().await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Posts a request whose answer does not matter, nor whether there is one.
    pub(crate) async fn try_post(&self, path: &str, headers: &[(&str, &str)], body: String) {
        let mut request = http().post(format!("{}{path}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        drop(request.send().await);
    }

    /// The exit status, once the process has ended by itself and all that it printed was read.
    pub(crate) fn ended(&mut self) -> Option<std::process::ExitStatus> {
        let status = self.child.try_wait().unwrap()?;
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        Some(status)
    }

    /// Publishes one structured event that must be accepted.
    pub(crate) async fn publish(&self, event: Value) {
        let headers = [("content-type", "application/cloudevents+json")];
        let (status, body) = self.post("/", &headers, event.to_string()).await;
        assert_eq!(status, 204, "{body}");
    }

    /// Publishes events in batches to a bus; all of them must be accepted, and none be known.
    pub(crate) async fn publish_all(&self, bus: &str, events: &[Value]) {
        let headers = [("content-type", "application/cloudevents-batch+json")];
        let path = format!("/buses/{bus}/events");
        let mut rest: Vec<String> = events.iter().map(Value::to_string).collect();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = rest.iter().take_while(|event| {
                bytes += event.len() + 1;
                bytes < 900_000
            });
            let batch: Vec<String> = rest.drain(..fits.count().clamp(1, 2_000)).collect();
            let (status, body) = self.post(&path, &headers, format!("[{}]", batch.join(","))).await;
            assert_eq!(status, 204, "{body}");
        }
    }

    /// Gets a path as text, with its status.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let response = http().get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Waits until the overview is as wanted, and returns it.
    pub(crate) async fn wait_until(&self, what: &str, wanted: impl Fn(&Overview) -> bool) -> Overview {
        let client = self.client();
        let deadline = Instant::now() + DEADLINE;
        loop {
            let overview = client.overview().await.unwrap();
            if wanted(&overview) {
                return overview;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}: {overview:#?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until nothing is pending, and checks that both ledgers balance.
    pub(crate) async fn settled(&self) -> Overview {
        let overview = self
            .wait_until("all deliveries to settle", |overview| {
                let decided = overview.buses.iter().all(|bus| bus.head == bus.applied);
                decided && overview.consumers.iter().all(|consumer| consumer.pending == 0)
            })
            .await;
        assert_balanced(&overview);
        overview
    }
}

impl Router {
    /// Asks once more how it is; none if it has ended, or does not answer.
    fn last_overview(&self) -> Option<Overview> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let address = self.url.strip_prefix("http://")?.parse().ok()?;
        let mut stream = std::net::TcpStream::connect_timeout(&address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = "GET /api/v1/overview HTTP/1.1\r\nhost: router\r\nconnection: close\r\n\r\n";
        std::io::Write::write_all(&mut stream, request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let body = answer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        serde_json::from_slice(&answer[body..]).ok()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        // After every test that has not failed: no part is unaccounted for.
        let overview = if std::thread::panicking() { None } else { self.last_overview() };
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            // The test's own output is the place where its reader looks.
            drop(std::io::Write::write_all(&mut std::io::stderr(), self.log().as_bytes()));
        }
        for aggregation in overview.iter().flat_map(|overview| &overview.aggregations) {
            assert!(aggregation.balances(), "{aggregation:#?}");
        }
    }
}

/// Checks the conservation of events and parts.
pub(crate) fn assert_balanced(overview: &Overview) {
    for consumer in &overview.consumers {
        assert!(consumer.balances(), "{consumer:#?}");
    }
    for aggregation in &overview.aggregations {
        assert!(aggregation.balances(), "{aggregation:#?}");
    }
}

/// The status of one consumer.
pub(crate) fn consumer<'o>(overview: &'o Overview, name: &str) -> &'o ConsumerStatus {
    overview.consumers.iter().find(|one| one.name == name).unwrap()
}

/// Says that a test could not be made here, where nobody overlooks it.
pub(crate) fn skip(why: &str) {
    // What is printed the usual way is not shown for a test that passes.
    drop(std::io::Write::write_all(&mut std::io::stderr(), format!("\nSKIPPED: {why}\n").as_bytes()));
}

/// The binary under test.
pub(crate) fn railpost() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_railpost"));
    command.env("NO_COLOR", "1").env_remove("RAILPOST_URL").env_remove("RAILPOST_CONFIG");
    command
}

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// An HTTP client that goes through no proxy.
pub(crate) fn http() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap()
}

/// Sends a signal to a process.
pub(crate) fn signal(process: u32, name: &str) {
    let status = Command::new("kill").args([format!("-{name}"), process.to_string()]).status().unwrap();
    assert!(status.success());
}

/// Asks again and again until there is an answer; fails at the deadline.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One structured event.
pub(crate) fn event(id: &str, source: &str, kind: &str, data: impl Into<Value>) -> Value {
    serde_json::json!({
        "specversion": "1.0", "id": id, "source": source, "type": kind,
        "datacontenttype": "application/json", "data": data.into(),
    })
}

/// Collects what a pipe says, line by line, until its other end is closed.
pub(crate) fn collect(pipe: impl Read + Send + 'static, log: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    })
}
