//! `[[aggregation]]`.

use std::ops::Range;

use regex::Regex;

use super::Reader;
use super::template::VALUE;
use crate::config::error::Code;
use crate::config::file::{AggregationTable, At, Complete, Key, LateName};
use crate::config::model::{Aggregation, Bus, Completion, Emit, KeyExpression, Late, Piece, Template};

/// Open groups, unless set: at about a kilobyte each, 100 MB.
const GROUPS: usize = 100_000;

/// Open groups, at most.
const GROUPS_MAX: usize = 100_000_000;

/// Parts a group, unless set.
const PARTS: usize = 10_000;

/// Parts a group, at most: a release lists them all.
const PARTS_MAX: usize = 1_000_000;

impl Reader<'_> {
    /// Reads one aggregation.
    pub(super) fn aggregation(&mut self, table: &AggregationTable, buses: &[Bus]) -> Option<Aggregation> {
        self.name(&table.name);
        let bus = self.bus(table.bus.as_ref(), buses);
        let filter = self.filter(table.filter.as_ref());
        let key = self.key(&table.key);
        let part = self.part(table.part.as_ref(), key.as_ref());
        let parts_max = table
            .parts_max
            .as_ref()
            .map_or(Some(PARTS), |number| self.number("parts_max", number, PARTS_MAX));
        let groups_max = table
            .groups_max
            .as_ref()
            .map_or(Some(GROUPS), |number| self.number("groups_max", number, GROUPS_MAX));
        let complete = self.completion(&table.complete, parts_max.unwrap_or(PARTS_MAX));
        if complete.as_ref().is_some_and(|complete| !ends(complete)) {
            let message = format!("a group of `{}` could wait for ever", table.name.value);
            self.finding(Code::WaitsForEver, &table.complete.span, message, "nothing here is sure to come")
                .help("add a time: `{ any = [{ .. }, { deadline = \"24h\" }] }`");
        }
        self.parts_have_names(table);
        let emit = self.emit(table);
        let complete = complete?;
        Some(Aggregation {
            name: table.name.value.clone(),
            bus: bus?,
            filter: filter?,
            key: key?,
            part: part?,
            emit,
            late: late(table.late, &complete),
            complete,
            groups_max: groups_max?,
            parts_max: parts_max?,
        })
    }

    /// Reads how an event's key is found.
    pub(super) fn key(&mut self, key: &At<Key>) -> Option<KeyExpression> {
        let whole = || Template { pieces: vec![Piece::Name(VALUE.to_owned())] };
        let table = match &key.value {
            Key::Text(path) => {
                let path = At { span: key.span.clone(), value: path.clone() };
                return Some(KeyExpression { path: self.path(&path)?, capture: None, key: whole() });
            }
            Key::Table(table) => table,
        };
        let path = self.path(&table.path);
        let capture = match &table.capture {
            Some(capture) => Some(self.capture(capture)?),
            None => None,
        };
        let key = match &table.key {
            Some(template) => self.template(template, &names(capture.as_ref()))?,
            None => whole(),
        };
        Some(KeyExpression { path: path?, capture, key })
    }

    /// Reads a regular expression that the whole value must match.
    fn capture(&mut self, text: &At<String>) -> Option<Regex> {
        let compiled = Regex::new(&text.value).and_then(|_| Regex::new(&format!(r"\A(?:{})\z", text.value)));
        let label = match compiled {
            Ok(regex) if names(Some(&regex)).contains(&VALUE) => {
                "`value` is the whole value's name".to_owned()
            }
            Ok(regex) => return Some(regex),
            Err(error) => error.to_string().lines().last().unwrap_or_default().to_owned(),
        };
        self.finding(Code::Regex, &text.span, "this regular expression cannot be used", label).help(
            "name captures as in `(?<day>[0-9-]+)`, and quote the expression with single quotes: `'\\.csv'`",
        );
        None
    }

    #[expect(
        clippy::option_option,
        reason = "no template and a template with an error are different answers"
    )]
    fn part(&mut self, part: Option<&At<String>>, key: Option<&KeyExpression>) -> Option<Option<Template>> {
        match (part, key) {
            (Some(part), Some(key)) => self.template(part, &names(key.capture.as_ref())).map(Some),
            _ => Some(None),
        }
    }

    /// Warns if parts are expected by name that have no names but the ids of their events.
    fn parts_have_names(&mut self, table: &AggregationTable) {
        let (None, Some(expected)) = (&table.part, expected(&table.complete.value)) else { return };
        let message = format!("the parts of `{}` can hardly ever have these names", table.name.value);
        self.finding(Code::UnnamedParts, expected, message, "compared with the ids of events")
            .help("set `part`, such as `part = \"{store}\"` or `part = \"$.detail.store\"`");
    }

    fn emit(&mut self, table: &AggregationTable) -> Emit {
        self.not_empty(&table.emit.r#type, "the release's `type`");
        if let Some(source) = &table.emit.source {
            self.not_empty(source, "the release's `source`");
        }
        let source = table.emit.source.as_ref().map(|source| source.value.clone());
        Emit {
            kind: table.emit.r#type.value.clone(),
            source: source.unwrap_or_else(|| format!("railpost/{}", table.name.value)),
        }
    }
}

/// Returns where the first expected parts are named.
fn expected(complete: &Complete) -> Option<&Range<usize>> {
    match complete {
        Complete::Expected(names) => Some(&names.span),
        Complete::Any(several) | Complete::All(several) => {
            several.value.iter().find_map(|one| expected(&one.value))
        }
        Complete::Count(_) | Complete::Idle(_) | Complete::Deadline(_) | Complete::When(_) => None,
    }
}

fn names(capture: Option<&Regex>) -> Vec<&str> {
    capture.map(|regex| regex.capture_names().flatten().collect()).unwrap_or_default()
}

/// Returns what is set, or else what suits the completion: a group that knew what it waited for is not opened again.
fn late(name: Option<LateName>, completion: &Completion) -> Late {
    match name {
        Some(LateName::Discard) => Late::Discard,
        None if names_its_end(completion) => Late::Discard,
        Some(LateName::NewGroup) | None => Late::NewGroup,
    }
}

/// Returns whether a completion names expected parts or a marker.
fn names_its_end(completion: &Completion) -> bool {
    match completion {
        Completion::Expected(_) | Completion::When(_) => true,
        Completion::Count(_) | Completion::Idle(_) | Completion::Within(_) | Completion::Cutoff(_) => false,
        Completion::Any(several) | Completion::All(several) => several.iter().any(names_its_end),
    }
}

/// Returns whether a group certainly ends, whatever comes or does not come.
fn ends(completion: &Completion) -> bool {
    match completion {
        Completion::Count(_) | Completion::Expected(_) | Completion::When(_) => false,
        Completion::Idle(_) | Completion::Within(_) | Completion::Cutoff(_) => true,
        Completion::Any(any) => any.iter().any(ends),
        Completion::All(all) => all.iter().all(ends),
    }
}
