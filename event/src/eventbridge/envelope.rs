//! The JSON that EventBridge hands to a target.

use super::{Identity, account, push_detail, push_resources, region, time};
use crate::event::Event;
use crate::quote::push_member;
use crate::time::Timestamp;

/// Writes the envelope: the fields in AWS's order, the time in whole seconds, `detail` verbatim.
///
/// `received` stands in for an event's missing `time`; an event without a payload gets an empty `detail`. An event that is
/// sent again has the replay's name between region and resources, as EventBridge puts it.
pub fn envelope(event: &Event, identity: &Identity, received: Timestamp, replay: Option<&str>) -> Vec<u8> {
    let payload = event.data.as_ref().map_or(2, |data| data.bytes().len());
    let mut out = Vec::with_capacity(256 + event.id.len() + event.source.len() + event.kind.len() + payload);
    out.push(b'{');
    push_member(&mut out, "version", "0");
    push_member(&mut out, "id", &event.id);
    push_member(&mut out, "detail-type", &event.kind);
    push_member(&mut out, "source", &event.source);
    push_member(&mut out, "account", account(event, identity));
    push_member(&mut out, "time", &time(event, received));
    push_member(&mut out, "region", region(event, identity));
    if let Some(replay) = replay {
        push_member(&mut out, "replay-name", replay);
    }
    out.extend_from_slice(br#""resources":"#);
    push_resources(&mut out, event);
    out.extend_from_slice(br#","detail":"#);
    push_detail(&mut out, event);
    out.push(b'}');
    out
}
