//! The loop against a terminal in memory.

use std::pin::pin;

use crossterm::event::{KeyCode, KeyEvent};
use futures::stream;
use ratatui::backend::TestBackend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

use super::*;
use crate::view::canned;

const DEADLINE: Duration = Duration::from_secs(20);

fn dashboard(address: &str) -> Dashboard {
    let client = Client::new(address).unwrap();
    let state = State::new(address, Theme { colours: true }, Size { width: 80, height: 24 }, canned::NOW);
    Dashboard { client, refresh: Duration::from_millis(50), state }
}

/// Runs the loop beside a router until the terminal shows some words; returns whether it then ends when asked to.
async fn shows(router: impl Future<Output = ()>, address: &str, expected: &str) -> bool {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let mut router = pin!(router);
    for _ in 0..200 {
        let asked_to_end = sleep(Duration::from_millis(100));
        let run = dashboard(address).drive(&mut terminal, stream::pending(), asked_to_end);
        tokio::select! {
            ended = Box::pin(run) => ended.unwrap(),
            () = &mut router => unreachable!("a router goes on"),
        }
        if terminal.backend().to_string().contains(expected) {
            return true;
        }
    }
    false
}

/// Answers every request with one body.
async fn answer_all(listener: TcpListener, body: String) {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    loop {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 4_096];
        if connection.read(&mut request).await.unwrap_or(0) == 0 {
            continue;
        }
        // A client that hung up needs no answer.
        drop(connection.write_all(format!("{head}{body}").as_bytes()).await);
    }
}

#[tokio::test]
async fn what_the_router_says_is_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let body = serde_json::to_string(&canned::overview()).unwrap();
    assert!(timeout(DEADLINE, shows(answer_all(listener, body), &address, "warehouse")).await.unwrap());
}

#[tokio::test]
async fn a_router_that_does_not_answer_is_called_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert!(timeout(DEADLINE, shows(std::future::pending(), &address, "UNREACHABLE")).await.unwrap());
}

#[tokio::test]
async fn q_ends_it() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    let keys = stream::iter([Ok(Event::Key(KeyEvent::from(KeyCode::Char('q'))))]).chain(stream::pending());
    let run = dashboard("http://127.0.0.1:9").drive(&mut terminal, keys, std::future::pending());
    timeout(DEADLINE, Box::pin(run)).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_a_terminal_there_is_advice() {
    // Under a test runner with a terminal there is nothing to see here.
    if terminal::is_present() {
        return;
    }
    let client = Client::new("http://127.0.0.1:9").unwrap();
    let error = Box::pin(run(client, Options::default(), std::future::pending())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "standard output is not a terminal; `railpost tail` prints the hops line by line instead"
    );
}
