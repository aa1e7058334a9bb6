//! What a trial says of rules that differ, and where it ends.

use std::time::Duration;

use api::{GroupDifference, TriedGroup};
use event::hop::Via;
use event::{Data, Event, SpanId, TraceContext, TraceId};
use serde_json::{Value, json};
use store::{Memory, NewEvent, Options};

use super::*;
use crate::config::Config;

const BUS: &str = "default";

fn minute(minute: u64) -> Timestamp {
    Timestamp::from_millis(1_767_225_600_000).after(Duration::from_mins(minute))
}

/// An event that came at a minute.
fn stored(at: u64, data: &Value) -> Stored {
    let trace = TraceContext { trace: TraceId([1; 16]), span: SpanId([1; 8]), parent: None, sampled: false };
    let mut event = Event::new(format!("{at}:{data}"), "/tests", "file");
    event.datacontenttype = Some("application/json".into());
    event.data = Some(Data::Json(data.to_string().into()));
    Stored::new(minute(at), Via::HttpStructured, trace, event)
}

/// Files that come at a minute, each of a day and a store.
fn files(files: &[(u64, &str, &str)]) -> Vec<Stored> {
    files.iter().map(|(at, day, store)| stored(*at, &json!({"day": day, "store": store}))).collect()
}

/// Files of one day, named by the minutes in which they come.
fn at_minutes(minutes: &[u64]) -> Vec<Stored> {
    minutes.iter().map(|at| stored(*at, &json!({"day": "1", "store": at.to_string()}))).collect()
}

/// An aggregation with these keys besides.
fn rule(keys: &str) -> String {
    let filter = if keys.contains("filter") { "" } else { "filter = { type = ['file'] }" };
    let part = if keys.contains("resequence") { "" } else { "part = '$.data.store'" };
    format!(
        "[[aggregation]]\nname = 'days'\nkey = '$.data.day'\n{part}\nemit = {{ type = 'day' }}\n\
         {filter}\n{keys}\n"
    )
}

fn config(text: &str) -> Config {
    Config::parse_alone(text, "test.toml").unwrap_or_else(|error| panic!("{text}: {error}")).0
}

/// Tries a rule beside the present one over a log; time passes to a minute.
async fn attempt(
    log: &[Stored],
    (present, tried): (Option<&str>, &str),
    end: u64,
    limits: Limits,
) -> Result<TriedAggregation, TrialError> {
    let partition = Memory::new(Options::default());
    let new = log.iter().map(|stored| NewEvent { bytes: stored.encode(), key: None, at_ms: 0 });
    partition.append(new.collect()).await.unwrap();
    let (present, tried) = (present.map(|keys| config(&rule(keys))), config(&rule(tried)));
    let ruled = |config: &'_ Config| (config.aggregations[0].clone(), config.identity.clone());
    let (present, tried) = (present.as_ref().map(ruled), ruled(&tried));
    let present = present.as_ref().map(|(rule, identity)| (rule, identity));
    let extent = Extent { first: 1, last: partition.head().0, end: minute(end) }.check()?;
    let mut trial = Trial::within(BUS, ((&tried.0, &tried.1), present), extent, limits);
    trial.read(&partition).await?;
    trial.finish(&mut { LISTED_BYTES_MAX })
}

/// Shows a group: when and by what it ended, its parts, what was missing.
fn words(group: Option<&TriedGroup>) -> String {
    let Some(TriedGroup { released, reason, parts, missing }) = group else { return "none".to_owned() };
    let at = released.map(|at| format!("{}m ", at.since(minute(0)).as_secs() / 60));
    let by = match reason.as_str() {
        "" => "open",
        reason => reason.split_once(": ").unwrap().0,
    };
    let missing = if missing.is_empty() { String::new() } else { format!(" without {}", missing.join(" ")) };
    format!("{}{by} [{}]{missing}", at.unwrap_or_default(), parts.join(" "))
}

fn lines(report: &TriedAggregation) -> Vec<String> {
    let line = |one: &GroupDifference| {
        format!("{}: {} > {}", one.key, words(one.now.as_ref()), words(one.tried.as_ref()))
    };
    report.differences.iter().map(line).collect()
}

/// Tries a rule beside the present one, long enough for all timers; says how many groups are alike, and how the others
/// differ.
async fn check(log: &[Stored], (present, tried): (&str, &str), same: u64, expected: &[&str]) {
    let report = attempt(log, (Some(present), tried), LONG, Limits::default()).await.unwrap();
    assert_eq!(lines(&report), expected);
    assert_eq!((report.same, report.different), (same, expected.len() as u64));
    assert_eq!((report.is_known, report.events), (true, log.len() as u64));
}

const LONG: u64 = 100_000;
const HOUR: &str = "complete = { any = [{ expected = ['lyon', 'nice'] }, { deadline = '1h' }] }";

fn two_days() -> Vec<Stored> {
    files(&[(0, "1", "nice"), (5, "2", "nice"), (6, "2", "lyon"), (70, "1", "lyon")])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rule_makes_no_difference_and_another_deadline_does() {
    check(&two_days(), (HOUR, HOUR), 2, &[]).await;
    let shorter = HOUR.replace("1h", "50m");
    let differs = "1: 60m deadline [nice] without lyon > 50m deadline [nice] without lyon";
    check(&two_days(), (HOUR, &shorter), 1, &[differs]).await;
    let longer = HOUR.replace("1h", "2h");
    let differs = "1: 60m deadline [nice] without lyon > 70m expected [nice lyon]";
    check(&two_days(), (HOUR, &longer), 1, &[differs]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_present_rule_every_group_is_new() {
    let report = attempt(&two_days(), (None, HOUR), LONG, Limits::default()).await.unwrap();
    let expected = ["1: none > 60m deadline [nice] without lyon", "2: none > 6m expected [nice lyon]"];
    assert_eq!(lines(&report), expected);
    assert_eq!((report.is_known, report.same, report.different), (false, 0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_open_at_the_end_stays_open() {
    let log = files(&[(0, "1", "nice")]);
    let shorter = HOUR.replace("1h", "59m");
    for (end, same, expected) in [
        (58, 1, vec![]),
        (59, 0, vec!["1: open [nice] without lyon > 59m deadline [nice] without lyon"]),
        (60, 0, vec!["1: 60m deadline [nice] without lyon > 59m deadline [nice] without lyon"]),
    ] {
        let report = attempt(&log, (Some(HOUR), &shorter), end, Limits::default()).await.unwrap();
        assert_eq!((lines(&report), report.same), (expected.into_iter().map(str::to_owned).collect(), same));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_falls_apart_leaves_the_later_ones_of_its_key_alike() {
    let (idle, count) = ("{ idle = '30m' }", "{ count = 2 }");
    let tried = format!("complete = {{ any = [{idle}, {count}] }}");
    check(
        &at_minutes(&[0, 20, 40, 100, 200]),
        (&format!("complete = {idle}"), &tried),
        2,
        &["1: 70m idle [0 20 40] > 20m count [0 20]", "1: none > 70m idle [40]"],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_begin_with_another_part_are_compared_in_their_order() {
    let log = files(&[(0, "1", "nice"), (1, "1", "lyon"), (2, "1", "nice"), (3, "1", "lyon")]);
    let expected = ["1: 1m count [nice lyon] > 1m count [lyon]", "1: 3m count [nice lyon] > 3m count [lyon]"];
    let lyon = "filter = { type = ['file'], data = { store = ['lyon'] } }\ncomplete = { count = 1 }";
    check(&log, ("complete = { count = 2 }", lyon), 0, &expected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discarded_group_says_so_and_a_revised_one_is_one_group() {
    let discards = format!("{HOUR}\npartial = 'discard'");
    let amends = format!("{HOUR}\nlate = 'amend'");
    // What comes after a discarded group is not late, but the beginning of another one.
    let differs = [
        "1: 60m deadline [nice] without lyon > 60m discarded [nice] without lyon",
        "1: none > 130m discarded [lyon] without nice",
    ];
    check(&two_days(), (HOUR, &discards), 1, &differs).await;
    check(&two_days(), (&discards, &discards), 3, &[]).await;
    let differs = "1: 60m deadline [nice] without lyon > 60m deadline [nice lyon]";
    check(&two_days(), (HOUR, &amends), 1, &[differs]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_are_compared_with_those_that_begin_when_they_do() {
    let log = at_minutes(&[0, 10, 70]);
    let hours = "complete = { window = '1h' }";
    let tried = "complete = { any = [{ window = '1h' }, { count = 2 }] }";
    check(&log, (hours, hours), 2, &[]).await;
    check(&log, (hours, tried), 1, &["1: 60m window [0 10] > 10m count [0 10]"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_put_in_sequence_are_compared_one_by_one() {
    let numbered = |at, number: u64| stored(at, &json!({"day": "1", "n": number}));
    let mut log = vec![numbered(0, 1), numbered(1, 3), numbered(50, 2), numbered(60, 9)];
    for (at, stored) in log.iter_mut().enumerate() {
        stored.event.id = at.to_string().into();
    }
    let gap = |gap: &str| format!("resequence = {{ by = '{{$.data.n}}', gap = '{gap}' }}");
    let expected = [
        "1: 50m sequence [1] > 31m sequence [1]",
        "1: 50m sequence [2] > none",
        "1: open [3] without 4 > 90m sequence [3]",
    ];
    let report = attempt(&log, (Some(&gap("2h")), &gap("30m")), 100, Limits::default()).await.unwrap();
    assert_eq!((lines(&report), report.same), (expected.map(str::to_owned).to_vec(), 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_that_waits_for_room_reads_no_more() {
    let log = files(&[(0, "1", "nice"), (1, "2", "nice"), (2, "2", "lyon")]);
    let waits = format!("{HOUR}\ngroups_max = 1\nat_limit = 'wait'");
    let expected = ["2: 2m expected [nice lyon] > 60m expected [nice lyon]"];
    check(&log, (HOUR, &waits), 1, &expected).await;
    let report = attempt(&log, (Some(HOUR), &waits), 59, Limits::default()).await.unwrap();
    assert_eq!(lines(&report), ["2: 2m expected [nice lyon] > none"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn its_own_releases_dead_letters_and_replays_are_not_tried() {
    let all = "filter = { source = [{ prefix = '' }] }\ncomplete = { count = 1 }";
    let via = |via, path: &str, stored: &Stored| Stored { via, path: path.to_owned(), ..stored.clone() };
    let log =
        files(&[(0, "1", "nice"), (1, "2", "nice"), (2, "3", "nice"), (3, "4", "nice"), (4, "5", "nice")]);
    let mut renamed = via(Via::Release, "", &log[4]);
    renamed.event.source = "railpost/days".into();
    renamed.event.kind = "day".into();
    let log = [
        via(Via::Release, "default:other", &log[0]),
        via(Via::Release, "elsewhere,default:days", &log[1]),
        via(Via::DeadLetter, "", &log[2]),
        via(Via::Replay, "", &log[3]),
        renamed,
    ];
    let report = attempt(&log, (None, all), LONG, Limits::default()).await.unwrap();
    assert_eq!((report.events, lines(&report)), (1, vec!["1: none > 0m count [nice]".to_owned()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_ends_at_each_limit_and_says_which() {
    let log = files(&[(0, "1", "nice"), (1, "2", "nice"), (2, "3", "nice"), (3, "3", "lyon")]);
    let most = Limits::default();
    // Early results and warnings take no time.
    let tells = format!("{HOUR}\nearly = '1s'\nwarn = '5m'");
    for (limits, expected) in [
        (Limits { groups: 6, ..most }, None),
        (
            Limits { groups: 5, ..most },
            Some("more than 5 groups come of the range, under both rules together, and no more are compared"),
        ),
        (
            Limits { kept_bytes: 600, ..most },
            Some("the keys and parts' names of the groups are more than 600 bytes, and no more are compared"),
        ),
        (
            Limits { held_bytes: 250, ..most },
            Some(
                "the open groups hold more than 250 bytes at 2026-01-01T00:03:00.000Z, and a trial holds no more",
            ),
        ),
    ] {
        let report = attempt(&log, (Some(HOUR), &tells), LONG, limits).await;
        assert_eq!(report.err().map(|error| error.to_string()).as_deref(), expected, "{limits:?}");
    }
    let extent = Extent { first: 5, last: 1_000_005, end: minute(0) };
    let error = extent.check().unwrap_err().to_string();
    assert_eq!(error, "the range has 1000001 events, and a trial reads 1000000 at most");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_are_cut_and_all_is_counted() {
    let parts: Vec<u64> = (0..1_002).collect();
    let by = |count: usize| format!("complete = {{ count = {count} }}");
    let report = attempt(&at_minutes(&parts), (Some(&by(1_002)), &by(1_001)), LONG, Limits::default()).await;
    let report = report.unwrap();
    let group = report.differences[0].now.as_ref().unwrap();
    assert_eq!((group.parts.len(), group.parts[1_000].as_str()), (1_001, "and 2 more"));
    assert_eq!(report.differences[0].tried.as_ref().unwrap().parts[1_000], "and 1 more");

    let days: Vec<String> = (0..1_500).map(|day| format!("{day:04}")).collect();
    let log: Vec<_> = days.iter().map(|day| stored(0, &json!({"day": day, "store": "nice"}))).collect();
    let report = attempt(&log, (Some(&by(1)), &by(2)), 1, Limits::default()).await.unwrap();
    assert_eq!((report.different, report.differences.len()), (1_500, 1_000));
    assert_eq!((report.differences[0].key.as_str(), report.differences[999].key.as_str()), ("0000", "0999"));
}
