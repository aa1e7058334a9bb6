//! Hands damaged cases of the project's table to what the fuzz targets hold, with the stable toolchain.

#![expect(clippy::unwrap_used, reason = "a table that cannot be read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[path = "../fuzz/src/lib.rs"]
pub mod targets;

use targets::SEPARATOR;

/// How often each input is damaged anew.
const ROUNDS: usize = 16;
const DICTIONARY: &str = include_str!("../fuzz/pattern.dict");

#[derive(Deserialize)]
struct Case {
    pattern: String,
    event: String,
}

/// A target by its name, and the inputs it starts from.
struct Target {
    name: &'static str,
    hold: fn(&[u8]),
    inputs: Vec<Vec<u8>>,
}

fn cases(directory: &Path, tables: &[&str]) -> Vec<Case> {
    let paths = tables.iter().map(|table| directory.join(table));
    let texts: Vec<String> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
    texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn own_cases() -> Vec<Case> {
    cases(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data"), &["patterns.jsonl"])
}

fn targets_of(cases: &[Case]) -> [Target; 3] {
    let patterns = cases.iter().map(|case| case.pattern.clone().into_bytes());
    let pairs = cases.iter().map(|case| join(&[&case.pattern, &case.event]));
    let sets = cases.windows(5).map(|cases| {
        let patterns = cases.iter().map(|case| case.pattern.as_str());
        join(&patterns.chain([cases[2].event.as_str()]).collect::<Vec<_>>())
    });
    [
        Target { name: "parse", hold: targets::parse, inputs: patterns.collect() },
        Target { name: "matching", hold: targets::matching, inputs: sets.collect() },
        Target { name: "explain", hold: targets::explain, inputs: pairs.collect() },
    ]
}

fn join(parts: &[&str]) -> Vec<u8> {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    parts.join(&SEPARATOR)
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 32).unwrap() % limit.max(1)
    }
}

/// Changes an input in one place; `other` is one to take a piece of.
fn damage(input: &mut Vec<u8>, other: &[u8], tokens: &[Vec<u8>], random: &mut Random) {
    let start = random.below(input.len() + 1);
    let end = (start + random.below(4)).min(input.len());
    let piece = match random.below(6) {
        0 => Vec::new(),
        1 => vec![u8::try_from(random.below(256)).unwrap()],
        2 | 3 => tokens[random.below(tokens.len())].clone(),
        4 => input[start..(start + random.below(12)).min(input.len())].to_vec(),
        _ => {
            let start = random.below(other.len());
            other[start..(start + random.below(24)).min(other.len())].to_vec()
        }
    };
    input.splice(start..end, piece);
}

/// Returns the words of the dictionary, without their quotes and escapes.
fn tokens() -> Vec<Vec<u8>> {
    let lines = DICTIONARY.lines().filter(|line| line.starts_with('"'));
    let unquoted = |line: &str| line.trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
    lines
        .map(|line| if line == r#""\xff""# { vec![SEPARATOR] } else { unquoted(line).into_bytes() })
        .collect()
}

#[test]
fn what_the_targets_hold_is_true_of_damaged_cases() {
    let (mut random, tokens) = (Random(0x5EED), tokens());
    for target in targets_of(&own_cases()) {
        for (index, input) in target.inputs.iter().enumerate() {
            (target.hold)(input);
            let other = &target.inputs[random.below(target.inputs.len())];
            for round in 0..ROUNDS {
                let mut input = input.clone();
                for _ in 0..=random.below(4) {
                    damage(&mut input, other, &tokens, &mut random);
                }
                let held = std::panic::catch_unwind(|| (target.hold)(&input));
                assert!(
                    held.is_ok(),
                    "{} {index}/{round}: {:?}",
                    target.name,
                    String::from_utf8_lossy(&input)
                );
            }
        }
    }
}

/// Writes the inputs that the fuzz targets start from, of the recorded tables too if `RAILPOST_CONFORMANCE` names
/// their directory.
#[test]
#[ignore = "writes files: pattern/fuzz/corpus"]
fn write_seeds() {
    let mut cases = own_cases();
    if let Some(directory) = std::env::var_os("RAILPOST_CONFORMANCE").map(PathBuf::from) {
        let tables = ["patterns.visible.jsonl", "ruler.visible.jsonl", "probes.visible.jsonl"];
        cases.extend(self::cases(&directory, &tables));
    }
    for target in targets_of(&cases) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target.name);
        fs::create_dir_all(&corpus).unwrap();
        for (index, input) in target.inputs.iter().enumerate() {
            fs::write(corpus.join(format!("case-{index:04}")), input).unwrap();
        }
    }
}
