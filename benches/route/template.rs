//! Requests that are written once; what differs from one to the next is patched in place.

use memchr::memmem;

use crate::wire::{DIGITS, own_figures};

/// The length of an event in the CloudEvents JSON format.
const EVENT_BYTES: usize = 600;
/// How many values the payload's `route` has.
pub(crate) const ROUTES: u64 = 3;
/// How many values the payload's `tenant` has.
pub(crate) const TENANTS: u64 = 1_000;

/// What stands for a figure until it is filled in, digit by digit; no other text has these.
const NUMBER: char = '@';
const SENT: char = '^';
const ROUTE: char = '~';
const TENANT: char = '%';

/// How events are published.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    /// CloudEvents binary mode, one a request.
    Binary,
    /// CloudEvents batched mode, so many a request.
    Batch(u64),
    /// `PutEvents`, so many entries a request.
    PutEvents(u64),
}

/// One connection's request.
pub(crate) struct Template {
    bytes: Vec<u8>,
    slots: Vec<Slot>,
}

/// Where a figure of one of the events is filled in.
struct Slot {
    at: usize,
    width: usize,
    event: u64,
    figure: char,
}

impl Form {
    /// Returns how many events a request has.
    pub(crate) fn events(self) -> u64 {
        match self {
            Self::Binary => 1,
            Self::Batch(events) | Self::PutEvents(events) => events,
        }
    }

    /// Returns whether an answer says that all events of a request were taken, and none was there before.
    pub(crate) fn is_taken(self, answer: &[u8]) -> bool {
        match self {
            Self::Binary | Self::Batch(_) => answer.starts_with(b"HTTP/1.1 204"),
            Self::PutEvents(_) => {
                answer.starts_with(b"HTTP/1.1 200")
                    && memmem::find(answer, b"\"FailedEntryCount\":0,").is_some()
            }
        }
    }
}

impl Template {
    /// Writes a request.
    pub(crate) fn new(form: Form) -> Self {
        let mut template = Self { bytes: Vec::new(), slots: Vec::new() };
        let (kind, event, ends) = match form {
            Form::Binary => ("application/json".to_owned() + &binary_attributes(), data(), ["", ""]),
            Form::Batch(_) => ("application/cloudevents-batch+json".to_owned(), structured(), ["[", "]"]),
            Form::PutEvents(_) => {
                let kind = "application/x-amz-json-1.1\r\nx-amz-target: AWSEvents.PutEvents";
                (kind.to_owned(), entry(), ["{\"Entries\":[", "]}"])
            }
        };
        let events = form.events();
        let commas = events as usize - 1;
        let length = ends[0].len() + events as usize * event.len() + commas + ends[1].len();
        template.push(
            &format!(
                "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n"
            ),
            0,
        );
        template.push(ends[0], 0);
        for number in 0..events {
            template.push(if number == 0 { "" } else { "," }, number);
            template.push(&event, number);
        }
        template.push(ends[1], 0);
        template
    }

    /// Fills in consecutive numbers and when the events were or should have been sent, and returns the request.
    pub(crate) fn fill(&mut self, first: u64, sent_us: u64) -> &[u8] {
        for slot in &self.slots {
            let number = first + slot.event;
            let mut value = match slot.figure {
                SENT => sent_us,
                ROUTE => number % ROUTES,
                TENANT => number % TENANTS,
                _ => number,
            };
            for digit in self.bytes[slot.at..slot.at + slot.width].iter_mut().rev() {
                *digit = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        &self.bytes
    }

    /// Appends text that belongs to one of the events, and notes where its figures are.
    fn push(&mut self, text: &str, event: u64) {
        let start = self.bytes.len();
        for (at, figure) in text.match_indices([NUMBER, SENT, ROUTE, TENANT]) {
            let (at, figure) = (start + at, figure.chars().next().unwrap());
            match self.slots.last_mut() {
                Some(slot) if slot.figure == figure && slot.at + slot.width == at => slot.width += 1,
                _ => self.slots.push(Slot { at, width: 1, event, figure }),
            }
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// An id of its own for every event: the router keeps one of those that have the same.
fn id() -> String {
    format!("5f3e9c52-7d1a-4b6e-9f04-{}", NUMBER.to_string().repeat(DIGITS))
}

fn binary_attributes() -> String {
    format!("\r\nce-specversion: 1.0\r\nce-id: {}\r\nce-source: /bench\r\nce-type: order.placed", id())
}

/// An event in the JSON format.
fn structured() -> String {
    with_data(&data())
}

fn with_data(data: &str) -> String {
    format!(
        r#"{{"specversion":"1.0","id":"{}","source":"/bench","type":"order.placed","datacontenttype":"application/json","data":{data}}}"#,
        id()
    )
}

fn entry() -> String {
    let detail = data().replace('"', "\\\"");
    format!(r#"{{"Source":"/bench","DetailType":"order.placed","Detail":"{detail}"}}"#)
}

/// A payload as long as makes the event as long as it should be.
fn data() -> String {
    let payload = |filling: &str| {
        let digits = |figure: char, width: usize| figure.to_string().repeat(width);
        let own = own_figures(
            &digits(NUMBER, DIGITS),
            &digits(SENT, DIGITS),
            &digits(ROUTE, 1),
            &digits(TENANT, 4),
        );
        format!(
            r#"{{{own},"customer":{{"id":4711,"tier":"gold"}},"lines":[{{"sku":"a-1","count":2}},{{"sku":"b-2","count":1}}],"note":"{filling}"}}"#
        )
    };
    payload(&"x".repeat(EVENT_BYTES - with_data(&payload("")).len()))
}
