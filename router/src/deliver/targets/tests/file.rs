use std::fs;
use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use event::{Data, Event};

use super::{Class, Client, Outcome, connect, error, in_words, order, send};
use crate::config::Target;
use crate::deliver::targets::{line, stdout};

const DELIVERED: Outcome = Outcome::Delivered { status: None };

async fn file(path: &Path) -> Client {
    connect(&Target::File { path: path.to_owned() }).await.unwrap()
}

/// Returns the ids of the events in a file, each of which must be a line of JSON.
fn ids(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let id =
        |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned();
    text.lines().map(id).collect()
}

#[tokio::test]
async fn events_are_appended_one_a_line_in_folders_made_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b/orders.jsonl");
    let client = file(&path).await;
    assert!(!path.exists(), "connecting touches nothing");
    for id in ["1", "2"] {
        assert_eq!(send(&client, &order(id)).await, DELIVERED);
    }
    assert_eq!(send(&file(&path).await, &order("3")).await, DELIVERED);
    assert_eq!(ids(&path), ["1", "2", "3"]);
    assert_eq!(client.address(), format!("file {}", path.display()));
}

#[tokio::test]
async fn a_payload_of_many_lines_is_written_on_one() {
    let mut event = order("1");
    event.data = Some(Data::Json(Bytes::from_static(b"{\r\n  \"text\": \"a\\nb\"\n}")));
    let line = String::from_utf8(line::encode(&event)).unwrap();
    assert_eq!(line.find(['\n', '\r']), Some(line.len() - 1), "{line}");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["data"]["text"], "a\nb");
}

#[tokio::test]
async fn attempts_at_the_same_time_do_not_mix_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    let client = file(&path).await;
    let events: Vec<Event> = (0..50).map(|id| order(&id.to_string())).collect();
    let outcomes = futures::future::join_all(events.iter().map(|event| send(&client, event))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == DELIVERED));
    let mut found: Vec<u32> = ids(&path).iter().map(|id| id.parse().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, (0..50).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_file_that_was_moved_or_removed_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("orders.jsonl"), folder.path().join("orders.1"));
    let client = file(&path).await;
    assert_eq!(send(&client, &order("1")).await, DELIVERED);
    fs::rename(&path, &old).unwrap();
    assert_eq!(send(&client, &order("2")).await, DELIVERED);
    assert_eq!((ids(&old), ids(&path)), (vec!["1".to_owned()], vec!["2".to_owned()]));
    fs::remove_file(&path).unwrap();
    assert_eq!(send(&client, &order("3")).await, DELIVERED);
    assert_eq!(ids(&path), ["3"]);
}

#[tokio::test]
async fn a_torn_line_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    fs::write(&path, "{\"id\":\"0\"}\n{\"id\":\"to").unwrap();
    assert_eq!(send(&file(&path).await, &order("1")).await, DELIVERED);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().nth(1), Some("{\"id\":\"to"));
    assert!(text.lines().nth(2).unwrap().contains("\"id\":\"1\""), "{text}");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_retried_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orders.jsonl");
    fs::create_dir(&path).unwrap();
    let client = file(&path).await;
    let outcome = send(&client, &order("1")).await;
    assert_eq!(in_words(&outcome), "retryable");
    let error = error(outcome);
    assert!(error.starts_with(&format!("cannot append to {}: Is a directory", path.display())), "{error}");
    fs::remove_dir(&path).unwrap();
    assert_eq!(send(&client, &order("1")).await, DELIVERED);
    assert_eq!(ids(&path), ["1"]);
}

struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_standard_output_is_retryable() {
    let Outcome::Failed(failure) = stdout::outcome(stdout::write(&mut Closed, b"{}\n")) else {
        panic!("delivered")
    };
    assert_eq!((failure.class, failure.status), (Class::Retryable, None));
    assert_eq!(failure.error, "cannot write to standard output: broken pipe");
}

#[tokio::test]
async fn standard_output_gets_a_flushed_line() {
    let mut output = io::BufWriter::new(Vec::new());
    stdout::write(&mut output, &line::encode(&order("1"))).unwrap();
    assert!(output.get_ref().ends_with(b"}\n"), "the buffer keeps nothing back");
    let client = connect(&Target::Stdout).await.unwrap();
    assert_eq!(client.address(), "stdout");
}
