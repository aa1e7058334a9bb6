//! Names, and values without parts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::check::naive::Json;

use super::spelling::spell;

/// Texts of IPv4 addresses, and texts that are none.
const IPV4: [&str; 15] = [
    "10.0.0.1",
    "010.0.0.1",
    "10.0.0.0",
    "10.0.0.255",
    "10.0.1.0",
    "0.0.0.0",
    "255.255.255.255",
    "256.0.0.1",
    "10.0.0",
    "10.0.0.",
    "0000000010.0.0.1",
    "000000010.0.0.1",
    "::ffff:a00:1",
    "0:0:0:0:0:ffff:0a00:0001",
    "::10.0.0.1",
];

/// Texts of IPv6 addresses, and texts that are none.
const IPV6: [&str; 16] = [
    "::",
    "::1",
    "2001:db8::1",
    "2001:0db8:0::1",
    "2001:DB8::1",
    "2001:db9::",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8::",
    "1::2::3",
    ":::",
    ":1",
    "00001::",
    "::1%0",
    "12345::",
];

/// Texts that are alike in some case, or nearly.
const CASES: [&str; 28] = [
    "X",
    "\u{df}",
    "\u{1e9e}",
    "SS",
    "ss",
    "sS",
    "\u{130}",
    "i\u{307}",
    "I",
    "i",
    "\u{131}",
    "\u{212a}",
    "K",
    "k",
    "\u{1c5}",
    "\u{1c4}",
    "\u{1c6}",
    "\u{10400}",
    "\u{10428}",
    "\u{3c2}",
    "\u{3c3}",
    "\u{3a3}",
    "\u{fb03}",
    "FFI",
    "\u{390}",
    "\u{149}",
    "\u{e9}",
    "e\u{301}",
];

/// Texts that have a meaning elsewhere.
const ODD_TEXTS: [&str; 16] = [
    "*",
    "\\",
    "\"",
    "/",
    "\n",
    "\u{0}",
    "\u{7f}",
    "?",
    // After half a surrogate pair, what is not its other half.
    "?\nde00",
    "?\\ude00",
    "\u{1d11e}",
    "\u{fffd}",
    "true",
    "1",
    "null",
    " ",
];

/// Numbers at the edges of what a double keeps.
const ODD_NUMBERS: [&str; 40] = [
    "0.0",
    "0e5",
    "-0.0e-7",
    "2.00",
    "-1",
    "-1.0",
    "0.1",
    "0.10",
    "1e-1",
    "1e400",
    "-1e400",
    "1e309",
    "1e308",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "1e-400",
    "5e-324",
    "4.9e-324",
    "2e-323",
    "1e-323",
    "9.9e-324",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "9007199254740992.0",
    "0.1000000000000000055511151231257827",
    "1e23",
    "1.0e23",
    "2e23",
    "1e22",
    "123456789012345678",
    "123456789012345680",
    "-122.422003528252475",
    "5.684341886080802e-14",
    "5.684341886080801e-14",
    "1e99999999999",
    "0e99999999999",
    "1e-99999999999",
    "100000000000000000000",
];

/// Numbers in several spellings.
const NUMBERS: [&str; 10] = ["1", "1.0", "10e-1", "0.1e1", "2", "0", "-0", "1500", "1.5e3", "1.5E+3"];

/// Names in which dots, emptiness and the order of UTF-16 units count.
pub(super) fn name() -> impl Strategy<Value = String> {
    let odd =
        ["a.b", "b.a", "", ".", "a.", "\u{e9}", "\u{ff5e}", "\u{10400}", "$or", "prefix", "a\"b", "?", "A"];
    prop_oneof![
        24 => select(vec!["a", "b"]),
        4 => select(vec!["c", "a.b"]),
        1 => select(odd.to_vec()),
    ]
    .prop_map(str::to_owned)
}

/// Texts, and pieces of texts, that begin and end alike.
pub(super) fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => select(vec!["", "x", "y", "xy", "xyx"]),
        2 => select(CASES.to_vec()),
        1 => select(ODD_TEXTS.to_vec()),
    ];
    prop_oneof![
        9 => select(vec!["", "x", "y", "xy", "xyx", "xyxy"]).prop_map(str::to_owned),
        4 => vec(piece, 0..5).prop_map(|pieces| pieces.concat()),
        2 => address(),
    ]
}

/// Returns one of the texts that are addresses, or nearly are, of the kind that a text is.
pub(super) fn another_address(text: &str, choice: usize) -> Option<&'static str> {
    let kinds = [&IPV4[..], &IPV6[..]];
    let kind = kinds.into_iter().find(|kind| kind.contains(&text))?;
    Some(kind[choice % kind.len()])
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![select(IPV4.to_vec()), select(IPV6.to_vec())].prop_map(str::to_owned)
}

/// Returns all texts that are chosen from, as JSON.
pub(crate) fn odd_texts() -> Vec<String> {
    // Halves of surrogate pairs, and what is taken for one.
    let halves = [r"\ud83d", r"\ude00\ud83d", r"\ud83d\ude00", r"\ud83d\nde00", r"\ud83d\\ude00", "??", "?"];
    let texts = [&IPV4[..], &IPV6, &CASES, &ODD_TEXTS].concat().into_iter();
    let spelled = texts.map(|text| spell(&Json::Text(text.to_owned()), 0));
    spelled.chain(halves.map(|half| format!("\"{half}\""))).collect()
}

/// Returns all numbers that are chosen from.
pub(crate) fn odd_numbers() -> Vec<String> {
    NUMBERS.iter().chain(&ODD_NUMBERS).map(|number| (*number).to_owned()).collect()
}

/// Numbers, nearly all of which a double keeps.
pub(super) fn compared() -> impl Strategy<Value = String> {
    let few = [
        "1",
        "1.0",
        "10e-1",
        "2",
        "0",
        "-0",
        "1500",
        "1.5E+3",
        "9007199254740992",
        "1e308",
        "4.9e-324",
        "-1",
    ];
    prop_oneof![24 => select(few.to_vec()).prop_map(str::to_owned), 1 => number()]
}

/// Numbers in several spellings, some of which no double keeps.
pub(super) fn number() -> impl Strategy<Value = String> {
    let any_integer = any::<i64>().prop_map(|number| number.to_string());
    let any_double = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL;
    prop_oneof![
        8 => select(NUMBERS.to_vec()).prop_map(str::to_owned),
        4 => select(ODD_NUMBERS.to_vec()).prop_map(str::to_owned),
        1 => any_integer,
        1 => any_double.prop_map(|number| format!("{number:e}")),
    ]
}

/// A string, a number, `true`, `false` or `null`.
pub(super) fn plain() -> impl Strategy<Value = Json> {
    prop_oneof![
        6 => text().prop_map(Json::Text),
        4 => number().prop_map(Json::Number),
        1 => select(vec![Json::Null, Json::True, Json::False]),
    ]
}
