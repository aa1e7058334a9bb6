//! `[bus.NAME]`, and names of buses.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::Reader;
use super::values::parse_length;
use crate::config::error::Code;
use crate::config::file::{At, BusTable, DedupTable, DurabilityName, RetentionTable, Size, TextOr};
use crate::config::model::{Bus, DEFAULT_BUS, Dedup, Durability, Retention};
use crate::config::suggest;

/// How long a published event's key is remembered, unless set.
const DEDUP_WINDOW: Duration = Duration::from_mins(5);

/// How long it is remembered at most: every key in the window takes memory.
const DEDUP_WINDOW_MAX: Duration = Duration::from_hours(1);

/// A bus keeps so many bytes at least: a log goes in segments, and the last one always stays.
const BYTES_MIN: u64 = 64 << 20;

/// A bus keeps so many bytes at most, a million terabytes; more is a slip of the keyboard.
const BYTES_MAX: u64 = 1_000_000_000_000_000_000;

/// Returns the bus that exists without being configured.
pub(super) fn default_bus() -> Bus {
    Bus {
        name: DEFAULT_BUS.to_owned(),
        retention: Retention::default(),
        durability: Durability::default(),
        dedup: Some(Dedup { window: DEDUP_WINDOW, key: None }),
    }
}

impl Reader<'_> {
    /// Reads all buses; [`DEFAULT_BUS`] is always among them.
    pub(super) fn buses(&mut self, tables: &BTreeMap<At<String>, BusTable>) -> Vec<Bus> {
        let mut buses = Vec::new();
        if !tables.keys().any(|name| name.value == DEFAULT_BUS) {
            buses.push(default_bus());
        }
        for (name, table) in tables {
            self.bus_name(name);
            let durability = match table.durability {
                Some(DurabilityName::Memory) => Durability::Memory,
                Some(DurabilityName::Disk) | None => Durability::Disk,
            };
            buses.push(Bus {
                name: name.value.clone(),
                retention: self.retention(table.retention.as_ref()),
                durability,
                dedup: self.dedup(table.dedup.as_ref()),
            });
        }
        buses
    }

    /// Reads the name of a bus that must be there; none means [`DEFAULT_BUS`].
    pub(super) fn bus(&mut self, name: Option<&At<String>>, buses: &[Bus]) -> Option<String> {
        let Some(name) = name else { return Some(DEFAULT_BUS.to_owned()) };
        if buses.iter().any(|bus| bus.name == name.value) {
            return Some(name.value.clone());
        }
        let names: Vec<_> = buses.iter().map(|bus| bus.name.as_str()).collect();
        let otherwise = format!("add a table `[bus.{}]`, or use one of", name.value);
        let help = suggest::help(&name.value, &names, &otherwise);
        let message = format!("there is no bus `{}`", name.value);
        self.finding(Code::UnknownBus, &name.span, message, "not configured").help(help);
        None
    }

    /// Reads what a bus keeps; what has an error limits nothing.
    fn retention(&mut self, retention: Option<&At<TextOr<RetentionTable>>>) -> Retention {
        let Some(retention) = retention else { return Retention::default() };
        let table = match &retention.value {
            TextOr::Text(text) => {
                let text = At { span: retention.span.clone(), value: text.clone() };
                return Retention { age: self.length_text(&text), bytes: None };
            }
            TextOr::Table(table) => table,
        };
        if table.age.is_none() && table.bytes.is_none() {
            let message = "`retention` says not what is kept";
            self.finding(Code::MissingKey, &retention.span, message, "neither `age` nor `bytes`").help(
                "write `age = \"7d\"`, `bytes = \"10GB\"` or both, or leave `retention` out to keep everything",
            );
        }
        Retention {
            age: table.age.as_ref().and_then(|age| self.length(age)),
            bytes: table.bytes.as_ref().and_then(|bytes| self.bytes(bytes)),
        }
    }

    fn bytes(&mut self, size: &At<Size>) -> Option<u64> {
        let bytes = self.size(size)?;
        let (label, help) = match bytes {
            ..BYTES_MIN => {
                ("less than `64MiB`", "write `64MiB` or more: the log goes in segments, the oldest first")
            }
            BYTES_MIN..=BYTES_MAX => return Some(bytes),
            _ => ("more than `1000000TB`", "leave `bytes` out to keep everything"),
        };
        let message = format!("`bytes` is `{}`", size.value.0);
        self.finding(Code::OutOfRange, &size.span, message, label).help(help);
        None
    }

    /// Reads when two events count as one; what has an error has its default instead.
    fn dedup(&mut self, dedup: Option<&At<TextOr<DedupTable>>>) -> Option<Dedup> {
        let Some(dedup) = dedup else { return default_bus().dedup };
        match &dedup.value {
            TextOr::Text(text) if text == "off" => None,
            TextOr::Text(text) => {
                let window = self.window("dedup", &dedup.span, text);
                Some(Dedup { window, key: None })
            }
            TextOr::Table(DedupTable { window, key }) => {
                let window = window.as_ref();
                Some(Dedup {
                    window: window
                        .map_or(DEDUP_WINDOW, |window| self.window("window", &window.span, &window.value.0)),
                    key: key.as_ref().and_then(|key| self.path(key)),
                })
            }
        }
    }

    /// Reads how long keys are remembered; `key` is what that is called.
    fn window(&mut self, key: &str, span: &Range<usize>, text: &str) -> Duration {
        let message = format!("`{key}` is `{text}`");
        match parse_length(text) {
            None | Some(Duration::ZERO) => {
                let help = match suggest::nearest(text, ["off"]) {
                    Some(_) if key == "dedup" => "did you mean `off`?",
                    _ => "write a length of time such as `5m`; with `dedup = \"off\"` no events count as one",
                };
                self.finding(Code::Duration, span, message, "not a length of time").help(help);
            }
            Some(length) if length > DEDUP_WINDOW_MAX => {
                self.finding(Code::OutOfRange, span, message, "more than `1h`")
                    .help("write `1h` or less: every event of that time takes memory");
            }
            Some(length) => return length,
        }
        DEDUP_WINDOW
    }
}
