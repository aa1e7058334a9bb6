//! Single values: lengths of time, sizes, addresses, names, numbers, paths into the event.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use url::Url;

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, LengthOfTime, Size};
use crate::config::model::Range;
use crate::config::suggest;

/// Names of consumers and aggregations have so many characters at most, as names of rules do.
const NAME_CHARS_MAX: usize = 64;

/// Names of buses have so many characters at most, as `EventBridge` has it.
const BUS_CHARS_MAX: usize = 256;

/// No length of time is longer; it is a slip of the keyboard.
const LENGTH_MAX: Duration = Duration::from_hours(100 * 366 * 24);

/// Bytes of a group or of its payloads, at least.
const PAYLOAD_MIN: usize = 1 << 10;

/// Bytes of a group or of its payloads, at most: about as much as an event of a bus may have.
pub(super) const PAYLOAD_MAX: usize = 4 << 20;

/// What a URL is for: what is said of one that will not do.
pub(super) struct UrlKind {
    wrong: &'static str,
    help: &'static str,
}

impl UrlKind {
    pub(super) const HTTP: Self = Self {
        wrong: "this is not a URL that events can be sent to",
        help: "write a whole URL, such as `http://127.0.0.1:9000/orders`",
    };
    pub(super) const SQS: Self = Self {
        wrong: "this is not the URL of an SQS queue",
        help: "write the queue's whole URL, such as `https://sqs.eu-west-3.amazonaws.com/123456789012/orders`",
    };
    pub(super) const SERVICE: Self = Self {
        wrong: "this is not the URL of a service",
        help: "write the service's whole URL, such as `http://127.0.0.1:4566`, or leave the key out for AWS's own",
    };
    pub(super) const OTLP: Self = Self {
        wrong: "this is not an OTLP endpoint",
        help: "write the whole URL of a collector's gRPC endpoint, such as `http://127.0.0.1:4317`",
    };
}

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const SIZES: [(&str, u64); 8] = [
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Returns where a value stands, if it is there.
pub(super) fn span<T>(value: Option<&At<T>>) -> Option<std::ops::Range<usize>> {
    value.map(|value| value.span.clone())
}

/// Returns the range that a text such as `10.0.0.0/8` is, or what is wrong with it; an address alone is a range of one.
fn parse_range(text: &str) -> Result<Range, String> {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an IP address"))?;
    let bits_max = if address.is_ipv4() { 32 } else { 128 };
    let Some(bits) = bits else { return Ok(Range { address, bits: bits_max }) };
    match bits.parse() {
        Ok(bits) if bits <= bits_max => Ok(Range { address, bits }),
        _ => Err(format!("`{bits}` is not a number of bits from 0 to {bits_max}")),
    }
}

/// Returns the number of bytes that a text such as `10GB` is, the highest there is if it is more; none if it is none.
fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_size(text)?;
    let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit)?;
    Some(number.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(*factor))
}

/// Splits a size into its digits and its unit.
fn split_size(text: &str) -> Option<(&str, &str)> {
    let digits = text.find(|next: char| !next.is_ascii_digit())?;
    (digits > 0).then(|| text.split_at(digits))
}

/// Returns the length of time that a text such as `1h30m` is; none if it is none.
pub(super) fn parse_length(text: &str) -> Option<Duration> {
    let mut millis: u64 = 0;
    let mut units = UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|next: char| !next.is_ascii_digit())?);
        let (unit, after) =
            after.split_at(after.find(|next: char| next.is_ascii_digit()).unwrap_or(after.len()));
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(Duration::from_millis(millis))
}

/// Returns the names of a path such as `$.detail.object.key`; none if it is none.
pub(super) fn parse_path(text: &str) -> Option<Vec<String>> {
    let names = text.strip_prefix("$.")?.split('.');
    let legal = |name: &str| !name.is_empty() && !name.contains(|next: char| "[]{}*'\" ".contains(next));
    names.map(|name| legal(name).then(|| name.to_owned())).collect()
}

/// Returns whether a text starts as a URL does that is not relative to another one.
fn has_scheme(url: &str) -> bool {
    let legal = |next: char| next.is_ascii_alphanumeric() || "+-.".contains(next);
    url.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(legal)
    })
}

impl Reader<'_> {
    /// Reads a length of time longer than zero.
    pub(super) fn length(&mut self, length: &At<LengthOfTime>) -> Option<Duration> {
        self.length_text(&At { span: length.span.clone(), value: length.value.0.clone() })
    }

    /// Reads a length of time longer than zero from a text.
    pub(super) fn length_text(&mut self, text: &At<String>) -> Option<Duration> {
        let label = match parse_length(&text.value) {
            None => "not a length of time",
            Some(Duration::ZERO) => "no time at all",
            Some(length) if length > LENGTH_MAX => "more than a hundred years",
            Some(length) => return Some(length),
        };
        let message = format!("`{}` cannot be waited for", text.value);
        self.finding(Code::Duration, &text.span, message, label)
            .help("write numbers with `d`, `h`, `m`, `s` or `ms`, largest first: `7d`, `1h30m`, `500ms`");
        None
    }

    /// Reads a length of time that may be zero.
    pub(super) fn length_or_zero(&mut self, length: &At<LengthOfTime>) -> Option<Duration> {
        if parse_length(&length.value.0) == Some(Duration::ZERO) {
            return Some(Duration::ZERO);
        }
        self.length(length)
    }

    /// Reads a length of time, where there is one.
    pub(super) fn length_or(&mut self, length: Option<&At<LengthOfTime>>, otherwise: Duration) -> Duration {
        length.and_then(|length| self.length(length)).unwrap_or(otherwise)
    }

    /// Reads a number of bytes.
    pub(super) fn size(&mut self, size: &At<Size>) -> Option<u64> {
        let text = size.value.0.as_str();
        let parsed = parse_size(text);
        if parsed.is_none() {
            let units = SIZES.map(|(unit, _)| unit);
            let near = split_size(text).and_then(|(number, unit)| {
                Some(format!("did you mean `{number}{}`?", suggest::nearest(unit, units)?))
            });
            let otherwise = || format!("write a whole number and one of {}: `10GB`", suggest::list(&units));
            let message = format!("`{text}` is not a number of bytes");
            self.finding(Code::WrongValue, &size.span, message, "not a whole number and a unit")
                .help(near.unwrap_or_else(otherwise));
        }
        parsed
    }

    /// Reads a number of bytes from 1 KiB to 4 MiB; `key` is what it is called.
    pub(super) fn payload_size(&mut self, key: &str, size: &At<Size>) -> Option<usize> {
        let bytes = usize::try_from(self.size(size)?).unwrap_or(usize::MAX);
        if (PAYLOAD_MIN..=PAYLOAD_MAX).contains(&bytes) {
            return Some(bytes);
        }
        let message = format!("`{key}` is `{}`", size.value.0);
        self.finding(Code::OutOfRange, &size.span, message, "not from `1KiB` to `4MiB`")
            .help("leave the key out for its default");
        None
    }

    /// Reads a range of addresses.
    pub(super) fn range(&mut self, text: &At<String>) -> Option<Range> {
        let label = match parse_range(&text.value) {
            Ok(range) => return Some(range),
            Err(label) => label,
        };
        let message = format!("`{}` in `allow_targets` is not a range of addresses", text.value);
        self.finding(Code::Address, &text.span, message, label)
            .help("write an address and how many of its bits count, such as `10.0.0.0/8` or `fd00::/8`, or an address");
        None
    }

    /// Reads an address and port.
    pub(super) fn socket(&mut self, address: &At<String>) -> Option<SocketAddr> {
        let parsed = address.value.parse().ok();
        if parsed.is_none() {
            let message = format!("`{}` is not an address and port", address.value);
            self.finding(Code::Address, &address.span, message, "not an IP address, a colon and a port")
                .help("write `127.0.0.1:7245`, `0.0.0.0:7245` or `[::1]:7245`");
        }
        parsed
    }

    /// Reads an `http` or `https` URL; returns it as it was written.
    pub(super) fn url(&mut self, url: &At<String>, kind: &UrlKind) -> Option<String> {
        let label = match Url::parse(&url.value) {
            Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => return Some(url.value.clone()),
            Ok(_) => "neither `http` nor `https`".to_owned(),
            Err(_) if !has_scheme(&url.value) => "is not a whole URL: it has no scheme".to_owned(),
            Err(error) => error.to_string(),
        };
        self.finding(Code::Address, &url.span, kind.wrong, label).help(kind.help);
        None
    }

    /// Checks the name of a consumer or an aggregation.
    pub(super) fn name(&mut self, name: &At<String>) {
        self.characters(name, ".-_", NAME_CHARS_MAX);
    }

    /// Checks the name of a bus.
    pub(super) fn bus_name(&mut self, name: &At<String>) {
        self.characters(name, "/.-_", BUS_CHARS_MAX);
    }

    fn characters(&mut self, name: &At<String>, others: &str, chars_max: usize) {
        let legal = |next: char| next.is_ascii_alphanumeric() || others.contains(next);
        if !name.value.chars().all(legal) || !(1..=chars_max).contains(&name.value.len()) {
            let label = format!("not 1 to {chars_max} letters, digits or any of `{others}`");
            self.finding(Code::Name, &name.span, format!("`{}` is not a name", name.value), label)
                .help("names appear in URLs, metrics and traces, so they keep to few characters");
        }
    }

    /// Checks that a text is not empty; `what` is what it should be.
    pub(super) fn not_empty(&mut self, text: &At<String>, what: &str) {
        if text.value.is_empty() {
            self.finding(Code::Name, &text.span, format!("{what} is empty"), "nothing here")
                .help("fill it in, or leave it out");
        }
    }

    /// Reads a number from 1 to a limit; `key` is what it is called.
    pub(super) fn number(&mut self, key: &str, number: &At<i64>, limit: usize) -> Option<usize> {
        let parsed = usize::try_from(number.value).ok().filter(|number| (1..=limit).contains(number));
        if parsed.is_none() {
            let label = format!("not from 1 to {limit}");
            self.finding(Code::OutOfRange, &number.span, format!("`{key}` is {}", number.value), label)
                .help("leave the key out for its default");
        }
        parsed
    }

    /// Reads a path into the event.
    pub(super) fn path(&mut self, path: &At<String>) -> Option<Vec<String>> {
        let parsed = parse_path(&path.value);
        if parsed.is_none() {
            let message = format!("`{}` is not a path into the event", path.value);
            self.finding(Code::Path, &path.span, message, "not `$.` and names with dots between them")
                .help("write `$.detail.object.key`, `$.source` or `$.subject`");
        }
        parsed
    }
}
