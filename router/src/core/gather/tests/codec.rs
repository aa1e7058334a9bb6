//! What is saved of a group is what is read back, and what is damaged is an error or another group.

use bytes::Bytes;
use event::hop::Link;
use event::{Data, SpanId, Text, TraceId};
use proptest::prelude::*;

use super::rig::{at, rule};
use crate::core::gather::Aggregator;
use crate::core::gather::codec::{Chunk, Origins, decode, encode};
use crate::core::gather::group::{Group, ManifestRead, Marker, Part, PartMore, Span, hash};
use crate::core::gather::time::Watermark;

fn text() -> impl Strategy<Value = Text> {
    "[a-z\u{e9}/]{0,6}".prop_map(Text::from)
}

fn part() -> impl Strategy<Value = Part> {
    let payload = prop_oneof![
        Just(None),
        prop::collection::vec(any::<u8>(), 0..1_500).prop_map(|bytes| Some(Data::Binary(Bytes::from(bytes)))),
        text().prop_map(|text| Some(Data::Text(Bytes::from(text.to_string())))),
        Just(Some(Data::Json(Bytes::from_static(b"{\"a\":1}")))),
    ];
    let more = (prop::option::of(text()), prop::collection::vec(prop::option::of(text()), 0..3), payload);
    let more = more.prop_map(|(order, measured, payload)| Box::new(PartMore { order, measured, payload }));
    let texts = (text(), text(), text(), prop::option::of(text()));
    (texts, any::<bool>(), any::<u64>(), any::<i32>(), prop::option::of(more)).prop_map(
        |((event, source, kind, time), is_own, position, received, more)| {
            let name = if is_own { event.clone() } else { format!("{event}-{position}").into() };
            Part {
                hash: hash(&name),
                name,
                event,
                origin: Origins::default().share(&source, &kind),
                time,
                position,
                received: at(received.into()),
                link: Link { trace: TraceId([7; 16]), span: SpanId(position.to_be_bytes()) },
                more,
            }
        },
    )
}

fn group() -> impl Strategy<Value = (Group, Watermark)> {
    let spans = (prop::option::of((0_i64..9, 0_i64..9)), prop::option::of((0_i64..9, 0_i64..9)));
    let counts = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>(), any::<u64>());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let more = prop::option::of((text(), prop::collection::vec(text(), 0..3), any::<u64>()));
    (prop::collection::vec(part(), 0..40), spans, counts, flags, more).prop_map(
        |(parts, (window, times), (duplicates, early, told, id, first), flags, more)| {
            let span = |(start, end)| Span { start: at(start), end: at(end) };
            let mut group = Group::open(id, at(5), first, window.map(span));
            group.times = times.map(span);
            (group.duplicates, group.early, group.told) = (duplicates, early, told);
            (group.sampled, group.warned, group.held) = flags;
            for part in parts {
                if !group.holds(&part.name) {
                    group.add(part);
                }
            }
            if let Some((event, names, extended)) = more {
                let more = group.more_mut();
                more.markers.push(Marker { place: 1, event: event.clone() });
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                more.added.extend(names.clone());
                more.manifests.push(ManifestRead { place: 2, event, names });
                more.extended_ms = extended;
                more.counts.push((3, extended));
            }
            let mut watermark = Watermark::default();
            if let Some(times) = group.times {
                watermark.observe(times.end, at(9));
            }
            (group, watermark)
        },
    )
}

fn values(chunks: &[Chunk]) -> Vec<Bytes> {
    chunks.iter().map(|(_, value)| value.clone()).collect()
}

/// What matters of a group: what is saved of it does not.
fn shown(group: &Group) -> String {
    let places = group.parts().iter().map(|part| group.place(&part.name)).collect::<Vec<_>>();
    format!(
        "{:?} {places:?} {:?} {} {}",
        group.parts(),
        (group.id, group.first, group.opened, group.last_part, group.window, group.times, &group.more),
        group.bytes(),
        format_args!(
            "{:?}",
            (group.duplicates, group.early, group.told, group.sampled, group.warned, group.held)
        ),
    )
}

fn restore(group: &[u8], chunks: &[Bytes]) -> Option<Aggregator> {
    let keys = "key = '$.k'\ncomplete = { any = [{ idle = '1m' }, { deadline = '06:00 Europe/Paris' }, { count = '$.n' }] }\nearly = '1m'\nwarn = '1m'";
    let mut aggregator = Aggregator::new(&rule(&format!("{keys}\ntime = 'event'")));
    let chunks: Vec<(u64, Bytes)> = (0..).zip(chunks.iter().cloned()).collect();
    aggregator.restore("k", group, &chunks).ok()?;
    aggregator.restored();
    Some(aggregator)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A group is read back as it was, also one that was saved part by part, in chunks.
    #[test]
    fn what_is_saved_is_read_back((group, watermark) in group(), step in 1_usize..12) {
        let mut whole = group.clone();
        let (head, chunks) = encode(&mut whole, watermark, &mut Vec::new());
        let (read, mark) = decode(&head, &values(&chunks), &mut Origins::default()).unwrap();
        prop_assert_eq!(shown(&read), shown(&group));
        prop_assert_eq!(mark, watermark);
        prop_assert_eq!(read.saved.sealed, whole.saved.sealed);

        let mut slow = Group::open(group.id, group.opened, group.first, group.window);
        let (mut head, mut kept) = (Bytes::new(), Vec::new());
        for some in group.parts().chunks(step) {
            some.iter().cloned().for_each(|part| slow.add(part));
            let (value, chunks) = encode(&mut slow, watermark, &mut Vec::new());
            for (number, chunk) in chunks {
                prop_assert_eq!(number as usize, kept.len());
                kept.push(chunk);
            }
            head = value;
        }
        if !group.parts().is_empty() {
            let (read, _) = decode(&head, &kept, &mut Origins::default()).unwrap();
            prop_assert_eq!(read.parts(), group.parts());
        }
    }

    /// A replaced part, wherever it stands, is saved with its chunk.
    #[test]
    fn a_replaced_part_is_saved((group, watermark) in group(), place: prop::sample::Index, part in part()) {
        prop_assume!(!group.parts().is_empty());
        let mut group = group;
        let (_, chunks) = encode(&mut group, watermark, &mut Vec::new());
        let mut kept = values(&chunks);
        let place = place.index(group.parts().len());
        let name = group.parts()[place].name.clone();
        group.replace(place, Part { hash: hash(&name), name, ..part });
        let (head, chunks) = encode(&mut group, watermark, &mut Vec::new());
        for (number, chunk) in chunks {
            kept.truncate(number as usize);
            kept.push(chunk);
        }
        kept.truncate(group.saved.chunks as usize);
        let (read, _) = decode(&head, &kept, &mut Origins::default()).unwrap();
        prop_assert_eq!(read.parts(), group.parts());
    }

    /// What is damaged is refused or is another group, with which the router can go on.
    #[test]
    fn what_is_damaged_does_no_harm(
        (group, watermark) in group(), chunk: prop::sample::Index, at: prop::sample::Index, change: u8, is_cut: bool
    ) {
        let mut group = group;
        let (head, chunks) = encode(&mut group, watermark, &mut Vec::new());
        let mut all: Vec<Bytes> = std::iter::once(head).chain(values(&chunks)).collect();
        let chunk = chunk.index(all.len());
        let mut damaged = all[chunk].to_vec();
        let at = at.index(damaged.len());
        if is_cut {
            damaged.truncate(at);
        } else {
            damaged[at] ^= change;
        }
        all[chunk] = Bytes::from(damaged);
        if let Some(aggregator) = restore(&all[0], &all[1..]) {
            aggregator.groups("default", super::rig::at(100), 10);
            aggregator.next_wake();
        }
    }

    /// So are other values, whatever their bytes.
    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let mut versioned = vec![1];
        versioned.extend(&bytes);
        for value in [&bytes, &versioned] {
            restore(value, &[]);
            let mut aggregator = Aggregator::new(&rule("key = '$.k'\ncomplete = { count = 2 }"));
            drop(aggregator.restore_ended("k", value));
            drop(aggregator.restore_usual("n".to_owned(), value));
            let keys = "key = '$.k'\nresequence = { by = '$.n', gap = '1m' }";
            let mut sequences = Aggregator::new(&rule(keys));
            drop(sequences.restore("k", value, &[(7, Bytes::copy_from_slice(value))]));
            sequences.restored();
        }
    }
}

/// Every single byte of a head, cut and changed in each of its bits.
#[test]
fn no_bit_of_a_head_does_harm() {
    let mut group = Group::open(3, at(5), 4, Some(Span { start: at(1), end: at(2) }));
    group.more_mut().counts.push((1, 2));
    let (head, _) = encode(&mut group, Watermark::default(), &mut Vec::new());
    for at in 0..head.len() {
        restore(&head[..at], &[]);
        for bit in 0..8 {
            let mut damaged = head.to_vec();
            damaged[at] ^= 1 << bit;
            restore(&damaged, &[]);
        }
    }
    assert!(restore(&head, &[]).is_some());
}
