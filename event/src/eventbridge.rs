//! The EventBridge side of an event: what `PutEvents` takes, the envelope targets get, and the fields patterns ask.
//!
//! `source` and `detail-type` of an entry become `source` and `type` verbatim, although AWS allows characters that a
//! URI reference does not have: a pattern must find what the publisher wrote.

mod entry;
mod envelope;
mod view;

pub use entry::{EntryError, PutEntry};
pub use envelope::envelope;
pub use view::{Field, View};

use std::borrow::Cow;

use crate::event::{Data, Event, Value};
use crate::quote::{push_base64, push_member, push_string};
use crate::rfc3339;
use crate::time::Timestamp;

/// The account and region that an event is of unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits, as `000000000000`.
    pub account: String,
    /// A region's name, as `eu-west-1`.
    pub region: String,
}

/// The extension that holds `account`.
const ACCOUNT: &str = "awsaccount";

/// The extension that holds `region`.
const REGION: &str = "awsregion";

/// The extension that holds `resources`: a JSON array in a string, since CloudEvents has no lists.
const RESOURCES: &str = "awsresources";

fn account<'a>(event: &'a Event, identity: &'a Identity) -> &'a str {
    text_extension(event, ACCOUNT).unwrap_or(&identity.account)
}

fn region<'a>(event: &'a Event, identity: &'a Identity) -> &'a str {
    text_extension(event, REGION).unwrap_or(&identity.region)
}

fn time(event: &Event, received: Timestamp) -> Cow<'_, str> {
    let own = event.time.as_deref().and_then(rfc3339::whole_seconds);
    own.unwrap_or_else(|| Cow::Owned(rfc3339::from_timestamp(received)))
}

/// Returns `resources` where the event has the whole array as it stands.
fn resources_verbatim(event: &Event) -> Option<&str> {
    if let Some(text) = text_extension(event, RESOURCES)
        && serde_json::from_str::<Vec<Cow<'_, str>>>(text).is_ok()
    {
        return Some(text);
    }
    if arn_subject(event).is_some() { None } else { Some("[]") }
}

fn push_resources(out: &mut Vec<u8>, event: &Event) {
    match (resources_verbatim(event), arn_subject(event)) {
        (None, Some(arn)) => {
            out.push(b'[');
            push_string(out, arn);
            out.push(b']');
        }
        (text, _) => out.extend_from_slice(text.unwrap_or("[]").as_bytes()),
    }
}

/// Returns `detail` where the event has it as it stands: JSON, or no payload at all.
fn detail_verbatim(event: &Event) -> Option<&[u8]> {
    match &event.data {
        Some(Data::Json(bytes)) => Some(bytes),
        None => Some(b"{}"),
        Some(Data::Text(_) | Data::Binary(_)) => None,
    }
}

fn push_detail(out: &mut Vec<u8>, event: &Event) {
    if let Some(json) = detail_verbatim(event) {
        return out.extend_from_slice(json);
    }
    out.push(b'{');
    if let Some(media_type) = &event.datacontenttype {
        push_member(out, "datacontenttype", media_type);
    }
    out.extend_from_slice(br#""data_base64":"#);
    push_base64(out, event.data.as_ref().map_or(&[], |data| data.bytes()));
    out.push(b'}');
}

fn arn_subject(event: &Event) -> Option<&str> {
    event.subject.as_deref().filter(|subject| subject.starts_with("arn:"))
}

fn text_extension<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    match event.extension(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}
