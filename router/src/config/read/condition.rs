//! Single conditions: `count`, `window` and `while`.

use std::ops::Range;
use std::time::Duration;

use super::Reader;
use super::completion::Around;
use super::values::span;
use crate::config::error::Code;
use crate::config::file::{At, CountShape, CountTable, FromName, TextOr, WhileTable, WindowTable};
use crate::config::model::{Ceiling, Count, CountFrom, Measure, ReadCount, WINDOWS_MAX, While, Window};
use crate::config::suggest;

impl Reader<'_> {
    /// Reads how many parts a group has.
    pub(super) fn count(&mut self, count: &At<CountShape>, around: Around<'_>) -> Option<Count> {
        match &count.value {
            CountShape::Number(number) => self.fixed(&count.span, *number, around).map(Count::Fixed),
            CountShape::Text(text) => {
                let text = At { span: count.span.clone(), value: text.clone() };
                let template = self.telling(&text, around.captures?, "the number")?;
                Some(Count::Read(ReadCount { template, from: CountFrom::Any }))
            }
            CountShape::Table(table) => {
                let from = self.count_from(table);
                let template = self.telling(&table.read, around.captures?, "the number");
                Some(Count::Read(ReadCount { template: template?, from: from? }))
            }
        }
    }

    fn fixed(&mut self, span: &Range<usize>, number: i64, around: Around<'_>) -> Option<usize> {
        let Some(parts) = usize::try_from(number).ok().filter(|parts| *parts > 0) else {
            let message = format!("no group has {number} parts");
            self.finding(Code::Completion, span, message, "not 1 or more").help("write 1 or more");
            return None;
        };
        self.reachable(span, parts, around.parts_max);
        Some(parts)
    }

    /// Records a number of parts that no group gets to.
    pub(super) fn reachable(&mut self, span: &Range<usize>, parts: usize, parts_max: usize) {
        if parts > parts_max {
            let message = format!("no group gets to {parts} parts");
            self.finding(Code::Unreachable, span, message, format!("`parts_max` is {parts_max}"))
                .help("raise `parts_max`: at that limit there is no room for more");
        }
    }

    fn count_from(&mut self, table: &CountTable) -> Option<CountFrom> {
        match (&table.manifest, &table.from) {
            (Some(_), Some(from)) => {
                let message = "`from` has no effect with `manifest`";
                self.finding(Code::NoEffect, &from.span, message, "the manifest says the number")
                    .help("remove one of them");
                None
            }
            (Some(filter), None) => self.pattern(filter).map(CountFrom::Manifest),
            (None, Some(At { value: FromName::First, .. })) => Some(CountFrom::First),
            (None, Some(At { value: FromName::Any, .. }) | None) => Some(CountFrom::Any),
        }
    }

    /// Reads the windows that groups stand for.
    pub(super) fn windows(&mut self, window: &At<TextOr<WindowTable>>, around: Around<'_>) -> Option<Window> {
        let table = match &window.value {
            TextOr::Text(text) => {
                let size = self.length_text(&At { span: window.span.clone(), value: text.clone() })?;
                return Some(Window { size, slide: size, offset: Duration::ZERO, lateness: Duration::ZERO });
            }
            TextOr::Table(table) => table,
        };
        let size = self.length(&table.size);
        let slide = match (&table.slide, size) {
            (Some(slide), Some(size)) => {
                self.length(slide).filter(|length| self.slides(slide, *length, size))
            }
            (Some(slide), None) => self.length(slide),
            (None, size) => size,
        };
        let offset = table.offset.as_ref().map_or(Some(Duration::ZERO), |length| self.length_or_zero(length));
        let lateness = table.lateness.as_ref();
        let lateness = lateness.map_or(Some(Duration::ZERO), |length| self.length_or_zero(length));
        if let (Some(length), false) = (&table.lateness, around.by_events) {
            let message = "`lateness` has no effect with the router's time";
            self.finding(Code::NoEffect, &length.span, message, "no part is ever late for its window")
                .help("remove it, or add `time = \"event\"` to the aggregation");
        }
        Some(Window { size: size?, slide: slide?, offset: offset?, lateness: lateness? })
    }

    /// Checks that windows of a size can begin so long after one another.
    fn slides<T>(&mut self, at: &At<T>, slide: Duration, size: Duration) -> bool {
        let (label, help) = if slide > size {
            (
                "longer than `size`",
                "make it as long as `size` or shorter: events between windows would be in none",
            )
        } else if size.as_millis().div_ceil(slide.as_millis()) > WINDOWS_MAX {
            ("an event would be in more than 100 windows", "make `slide` longer, or `size` shorter")
        } else {
            return true;
        };
        self.finding(Code::OutOfRange, &at.span, "windows cannot slide by this length", label).help(help);
        false
    }

    /// Reads what of its parts keeps a group going.
    pub(super) fn measure(&mut self, table: &At<WhileTable>, around: Around<'_>) -> Option<While> {
        let WhileTable { sum, count, distinct, below, at_most } = &table.value;
        let measures = [
            ("sum", Measure::Sum, sum.as_ref()),
            ("count", Measure::Count, count.as_ref()),
            ("distinct", Measure::Distinct, distinct.as_ref()),
        ];
        let spans = measures.each_ref().map(|(name, _, path)| (*name, span(*path)));
        let named = self.exactly_one(&table.span, &spans, "the measure");
        let limits = [("below", span(below.as_ref())), ("at_most", span(at_most.as_ref()))];
        let limited = self.exactly_one(&table.span, &limits, "the limit");
        let (_, measure, path) = measures.into_iter().find(|(name, ..)| Some(*name) == named)?;
        let path = path.and_then(|path| self.path(path));
        limited?;
        let limit = match (below, at_most) {
            (Some(below), _) => self.ceiling(below, true, measure, around).map(Ceiling::Below),
            (_, Some(at_most)) => self.ceiling(at_most, false, measure, around).map(Ceiling::AtMost),
            (None, None) => None,
        };
        Some(While { measure, path: path?, limit: limit? })
    }

    /// Reads a limit that a group can reach, and not before its first part.
    fn ceiling(&mut self, limit: &At<f64>, below: bool, measure: Measure, around: Around<'_>) -> Option<f64> {
        let number = limit.value;
        if !number.is_finite() {
            self.finding(
                Code::OutOfRange,
                &limit.span,
                format!("the limit is {number}"),
                "not a finite number",
            )
            .help("write a number such as `100` or `0.5`");
            return None;
        }
        if matches!(measure, Measure::Sum) {
            return Some(number);
        }
        if number < 0.0 || (below && number == 0.0) {
            let label = "reached before the first part";
            self.finding(Code::OutOfRange, &limit.span, format!("the limit is {number}"), label)
                .help("write 1 or more");
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not negative, and saturates"
        )]
        let parts = if below { number.ceil() as usize } else { (number.floor() as usize).saturating_add(1) };
        self.reachable(&limit.span, parts, around.parts_max);
        Some(number)
    }

    /// Returns the name of the only key that is there; `what` is what the keys say.
    pub(super) fn exactly_one(
        &mut self,
        table: &Range<usize>,
        keys: &[(&'static str, Option<Range<usize>>)],
        what: &str,
    ) -> Option<&'static str> {
        let mut set: Vec<_> = keys.iter().filter_map(|(key, span)| Some((*key, span.clone()?))).collect();
        set.sort_by_key(|(_, span)| span.start);
        let all: Vec<_> = keys.iter().map(|(key, _)| *key).collect();
        match set.as_slice() {
            [(key, _)] => return Some(key),
            [] => {
                self.finding(Code::Completion, table, format!("{what} is missing"), "in this table")
                    .help(format!("add one of {}", suggest::list(&all)));
            }
            [(first, first_span), (second, span), ..] => {
                let message = format!("{what} is said twice, by `{first}` and `{second}`");
                self.finding(Code::Completion, span, message, "a second one")
                    .label(first_span, "the first")
                    .help("leave one of them");
            }
        }
        None
    }
}
