//! Screen 1: buses, consumers and aggregations at a glance, and more of the selected consumer.

use std::collections::VecDeque;

use api::{AggregationStatus, BusStatus, ConsumerState, ConsumerStatus, Durability, Overview, Restraint};
use event::Timestamp;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::columns::{Column, Grid, cell};
use super::page::{Page, window};
use crate::state::{self, State};
use crate::theme::{self, Health, Theme};
use crate::{format, text};

/// Lines of the part about the selected consumer.
const DETAIL_LINES: usize = 5;
/// Columns before its chart.
const LABEL_COLUMNS: usize = 15;
/// Lines of its chart on a tall terminal.
const CHART_LINES_MAX: usize = 8;

/// What stands beside a bus whose acknowledgement does not mean that an event is on disk.
const NOT_DURABLE: &str = "memory";

/// Draws the screen.
pub(crate) fn draw(state: &State, page: &mut Page<'_>) {
    let Some(overview) = &state.overview else {
        return page.words(&format!(" connecting to {}", state.address), state.theme.faint());
    };
    let lines = Lines::share(overview, page.left());
    buses(state, overview, &mut page.part(lines.buses));
    if lines.gaps > 0 {
        page.gap();
    }
    consumers(state, overview, &mut page.part(lines.consumers));
    if lines.aggregations > 0 {
        if lines.gaps > 1 {
            page.gap();
        }
        aggregations(state, overview, &mut page.part(lines.aggregations));
    }
    if lines.detail > 0 {
        let spare = page.left().saturating_sub(lines.detail).min(1);
        page.part(spare);
        detail(state, overview, &mut page.part(lines.detail));
    }
}

/// How many lines each part of the screen gets.
struct Lines {
    buses: usize,
    consumers: usize,
    aggregations: usize,
    detail: usize,
    gaps: usize,
}

impl Lines {
    fn share(overview: &Overview, height: usize) -> Self {
        let table = |rows: usize| if rows == 0 { 0 } else { rows + 1 };
        let (buses, aggregations) = (table(overview.buses.len()), table(overview.aggregations.len()));
        let consumers = overview.consumers.len().max(1) + 1;
        let mut left = height;
        let mut take = |wanted: usize, needs: usize| {
            let given = if left < needs { 0 } else { wanted.min(left) };
            left -= given;
            given
        };
        let first_consumers = take(consumers.min(4), 0);
        let buses = take(buses.min(2 + height / 8), 2);
        let detail = if overview.consumers.is_empty() { 0 } else { take(DETAIL_LINES, DETAIL_LINES) };
        let gaps = take(1, 1) + if aggregations > 0 { take(1, 4) } else { 0 };
        let aggregations = take(aggregations.min(2 + height / 8), 2);
        let consumers = first_consumers + take(consumers - first_consumers, 0);
        take(1, 1);
        let detail = if detail == 0 { 0 } else { detail + take(CHART_LINES_MAX - 1, 0) };
        Self { buses, consumers, aggregations, detail, gaps }
    }
}

#[derive(Clone, Copy)]
enum Bus {
    Name,
    Head,
    Rate,
    Lag,
    Disk,
    Trend,
}

fn buses(state: &State, overview: &Overview, page: &mut Page<'_>) {
    let not_durable = overview.buses.iter().any(|bus| bus.durability == Durability::Memory);
    let more = if not_durable { NOT_DURABLE.len() + 1 } else { 0 };
    let grid = Grid::fit(
        &[
            Column::text(Bus::Name, "BUS", 0, [8 + more, 16 + more, 28 + more]),
            Column::number(Bus::Head, "HEAD", 3, 11),
            Column::number(Bus::Rate, "RATE", 1, 8),
            Column::number(Bus::Lag, "LAG", 2, 7),
            Column::number(Bus::Disk, "DISK", 4, 10),
            Column::text(Bus::Trend, "TREND", 5, [8, 20, 60]),
        ],
        page.width(),
    );
    page.line(&grid.head(state.theme));
    let shown = page.left().min(overview.buses.len());
    for bus in &overview.buses[..shown] {
        page.line(&grid.row(false, |column, width| bus_cell(state, bus, column, width)));
    }
}

fn bus_cell(state: &State, bus: &BusStatus, column: Bus, width: usize) -> Span<'static> {
    let lag = bus.head.saturating_sub(bus.applied);
    match column {
        Bus::Name if bus.durability == Durability::Memory => {
            let name = text::cut(&bus.name, width.saturating_sub(NOT_DURABLE.len() + 1));
            cell(format!("{name} {NOT_DURABLE}"), state.theme.warning())
        }
        Bus::Name => cell(&bus.name, Theme::strong()),
        Bus::Head => cell(format::exact(bus.head), Theme::plain()),
        Bus::Rate => cell(format::rate(bus.rate), Theme::plain()),
        Bus::Lag => {
            cell(format::count(lag), if lag > 1_000 { state.theme.warning() } else { Theme::plain() })
        }
        Bus::Disk => cell(format::bytes(bus.disk_bytes), Theme::plain()),
        Bus::Trend => trend(state, &state::bus_series(bus), width),
    }
}

fn trend(state: &State, series: &str, width: usize) -> Span<'static> {
    let samples = state.samples.get(series).into_iter().flat_map(VecDeque::iter);
    let samples: Vec<f64> = samples.copied().collect();
    cell(format::sparkline(samples.iter(), width), state.theme.accent())
}

#[derive(Clone, Copy)]
enum Consumer {
    Name,
    Target,
    Rate,
    Pending,
    InFlight,
    Failures,
    Median,
    Slowest,
    Dead,
    Trend,
    Error,
}

fn consumers(state: &State, overview: &Overview, page: &mut Page<'_>) {
    let grid = Grid::fit_marked(
        &[
            Column::text(Consumer::Name, "CONSUMER", 0, [12, 14, 26]),
            Column::text(Consumer::Target, "TARGET", 6, [13, 26, 44]),
            Column::number(Consumer::Rate, "RATE", 1, 7),
            Column::number(Consumer::Pending, "PENDING", 2, 7),
            Column::number(Consumer::InFlight, "FLIGHT", 7, 6),
            Column::number(Consumer::Failures, "FAILED", 4, 6),
            Column::number(Consumer::Median, "P50", 8, 6),
            Column::number(Consumer::Slowest, "P99", 5, 6),
            Column::number(Consumer::Dead, "DEAD", 3, 5),
            Column::text(Consumer::Trend, "TREND", 9, [8, 10, 16]),
            Column::text(Consumer::Error, "LAST ERROR", 10, [24, 30, 80]),
        ],
        page.width(),
    );
    page.line(&grid.head(state.theme));
    if overview.consumers.is_empty() {
        return page.words("  no consumer is configured", state.theme.faint());
    }
    let selected = state.consumers.index;
    for index in window(selected, overview.consumers.len(), page.left()) {
        let consumer = &overview.consumers[index];
        let is_selected = index == selected;
        let health = Health::of(consumer, overview.at);
        let mark = cell(health.mark(), state.theme.health(health));
        let line = grid.marked_row(is_selected, mark, |column, width| match column {
            Consumer::Target => cell(shortened(&consumer.target, width), Theme::plain()),
            Consumer::Trend => trend(state, &state::consumer_series(consumer), width),
            _ => consumer_cell(state, consumer, health, column),
        });
        page.line_over(&line, if is_selected { state.theme.selected() } else { Theme::plain() });
    }
}

fn consumer_cell(
    state: &State,
    consumer: &ConsumerStatus,
    health: Health,
    column: Consumer,
) -> Span<'static> {
    let theme = state.theme;
    let alarming = |value: u64| if value > 0 { theme.failing() } else { theme.faint() };
    let latency = |pick: fn(&api::Latency) -> u64| {
        consumer.latency.as_ref().map_or_else(|| "-".to_owned(), |latency| format::micros(pick(latency)))
    };
    match column {
        Consumer::Name => cell(&consumer.name, Theme::strong()),
        Consumer::Rate => cell(format::rate(consumer.rate), Theme::plain()),
        Consumer::Pending if matches!(health, Health::Backlog | Health::Failing | Health::Restrained(_)) => {
            cell(format::count(consumer.pending), theme.warning())
        }
        Consumer::Pending => cell(format::count(consumer.pending), Theme::plain()),
        Consumer::InFlight => cell(format::count(consumer.in_flight), Theme::plain()),
        Consumer::Failures if matches!(health, Health::Failing | Health::Restrained(Restraint::Open)) => {
            cell(format::count(consumer.failures), theme.failing())
        }
        Consumer::Failures => cell(format::count(consumer.failures), Theme::plain()),
        Consumer::Median => cell(latency(|latency| latency.p50_us), Theme::plain()),
        Consumer::Slowest => cell(latency(|latency| latency.p99_us), Theme::plain()),
        Consumer::Dead => cell(format::count(consumer.dead_lettered), alarming(consumer.dead_lettered)),
        Consumer::Error => cell(consumer.last_error.clone().unwrap_or_default(), theme.failing()),
        Consumer::Target | Consumer::Trend => Span::default(),
    }
}

/// Returns a target without its scheme if it does not fit otherwise.
fn shortened(target: &str, width: usize) -> &str {
    let bare = target.split_once("://").map_or(target, |(_, rest)| rest);
    if text::width(target) > width { bare } else { target }
}

#[derive(Clone, Copy)]
enum Aggregation {
    Name,
    Groups,
    Open,
    Releases,
    Released,
    Late,
    Duplicate,
    Discarded,
}

fn aggregations(state: &State, overview: &Overview, page: &mut Page<'_>) {
    let grid = Grid::fit(
        &[
            Column::text(Aggregation::Name, "AGGREGATION", 0, [11, 17, 28]),
            Column::number(Aggregation::Groups, "OPEN", 0, 7),
            Column::number(Aggregation::Open, "PARTS", 2, 7),
            Column::number(Aggregation::Releases, "RELEASES", 1, 8),
            Column::number(Aggregation::Released, "RELEASED", 6, 8),
            Column::number(Aggregation::Late, "LATE", 3, 6),
            Column::number(Aggregation::Duplicate, "DUPLICATE", 5, 9),
            Column::number(Aggregation::Discarded, "DISCARDED", 4, 9),
        ],
        page.width(),
    );
    page.line(&grid.head(state.theme));
    let shown = page.left().min(overview.aggregations.len());
    for aggregation in &overview.aggregations[..shown] {
        page.line(&grid.row(false, |column, _| aggregation_cell(state, aggregation, column)));
    }
}

fn aggregation_cell(state: &State, aggregation: &AggregationStatus, column: Aggregation) -> Span<'static> {
    let odd = |value: u64| if value > 0 { state.theme.warning() } else { state.theme.faint() };
    match column {
        Aggregation::Name => cell(&aggregation.name, Theme::strong()),
        Aggregation::Groups => cell(format::count(aggregation.open_groups), state.theme.accent()),
        Aggregation::Open => cell(format::count(aggregation.open), Theme::plain()),
        Aggregation::Releases => cell(format::count(aggregation.releases), Theme::plain()),
        Aggregation::Released => cell(format::count(aggregation.released), Theme::plain()),
        Aggregation::Late => cell(format::count(aggregation.late), odd(aggregation.late)),
        Aggregation::Duplicate => cell(format::count(aggregation.duplicate), odd(aggregation.duplicate)),
        Aggregation::Discarded => cell(format::count(aggregation.discarded), odd(aggregation.discarded)),
    }
}

/// Draws more of the selected consumer.
fn detail(state: &State, overview: &Overview, page: &mut Page<'_>) {
    let Some(consumer) = overview.consumers.get(state.consumers.index) else { return };
    let theme = state.theme;
    let road = format!("{} {} {}", consumer.bus, theme::ARROW, consumer.target);
    page.title(theme, &consumer.name, &road);
    let health = Health::of(consumer, overview.at);
    let mut words =
        vec![Span::styled(format!("  {} {}", health.mark(), health.words()), theme.health(health))];
    words.extend(load(consumer, overview.at).into_iter().map(Span::raw));
    // What comes last matters least, and half of it says nothing.
    while words.len() > 1 && words.iter().map(Span::width).sum::<usize>() > page.width() {
        words.pop();
    }
    page.line(&Line::from(words));
    let ledger = format!(
        "  matched {} = {} delivered + {} dead-lettered + {} dropped + {} pending",
        format::exact(consumer.matched),
        format::exact(consumer.delivered),
        format::exact(consumer.dead_lettered),
        format::exact(consumer.dropped),
        format::exact(consumer.pending)
    );
    page.words(&ledger, Theme::plain());
    let (words, style) = because(theme, consumer, health);
    page.words(&format!("  {words}"), style);
    rates(state, consumer, page);
}

/// Returns what a consumer has to do.
fn load(consumer: &ConsumerStatus, now: Timestamp) -> Vec<String> {
    let mut words = vec![format!(", {} in flight", format::exact(consumer.in_flight))];
    for (number, what) in [(consumer.retrying, "retrying"), (consumer.held, "behind their key")] {
        if number > 0 {
            words.push(format!(", {} {what}", format::exact(number)));
        }
    }
    if let Some(oldest) = consumer.oldest_pending {
        words.push(format!(", oldest pending {}", format::age(now.since(oldest))));
    }
    if consumer.failure_rate > 0.0 {
        words.push(format!(", failed attempts {}", format::rate(consumer.failure_rate)));
    }
    words
}

/// Returns why a consumer fares as it does, and the last error.
fn because(theme: Theme, consumer: &ConsumerStatus, health: Health) -> (String, Style) {
    let error = consumer.last_error.as_ref().map(|error| format!("last error: {error}"));
    let why = match (&consumer.state, &consumer.holding) {
        (ConsumerState::Stopped { reason }, _) => Some(reason.clone()),
        (ConsumerState::Paused, _) => Some(format!("`railpost resume {}` lets it go on", consumer.name)),
        (ConsumerState::Delivering, holding) => holding.clone(),
    };
    match (why, error) {
        (Some(why), Some(error)) => (format!("{why}; {error}"), theme.health(health)),
        (Some(why), None) => (why, theme.health(health)),
        (None, Some(error)) => (error, theme.failing()),
        (None, None) if health == Health::DeadLetters => {
            ("screen 5 shows the deliveries that were given up".to_owned(), theme.warning())
        }
        (None, None) => ("the last attempt succeeded, or there was none".to_owned(), theme.faint()),
    }
}

/// Draws the consumer's rates over the lines that are left.
fn rates(state: &State, consumer: &ConsumerStatus, page: &mut Page<'_>) {
    let series = state::consumer_series(consumer);
    let columns = page.width().saturating_sub(LABEL_COLUMNS + 2).min(state::SAMPLES_MAX);
    let samples: Vec<f64> = state.samples.get(&series).into_iter().flatten().copied().collect();
    let rows = page.left();
    for (index, bars) in format::chart(samples.iter(), columns, rows).into_iter().enumerate() {
        let (label, style) = if index + 1 == rows {
            (format!("  now {}", format::rate(consumer.rate)), Theme::plain())
        } else if index == 0 {
            (format!("  peak {}", format::rate(format::peak(samples.iter(), columns))), state.theme.faint())
        } else {
            (String::new(), Theme::plain())
        };
        let label = Span::styled(format!("{label:<LABEL_COLUMNS$}"), style);
        page.line(&Line::from(vec![label, Span::styled(bars, state.theme.accent())]));
    }
}
