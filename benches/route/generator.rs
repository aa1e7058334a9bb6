//! The load: a closed loop that sends as fast as it is answered, and an open loop that sends at its times.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::template::{Form, Template};
use crate::wire::{histogram, message_length, now_us};

/// What an answer takes, usually.
const ANSWER_BYTES: usize = 4096;
/// How late the kernel may wake a thread that sends at its times, in nanoseconds; 50 us unless it is told.
const TIMER_SLACK_NS: &str = "1000";

/// What to send, and where to.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) form: Form,
    /// The number of the next event: no two of a router's have the same.
    pub(crate) next: u64,
}

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// So much later.
    Elapsed(Duration),
    /// When so many events were sent, rounded up to whole requests.
    Sent(u64),
}

/// What was sent and answered.
pub(crate) struct Sent {
    pub(crate) events: u64,
    pub(crate) began_us: u64,
    pub(crate) seconds: f64,
    /// From sending a request, or when it should have been sent, to its answer, in microseconds.
    pub(crate) answered: Histogram<u64>,
}

impl Load {
    /// Sends as fast as it is answered, all connections on one thread.
    pub(crate) fn saturate(&mut self, until: Until) -> Sent {
        let load = *self;
        let (end, last) = match until {
            Until::Elapsed(time) => (Some(Instant::now() + time), u64::MAX),
            Until::Sent(events) => (None, load.next + events),
        };
        let share =
            Arc::new(Share { next: AtomicU64::new(load.next), end, last, answered: Mutex::new(histogram()) });
        let (began, began_us) = (Instant::now(), now_us());
        let thread = {
            let share = Arc::clone(&share);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
                runtime.block_on(async {
                    let mut connections = tokio::task::JoinSet::new();
                    for _ in 0..load.connections {
                        connections.spawn(closed(load, Arc::clone(&share)));
                    }
                    while let Some(ended) = connections.join_next().await {
                        ended.unwrap_or_else(|error| resume_unwind(error.into_panic()));
                    }
                });
            })
        };
        thread.join().unwrap_or_else(|panic| resume_unwind(panic));
        let seconds = began.elapsed().as_secs_f64();
        let answered = share.answered.lock().unwrap().clone();
        let next = share.next.load(Ordering::Relaxed);
        self.next = next;
        Sent { events: next - load.next, began_us, seconds, answered }
    }

    /// Sends so many requests a second, each as soon as its time has come and a connection is free.
    pub(crate) fn pace(&mut self, requests_a_second: u64, during: Duration) -> Sent {
        let (began, began_us) = (Instant::now(), now_us());
        let schedule = Schedule {
            next: AtomicU64::new(0),
            requests_a_second,
            requests: (during.as_secs_f64() * requests_a_second as f64) as u64,
            began_us,
        };
        let load = *self;
        let mut answered = histogram();
        std::thread::scope(|scope| {
            let connection = || scope.spawn(|| open(load, &schedule));
            let connections: Vec<_> = (0..load.connections).map(|_| connection()).collect();
            for connection in connections {
                answered += connection.join().unwrap_or_else(|panic| resume_unwind(panic));
            }
        });
        let events = schedule.requests * load.form.events();
        self.next += events;
        Sent { events, began_us, seconds: began.elapsed().as_secs_f64(), answered }
    }
}

/// What the connections of a closed loop share.
struct Share {
    next: AtomicU64,
    end: Option<Instant>,
    last: u64,
    answered: Mutex<Histogram<u64>>,
}

impl Share {
    /// Returns the number of a request's first event; none at the end.
    fn take(&self, events: u64) -> Option<u64> {
        let goes_on = self.end.is_none_or(|end| Instant::now() < end);
        // One thread runs all connections, so that none comes between.
        let is_left = self.next.load(Ordering::Relaxed) < self.last;
        (goes_on && is_left).then(|| self.next.fetch_add(events, Ordering::Relaxed))
    }
}

async fn closed(load: Load, share: Arc<Share>) {
    let mut stream = tokio::net::TcpStream::connect(load.address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut template = Template::new(load.form);
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    while let Some(first) = share.take(load.form.events()) {
        let sent_us = now_us();
        stream.write_all(template.fill(first, sent_us)).await.unwrap();
        answer.clear();
        while message_length(&answer).is_none() {
            let read = stream.read_buf(&mut answer).await.unwrap();
            assert!(read > 0, "the server closed a connection");
        }
        check(load.form, &answer);
        share.answered.lock().unwrap().saturating_record(now_us() - sent_us);
    }
}

/// When the requests of an open loop are due.
struct Schedule {
    next: AtomicU64,
    requests_a_second: u64,
    requests: u64,
    began_us: u64,
}

impl Schedule {
    /// Returns the next request's number and when it is due; none at the end.
    fn take(&self) -> Option<(u64, u64)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let due_us = self.began_us + number * 1_000_000 / self.requests_a_second;
        (number < self.requests).then_some((number, due_us))
    }
}

/// Each connection has a thread of its own: one thread would have to choose between waiting for the next time, to which
/// timers of the kernel are exact, and waiting for answers.
fn open(load: Load, schedule: &Schedule) -> Histogram<u64> {
    be_punctual();
    let mut stream = std::net::TcpStream::connect(load.address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut template = Template::new(load.form);
    let (mut answer, mut answered) = (vec![0; ANSWER_BYTES], histogram());
    while let Some((number, due_us)) = schedule.take() {
        std::thread::sleep(Duration::from_micros(due_us.saturating_sub(now_us())));
        let first = load.next + number * load.form.events();
        stream.write_all(template.fill(first, due_us)).unwrap();
        let mut length = 0;
        while message_length(&answer[..length]).is_none() {
            let read = stream.read(&mut answer[length..]).unwrap();
            assert!(read > 0, "the server closed a connection");
            length += read;
        }
        check(load.form, &answer[..length]);
        answered.saturating_record(now_us().saturating_sub(due_us));
    }
    answered
}

/// Has the kernel wake this thread when it asked for, not up to 50 us later. Where it cannot be told, latencies of an open
/// loop are that much longer.
fn be_punctual() {
    if let Ok(own) = std::fs::read_link("/proc/thread-self")
        && let Some(thread) = own.file_name()
    {
        let setting = std::path::Path::new("/proc").join(thread).join("timerslack_ns");
        drop(std::fs::write(setting, TIMER_SLACK_NS));
    }
}

fn check(form: Form, answer: &[u8]) {
    assert!(form.is_taken(answer), "events were not taken: {}", String::from_utf8_lossy(answer));
}
