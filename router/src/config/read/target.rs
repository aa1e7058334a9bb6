//! `target`: exactly one of its kinds, and the options that this kind has.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::Reader;
use super::values::{UrlKind, span};
use crate::config::error::Code;
use crate::config::file::{At, ModeName, TargetTable};
use crate::config::model::{AwsService, Bus, Mode, Target};
use crate::config::suggest;

/// How long an attempt may take, unless set.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Every kind of target, and the options that it has.
const KINDS: [(&str, &[&str]); 6] = [
    ("http", &["mode", "headers", "timeout"]),
    ("sqs", &["endpoint", "region"]),
    ("eventbridge", &["endpoint", "region"]),
    ("bus", &[]),
    ("file", &[]),
    ("stdout", &[]),
];

/// Headers that the router writes itself.
const OWN_HEADERS: [&str; 2] = ["content-type", "content-length"];

/// What a target is for: which kinds it may be of, and what is said where there are several.
pub(super) struct Purpose {
    kinds: &'static [&'static str],
    one: &'static str,
    help: &'static str,
}

impl Purpose {
    pub(super) const CONSUMER: Self = Self {
        kinds: &["http", "sqs", "eventbridge", "bus", "file", "stdout"],
        one: "a consumer has one target, and this one has",
        help: "write a consumer for each target; they may share a filter",
    };
    pub(super) const DEAD_LETTERS: Self = Self {
        kinds: &["http", "sqs", "eventbridge", "bus", "file"],
        one: "dead letters are sent to one target, and these have",
        help: "leave one of them: a bus can have a consumer for each of the others",
    };
}

impl Reader<'_> {
    /// Reads a target.
    pub(super) fn target(
        &mut self,
        table: &At<TargetTable>,
        buses: &[Bus],
        purpose: &Purpose,
    ) -> Option<Target> {
        let kind = self.target_kind(table, purpose)?;
        self.target_options(kind, &table.value);
        let table = &table.value;
        match table {
            TargetTable { http: Some(url), .. } => self.http(url, table),
            TargetTable { sqs: Some(url), .. } => {
                let service = self.service(table);
                Some(Target::Sqs { queue: self.url(url, &UrlKind::SQS)?, service })
            }
            TargetTable { eventbridge: Some(bus), .. } => {
                self.not_empty(bus, "the bus's name or ARN");
                Some(Target::EventBridge { bus: bus.value.clone(), service: self.service(table) })
            }
            TargetTable { bus: Some(bus), .. } => Some(Target::Bus { name: self.bus(Some(bus), buses)? }),
            TargetTable { file: Some(path), .. } => {
                self.not_empty(path, "the file's path");
                Some(Target::File { path: self.folder.join(path.as_str()) })
            }
            TargetTable { stdout: Some(flag), .. } => self.stdout(flag),
            _ => None,
        }
    }

    /// Returns the name of the only kind.
    fn target_kind(&mut self, table: &At<TargetTable>, purpose: &Purpose) -> Option<&'static str> {
        let spans = kinds(&table.value);
        let mut set: Vec<_> =
            KINDS.iter().zip(&spans).filter_map(|((kind, _), span)| Some((*kind, span.clone()?))).collect();
        set.sort_by_key(|(_, span)| span.start);
        let allowed = suggest::list(purpose.kinds);
        match set.as_slice() {
            [(kind, _)] if purpose.kinds.contains(kind) => return Some(kind),
            [(kind, span)] => {
                let message = format!("dead letters cannot be sent to `{kind}`");
                self.finding(Code::WrongValue, span, message, "no target for them")
                    .help(format!("use one of {allowed}"));
            }
            [] => {
                let message = "the target is missing";
                self.finding(Code::TargetCount, &table.span, message, "says not where events go")
                    .help(format!("add one of {allowed}"));
            }
            [(first, first_span), (second, span), ..] => {
                let message = format!("{} `{first}` and `{second}`", purpose.one);
                self.finding(Code::TargetCount, span, message, "a second target")
                    .label(first_span, "the first")
                    .help(purpose.help);
            }
        }
        None
    }

    /// Records every option that targets of this kind do not have.
    fn target_options(&mut self, kind: &str, table: &TargetTable) {
        for (option, span) in options(table) {
            let Some(span) = span else { continue };
            let having: Vec<_> = KINDS.iter().filter(|(_, options)| options.contains(&option)).collect();
            if having.iter().all(|(name, _)| *name != kind) {
                let names: Vec<_> = having.iter().map(|(name, _)| *name).collect();
                let message = format!("`{option}` is no option of a target `{kind}`");
                self.finding(Code::TargetOption, &span, message, "has no effect")
                    .help(format!("remove it; it belongs to {}", suggest::list(&names)));
            }
        }
    }

    fn http(&mut self, url: &At<String>, table: &TargetTable) -> Option<Target> {
        let headers = table.headers.as_ref().map(|headers| self.headers(&headers.value)).unwrap_or_default();
        let timeout = self.length_or(table.timeout.as_ref(), TIMEOUT);
        let mode = match table.mode.as_ref().map(|mode| mode.value) {
            Some(ModeName::Structured) => Mode::Structured,
            Some(ModeName::Batch) => Mode::Batch,
            Some(ModeName::Binary) | None => Mode::Binary,
        };
        Some(Target::Http { url: self.url(url, &UrlKind::HTTP)?, mode, headers, timeout })
    }

    fn stdout(&mut self, flag: &At<bool>) -> Option<Target> {
        if !flag.value {
            self.finding(Code::TargetCount, &flag.span, "the target is missing", "`false` is no target")
                .help("write `stdout = true`, or another target");
        }
        flag.value.then_some(Target::Stdout)
    }

    fn service(&mut self, table: &TargetTable) -> AwsService {
        if let Some(region) = &table.region {
            self.not_empty(region, "the region");
        }
        AwsService {
            endpoint: table.endpoint.as_ref().and_then(|url| self.url(url, &UrlKind::SERVICE)),
            region: table.region.as_ref().map(|region| region.value.clone()),
        }
    }

    fn headers(&mut self, table: &BTreeMap<At<String>, At<String>>) -> Vec<(String, String)> {
        table.iter().filter_map(|(name, value)| self.header(name, value)).collect()
    }

    fn header(&mut self, name: &At<String>, value: &At<String>) -> Option<(String, String)> {
        let lower = name.value.to_ascii_lowercase();
        let label = if HeaderName::from_bytes(name.value.as_bytes()).is_err() {
            Some("not a header's name")
        } else if OWN_HEADERS.contains(&lower.as_str()) || lower.starts_with("ce-") {
            Some("written by the router itself")
        } else {
            None
        };
        if let Some(label) = label {
            let message = format!("the header `{}` cannot be added", name.value);
            self.finding(Code::Header, &name.span, message, label)
                .help("use another name: letters, digits and `-`, not `content-type` and not `ce-...`");
            return None;
        }
        let text = self.environment_text(value)?;
        if HeaderValue::from_str(&text).is_err() {
            let message = format!("the value of the header `{}` cannot be sent", name.value);
            self.finding(Code::Header, &value.span, message, "has characters that no header has")
                .help("remove line breaks and control characters, also from the environment variable");
            return None;
        }
        Some((name.value.clone(), text))
    }

    /// Puts environment variables in the place of `${NAME}`.
    fn environment_text(&mut self, value: &At<String>) -> Option<String> {
        let mut text = String::new();
        let mut rest = value.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            text.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                self.finding(Code::Environment, &value.span, "a `${` has no `}`", "not closed")
                    .help("write `${NAME}`");
                return None;
            };
            // Who asks what a configuration would do without its surroundings sends nothing anywhere.
            let alone = || Some(String::new());
            let Some(found) = self.surroundings.map_or_else(alone, |around| (around.variable)(name)) else {
                let message = format!("the environment variable `{name}` is missing");
                self.finding(Code::Environment, &value.span, message, "needs it")
                    .help(format!("set `{name}` in the environment that the router is started in"));
                return None;
            };
            text.push_str(&found);
            rest = after;
        }
        text.push_str(rest);
        Some(text)
    }
}

/// Returns the key that a target's kind has in the file.
pub(super) fn kind(target: &Target) -> &'static str {
    match target {
        Target::Http { .. } => "http",
        Target::Sqs { .. } => "sqs",
        Target::EventBridge { .. } => "eventbridge",
        Target::Bus { .. } => "bus",
        Target::File { .. } => "file",
        Target::Stdout => "stdout",
    }
}

/// Returns where each kind stands, in the order of [`KINDS`].
fn kinds(table: &TargetTable) -> [Option<Range<usize>>; KINDS.len()] {
    [
        span(table.http.as_ref()),
        span(table.sqs.as_ref()),
        span(table.eventbridge.as_ref()),
        span(table.bus.as_ref()),
        span(table.file.as_ref()),
        span(table.stdout.as_ref()),
    ]
}

/// Returns where each option stands.
fn options(table: &TargetTable) -> [(&'static str, Option<Range<usize>>); 5] {
    [
        ("mode", span(table.mode.as_ref())),
        ("headers", span(table.headers.as_ref())),
        ("timeout", span(table.timeout.as_ref())),
        ("endpoint", span(table.endpoint.as_ref())),
        ("region", span(table.region.as_ref())),
    ]
}
