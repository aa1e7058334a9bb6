//! Times: deadlines, time zones, instants, and by which clock a group goes.

use std::ops::Range;
use std::time::Duration;

use event::Timestamp;
use jiff::civil::{DateTime, Time as TimeOfDay};
use jiff::tz::{self, TimeZone};

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, TextOr, TimeTable};
use crate::config::model::{Completion, Cutoff, EventTime, Time};
use crate::config::suggest;

/// How far behind the latest event one may be, unless set.
const DISORDER: Duration = Duration::ZERO;

/// After how much silence time goes on by itself, unless set.
const QUIET: Duration = Duration::from_mins(1);

/// What a deadline is that never comes.
const NONE: &str = "none";

impl Reader<'_> {
    /// Reads by which clock idle gaps and windows pass.
    pub(super) fn time(&mut self, time: Option<&At<TextOr<TimeTable>>>) -> Option<Time> {
        let Some(time) = time else { return Some(Time::Processing) };
        let event = || EventTime { path: vec!["time".to_owned()], disorder: DISORDER, quiet: QUIET };
        match &time.value {
            TextOr::Text(text) if text == "processing" => Some(Time::Processing),
            TextOr::Text(text) if text == "event" => Some(Time::Event(event())),
            TextOr::Text(text) => {
                let help = suggest::help(text, &["processing", "event"], "write a table, or one of");
                let message = format!("`time` cannot be `{text}`");
                self.finding(Code::WrongValue, &time.span, message, "not one of what it can be").help(help);
                None
            }
            TextOr::Table(table) => {
                let unless_set = event();
                let path = table.path.as_ref().map_or(Some(unless_set.path), |path| self.path(path));
                let disorder = table.disorder.as_ref();
                let disorder = disorder.map_or(Some(DISORDER), |length| self.length_or_zero(length));
                let quiet = table.quiet.as_ref().map_or(Some(QUIET), |length| self.length(length));
                Some(Time::Event(EventTime { path: path?, disorder: disorder?, quiet: quiet? }))
            }
        }
    }

    /// Reads a length of time, a time of day and a time zone, or `none`.
    pub(super) fn deadline(&mut self, text: &At<String>) -> Option<Completion> {
        if text.value == NONE {
            return Some(Completion::Never);
        }
        if !text.value.contains([':', ' ']) {
            return self.length_text(text).map(Completion::Within);
        }
        let (time, zone) = text.value.split_once(' ').unwrap_or((&text.value, ""));
        let Some(time) = parse_time(time) else {
            let message = format!("`{time}` is not a time of day");
            self.finding(Code::Cutoff, &text.span, message, "not `HH:MM` or `HH:MM:SS`")
                .help("write a time and a time zone, such as `06:00 Europe/Paris`, or a length of time, such as `2h`");
            return None;
        };
        if zone.trim().is_empty() {
            self.finding(Code::Cutoff, &text.span, "a time of day needs a time zone", "of which place?")
                .help(format!("write `{0} Europe/Paris` or `{0} UTC`", text.value.trim()));
            return None;
        }
        let zone = self.zone(text, zone.trim(), "in this deadline")?;
        Some(Completion::Cutoff(Cutoff { time, zone }))
    }

    /// Reads the name of a time zone, which stands in a text.
    pub(super) fn zone(&mut self, text: &At<String>, name: &str, label: &str) -> Option<TimeZone> {
        if let Ok(zone) = TimeZone::get(name) {
            return Some(zone);
        }
        let known: Vec<String> = tz::db().available().map(|name| name.to_string()).collect();
        let help = match suggest::nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write a name of the IANA database, such as `Europe/Paris`, or `UTC`".to_owned(),
        };
        self.finding(Code::Cutoff, &text.span, format!("there is no time zone `{name}`"), label).help(help);
        None
    }

    /// Reads an instant; `key` is what it is called, `otherwise` a label and a help for what is none.
    pub(super) fn instant(
        &mut self,
        key: &str,
        span: &Range<usize>,
        written: &str,
        otherwise: (&str, &str),
    ) -> Option<Timestamp> {
        if let Ok(instant) = written.parse::<jiff::Timestamp>() {
            return Some(Timestamp::from(instant));
        }
        let message = format!("`{key}` cannot be `{written}`");
        if let Ok(local) = written.parse::<DateTime>() {
            self.finding(Code::WrongValue, span, message, "a time of which place?")
                .help(format!("write `{local}Z`, or with an offset from UTC, `{local}+01:00`"));
            return None;
        }
        let (label, help) = otherwise;
        self.finding(Code::WrongValue, span, message, label).help(help);
        None
    }
}

/// Returns the time of day that `06:00` or `06:00:30` is; none if it is none.
fn parse_time(text: &str) -> Option<TimeOfDay> {
    let mut parts = text.split(':').map(|part| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<i8>().ok()).flatten()
    });
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() { None } else { TimeOfDay::new(hour, minute, second, 0).ok() }
}
