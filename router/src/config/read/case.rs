//! `[[case]]`: what is published when, and what must be the case when.

use std::ops::Range;
use std::time::Duration;

use event::Timestamp;

use super::json::Json;
use super::values::parse_length;
use super::{Reader, all_or_none};
use crate::config::error::Code;
use crate::config::file::{
    At, CaseTable, EventTable, ExpectTable, File, GroupTable, MembersTable, OneOrMany, ReleaseTable,
    StepTable,
};
use crate::config::model::{Bus, Case, CaseStep, Expectation, GroupLike, ReleaseLike};
use crate::config::suggest;

/// When a case begins, unless set: the first moment of 2026.
const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// How far a case has come.
struct Progress<'f> {
    start: Timestamp,
    /// How long after the start the last step was.
    at: Duration,
    /// Where the last time stands.
    place: Option<&'f Range<usize>>,
    /// How many events were published.
    events: usize,
}

impl Reader<'_> {
    /// Reads one test case.
    pub(super) fn case(&mut self, table: &At<CaseTable>, file: &File, buses: &[Bus]) -> Option<Case> {
        let CaseTable { name, bus, start, steps } = &table.value;
        self.not_empty(name, "the name of a test case");
        let bus = self.bus(bus.as_ref(), buses);
        let start = match start {
            Some(start) => {
                let otherwise = ("not a time", "write a time such as `2026-11-21T06:00:00Z`");
                self.instant("start", &start.span, start.as_str(), otherwise)?
            }
            None => START,
        };
        if steps.value.is_empty() {
            self.finding(Code::Case, &steps.span, "a test case without steps", "empty")
                .help("write steps, such as `[{ publish = { type = \"file\" } }, { at = \"+2h\", expect = { open = [] } }]`");
        }
        let mut progress = Progress { start, at: Duration::ZERO, place: None, events: 0 };
        let steps: Vec<_> = steps.value.iter().map(|step| self.step(step, &mut progress, file)).collect();
        Some(Case {
            name: name.value.clone(),
            line: self.line(&table.span),
            bus: bus?,
            start,
            steps: steps.into_iter().collect::<Option<_>>()?,
        })
    }

    fn step<'f>(
        &mut self,
        step: &'f At<StepTable>,
        progress: &mut Progress<'f>,
        file: &File,
    ) -> Option<CaseStep> {
        let StepTable { at, publish, expect } = &step.value;
        let at_read = at.as_ref().map_or(Some(progress.at), |at| self.at(at, progress));
        if publish.is_none() && expect.is_none() {
            let message = "this step does nothing";
            self.finding(Code::Case, &step.span, message, "neither `publish` nor `expect`")
                .help("remove it: time goes on by itself until the next step");
        }
        let now = progress.start.after(progress.at);
        let tables = publish.as_ref().map(At::each).unwrap_or_default();
        let mut events = Vec::new();
        for (span, EventTable(entries)) in tables {
            progress.events += 1;
            events.push(self.event(span, entries, progress.events, now));
        }
        let expect = expect.as_ref().map(|expect| self.expect(expect, file));
        Some(CaseStep {
            line: self.line(&step.span),
            at: at_read?,
            publish: events.into_iter().collect::<Option<_>>()?,
            expect: all_or_none(expect)?,
        })
    }

    /// Reads when a step is, which is not before the last one.
    fn at<'f>(&mut self, at: &'f At<String>, progress: &mut Progress<'f>) -> Option<Duration> {
        let written = at.as_str();
        let length = if let Some(length) = written.strip_prefix('+') {
            let Some(length) = parse_length(length) else {
                let message = format!("`{written}` is not a time after the start");
                self.finding(Code::Duration, &at.span, message, "not a length of time").help(
                    "write `+` and numbers with `d`, `h`, `m`, `s` or `ms`, largest first: `+15m`, `+1h30m`",
                );
                return None;
            };
            length
        } else {
            let otherwise = (
                "neither a time nor a length of time after `+`",
                "write how long after the start it is, such as `+15m`, or a time such as `2026-11-21T06:00:00Z`",
            );
            let instant = self.instant("at", &at.span, written, otherwise)?;
            if instant < progress.start {
                let message = format!("`{written}` is before the start of the case");
                self.finding(
                    Code::Case,
                    &at.span,
                    message,
                    format!("it starts at {}", shown(progress.start)),
                )
                .help("set `start` to an earlier time, or this to a later one");
                return None;
            }
            instant.since(progress.start)
        };
        if length < progress.at {
            let finding =
                self.finding(Code::Case, &at.span, "a step cannot be before the one before it", "too early");
            if let Some(before) = progress.place {
                finding.label(before, "the time of the step before");
            }
            finding.help("times are from the start of the case: put the steps in order");
            return None;
        }
        (progress.at, progress.place) = (length, Some(&at.span));
        Some(length)
    }

    fn expect(&mut self, table: &At<ExpectTable>, file: &File) -> Option<Expectation> {
        let ExpectTable { released, open, late, duplicate, discarded } = &table.value;
        let counts = [late, duplicate, discarded];
        if released.is_none() && open.is_none() && counts.iter().all(|count| count.is_none()) {
            self.finding(Code::Case, &table.span, "nothing is asked here", "empty")
                .help("ask for `released`, `open`, `late`, `duplicate` or `discarded`");
        }
        let released = released.as_ref().map(|released| self.releases(released));
        let open = open.as_ref().map(|open| self.groups(open, file));
        let [late, duplicate, discarded] =
            counts.map(|count| count.as_ref().map(|count| u64::from(count.value)));
        Some(Expectation { released: all_or_none(released)?, open, late, duplicate, discarded })
    }

    fn releases(&mut self, tables: &At<OneOrMany<ReleaseTable>>) -> Option<Vec<ReleaseLike>> {
        let read = |(_, table): (&Range<usize>, &ReleaseTable)| {
            let data = table.data.as_ref().map_or(Some(Vec::new()), |data| self.members(data));
            Some(ReleaseLike {
                kind: text(table.r#type.as_ref()),
                key: text(table.key.as_ref()),
                parts: table.parts.clone(),
                missing: table.missing.clone(),
                by: text(table.by.as_ref()),
                data: data?,
            })
        };
        let read: Vec<_> = tables.each().into_iter().map(read).collect();
        read.into_iter().collect()
    }

    fn members(&mut self, MembersTable(entries): &MembersTable) -> Option<Vec<(String, serde_json::Value)>> {
        let mut members = Vec::new();
        for (pointer, node) in entries {
            if !pointer.value.is_empty() && !pointer.value.starts_with('/') {
                let message = format!("`{}` is not a JSON pointer", pointer.value);
                self.finding(Code::Path, &pointer.span, message, "does not start with `/`")
                    .help("write names with `/` before each: `\"/merged/total\"`");
            }
            let mut json = Json::new(Code::WrongValue);
            let value = json.node(self, node).and_then(|()| serde_json::from_str(&json.text).ok());
            members.push(value.map(|value| (pointer.value.clone(), value)));
        }
        members.into_iter().collect()
    }

    fn groups(&mut self, tables: &At<OneOrMany<GroupTable>>, file: &File) -> Vec<GroupLike> {
        let names: Vec<_> = file.aggregation.iter().map(|table| table.name.as_str()).collect();
        for (_, table) in tables.each() {
            let Some(name) = &table.aggregation else { continue };
            if !names.contains(&name.as_str()) {
                let message = format!("there is no aggregation `{}`", name.value);
                let help = suggest::help(&name.value, &names, "the aggregations here are");
                self.finding(Code::Case, &name.span, message, "not configured").help(help);
            }
        }
        let read = |(_, table): (&Range<usize>, &GroupTable)| GroupLike {
            aggregation: text(table.aggregation.as_ref()),
            key: text(table.key.as_ref()),
            parts: table.parts.clone(),
            missing: table.missing.clone(),
        };
        tables.each().into_iter().map(read).collect()
    }

    /// Returns the line on which a part of the file begins, from 1.
    fn line(&self, span: &Range<usize>) -> usize {
        self.text.get(..span.start).unwrap_or_default().matches('\n').count() + 1
    }
}

/// Returns an instant as the file would have it.
pub(super) fn shown(instant: Timestamp) -> String {
    instant.to_jiff().to_string()
}

fn text(text: Option<&At<String>>) -> Option<String> {
    text.map(|text| text.value.clone())
}
