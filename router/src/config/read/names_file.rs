//! A file of the names of expected parts, by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::de::DeTable;

use super::syntax::in_words;
use super::{Reader, STANDS_ALONE, Surroundings};
use crate::config::error::Code;
use crate::config::file::At;
use crate::config::model::NamesPerKey;

/// The key of names for all keys.
const NAMES: &str = "names";

/// What matches every key.
const ALL: &str = "*";

/// What keys and their names a file has, in its order.
type Lists = Vec<(String, Vec<String>)>;

/// What is wrong with a file: of which kind, where, and what.
struct Flaw {
    code: Code,
    place: Option<(usize, usize)>,
    what: String,
}

impl Reader<'_> {
    /// Reads a file of names.
    pub(super) fn names_file(&mut self, file: &At<String>) -> Option<NamesPerKey> {
        let Some(surroundings) = self.surroundings else {
            let message = format!("the file `{}` {STANDS_ALONE}", file.value);
            self.finding(Code::Unreadable, &file.span, message, "names a file")
                .help("write the names in its place: `names = [\"paris\", \"lyon\"]`");
            return None;
        };
        let path = self.folder.join(file.as_str());
        let flaw = match lists(surroundings, &path).and_then(checked) {
            Ok(lists) => return Some(by_key(lists)),
            Err(flaw) => flaw,
        };
        let shown = path.display();
        let message = match (flaw.code, flaw.place) {
            (Code::Unreadable, _) => format!("cannot read `{shown}`: {}", flaw.what),
            (_, Some((line, column))) => format!("line {line}, column {column} of `{shown}`: {}", flaw.what),
            (_, None) => format!("`{shown}`: {}", flaw.what),
        };
        let help = match flaw.code {
            Code::Unreadable => {
                "check the path, which is relative to this file, and that the file may be read"
            }
            _ => {
                "write a list, in TOML as `names = [\"paris\", \"lyon\"]`, or a list for each key: `\"2026-*\" = [\"paris\"]`"
            }
        };
        self.finding(flaw.code, &file.span, message, "this file of names cannot be used").help(help);
        None
    }
}

fn lists(surroundings: Surroundings<'_>, path: &Path) -> Result<Lists, Flaw> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let read = match extension.as_deref() {
        Some("toml") => from_toml,
        Some("json") => from_json,
        _ => return Err(Flaw::new(Code::WrongValue, "not a `.toml` or a `.json` file")),
    };
    match (surroundings.file)(path) {
        Ok(text) => read(&text),
        Err(error) => Err(Flaw::new(Code::Unreadable, &error.to_string())),
    }
}

impl Flaw {
    fn new(code: Code, what: &str) -> Self {
        Self { code, place: None, what: what.to_owned() }
    }

    fn of_toml(code: Code, error: &toml::de::Error, text: &str) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let place = Some((before.matches('\n').count() + 1, line.chars().count() + 1));
        Self { code, place, what: in_words(error.message()) }
    }

    fn of_json(error: &serde_json::Error) -> Self {
        let code = if error.is_data() { Code::WrongValue } else { Code::Syntax };
        let whole = error.to_string();
        let what = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(what, _)| what);
        Self { code, place: Some((error.line(), error.column())), what: in_words(what) }
    }
}

fn from_toml(text: &str) -> Result<Lists, Flaw> {
    DeTable::parse(text).map_err(|error| Flaw::of_toml(Code::Syntax, &error, text))?;
    let lists: BTreeMap<At<String>, Vec<String>> =
        toml::from_str(text).map_err(|error| Flaw::of_toml(Code::WrongValue, &error, text))?;
    let mut lists: Vec<_> = lists.into_iter().collect();
    lists.sort_by_key(|(key, _)| key.span.start);
    Ok(lists.into_iter().map(|(key, names)| (key.value, names)).collect())
}

fn from_json(text: &str) -> Result<Lists, Flaw> {
    let JsonLists(lists) = serde_json::from_str(text).map_err(|error| Flaw::of_json(&error))?;
    Ok(lists)
}

/// A list, or a list for each key, in the order of the file.
struct JsonLists(Lists);

impl<'de> Deserialize<'de> for JsonLists {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListsVisitor;

        impl<'de> Visitor<'de> for ListsVisitor {
            type Value = JsonLists;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of names, or a list for each key")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<JsonLists, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element()? {
                    names.push(name);
                }
                Ok(JsonLists(vec![(ALL.to_owned(), names)]))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonLists, A::Error> {
                let mut lists = Vec::new();
                while let Some(list) = map.next_entry()? {
                    lists.push(list);
                }
                Ok(JsonLists(lists))
            }
        }

        deserializer.deserialize_any(ListsVisitor)
    }
}

/// Returns the lists of a file in which every key has names, each once.
fn checked(mut lists: Lists) -> Result<Lists, Flaw> {
    match lists.as_mut_slice() {
        [] => return Err(Flaw::new(Code::WrongValue, "it has no names")),
        [(key, _)] if key == NAMES => ALL.clone_into(key),
        several if several.iter().any(|(key, _)| key == NAMES) => {
            let what = "`names` is a list for all keys, and there are others beside it";
            return Err(Flaw::new(Code::WrongValue, what));
        }
        _ => {}
    }
    let mut keys = BTreeSet::new();
    for (key, names) in &lists {
        if !keys.insert(key) {
            return Err(Flaw::new(Code::DuplicateName, &format!("the key `{key}` is there twice")));
        }
        if names.is_empty() {
            return Err(Flaw::new(Code::WrongValue, &format!("no parts are expected for the key `{key}`")));
        }
        let mut seen = BTreeSet::new();
        for name in names {
            if name.is_empty() {
                return Err(Flaw::new(Code::Name, &format!("a part's name is empty for the key `{key}`")));
            }
            if !seen.insert(name) {
                let what = format!("the part `{name}` is expected twice for the key `{key}`");
                return Err(Flaw::new(Code::DuplicateName, &what));
            }
        }
    }
    Ok(lists)
}

fn by_key(lists: Lists) -> NamesPerKey {
    let (wild, exact): (Lists, Lists) = lists.into_iter().partition(|(key, _)| key.contains('*'));
    NamesPerKey { exact: exact.into_iter().collect(), wild }
}

impl NamesPerKey {
    /// Returns every list with its key.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.exact.iter().chain(self.wild.iter().map(|(key, names)| (key, names)))
    }
}
