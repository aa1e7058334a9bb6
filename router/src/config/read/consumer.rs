//! `[[consumer]]`.

use super::target::{Purpose, kind};
use super::{Reader, all_or_none};
use crate::config::error::Code;
use crate::config::file::{At, ConsumerTable, OtherwiseName, RateLimit, RateTable, StartText, TargetTable};
use crate::config::model::{Bus, Consumer, Gate, Mode, Otherwise, Rate, Start, Target};
use crate::config::suggest;

/// Attempts under way at a time, unless set: enough to keep a target busy that answers within a millisecond.
const CONCURRENCY: usize = 32;

/// Attempts under way at a time, at most: each may hold a connection.
const CONCURRENCY_MAX: usize = 1024;

/// Events a request over HTTP in batch mode, unless set.
const HTTP_BATCH: usize = 100;

/// Events a request over HTTP in batch mode, at most.
const HTTP_BATCH_MAX: usize = 1000;

/// Events a request to SQS and `EventBridge`, unless set and at most, as both have it.
const AWS_BATCH: usize = 10;

/// Events a second, at least: about one a day.
const RATE_MIN: f64 = 0.00001;

/// Events a second, at most; more is no limit.
const RATE_MAX: u32 = 1_000_000;

impl Reader<'_> {
    /// Reads one consumer.
    pub(super) fn consumer(&mut self, table: &ConsumerTable, buses: &[Bus]) -> Option<Consumer> {
        self.name(&table.name);
        let bus = self.bus(table.bus.as_ref(), buses);
        let filter = self.filter(table.filter.as_ref());
        let accept = table.schema.as_ref().map(|schema| (self.requirement(&schema.accept), schema.otherwise));
        let target = self.target(&table.target, buses, &Purpose::CONSUMER);
        let retry = self.retry(&table.retry);
        let concurrency = table.concurrency.as_ref();
        let concurrency = concurrency
            .map_or(Some(CONCURRENCY), |number| self.number("concurrency", number, CONCURRENCY_MAX));
        let order_by = table.order_by.as_ref().map(|key| self.key(&key.span, &key.value));
        let rate = table.rate.as_ref().map(|rate| self.rate(rate));
        let batch = self.batch(table, target.as_ref());
        let start = table.start.as_ref().map_or(Some(Start::Latest), |start| self.start(start));
        let dead_letters =
            table.dead_letters.as_ref().map(|target| self.dead_letters(target, bus.as_deref(), buses));
        let gate = match accept {
            Some((accept, otherwise)) => Some(Gate { accept: accept?, otherwise: otherwise_of(otherwise) }),
            None => None,
        };
        Some(Consumer {
            name: table.name.value.clone(),
            bus: bus?,
            filter: filter?,
            gate,
            target: target?,
            retry,
            concurrency: concurrency?,
            order_by: all_or_none(order_by)?,
            rate: all_or_none(rate)?,
            batch: batch?,
            start: start?,
            dead_letters: all_or_none(dead_letters)?,
            letters_of: None,
        })
    }

    fn rate(&mut self, rate: &At<RateLimit>) -> Option<Rate> {
        let (key, per_second, span, burst) = match &rate.value {
            RateLimit::PerSecond(number) => ("rate", *number, &rate.span, None),
            RateLimit::Table(RateTable { per_second, burst }) => {
                ("per_second", per_second.value, &per_second.span, burst.as_ref())
            }
        };
        let burst = burst.map(|burst| self.number("burst", burst, RATE_MAX as usize));
        if !(RATE_MIN..=f64::from(RATE_MAX)).contains(&per_second) {
            let message = format!("`{key}` is {per_second}");
            let label = format!("not from {RATE_MIN} to {RATE_MAX}");
            self.finding(Code::OutOfRange, span, message, label)
                .help("`100` is a hundred a second, `0.5` one in two seconds; leave `rate` out for no limit");
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within the range")]
        let rounded = per_second.ceil() as u32;
        let burst = all_or_none(burst)?.and_then(|burst| u32::try_from(burst).ok());
        Some(Rate { per_second, burst: burst.unwrap_or(rounded) })
    }

    /// Reads how many events a request holds, which only some targets can say.
    fn batch(&mut self, table: &ConsumerTable, target: Option<&Target>) -> Option<usize> {
        let (unless_set, most) = match target? {
            Target::Http { mode: Mode::Batch, .. } => (HTTP_BATCH, HTTP_BATCH_MAX),
            Target::Sqs { .. } | Target::EventBridge { .. } => (AWS_BATCH, AWS_BATCH),
            Target::Http { .. } | Target::Bus { .. } | Target::File { .. } | Target::Stdout => (1, 1),
        };
        let Some(number) = &table.batch else { return Some(unless_set) };
        if most > 1 {
            return self.number("batch", number, most);
        }
        let kind = kind(target?);
        let (message, help) = if kind == "http" {
            (
                "`batch` needs `mode = \"batch\"`".to_owned(),
                "add `mode = \"batch\"` to the target, or remove `batch`",
            )
        } else {
            (
                format!("`batch` is no option with a target `{kind}`"),
                "remove it; it belongs to `sqs`, `eventbridge`, and `http` with `mode = \"batch\"`",
            )
        };
        self.finding(Code::TargetOption, &number.span, message, "has no effect").help(help);
        None
    }

    fn start(&mut self, text: &At<StartText>) -> Option<Start> {
        let written = text.value.0.as_str();
        match written {
            "latest" => return Some(Start::Latest),
            "earliest" => return Some(Start::Earliest),
            _ => {}
        }
        let help = match suggest::nearest(written, ["latest", "earliest"]) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "write `latest`, `earliest`, or a time such as `2026-11-21T06:00:00Z`".to_owned(),
        };
        let otherwise = ("neither `latest`, `earliest` nor a time", help.as_str());
        self.instant("start", &text.span, written, otherwise).map(Start::At)
    }

    /// Reads where dead letters are sent as well; `bus` is the one that the consumer reads.
    fn dead_letters(&mut self, table: &At<TargetTable>, bus: Option<&str>, buses: &[Bus]) -> Option<Target> {
        let target = self.target(table, buses, &Purpose::DEAD_LETTERS)?;
        if let (Target::Bus { name }, Some(to)) = (&target, &table.value.bus)
            && bus == Some(name.as_str())
        {
            let message = format!("the dead letters of bus `{name}` cannot go to bus `{name}`");
            self.finding(Code::WrongValue, &to.span, message, "the bus that they come from")
                .help("choose another bus, `http`, `sqs`, `eventbridge` or `file`");
            return None;
        }
        Some(target)
    }

    fn requirement(&mut self, text: &At<String>) -> Option<schemas::Requirement> {
        match text.value.parse() {
            Ok(requirement) => Some(requirement),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                let message = format!("`{}` names no schema", text.value);
                self.finding(
                    Code::Requirement,
                    &text.span,
                    message,
                    cause.unwrap_or_else(|| error.to_string()),
                )
                .help("write a registry, a name and a range: `shop.orders/OrderPlaced@^2`");
                None
            }
        }
    }
}

fn otherwise_of(name: Option<OtherwiseName>) -> Otherwise {
    match name {
        Some(OtherwiseName::Skip) => Otherwise::Skip,
        Some(OtherwiseName::DeadLetter) | None => Otherwise::DeadLetter,
    }
}
