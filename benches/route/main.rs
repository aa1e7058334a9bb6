//! Durable routing, HTTP in to HTTP out, beside a bare HTTP echo on the same machine in the same run.
//!
//! `cargo bench --bench route` prints one line a measurement: requests or events a second, and latencies. The generator,
//! the receiver and the server under test share the machine; the servers are processes of their own.
//!
//! * echo: an axum handler that reads the body and answers 204
//! * single: one 600-byte event a request, three consumers that filter by content, one of which matches
//! * batch: a hundred of them a request, delivered one a request
//! * paced: single, at a fixed rate; latency counts from the time at which the event should have been sent

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "it prints what it measured")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "figures of a short run are small"
)]

mod generator;
mod receiver;
mod server;

use std::time::Duration;

use generator::{Load, Measured};
use receiver::Receiver;
use server::Server;

/// How long one measurement runs.
const RUN: Duration = Duration::from_secs(8);
/// How long a server works before it is measured.
const WARM_UP: Duration = Duration::from_secs(2);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    if arguments.get(1).is_some_and(|argument| argument == "echo") {
        runtime.block_on(server::echo());
    } else {
        runtime.block_on(measure());
    }
}

async fn measure() {
    println!("| work | connections | a second | answered p50 / p99 | delivered p50 / p99 | server CPU |");
    println!("|---|---|---|---|---|---|");
    for connections in [1, 64] {
        let echo = Server::echo();
        let load = Load { connections, batch: 1, rate: None };
        report("echo", &load, &run(&echo, load, None).await);
    }
    for (name, load) in [
        ("single", Load { connections: 1, batch: 1, rate: None }),
        ("single", Load { connections: 64, batch: 1, rate: None }),
        ("batch of 100", Load { connections: 8, batch: 100, rate: None }),
        ("paced 500/s", Load { connections: 16, batch: 1, rate: Some(500) }),
        ("paced 5000/s", Load { connections: 64, batch: 1, rate: Some(5_000) }),
    ] {
        let receiver = Receiver::start().await;
        let router = Server::router(receiver.address());
        report(name, &load, &run(&router, load, Some(&receiver)).await);
    }
}

async fn run(server: &Server, load: Load, receiver: Option<&Receiver>) -> Measured {
    generator::run(server.address(), load, WARM_UP).await;
    if let Some(receiver) = receiver {
        receiver.drained().await;
        receiver.reset();
    }
    let cpu = server.cpu();
    let mut measured = generator::run(server.address(), load, RUN).await;
    if let Some(receiver) = receiver {
        let took = receiver.drained().await.saturating_sub(measured.began_us);
        measured.delivered = Some(receiver.latencies());
        // Until the last event is out, not only in.
        measured.seconds = measured.seconds.max(took as f64 / 1e6);
    }
    measured.cpu = server.cpu().saturating_sub(cpu);
    measured
}

fn report(name: &str, load: &Load, measured: &Measured) {
    let events = measured.requests * load.batch as u64;
    let span = |histogram: &hdrhistogram::Histogram<u64>| {
        format!(
            "{} / {}",
            micros(histogram.value_at_quantile(0.5)),
            micros(histogram.value_at_quantile(0.99))
        )
    };
    let delivered = measured.delivered.as_ref().map_or_else(|| "-".to_owned(), span);
    println!(
        "| {name} | {} | {:.0} | {} | {delivered} | {:.1} us an event |",
        load.connections,
        events as f64 / measured.seconds,
        span(&measured.answered),
        measured.cpu.as_secs_f64() * 1e6 / events as f64,
    );
}

fn micros(value: u64) -> String {
    if value < 10_000 { format!("{value} us") } else { format!("{:.1} ms", value as f64 / 1e3) }
}
