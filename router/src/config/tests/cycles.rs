//! When events certainly go round for ever, and when that cannot be said.

use super::*;

/// Two aggregations on one bus that would gather each other's releases.
const ONE: &str = "name = 'one'\nemit = { type = 'one' }";
const TWO: &str = "name = 'two'\nemit = { type = 'two' }";

/// The rest of an aggregation that gathers everything and releases it at once.
const ALL: &str = "key = '$.id'\ncomplete = { count = 1 }";

/// Returns how many cycles are found in a file.
fn cycles(text: &str) -> usize {
    let (_, warnings) = valid(text, "railpost.toml");
    warnings.iter().filter(|warning| warning.code() == Code::Cycle).count()
}

/// Checks how many cycles two aggregations make, the second of which has these other keys.
fn check_pair(second: &str, expected: usize) {
    let text = format!("[[aggregation]]\n{ONE}\n{ALL}\n[[aggregation]]\n{TWO}\n{second}\n");
    assert_eq!(cycles(&text), expected, "{second}");
}

#[test]
fn aggregations_that_gather_each_other_at_once_or_in_time() {
    let key = "key = '$.source'";
    for complete in [
        "count = 1",
        "idle = '1s'",
        "deadline = '1h'",
        "deadline = '06:00 UTC'",
        "any = [{ count = 7 }, { deadline = '1h' }]",
        "all = [{ count = 1 }, { idle = '1s' }]",
        "count = 2",
        "all = [{ count = 2 }, { idle = '1s' }]",
        "while = { sum = '$.data.n', below = 3 }",
    ] {
        check_pair(&format!("{key}\ncomplete = {{ {complete} }}"), 1);
    }
    check_pair(&format!("{key}\ncomplete = {{ count = 1 }}\nparts_max = 1"), 1);
    let named = "complete = { any = [{ expected = ['one'] }, { deadline = '1h' }] }\nlate = 'new-group'";
    check_pair(&format!("{key}\n{named}"), 1);
    for uncertain in [
        "complete = { any = [{ count = 2 }, { deadline = 'none' }] }",
        "complete = { any = [{ expected = ['one'] }, { deadline = '1h' }] }",
        "complete = { when = { type = ['one'] } }",
        "complete = { any = [{ all = [{ count = 2 }, { idle = '1s' }] }, { deadline = 'none' }] }",
        "complete = { any = [{ expected = ['one'] }, { deadline = '1h' }] }\nlate = 'new-group'\npartial = 'discard'",
        "complete = { window = '1h' }",
        "complete = { deadline = 'none' }\nparts_max = 1\nat_limit = 'refuse'",
        "resequence = { by = '$.id', gap = '1s' }",
        "complete = { count = 1 }\nlate = 'discard'",
    ] {
        check_pair(&format!("{key}\n{uncertain}"), 0);
    }
}

#[test]
fn a_filter_is_certain_if_it_asks_for_type_and_source_alone() {
    for (filter, expected) in [
        ("{ type = ['one'] }", 1),
        ("{ detail-type = ['one'], source = ['railpost/one'] }", 1),
        ("{ source = [{ prefix = 'railpost/' }] }", 1),
        ("{ type = [{ anything-but = ['two'] }] }", 1),
        ("{ '$or' = [{ type = ['x'] }, { source = [{ wildcard = '*/one' }] }] }", 1),
        ("'{\"type\": [\"one\"]}'", 1),
        ("{ type = [{ anything-but = ['one'] }] }", 0),
        ("{ type = ['one'], source = ['shop'] }", 0),
        ("{ type = ['one'], subject = [{ exists = true }] }", 0),
        ("{ type = ['one'], detail = { key = [{ prefix = '' }] } }", 0),
    ] {
        check_pair(&format!("filter = {filter}\n{ALL}"), expected);
    }
}

#[test]
fn a_key_is_certain_if_every_release_has_it() {
    for (key, expected) in [
        ("key = '$.subject'", 1),
        ("key = '$.data.key'", 1),
        ("key = '$.detail.aggregation'", 1),
        ("key = { path = '$.type', capture = 'o(?<rest>.*)', key = '{rest}' }", 1),
        ("key = { path = '$.id', key = '{$.source}/{value}' }", 1),
        ("key = '$.id'\npart = '{$.time}'", 1),
        ("key = ['$.subject', { path = ['$.order', '$.type'], key = '{value|lower}' }]", 1),
        ("key = ['$.id', { path = '$.type', capture = '(?<first>o).*' }]\npart = '{first|upper}'", 1),
        ("key = ['$.subject', '$.data.order']", 0),
        ("key = { path = ['$.order', '$.type'], capture = '(?<first>o).*', key = '{first}' }", 0),
        ("key = { path = '$.time', key = '{value|%Y}' }", 0),
        ("key = '$.data.order'", 0),
        ("key = '$.order'", 0),
        ("key = '$.resources'", 0),
        ("key = { path = '$.type', capture = 'x(?<rest>.*)', key = '{rest}' }", 0),
        ("key = { path = '$.type', capture = 'one(?<rest>.*)', key = '{rest}' }", 0),
        ("key = { path = '$.id', capture = '(?<first>.).*', key = '{first}' }", 0),
        ("key = { path = '$.id', key = '{$.data.order}' }", 0),
        ("key = '$.id'\npart = '$.data.part'", 0),
    ] {
        check_pair(&format!("{key}\ncomplete = {{ count = 1 }}"), expected);
    }
}

#[test]
fn an_aggregation_gathers_its_own_releases_only_when_another_bus_sends_them_back() {
    let own = format!("[bus.far]\n[[aggregation]]\n{ONE}\n{ALL}\n");
    assert_eq!(cycles(&own), 0);
    let there = "[[consumer]]\nname = 'there'\nfilter = { type = ['one'] }\ntarget = { bus = 'far' }\n";
    assert_eq!(cycles(&format!("{own}{there}")), 0);
    let back = "[[consumer]]\nname = 'back'\nbus = 'far'\ntarget = { bus = 'default' }\n";
    // Once as the same event, since the filter lets it through again, and once as a new release of it.
    assert_eq!(cycles(&format!("{own}{there}{back}")), 2);
    let same = "[[aggregation]]\nname = 'same'\nemit = { type = 'one', source = 'railpost/one' }";
    assert_eq!(cycles(&format!("{own}{same}\n{ALL}\n")), 0);
}

#[test]
fn a_filter_or_a_schema_between_buses_stops_any_event() {
    let file = |keys: &str| {
        format!(
            "[bus.a]\n[[consumer]]\nname = 'there'\ntarget = {{ bus = 'a' }}\n\
             [[consumer]]\nname = 'back'\nbus = 'a'\ntarget = {{ bus = 'default' }}\n{keys}\n"
        )
    };
    assert_eq!(cycles(&file("")), 1);
    assert_eq!(cycles(&file("filter = { source = ['s'] }")), 0);
    assert_eq!(cycles(&file("schema = { accept = 'shop/Order' }")), 0);
}

#[test]
fn cycles_of_a_file_with_errors_are_not_looked_for() {
    let text = "[[consumer]]\nname = 'own'\ntarget = { bus = 'default' }\nconcurrency = 0\n";
    let error = parse(text, "railpost.toml").unwrap_err();
    assert_eq!(error.findings().map(Finding::code).collect::<Vec<_>>(), [Code::OutOfRange]);
}

#[test]
fn many_buses_in_a_ring_are_one_cycle() {
    let ring = 300;
    let bus = |bus: usize| {
        let next = (bus + 1) % ring;
        let consumer =
            format!("[[consumer]]\nname = 'c{bus}'\nbus = 'b{bus}'\ntarget = {{ bus = 'b{next}' }}");
        format!("[bus.b{bus}]\n{consumer}\n")
    };
    let text = (0..ring).map(bus).collect::<Vec<_>>().concat();
    assert_eq!(cycles(&text), 1);
}
