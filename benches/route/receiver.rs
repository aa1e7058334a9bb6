//! The consumers' end: answers 204 to everything and measures how old each event is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::generator::{histogram, now_us};

/// How long nothing must come before everything has.
const SILENCE: Duration = Duration::from_millis(500);

/// A receiver on a free port.
pub(crate) struct Receiver {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

struct Seen {
    latencies: Histogram<u64>,
    last_us: u64,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Seen { latencies: histogram(), last_us: now_us() }));
        let shared = Arc::clone(&seen);
        #[expect(clippy::disallowed_methods, reason = "it ends with the process")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Forgets what came so far.
    pub(crate) fn reset(&self) {
        self.seen.lock().unwrap().latencies.reset();
    }

    pub(crate) fn latencies(&self) -> Histogram<u64> {
        self.seen.lock().unwrap().latencies.clone()
    }

    /// Waits until nothing comes any more, and returns when the last event came.
    pub(crate) async fn drained(&self) -> u64 {
        loop {
            let last_us = self.seen.lock().unwrap().last_us;
            if now_us().saturating_sub(last_us) > SILENCE.as_micros() as u64 {
                return last_us;
            }
            tokio::time::sleep(SILENCE / 10).await;
        }
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = Vec::with_capacity(16_384);
    while let Ok(1..) = stream.read_buf(&mut buffer).await {
        while let Some(length) = whole_request(&buffer) {
            let sent = sent_us(&buffer[..length]);
            buffer.drain(..length);
            let now = now_us();
            {
                let mut seen = seen.lock().unwrap();
                seen.latencies.saturating_record(now.saturating_sub(sent));
                seen.last_us = now;
            }
            if stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
                return;
            }
        }
    }
}

/// The length of the first request, once all of it is there.
fn whole_request(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).unwrap().to_ascii_lowercase();
    let body = text
        .split("content-length:")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().trim().parse().unwrap());
    (buffer.len() >= head + body).then_some(head + body)
}

/// When the event should have been sent, as it says itself.
fn sent_us(request: &[u8]) -> u64 {
    let start = request.windows(7).rposition(|window| window == b"\"sent\":").unwrap() + 7;
    let digits = request[start..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}
