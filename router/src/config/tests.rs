//! Files that mean something, files that do not and what is said of them, and what is said of the keys.

mod cases;
mod completions;
mod cycles;
mod delivery;
mod gathering;
mod names;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::read::{Surroundings, parse_with};
use super::*;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config");
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");

fn environment(name: &str) -> Option<String> {
    match name {
        "ORDERS_TOKEN" => Some("hunter2".to_owned()),
        "TWO_LINES" => Some("hunter2\nhunter3".to_owned()),
        _ => None,
    }
}

/// Reads one of the files of names that files of configuration name.
fn names_file(path: &Path) -> io::Result<String> {
    fs::read_to_string(Path::new(FOLDER).join("names").join(path.file_name().unwrap_or_default()))
}

fn parse(text: &str, name: &str) -> Result<(Config, Vec<Finding>), ConfigError> {
    parse_with(text, name, Surroundings { variable: &environment, file: &names_file })
}

/// Parses a file that is without errors.
fn valid(text: &str, name: &str) -> (Config, Vec<Finding>) {
    parse(text, name).unwrap_or_else(|error| panic!("{}", render(&error)))
}

/// Returns the piece of a template that names a capture.
fn name(name: &str) -> Piece {
    Piece::Value(Value::Name(name.to_owned()), Vec::new())
}

/// Shows a finding as a terminal of 100 columns without colours does.
fn render(diagnostic: &dyn miette::Diagnostic) -> String {
    let mut shown = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(100);
    handler.render_report(&mut shown, diagnostic).unwrap();
    shown.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn files(folder: &str) -> Vec<(String, String)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(Path::new(FOLDER).join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    assert!(!paths.is_empty(), "no files in {folder}");
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn says_of_every_invalid_file_what_is_wrong() {
    for (name, text) in files("invalid") {
        let shown = match parse(&text, &name) {
            Err(error) => render(&error),
            Ok((_, warnings)) => {
                warnings.iter().map(|warning| render(warning)).collect::<Vec<_>>().join("\n")
            }
        };
        assert!(!shown.is_empty(), "nothing is said of {name}");
        assert!(!shown.contains("hunter"), "{name} shows a secret:\n{shown}");
        insta::with_settings!({
            prepend_module_to_snapshot => false, omit_expression => true,
            snapshot_path => Path::new(FOLDER).join("invalid"),
        }, { insta::assert_snapshot!(name.trim_end_matches(".toml"), shown) });
    }
}

#[test]
fn every_code_is_said_of_some_invalid_file() {
    let mut said: Vec<String> = Vec::new();
    for (name, text) in files("invalid") {
        match parse(&text, &name) {
            Err(error) => said.extend(error.findings().map(|finding| finding.code().to_string())),
            Ok((_, warnings)) => said.extend(warnings.iter().map(|finding| finding.code().to_string())),
        }
    }
    let missing: Vec<_> = (100..=129)
        .filter(|code| *code != 125)
        .map(|code| format!("E{code:04}"))
        .filter(|code| !said.contains(code))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn takes_every_valid_file_without_a_warning_but_that_of_schemas() {
    for (name, text) in files("valid") {
        let (_, mut warnings) = valid(&text, &name);
        warnings.retain(|warning| warning.code() != Code::NoSchemas);
        assert!(
            warnings.is_empty(),
            "{name}: {}",
            warnings.iter().map(|warning| render(warning)).collect::<String>()
        );
    }
}

#[test]
fn reads_the_first_example() {
    let text = fs::read_to_string(Path::new(FOLDER).join("valid/first.toml")).unwrap();
    let (config, _) = valid(&text, "first.toml");
    assert_eq!(config.buses.iter().map(|bus| bus.name.as_str()).collect::<Vec<_>>(), ["default", "landing"]);
    assert_eq!(config.buses[1].retention.age, Some(Duration::from_hours(7 * 24)));

    let billing = &config.consumers[0];
    let event = br#"{"source":"shop.orders","detail-type":"OrderPlaced","detail":{"total":101}}"#;
    assert!(billing.filter.as_ref().unwrap().matches(event).unwrap());
    let gate = billing.gate.as_ref().unwrap();
    assert_eq!(
        (gate.accept.to_string().as_str(), gate.otherwise),
        ("shop.orders/OrderPlaced@^2", Otherwise::DeadLetter)
    );
    let target = Target::Http {
        url: "http://127.0.0.1:9000/orders".to_owned(),
        mode: Mode::Binary,
        headers: Vec::new(),
        timeout: Duration::from_secs(10),
    };
    assert_eq!(billing.target, target);
    assert_eq!((billing.retry.attempts, billing.retry.max_age), (185, Duration::from_hours(24)));

    let sales = &config.aggregations[0];
    let [key] = sales.key.as_slice() else { panic!("{:?}", sales.key) };
    assert_eq!(key.paths, [["detail", "object", "key"]]);
    assert_eq!(key.key.pieces, [name("day")]);
    assert_eq!(sales.part.as_ref().unwrap().pieces, [name("store")]);
    let capture = key.capture.as_ref().unwrap();
    assert_eq!(&capture.captures("sales/2026-11-21/paris.csv").unwrap()["store"], "paris");
    assert!(!capture.is_match("old/sales/2026-11-21/paris.csv"), "the whole value must match");
    let Way::Gather(Completion::Any(any)) = &sales.way else { panic!("{:?}", sales.way) };
    let [Completion::Expected(expected), Completion::Cutoff(cutoff)] = any.as_slice() else {
        panic!("{any:?}")
    };
    let Names::Listed(names) = &expected.names else { panic!("{expected:?}") };
    assert_eq!(names, &["paris", "lyon", "nice"]);
    assert_eq!(
        (cutoff.time.to_string().as_str(), cutoff.zone.iana_name()),
        ("06:00:00", Some("Europe/Paris"))
    );
    assert_eq!(
        (sales.emit.kind.as_str(), sales.emit.source.as_str()),
        ("sales.day.complete", "railpost/daily-sales")
    );
    assert_eq!(sales.late, Late::Discard);
}

#[test]
fn an_empty_file_means_no_configuration_at_all() {
    let (config, warnings) = valid("", "railpost.toml");
    assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    assert!(warnings.is_empty());
    assert_eq!(config.listen.to_string(), "127.0.0.1:7245");
    assert_eq!(
        (config.identity.account.as_str(), config.identity.region.as_str()),
        ("000000000000", "us-east-1")
    );
    assert_eq!((config.drain, config.buses[0].name.as_str()), (Duration::from_secs(10), "default"));
}

#[test]
fn paths_are_relative_to_the_file() {
    let text = "[router]\nschemas = 'schemas'\ndata_dir = '/var/lib/x'\n\
                [[consumer]]\nname = 'a'\ntarget = { file = 'out/a.jsonl' }\n";
    let (config, _) = valid(text, "/etc/railpost/railpost.toml");
    assert_eq!(config.schemas.as_deref(), Some(Path::new("/etc/railpost/schemas")));
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/var/lib/x")));
    assert_eq!(config.consumers[0].target, Target::File { path: "/etc/railpost/out/a.jsonl".into() });
}

#[test]
fn headers_take_values_from_the_environment() {
    let text = "[[consumer]]\nname = 'a'\n\
                target = { http = 'http://h/', headers = { Authorization = 'Bearer ${ORDERS_TOKEN}' } }\n";
    let (config, _) = valid(text, "railpost.toml");
    let Target::Http { headers, .. } = &config.consumers[0].target else { panic!("not http") };
    assert_eq!(headers, &[("Authorization".to_owned(), "Bearer hunter2".to_owned())]);
}

#[test]
fn a_filter_means_the_same_as_a_table_and_as_json() {
    let file =
        |filter: &str| format!("[[consumer]]\nname = 'a'\nfilter = {filter}\ntarget = {{ stdout = true }}\n");
    let event = |number: &str| format!(r#"{{"source":"s","detail":{{"n":{number}}}}}"#);
    for (table, json, number, other) in [
        ("3", "3", "3", "4"),
        ("+1_000", "1000", "1000", "1"),
        ("0x10", "16", "16", "10"),
        ("1.50", "1.5", "1.5", "1.51"),
        ("9007199254740993", "9007199254740993", "9007199254740993", "1"),
    ] {
        for filter in [format!("{{ detail.n = [{table}] }}"), format!("'{{\"detail\":{{\"n\":[{json}]}}}}'")]
        {
            let (config, _) = valid(&file(&filter), "railpost.toml");
            let pattern = config.consumers[0].filter.as_ref().unwrap();
            assert!(pattern.matches(event(number).as_bytes()).unwrap(), "{filter} {number}");
            assert!(!pattern.matches(event(other).as_bytes()).unwrap(), "{filter} {other}");
        }
    }
}

#[test]
fn a_length_of_time_is_numbers_with_units() {
    for (length, millis) in [
        ("7d", 604_800_000),
        ("24h", 86_400_000),
        ("90s", 90_000),
        ("500ms", 500),
        ("1h30m", 5_400_000),
        ("1d1h1m1s1ms", 90_061_001),
    ] {
        let (config, _) = valid(&format!("[router]\ndrain = '{length}'\n"), "railpost.toml");
        assert_eq!(config.drain, Duration::from_millis(millis), "{length}");
    }
    for length in
        ["", "1", "s", "1.5h", "-1s", "1m1h", "1s1s", "1 h", "0s", "1w", "99999999999999999999d", "40000d"]
    {
        let error = parse(&format!("[router]\ndrain = '{length}'\n"), "railpost.toml").unwrap_err();
        assert_eq!(error.findings().next().unwrap().code(), Code::Duration, "{length}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_without_a_place() {
    let error = Config::load(Path::new("/does/not/exist.toml")).unwrap_err();
    let finding = error.findings().next().unwrap();
    assert_eq!((finding.code(), finding.place()), (Code::Unreadable, None));
    assert!(error.to_string().starts_with("cannot read `/does/not/exist.toml`: "), "{error}");
}

#[test]
fn a_finding_knows_its_line_and_column() {
    let error = parse("[router]\ndrain = '10'\n", "railpost.toml").unwrap_err();
    let finding = error.findings().next().unwrap();
    assert_eq!(
        (finding.file(), finding.place(), finding.span()),
        ("railpost.toml", Some((2, 9)), Some(17..21))
    );
}

#[test]
fn the_committed_schema_is_the_schema() {
    let path = Path::new(DOCS).join("config.schema.json");
    let committed = fs::read_to_string(&path).unwrap_or_default();
    if std::env::var_os("UPDATE_CONFIG_SCHEMA").is_some() {
        fs::write(&path, config_schema()).unwrap();
    } else {
        assert!(
            committed == config_schema(),
            "run the tests once with UPDATE_CONFIG_SCHEMA=1, and read the change"
        );
    }
}

#[test]
fn the_reference_names_every_key_and_its_examples_are_valid() {
    let reference = fs::read_to_string(Path::new(DOCS).join("configuration.md")).unwrap();
    let examples: Vec<_> =
        reference.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        valid(example, "docs/configuration.md");
    }
    let schema: serde_json::Value = serde_json::from_str(&config_schema()).unwrap();
    let mut keys = Vec::new();
    collect_keys(&schema, &mut keys);
    assert!(keys.len() > 40, "{keys:?}");
    keys.retain(|key| !reference.contains(&format!("`{key}`")));
    assert!(keys.is_empty(), "not in the reference: {keys:?}");
}

#[test]
fn the_file_with_every_key_has_every_key() {
    let text = fs::read_to_string(Path::new(FOLDER).join("valid/every-key.toml")).unwrap();
    let mut keys = Vec::new();
    collect_keys(&serde_json::from_str(&config_schema()).unwrap(), &mut keys);
    let is_key = |text: char| text.is_ascii_alphanumeric() || "_-".contains(text);
    let written: Vec<&str> = text.split(|next| !is_key(next)).collect();
    keys.retain(|key| !written.contains(&key.as_str()));
    assert!(keys.is_empty(), "{keys:?}");
}

#[test]
fn the_schema_agrees_with_the_reader_about_the_shape() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("railpost/config")).unwrap();
    fs::write(folder.path().join("railpost/config/1.json"), config_schema()).unwrap();
    let registry = schemas::Registry::load(folder.path()).unwrap();
    let schema = registry.resolve(&"railpost/config".parse().unwrap()).unwrap();
    let verdict = |text: &str| schema.check(&toml::from_str(text).unwrap());
    for (name, text) in files("valid") {
        assert_eq!(verdict(&text), Ok(()), "{name}");
    }
    for (name, text) in files("invalid") {
        let of_shape = [
            "case-types.toml",
            "condition-keys.toml",
            "delivery-types.toml",
            "gathering-types.toml",
            "missing-keys.toml",
            "step-functions-keys.toml",
            "unknown-keys.toml",
            "wrong-types.toml",
        ];
        if of_shape.contains(&&*name) {
            assert!(verdict(&text).is_err(), "{name}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_a_file_every_finding_can_be_shown(
        file in 0..2_usize, at in any::<prop::sample::Index>(), gone in 0..12_usize, instead in ".{0,6}",
    ) {
        let (name, text) = &files("valid")[file];
        let mut characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + gone).min(characters.len());
        characters.splice(start..end, instead.chars());
        let broken: String = characters.into_iter().collect();
        let findings: Vec<Finding> = match parse(&broken, name) {
            Ok((_, warnings)) => warnings,
            Err(error) => {
                prop_assert!(!render(&error).contains("hunter2"));
                error.findings().cloned().collect()
            }
        };
        for finding in findings {
            let span = finding.span().unwrap();
            prop_assert!(broken.get(span.clone()).is_some(), "{span:?} of {}: {finding}", broken.len());
            prop_assert!(finding.place().is_some());
        }
    }
}

fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::Object(properties)) = object.get("properties") {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect_keys(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}
