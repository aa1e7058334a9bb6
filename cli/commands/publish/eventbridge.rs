//! Publishing through the EventBridge API, with the AWS SDK as any other program would.

use std::env;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};

use aws_config::BehaviorVersion;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::{Credentials, Region};
use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::operation::put_events::PutEventsError;
use aws_sdk_eventbridge::primitives::{DateTime, DateTimeFormat};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::batches::{Batches, Numbered, name_line};
use super::{Tally, payload};
use crate::args::Publish;
use crate::failure::Failure;
use crate::screen;
use crate::text::escape;

/// Entries in one request, as EventBridge has it.
const BATCH: usize = 10;
/// The region where the environment names none; a router does not care.
const REGION: &str = "us-east-1";

/// One line of a file: an entry of a PutEvents request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Entry<'a> {
    source: Option<String>,
    detail_type: Option<String>,
    /// A string that holds JSON, as the API takes it, or the JSON itself.
    #[serde(borrow)]
    detail: Option<&'a RawValue>,
    event_bus_name: Option<String>,
    #[serde(default)]
    resources: Vec<String>,
    /// RFC 3339.
    time: Option<String>,
    trace_header: Option<String>,
}

/// A connection to the EventBridge API of a router.
struct Publisher<'a> {
    client: Client,
    url: &'a str,
    tally: Tally,
}

/// Publishes what the flags or the lines of a file say.
pub(super) async fn publish(args: &Publish) -> Result<Tally, Failure> {
    let url = args.router.url.as_str();
    let mut publisher = Publisher { client: connect(url).await, url, tally: Tally::default() };
    let Some(file) = &args.file else {
        let entry = from_flags(args)?;
        let mut left = args.count;
        while left > 0 {
            let size = left.min(BATCH as u64);
            publisher.send((0..size).map(|_| (None, entry.clone())).collect()).await?;
            left -= size;
        }
        return Ok(publisher.tally);
    };
    let mut batches = Batches::open(file).await?;
    while let Some(batch) = batches.next(BATCH, |line| from_line(line, &args.bus)).await? {
        let some = |numbered: Numbered<PutEventsRequestEntry>| (Some(numbered.line), numbered.item);
        publisher.send(batch.into_iter().map(some).collect()).await?;
    }
    publisher.tally.refused += batches.refused;
    Ok(publisher.tally)
}

fn from_flags(args: &Publish) -> Result<PutEventsRequestEntry, Failure> {
    let event = &args.event;
    let time = event.time.unwrap_or_else(jiff::Timestamp::now);
    let detail = payload(event)?.unwrap_or_else(|| "{}".to_owned());
    Ok(PutEventsRequestEntry::builder()
        .event_bus_name(&args.bus)
        .source(&event.source)
        .set_detail_type(event.kind.clone())
        .detail(detail)
        .time(DateTime::from_secs(time.as_second()))
        .build())
}

fn from_line(line: &str, bus: &str) -> Result<PutEventsRequestEntry, String> {
    let entry: Entry<'_> = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let detail = match entry.detail.map(RawValue::get) {
        Some(text) if text.starts_with('"') => {
            Some(serde_json::from_str(text).map_err(|error| format!("`Detail`: {error}"))?)
        }
        other => other.map(ToOwned::to_owned),
    };
    let time = entry.time.map(|time| DateTime::from_str(&time, DateTimeFormat::DateTimeWithOffset));
    let time = time.transpose().map_err(|error| format!("`Time`: {error}"))?;
    let resources = Some(entry.resources).filter(|resources| !resources.is_empty());
    Ok(PutEventsRequestEntry::builder()
        .event_bus_name(entry.event_bus_name.unwrap_or_else(|| bus.to_owned()))
        .set_source(entry.source)
        .set_detail_type(entry.detail_type)
        .set_detail(detail)
        .set_resources(resources)
        .set_time(time)
        .set_trace_header(entry.trace_header)
        .build())
}

impl Publisher<'_> {
    /// Publishes entries in one request, and names the ones that were refused.
    async fn send(&mut self, batch: Vec<(Option<u64>, PutEventsRequestEntry)>) -> Result<(), Failure> {
        let (lines, entries): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let answer = self.client.put_events().set_entries(Some(entries)).send().await;
        let answer = answer
            .map_err(|error| Failure::EventBridge { url: self.url.to_owned(), reason: reason(&error) })?;
        for (line, result) in lines.into_iter().zip(answer.entries()) {
            if let Some(id) = result.event_id() {
                self.tally.published += 1;
                screen::print(&escape(id))?;
            } else {
                let code = result.error_code().unwrap_or("no code");
                name_line(line, &format!("{code}: {}", result.error_message().unwrap_or_default()));
                self.tally.refused += 1;
            }
        }
        Ok(())
    }
}

/// Returns the API's own code and words, or what stood in the way of an answer.
fn reason(error: &SdkError<PutEventsError>) -> String {
    if let Some(code) = error.code() {
        return format!("{code}: {}", error.message().unwrap_or("no reason given"));
    }
    let mut root: &dyn Error = error;
    while let Some(cause) = root.source() {
        root = cause;
    }
    root.to_string()
}

/// Returns a client for the router at `url`, with the environment's credentials. Where it has none, a router on this
/// machine gets made-up ones, which it does not check; the SDK signs no request without.
async fn connect(url: &str) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http).endpoint_url(url);
    if is_loopback(url) {
        loader = loader.region(region());
        if env::var_os("AWS_ACCESS_KEY_ID").is_none() && env::var_os("AWS_PROFILE").is_none() {
            loader =
                loader.credentials_provider(Credentials::new("railpost", "railpost", None, None, "railpost"));
        }
    }
    Client::new(&loader.load().await)
}

/// Returns the region that the environment names, without asking a cloud's metadata service for it.
fn region() -> Region {
    let named = env::var("AWS_REGION").or_else(|_| env::var("AWS_DEFAULT_REGION"));
    Region::new(named.unwrap_or_else(|_| REGION.to_owned()))
}

fn is_loopback(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let address = authority.parse().map(|address: SocketAddr| address.ip()).ok();
    let address = address.or_else(|| authority.trim_matches(['[', ']']).parse::<IpAddr>().ok());
    address.map_or(host == "localhost", |address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_gets_made_up_credentials() {
        for url in [
            "http://127.0.0.1:7245",
            "http://localhost:1",
            "http://[::1]:80/",
            "http://localhost",
            "http://[::1]",
        ] {
            assert!(is_loopback(url), "{url}");
        }
        for url in
            ["https://events.eu-west-1.amazonaws.com", "http://10.0.0.1:7245", "http://localhost.example:1"]
        {
            assert!(!is_loopback(url), "{url}");
        }
    }

    #[test]
    fn a_detail_may_be_json_or_a_string_of_it() {
        for line in [r#"{"Source":"s","Detail":{"n":1.10}}"#, r#"{"Source":"s","Detail":"{\"n\":1.10}"}"#] {
            let entry = from_line(line, "landing").unwrap();
            assert_eq!((entry.detail(), entry.event_bus_name()), (Some("{\"n\":1.10}"), Some("landing")));
        }
    }

    #[test]
    fn a_bad_entry_says_why() {
        let check = |line: &str, expected: &str| {
            let reason = from_line(line, "default").unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        };
        check(r#"{"source":"s"}"#, "unknown field `source`");
        check(r#"{"Source":"s","Time":"noon"}"#, "`Time`");
        check("not json", "expected");
    }
}
