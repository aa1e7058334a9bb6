//! A folder of schemas: what loads, which version is chosen, what a verdict says.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use railpost_schemas::{Registry, Requirement, Schema};
use serde_json::{Value, json};

fn registry() -> Registry {
    Registry::load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/registry"))).unwrap()
}

fn requirement(text: &str) -> Requirement {
    text.parse().unwrap()
}

fn resolved(text: &str) -> Option<String> {
    registry().resolve(&requirement(text)).map(|schema| schema.name().to_owned())
}

/// Checks a payload against `OrderPlaced@2`: the violation's path and a part of its reason, or none.
fn check(payload: &Value, expected: Option<(&str, &str)>) {
    let schema = registry().resolve(&requirement("shop.orders/OrderPlaced@2")).unwrap();
    match (schema.check(payload), expected) {
        (Ok(()), None) => {}
        (Err(violation), Some((path, reason))) => {
            assert_eq!(violation.path, path, "{payload}: {violation}");
            assert!(violation.reason.contains(reason), "{payload}: {violation}");
        }
        (verdict, expected) => panic!("{payload}: {verdict:?} instead of {expected:?}"),
    }
}

/// Loads a folder of one file and returns the error, causes included, without the folder's own path.
fn refused(file: &str, content: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, content).unwrap();
    let error = Registry::load(folder.path()).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}").replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn lists_every_schema_by_name_and_version() {
    let registry = registry();
    let names: Vec<_> = registry.list().map(Schema::name).collect();
    let expected = [
        "aws.s3/ObjectCreated@1.0.0",
        "shop.orders/OrderPlaced@1.0.0",
        "shop.orders/OrderPlaced@2.0.0",
        "shop.orders/OrderPlaced@2.1.0",
        "shop.orders/OrderPlaced@10.0.0",
        "shop.orders/OrderShipped@1.2.0",
    ];
    assert_eq!(names, expected);
    assert_eq!(Registry::empty().list().count(), 0);
}

#[test]
fn resolves_to_the_highest_version_that_the_range_accepts() {
    for (range, expected) in [
        ("", Some("10.0.0")),
        ("@*", Some("10.0.0")),
        ("@2", Some("2.1.0")),
        ("@^2", Some("2.1.0")),
        ("@~2.0", Some("2.0.0")),
        ("@=2.0.0", Some("2.0.0")),
        ("@>=1, <2.1", Some("2.0.0")),
        ("@1", Some("1.0.0")),
        ("@3", None),
    ] {
        let expected = expected.map(|version| format!("shop.orders/OrderPlaced@{version}"));
        assert_eq!(resolved(&format!("shop.orders/OrderPlaced{range}")), expected, "{range}");
    }
    assert_eq!(resolved("shop.orders/Unknown"), None);
    assert_eq!(resolved("other/OrderPlaced"), None);
}

#[test]
fn judges_by_that_version_alone() {
    check(&json!({ "order": "o-1", "total": 3, "lines": [{ "sku": "a" }] }), None);
    check(&json!({ "order": "o-1", "total": "3" }), Some(("/total", r#""3" is not of type "number""#)));
    check(&json!({ "order": "o-1" }), Some(("", r#""total" is a required property"#)));
    check(&json!({ "order": "o-1", "total": 3, "lines": [{ "sku": "a" }, {}] }), Some(("/lines/1", "sku")));
    check(&json!({ "order": "valid in 2.0 only", "total": 3 }), Some(("/order", "does not match")));
    check(&json!({ "order": "o-1", "total": 3, "a/b~c": 1 }), Some(("", "'a/b~c' was unexpected")));
    check(&json!([]), Some(("", "object")));
}

#[test]
fn quotes_no_more_than_a_little_of_a_value() {
    let long = "secret ".repeat(100);
    let schema = registry().resolve(&requirement("shop.orders/OrderPlaced@2")).unwrap();
    let violation = schema.check(&json!({ "order": "o-1", "total": long })).unwrap_err();
    assert!(violation.reason.starts_with("\"secret secret"), "{violation}");
    assert!(violation.reason.ends_with(r#"... is not of type "number""#), "{violation}");
    assert_eq!(violation.reason.find("... is not").map(|end| end + 3), Some(120));

    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("shop/Order")).unwrap();
    fs::write(folder.path().join("shop/Order/1.json"), json!({ "const": long }).to_string()).unwrap();
    let schema = Registry::load(folder.path()).unwrap().resolve(&requirement("shop/Order")).unwrap();
    assert_eq!(schema.check(&json!("short")).unwrap_err().reason.chars().count(), 400);
}

#[test]
fn refuses_a_folder_and_names_the_file() {
    for (file, content, expected) in [
        (
            "README.md",
            "",
            "`README.md` is not part of `REGISTRY/NAME/VERSION.json`: a folder is expected here",
        ),
        ("a b/Name/1.json", "{}", "`a b` is not part of"),
        ("shop/1.json", "{}", "`shop/1.json` is not part of `REGISTRY/NAME/VERSION.json`: a folder"),
        ("shop/Order/v1.json", "{}", "`shop/Order/v1.json` is not part of"),
        ("shop/Order/1.2.3.4.json", "{}", "a version is a file such as `1.json`"),
        ("shop/Order/01.json", "{}", "a version is a file such as `1.json`"),
        ("shop/Order/1..json", "{}", "a version is a file such as `1.json`"),
        ("shop/Order/1.yaml", "{}", "a version is a file such as `1.json`"),
        ("shop/Order/1.json/deep", "{}", "`shop/Order/1.json` is not part of"),
        ("shop/Order/1.json", "{", "`shop/Order/1.json` is not JSON: EOF while parsing"),
        (
            "shop/Order/1.json",
            r#"{"type": "objekt"}"#,
            "`shop/Order/1.json` is not a valid JSON Schema: at `/type`:",
        ),
        (
            "shop/Order/1.json",
            r#"{"$ref": "http://127.0.0.1:9/x"}"#,
            "refers to nothing outside its own file",
        ),
        (
            "shop/Order/1.json",
            r#"{"$ref": "file:///etc/hostname"}"#,
            "refers to nothing outside its own file",
        ),
    ] {
        let message = refused(file, content);
        assert!(message.contains(expected), "{file} {content}: {message}");
    }
}

#[test]
fn refuses_one_version_twice_and_a_folder_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let versions = folder.path().join("shop/Order");
    fs::create_dir_all(&versions).unwrap();
    fs::write(versions.join("1.json"), "{}").unwrap();
    fs::write(versions.join("1.0.json"), "{}").unwrap();
    let message = Registry::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("1.0.json` and `"), "{message}");
    assert!(message.ends_with("are the same version, 1.0.0"), "{message}");

    let message = Registry::load(&folder.path().join("none")).unwrap_err().to_string();
    assert!(message.starts_with("cannot read `"), "{message}");
}

#[test]
fn leaves_hidden_files_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".gitkeep"), "").unwrap();
    assert_eq!(Registry::load(folder.path()).unwrap().list().count(), 0);
}

#[test]
fn shows_a_requirement_as_it_parses() {
    for (text, shown) in [
        ("shop.orders/OrderPlaced@^2", "shop.orders/OrderPlaced@^2"),
        ("shop.orders/OrderPlaced@2", "shop.orders/OrderPlaced@^2"),
        ("shop.orders/OrderPlaced@>=1.4,<3", "shop.orders/OrderPlaced@>=1.4, <3"),
        ("shop.orders/OrderPlaced", "shop.orders/OrderPlaced"),
        ("shop.orders/OrderPlaced@*", "shop.orders/OrderPlaced"),
    ] {
        assert_eq!(requirement(text).to_string(), shown);
    }
}

#[test]
fn refuses_what_is_not_a_requirement() {
    for (text, expected) in [
        ("OrderPlaced", "`OrderPlaced` is not `REGISTRY/NAME`"),
        ("shop/", "`` is not a name"),
        ("/OrderPlaced", "`` is not a name"),
        ("shop/orders/OrderPlaced", "`orders/OrderPlaced` is not a name"),
        ("shop/..", "`..` is not a name"),
        ("shop/Order@", "`` is not a range of versions"),
        ("shop/Order@two", "`two` is not a range of versions"),
    ] {
        let message = text.parse::<Requirement>().unwrap_err().to_string();
        assert!(message.starts_with(expected), "{text}: {message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_requirement_survives_its_own_text(
        registry in "[a-z][a-z.]{0,9}", name in "[A-Z][A-Za-z0-9_-]{0,9}",
        range in "(\\^|~|=|>=|<|)[1-9][0-9]{0,2}(\\.[1-9][0-9]{0,2}){0,2}",
    ) {
        let first = requirement(&format!("{registry}/{name}@{range}"));
        prop_assert_eq!(requirement(&first.to_string()), first);
    }
}
