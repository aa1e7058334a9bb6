//! What happens in the example: its files, its events, and when they come.

use std::time::Duration;

use api::Client;
use bytes::Bytes;
use jiff::ToSpan;
use jiff::civil::{Date, date};
use tokio::time::sleep;

use crate::failure::Failure;

/// The configuration among [`FILES`].
pub(super) const CONFIG: &str = "railpost.toml";

/// The example's files and where each one belongs.
pub(super) const FILES: [(&str, &str); 2] = [
    (CONFIG, include_str!("../../../examples/late-files/railpost.toml")),
    (
        "schemas/aws.s3/ObjectCreated/1.json",
        include_str!("../../../examples/late-files/schemas/aws.s3/ObjectCreated/1.json"),
    ),
];

/// What a person reads before the first line.
pub(super) const PROLOGUE: &str = "\
Three stores send one file of sales a day. The files arrive out of order; whoever reports on a day wants one event.
  2026-11-19  every store reports, the last one long after the files of the next day
  2026-11-20  the file _SUCCESS closes the day early, without nice
  2026-11-21  lyon never reports; the deadline completes the day
A notification does not follow its schema, and the consumer `billing` cannot be reached.
";

/// From the end of one round to the next.
pub(super) const BETWEEN_ROUNDS: Duration = Duration::from_secs(4);

const EVENTS: &str = include_str!("../../../examples/late-files/events.jsonl");
const BUS: &str = "landing";
/// Between two events: slow enough to follow, fast enough for the deadline of the first two days not to pass.
const BETWEEN_EVENTS: Duration = Duration::from_millis(400);
/// The days that the events are about.
const FIRST_DAY: Date = date(2026, 11, 19);
const DAYS: i64 = 3;

/// Publishes the events one by one. Each round is about other days, and its events have other ids.
pub(super) async fn tell(client: &Client, round: i64) -> Result<(), Failure> {
    for line in EVENTS.lines() {
        let body = Bytes::from(retold(line, round));
        client.publish(BUS, "application/cloudevents+json", body).await?;
        sleep(BETWEEN_EVENTS).await;
    }
    Ok(())
}

/// Returns an event's line with the days and the id of a round; round 0 is the file's own.
fn retold(line: &str, round: i64) -> String {
    if round == 0 {
        return line.to_owned();
    }
    let mut line = line.replacen("\"id\":\"", &format!("\"id\":\"r{round}-"), 1);
    for day in 0..DAYS {
        let day = FIRST_DAY.saturating_add(day.days());
        let later = day.saturating_add((round * DAYS).days());
        line = line.replace(&day.to_string(), &later.to_string());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_round_has_its_own_ids_and_days() {
        for line in EVENTS.lines() {
            let retold = retold(line, 2);
            assert!(retold.contains("\"id\":\"r2-e"), "{retold}");
            assert!(!retold.contains("2026-11-19") && !retold.contains("2026-11-2\u{30}T"), "{retold}");
        }
        assert!(retold(EVENTS, 1).contains("sales/2026-11-22/paris.csv"));
        assert_eq!(retold(EVENTS, 0), EVENTS);
    }
}
