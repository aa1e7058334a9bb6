//! `railpost publish`: one event from flags, or many from a file.

mod batches;
mod cloudevents;
#[cfg(feature = "aws")]
mod eventbridge;

use std::io::Read;
use std::path::Path;

use serde_json::value::RawValue;

use crate::args::{EventArgs, Publish};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;
use crate::text::count;

/// What became of the events.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    published: u64,
    refused: u64,
}

/// Publishes and prints the ids of what was acknowledged.
pub(crate) async fn run(args: Publish) -> Result<Exit, Failure> {
    let tally = if args.eventbridge {
        through_eventbridge(&args).await?
    } else {
        cloudevents::publish(&args).await?
    };
    if tally.refused > 0 {
        let all = tally.published + tally.refused;
        screen::note(&format!("published {} of {}", tally.published, count(all, "event")));
        return Ok(Exit::Failed);
    }
    Ok(Exit::Done)
}

#[cfg(feature = "aws")]
async fn through_eventbridge(args: &Publish) -> Result<Tally, Failure> {
    eventbridge::publish(args).await
}

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "it stands in for a function that waits")]
async fn through_eventbridge(_: &Publish) -> Result<Tally, Failure> {
    Err(Failure::Usage { reason: "this build has no AWS SDK, which --eventbridge needs".to_owned() })
}

/// Returns the payload that the flags name, checked to be one JSON value and otherwise verbatim.
fn payload(args: &EventArgs) -> Result<Option<String>, Failure> {
    let text = match (&args.data, &args.data_file) {
        (Some(data), _) => data.clone(),
        (None, Some(path)) => {
            read_all(path).map_err(|source| Failure::File { path: path.clone(), source })?
        }
        (None, None) => return Ok(None),
    };
    match serde_json::from_str::<&RawValue>(&text) {
        Ok(json) => Ok(Some(json.get().to_owned())),
        Err(error) => {
            let help = args.data.as_deref().and_then(quoted);
            Err(Failure::Payload { reason: error.to_string(), help })
        }
    }
}

/// Returns how to write a word on the command line, where it was meant as a text of JSON.
fn quoted(data: &str) -> Option<String> {
    let meant_as_json = data.trim_start().starts_with(['{', '[', '"']);
    if meant_as_json {
        return None;
    }
    let example = if data.contains('\'') || data.len() > 40 { "hello" } else { data };
    let json = serde_json::to_string(example).ok()?;
    Some(format!("JSON text needs quotes: --data '{json}'"))
}

fn read_all(path: &Path) -> std::io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_told_to_need_quotes() {
        assert_eq!(quoted("hello").unwrap(), "JSON text needs quotes: --data '\"hello\"'");
        assert_eq!(quoted("it's").unwrap(), "JSON text needs quotes: --data '\"hello\"'");
        assert_eq!(quoted("{\"total\": }"), None);
    }
}
