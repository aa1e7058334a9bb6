//! Holds the numbers that can be compared against the definition, carried out in full.

use proptest::prelude::*;

use super::{comparable, keeps, nearest};

fn check(text: &str, expected: Option<f64>) {
    assert_eq!(comparable(text), expected, "{text}");
}

#[test]
fn numbers_that_a_double_keeps_can_be_compared() {
    for (text, value) in [
        ("2", 2.0),
        ("2.0", 2.0),
        ("20e-1", 2.0),
        ("-0", 0.0),
        ("0e9", 0.0),
        ("1e23", 1e23),
        ("-122.42", -122.42),
    ] {
        check(text, Some(value));
    }
    check("9007199254740992", Some(9_007_199_254_740_992.0));
    check("1E-320", Some(1e-320));
    check("4.9e-324", Some(4.9e-324));
    check("600000000000000.2", Some(600_000_000_000_000.2));
}

#[test]
fn numbers_that_no_double_keeps_cannot() {
    for text in [
        "9007199254740993",
        "1e309",
        "1e-400",
        "-122.422003528252475",
        "1e99999999999",
        "0e99999999999",
        "5e-324",
        "600000000000000.3",
    ] {
        check(text, None);
    }
    check("0.1000000000000000055511151231257827", None);
}

/// Compares the digits with those of the shortest text, for every number.
fn by_definition(text: &str) -> Option<f64> {
    let decimal = digits_and_scale(text)?;
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    if decimal.digits.is_empty() {
        return Some(0.0);
    }
    let ordinary = (-300..300).contains(&decimal.scale) && decimal.digits.len() <= 15;
    (ordinary || digits_and_scale(&shortest_text(value))? == decimal).then_some(value)
}

#[derive(PartialEq)]
struct Decimal {
    negative: bool,
    /// From the first to the last that is not zero.
    digits: String,
    scale: i64,
}

fn digits_and_scale(text: &str) -> Option<Decimal> {
    let unsigned = text.trim_start_matches('-');
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let zeros = all.len() - digits.len();
    let scale = i64::from(exponent) + i64::try_from(whole.len()).unwrap() - i64::try_from(zeros).unwrap() - 1;
    let digits = digits.trim_end_matches('0').to_owned();
    Some(Decimal { negative: text.starts_with('-'), digits, scale })
}

/// Returns the shortest text of at least two digits that reads back as the value; of two the nearer, of two that
/// are equally near the one that ends in an even digit.
fn shortest_text(value: f64) -> String {
    let shortest = format!("{value:e}");
    let mantissa = shortest.split('e').next().unwrap();
    let decimals = mantissa.trim_start_matches('-').len().saturating_sub(2).max(1);
    let nearest = format!("{value:.decimals$e}");
    if nearest.parse() == Ok(value) { nearest } else { shortest }
}

fn check_definition(text: &str) {
    let expected = by_definition(text);
    assert_eq!(comparable(text).map(f64::to_bits), expected.map(f64::to_bits), "{text}");
    if let Some(value) = expected {
        assert_eq!(nearest(text).map(f64::to_bits), Some(value.to_bits()), "{text}");
        assert!(keeps(text.as_bytes(), value), "{text}");
    }
}

/// The texts of a double and of its neighbours, with more digits and with fewer.
fn check_around(value: f64) {
    for digits in [0, 1, 13, 14, 15, 16, 17, 18, 20] {
        check_definition(&format!("{value:.digits$e}"));
    }
    check_definition(&format!("{value:e}"));
    if (1e-9..1e21).contains(&value.abs()) {
        check_definition(&value.to_string());
        check_definition(&format!("{value:.3}"));
    }
}

#[test]
fn every_power_of_two_is_kept_by_its_shortest_text() {
    for exponent in 0..2047_u64 {
        for mantissa in [0, 1, 2, (1 << 52) - 1] {
            let value = f64::from_bits(exponent << 52 | mantissa);
            check_around(value);
            check_around(-value);
        }
    }
}

#[test]
fn the_smallest_doubles_have_their_two_digits() {
    for bits in 0..3000 {
        check_around(f64::from_bits(bits));
    }
    for (digit, exponent) in (1..10).flat_map(|digit| (-330..-300).map(move |exponent| (digit, exponent))) {
        check_definition(&format!("{digit}e{exponent}"));
        check_definition(&format!("{digit}.{digit}e{exponent}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_double_is_judged_by_the_definition(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        if value.is_finite() {
            check_around(value);
        }
    }

    #[test]
    fn any_number_is_judged_by_the_definition(
        long in "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        coordinate in "-?[1-9][0-9]{0,2}\\.[0-9]{12,16}",
        zeros in "-?0\\.0{0,9}[0-9]{14,18}0{0,4}(e[+-]?[0-9]{1,12})?",
    ) {
        check_definition(&long);
        check_definition(&coordinate);
        check_definition(&zeros);
    }
}

/// A reader gives up on exponents of six digits and more; what it then says of a number that they only seem to make
/// small or large is not believed.
#[test]
fn a_million_zeros_do_not_deceive() {
    let zeros = "0".repeat(1_000_000);
    for (whole, fraction, exponent) in [
        ("0", format!("{zeros}1"), "1000001"),
        ("0", "0".repeat(99_999) + "1", "1000001"),
        (&*format!("1{zeros}"), "0".to_owned(), "-1000000"),
    ] {
        check(&format!("{whole}.{fraction}e{exponent}"), None);
    }
    check(&format!("0.{zeros}0e1000001"), Some(0.0));
}
