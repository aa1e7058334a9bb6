use std::future::{Future, ready};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::{Connections, Outcome, PATIENCE, connect, connect_by, error, http_target, in_words, order, send};
use crate::config::{Mode, Range, Target};

/// How long an attempt may take where the target is not expected to answer.
const TIMEOUT: Duration = Duration::from_millis(400);

const NO_CONTENT: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    #[serde(default)]
    answer: String,
    #[serde(default)]
    more: String,
    then: Then,
    counts_as: String,
    error: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    Close,
    CloseWriting,
    Reset,
    Hang,
    Trickle,
    Repeat,
}

/// Runs `work` beside a server that treats each connection as `script` says; scripts are told the connection's number,
/// from 0.
async fn beside_script<T, S: Future<Output = ()>>(
    script: impl Fn(TcpStream, usize) -> S,
    work: impl AsyncFnOnce(SocketAddr) -> T,
) -> T {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serve = async {
        let mut scripts = FuturesUnordered::new();
        for number in 0.. {
            let accepted = loop {
                tokio::select! {
                    accepted = listener.accept() => break accepted,
                    Some(()) = scripts.next() => {}
                }
            };
            scripts.push(script(accepted.unwrap().0, number));
        }
    };
    tokio::select! {
        value = tokio::time::timeout(PATIENCE, work(address)) => value.expect("it ends in time"),
        () = serve => unreachable!("the server goes on"),
    }
}

/// Reads one request to the end of its payload; false if the connection ended before.
async fn read_request(socket: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"{\"total\":1.10}") {
        match socket.read_buf(&mut seen).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    true
}

/// Answers a request; whether anybody reads that is the client's affair.
async fn write(socket: &mut TcpStream, bytes: &[u8]) -> bool {
    socket.write_all(bytes).await.is_ok()
}

async fn misbehave(mut socket: TcpStream, case: &Case) {
    read_request(&mut socket).await;
    write(&mut socket, case.answer.as_bytes()).await;
    match case.then {
        Then::Close => {}
        Then::CloseWriting => {
            drop(socket.shutdown().await);
            while socket.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
        }
        Then::Reset => socket.set_zero_linger().unwrap(),
        Then::Hang => std::future::pending().await,
        Then::Trickle => {
            let mut pace = tokio::time::interval(TIMEOUT / 10);
            for byte in case.more.bytes().cycle() {
                pace.tick().await;
                if !write(&mut socket, &[byte]).await {
                    return;
                }
            }
        }
        Then::Repeat => while write(&mut socket, case.more.repeat(100).as_bytes()).await {},
    }
}

#[tokio::test]
async fn targets_that_misbehave_count_as_the_table_says() {
    let table: Vec<Case> = super::cases(include_str!("misbehaving.toml"));
    for case in &table {
        let work = async |address| {
            let (url, headers) = (format!("http://{address}/"), Vec::new());
            let is_late = case.error.as_ref().is_some_and(|error| error.starts_with("no answer"));
            let timeout = if is_late { TIMEOUT } else { PATIENCE };
            let target = Target::Http { url, mode: Mode::Binary, headers, timeout };
            send(&connect(&target).await.unwrap(), &order("1")).await
        };
        let outcome = beside_script(|socket, _| misbehave(socket, case), work).await;
        assert_eq!(in_words(&outcome), case.counts_as, "{}: {outcome:?}", case.what);
        if let Some(expected) = &case.error {
            let error = error(outcome);
            assert!(error.starts_with(expected.as_str()), "{}: {error}", case.what);
            assert!(error.chars().count() <= 200 && !error.contains(['\n', '\r']), "{}: {error}", case.what);
        }
    }
}

#[tokio::test]
async fn nobody_there_is_retryable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let outcome = send(&connect(&http_target(url)).await.unwrap(), &order("1")).await;
    assert_eq!(in_words(&outcome), "retryable");
    let error = error(outcome);
    assert!(error.starts_with("cannot connect: Connection refused"), "{error}");
}

/// Listens at an address without taking connections, and fills the queue of those that wait to be taken.
async fn dead_end(address: SocketAddr) -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(connected) = tokio::time::timeout(TIMEOUT / 4, TcpStream::connect(address)).await {
        waiting.push(connected.unwrap());
        assert!(waiting.len() < 10, "the queue has an end");
    }
    (listener, waiting)
}

#[tokio::test]
async fn an_address_that_is_dead_leaves_time_for_the_next() {
    let work = async |alive: SocketAddr| {
        let dead = SocketAddr::from(([127, 0, 0, 2], alive.port()));
        let _dead = dead_end(dead).await;
        let answers = [vec![dead.ip(), alive.ip()], vec![dead.ip()]];
        let mut outcomes = Vec::new();
        for answer in answers {
            let mut connections = Connections::new(&[Range { address: dead.ip(), bits: 8 }]);
            connections.lookup = Arc::new(move |_| Box::pin(ready(Ok(answer.clone()))));
            let (url, headers) = (format!("http://shop.example:{}/", alive.port()), Vec::new());
            let target = Target::Http { url, mode: Mode::Binary, headers, timeout: 5 * TIMEOUT };
            let client = connect_by(&mut connections, &target, 1).await.unwrap();
            outcomes.push(send(&client, &order("1")).await);
        }
        outcomes
    };
    let taken = |mut socket: TcpStream, _| async move {
        read_request(&mut socket).await;
        write(&mut socket, NO_CONTENT).await;
    };
    let outcomes = beside_script(taken, work).await;
    assert_eq!(outcomes[0], DELIVERED);
    assert_eq!(error(outcomes[1].clone()), "cannot connect: no answer in time");
}

/// Sends orders one after the other to a target; returns what came of each, and how many requests each connection had.
/// `script` says what a connection answers to its requests in turn; none means that it ends without an answer.
async fn exchange(
    orders: usize,
    script: impl Fn(usize, usize) -> Option<&'static [u8]>,
) -> (Vec<Outcome>, Vec<usize>) {
    let requests = Mutex::new(Vec::new());
    let serve = async |mut socket: TcpStream, number: usize| {
        requests.lock().unwrap().push(0);
        for turn in 0.. {
            if !read_request(&mut socket).await {
                return;
            }
            requests.lock().unwrap()[number] += 1;
            let Some(answer) = script(number, turn) else { return };
            write(&mut socket, answer).await;
        }
    };
    let work = async |address| {
        let client = connect(&http_target(format!("http://{address}/"))).await.unwrap();
        let mut outcomes = Vec::new();
        for _ in 0..orders {
            outcomes.push(send(&client, &order("1")).await);
        }
        outcomes
    };
    let outcomes = beside_script(&serve, work).await;
    (outcomes, requests.into_inner().unwrap())
}

const DELIVERED: Outcome = Outcome::Delivered { status: Some(204) };

#[tokio::test]
async fn a_connection_is_used_again() {
    let (outcomes, requests) = exchange(5, |_, _| Some(NO_CONTENT)).await;
    assert_eq!((outcomes, requests), (vec![DELIVERED; 5], vec![5]));
}

#[tokio::test]
async fn a_connection_that_the_target_had_closed_is_no_failed_attempt() {
    // It ends as the second request arrives, as if the target had closed it for idleness a moment before.
    let (outcomes, requests) =
        exchange(3, |number, turn| ((number, turn) != (0, 1)).then_some(NO_CONTENT)).await;
    assert_eq!(outcomes, [DELIVERED, DELIVERED, DELIVERED]);
    assert_eq!(requests, [2, 1, 1]);
}

#[tokio::test]
async fn a_new_connection_that_ends_is_a_failed_attempt() {
    let (outcomes, requests) = exchange(1, |_, _| None).await;
    assert_eq!(in_words(&outcomes[0]), "retryable");
    assert_eq!(requests, [1], "it is not sent again by itself");
}

#[tokio::test]
async fn a_request_is_sent_again_once() {
    let (outcomes, requests) = exchange(2, |number, turn| (number + turn == 0).then_some(NO_CONTENT)).await;
    assert_eq!(outcomes.iter().map(in_words).collect::<Vec<_>>(), ["delivered", "retryable"]);
    assert_eq!(requests, [2, 1]);
}

#[tokio::test]
async fn connections_closed_after_each_answer_cost_nothing_but_connections() {
    let close = |socket: TcpStream, _| async move {
        let mut socket = socket;
        read_request(&mut socket).await;
        write(&mut socket, NO_CONTENT).await;
    };
    let work = async |address| {
        let client = connect(&http_target(format!("http://{address}/"))).await.unwrap();
        for _ in 0..50 {
            assert_eq!(send(&client, &order("1")).await, DELIVERED);
        }
    };
    beside_script(close, work).await;
}

#[tokio::test]
async fn a_broken_attempt_leaves_no_answer_for_the_next() {
    // The answer to the first request comes after its attempt has ended.
    let late = |socket: TcpStream, number| async move {
        let mut socket = socket;
        read_request(&mut socket).await;
        if number > 0 {
            write(&mut socket, NO_CONTENT).await;
        } else {
            read_request(&mut socket).await;
            write(&mut socket, b"HTTP/1.1 500 Too Late\r\ncontent-length: 0\r\n\r\n").await;
        }
    };
    let work = async |address| {
        let (url, headers) = (format!("http://{address}/"), Vec::new());
        let target = Target::Http { url, mode: Mode::Binary, headers, timeout: TIMEOUT };
        let client = connect(&target).await.unwrap();
        assert_eq!(error(send(&client, &order("1")).await), "no answer within 400ms");
        assert_eq!(send(&client, &order("2")).await, DELIVERED);
    };
    beside_script(late, work).await;
}
