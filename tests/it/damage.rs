//! Disks that lie: a bit that turned is refused or reported, and costs no more than what it belongs to.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use api::{ConsumerState, Place, ReplayOrder, ReplayState, ReplayTo};
use serde_json::{Value, json};

use crate::harness::receiver::Receiver;
use crate::harness::{Launch, Router, consumer, event, wait_for};

const COUNT: usize = 45;
const BYTES: usize = 100_000;

/// Events that can be told apart in the bytes of a file.
fn marked(number: usize, bytes: usize) -> Value {
    event(&number.to_string(), "/s", "t", json!(format!("mark-{number:04}-{}", "x".repeat(bytes))))
}

fn paused(receiver: &Receiver) -> String {
    format!("[[consumer]]\nname = \"c\"\ntarget = {{ http = \"{}\" }}\n", receiver.url("/"))
}

/// A folder of data with events that wait for a paused consumer, of a router that was stopped.
async fn stored(receiver: &Receiver, count: usize, bytes: usize) -> Launch {
    let router = Router::start(&paused(receiver));
    router.client().pause("c").await.unwrap();
    router.publish_all("default", &(0..count).map(|number| marked(number, bytes)).collect::<Vec<_>>()).await;
    router.wait_until("all decided", |overview| overview.consumers[0].pending == count as u64).await;
    let launch = router.launch().clone();
    assert!(router.terminate().0.success());
    launch
}

/// The files of a folder of data, with what they hold.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files.extend(self::files(&entry));
        } else {
            let bytes = std::fs::read(&entry).unwrap();
            files.push((entry, bytes));
        }
    }
    files.sort();
    files
}

/// Where to turn a bit: at the beginning, in the first and the last event, at the end of what is written, and behind it.
fn places(bytes: &[u8]) -> Vec<usize> {
    let written = bytes.chunks(512).rposition(|chunk| chunk.iter().any(|byte| *byte != 0)).unwrap_or(0) * 512;
    let mut places = vec![9, 20, written / 2, written + 5_000];
    if let (Some(first), Some(last)) =
        (find(&bytes[..written], 0..COUNT), find(&bytes[..written], (0..COUNT).rev()))
    {
        places.extend([first + 60, last + 60, last + BYTES + 50]);
    }
    places.retain(|place| *place < bytes.len());
    places
}

/// Finds the first of some events that a file holds.
fn find(bytes: &[u8], mut numbers: impl Iterator<Item = usize>) -> Option<usize> {
    let starts: Vec<usize> = (0..bytes.len().saturating_sub(9)).filter(|at| bytes[*at] == b'm').collect();
    numbers.find_map(|number| {
        let mark = format!("mark-{number:04}");
        starts.iter().copied().find(|at| bytes[*at..].starts_with(mark.as_bytes()))
    })
}

fn write_back(files: &[(PathBuf, Vec<u8>)], folder: &Path) {
    std::fs::remove_dir_all(folder).unwrap();
    for (path, bytes) in files {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Starts with a bit turned; returns what was seen: a refusal, or what was delivered and reported.
async fn with_a_turned_bit(
    launch: &Launch,
    (file, place): (&Path, usize),
    receiver: &Receiver,
) -> &'static str {
    let name = file.file_name().unwrap().to_string_lossy().into_owned();
    let router = match launch.clone().try_run() {
        Err(refused) => {
            assert_eq!(refused.status.code(), Some(1), "{name}:{place}: {}", refused.log);
            assert!(
                refused.log.contains(&name),
                "{name}:{place}: the refusal names no file: {}",
                refused.log
            );
            return "refused";
        }
        Ok(router) => router,
    };
    receiver.forget();
    router.client().resume("c").await.unwrap();
    let has_all = || receiver.count() >= COUNT;
    let reports = || router.log().lines().any(|line| line.contains("ERROR") || line.contains("damaged"));
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !has_all() && !reports() && std::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let right: HashSet<String> = (0..COUNT).map(|number| marked(number, BYTES)["data"].to_string()).collect();
    for one in receiver.received() {
        assert!(
            right.contains(&one.json().to_string()),
            "{name}:{place}: an event came that was never published"
        );
    }
    let torn =
        router.log().lines().any(|line| line.contains("torn_bytes: ") && !line.contains("torn_bytes: 0,"));
    let told = reports() || torn;
    assert!(
        has_all() || told,
        "{name}:{place}: {} of {COUNT} events, in silence: {}",
        receiver.count(),
        router.log()
    );
    if told { "reported" } else { "harmless" }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bit_that_turned_is_never_taken_for_the_truth() {
    let receiver = Receiver::start().await;
    let launch = stored(&receiver, COUNT, BYTES).await;
    let whole = files(launch.data());
    let mut seen_of_all = HashMap::new();
    for (file, bytes) in &whole {
        for place in places(bytes) {
            let mut turned = bytes.clone();
            turned[place] ^= 0x10;
            std::fs::write(file, &turned).unwrap();
            let seen = with_a_turned_bit(&launch, (file, place), &receiver).await;
            println!("{} byte {place}: {seen}", file.file_name().unwrap().to_string_lossy());
            *seen_of_all.entry(seen).or_insert(0) += 1;
            if seen == "refused" {
                // It changed nothing, so that the file put right is all that is needed.
                std::fs::write(file, bytes).unwrap();
            } else {
                write_back(&whole, launch.data());
            }
        }
    }
    assert!(seen_of_all["refused"] >= 6 && seen_of_all["reported"] >= 1, "{seen_of_all:?}");
    receiver.forget();
    let router = launch.run();
    router.client().resume("c").await.unwrap();
    router.settled().await;
    assert_eq!(receiver.taken().len(), COUNT, "the files put right hold everything");
}

/// Turns a bit of an event's payload. The event must lie in a segment that is not read at the start.
fn damage(launch: &Launch, number: usize) {
    let whole = files(launch.data());
    let found = whole.iter().find_map(|(file, bytes)| Some((file, bytes, find(bytes, number..=number)?)));
    let (file, bytes, at) = found.unwrap();
    let mut turned = bytes.clone();
    turned[at + 60] ^= 0x10;
    std::fs::write(file, &turned).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_over_a_damaged_event_fails_and_the_router_goes_on() {
    let receiver = Receiver::start().await;
    let launch = stored(&receiver, COUNT, BYTES).await;
    damage(&launch, 3);
    let mut router = launch.clone().run();
    let (name, bus, to) = ("over".to_owned(), "default".to_owned(), ReplayTo::Consumer("c".to_owned()));
    let order = ReplayOrder { name, bus, from: Place::Earliest, until: None, filter: None, to, rate: None };
    router.client().replay(&order).await.unwrap();
    let failed = tokio::task::block_in_place(|| {
        wait_for("the replay to fail", || {
            if let Some(status) = router.ended() {
                return Some(Err(status));
            }
            let replays = tokio::runtime::Handle::current().block_on(router.client().replays()).ok()?;
            (replays[0].state != ReplayState::Running).then_some(Ok(replays))
        })
    });
    let replays = failed.unwrap_or_else(|status| {
        panic!("one damaged event ended the router with {status}: {}", router.log())
    });
    let ReplayState::Failed { reason } = &replays[0].state else { panic!("{replays:?}") };
    assert!(reason.contains("damaged"), "{reason}");
    router.publish(event("after", "/s", "t", json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_looks_back_over_a_damaged_event_stops_with_the_reason() {
    let (old, new) = (Receiver::start().await, Receiver::start().await);
    let launch = stored(&old, COUNT, BYTES).await;
    damage(&launch, 3);
    let table = format!("name = \"new\"\nstart = \"earliest\"\ntarget = {{ http = \"{}\" }}\n", new.url("/"));
    launch.configure(&format!("{}[[consumer]]\n{table}", paused(&old)));
    let router = launch.run();
    let is_stopped = |overview: &api::Overview| match &consumer(overview, "new").state {
        ConsumerState::Stopped { reason } => reason.contains("damaged"),
        _ => false,
    };
    router.wait_until("the consumer to stop", is_stopped).await;
    router.publish(event("after", "/s", "t", json!({}))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_event_that_is_pending_holds_up_no_other() {
    const MANY: usize = 300;
    let receiver = Receiver::start().await;
    let launch = stored(&receiver, MANY, 20_000).await;
    damage(&launch, 3);
    let router = launch.run();
    router.client().resume("c").await.unwrap();
    let others = |overview: &api::Overview| consumer(overview, "c").delivered == MANY as u64 - 1;
    let overview = router.wait_until("the others", others).await;
    let status = consumer(&overview, "c");
    assert!(
        status.pending == 1 && status.holding.as_ref().unwrap().contains("cannot be read"),
        "{status:#?}"
    );
    assert!(router.log().contains("cannot be read"), "{}", router.log());
    assert!(!receiver.taken().contains(&"3".to_owned()) && receiver.taken().len() == MANY - 1);
}
