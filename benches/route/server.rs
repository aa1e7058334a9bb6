//! The servers under test, each a process of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use axum::routing::post;
use bytes::Bytes;
use http::StatusCode;

/// A running server.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts the echo.
    pub(crate) fn echo() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("echo");
        Self::start(command, None)
    }

    /// Starts a router with three consumers that filter by content.
    pub(crate) fn router(receiver: SocketAddr) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let consumer = |route: usize| {
            format!(
                "[[consumer]]\nname = \"c{route}\"\nconcurrency = 64\n\
                 filter = {{ source = [\"/bench\"], type = [\"order.placed\"], data = {{ route = [\"r{route}\"] }} }}\n\
                 target = {{ http = \"http://{receiver}/{route}\" }}\n"
            )
        };
        let config = folder.path().join("railpost.toml");
        std::fs::write(&config, (0..3).map(consumer).collect::<String>()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_railpost"));
        command.args(["run", "--listen", "127.0.0.1:0", "--config"]).arg(&config);
        command.arg("--data-dir").arg(folder.path().join("data"));
        Self::start(command, Some(folder))
    }

    fn start(mut command: Command, folder: Option<tempfile::TempDir>) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find(|line| line.as_ref().unwrap().contains("http://")).unwrap().unwrap();
        let start = line.find("http://").unwrap() + "http://".len();
        let address = line[start..].split([',', ' ', '/']).next().unwrap().parse().unwrap();
        Self { child, address, _folder: folder }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time it took so far: the kernel counts in hundredths of a second.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let after_name = stat.rsplit(')').next().unwrap();
        let ticks: u64 =
            after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Answers 204 to every POST, after reading its body.
pub(crate) async fn echo() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let routes = axum::Router::new().route("/", post(|_: Bytes| async { StatusCode::NO_CONTENT }));
    axum::serve(listener, routes).await.unwrap();
}
