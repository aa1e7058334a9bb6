//! `[[aggregation]]`.

use std::ops::Range;
use std::time::Duration;

use super::completion::Around;
use super::expected::names_place;
use super::key::captures;
use super::values::{PAYLOAD_MAX, span};
use super::{Reader, all_or_none};
use crate::config::error::Code;
use crate::config::file::{
    AggregationTable, At, AtLimitName, DuplicatesName, EmitTable, LateName, PartialName, PayloadsName,
    ResequenceTable, UnplacedName,
};
use crate::config::model::{
    Aggregation, AtLimit, Bus, Completion, Duplicates, Emit, Late, Limits, Partial, Payloads, Resequence,
    Template, Time, Unplaced, Way,
};

/// Open groups, unless set: at about a kilobyte each, 100 MB.
const GROUPS: usize = 100_000;

/// Open groups, at most.
const GROUPS_MAX: usize = 100_000_000;

/// Parts a group, unless set.
const PARTS: usize = 10_000;

/// Parts a group, at most: a release lists them all.
const PARTS_MAX: usize = 1_000_000;

/// Bytes of payloads in a release, unless set.
const PAYLOAD: usize = 256 << 10;

/// How long after its last event a key's sequence is forgotten, unless set.
const FORGET: Duration = Duration::from_hours(24);

impl Reader<'_> {
    /// Reads one aggregation.
    pub(super) fn aggregation(&mut self, table: &AggregationTable, buses: &[Bus]) -> Option<Aggregation> {
        self.name(&table.name);
        let bus = self.bus(table.bus.as_ref(), buses);
        let filter = self.filter(table.filter.as_ref());
        let key = self.keys(&table.key);
        let names = key.as_deref().map(captures);
        let part = self.part(table.part.as_ref(), names.as_deref());
        let order_by = self.sorted_by(table.order_by.as_ref(), names.as_deref());
        let time = self.time(table.time.as_ref());
        let limits = self.limits(table);
        let way = self.way(
            &Around {
                parts_max: limits.map_or(PARTS_MAX, |limits| limits.parts_max),
                captures: names.as_deref(),
                by_events: !matches!(time, Some(Time::Processing)),
            },
            table,
        );
        let early = table.early.as_ref().map(|length| self.length(length));
        let warn = table.warn.as_ref().map(|length| self.length(length));
        let emit = self.emit(&table.emit, table.name.as_str());
        self.parts_have_names(table);
        if let Some(way) = &way {
            self.have_effect(table, way, time.as_ref(), warn.flatten());
        }
        let way = way?;
        Some(Aggregation {
            name: table.name.value.clone(),
            bus: bus?,
            filter: filter?,
            late: late(table.late.as_ref().map(|late| late.value), &way),
            on_missing_key: unplaced(table.on_missing_key),
            part: part?,
            duplicates: duplicates(table.duplicates.as_ref().map(|duplicates| duplicates.value)),
            way,
            time: time?,
            partial: partial(table.partial.as_ref().map(|partial| partial.value)),
            order_by: order_by?,
            early: all_or_none(early)?,
            warn: all_or_none(warn)?,
            emit: emit?,
            limits: limits?,
            key: key?,
        })
    }

    /// Reads a template of a part's name; `names` are the captures of the key, none if it has an error.
    #[expect(
        clippy::option_option,
        reason = "no template and a template with an error are different answers"
    )]
    fn part(&mut self, part: Option<&At<String>>, names: Option<&[&str]>) -> Option<Option<Template>> {
        match (part, names) {
            (Some(part), Some(names)) => self.template(part, names).map(Some),
            _ => Some(None),
        }
    }

    #[expect(
        clippy::option_option,
        reason = "no template and a template with an error are different answers"
    )]
    fn sorted_by(&mut self, by: Option<&At<String>>, names: Option<&[&str]>) -> Option<Option<Template>> {
        match (by, names) {
            (Some(by), Some(names)) => self.telling(by, names, "the order").map(Some),
            _ => Some(None),
        }
    }

    /// Reads what groups do with their parts: exactly one of two.
    fn way(&mut self, around: &Around<'_>, table: &AggregationTable) -> Option<Way> {
        match (&table.complete, &table.resequence) {
            (Some(complete), None) => self.complete(complete, *around).map(Way::Gather),
            (None, Some(sequence)) => self.resequence(&sequence.value, around.captures).map(Way::Resequence),
            (Some(complete), Some(sequence)) => {
                let message = "an aggregation either gathers or puts events in sequence";
                self.finding(Code::Completion, &sequence.span, message, "puts them in sequence")
                    .label(&complete.span, "gathers them")
                    .help("leave `complete` or `resequence`");
                None
            }
            (None, None) => {
                let message = format!("`{}` says not when a group is complete", table.name.value);
                self.finding(Code::MissingKey, &table.name.span, message, "`complete` is missing").help(
                    "add `complete = { .. }`, or `resequence = { .. }` to let events through in sequence",
                );
                None
            }
        }
    }

    fn resequence(&mut self, table: &ResequenceTable, names: Option<&[&str]>) -> Option<Resequence> {
        let gap = self.length(&table.gap);
        let forget = table.forget.as_ref().map_or(Some(FORGET), |length| self.length(length));
        let by = self.telling(&table.by, names?, "the number");
        let start = table.start.as_ref().map(|start| start.value);
        Some(Resequence { by: by?, start, gap: gap?, forget: forget? })
    }

    fn limits(&mut self, table: &AggregationTable) -> Option<Limits> {
        let groups = table.groups_max.as_ref();
        let groups = groups.map_or(Some(GROUPS), |number| self.number("groups_max", number, GROUPS_MAX));
        let parts = table.parts_max.as_ref();
        let parts = parts.map_or(Some(PARTS), |number| self.number("parts_max", number, PARTS_MAX));
        let bytes = table.bytes_max.as_ref();
        let bytes = bytes.map_or(Some(PAYLOAD_MAX), |size| self.payload_size("bytes_max", size));
        let at_limit = match table.at_limit {
            Some(AtLimitName::Release) | None => AtLimit::Release,
            Some(AtLimitName::Refuse) => AtLimit::Refuse,
            Some(AtLimitName::Wait) => AtLimit::Wait,
        };
        Some(Limits { groups_max: groups?, parts_max: parts?, bytes_max: bytes?, at_limit })
    }

    fn emit(&mut self, table: &EmitTable, name: &str) -> Option<Emit> {
        self.not_empty(&table.r#type, "the release's `type`");
        if let Some(source) = &table.source {
            self.not_empty(source, "the release's `source`");
        }
        let source = table.source.as_ref().map(|source| source.value.clone());
        let parts = match table.parts.as_ref().map(|parts| parts.value) {
            Some(PayloadsName::Listed) | None => Payloads::Listed,
            Some(PayloadsName::Included) => Payloads::Included,
            Some(PayloadsName::Merged) => Payloads::Merged,
        };
        let payload = table.payload_max.as_ref();
        let payload = payload.map_or(Some(PAYLOAD), |size| self.payload_size("payload_max", size));
        Some(Emit {
            kind: table.r#type.value.clone(),
            source: source.unwrap_or_else(|| format!("railpost/{name}")),
            parts,
            payload_bytes_max: payload?,
        })
    }

    /// Warns if parts are expected by name that have no names but the ids of their events.
    fn parts_have_names(&mut self, table: &AggregationTable) {
        let expected = table.complete.as_ref().and_then(|complete| names_place(&complete.value));
        let (None, Some(expected)) = (&table.part, expected) else { return };
        let message = format!("the parts of `{}` can hardly ever have these names", table.name.value);
        self.finding(Code::UnnamedParts, expected, message, "compared with the ids of events")
            .help("set `part`, such as `part = \"{store}\"` or `part = \"$.detail.store\"`");
    }

    /// Records the keys that have no effect beside the others.
    fn have_effect(
        &mut self,
        table: &AggregationTable,
        way: &Way,
        time: Option<&Time>,
        warn: Option<Duration>,
    ) {
        let completion = match way {
            Way::Resequence(_) => return self.have_effect_in_sequence(table),
            Way::Gather(completion) => completion,
        };
        if let (Some(at), Some(Time::Event(_))) = (&table.time, time)
            && !goes_by_time(completion)
        {
            let message = "`time` has no effect without `idle` or `window`";
            self.finding(Code::NoEffect, &at.span, message, "deadlines are by the router's clock")
                .help("remove it, or add an `idle` or a `window` to `complete`");
        }
        if let (Some(at), false) = (&table.partial, names_parts(completion)) {
            let message = "`partial` has no effect without `expected`";
            self.finding(Code::NoEffect, &at.span, message, "no expected part can be missing")
                .help("remove it, or name the parts that are expected");
        }
        let parts = table.emit.parts.as_ref().map(|parts| parts.value);
        if let (Some(PayloadsName::Listed) | None, Some(at)) = (parts, &table.emit.payload_max) {
            let message = "`payload_max` has no effect with `parts = \"listed\"`";
            self.finding(Code::NoEffect, &at.span, message, "the release has no payloads")
                .help("remove it, or write `parts = \"included\"` or `parts = \"merged\"`");
        }
        if let (Some(at), Some(warn)) = (&table.warn, warn) {
            self.warns(&at.span, warn, completion);
        }
    }

    /// Checks that a group has a deadline to warn before.
    fn warns(&mut self, at: &Range<usize>, warn: Duration, completion: &Completion) {
        let mut deadlines = Vec::new();
        collect_deadlines(completion, &mut deadlines);
        if deadlines.is_empty() {
            let message = "`warn` has no effect without a deadline";
            self.finding(Code::NoEffect, at, message, "nothing to warn before")
                .help("remove it, or add a time: `{ any = [{ .. }, { deadline = \"2h\" }] }`");
        } else if deadlines.iter().all(|length| length.is_some_and(|length| length <= warn)) {
            let message = "`warn` is not shorter than the deadline";
            self.finding(Code::OutOfRange, at, message, "before the first part")
                .help("make it shorter: a group warns so long before its deadline");
        }
    }

    /// Records the keys that only an aggregation that gathers has.
    fn have_effect_in_sequence(&mut self, table: &AggregationTable) {
        let last = table.duplicates.as_ref().filter(|name| matches!(name.value, DuplicatesName::Last));
        let late = |wanted: fn(LateName) -> bool| table.late.as_ref().filter(|name| wanted(name.value));
        let keys = [
            ("part", span(table.part.as_ref())),
            ("duplicates = \"last\"", span(last)),
            ("time", span(table.time.as_ref())),
            ("late = \"new-group\"", span(late(|name| matches!(name, LateName::NewGroup)))),
            ("late = \"amend\"", span(late(|name| matches!(name, LateName::Amend)))),
            ("partial", span(table.partial.as_ref())),
            ("order_by", span(table.order_by.as_ref())),
            ("early", span(table.early.as_ref())),
            ("warn", span(table.warn.as_ref())),
            ("parts", span(table.emit.parts.as_ref())),
            ("payload_max", span(table.emit.payload_max.as_ref())),
        ];
        for (key, place) in keys {
            let Some(place) = place else { continue };
            let message = format!("`{key}` has no effect with `resequence`");
            self.finding(Code::NoEffect, &place, message, "events are let through one by one")
                .help("remove it; it belongs to `complete`");
        }
    }
}

/// Collects the deadlines of a completion, their lengths where they have one.
fn collect_deadlines(completion: &Completion, deadlines: &mut Vec<Option<Duration>>) {
    match completion {
        Completion::Within(length) => deadlines.push(Some(*length)),
        Completion::Cutoff(_) => deadlines.push(None),
        Completion::Any(several) | Completion::All(several) => {
            for one in several {
                collect_deadlines(one, deadlines);
            }
        }
        _ => {}
    }
}

/// Returns whether a completion has an idle gap or a window.
fn goes_by_time(completion: &Completion) -> bool {
    match completion {
        Completion::Idle(_) | Completion::Window(_) => true,
        Completion::Any(several) | Completion::All(several) => several.iter().any(goes_by_time),
        _ => false,
    }
}

/// Returns whether a completion names expected parts.
fn names_parts(completion: &Completion) -> bool {
    match completion {
        Completion::Expected(_) => true,
        Completion::Any(several) | Completion::All(several) => several.iter().any(names_parts),
        _ => false,
    }
}

/// Returns whether a completion names expected parts or a marker, or has a window.
fn names_its_end(completion: &Completion) -> bool {
    match completion {
        Completion::Expected(_) | Completion::When(_) | Completion::Window(_) => true,
        Completion::Any(several) | Completion::All(several) => several.iter().any(names_its_end),
        _ => false,
    }
}

/// Returns what is set, or else what suits the completion: a group that knew what it waited for is not opened again.
fn late(name: Option<LateName>, way: &Way) -> Late {
    match (name, way) {
        (Some(LateName::Discard), _) | (None, Way::Resequence(_)) => Late::Discard,
        (Some(LateName::Side), _) => Late::Side,
        (Some(LateName::Amend), _) => Late::Amend,
        (None, Way::Gather(completion)) if names_its_end(completion) => Late::Discard,
        (Some(LateName::NewGroup), _) | (None, Way::Gather(_)) => Late::NewGroup,
    }
}

fn unplaced(name: Option<UnplacedName>) -> Unplaced {
    match name {
        Some(UnplacedName::Ignore) | None => Unplaced::Ignore,
        Some(UnplacedName::DeadLetter) => Unplaced::DeadLetter,
    }
}

fn duplicates(name: Option<DuplicatesName>) -> Duplicates {
    match name {
        Some(DuplicatesName::First) | None => Duplicates::First,
        Some(DuplicatesName::Last) => Duplicates::Last,
        Some(DuplicatesName::Error) => Duplicates::Error,
    }
}

fn partial(name: Option<PartialName>) -> Partial {
    match name {
        Some(PartialName::Release) | None => Partial::Release,
        Some(PartialName::Discard) => Partial::Discard,
    }
}
