//! The peers in Python: moto, boto3, awscli, the CloudEvents SDK, the X-Ray SDK, an OTLP receiver.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::Value;

use super::{collect, root};

/// A script of `tests/it/peers` that runs until it is dropped. It prints one line first: where it listens.
pub(crate) struct Peer {
    child: Child,
    address: String,
    printed: Arc<Mutex<String>>,
}

impl Peer {
    /// Starts a script and waits for its first line.
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let mut child =
            python(script, arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        lines.read_line(&mut address).unwrap();
        assert!(!address.trim().is_empty(), "{script} did not start");
        let printed = Arc::default();
        collect(lines, &printed);
        Self { child, address: address.trim().to_owned(), printed }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The JSON documents it printed so far, one a line.
    pub(crate) fn documents(&self) -> Vec<Value> {
        self.printed.lock().unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// SQS and EventBridge by moto, one for all tests: each takes names of its own there. It ends with this process, when
/// its standard input is closed.
pub(crate) fn moto() -> &'static Peer {
    static MOTO: OnceLock<Peer> = OnceLock::new();
    MOTO.get_or_init(|| Peer::start("moto_server.py", &[]))
}

/// Runs a script to its end and returns the JSON document it printed.
pub(crate) fn ask(script: &str, arguments: &[&str]) -> Value {
    let output = python(script, arguments).output().unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{script} failed:\n{stdout}\n{stderr}");
    serde_json::from_str(&stdout)
        .unwrap_or_else(|error| panic!("{script} printed no JSON ({error}): {stdout}"))
}

/// Runs the AWS command line against an endpoint.
pub(crate) fn aws(endpoint: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(environment().join("bin/aws"));
    command.args(arguments).args(["--endpoint-url", endpoint, "--output", "json"]);
    credentials(&mut command).output().unwrap()
}

/// Text that a process printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn python(script: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(environment().join("bin/python"));
    command.arg("-u").arg(root().join("tests/it/peers").join(script)).args(arguments);
    credentials(&mut command);
    command
}

fn credentials(command: &mut Command) -> &mut Command {
    command
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
}

fn environment() -> PathBuf {
    let folder = root().join("tests/.venv");
    assert!(folder.join("bin/python").exists(), "the Python peers are not installed: run tests/run once");
    folder
}
