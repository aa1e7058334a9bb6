//! `railpost top` in a real terminal: tmux draws it, types into it and reads the screen.

use std::process::Command;

use serde_json::json;

use crate::harness::receiver::Receiver;
use crate::harness::{Router, event, signal, wait_for};

/// A terminal of its own, 120 by 40.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn start(name: &str, command: &str) -> Self {
        let socket = format!("railpost-{name}-{}", std::process::id());
        let terminal = Self { socket };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", "sh"]);
        terminal.keys(&[command, "Enter"]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux").args(["-L", &self.socket]).args(arguments).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn wait_for(&self, what: &str) {
        let deadline = std::time::Instant::now() + crate::harness::DEADLINE;
        while !self.screen().contains(what) {
            assert!(
                std::time::Instant::now() < deadline,
                "`{what}` is not on the screen:\n{}",
                self.screen()
            );
            std::thread::sleep(std::time::Duration::from_millis(30));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

async fn busy_router() -> (Router, Receiver) {
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        r#"
        [[consumer]]
        name = "billing"
        filter = {{ type = ["order"] }}
        target = {{ http = "{}" }}
        [[aggregation]]
        name = "daily"
        filter = {{ type = ["file"] }}
        key = "$.data.day"
        part = "{{$.data.store}}"
        complete = {{ any = [{{ expected = ["paris", "lyon", "nice"] }}, {{ deadline = "2h" }}] }}
        emit = {{ type = "day" }}
        "#,
        receiver.url("/")
    ));
    router.publish(event("order-1", "/shop", "order", json!({"total": 5}))).await;
    router.publish(event("file-1", "/files", "file", json!({"day": "monday", "store": "lyon"}))).await;
    router.settled().await;
    (router, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_shows_a_running_router() {
    let (router, _receiver) = busy_router().await;
    let command = format!("{} top --url {}", env!("CARGO_BIN_EXE_railpost"), router.url());
    let terminal = Terminal::start("screens", &format!("{command}; echo status-$?"));
    terminal.wait_for("billing");
    terminal.keys(&["2"]);
    terminal.wait_for("monday");
    terminal.wait_for("paris");
    terminal.keys(&["3"]);
    router.publish(event("order-2", "/shop", "order", json!({"total": 6}))).await;
    terminal.wait_for("order-2");
    terminal.keys(&["?"]);
    terminal.wait_for("quit");
    terminal.keys(&["?"]);
    terminal.keys(&["q"]);
    terminal.wait_for("status-0");
    terminal.keys(&["echo left-as-$((1+1))-found", "Enter"]);
    terminal.wait_for("left-as-2-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_leaves_the_terminal_as_it_was() {
    let (router, _receiver) = busy_router().await;
    let command = format!("{} top --url {}; stty -a | head -3", env!("CARGO_BIN_EXE_railpost"), router.url());
    let terminal = Terminal::start("sigterm", &format!("{command}; echo status-$?"));
    terminal.wait_for("billing");
    let process = wait_for("the process of railpost top", || {
        let output =
            Command::new("pgrep").args(["-f", &format!("top --url {}$", router.url())]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().last()?.parse().ok()
    });
    signal(process, "TERM");
    terminal.wait_for("status-0");
    let screen = terminal.screen();
    assert!(!screen.contains("billing") || screen.contains("railpost"), "{screen}");
    terminal.keys(&["echo typed-$((2+2))", "Enter"]);
    terminal.wait_for("typed-4");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_it_says_so() {
    let router = Router::start("");
    let output = router.command(&["top"]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("terminal"), "{output:?}");
}
