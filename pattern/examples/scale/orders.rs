//! The events that are made: orders of a shop, some 600 bytes each.

use fastrand::Rng;

/// Where the members that rules look at stand in an event.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// In front of all else.
    Top,
    /// In `detail`.
    Detail,
}

const WORDS: [&str; 8] = ["lamp", "chair", "table", "shelf", "carpet", "mirror", "curtain", "pillow"];

/// Writes an event with some members, `"name":value` separated by commas.
pub(crate) fn event(place: Place, members: &str, random: &mut Rng) -> String {
    let (top, detail) = match place {
        Place::Top => (format!("{members},"), String::new()),
        Place::Detail => (String::new(), format!("{members},")),
    };
    let id = random.u64(..);
    let envelope = format!(
        r#"{top}"version":"0","id":"{id:016x}-7c0d","detail-type":"OrderPlaced","source":"shop.orders","account":"123456789012","time":"2026-11-21T07:38:50Z","region":"eu-west-3","resources":["arn:aws:shop:eu-west-3:123456789012:order/{id:x}"]"#
    );
    let items: Vec<String> = (0..4).map(|_| item(random)).collect();
    let customer = format!(
        r#"{{"number":{},"city":"Lyon","tags":["regular","newsletter"]}}"#,
        random.usize(0..1_000_000)
    );
    let items = items.join(",");
    format!(r#"{{{envelope},"detail":{{{detail}"customer":{customer},"items":[{items}],"paid":true}}}}"#)
}

fn item(random: &mut Rng) -> String {
    let word = WORDS[random.usize(0..WORDS.len())];
    let (quantity, cents) = (random.usize(1..9), random.usize(0..100));
    format!(r#"{{"sku":"{word}-{cents:04}","quantity":{quantity},"price":{}.{cents:02}}}"#, quantity * 17)
}
