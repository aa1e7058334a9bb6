//! The consumers' end: answers 204 to everything, measures how old each event is, and finds what should not come.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::wire::{figures, histogram, message_length, now_us};

/// How long nothing may come before what is missing is lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long is waited for what comes twice.
const AFTERMATH: Duration = Duration::from_millis(200);
/// What a request takes, usually.
const REQUEST_BYTES: usize = 4096;

/// How much of a request is shown that should not have come.
const SHOWN_BYTES: usize = 1000;

/// Receivers on ports of their own, on one thread that ends with the process.
pub(crate) struct Receivers {
    addresses: Vec<SocketAddr>,
    seen: Arc<Mutex<Seen>>,
}

/// What came to all of them.
struct Seen {
    latencies: Histogram<u64>,
    events: u64,
    last_us: u64,
    /// One bit a number.
    numbers: Vec<u64>,
    /// The first thing that should not have come.
    wrong: Option<String>,
}

impl Receivers {
    /// Starts so many receivers.
    pub(crate) fn start(count: usize) -> Self {
        let seen = Seen { latencies: histogram(), events: 0, last_us: 0, numbers: Vec::new(), wrong: None };
        let seen = Arc::new(Mutex::new(seen));
        let listeners: Vec<_> =
            (0..count).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for listener in listeners {
                    tasks.spawn(listen(listener, Arc::clone(&shared)));
                }
                tasks.join_all().await;
            });
        });
        Self { addresses, seen }
    }

    /// Returns the address of one of them.
    pub(crate) fn address(&self, index: usize) -> SocketAddr {
        self.addresses[index % self.addresses.len()]
    }

    /// Forgets the latencies so far.
    pub(crate) fn reset(&self) {
        self.seen.lock().unwrap().latencies.reset();
    }

    /// Returns how old events were when they came, in microseconds.
    pub(crate) fn latencies(&self) -> Histogram<u64> {
        self.seen.lock().unwrap().latencies.clone()
    }

    /// Waits until so many events have come since the start, and no more; returns when the last one did.
    pub(crate) fn drained(&self, events: u64) -> u64 {
        let (mut before, mut changed) = (0, Instant::now());
        loop {
            let came = self.look();
            assert!(came <= events, "{came} events were delivered where {events} were to be");
            if came == events {
                break;
            }
            if came > before {
                (before, changed) = (came, Instant::now());
            }
            assert!(changed.elapsed() < PATIENCE, "only {came} of {events} events were delivered");
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(AFTERMATH);
        assert_eq!(self.look(), events, "events were delivered again");
        self.seen.lock().unwrap().last_us
    }

    /// Returns how many events have come; fails if one should not have.
    fn look(&self) -> u64 {
        // Let go before it may fail: the receivers still come to it.
        let (events, wrong) = {
            let seen = self.seen.lock().unwrap();
            (seen.events, seen.wrong.clone())
        };
        assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
        events
    }
}

impl Seen {
    /// Notes the events of a request. Its path says which of an event's own figures its consumer's filter asks for.
    fn take(&mut self, request: &[u8]) {
        let path = request.strip_prefix(b"POST /").unwrap_or_default();
        let wanted = &path[..path.iter().position(|byte| *byte == b' ').unwrap_or(0)];
        self.last_us = now_us();
        let before = self.events;
        for event in figures(request) {
            if !wanted.is_empty() && wanted != event.route && wanted != event.tenant {
                self.wrong("an event came to a consumer whose filter it does not match", request);
            }
            if !self.is_new(event.number) {
                self.wrong("an event was delivered twice", request);
            }
            self.latencies.saturating_record(self.last_us.saturating_sub(event.sent_us));
            self.events += 1;
        }
        if self.events == before {
            self.wrong("a request has no event", request);
        }
    }

    fn is_new(&mut self, number: u64) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        if word >= self.numbers.len() {
            self.numbers.resize((word + 1).next_power_of_two(), 0);
        }
        let is_new = self.numbers[word] & bit == 0;
        self.numbers[word] |= bit;
        is_new
    }

    fn wrong(&mut self, what: &str, request: &[u8]) {
        let start = &request[..request.len().min(SHOWN_BYTES)];
        self.wrong.get_or_insert_with(|| format!("{what}: {}", String::from_utf8_lossy(start)));
    }
}

async fn listen(listener: std::net::TcpListener, seen: Arc<Mutex<Seen>>) {
    listener.set_nonblocking(true).unwrap();
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        connections.spawn(serve(stream, Arc::clone(&seen)));
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(REQUEST_BYTES);
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        while let Some(length) = message_length(&buffer) {
            seen.lock().unwrap().take(&buffer[..length]);
            buffer.drain(..length);
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}
