//! The sets of rules, each with the number of events that each of its rules matches.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// A set of rules.
#[derive(Deserialize)]
pub(crate) struct RuleSet {
    pub(crate) name: String,
    /// The rules' own text: a number that has been through a double would be another one.
    pub(crate) rules: Vec<Box<RawValue>>,
    expected_counts: Vec<u64>,
}

/// Reads the sets of a file.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be read or holds something else.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let text =
        std::fs::read(path).with_context(|| format!("cannot read the rule sets {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} does not hold rule sets", path.display()))
}

impl RuleSet {
    /// Compares what each rule has matched with what it should.
    ///
    /// # Errors
    ///
    /// Returns an error that names the engine, the set and every rule that differs.
    pub(crate) fn check(&self, engine: &str, counts: &[u64]) -> Result<()> {
        let counted = self.rules.iter().zip(&self.expected_counts).zip(counts);
        let wrong: Vec<String> = counted
            .filter(|((_, expected), found)| expected != found)
            .map(|((rule, expected), found)| {
                let rule = rule.get().split_whitespace().collect::<Vec<_>>().join(" ");
                format!("{rule}: expected {expected}, found {found}")
            })
            .collect();
        ensure!(wrong.is_empty(), "{engine} counts wrong in {}:\n{}", self.name, wrong.join("\n"));
        Ok(())
    }
}
