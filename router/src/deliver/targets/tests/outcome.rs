use serde::Deserialize;

use super::{Class, class_in_words};
use crate::deliver::targets::Failure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    code: String,
    status: Option<u16>,
    counts_as: String,
}

#[test]
fn aws_errors_count_as_the_table_says() {
    let table: Vec<Case> = super::cases(include_str!("aws_errors.toml"));
    for Case { code, status, counts_as } in table {
        let class = Class::of_aws(&code, status);
        assert_eq!(class_in_words(class), counts_as, "{code} with status {status:?}");
    }
}

#[test]
fn errors_are_one_line_of_at_most_200_characters() {
    check_text("down\r\n\tfor  maintenance \u{7}\n", "down for maintenance");
    check_text(&"x".repeat(200), &"x".repeat(200));
    check_text(&"x".repeat(201), &format!("{}...", "x".repeat(197)));
    check_text(&"\u{e9}".repeat(201), &format!("{}...", "\u{e9}".repeat(197)));
}

fn check_text(said: &str, shown: &str) {
    assert_eq!(Failure::retryable(said).error, shown);
}
