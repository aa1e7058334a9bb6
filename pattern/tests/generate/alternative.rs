//! Alternatives with every operator.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::check::naive::Json;

use super::value::compared;
use super::{list, plain, text};

fn operator(name: impl Into<String>, operand: Json) -> Json {
    Json::Object(vec![(name.into(), operand)])
}

pub(super) fn alternative() -> impl Strategy<Value = Json> {
    let texts = select(vec!["exactly", "prefix", "suffix", "equals-ignore-case"]);
    let affixes = select(vec!["prefix", "suffix"]);
    prop_oneof![
        24 => plain(),
        12 => select(vec![Json::True, Json::False]).prop_map(|holds| operator("exists", holds)),
        16 => (texts, text()).prop_map(|(name, text)| operator(name, Json::Text(text))),
        8 => (affixes, text())
            .prop_map(|(name, text)| operator(name, operator("equals-ignore-case", Json::Text(text)))),
        8 => wildcard().prop_map(|text| operator("wildcard", Json::Text(text))),
        12 => numeric().prop_map(|terms| operator("numeric", Json::List(terms))),
        4 => block().prop_map(|text| operator("cidr", Json::Text(text.to_owned()))),
        16 => anything_but().prop_map(|excluded| operator("anything-but", excluded)),
        1 => refused(),
    ]
}

/// What is no alternative.
fn refused() -> impl Strategy<Value = Json> {
    let text = |text: &str| Json::Text(text.to_owned());
    let list = Json::List;
    select(vec![
        list(vec![]),
        Json::Object(vec![]),
        Json::Object(vec![("prefix".to_owned(), text("x")), ("prefix".to_owned(), text("x"))]),
        operator("Prefix", text("x")),
        operator("prefix", list(vec![text("x")])),
        operator("prefix", operator("suffix", text("x"))),
        operator("wildcard", text("x**")),
        operator("wildcard", text("\\x")),
        operator("exists", text("true")),
        operator("numeric", list(vec![text("<"), text("1")])),
        operator("numeric", list(vec![])),
        operator("anything-but", list(vec![])),
        operator("anything-but", list(vec![text("x"), Json::Number("1".to_owned())])),
        operator("anything-but", operator("prefix", text(""))),
        operator("anything-but", operator("exactly", text("x"))),
        operator("anything-but", Json::Null),
    ])
}

/// Text with stars between its pieces.
fn wildcard() -> impl Strategy<Value = String> {
    let piece = select(vec!["", "x", "y", "xy", "xyx", "\\*", "\\\\", "\u{e9}", "\u{1d11e}", "\"", "10."]);
    let inner = select(vec!["x", "y", "xy", "xyx", "\\*", "\\\\", "\u{e9}", "\u{1d11e}"]);
    (piece.clone(), vec(inner, 0..3), piece).prop_map(|(first, inner, last)| {
        let pieces: Vec<&str> = [vec![first], inner, vec![last]].concat();
        pieces.join("*")
    })
}

fn numeric() -> impl Strategy<Value = Vec<Json>> {
    let term = |name: &str, number: &str| [Json::Text(name.to_owned()), Json::Number(number.to_owned())];
    let one = (select(vec!["=", "<", "<=", ">", ">="]), compared())
        .prop_map(move |(name, number)| term(name, &number).to_vec());
    let bounds = vec!["-1", "0", "4.9e-324", "0.1", "1", "15e2", "9007199254740992", "1e308"];
    let bounds = prop_oneof![
        8 => subsequence(bounds.clone(), 2),
        1 => vec(select(bounds), 2),
    ];
    let two = (select(vec![">", ">="]), select(vec!["<", "<="]), bounds)
        .prop_map(move |(lower, upper, bounds)| [term(lower, bounds[0]), term(upper, bounds[1])].concat());
    prop_oneof![one, two]
}

fn block() -> impl Strategy<Value = &'static str> {
    let blocks = [
        "10.0.0.0/24",
        "10.0.0.77/31",
        "010.0.0.1/8",
        "0.0.0.0/0",
        "2001:db8::/32",
        "2001:db8::1/127",
        "::/0",
        "::/1",
        "::ffff:a00:0/24",
        "10.0.0.0/8/",
        "10.0.0.0/+8",
        "10.0.0.0/008",
        "10.0.0.0/-0",
    ];
    let refused = [
        "10.0.0.0/32",
        "::/128",
        "10.0.0.0",
        "x/8",
        "10.0.0.0/-1",
        "/8",
        "10.0.0.0//8",
        "1::2::3/8",
        "10.0.0.0/8/8",
        "",
        "/",
        "10.0.0.0/x",
        "10.0.0.0/",
        "256.0.0.0/8",
    ];
    prop_oneof![12 => select(blocks.to_vec()), 1 => select(refused.to_vec())]
}

fn anything_but() -> impl Strategy<Value = Json> {
    let one_or_more = |text: BoxedStrategy<String>| {
        let text = text.prop_map(Json::Text).boxed();
        prop_oneof![text.clone(), list(text, 1, 4)]
    };
    let nested = select(vec!["prefix", "suffix", "equals-ignore-case"]);
    let filled = text().prop_map(|text| if text.is_empty() { "x".to_owned() } else { text });
    prop_oneof![
        3 => one_or_more(text().boxed()),
        2 => compared().prop_map(Json::Number),
        2 => list(compared().prop_map(Json::Number), 1, 4),
        3 => (nested, one_or_more(filled.boxed())).prop_map(|(name, texts)| operator(name, texts)),
        1 => one_or_more(wildcard().boxed()).prop_map(|texts| operator("wildcard", texts)),
    ]
}
