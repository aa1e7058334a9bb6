//! Those about crashes, stops, failing deliveries and what somebody does by hand.

use std::time::{Duration, Instant};

use api::{AggregationStatus, GroupAction, GroupOrder, Overview};
use serde_json::{Value, json};

use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, consumer, event, wait_for};

/// An aggregation `groups` of the events `part` by `$.data.key`, and a consumer of its releases.
fn gathering(receiver: &Receiver, keys: &str) -> String {
    format!(
        r#"
        [[aggregation]]
        name = "groups"
        filter = {{ type = ["part"] }}
        key = "$.data.key"
        emit = {{ type = "group", parts = "included" }}
        {keys}

        [[consumer]]
        name = "releases"
        filter = {{ type = ["group", "group.late"] }}
        target = {{ http = "{}", mode = "structured" }}
        retry = {{ attempts = 100, interval = "50ms", interval_max = "100ms" }}
        "#,
        receiver.url("/")
    )
}

fn part(id: &str, key: &str) -> Value {
    event(id, "/parts", "part", json!({"key": key}))
}

async fn publish(router: &Router, parts: &[(&str, &str)]) {
    for (id, key) in parts {
        router.publish(part(id, key)).await;
    }
}

/// Waits until that many parts were offered.
async fn offered(router: &Router, count: u64) -> AggregationStatus {
    let all = |overview: &Overview| overview.aggregations[0].offered == count;
    router.wait_until("the parts", all).await.aggregations.remove(0)
}

/// Releases all open groups by hand.
async fn release_all(router: &Router) -> u64 {
    let order = GroupOrder {
        aggregation: "groups".to_owned(),
        group: "*".to_owned(),
        action: GroupAction::Release,
        by: "ada".to_owned(),
        why: "the producer ended".to_owned(),
    };
    router.client().handle(&order).await.unwrap()
}

fn events_of(release: &Value) -> Vec<&str> {
    let parts = release["data"]["parts"].as_array().unwrap().iter();
    parts.map(|part| part["id"].as_str().unwrap()).collect()
}

/// The releases that came, by key.
fn by_key(receiver: &Receiver) -> Vec<Value> {
    let mut releases: Vec<Value> = receiver.received().iter().map(Received::json).collect();
    releases.sort_by_key(|release| release["data"]["key"].to_string());
    releases
}

/// Lets time pass in which no router runs.
fn downtime(since: Instant, length: Duration) {
    wait_for("the downtime to pass", || (since.elapsed() >= length).then_some(()));
}

/// All open groups can be released at once, apart from what completes each of them.
#[tokio::test(flavor = "multi_thread")]
async fn vector_9077_somebody_releases_all_open_groups_at_once() {
    let receiver = Receiver::start().await;
    let router = Router::start(&gathering(&receiver, r#"complete = { deadline = "none" }"#));
    publish(&router, &[("1", "a"), ("2", "b"), ("3", "c"), ("4", "a")]).await;
    offered(&router, 4).await;
    assert_eq!(release_all(&router).await, 3);
    receiver.expect(3).await;
    let releases = by_key(&receiver);
    let parts: Vec<_> = releases.iter().map(events_of).collect();
    assert_eq!(parts, [vec!["1", "4"], vec!["2"], vec!["3"]]);
    for release in &releases {
        assert_eq!(release["data"]["completed_by"], "order", "{release}");
        assert_eq!(release["data"]["history"][0]["why"], "the producer ended", "{release}");
    }
    publish(&router, &[("5", "a")]).await;
    let groups = offered(&router, 5).await;
    assert_eq!((groups.open_groups, groups.open, groups.releases), (1, 1, 3));
    router.settled().await;
    assert_eq!(receiver.count(), 3);
}

/// A stop takes what is half full with it to the next start: groups whose time has not come, and deliveries to a target
/// that was down all the while. A batch has no timer that could run out after the stop.
#[tokio::test(flavor = "multi_thread")]
async fn vector_11405_a_stop_loses_neither_a_half_full_group_nor_a_delivery() {
    let receiver = Receiver::start().await;
    receiver.answer_always(503);
    let config = format!(
        r#"
        [router]
        drain = "300ms"
        [[consumer]]
        name = "store"
        filter = {{ type = ["part"] }}
        target = {{ http = "{}", mode = "batch" }}
        batch = 100
        retry = {{ attempts = 1000, interval = "50ms", interval_max = "100ms" }}
        {}"#,
        receiver.url("/"),
        gathering(&receiver, r#"complete = { any = [{ count = 100 }, { deadline = "30m" }] }"#)
    );
    let router = Router::start(&config);
    publish(&router, &[("1", "a"), ("2", "a"), ("3", "a")]).await;
    offered(&router, 3).await;
    receiver.expect(1).await;
    let launch = router.launch().clone();
    let (status, log) = router.terminate();
    assert!(status.success(), "{log}");
    assert_eq!(receiver.taken(), [""; 0]);

    receiver.answer_always(204);
    let router = launch.run();
    let all = |overview: &Overview| consumer(overview, "store").delivered == 3;
    router.wait_until("the deliveries", all).await;
    let mut taken = receiver.taken();
    taken.sort();
    assert_eq!(taken, ["1", "2", "3"]);
    let groups = router.client().groups(None).await.unwrap();
    assert_eq!((groups.len(), groups[0].parts.len()), (1, 3));
    let groups = offered(&router, 3).await;
    assert_eq!((groups.open, groups.releases), (3, 0));
}

/// A batch that is not full does not wait for more: what is there goes at once.
#[tokio::test(flavor = "multi_thread")]
async fn vector_11405_a_batch_that_is_not_full_goes_at_once() {
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"store\"\nbatch = 100\ntarget = {{ http = \"{}\", mode = \"batch\" }}\n",
        receiver.url("/")
    ));
    let since = Instant::now();
    publish(&router, &[("1", "a"), ("2", "a"), ("3", "a")]).await;
    let all = |overview: &Overview| consumer(overview, "store").delivered == 3;
    router.wait_until("the deliveries", all).await;
    assert!(since.elapsed() < Duration::from_secs(5), "it took {:?}", since.elapsed());
    assert_eq!(receiver.taken(), ["1", "2", "3"]);
}

/// What a full group refuses is counted, and kept with the reason.
#[tokio::test(flavor = "multi_thread")]
async fn redpanda_3700_what_a_full_group_refuses_is_kept_with_the_reason() {
    let receiver = Receiver::start().await;
    let keys = "complete = { deadline = \"none\" }\nparts_max = 3\nat_limit = \"refuse\"";
    let router = Router::start(&gathering(&receiver, keys));
    let events: Vec<Value> = (0..200).map(|number| part(&number.to_string(), "a")).collect();
    router.publish_all("default", &events).await;
    let groups = offered(&router, 200).await;
    assert_eq!((groups.open, groups.discarded, groups.refused), (3, 197, 197));
    router.settled().await;
    let letters = router.client().dead_letters(Some("aggregation/groups"), 1_000).await.unwrap();
    assert_eq!(letters.len(), 197);
    for letter in &letters {
        assert!(letter.reason.contains("3 parts"), "{letter:?}");
    }
}

/// A limit that says `wait` holds up the bus until there is room: no part is refused, and none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn redpanda_3700_what_there_is_no_room_for_waits() {
    let receiver = Receiver::start().await;
    let keys = "complete = { any = [{ count = 10 }, { deadline = \"300ms\" }] }\ngroups_max = 1\nat_limit = \"wait\"";
    let router = Router::start(&gathering(&receiver, keys));
    let events: Vec<Value> = (0..4).map(|number| part(&number.to_string(), &number.to_string())).collect();
    router.publish_all("default", &events).await;
    receiver.expect(4).await;
    let releases = by_key(&receiver);
    assert_eq!(releases.iter().map(events_of).collect::<Vec<_>>(), [["0"], ["1"], ["2"], ["3"]]);
    assert!(releases.iter().all(|release| release["data"]["completed_by"] == "deadline"), "{releases:?}");
    let groups = offered(&router, 4).await;
    assert_eq!((groups.released, groups.discarded, groups.open), (4, 0, 0));
    router.settled().await;
}

/// A reset that was due while nothing ran is made up for at the start, before anything that came later.
#[tokio::test(flavor = "multi_thread")]
async fn argo_1543_a_reset_during_a_downtime_is_made_up_for() {
    const RESET: Duration = Duration::from_secs(3);
    let receiver = Receiver::start().await;
    let keys = r#"
        part = "$.id"
        complete = { any = [{ expected = ["a", "b"] }, { deadline = "3s" }] }
        partial = "discard"
        late = "new-group"
    "#;
    let mut router = Router::start(&gathering(&receiver, keys));
    publish(&router, &[("a", "pair")]).await;
    let since = Instant::now();
    offered(&router, 1).await;
    router.kill();
    let launch = router.launch().clone();
    downtime(since, RESET);
    let router = launch.run();
    publish(&router, &[("b", "pair")]).await;
    let groups = offered(&router, 2).await;
    assert_eq!((groups.discarded, groups.open, groups.released), (1, 1, 0));
    let open = router.client().groups(None).await.unwrap();
    assert_eq!(open[0].parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(receiver.count(), 0);
}

/// What was complete and is remembered as such is known after a crash too; its parts are kept no longer.
#[tokio::test(flavor = "multi_thread")]
async fn spring_2217_a_part_that_is_late_after_a_crash_opens_no_group() {
    let receiver = Receiver::start().await;
    let mut router = Router::start(&gathering(&receiver, "complete = { count = 2 }\nlate = \"side\""));
    publish(&router, &[("1", "a"), ("2", "a")]).await;
    receiver.expect(1).await;
    router.settled().await;
    router = router.crash_and_restart();
    let (status, shown) = router.get("/api/v1/groups/show?aggregation=groups&group=a").await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((status, &shown["ended"]["released"], &shown["parts"]), (200, &json!(true), &json!([])));
    publish(&router, &[("3", "a")]).await;
    let late = receiver.expect(2).await[1].json();
    assert_eq!((&late["type"], &late["data"]["id"]), (&json!("group.late"), &json!("3")));
    let groups = offered(&router, 3).await;
    assert_eq!((groups.late, groups.released, groups.open_groups), (1, 2, 0));
    router.settled().await;
}

/// A deadline that passed while nothing ran fires at the start, once for each aggregation that owns such a group, with no
/// event to wake it; the release says that it is late and why.
#[tokio::test(flavor = "multi_thread")]
async fn spring_3334_deadlines_during_a_downtime_fire_at_the_start() {
    let receiver = Receiver::start().await;
    let other = r#"
        [[aggregation]]
        name = "others"
        filter = { type = ["other"] }
        key = "$.data.key"
        complete = { deadline = "1s" }
        emit = { type = "group" }
    "#;
    let config = format!("{}{other}", gathering(&receiver, r#"complete = { deadline = "1s" }"#));
    let mut router = Router::start(&config);
    publish(&router, &[("1", "a")]).await;
    router.publish(event("2", "/parts", "other", json!({"key": "b"}))).await;
    let since = Instant::now();
    router.wait_until("both groups", |all| all.aggregations.iter().all(|one| one.open_groups == 1)).await;
    router.kill();
    let launch = router.launch().clone();
    downtime(since, Duration::from_millis(2_500));
    let router = launch.run();
    receiver.expect(2).await;
    let overview = router.settled().await;
    let releases = by_key(&receiver);
    let found: Vec<_> = releases.iter().map(|one| (&one["data"]["aggregation"], events_of(one))).collect();
    assert_eq!(found, [(&json!("groups"), vec!["1"]), (&json!("others"), vec!["2"])]);
    for release in &releases {
        assert_eq!(release["data"]["completed_by"], "deadline");
        assert!(release["data"]["late_by_ms"].as_u64().unwrap() >= 1_000, "{release}");
        assert_eq!(release["data"]["late_because"], "the router was not running when it was due");
    }
    assert!(overview.aggregations.iter().all(|one| (one.releases, one.open_groups) == (1, 0)));
}

/// A release that time made is delivered, tried again and given up as one that its last part made; what is given up has
/// all parts.
#[tokio::test(flavor = "multi_thread")]
async fn spring_3559_a_release_by_time_that_fails_is_kept_with_its_parts() {
    let receiver = Receiver::start().await;
    receiver.answer_always(500);
    let keys = r#"complete = { any = [{ count = 2 }, { deadline = "300ms" }] }"#;
    let config = gathering(&receiver, keys).replace("attempts = 100", "attempts = 2");
    let router = Router::start(&config);
    publish(&router, &[("1", "counted"), ("2", "counted"), ("3", "timed")]).await;
    let failed = |overview: &Overview| consumer(overview, "releases").dead_lettered == 2;
    let overview = router.wait_until("the dead letters", failed).await;
    let letters = router.client().dead_letters(Some("releases"), 10).await.unwrap();
    let mut found: Vec<_> = letters
        .iter()
        .map(|letter| {
            let release: Value = serde_json::from_str(letter.event.get()).unwrap();
            let by = release["data"]["completed_by"].as_str().unwrap().to_owned();
            (by, events_of(&release).join(","), letter.attempts.len(), letter.reason.contains("500"))
        })
        .collect();
    found.sort();
    let expected = [("count", "1,2"), ("deadline", "3")];
    assert_eq!(found, expected.map(|(by, parts)| (by.to_owned(), parts.to_owned(), 3, true)));
    assert_eq!(consumer(&overview, "releases").delivered, 0);
    router.settled().await;
}

/// A stop by itself completes nothing, and what somebody releases just before it is told once, whatever the timer says.
#[tokio::test(flavor = "multi_thread")]
async fn camel_23235_what_is_released_just_before_a_stop_is_told_once() {
    const ROUNDS: u64 = 5;
    let receiver = Receiver::start().await;
    let mut router = Router::start(&gathering(&receiver, r#"complete = { idle = "60s" }"#));
    for round in 1..=ROUNDS {
        for number in 1..=3 {
            router.publish(part(&format!("{round}-{number}"), &format!("{round}-{number}"))).await;
        }
        offered(&router, round * 3).await;
        let launch = router.launch().clone();
        let (status, log) = router.terminate();
        assert!(status.success(), "{log}");
        router = launch.run();
        assert_eq!(router.client().groups(None).await.unwrap().len(), 3, "round {round}");

        assert_eq!(release_all(&router).await, 3, "round {round}");
        let launch = router.launch().clone();
        let (status, log) = router.terminate();
        assert!(status.success(), "{log}");
        router = launch.run();
    }
    let all = |overview: &Overview| consumer(overview, "releases").delivered == ROUNDS * 3;
    let overview = router.wait_until("the releases", all).await;
    assert_eq!(overview.aggregations[0].releases, ROUNDS * 3);
    let keys: Vec<Value> = by_key(&receiver).iter().map(|one| one["data"]["key"].clone()).collect();
    let expected: Vec<Value> = (1..=ROUNDS)
        .flat_map(|round| (1..=3).map(move |number| json!(format!("{round}-{number}"))))
        .collect();
    assert_eq!(keys, expected);
    router.settled().await;
}

/// After a crash only a release that nobody confirmed is delivered again, under its own id; an open group is no release.
#[tokio::test(flavor = "multi_thread")]
async fn camel_26115_after_a_crash_only_what_was_complete_is_delivered_again() {
    let receiver = Receiver::start().await;
    receiver.answer_always(503);
    let keys = r#"complete = { any = [{ count = 2 }, { deadline = "1h" }] }"#;
    let mut router = Router::start(&gathering(&receiver, keys));
    publish(&router, &[("1", "done"), ("2", "open"), ("3", "done")]).await;
    let id = receiver.expect(1).await[0].id();
    for _ in 0..3 {
        let before = receiver.count();
        router = router.crash_and_restart();
        receiver.expect(before + 2).await;
    }
    receiver.answer_always(204);
    let all = |overview: &Overview| consumer(overview, "releases").delivered == 1;
    router.wait_until("the release", all).await;
    assert!(receiver.received().iter().all(|one| one.id() == id));
    assert_eq!(receiver.taken_each(), [id]);
    let open = router.client().groups(None).await.unwrap();
    assert_eq!((open.len(), open[0].key.as_str(), open[0].parts.len()), (1, "open", 1));
    let overview = router.settled().await;
    assert_eq!((overview.aggregations[0].releases, consumer(&overview, "releases").dead_lettered), (1, 0));
}

/// A window that one event opens and another one ends keeps its start over a crash and over a stop.
#[tokio::test(flavor = "multi_thread")]
async fn ekuiper_3847_a_window_between_two_events_outlives_crash_and_stop() {
    let receiver = Receiver::start().await;
    let keys = r#"complete = { any = [{ when = { data = { last = [true] } } }, { deadline = "none" }] }"#;
    let mut router = Router::start(&gathering(&receiver, keys));
    publish(&router, &[("t1", "a")]).await;
    offered(&router, 1).await;
    let opened = router.client().groups(None).await.unwrap()[0].opened.to_string();
    router = router.crash_and_restart();
    publish(&router, &[("t2", "a")]).await;
    offered(&router, 2).await;
    let launch = router.launch().clone();
    assert!(router.terminate().0.success());
    router = launch.run();
    router.publish(event("t3", "/parts", "part", json!({"key": "a", "last": true}))).await;
    let release = receiver.expect(1).await[0].json();
    assert_eq!(events_of(&release), ["t1", "t2", "t3"]);
    assert_eq!(
        (&release["data"]["completed_by"], &release["data"]["opened"]),
        (&json!("when"), &json!(opened))
    );
    router.settled().await;
    assert_eq!(receiver.count(), 1);
}
