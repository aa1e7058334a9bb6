//! The examples: their cases hold, they start as they stand, and some of them run for real.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::harness::peers::text;
use crate::harness::{Router, railpost, root, wait_for};

/// What the examples must be about.
const EXAMPLES: [&str; 8] = [
    "click-sessions",
    "late-files",
    "monthly-sales",
    "order-quorum",
    "s3-manifest",
    "sensor-stream",
    "store-files",
    "upload-parts",
];

fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("examples")).unwrap();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Reads what a consumer's file has by now, once it has so many lines; without an `order_by` they are in any order.
fn lines(file: &Path, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} lines of {}", file.display()), || {
        let text = fs::read_to_string(file).ok()?;
        let (whole, _) = text.rsplit_once('\n')?;
        let lines: Vec<Value> = whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (lines.len() >= count).then_some(lines)
    })
}

/// The same, sorted by the groups' keys.
fn by_key(file: &Path, count: usize) -> Vec<Value> {
    let mut releases = lines(file, count);
    releases.sort_by_key(|release| release["data"]["key"].to_string());
    releases
}

fn names<'r>(release: &'r Value, list: &str) -> Vec<&'r str> {
    let list = release["data"][list].as_array().unwrap().iter();
    list.map(|one| one.as_str().or_else(|| one["name"].as_str()).unwrap()).collect()
}

/// Starts a copy of an example with its own configuration.
fn start(name: &str) -> Router {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let example = root().join("examples").join(name);
    copy(&example, folder.path());
    let config = fs::read_to_string(example.join("railpost.toml")).unwrap();
    Router::start_in(folder, &config)
}

/// The same, and publishes its events.
fn run(name: &str) -> Router {
    let router = start(name);
    let events = router.folder().join("events.jsonl");
    let config = fs::read_to_string(router.folder().join("railpost.toml")).unwrap();
    let bus = if config.contains("[bus.landing]") { "landing" } else { "default" };
    let output = router.command(&["publish", "--bus", bus, "--file", events.to_str().unwrap()]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    router
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

#[test]
fn every_example_says_what_it_shows_and_its_cases_hold() {
    let folders = folders();
    let names: Vec<_> = folders.iter().map(|folder| folder.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, EXAMPLES);
    for (folder, name) in folders.iter().zip(names) {
        assert!(folder.join("README.md").exists(), "{name} has no README.md");
        let file = folder.join("railpost.toml");
        let config = fs::read_to_string(&file).unwrap();
        assert!(config.contains("= { file = \"releases.jsonl\" }"), "{name} shows no release");
        let cases = config.lines().filter(|line| *line == "[[case]]").count();
        assert!(cases >= 3, "{name} has {cases} cases");
        let output = railpost().arg("check").arg(&file).output().unwrap();
        let (said, errors) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && errors.is_empty(), "{name}: {said}{errors}");
        assert!(said.ends_with(&format!("\n{cases} cases hold\n")), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_starts_as_it_stands() {
    for name in EXAMPLES {
        let router = start(name);
        let overview = router.settled().await;
        assert_eq!(overview.aggregations.len(), 1, "{name}");
        let (status, log) = router.terminate();
        assert!(status.success() && !log.contains("WARN"), "{name}: {log}");
    }
}

#[test]
fn an_aggregation_takes_no_more_than_fifteen_lines() {
    for folder in folders() {
        let config = fs::read_to_string(folder.join("railpost.toml")).unwrap();
        let start = config.find("[[aggregation]]").unwrap();
        let mut lines = config[start..].lines().take_while(|line| !line.starts_with("[[consumer]]"));
        let count = lines.by_ref().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).count();
        assert!(count <= 15, "{}: {count} lines", folder.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn upload_parts_runs_as_it_stands() {
    let router = run("upload-parts");
    let releases = by_key(&router.folder().join("releases.jsonl"), 2);
    assert_eq!(releases[0]["data"]["key"], "film.mp4");
    assert_eq!(names(&releases[0], "parts"), ["1", "2", "3"]);
    let bytes: Vec<_> = (0..3).map(|at| &releases[0]["data"]["parts"][at]["data"]["bytes"]).collect();
    assert_eq!(bytes, [&json!("YQ=="), &json!("Yg=="), &json!("Yw==")]);
    assert_eq!(
        (&releases[1]["data"]["key"], names(&releases[1], "parts")),
        (&json!("notes.txt"), vec!["1", "2"])
    );
    let overview = router.settled().await;
    let uploads = &overview.aggregations[0];
    assert_eq!((uploads.offered, uploads.released, uploads.duplicate, uploads.open_groups), (6, 5, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn order_quorum_runs_as_it_stands() {
    let router = run("order-quorum");
    let releases = lines(&router.folder().join("releases.jsonl"), 1);
    assert_eq!((&releases[0]["type"], &releases[0]["data"]["key"]), (&json!("order.whole"), &json!("A-7")));
    let merged = &releases[0]["data"]["merged"];
    assert_eq!(
        (&merged["customer"], &merged["paid"]["amount"], &merged["shelf"]),
        (&json!("Ada"), &json!(40), &json!(12))
    );
    let groups = router.client().groups(Some("orders")).await.unwrap();
    assert_eq!((groups.len(), groups[0].key.as_str()), (1, "A-8"));
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_manifest_runs_as_it_stands() {
    let router = run("s3-manifest");
    let releases = by_key(&router.folder().join("releases.jsonl"), 2);
    let found: Vec<_> = releases.iter().map(|one| (&one["data"]["key"], names(one, "parts"))).collect();
    let first = (&json!("2026-11-19"), vec!["orders.csv", "lines/2.csv", "lines/1.csv"]);
    assert_eq!(found, [first, (&json!("2026-11-20"), vec!["orders.csv"])]);
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sensor_stream_runs_as_it_stands() {
    let router = run("sensor-stream");
    let told = lines(&router.folder().join("releases.jsonl"), 5);
    let sequence: Vec<&Value> = [0, 1, 2, 4].map(|at| &told[at]["data"]["seq"]).to_vec();
    assert_eq!(sequence, [&json!(1), &json!(2), &json!(3), &json!(6)]);
    assert_eq!(told[3]["type"], "reading.in-order.gap");
    assert_eq!((&told[3]["data"]["from"], &told[3]["data"]["to"]), (&json!(4), &json!(5)));
    router.settled().await;
}
