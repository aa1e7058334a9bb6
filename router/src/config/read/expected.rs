//! `expected`: the parts that a group waits for.

use std::collections::BTreeMap;
use std::ops::Range;

use super::completion::Around;
use super::values::span;
use super::{Reader, all_or_none};
use crate::config::error::Code;
use crate::config::file::{At, Complete, ExpectedShape, ExpectedTable, ManifestTable};
use crate::config::model::{Expected, Manifest, Names};

impl Reader<'_> {
    /// Reads the parts that a group waits for.
    pub(super) fn expected(&mut self, expected: &At<ExpectedShape>, around: Around<'_>) -> Option<Expected> {
        let table = match &expected.value {
            ExpectedShape::Names(names) => {
                let names = self.listed(&expected.span, names)?;
                self.reachable(&expected.span, names.len(), around.parts_max);
                return Some(Expected { names: Names::Listed(names), optional: Vec::new(), quorum: None });
            }
            ExpectedShape::Table(table) => table,
        };
        let optional = table.optional.as_ref().map(|names| self.names(&names.value)).unwrap_or_default();
        let sources = [
            ("names", span(table.names.as_ref())),
            ("file", span(table.file.as_ref())),
            ("manifest", span(table.manifest.as_ref())),
        ];
        let names = match self.exactly_one(&expected.span, &sources, "the list of expected parts") {
            Some(_) => self.names_of(table),
            None => None,
        };
        let quorum = table.quorum.as_ref().map(|quorum| self.quorum(quorum, table));
        if let Some(names) = &names {
            self.none_optional(table, names);
            self.enough_room(table, names, quorum.flatten(), around.parts_max);
        }
        Some(Expected { names: names?, optional, quorum: all_or_none(quorum)? })
    }

    /// Reads the names from where they are.
    fn names_of(&mut self, table: &ExpectedTable) -> Option<Names> {
        match (&table.names, &table.file, &table.manifest) {
            (Some(names), ..) => self.listed(&names.span, &names.value).map(Names::Listed),
            (_, Some(file), _) => self.names_file(file).map(Names::PerKey),
            (_, _, Some(manifest)) => self.manifest(&manifest.value).map(Names::Manifest),
            (None, None, None) => None,
        }
    }

    /// Reads one name or more.
    fn listed(&mut self, span: &Range<usize>, names: &[At<String>]) -> Option<Vec<String>> {
        if names.is_empty() {
            self.finding(Code::Completion, span, "no parts are expected", "no names")
                .help("name the parts, such as `[\"paris\", \"lyon\"]`");
            return None;
        }
        Some(self.names(names))
    }

    fn names(&mut self, names: &[At<String>]) -> Vec<String> {
        let mut seen: BTreeMap<&str, &Range<usize>> = BTreeMap::new();
        for name in names {
            self.not_empty(name, "a part's name");
            if let Some(first) = seen.insert(name.as_str(), &name.span) {
                let message = format!("the part `{}` is expected twice", name.value);
                self.finding(Code::DuplicateName, &name.span, message, "named before")
                    .label(first, "the first")
                    .help("remove one of them");
            }
        }
        names.iter().map(|name| name.value.clone()).collect()
    }

    fn manifest(&mut self, table: &ManifestTable) -> Option<Manifest> {
        let filter = self.pattern(&table.filter);
        let key = table.key.as_ref().map(|keys| self.keys(keys));
        let names = self.key(&table.names.span, &table.names.value);
        Some(Manifest { filter: filter?, key: all_or_none(key)?, names: names? })
    }

    fn quorum(&mut self, quorum: &At<i64>, table: &ExpectedTable) -> Option<usize> {
        let limit = table.names.as_ref().map_or(usize::MAX, |names| names.value.len().max(1));
        let parsed = usize::try_from(quorum.value).ok().filter(|number| (1..=limit).contains(number));
        if parsed.is_none() {
            let label = match limit {
                usize::MAX => "not 1 or more".to_owned(),
                _ => format!("not from 1 to {limit}, the number of names"),
            };
            let message = format!("`quorum` is {}", quorum.value);
            self.finding(Code::OutOfRange, &quorum.span, message, label)
                .help("leave the key out to wait for all names");
        }
        parsed
    }

    /// Records the optional names that are waited for as well.
    fn none_optional(&mut self, table: &ExpectedTable, names: &Names) {
        let waited_for = |name: &str| match names {
            Names::Listed(names) => names.iter().any(|other| other == name),
            Names::PerKey(keys) => keys.lists().any(|(_, names)| names.iter().any(|other| other == name)),
            Names::Manifest(_) => false,
        };
        for name in table.optional.iter().flat_map(|optional| &optional.value) {
            if !waited_for(name.as_str()) {
                continue;
            }
            let message = format!("the part `{}` is expected, and optional too", name.value);
            let mut first = table.names.iter().flat_map(|names| &names.value);
            let first = first.find(|other| *other == name).map(|other| other.span.clone());
            let first = first.or_else(|| span(table.file.as_ref()));
            let finding = self.finding(Code::DuplicateName, &name.span, message, "it is not waited for");
            if let Some(first) = first {
                finding.label(&first, "it is waited for");
            }
            finding.help("remove one of them");
        }
    }

    /// Records more names than a group can have parts.
    fn enough_room(&mut self, table: &ExpectedTable, names: &Names, quorum: Option<usize>, parts_max: usize) {
        let most = match names {
            Names::Listed(names) => names.len(),
            Names::PerKey(keys) => keys.lists().map(|(_, names)| names.len()).max().unwrap_or(0),
            Names::Manifest(_) => return,
        };
        let needed = quorum.map_or(most, |quorum| quorum.min(most));
        let place = span(table.names.as_ref()).or_else(|| span(table.file.as_ref()));
        if let Some(place) = place {
            self.reachable(&place, needed, parts_max);
        }
    }
}

/// Returns where the first names of expected parts are.
pub(super) fn names_place(complete: &Complete) -> Option<&Range<usize>> {
    match complete {
        Complete::Expected(expected) => {
            let ExpectedShape::Table(table) = &expected.value else { return Some(&expected.span) };
            let manifest = table.manifest.as_ref().map(|manifest| &manifest.value.names.span);
            let file = table.file.as_ref().map(|file| &file.span);
            table.names.as_ref().map(|names| &names.span).or(file).or(manifest)
        }
        Complete::Any(several) | Complete::All(several) => {
            several.value.iter().find_map(|one| names_place(&one.value))
        }
        _ => None,
    }
}
