//! A load generator: keep-alive connections, closed loop or at a rate.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, mpsc};

/// What to send.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) batch: usize,
    /// Requests a second over all connections; none means as many as are answered.
    pub(crate) rate: Option<u64>,
}

/// What was measured.
pub(crate) struct Measured {
    pub(crate) requests: u64,
    pub(crate) seconds: f64,
    pub(crate) answered: Histogram<u64>,
    pub(crate) delivered: Option<Histogram<u64>>,
    pub(crate) cpu: Duration,
    pub(crate) began_us: u64,
}

/// When requests are due: a thread says so, because the runtime's own timers count in milliseconds.
type Schedule = Arc<Mutex<mpsc::Receiver<Instant>>>;

/// Sends for so long.
pub(crate) async fn run(address: SocketAddr, load: Load, during: Duration) -> Measured {
    let began = Instant::now();
    let began_us = now_us();
    let numbers = Arc::new(AtomicU64::new(0));
    let schedule = load.rate.map(|rate| schedule(rate, began, during));
    let mut connections = tokio::task::JoinSet::new();
    for _ in 0..load.connections {
        let pace = Pace { schedule: schedule.clone(), end: began + during };
        connections.spawn(connection(address, load.batch, pace, Arc::clone(&numbers)));
    }
    let (mut requests, mut answered) = (0, histogram());
    while let Some(done) = connections.join_next().await {
        let (count, latencies) = done.unwrap();
        requests += count;
        answered += latencies;
    }
    let seconds = began.elapsed().as_secs_f64();
    Measured { requests, seconds, answered, delivered: None, cpu: Duration::ZERO, began_us }
}

/// When a connection sends next.
struct Pace {
    schedule: Option<Schedule>,
    end: Instant,
}

impl Pace {
    /// Waits for the next request's time; none after the end.
    async fn next(&self) -> Option<Instant> {
        match &self.schedule {
            Some(schedule) => schedule.lock().await.recv().await,
            None => Some(Instant::now()).filter(|now| *now < self.end),
        }
    }
}

fn schedule(rate: u64, began: Instant, during: Duration) -> Schedule {
    let (sender, receiver) = mpsc::channel(65_536);
    std::thread::spawn(move || {
        for number in 0_u64.. {
            let due = began + Duration::from_secs_f64(number as f64 / rate as f64);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if due > began + during || sender.blocking_send(due).is_err() {
                return;
            }
        }
    });
    Arc::new(Mutex::new(receiver))
}

async fn connection(
    address: SocketAddr,
    batch: usize,
    pace: Pace,
    numbers: Arc<AtomicU64>,
) -> (u64, Histogram<u64>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut count, mut latencies, mut answer) = (0, histogram(), vec![0; 4096]);
    while let Some(intended) = pace.next().await {
        let intended_us = now_us().saturating_sub(intended.elapsed().as_micros() as u64);
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        stream.write_all(&request(number, batch, intended_us)).await.unwrap();
        let mut length = 0;
        while !answer[..length].ends_with(b"\r\n\r\n") {
            let read = stream.read(&mut answer[length..]).await.unwrap();
            assert!(read > 0, "the server closed a connection");
            length += read;
        }
        assert!(answer.starts_with(b"HTTP/1.1 204"), "{}", String::from_utf8_lossy(&answer[..length]));
        latencies.saturating_record(intended.elapsed().as_micros() as u64);
        count += 1;
    }
    (count, latencies)
}

fn request(number: u64, batch: usize, intended_us: u64) -> Vec<u8> {
    let event = |index: usize| {
        let route = (number as usize + index) % 3;
        let filling = "x".repeat(330);
        format!(
            r#"{{"specversion":"1.0","id":"{number}-{index}-{intended_us}","source":"/bench","type":"order.placed","datacontenttype":"application/json","data":{{"route":"r{route}","sent":{intended_us},"customer":{{"id":{number},"tier":"gold"}},"lines":[{{"sku":"a-1","count":2}},{{"sku":"b-2","count":1}}],"note":"{filling}"}}}}"#
        )
    };
    let (kind, body) = if batch == 1 {
        ("application/cloudevents+json", event(0))
    } else {
        let events: Vec<String> = (0..batch).map(event).collect();
        ("application/cloudevents-batch+json", format!("[{}]", events.join(",")))
    };
    format!(
        "POST / HTTP/1.1\r\nhost: bench\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Microseconds since the epoch, as events carry them.
pub(crate) fn now_us() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "two tasks of this process compare wall-clock times")]
    let now = std::time::SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_micros() as u64
}

/// Up to a minute, two digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 2).unwrap()
}
