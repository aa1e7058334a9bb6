//! What a test case publishes and asks for.

use event::{Data, Event, Timestamp};

use super::*;

/// Reads a file that has one aggregation and one test case with these keys.
fn case(keys: &str) -> Case {
    let aggregation =
        "[[aggregation]]\nname = 'a'\nkey = '$.subject'\ncomplete = { idle = '1m' }\nemit = { type = 't' }";
    let text = format!("[bus.b]\n{aggregation}\n[[case]]\nname = 'c'\n{keys}\n");
    valid(&text, "railpost.toml").0.cases.remove(0)
}

/// Reads the events of one step.
fn publish(events: &str) -> Vec<Event> {
    case(&format!("steps = [{{ publish = {events} }}]")).steps.remove(0).publish
}

/// Reads the only expectation.
fn expect(keys: &str) -> Expectation {
    case(&format!("steps = [{{ expect = {{ {keys} }} }}]")).steps.remove(0).expect.unwrap()
}

#[test]
fn a_case_begins_with_2026_on_the_default_bus_unless_it_is_set() {
    let steps = "steps = [{ publish = { type = 't' } }]";
    let read = case(steps);
    assert_eq!((read.name.as_str(), read.bus.as_str(), read.line), ("c", DEFAULT_BUS, 7));
    assert_eq!(read.start.to_string(), "2026-01-01T00:00:00.000Z");
    let read = case(&format!("bus = 'b'\nstart = '2026-11-19T21:00:00+01:00'\n{steps}"));
    assert_eq!((read.bus.as_str(), read.steps[0].line), ("b", 11));
    assert_eq!(read.start.to_string(), "2026-11-19T20:00:00.000Z");
}

#[test]
fn a_step_is_so_long_after_the_start_or_at_a_time_or_with_the_one_before() {
    let steps = ["", "at = '+0s', ", "at = '+1h30m', ", "", "at = '2026-11-19T22:00:00Z', ", "at = '+2h', "];
    let steps = steps.map(|at| format!("{{ {at}publish = {{ type = 't' }} }}")).join(",\n");
    let read = case(&format!("start = '2026-11-19T20:00:00Z'\nsteps = [\n{steps}\n]"));
    let times: Vec<_> = read.steps.iter().map(|step| step.at.as_secs() / 60).collect();
    assert_eq!(times, [0, 0, 90, 90, 120, 120]);
    let lines: Vec<_> = read.steps.iter().map(|step| step.line).collect();
    assert_eq!(lines, [11, 12, 13, 14, 15, 16]);
}

#[test]
fn an_event_has_an_id_a_source_and_the_time_of_its_step_unless_they_are_set() {
    let read = case(
        "steps = [{ publish = [{ type = 't' }, { id = 'x', type = 't' }] }, { at = '+1m', publish = { type = 't' } }]",
    );
    let events: Vec<_> = read.steps.iter().flat_map(|step| &step.publish).collect();
    let ids: Vec<_> = events.iter().map(|event| &*event.id).collect();
    assert_eq!(ids, ["e1", "x", "e3"]);
    assert_eq!((&*events[0].source, events[0].time.as_deref()), ("/case", Some("2026-01-01T00:00:00Z")));
    assert_eq!(events[2].time.as_deref(), Some("2026-01-01T00:01:00Z"));
    assert_eq!((&events[0].subject, &events[0].datacontenttype, &events[0].data), (&None, &None, &None));
}

#[test]
fn an_event_has_attributes_extensions_and_a_payload() {
    let [read] = publish(
        "{ detail-type = 'file', source = 'shop', subject = 's', time = '2026-11-19T20:00:00+01:00', dataschema = 'https://h/s', \
         level = 3, urgent = true, region = 'eu', detail = { total = 1.50, at = [1, 'x', { a = false }] } }",
    )
    .try_into()
    .unwrap();
    let mut expected = Event::new("e1", "shop", "file");
    expected.subject = Some("s".into());
    expected.time = Some("2026-11-19T20:00:00+01:00".into());
    expected.dataschema = Some("https://h/s".into());
    expected.set_extension("level", event::Value::Integer(3));
    expected.set_extension("urgent", event::Value::Boolean(true));
    expected.set_extension("region", event::Value::String("eu".to_owned()));
    expected.data = Some(Data::Json(r#"{"total":1.50,"at":[1,"x",{"a":false}]}"#.into()));
    assert_eq!(read, expected);
}

#[test]
fn a_payload_is_any_value_or_the_text_of_a_string() {
    for (data, expected) in [
        ("data = { b = 1, a = 2 }", Data::Json(r#"{"b":1,"a":2}"#.into())),
        ("data = 3", Data::Json("3".into())),
        ("data = [true]", Data::Json("[true]".into())),
        ("data = '{\"a\": 1.0}'", Data::Json("{\"a\": 1.0}".into())),
        ("data = '\"text\"'", Data::Json("\"text\"".into())),
        ("data = 'text'", Data::Text("text".into())),
        ("datacontenttype = 'text/plain', data = '3'", Data::Text("3".into())),
        ("datacontenttype = 'application/json', data = '3'", Data::Json("3".into())),
        ("datacontenttype = 'application/cloud+json', data = { a = 1 }", Data::Json("{\"a\":1}".into())),
    ] {
        assert_eq!(publish(&format!("{{ type = 't', {data} }}"))[0].data, Some(expected), "{data}");
    }
}

#[test]
fn what_is_not_asked_for_may_be_anything() {
    assert_eq!(expect("late = 0"), Expectation { late: Some(0), ..Expectation::default() });
    let read = expect("duplicate = 1, discarded = 2, released = [], open = []");
    let expected = Expectation {
        released: Some(Vec::new()),
        open: Some(Vec::new()),
        late: None,
        duplicate: Some(1),
        discarded: Some(2),
    };
    assert_eq!(read, expected);
    let anything = Expectation {
        released: Some(vec![ReleaseLike::default()]),
        open: Some(vec![GroupLike::default(), GroupLike::default()]),
        ..Expectation::default()
    };
    assert_eq!(expect("released = {}, open = [{}, {}]"), anything);
}

#[test]
fn a_release_and_a_group_are_asked_for_by_what_they_have() {
    let read = expect(
        "released = { type = 't', key = 'k', parts = ['p'], missing = ['m'], by = 'deadline', \
         data = { '/merged/total' = 3, '/parts/0' = { a = [1.5] }, '' = {} } }, \
         open = { aggregation = 'a', key = 'k', parts = [], missing = ['m'] }",
    );
    let release = ReleaseLike {
        kind: Some("t".to_owned()),
        key: Some("k".to_owned()),
        parts: Some(vec!["p".to_owned()]),
        missing: Some(vec!["m".to_owned()]),
        by: Some("deadline".to_owned()),
        data: vec![
            ("/merged/total".to_owned(), serde_json::json!(3)),
            ("/parts/0".to_owned(), serde_json::json!({ "a": [1.5] })),
            (String::new(), serde_json::json!({})),
        ],
    };
    let group = GroupLike {
        aggregation: Some("a".to_owned()),
        key: Some("k".to_owned()),
        parts: Some(Vec::new()),
        missing: Some(vec!["m".to_owned()]),
    };
    assert_eq!((read.released, read.open), (Some(vec![release]), Some(vec![group])));
}

#[test]
fn a_time_before_1970_is_a_start_too() {
    let read = case(
        "start = '1969-12-31T23:59:59Z'\nsteps = [{ at = '1970-01-01T00:00:00Z', publish = { type = 't' } }]",
    );
    assert_eq!((read.start, read.steps[0].at), (Timestamp::from_millis(-1000), Duration::from_secs(1)));
}
