//! What every end-to-end test needs: a router process, a receiver, the peers in Python, and waiting with a deadline.

pub(crate) mod peers;
pub(crate) mod receiver;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use api::{Client, Overview};
use serde_json::Value;

/// How long anything may take before a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// A running `railpost run` with a data directory of its own.
pub(crate) struct Router {
    child: Child,
    folder: Arc<tempfile::TempDir>,
    config: PathBuf,
    url: String,
    log: Arc<Mutex<String>>,
    /// The threads that read the process's output; they end with it.
    readers: Vec<JoinHandle<()>>,
}

impl Router {
    /// Starts a router with a configuration; `{folder}` in it stands for the test's folder.
    pub(crate) fn start(config: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Self::start_in(folder, config)
    }

    /// The same, in a folder that the test has prepared.
    pub(crate) fn start_in(folder: Arc<tempfile::TempDir>, config: &str) -> Self {
        let path = folder.path().join("railpost.toml");
        std::fs::write(&path, config.replace("{folder}", &folder.path().to_string_lossy())).unwrap();
        Self::launch(folder, path)
    }

    fn launch(folder: Arc<tempfile::TempDir>, config: PathBuf) -> Self {
        let mut child = railpost()
            .arg("run")
            .arg("--config")
            .arg(&config)
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args(["--listen", "127.0.0.1:0"])
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let readers =
            vec![collect(child.stdout.take().unwrap(), &log), collect(child.stderr.take().unwrap(), &log)];
        let url = wait_for("the router's address", || {
            let log = log.lock().unwrap();
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "the router ended with {}:\n{log}", ended.unwrap());
            let start = log.find("http://127.0.0.1:")?;
            let line = &log[start..];
            let end = line.find(|c: char| c == ',' || c.is_whitespace())?;
            Some(line[..end].to_owned())
        });
        Self { child, folder, config, url, log, readers }
    }

    /// The address, as `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The test's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
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
        let (folder, config) = (Arc::clone(&self.folder), self.config.clone());
        drop(self);
        Self::launch(folder, config)
    }

    /// Ends the process at once.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
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

impl Drop for Router {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            // The test's own output is the place where its reader looks.
            drop(std::io::Write::write_all(&mut std::io::stderr(), self.log().as_bytes()));
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
