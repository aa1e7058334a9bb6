//! Events that certainly go round for ever, through consumers and aggregations.

use std::collections::BTreeSet;
use std::ops::Range;
use std::vec::IntoIter;

use super::{Reader, certain};
use crate::config::error::Code;
use crate::config::file::{At, File};
use crate::config::model::{Config, Target};

/// What is known of an event on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Nothing: it is any event.
    Any,
    /// It is a release of this aggregation, which does not gather it again while it is new to every bus.
    Release { of: usize, is_new: bool },
}

/// An event on a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stop<'a> {
    bus: &'a str,
    kind: Kind,
}

/// What takes an event from one stop to the next, by its place in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rule {
    Consumer(usize),
    Aggregation(usize),
}

/// A stop, and the rule by which the event leaves it.
type Leg<'a> = (Stop<'a>, Rule);

/// A stop from which not all ways were gone yet.
struct Open<'a> {
    stop: Stop<'a>,
    ways: IntoIter<(Rule, Stop<'a>)>,
    /// The way that is being gone.
    by: Option<Rule>,
}

impl Reader<'_> {
    /// Warns of the cycles in which events certainly go round: of so many that without them there would be none.
    pub(super) fn cycles(&mut self, file: &File, config: &Config) {
        if self.findings.iter().any(|finding| !finding.code().is_warning()) {
            return;
        }
        let mut seen = BTreeSet::new();
        for mut legs in cycles(config) {
            let mut rules: Vec<_> = legs.iter().map(|(_, rule)| *rule).collect();
            rules.sort_unstable();
            if seen.insert(rules) {
                let first = (0..legs.len()).min_by_key(|leg| place(file, legs[*leg].1).start);
                legs.rotate_left(first.unwrap_or(0));
                self.cycle(file, config, &legs);
            }
        }
    }

    fn cycle(&mut self, file: &File, config: &Config, legs: &[Leg<'_>]) {
        let Some(((first, rule), others)) = legs.split_first() else { return };
        let path: Vec<_> = legs.iter().map(|leg| words(config, leg)).collect();
        let path = path.join(" -> ");
        let message = format!("events would go round for ever: {path} -> bus `{}`", first.bus);
        let finding =
            self.finding(Code::Cycle, &place(file, *rule), message, label(config, &(*first, *rule)));
        for leg in others {
            finding.label(&place(file, leg.1), label(config, leg));
        }
        finding.help(help(config, legs));
    }
}

/// Returns cycles of legs that events certainly go.
fn cycles(config: &Config) -> Vec<Vec<Leg<'_>>> {
    let any = config.buses.iter().map(|bus| Stop { bus: &bus.name, kind: Kind::Any });
    let releases = config
        .aggregations
        .iter()
        .enumerate()
        .map(|(of, aggregation)| Stop { bus: &aggregation.bus, kind: Kind::Release { of, is_new: true } });
    let (mut found, mut visited, mut stack) = (Vec::new(), BTreeSet::new(), Vec::<Open<'_>>::new());
    for start in any.chain(releases) {
        if visited.insert(start) {
            stack.push(Open::new(config, start));
        }
        while let Some(open) = stack.last_mut() {
            let Some((rule, next)) = open.ways.next() else {
                stack.pop();
                continue;
            };
            open.by = Some(rule);
            if let Some(back) = stack.iter().position(|open| open.stop == next) {
                found.push(stack[back..].iter().filter_map(|open| Some((open.stop, open.by?))).collect());
            } else if visited.insert(next) {
                stack.push(Open::new(config, next));
            }
        }
    }
    found
}

impl<'a> Open<'a> {
    fn new(config: &'a Config, stop: Stop<'a>) -> Self {
        Self { stop, ways: ways(config, stop).into_iter(), by: None }
    }
}

/// Returns where an event certainly goes next.
fn ways<'a>(config: &'a Config, from: Stop<'a>) -> Vec<(Rule, Stop<'a>)> {
    let (release, onward) = match from.kind {
        Kind::Any => (None, Kind::Any),
        Kind::Release { of, .. } => {
            (Some(&config.aggregations[of].emit), Kind::Release { of, is_new: false })
        }
    };
    let consumers = config.consumers.iter().enumerate().filter_map(|(index, consumer)| {
        let Target::Bus { name } = &consumer.target else { return None };
        let goes = consumer.bus == from.bus && certain::passes(consumer, release);
        goes.then_some((Rule::Consumer(index), Stop { bus: name, kind: onward }))
    });
    let is_new = matches!(from.kind, Kind::Release { is_new: true, .. });
    let aggregations = config.aggregations.iter().enumerate().filter_map(|(of, aggregation)| {
        let release = release?;
        let is_own =
            is_new && aggregation.emit.kind == release.kind && aggregation.emit.source == release.source;
        let goes = aggregation.bus == from.bus && !is_own && certain::gathers(aggregation, release);
        let kind = Kind::Release { of, is_new: true };
        goes.then_some((Rule::Aggregation(of), Stop { bus: from.bus, kind }))
    });
    consumers.chain(aggregations).collect()
}

/// Returns where a rule is to be shown.
fn place(file: &File, rule: Rule) -> Range<usize> {
    match rule {
        Rule::Consumer(index) => {
            let target = &file.consumer[index].target;
            target.value.bus.as_ref().map_or(&target.span, |bus: &At<String>| &bus.span).clone()
        }
        Rule::Aggregation(index) => file.aggregation[index].name.span.clone(),
    }
}

fn words(config: &Config, (stop, rule): &Leg<'_>) -> String {
    let rule = match rule {
        Rule::Consumer(index) => format!("consumer `{}`", config.consumers[*index].name),
        Rule::Aggregation(index) => format!("aggregation `{}`", config.aggregations[*index].name),
    };
    format!("bus `{}` -> {rule}", stop.bus)
}

fn label(config: &Config, (stop, rule): &Leg<'_>) -> String {
    match (stop.kind, rule) {
        (Kind::Any, _) => "passes on every event, without a filter".to_owned(),
        (Kind::Release { of, .. }, Rule::Consumer(_)) => {
            format!("passes on every release of `{}`", config.aggregations[of].name)
        }
        (Kind::Release { of, .. }, Rule::Aggregation(_)) => {
            format!("gathers every release of `{}`", config.aggregations[of].name)
        }
    }
}

/// Returns how to end a cycle: at a rule that gets releases, by their type.
fn help(config: &Config, legs: &[Leg<'_>]) -> String {
    let at_release = legs.iter().find_map(|(stop, rule)| match (stop.kind, rule) {
        (Kind::Release { of, .. }, Rule::Aggregation(index)) => {
            Some((&config.aggregations[*index].name, &config.aggregations[of].emit.kind))
        }
        _ => None,
    });
    match at_release {
        Some((name, kind)) => format!(
            "give `{name}` a filter that these releases do not match, such as \
             `{{ type = [{{ anything-but = [\"{kind}\"] }}] }}`"
        ),
        None => {
            "add a `filter` that the events do not match the second time, or choose another bus".to_owned()
        }
    }
}
