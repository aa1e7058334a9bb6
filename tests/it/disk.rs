//! A disk that is full: publishers are told, the reason is said, and nothing that was acknowledged is lost.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::json;

use crate::harness::receiver::Receiver;
use crate::harness::{Launch, event, http, skip, wait_for};

/// A disk of so many megabytes that only those see who enter its namespace. It is gone when this is dropped.
struct SmallDisk {
    holder: Child,
    mounted: PathBuf,
}

impl SmallDisk {
    /// Mounts it, as a user where the system lets users do so, else as root; none if neither is possible.
    fn mount(at: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m tmpfs '{}' && echo mounted && exec cat",
            at.display()
        );
        ["-rm", "-m"].into_iter().find_map(|flags| {
            let mut command = Command::new("unshare");
            command.args([flags, "sh", "-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut holder = command.stderr(Stdio::null()).spawn().ok()?;
            let mut line = String::new();
            BufReader::new(holder.stdout.take()?).read_line(&mut line).ok()?;
            let disk = Self { holder, mounted: at.to_owned() };
            (line.trim() == "mounted").then_some(disk)
        })
    }

    /// The command line before one that is to see the disk.
    fn enter(&self) -> Vec<String> {
        let process = self.holder.id().to_string();
        ["nsenter", "-t", &process, "-U", "-m", "--preserve-credentials", "--"].map(str::to_owned).to_vec()
    }

    /// A file of it, as it is seen from outside.
    fn file(&self, name: &str) -> PathBuf {
        let inside = self.mounted.strip_prefix("/").unwrap().join(name);
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(inside)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// What publishers were told while the disk filled up.
#[derive(Default)]
struct Told {
    acknowledged: Vec<String>,
    /// Requests that found nobody any more.
    unanswered: usize,
    /// Answers that ask to come back later.
    later: usize,
}

/// Publishes large events until one is refused.
async fn fill(url: String, publisher: usize) -> Told {
    let (client, mut told) = (http(), Told::default());
    let filler = "x".repeat(400_000);
    for number in 0.. {
        let id = format!("{publisher}-{number}");
        let body = event(&id, "/s", "t", json!(filler)).to_string();
        let request = client.post(&url).header("content-type", "application/cloudevents+json").body(body);
        match request.send().await {
            Ok(answer) if answer.status() == 204 => told.acknowledged.push(id),
            Ok(answer) => {
                assert_eq!(
                    (answer.status().as_u16(), answer.headers().contains_key("retry-after")),
                    (503, true)
                );
                told.later += 1;
                break;
            }
            Err(error) => {
                // A request that was taken is answered; after that nobody listens any more.
                assert!(error.is_connect(), "{id}: {error:?}");
                told.unanswered += 1;
                break;
            }
        }
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_with_a_reason_and_loses_nothing() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 80) else {
        return skip(
            "neither `unshare -rm` nor `unshare -m` can mount here, so that a full disk was not tested",
        );
    };
    std::fs::write(disk.file("other"), vec![0; 30 << 20]).unwrap();
    let launch = Launch::within(folder.clone()).wrapped(folder.path().join("disk/data"), disk.enter());
    launch.configure("");
    let mut router = launch.clone().run();
    let publishers = (0..4).map(|publisher| fill(router.url().to_owned(), publisher));
    let told = futures::future::join_all(publishers).await;
    let status = tokio::task::block_in_place(|| wait_for("the router to end", || router.ended()));
    let log = router.log();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("No space left on device") && log.contains("bus `default`"), "{log}");
    drop(router);
    let acknowledged: HashSet<String> = told.iter().flat_map(|told| told.acknowledged.clone()).collect();
    let later: usize = told.iter().map(|told| told.later).sum();
    let unanswered: usize = told.iter().map(|told| told.unanswered).sum();
    println!(
        "{} events acknowledged; then 503 for {later} of 4 publishers, nobody there for {unanswered}",
        acknowledged.len()
    );
    assert!(acknowledged.len() > 20 && later > 0, "nobody was told to come back later");

    // Starting again on the full disk may be refused, with the reason, and does no harm.
    if let Err(refused) = launch.clone().try_run() {
        assert!(refused.log.contains("No space left on device"), "{}", refused.log);
    }
    std::fs::remove_file(disk.file("other")).unwrap();
    let receiver = Receiver::start().await;
    let table =
        format!("name = \"c\"\nstart = \"earliest\"\ntarget = {{ http = \"{}\" }}\n", receiver.url("/"));
    launch.configure(&format!("[[consumer]]\n{table}"));
    let router = launch.run();
    router.publish(event("after", "/s", "t", json!({}))).await;
    router.settled().await;
    let taken: HashSet<String> = receiver.taken().into_iter().collect();
    let lost: Vec<&String> = acknowledged.iter().filter(|id| !taken.contains(*id)).collect();
    assert!(lost.is_empty() && taken.contains("after"), "lost: {lost:?}");
}
