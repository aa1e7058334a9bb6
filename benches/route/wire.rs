//! What both ends of a connection know: where a message ends, what an event says of itself, and one clock.

use std::sync::LazyLock;
use std::time::Instant;

use hdrhistogram::Histogram;
use memchr::memmem::Finder;

/// Digits of an event's number and of its time.
pub(crate) const DIGITS: usize = 12;

/// What an event's own figures begin with; the other figures follow at fixed places.
const NUMBER: &str = "\"number\":\"";
const SENT: &str = "\",\"sent\":\"";
const ROUTE: &str = "\",\"route\":\"";
const TENANT: &str = "\",\"tenant\":\"";
const SENT_AT: usize = NUMBER.len() + DIGITS + SENT.len();
const ROUTE_AT: usize = SENT_AT + DIGITS + ROUTE.len();
const TENANT_AT: usize = ROUTE_AT + "r0".len() + TENANT.len();
const TENANT_END: usize = TENANT_AT + "t0000".len();

static HEAD_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\r\n\r\n"));
/// As both hyper and the generator write it.
static LENGTH: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\r\ncontent-length: "));
static NUMBERS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(NUMBER));
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// What an event says of itself.
pub(crate) struct Figures<'m> {
    pub(crate) number: u64,
    /// When it was or should have been sent.
    pub(crate) sent_us: u64,
    pub(crate) route: &'m [u8],
    pub(crate) tenant: &'m [u8],
}

/// Returns the beginning of a payload, with what is to be filled in for each event.
pub(crate) fn own_figures(number: &str, sent: &str, route: &str, tenant: &str) -> String {
    format!("{NUMBER}{number}{SENT}{sent}{ROUTE}r{route}{TENANT}t{tenant}\"")
}

/// Returns what each event of a request says of itself.
pub(crate) fn figures(message: &[u8]) -> impl Iterator<Item = Figures<'_>> {
    NUMBERS.find_iter(message).filter_map(|at| {
        let own = message.get(at..at + TENANT_END)?;
        Some(Figures {
            number: number(&own[NUMBER.len()..]),
            sent_us: number(&own[SENT_AT..]),
            route: &own[ROUTE_AT..ROUTE_AT + 2],
            tenant: &own[TENANT_AT..],
        })
    })
}

/// Returns the length of the first message, head and body, once all of it is there.
pub(crate) fn message_length(buffer: &[u8]) -> Option<usize> {
    let head = HEAD_END.find(buffer)?;
    let body = LENGTH.find(&buffer[..head]).map_or(0, |at| number(&buffer[at + LENGTH.needle().len()..]));
    Some(head + HEAD_END.needle().len() + body as usize).filter(|length| *length <= buffer.len())
}

/// Reads the digits that a text begins with, as many as an event's figures have.
fn number(text: &[u8]) -> u64 {
    let digits = text.iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// Microseconds since this process looked first, as events carry them.
pub(crate) fn now_us() -> u64 {
    BEGAN.elapsed().as_micros() as u64
}

/// Microseconds up to an hour, three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).unwrap()
}
