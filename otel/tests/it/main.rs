//! What a collector and a daemon get of the hops in `tests/data/hops.jsonl`, and what is counted when they do not.

#![expect(unreachable_pub, reason = "a test binary has no outside")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod collector;
mod daemon;
mod headers;
mod limits;
mod peers;

use std::sync::Arc;

use event::Hop;
use railpost_otel::{Config, Counters, Exporter};

/// The span that the publisher of the table's first hop sent.
const PUBLISHER: &str = "53995c3f42cd8ad8";

/// Returns the hops of the table; the last one is not sampled.
fn hops() -> Vec<Arc<Hop>> {
    let table = include_str!("../data/hops.jsonl");
    table.lines().map(|line| Arc::new(serde_json::from_str(line).unwrap())).collect()
}

/// Offers hops and shuts down, which sends them.
async fn export(config: Config, hops: &[Arc<Hop>]) -> Counters {
    let (exporter, service) = Exporter::new(config).unwrap();
    for hop in hops {
        exporter.offer(hop);
    }
    service.run(async {}).await;
    exporter.counters()
}
