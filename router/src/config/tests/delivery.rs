//! What the keys of delivery mean.

use std::net::IpAddr;

use event::Timestamp;

use super::*;

/// Reads a file that has one consumer with these keys.
fn consumer(keys: &str) -> Consumer {
    let text = format!("[bus.letters]\n[[consumer]]\nname = 'a'\n{keys}\n");
    valid(&text, "railpost.toml").0.consumers.remove(0)
}

/// Reads a file that has one bus with these keys.
fn bus(keys: &str) -> Bus {
    valid(&format!("[bus.default]\n{keys}\n"), "railpost.toml").0.buses.remove(0)
}

const HTTP: &str = "target = { http = 'http://h/' }";

#[test]
fn an_allowed_target_is_a_range_or_one_address() {
    let text = "[router]\nallow_targets = ['10.0.0.0/8', '192.168.1.7', 'fd00::/8', '::1', '0.0.0.0/0']\n";
    let ranges: Vec<(String, u8)> = valid(text, "railpost.toml")
        .0
        .allowed_targets
        .iter()
        .map(|Range { address, bits }: &Range| (IpAddr::to_string(address), *bits))
        .collect();
    let expected = [("10.0.0.0", 8), ("192.168.1.7", 32), ("fd00::", 8), ("::1", 128), ("0.0.0.0", 0)];
    assert_eq!(ranges, expected.map(|(address, bits)| (address.to_owned(), bits)));
}

#[test]
fn retention_is_an_age_or_a_size_or_both() {
    let day = Some(Duration::from_hours(24));
    for (keys, age, bytes) in [
        ("", None, None),
        ("retention = '1d'", day, None),
        ("retention = { age = '1d' }", day, None),
        ("retention = { bytes = '10GB' }", None, Some(10_000_000_000)),
        ("retention = { age = '1d', bytes = '64MiB' }", day, Some(64 << 20)),
        ("retention = { bytes = '65536KiB' }", None, Some(64 << 20)),
        ("retention = { bytes = '100000KB' }", None, Some(100_000_000)),
        ("retention = { bytes = '100MB' }", None, Some(100_000_000)),
        ("retention = { bytes = '3GiB' }", None, Some(3 << 30)),
        ("retention = { bytes = '2TB' }", None, Some(2_000_000_000_000)),
        ("retention = { bytes = '2TiB' }", None, Some(2 << 40)),
    ] {
        assert_eq!(bus(keys).retention, Retention { age, bytes }, "{keys}");
    }
}

#[test]
fn an_event_survives_a_power_cut_unless_it_is_said_otherwise() {
    for (keys, durability) in [
        ("", Durability::Disk),
        ("durability = 'disk'", Durability::Disk),
        ("durability = 'memory'", Durability::Memory),
    ] {
        assert_eq!(bus(keys).durability, durability, "{keys}");
    }
}

#[test]
fn events_count_as_one_for_five_minutes_unless_it_is_said_otherwise() {
    let order = Some(vec!["data".to_owned(), "order".to_owned()]);
    let dedup = |minutes, key| Some(Dedup { window: Duration::from_mins(minutes), key });
    for (keys, expected) in [
        ("", dedup(5, None)),
        ("dedup = '1m'", dedup(1, None)),
        ("dedup = '1h'", dedup(60, None)),
        ("dedup = {}", dedup(5, None)),
        ("dedup = { window = '2m' }", dedup(2, None)),
        ("dedup = { key = '$.data.order' }", dedup(5, order.clone())),
        ("dedup = { window = '2m', key = '$.data.order' }", dedup(2, order)),
        ("dedup = 'off'", None),
    ] {
        assert_eq!(bus(keys).dedup, expected, "{keys}");
    }
}

#[test]
fn events_are_kept_in_order_by_a_path_or_a_part_of_a_value() {
    assert!(consumer(HTTP).order_by.is_none());
    let by_path = consumer(&format!("{HTTP}\norder_by = '$.data.order'")).order_by.unwrap();
    assert_eq!(by_path.paths, [["data", "order"]]);
    assert_eq!(by_path.key.pieces, [name("value")]);
    let table = "order_by = { path = '$.subject', capture = '(?<who>[^/]+)/.*', key = 'c-{who}' }";
    let by_part = consumer(&format!("{HTTP}\n{table}")).order_by.unwrap();
    assert_eq!(by_part.paths, [["subject"]]);
    assert_eq!(&by_part.capture.unwrap().captures("ann/7").unwrap()["who"], "ann");
    assert_eq!(by_part.key.pieces, [Piece::Text("c-".to_owned()), name("who")]);
}

#[test]
fn a_rate_has_a_burst_of_one_second_unless_it_is_said_otherwise() {
    assert_eq!(consumer(HTTP).rate, None);
    for (rate, per_second, burst) in [
        ("100", 100.0, 100),
        ("0.5", 0.5, 1),
        ("2.5", 2.5, 3),
        ("0.00001", 0.000_01, 1),
        ("1_000_000", 1_000_000.0, 1_000_000),
        ("{ per_second = 100, burst = 20 }", 100.0, 20),
        ("{ per_second = 0.1 }", 0.1, 1),
    ] {
        let read = consumer(&format!("{HTTP}\nrate = {rate}")).rate;
        assert_eq!(read, Some(Rate { per_second, burst }), "{rate}");
    }
}

#[test]
fn a_batch_is_as_large_as_the_target_takes() {
    for (keys, batch) in [
        (HTTP, 1),
        ("target = { http = 'http://h/', mode = 'structured' }", 1),
        ("target = { http = 'http://h/', mode = 'batch' }", 100),
        ("target = { http = 'http://h/', mode = 'batch' }\nbatch = 1000", 1000),
        ("target = { http = 'http://h/', mode = 'batch' }\nbatch = 1", 1),
        ("target = { sqs = 'http://h/q' }", 10),
        ("target = { eventbridge = 'main' }\nbatch = 3", 3),
        ("target = { bus = 'letters' }", 1),
        ("target = { file = 'f' }", 1),
        ("target = { stdout = true }", 1),
    ] {
        assert_eq!(consumer(keys).batch, batch, "{keys}");
    }
}

#[test]
fn a_start_is_a_place_or_a_time() {
    let at = |micros| Start::At(Timestamp::from_micros(micros));
    assert_eq!(consumer(HTTP).start, Start::Latest);
    for (start, expected) in [
        ("latest", Start::Latest),
        ("earliest", Start::Earliest),
        ("1970-01-01T00:00:01Z", at(1_000_000)),
        ("1970-01-01t00:00:01.25z", at(1_250_000)),
        ("1970-01-01 01:00:00+01:00", at(0)),
        ("1969-12-31T19:00:00-05:00", at(0)),
        ("2016-12-31T23:59:60Z", at(1_483_228_799_000_000)),
    ] {
        let read = consumer(&format!("{HTTP}\nstart = '{start}'")).start;
        assert_eq!(read, expected, "{start}");
    }
}

#[test]
fn dead_letters_are_sent_to_every_target_but_standard_output() {
    assert!(consumer(HTTP).dead_letters.is_none());
    let service = || AwsService::default();
    for (target, expected) in [
        ("{ sqs = 'https://h/q' }", Target::Sqs { queue: "https://h/q".to_owned(), service: service() }),
        ("{ eventbridge = 'main' }", Target::EventBridge { bus: "main".to_owned(), service: service() }),
        ("{ bus = 'letters' }", Target::Bus { name: "letters".to_owned() }),
        ("{ file = 'letters.jsonl' }", Target::File { path: "letters.jsonl".into() }),
        (
            "{ http = 'https://h/', timeout = '1s' }",
            Target::Http {
                url: "https://h/".to_owned(),
                mode: Mode::Binary,
                headers: Vec::new(),
                timeout: Duration::from_secs(1),
            },
        ),
    ] {
        let read = consumer(&format!("{HTTP}\ndead_letters = {target}")).dead_letters;
        assert!(read == Some(expected), "{target} {read:?}");
    }
}

#[test]
fn a_retry_says_the_same_in_the_words_of_step_functions() {
    let unless_set = Retry {
        attempts: 185,
        max_age: Duration::from_hours(24),
        interval: Duration::from_secs(1),
        backoff_rate: 2.0,
        interval_max: Duration::from_mins(15),
    };
    assert_eq!(consumer(HTTP).retry, unless_set);
    for (own, other) in [
        ("attempts = 3", "MaxAttempts = 3"),
        ("attempts = 0", "MaxAttempts = 0"),
        ("interval = '90s'", "IntervalSeconds = 90"),
        ("interval_max = '1h'", "MaxDelaySeconds = 3600"),
        ("backoff_rate = 1.5", "BackoffRate = 1.5"),
        ("backoff_rate = 1", "BackoffRate = 1"),
        (
            "attempts = 3, interval = '2s', interval_max = '1m', backoff_rate = 3.0, max_age = '1h'",
            "IntervalSeconds = 2, max_age = '1h', MaxAttempts = 3, BackoffRate = 3, MaxDelaySeconds = 60",
        ),
    ] {
        let read = |keys: &str| consumer(&format!("{HTTP}\nretry = {{ {keys} }}")).retry;
        assert_eq!(read(own), read(other), "{own}");
        assert_ne!(read(own), unless_set, "{own}");
    }
}
