//! The rules whose values are listed in files, on the corpus's field `properties.MAPBLKLOT`.

use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Rules of one kind.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) sizes: &'static [usize],
    /// The operator, if the values are not to be equal.
    operator: Option<&'static str>,
}

/// The matches that so many rules of a family must count.
#[derive(Clone, Copy, Deserialize)]
struct Known {
    #[serde(rename = "n")]
    rules: usize,
    matches: u64,
}

pub(crate) const FAMILIES: [Family; 4] = [
    Family { name: "exact", sizes: &[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000], operator: None },
    Family { name: "prefix", sizes: &[10, 1_000, 10_000], operator: Some("prefix") },
    Family { name: "wildcard", sizes: &[10, 100, 1_000, 10_000], operator: Some("wildcard") },
    Family { name: "wildhard", sizes: &[10, 100, 1_000], operator: Some("wildcard") },
];

impl Family {
    /// Reads the values that the rules are made from.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read.
    pub(crate) fn values(&self, directory: &Path) -> Result<Vec<String>> {
        let text = read(&directory.join(format!("scale_{}.txt", self.name)))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Returns how many matches so many rules must count, where that is written down.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read.
    pub(crate) fn matches(&self, directory: &Path, rules: usize) -> Result<Option<u64>> {
        let file = directory.join("scale.json");
        let known: HashMap<String, Vec<Known>> = serde_json::from_str(&read(&file)?)
            .with_context(|| format!("{} does not hold counts", file.display()))?;
        let row = known.get(self.name).and_then(|rows| rows.iter().find(|row| row.rules == rules));
        Ok(row.map(|row| row.matches))
    }

    /// Writes a rule.
    pub(crate) fn rule(&self, values: &[String], number: usize) -> String {
        let value = &values[number];
        let wanted = match self.operator {
            None => format!(r#""{value}""#),
            Some(operator) => format!(r#"{{"{operator}":"{value}"}}"#),
        };
        format!(r#"{{"properties":{{"MAPBLKLOT":[{wanted}]}}}}"#)
    }
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}
