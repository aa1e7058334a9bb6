//! Targets that misbehave in every way there is hold up themselves and nobody else.

use std::time::{Duration, Instant};

use api::{EventDetail, Overview};
use event::Step;
use serde_json::{Value, json};

use crate::harness::receiver::Receiver;
use crate::harness::rogue::{Manner, Rogue};
use crate::harness::{Router, consumer, event};

const COUNT: usize = 300;
const CONCURRENCY: usize = 4;

fn events(count: usize, filler: usize) -> Vec<Value> {
    let data = |number: usize| json!({"n": number, "filler": "x".repeat(filler)});
    // The first few are for targets that take long for each.
    let kind = |number: usize| if number < 6 { "few" } else { "many" };
    (0..count).map(|number| event(&number.to_string(), "/s", kind(number), data(number))).collect()
}

fn table(name: &str, url: &str, more: &str) -> String {
    format!(
        "[[consumer]]\nname = \"{name}\"\ntarget = {{ http = \"{url}\", timeout = \"300ms\" }}\n\
         concurrency = {CONCURRENCY}\nretry = {{ interval = \"20ms\", interval_max = \"100ms\", attempts = 1000 }}\n{more}\n"
    )
}

/// What the attempts at an event for a consumer said, and how long they took.
fn attempts(detail: &EventDetail, name: &str) -> Vec<(String, Duration)> {
    let of_name = detail.hops.iter().filter_map(|hop| match &hop.step {
        Step::Attempted { consumer, error, .. } if **consumer == *name => {
            Some((error.clone().unwrap_or_default(), hop.ended.since(hop.started)))
        }
        _ => None,
    });
    of_name.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_consumer_has_all_while_the_others_have_none() {
    let (healthy, failing) = (Receiver::start().await, Receiver::start().await);
    failing.answer_always(500);
    let manners = [
        ("hangs", Manner::Hangs, "no answer within 300ms"),
        ("trickles", Manner::Trickles, "no answer within 300ms"),
        ("resets", Manner::Resets, "the connection broke"),
        ("hangs-up", Manner::HangsUp, "the connection broke"),
    ];
    let rogues: Vec<Rogue> = manners.iter().map(|(_, manner, _)| Rogue::start(*manner)).collect();
    let bad = manners.iter().zip(&rogues).map(|((name, ..), rogue)| table(name, &rogue.url(), ""));
    let bad = bad.collect::<String>() + &table("fails", &failing.url("/"), "");
    let good = format!("[[consumer]]\nname = \"healthy\"\ntarget = {{ http = \"{}\" }}\n", healthy.url("/"));
    let router = Router::start(&(bad + &good));
    let began = Instant::now();
    router.publish_all("default", &events(COUNT, 0)).await;
    healthy.expect(COUNT).await;
    assert!(began.elapsed() < Duration::from_secs(5), "the healthy consumer waited: {:?}", began.elapsed());
    assert_eq!(healthy.taken().len(), COUNT);

    let failed = |overview: &Overview, name: &str| consumer(overview, name).failures >= CONCURRENCY as u64;
    let expected = manners.iter().map(|(name, _, error)| (*name, *error)).chain([("fails", "500 Internal")]);
    for (name, error) in expected {
        let overview = router.wait_until("attempts", |overview| failed(overview, name)).await;
        let status = consumer(&overview, name);
        assert_eq!(
            (status.delivered, status.pending, status.dead_lettered),
            (0, COUNT as u64, 0),
            "{status:#?}"
        );
        assert!(status.failures < 100, "{name}: {} attempts at a target that does not work", status.failures);
        assert!(status.last_error.as_ref().unwrap().contains(error), "{status:#?}");
        let detail = router.client().explain("0").await.unwrap();
        let attempts = attempts(&detail, name);
        assert!(!attempts.is_empty() && attempts[0].0.contains(error), "{name}: {attempts:?}");
        let (least, most) = if error.contains("300ms") { (290, 2_000) } else { (0, 1_000) };
        let took = attempts[0].1.as_millis();
        assert!((least..most).contains(&took), "{name}: an attempt took {took} ms");
    }
    for ((name, ..), rogue) in manners.iter().zip(&rogues) {
        assert!(rogue.count() < 100, "{name}: {} requests", rogue.count());
    }
    assert_eq!(healthy.count(), COUNT);
    crate::harness::assert_balanced(&router.client().overview().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_asks_for_time_is_left_alone_for_as_long() {
    let (busy, healthy) = (Receiver::start().await, Receiver::start().await);
    let good = format!("[[consumer]]\nname = \"healthy\"\ntarget = {{ http = \"{}\" }}\n", healthy.url("/"));
    let router = Router::start(&(table("busy", &busy.url("/"), "") + &good));
    let (first, rest) = (events(100, 0), events(COUNT, 0).split_off(100));
    router.publish_all("default", &first).await;
    router.settled().await;
    busy.answer_next(429, Some("2"));
    let began = Instant::now();
    router.publish_all("default", &rest).await;
    healthy.expect(COUNT).await;
    assert!(
        began.elapsed() < Duration::from_millis(1_900),
        "the healthy consumer waited: {:?}",
        began.elapsed()
    );
    let held = |overview: &Overview| consumer(overview, "busy").holding.clone();
    let is_held = |overview: &Overview| held(overview).is_some_and(|why| why.starts_with("held"));
    let overview = router.wait_until("a target that is held", is_held).await;
    let holding = held(&overview).unwrap();
    assert!(holding.starts_with("held until 20") && holding.ends_with("by the target"), "{holding}");
    let status = consumer(&overview, "busy");
    // What was sent before its answer had arrived went through, in whatever order the answers came.
    assert!((100..100 + 4 * CONCURRENCY as u64).contains(&status.delivered), "{status:#?}");
    assert_eq!(status.pending, COUNT as u64 - status.delivered);
    router.settled().await;
    let asked = busy.received().iter().find(|one| one.status == 429).unwrap().at;
    let after = busy.times().into_iter().filter(|at| *at > asked).map(|at| at - asked);
    let early = |wait: &Duration| (500..2_000).contains(&wait.as_millis());
    assert_eq!(after.clone().filter(early).count(), 0, "it was not left alone");
    let next = after.filter(|wait| wait.as_millis() >= 500).min().unwrap();
    assert!(next < Duration::from_secs(4), "it was left alone for {next:?}");
    assert_eq!(busy.taken().len(), COUNT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_busy_at_first_gets_everything_soon_after() {
    let busy = Receiver::start().await;
    busy.answer_next(429, Some("1"));
    // One at a time, so that nothing was taken before that answer.
    let config = table("busy", &busy.url("/"), "").replace("concurrency = 4", "concurrency = 1");
    let router = Router::start(&config);
    router.publish_all("default", &events(20, 0)).await;
    let began = Instant::now();
    router.settled().await;
    assert_eq!(busy.taken().len(), 20);
    assert!(began.elapsed() < Duration::from_secs(12), "20 events took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_died_costs_a_timeout_and_a_slow_body_nothing() {
    let (dead, slow) = (Rogue::start(Manner::GoesDead), Rogue::start(Manner::TricklesBody));
    let few = "filter = { type = [\"few\"] }";
    let alone = few.to_owned() + "\nrate = 1000";
    let config = table("dead", &dead.url(), &alone).replace("concurrency = 4", "concurrency = 1")
        + &table("slow", &slow.url(), few);
    let router = Router::start(&config);
    router.publish_all("default", &events(6, 0)).await;
    let began = Instant::now();
    let overview = router.settled().await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let counts = |name: &str| (consumer(&overview, name).delivered, consumer(&overview, name).failures);
    assert_eq!(counts("slow"), (6, 0), "the status decides, whatever becomes of the body");
    let (delivered, failures) = counts("dead");
    assert!(delivered == 6 && (1..=6).contains(&failures), "{overview:#?}");
    assert_eq!(dead.count(), 6, "each event was answered on a connection of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn backlogs_of_dead_targets_stay_on_disk() {
    const COUNT: usize = 2_500;
    const CONSUMERS: usize = 6;
    let (healthy, hanging) = (Receiver::start().await, Rogue::start(Manner::Hangs));
    let bad = (0..CONSUMERS).map(|number| table(&format!("bad-{number}"), &hanging.url(), ""));
    let good = format!("[[consumer]]\nname = \"healthy\"\ntarget = {{ http = \"{}\" }}\n", healthy.url("/"));
    let router = Router::start(&(bad.collect::<String>() + &good));
    router.publish_all("default", &events(10, 0)).await;
    healthy.expect(10).await;
    let before = router.memory();
    let more = events(COUNT + 10, 8_000).split_off(10);
    router.publish_all("default", &more).await;
    healthy.expect(COUNT + 10).await;
    let overview = router.client().overview().await.unwrap();
    for number in 0..CONSUMERS {
        assert_eq!(consumer(&overview, &format!("bad-{number}")).pending, COUNT as u64 + 10);
    }
    let grown = router.memory().saturating_sub(before) >> 20;
    println!("{} MB of events for {CONSUMERS} dead targets: {grown} MB of memory", (COUNT * 8_000) >> 20);
    assert!(grown < 70, "{grown} MB");
}
