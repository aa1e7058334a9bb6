//! What is dropped or lost, and that it is counted.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use railpost_otel::{Config, Exporter};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{advance, sleep, timeout};

use crate::peers::{Collector, Daemon, nobody_by_tcp, nobody_by_udp};
use crate::{export, hops};

#[tokio::test]
async fn hops_past_the_queue_limit_are_dropped_and_counted() {
    let daemon = Daemon::start().await;
    let config = Config { xray_daemon: Some(daemon.address), queue_max: 4, ..Config::default() };
    let (exporter, service) = Exporter::new(config).unwrap();
    let hop = hops().swap_remove(0);
    (0..7).for_each(|_| exporter.offer(&hop));
    assert_eq!((exporter.counters().offered, exporter.counters().dropped), (7, 3));
    service.run(async {}).await;
    assert_eq!(daemon.expect(4).await.len(), 4);

    exporter.offer(&hop);
    let counters = exporter.counters();
    assert_eq!((counters.offered, counters.exported_xray, counters.dropped), (8, 4, 4), "after the end");
}

#[tokio::test]
async fn a_hop_that_is_not_sampled_is_ignored() {
    let (daemon, collector) = (Daemon::start().await, Collector::start(0));
    let config =
        Config { xray_daemon: Some(daemon.address), otlp: Some(collector.endpoint()), ..Config::default() };
    let counters = export(config, &hops()[hops().len() - 1..]).await;
    assert_eq!(counters, railpost_otel::Counters::default());
    daemon.expect(0).await;
    assert_eq!(collector.taken().len(), 0);
}

#[tokio::test]
async fn a_collector_that_is_down_costs_its_spans_and_no_document() {
    let daemon = Daemon::start().await;
    let otlp = Some(format!("http://{}", nobody_by_tcp()));
    let config = Config { xray_daemon: Some(daemon.address), otlp, ..Config::default() };
    let counters = export(config, &hops()[..1]).await;
    assert_eq!((counters.failed_otlp, counters.exported_otlp, counters.dropped), (1, 0, 0));
    assert!(counters.last_error.as_deref().unwrap().starts_with("otlp: "), "{counters:?}");
    assert_eq!(counters.exported_xray, 1);
    daemon.expect(1).await;
}

#[tokio::test]
async fn every_document_for_a_daemon_that_is_down_is_counted() {
    let config = Config { xray_daemon: Some(nobody_by_udp()), ..Config::default() };
    let hops = vec![hops().swap_remove(0); 5];
    let counters = export(config, &hops).await;
    assert_eq!((counters.failed_xray, counters.exported_xray), (5, 0));
    let error = counters.last_error.unwrap();
    assert!(error.starts_with("x-ray: ") && error.contains("refused"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_collector_that_never_answers_does_not_hold_up_the_end() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let otlp = Some(format!("http://{}", silent.local_addr().unwrap()));
    let hops = hops();
    let ended = timeout(Duration::from_millis(2_100), export(Config { otlp, ..Config::default() }, &hops));
    let counters = ended.await.expect("it ends within two seconds");
    assert_eq!((counters.dropped, counters.exported_otlp), (counters.offered, 0));
}

#[tokio::test(start_paused = true)]
async fn failures_are_logged_once_a_minute() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || sink.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let config = Config { xray_daemon: Some(nobody_by_udp()), ..Config::default() };
    let (exporter, service) = Exporter::new(config).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let hop = hops().swap_remove(0);
    let driver = async {
        for failed in 1..=3 {
            exporter.offer(&hop);
            wait_until(|| exporter.counters().failed_xray == failed).await;
        }
        assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
        advance(Duration::from_mins(1)).await;
        exporter.offer(&hop);
        wait_until(|| exporter.counters().failed_xray == 4).await;
        drop(stop);
    };
    tokio::join!(service.run(async { drop(stopped.await) }), driver);
    let lines = log.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("traces are not exported") && lines[0].contains("lost=1"), "{lines:?}");
    assert!(lines[1].contains("lost=3") && lines[1].contains("exporter=\"x-ray\""), "{lines:?}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_once() {
    let refusal = |config| Exporter::new(config).map(drop).unwrap_err().to_string();
    let endpoint = refusal(Config { otlp: Some("http://[".to_owned()), ..Config::default() });
    assert_eq!(endpoint, "cannot use the OTLP endpoint `http://[`");
    let queue = refusal(Config { queue_max: 0, ..Config::default() });
    assert_eq!(queue, "the queue of the trace exporter must hold at least one hop");
}

async fn wait_until(mut holds: impl FnMut() -> bool) {
    let held = async {
        while !holds() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), held).await.unwrap();
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        String::from_utf8_lossy(&bytes)
            .lines()
            .filter(|line| line.contains("WARN"))
            .map(str::to_owned)
            .collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
