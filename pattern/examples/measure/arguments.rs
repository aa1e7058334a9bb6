//! What a measurement is told on its command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

/// The files to read, and what to measure of them.
pub(crate) struct Arguments<const FILES: usize> {
    pub(crate) files: [PathBuf; FILES],
    /// How often each figure is measured; the median counts.
    pub(crate) runs: usize,
    /// How many events of the corpus are read; all of them where none is given.
    pub(crate) events: Option<usize>,
    /// The names that were asked for; all of them where none is given.
    sets: Vec<String>,
}

impl<const FILES: usize> Arguments<FILES> {
    /// Reads the command line.
    ///
    /// # Errors
    ///
    /// Returns an error that says how the command line is written.
    pub(crate) fn read(files: [&str; FILES]) -> Result<Self> {
        Self::of(std::env::args().skip(1))
            .with_context(|| format!("usage: {} [--set NAME]... [--runs N] [--events N]", files.join(" ")))
    }

    /// Returns whether a name was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.sets.is_empty() || self.sets.iter().any(|set| set == name)
    }

    /// Looks whether the names that were asked for exist.
    ///
    /// # Errors
    ///
    /// Returns an error that names the first that does not, and those that do.
    pub(crate) fn check(&self, names: &[&str]) -> Result<()> {
        for set in &self.sets {
            ensure!(names.contains(&set.as_str()), "no set is named {set}; there are {}", names.join(", "));
        }
        Ok(())
    }

    fn of(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let (mut files, mut runs, mut events, mut sets) = (Vec::new(), 3, None, Vec::new());
        while let Some(word) = words.next() {
            let mut value = || words.next().with_context(|| format!("{word} needs a value"));
            match word.as_str() {
                "--set" => sets.push(value()?),
                "--runs" => runs = value()?.parse().context("--runs is a number")?,
                "--events" => events = Some(value()?.parse().context("--events is a number")?),
                _ if word.starts_with('-') => bail!("{word} is not known"),
                _ => files.push(PathBuf::from(word)),
            }
        }
        ensure!(runs > 0 && events != Some(0), "a measurement needs a run and an event");
        let given = files.len();
        let files = files.try_into().ok().with_context(|| format!("{given} files were named"))?;
        Ok(Self { files, runs, events, sets })
    }
}
