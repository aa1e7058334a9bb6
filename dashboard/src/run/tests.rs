//! The loop against a terminal in memory.

use std::pin::pin;

use api::{GroupAction, GroupOrder};
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
    let size = Size { width: 80, height: 24 };
    let state = State::new(address, "ana@dashboard", Theme { colours: true }, size, canned::NOW);
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
async fn an_order_is_sent_and_its_answer_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let router = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.contains("the truck broke down") {
            let mut bytes = [0; 4_096];
            let length = connection.read(&mut bytes).await.unwrap();
            assert!(length > 0, "{request}");
            request.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1").await.unwrap();
        request
    };
    let mut asking = asking::Asking::new(client);
    asking.order(GroupOrder {
        aggregation: "daily-sales".to_owned(),
        group: "g-sales-20".to_owned(),
        action: GroupAction::Hold,
        by: "ana@dashboard".to_owned(),
        why: "the truck broke down".to_owned(),
    });
    let both = async { tokio::join!(router, asking.next()) };
    let (request, answer) = timeout(DEADLINE, both).await.unwrap();
    assert!(request.starts_with("POST /api/v1/groups/handle "), "{request}");
    assert!(matches!(answer, Some(Message::Handled(Ok(1)))), "{answer:?}");
    assert!(asking.next().await.is_none(), "it is sent once");
}

#[test]
fn a_pasted_text_is_no_keys() {
    let heard = heard(&Event::Paste("rq\n".to_owned()));
    assert!(matches!(heard, Some(Message::Pasted(text)) if text == "rq\n"));
}

#[test]
fn orders_are_given_in_the_name_of_the_user() {
    assert_eq!(in_name_of(Some("ana".as_ref())), "ana@dashboard");
    assert_eq!(in_name_of(Some("".as_ref())), "dashboard");
    assert_eq!(in_name_of(None), "dashboard");
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
