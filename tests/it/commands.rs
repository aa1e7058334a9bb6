//! The command line as people use it: publish, tail, explain, groups, status, check, demo, and the README's commands.

use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::harness::peers::text;
use crate::harness::receiver::{Received, Receiver};
use crate::harness::{Router, event, railpost, root};

fn stdout(output: &std::process::Output) -> String {
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_sends_one_event_from_flags_and_many_from_lines() {
    let receiver = Receiver::start().await;
    let router = Router::start(&format!(
        "[[consumer]]\nname = \"all\"\ntarget = {{ http = \"{}\" }}\n",
        receiver.url("/")
    ));
    let one = [
        "publish",
        "--source",
        "cli",
        "--type",
        "greeting",
        "--id",
        "one",
        "--data",
        r#"{"hello": "world"}"#,
    ];
    assert!(stdout(&router.command(&one)).contains("one"));

    let lines = router.folder().join("events.jsonl");
    let good = ["two", "three"].map(|id| event(id, "cli", "greeting", json!({})).to_string());
    std::fs::write(&lines, format!("{}\n{{\"id\": 4}}\n{}\n", good[0], good[1])).unwrap();
    let output = router.command(&["publish", "--file", lines.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "a bad line fails the command");
    assert!(text(&output.stderr).contains('2'), "the bad line is named: {}", text(&output.stderr));

    let mut child = railpost()
        .args(["publish", "--file", "-"])
        .env("RAILPOST_URL", router.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{}", event("five", "cli", "greeting", json!({}))).unwrap();
    assert!(child.wait().unwrap().success());

    let through =
        ["publish", "--eventbridge", "--source", "cli", "--type", "greeting", "--data", r#"{"n": 6}"#];
    stdout(&router.command(&through));
    let requests = receiver.expect(5).await;
    let ids: Vec<String> = requests.iter().map(Received::id).collect();
    for id in ["one", "two", "three", "five"] {
        assert!(ids.iter().any(|got| got == id), "{id} is not among {ids:?}");
    }
    assert!(requests.iter().any(|one| one.json() == json!({"n": 6})));
    router.settled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_groups_tail_and_status_answer_people_and_programs() {
    let router = Router::start(
        r#"
        [[consumer]]
        name = "billing"
        filter = { data = { total = [{ numeric = [">", 100] }] } }
        target = { file = "{folder}/billing.jsonl" }
        [[aggregation]]
        name = "daily"
        filter = { type = ["file"] }
        key = "$.data.day"
        part = "{$.data.store}"
        complete = { any = [{ expected = ["paris", "lyon"] }, { deadline = "2h" }] }
        emit = { type = "day" }
        "#,
    );
    router.publish(event("small", "/shop", "order", json!({"total": 40}))).await;
    router.publish(event("file-1", "/files", "file", json!({"day": "monday", "store": "lyon"}))).await;
    router.settled().await;

    let explained = stdout(&router.command(&["explain", "small"]));
    let line = r#"data.total: wanted {"numeric":[">",100]}, found 40; closest: 40 is not > 100"#;
    assert!(explained.contains("billing") && explained.contains(line), "{explained}");
    let explained: Value =
        serde_json::from_str(&stdout(&router.command(&["explain", "small", "--json"]))).unwrap();
    assert_eq!(explained["decisions"][0]["matched"], false);
    assert_eq!(explained["decisions"][0]["fields"][0]["closest"], "40 is not > 100");
    let missing = router.command(&["explain", "no-such-event"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("no-such-event"), "{missing:?}");

    let groups = stdout(&router.command(&["groups"]));
    assert!(groups.contains("monday") && groups.contains("paris"), "{groups}");
    let groups: Value =
        serde_json::from_str(&stdout(&router.command(&["groups", "--aggregation", "daily", "--json"])))
            .unwrap();
    assert_eq!(groups[0]["missing"][0]["name"], "paris");
    let status = stdout(&router.command(&["status"]));
    assert!(status.contains("billing") && status.contains("daily"), "{status}");
    serde_json::from_str::<Value>(&stdout(&router.command(&["status", "--json"]))).unwrap();
    let letters = stdout(&router.command(&["dead-letters", "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&letters).unwrap(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn tail_shows_hops_as_they_happen() {
    use std::io::{BufRead, BufReader};
    let router = Router::start("");
    router.publish(event("before", "/s", "t", json!({}))).await;
    let mut child = railpost()
        .args(["tail", "--json", "--last", "10"])
        .env("RAILPOST_URL", router.url())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["event"], "before");
    router.publish(event("after", "/s", "t", json!({}))).await;
    let mut hop = next();
    while hop["event"] != "after" {
        hop = next();
    }
    assert_eq!(hop["step"]["kind"], "received");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn check_points_at_the_mistake_and_says_how_to_mend_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("railpost.toml");
    std::fs::write(
        &file,
        "[[consumer]]\nname = \"a\"\nfliter = { source = [\"s\"] }\ntarget = { stdout = true }\n",
    )
    .unwrap();
    let output = railpost().arg("check").arg(&file).output().unwrap();
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in ["railpost.toml", "3", "fliter", "filter"] {
        assert!(said.contains(part), "`{part}` is missing: {said}");
    }
    std::fs::write(&file, "[[consumer]]\nname = \"a\"\ntarget = { stdout = true }\n").unwrap();
    let output = railpost().arg("check").arg(&file).output().unwrap();
    assert!(stdout(&output).contains("valid"), "{output:?}");
}

#[test]
fn the_demo_ends_by_itself_and_its_ledgers_balance() {
    let output = railpost().arg("demo").stdin(Stdio::null()).output().unwrap();
    let said = stdout(&output);
    assert!(said.contains("balanced") && !said.contains("NOT balanced"), "{said}");
}

#[test]
fn the_configuration_in_the_readme_is_valid() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!blocks.is_empty());
    let folder = tempfile::tempdir().unwrap();
    for block in blocks {
        let file = folder.path().join("railpost.toml");
        std::fs::write(&file, block).unwrap();
        stdout(&railpost().arg("check").arg(&file).output().unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_publish_command_of_the_readme_runs_as_it_stands() {
    let router = Router::start("");
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let publish = readme.lines().find(|line| line.starts_with("railpost publish")).unwrap();
    let script = format!("railpost() {{ \"$RAILPOST\" \"$@\"; }}; {publish}");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .env("RAILPOST", env!("CARGO_BIN_EXE_railpost"))
        .env("RAILPOST_URL", router.url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{publish}: {}", text(&output.stderr));
    let overview = router.settled().await;
    assert_eq!(overview.buses[0].head, 1);
}
