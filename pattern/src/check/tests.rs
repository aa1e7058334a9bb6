use proptest::prelude::*;
use proptest::sample::select;

use super::{Check, scope_end};
use crate::block::{Portable, Work};
use crate::json::{Reader, Token};

/// Returns what every form says, which must be the same.
fn proved(text: &[u8]) -> Option<usize> {
    let end = scope_end(text);
    assert_eq!(Check { text }.run(Portable), end, "{:?}", String::from_utf8_lossy(text));
    #[cfg(target_arch = "x86_64")]
    if let Some(form) = crate::block::Avx2::detect() {
        assert_eq!(form.run(Check { text }), end, "{:?}", String::from_utf8_lossy(text));
    }
    end
}

/// Returns where the object or array that a text begins with ends, as the reader sees it.
fn read(text: &[u8]) -> Option<usize> {
    // What follows the end may be no UTF-8.
    let valid = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&text[..error.valid_up_to()]).unwrap(),
    };
    let mut reader = Reader::new(valid);
    let first = reader.next().ok()??;
    if !matches!(first, Token::ObjectStart | Token::ArrayStart) {
        return None;
    }
    reader.skip_scope().ok()?;
    Some(reader.position())
}

fn check(text: &[u8]) {
    assert_eq!(proved(text), read(text), "{:?}", String::from_utf8_lossy(text));
}

/// Checks a text at every place in a block, followed by other text too.
fn check_everywhere(text: &str) {
    for before in 0..130 {
        let padding = " ".repeat(before);
        check(format!("{padding}{text}").as_bytes());
        check(format!("[{padding}{text}]").as_bytes());
        check(format!("[[\"{padding}\",{text}],1]").as_bytes());
        check(format!("{{\"{padding}\":{text}}}").as_bytes());
        check(format!("{{\"{padding}\"{text}}}").as_bytes());
        check(format!("{{\"{padding}\":1,{text}}} \u{1} \\ \u{e9}]").as_bytes());
    }
}

const TOKENS: &[&str] = &[
    "{}",
    "[]",
    "{ }",
    "[ ]",
    "[\n]",
    "\"\"",
    "\"a\"",
    "\"\\\"\"",
    "\"\\\\\"",
    "\"\\u00e9\"",
    "\"\u{e9}\"",
    "0",
    "-0",
    "10",
    "-1.5",
    "1e5",
    "1E+05",
    "-1.25e-10",
    "true",
    "false",
    "null",
    ":1",
    " : 1",
    ", 2",
    "{\"a\":{\"b\":[1,{}]}}",
    "[1 , 2]",
    "{\"a\":[],[[]]}",
    "{\"a\":1, \"b\" : [true ,null]}",
    "\"a\":1,\"b\":2",
];

#[test]
fn a_token_is_judged_alike_wherever_it_stands() {
    for token in TOKENS {
        check_everywhere(token);
    }
}

const FAULTS: &[&str] = &[
    "",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\\\"",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u00g0\"",
    "\"\\u00\"",
    "\"\t\"",
    "\u{1}",
    "\"\u{1f}\"",
    "\u{e9}",
    "01",
    "-01",
    "-",
    "+1",
    ".5",
    "1.",
    "1.e5",
    "1.5.5",
    "1..5",
    "1e",
    "1e+",
    "1e+-5",
    "1e5.5",
    "1e5e5",
    "1-5",
    "--1",
    "1+5",
    "-e5",
    "ee",
    "e5",
    "truex",
    "true1",
    "tru",
    "nul",
    "falsey",
    "True",
    "truefalse",
    "true\"\"",
    "1true",
    "1 1",
    "1\"\"",
    "\"\"1",
    "\"\" \"\"",
    "1,",
    ",1",
    "1,,1",
    ":",
    "1:1",
    ": 1 : 1",
    ":,",
    "\"a\":1,",
    "\"a\"",
    "\"a\",\"b\":1",
    "\"a\"\"b\":1",
    "1:1",
    "[1]:1",
    "{}:1",
    "[]1",
    "[][]",
    "{}{}",
    "[}",
    "{]",
    "{,}",
    "[,]",
    "{:}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1:2}",
    "{\"a\":[1]:2}",
    "{[1]}",
    "{1}",
    "[\"a\":1]",
    "[1,\"a\":1]",
    "{\"a\":1,2}",
    "\u{7f}",
    "\u{c}",
    "NaN",
    "Infinity",
    "/**/",
    "'a'",
    "1/2",
    "0x1",
];

#[test]
fn a_fault_is_seen_wherever_it_stands() {
    for token in FAULTS {
        check_everywhere(token);
    }
}

#[test]
fn nesting_has_a_limit() {
    for depth in [1, 63, 64, 65, 500, 999, 1000, 1001, 1100] {
        for (open, close) in
            [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]"), ("[[[{\"a\":[{\"b\":{\"c\":", "}}]}]]]")]
        {
            let opens = open.matches(['[', '{']).count();
            let (times, rest) = (depth / opens, depth % opens);
            let text =
                "[".repeat(rest) + &open.repeat(times) + "1" + &close.repeat(times) + &"]".repeat(rest);
            check(text.as_bytes());
            assert_eq!(proved(text.as_bytes()).is_some(), depth <= 1000, "{depth} {open}");
        }
    }
}

#[test]
fn text_must_be_utf8_up_to_the_end() {
    check(b"[\"\xff\"]");
    check(b"[\"\xc3\xa9\"]");
    check(b"[\"\xc3\"]");
    check(b"[\"\"]\xff");
    check(b"\xef\xbb\xbf[]");
    assert_eq!(proved(b"[1]\xff"), Some(3));
}

#[test]
fn only_objects_and_arrays_are_scopes() {
    for text in ["", " ", "1", "\"a\"", "true", "]", ",[]", ":{}"] {
        assert_eq!(proved(text.as_bytes()), None, "{text}");
    }
}

/// Makes a JSON value: what follows the first byte of the seed decides about the rest.
fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        number(),
        string(),
        select(vec!["true", "false", "null", "{}", "[]", "{ }"]).prop_map(str::to_owned)
    ];
    leaf.prop_recursive(6, 40, 8, |inner| {
        let entry = (space(), string(), space(), space(), inner.clone(), space())
            .prop_map(|(a, name, b, c, value, d)| format!("{a}{name}{b}:{c}{value}{d}"));
        let item = (space(), inner, space()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        prop_oneof![
            prop::collection::vec(entry, 0..8).prop_map(|entries| format!("{{{}}}", entries.join(","))),
            prop::collection::vec(item, 0..8).prop_map(|items| format!("[{}]", items.join(","))),
        ]
    })
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(String::new()), 2 => "[ \t\r\n]{1,3}", 1 => " {0,130}"]
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,20})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z0-9 {}\\[\\]:,.-]{0,12}",
        1 => "[ -!#-\\[\\]-~]{0,80}",
        1 => select(vec!["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u00e9", "\\uD83D\\uDE00", "\\uDEAD"])
            .prop_map(str::to_owned),
        1 => select(vec!["\u{e9}", "\u{20ac}", "\u{1f600}", "\u{7f}"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Makes an object or array with white space before it and something behind it.
pub(crate) fn scope() -> impl Strategy<Value = (String, usize)> {
    (space(), value(), "[ -~]{0,70}").prop_map(|(before, value, behind)| {
        let value = if value.starts_with(['{', '[']) { value } else { format!("[{value}]") };
        let end = before.len() + value.len();
        (format!("{before}{value}{behind}"), end)
    })
}

/// Makes one change to a text: a byte replaced, added or taken away.
fn edits() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let byte = prop_oneof![4 => select(ALPHABET.to_vec()), 1 => any::<u8>()];
    prop::collection::vec((any::<prop::sample::Index>(), 0..3_u8, byte), 1..4)
}

const ALPHABET: &[u8] = b"{}[]{}[],,::\"\"\\ \n019-+.eEtruefalsn/\x01\xc3\xa9";

pub(crate) fn cases() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn well_formed_text_is_proved((text, end) in scope()) {
        prop_assert_eq!(proved(text.as_bytes()), Some(end), "{}", text);
        prop_assert_eq!(read(text.as_bytes()), Some(end), "{}", text);
    }

    #[test]
    fn text_with_a_few_changes_is_judged_as_the_reader_does((text, _) in scope(), edits in edits()) {
        let mut text = text.into_bytes();
        for (index, kind, byte) in edits {
            let at = index.index(text.len().max(1)).min(text.len());
            match kind {
                0 if at < text.len() => text[at] = byte,
                1 if at < text.len() => drop(text.remove(at)),
                _ => text.insert(at, byte),
            }
        }
        check(&text);
    }

    #[test]
    fn bytes_are_judged_as_the_reader_does(bytes in prop::collection::vec(select(ALPHABET.to_vec()), 0..30)) {
        check(&bytes);
        check(&[b"[".as_slice(), &bytes, b"]"].concat());
        check(&[b"{\"a\":".as_slice(), &bytes, b"}"].concat());
        check(&[b"[\"".as_slice(), &bytes, b"\"]"].concat());
    }

    #[test]
    fn numbers_are_judged_as_the_reader_does(number in "[0-9eE+.-]{1,9}", before in 0..64_usize) {
        check(format!("[{}{number}]", " ".repeat(before)).as_bytes());
    }

    #[test]
    fn tokens_are_judged_as_the_reader_does(
        tokens in prop::collection::vec(
            select(vec!["{", "}", "[", "]", ",", ":", ":", "\"a\":", "\"a\"", "1", "-1.5e+3", "true", "null", " ", ",\"a\":1", "[]", "{}"]),
            0..40,
        )
    ) {
        let tokens = tokens.concat();
        check(tokens.as_bytes());
        check(format!("[{tokens}]").as_bytes());
        check(format!("{{\"a\":{tokens}}}").as_bytes());
    }
}

/// Tries every sequence of a few tokens, alone and inside others.
#[test]
fn all_short_sequences_of_tokens_are_judged_as_the_reader_judges_them() {
    const TOKENS: [&str; 8] = ["{", "}", "[", "]", ",", ":", "\"\"", "1"];
    const LENGTH: u32 = 5;
    let around = [("", ""), ("{\"\":[],", "}"), ("[{},", "]"), ("[[{\"\":", "}]]"), ("{\"\":1,", "1}")];
    for number in 0..8_usize.pow(LENGTH) {
        let tokens: String = (0..LENGTH).map(|place| TOKENS[number >> (3 * place) & 7]).collect();
        for (before, behind) in around {
            check(format!("{before}{tokens}{behind}").as_bytes());
        }
    }
}
