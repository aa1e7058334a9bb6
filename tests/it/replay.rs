//! A range of a bus sent again, and consumers that begin in the past: exactly what was asked for, to whom it was asked.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use api::{Place, ReplayOrder, ReplayState, ReplayStatus, ReplayTo};
use serde_json::{Value, json};

use crate::harness::peers::{ask, text};
use crate::harness::receiver::Receiver;
use crate::harness::{Router, consumer, event, peers};

/// Events with the ids of a range; every third is an order, the others are pings.
fn events(numbers: std::ops::Range<usize>) -> Vec<Value> {
    let kind = |number: usize| if number.is_multiple_of(3) { "order" } else { "ping" };
    numbers.map(|number| event(&number.to_string(), "/s", kind(number), json!({"n": number}))).collect()
}

/// Everything of the bus `default`, as fast as it goes.
fn all_of_it(name: &str, to: ReplayTo) -> ReplayOrder {
    let (bus, from) = ("default".to_owned(), Place::Earliest);
    ReplayOrder { name: name.to_owned(), bus, from, until: None, filter: None, to, rate: None }
}

async fn status(router: &Router, name: &str) -> ReplayStatus {
    let replays = router.client().replays().await.unwrap();
    replays.into_iter().find(|replay| replay.name == name).unwrap()
}

/// Waits until a replay is as wanted.
async fn wait_for(router: &Router, name: &str, wanted: impl Fn(&ReplayStatus) -> bool) -> ReplayStatus {
    let deadline = Instant::now() + crate::harness::DEADLINE;
    loop {
        let status = status(router, name).await;
        if wanted(&status) {
            return status;
        }
        assert!(Instant::now() < deadline, "waited in vain for the replay: {status:?}\n{}", router.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn is_done(status: &ReplayStatus) -> bool {
    status.state == ReplayState::Done
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_goes_to_one_consumer_and_nobody_else_sees_it() {
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    let moto = peers::moto();
    let made = ask("sqs_queue.py", &[moto.address(), "create", "replayed"]);
    let queue = made["url"].as_str().unwrap();
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"one\"\ntarget = {{ http = \"{}\" }}\n\
         [[consumer]]\nname = \"other\"\ntarget = {{ http = \"{}\" }}\n\
         [[consumer]]\nname = \"queue\"\nfilter = {{ type = [\"never\"] }}\ntarget = {{ sqs = \"{queue}\" }}\n\
         [[consumer]]\nname = \"copies\"\nfilter = {{ type = [\"order\"] }}\ntarget = {{ sqs = \"{queue}\" }}\n",
        one.url("/"),
        other.url("/")
    ));
    router.publish_all("default", &events(0..30)).await;
    router.settled().await;
    // Of the positions 4 to 21 those that hold the events 3, 6, ..., 18.
    let start = ["replay", "start", "again", "--bus", "default", "--from", "4", "--until", "21", "--filter"];
    let start = [&start[..], &[r#"{"detail-type": ["order"]}"#, "--to-consumer", "one", "--follow"]].concat();
    let output = router.command(&start);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    assert!(text(&output.stdout).contains("done, 6 events sent to consumer one"), "{}", text(&output.stdout));
    let overview = router.settled().await;
    let again: Vec<String> = one.taken_each().split_off(30);
    let wanted: HashSet<String> = (3..=18).step_by(3).map(|number| number.to_string()).collect();
    assert_eq!((again.len(), again.into_iter().collect::<HashSet<_>>()), (6, wanted));
    assert_eq!((other.taken_each().len(), consumer(&overview, "copies").matched), (30, 10));

    // In EventBridge's envelope its name stands where AWS puts it.
    let order = ReplayOrder {
        from: Place::Position(1),
        until: Some(Place::Position(1)),
        ..all_of_it("named", to("copies"))
    };
    router.client().replay(&order).await.unwrap();
    wait_for(&router, "named", is_done).await;
    router.settled().await;
    let messages = ask("sqs_queue.py", &[moto.address(), "drain", queue, "11"]);
    let bodies = messages.as_array().unwrap().iter().map(|message| message["body"].as_str().unwrap());
    let replayed: Vec<&str> = bodies.filter(|body| body.contains("replay-name")).collect();
    assert_eq!((messages.as_array().unwrap().len(), replayed.len()), (11, 1), "{replayed:?}");
    assert!(
        replayed[0].contains(r#""region":"us-east-1","replay-name":"named","resources":[]"#),
        "{replayed:?}"
    );
}

fn to(consumer: &str) -> ReplayTo {
    ReplayTo::Consumer(consumer.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_goes_to_a_bus_as_often_as_it_is_asked_for() {
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[bus.second]\n[[consumer]]\nname = \"c\"\nbus = \"second\"\nfilter = {{ type = [\"order\"] }}\n\
         target = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    router.publish_all("default", &events(0..30)).await;
    let second = || ReplayTo::Bus("second".to_owned());
    for times in 1..=2_u64 {
        // A name is free again once its replay has ended.
        router.client().replay(&all_of_it("audit", second())).await.unwrap();
        let status = wait_for(&router, "audit", is_done).await;
        assert_eq!((status.replayed, status.next, status.last), (30, 31, 30));
        let overview = router.settled().await;
        assert_eq!(overview.buses[1].head, 30 * times, "replay {times} said that it had sent 30 events");
        assert_eq!(receiver.taken_each().len() as u64, 10 * times);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_keeps_its_rate_and_ends_when_it_is_cancelled() {
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"c\"\nfilter = {{ type = [\"order\", \"ping\"] }}\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    router.publish_all("default", &events(0..400)).await;
    router.settled().await;
    let began = Instant::now();
    let order = ReplayOrder { rate: Some(100.0), ..all_of_it("slow", to("c")) };
    router.client().replay(&order).await.unwrap();
    let status = wait_for(&router, "slow", |status| {
        let most = began.elapsed().as_millis() / 10 + 2;
        assert!(u128::from(status.replayed) <= most, "{} events where {most} may be", status.replayed);
        status.replayed >= 100
    })
    .await;
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "100 events at 100 a second took {:?}",
        began.elapsed()
    );
    assert_eq!(status.state, ReplayState::Running);
    assert!(router.client().replay(&order).await.is_err(), "its name is taken as long as it runs");
    let output = router.command(&["replay", "cancel", "slow"]);
    assert!(output.status.success() && text(&output.stdout).contains("cancelled"), "{output:?}");
    let overview = router.settled().await;
    let ended = self::status(&router, "slow").await;
    assert!(ended.state == ReplayState::Cancelled && ended.ended.is_some(), "{ended:?}");
    assert_eq!(consumer(&overview, "c").delivered, 400 + ended.replayed);
    assert!(ended.replayed < 400, "{ended:?}");
    // It stays so, also after a restart.
    let router = router.crash_and_restart();
    assert_eq!(self::status(&router, "slow").await, ended);
    assert_eq!(router.settled().await.buses[0].head, 400 + ended.replayed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_that_is_killed_goes_on_and_sends_every_event_exactly_once() {
    const COUNT: usize = 600;
    let (own, beyond, unchecked) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let mut router = Router::start(&format!(
        r#"
        [bus.second]
        [bus.unchecked]
        dedup = "off"
        [[consumer]]
        name = "own"
        target = {{ http = "{}" }}
        [[consumer]]
        name = "beyond"
        bus = "second"
        target = {{ http = "{}" }}
        [[consumer]]
        name = "unchecked"
        bus = "unchecked"
        target = {{ http = "{}" }}
        "#,
        own.url("/"),
        beyond.url("/"),
        unchecked.url("/")
    ));
    router.publish_all("default", &events(0..COUNT)).await;
    router.settled().await;
    let orders = [
        ("to-own", to("own")),
        ("to-second", ReplayTo::Bus("second".to_owned())),
        ("to-unchecked", ReplayTo::Bus("unchecked".to_owned())),
    ];
    for (name, to) in orders.clone() {
        let order = ReplayOrder {
            until: Some(Place::Position(COUNT as u64)),
            rate: Some(800.0),
            ..all_of_it(name, to)
        };
        router.client().replay(&order).await.unwrap();
    }
    for kill in 1..=3 {
        wait_for(&router, "to-second", |status| status.replayed >= kill * 120).await;
        router = router.crash_and_restart();
    }
    for (name, _) in &orders {
        let status = wait_for(&router, name, is_done).await;
        assert_eq!(status.replayed, COUNT as u64, "{status:?}");
    }
    let overview = router.settled().await;
    let heads: Vec<(&str, u64)> = overview.buses.iter().map(|bus| (bus.name.as_str(), bus.head)).collect();
    let count = COUNT as u64;
    assert_eq!(heads, [("default", 2 * count), ("second", count), ("unchecked", count)]);
    for (receiver, name, matched) in [(&own, "own", 2), (&beyond, "beyond", 1), (&unchecked, "unchecked", 1)]
    {
        assert_eq!(consumer(&overview, name).matched, matched * count);
        assert_eq!(receiver.taken().len(), COUNT, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_begins_where_it_is_told_to() {
    let receivers = [Receiver::start().await, Receiver::start().await, Receiver::start().await];
    let router = Router::start("[[consumer]]\nname = \"old\"\ntarget = { file = \"{folder}/old.jsonl\" }\n");
    router.publish_all("default", &events(0..1_000)).await;
    let between = router.settled().await.at;
    router.wait_until("time to pass", |overview| overview.at.since(between) > Duration::from_millis(5)).await;
    router.publish_all("default", &events(1_000..2_000)).await;
    router.settled().await;
    // A dead letter in the log is no event, and a replayed one is only for its consumer.
    router
        .client()
        .replay(&ReplayOrder { until: Some(Place::Position(10)), ..all_of_it("r", to("old")) })
        .await
        .unwrap();
    wait_for(&router, "r", is_done).await;
    let starts =
        [("earliest", "earliest".to_owned()), ("latest", "latest".to_owned()), ("time", after(between))];
    let new = starts.iter().zip(&receivers).map(|((name, start), receiver)| {
        let url = receiver.url("/");
        format!("[[consumer]]\nname = \"{name}\"\nstart = \"{start}\"\ntarget = {{ http = \"{url}\", mode = \"batch\" }}\n")
    });
    let config: String = new.collect();
    let router = router.crash_and_restart_with(&config);
    // In the middle of looking back.
    router.wait_until("a start", |overview| consumer(overview, "earliest").matched > 0).await;
    let router = router.crash_and_restart();
    router.publish_all("default", &events(2_000..2_010)).await;
    let overview = router
        .wait_until("all events", |overview| {
            consumer(overview, "earliest").matched >= 2_010 && consumer(overview, "time").matched >= 1_010
        })
        .await;
    assert_eq!(overview.consumers.iter().map(|one| one.matched).collect::<Vec<_>>(), [2_010, 10, 1_010]);
    let overview = router.settled().await;
    assert_eq!(overview.consumers.iter().map(|one| one.delivered).collect::<Vec<_>>(), [2_010, 10, 1_010]);
    for (receiver, first) in receivers.iter().zip([0, 2_000, 1_000]) {
        let taken: HashSet<String> = receiver.taken().into_iter().collect();
        assert_eq!(taken, (first..2_010).map(|number| number.to_string()).collect::<HashSet<_>>());
    }
}

/// A time as the configuration takes it, a little after another.
fn after(time: event::Timestamp) -> String {
    time.after(Duration::from_millis(2)).to_string()
}
