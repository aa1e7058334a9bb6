//! One event on one line of JSON.

use event::Event;

use super::Delivery;

/// Returns an event in its structured encoding, ended by the only line feed it has.
///
/// A payload keeps its own layout and may span lines. Inside of JSON's strings there are no line breaks, so each is
/// white space between values and a space means the same.
pub(super) fn encode(event: &Event) -> Vec<u8> {
    let mut line = event::json::encode(event);
    for byte in &mut line {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    line.push(b'\n');
    line
}

/// Returns the lines of several deliveries' events.
pub(super) fn encode_all(deliveries: &[Delivery<'_>]) -> Vec<u8> {
    deliveries.iter().flat_map(|delivery| encode(delivery.event)).collect()
}
