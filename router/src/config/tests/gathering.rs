//! What the keys of an aggregation mean: keys and templates, limits, late parts, and what is so unless it is set.

use super::*;

/// Reads a file that has one aggregation with these keys beside its name and its release.
fn aggregation(keys: &str) -> Aggregation {
    read(&format!("{keys}\nemit = {{ type = 't' }}"))
}

fn read(keys: &str) -> Aggregation {
    valid(&format!("[[aggregation]]\nname = 'a'\n{keys}\n"), "railpost.toml").0.aggregations.remove(0)
}

const COUNT: &str = "key = '$.subject'\ncomplete = { count = 3 }";

fn path(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

#[test]
fn what_is_so_unless_it_is_set() {
    let read = aggregation(COUNT);
    assert_eq!(read.bus, DEFAULT_BUS);
    assert!(read.filter.is_none() && read.part.is_none() && read.order_by.is_none());
    assert_eq!((read.on_missing_key, read.duplicates), (Unplaced::Ignore, Duplicates::First));
    assert_eq!((read.time, read.late, read.partial), (Time::Processing, Late::NewGroup, Partial::Release));
    assert_eq!((read.early, read.warn), (None, None));
    let emit = Emit {
        kind: "t".to_owned(),
        source: "railpost/a".to_owned(),
        parts: Payloads::Listed,
        payload_bytes_max: 256 << 10,
    };
    assert_eq!(read.emit, emit);
    let limits =
        Limits { groups_max: 100_000, parts_max: 10_000, bytes_max: 4 << 20, at_limit: AtLimit::Release };
    assert_eq!(read.limits, limits);
}

#[test]
fn every_key_means_what_it_says() {
    let keys = "on_missing_key = 'dead-letter'\nduplicates = 'last'\nlate = 'side'\npartial = 'discard'\n\
                order_by = '{value|int}'\nearly = '10m'\nwarn = '30m'\ngroups_max = 7\nparts_max = 8\n\
                bytes_max = '1KiB'\nat_limit = 'wait'\n\
                emit = { type = 't', source = 's', parts = 'merged', payload_max = '4MiB' }";
    let read =
        read(&format!("key = '$.subject'\npart = '{{value}}'\ncomplete = {{ expected = ['a'] }}\n{keys}"));
    assert_eq!((read.on_missing_key, read.duplicates), (Unplaced::DeadLetter, Duplicates::Last));
    assert_eq!((read.late, read.partial), (Late::Side, Partial::Discard));
    let sorted_by = [Piece::Value(Value::Name("value".to_owned()), vec![Format::Int])];
    assert_eq!(read.order_by.unwrap().pieces, sorted_by);
    assert_eq!((read.early, read.warn), (Some(Duration::from_mins(10)), Some(Duration::from_mins(30))));
    let limits = Limits { groups_max: 7, parts_max: 8, bytes_max: 1 << 10, at_limit: AtLimit::Wait };
    assert_eq!(read.limits, limits);
    assert_eq!((read.emit.source.as_str(), read.emit.parts), ("s", Payloads::Merged));
    assert_eq!(read.emit.payload_bytes_max, 4 << 20);
    assert_eq!(aggregation(&format!("{COUNT}\nduplicates = 'error'")).duplicates, Duplicates::Error);
    assert_eq!(aggregation(&format!("{COUNT}\nat_limit = 'refuse'")).limits.at_limit, AtLimit::Refuse);
}

#[test]
fn a_key_is_one_expression_or_several_each_of_one_path_or_several() {
    for (key, paths) in [
        ("'$.subject'", vec![vec!["subject"]]),
        ("['$.subject']", vec![vec!["subject"]]),
        ("{ path = '$.data.order' }", vec![vec!["data.order"]]),
        ("{ path = ['$.data.order', '$.subject'] }", vec![vec!["data.order", "subject"]]),
        ("['$.source', { path = ['$.a', '$.b'] }, '$.id']", vec![vec!["source"], vec!["a", "b"], vec!["id"]]),
    ] {
        let read = aggregation(&format!("key = {key}\ncomplete = {{ idle = '1m' }}")).key;
        let read: Vec<_> = read.into_iter().map(|expression| expression.paths).collect();
        let expected: Vec<Vec<_>> =
            paths.iter().map(|paths| paths.iter().map(|text| path(text)).collect()).collect();
        assert_eq!(read, expected, "{key}");
    }
}

#[test]
fn a_part_is_named_by_the_captures_of_all_expressions() {
    let keys = "key = [{ path = '$.subject', capture = '(?<day>.*)' }, { path = '$.id', capture = '(?<n>.*)', key = 'x' }]\n\
                part = '{day}/{n}/{value}'\ncomplete = { idle = '1m' }";
    let pieces = aggregation(keys).part.unwrap().pieces;
    let slash = || Piece::Text("/".to_owned());
    assert_eq!(pieces, [name("day"), slash(), name("n"), slash(), name("value")]);
}

#[test]
fn a_template_is_text_and_values_and_how_they_are_written() {
    let text = |text: &str| Piece::Text(text.to_owned());
    let day = |formats| Piece::Value(Value::Name("day".to_owned()), formats);
    let at = |place: &str, formats| Piece::Value(Value::Path(path(place)), formats);
    let date = |form: &str, zone: &str| Format::Date {
        form: form.to_owned(),
        zone: jiff::tz::TimeZone::get(zone).unwrap(),
    };
    for (part, expected) in [
        ("x", vec![text("x")]),
        ("{day}", vec![name("day")]),
        ("a/{day}-{value}.csv", vec![text("a/"), name("day"), text("-"), name("value"), text(".csv")]),
        ("{{{day}}}", vec![text("{"), name("day"), text("}")]),
        ("$.detail.part", vec![at("detail.part", vec![])]),
        ("{$.source}/x", vec![at("source", vec![]), text("/x")]),
        ("{day|lower}", vec![day(vec![Format::Lower])]),
        ("{day|int|upper}", vec![day(vec![Format::Int, Format::Upper])]),
        ("{$.time|%Y-%m}", vec![at("time", vec![date("%Y-%m", "UTC")])]),
        ("{$.time|%Y-%m-%d Europe/Paris}", vec![at("time", vec![date("%Y-%m-%d", "Europe/Paris")])]),
        ("{day|%d %B|lower}", vec![day(vec![date("%d %B", "UTC"), Format::Lower])]),
        ("{day|%H:%M UTC}", vec![day(vec![date("%H:%M", "UTC")])]),
    ] {
        let keys = format!(
            "key = {{ path = '$.subject', capture = '(?<day>.*)' }}\npart = '{part}'\ncomplete = {{ idle = '1m' }}"
        );
        assert_eq!(aggregation(&keys).part.unwrap().pieces, expected, "{part}");
    }
}

#[test]
fn late_parts_of_a_group_that_knew_its_end_are_discarded_unless_it_is_set() {
    for (way, expected) in [
        ("complete = { count = 3 }", Late::NewGroup),
        ("complete = { idle = '1m' }", Late::NewGroup),
        ("complete = { while = { sum = '$.n', below = 3 } }", Late::NewGroup),
        ("complete = { expected = ['a'] }\npart = '{value}'", Late::Discard),
        ("complete = { any = [{ count = 3 }, { when = { type = ['last'] } }] }", Late::Discard),
        ("complete = { all = [{ count = 3 }, { window = '1h' }] }", Late::Discard),
        ("complete = { window = '1h' }\nlate = 'new-group'", Late::NewGroup),
        ("complete = { window = '1h' }\nlate = 'side'", Late::Side),
        ("complete = { count = 3 }\nlate = 'amend'", Late::Amend),
        ("complete = { count = 3 }\nlate = 'discard'", Late::Discard),
        ("resequence = { by = '$.n', gap = '1s' }", Late::Discard),
        ("resequence = { by = '$.n', gap = '1s' }\nlate = 'side'", Late::Side),
    ] {
        assert_eq!(aggregation(&format!("key = '$.subject'\n{way}")).late, expected, "{way}");
    }
}

#[test]
fn time_is_the_routers_or_that_of_events() {
    let event = |place, disorder, quiet| {
        Time::Event(EventTime {
            path: path(place),
            disorder: Duration::from_secs(disorder),
            quiet: Duration::from_secs(quiet),
        })
    };
    for (time, expected) in [
        ("'processing'", Time::Processing),
        ("'event'", event("time", 0, 60)),
        ("{}", event("time", 0, 60)),
        ("{ disorder = '0s' }", event("time", 0, 60)),
        ("{ path = '$.data.at', disorder = '5m', quiet = '10m' }", event("data.at", 300, 600)),
    ] {
        let keys = format!("key = '$.subject'\ncomplete = {{ idle = '1m' }}\ntime = {time}");
        assert_eq!(aggregation(&keys).time, expected, "{time}");
    }
}

#[test]
fn a_sequence_begins_anywhere_and_is_forgotten_after_a_day_unless_it_is_set() {
    for (keys, start, forget) in [
        ("by = '$.data.seq', gap = '30s'", None, Duration::from_hours(24)),
        ("by = '{value}', gap = '30s', start = -1, forget = '1h'", Some(-1), Duration::from_hours(1)),
    ] {
        let read = aggregation(&format!("key = '$.subject'\nresequence = {{ {keys} }}"));
        let Way::Resequence(sequence) = read.way else { panic!("{keys}") };
        assert_eq!((sequence.start, sequence.forget), (start, forget), "{keys}");
        assert_eq!((sequence.gap, sequence.by.pieces.len()), (Duration::from_secs(30), 1), "{keys}");
    }
}
