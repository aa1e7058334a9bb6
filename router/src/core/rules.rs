//! [`Rules`]: which consumers and aggregations an event concerns.

use std::collections::BTreeMap;

use pattern::{Input, Matcher, Pattern, Scratch};

use super::facts::Facts;
use super::gather::watched;
use crate::config::{Aggregation, Consumer};

/// All filters of one bus, asked at once.
pub(crate) struct Rules {
    matcher: Matcher<Rule>,
    scratch: Scratch,
    /// The rules whose filter holds for the event at hand.
    matched: Vec<Rule>,
    unfiltered: Vec<Rule>,
    consumers: Vec<Option<Pattern>>,
    aggregations: Vec<Option<Pattern>>,
    len: usize,
}

/// Whose filter it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Rule {
    Consumer(usize),
    Part(usize),
    Marker(usize, usize),
}

/// What an event is to an aggregation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    /// Its filter holds, so it may be a part.
    pub(crate) part: bool,
    /// What its completion looks for and it is, by its place there.
    pub(crate) markers: Vec<usize>,
}

/// Whom an event concerns, in the order of the configuration.
#[derive(Debug, Default)]
pub(crate) struct Concerned {
    pub(crate) consumers: Vec<usize>,
    pub(crate) aggregations: BTreeMap<usize, Interest>,
}

impl Rules {
    /// Compiles the filters of one bus.
    pub(crate) fn new(consumers: &[Consumer], aggregations: &[Aggregation]) -> Self {
        let mut rules = Self {
            matcher: Matcher::new(),
            scratch: Scratch::new(),
            matched: Vec::new(),
            unfiltered: Vec::new(),
            consumers: consumers.iter().map(|consumer| consumer.filter.clone()).collect(),
            aggregations: aggregations.iter().map(|aggregation| aggregation.filter.clone()).collect(),
            len: 0,
        };
        let filtered = consumers.iter().enumerate().filter(|(_, consumer)| consumer.letters_of.is_none());
        for (index, consumer) in filtered {
            rules.add(Rule::Consumer(index), consumer.filter.as_ref());
        }
        for (index, aggregation) in aggregations.iter().enumerate() {
            rules.add(Rule::Part(index), aggregation.filter.as_ref());
            for (place, pattern) in watched(aggregation) {
                rules.add(Rule::Marker(index, place), Some(&pattern));
            }
        }
        rules
    }

    /// Returns how many filters there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Returns the consumers' filters in the order of the configuration; none means all events.
    pub(crate) fn consumer_filters(&self) -> impl Iterator<Item = Option<&Pattern>> {
        self.consumers.iter().map(Option::as_ref)
    }

    /// Returns the aggregations' filters in the order of the configuration; none means all events.
    pub(crate) fn aggregation_filters(&self) -> impl Iterator<Item = Option<&Pattern>> {
        self.aggregations.iter().map(Option::as_ref)
    }

    /// Returns whom an event concerns.
    pub(crate) fn concerned(&mut self, facts: &Facts<'_>) -> Concerned {
        self.matched.clear();
        let fields = facts.fields();
        // A payload was checked when the event was decoded, so that reading it again cannot fail. Only an event that
        // was made too hard to match does: it concerns nobody, and an explanation says why.
        self.matcher
            .matches_into(Input::Fields(&fields), &mut self.scratch, &mut self.matched)
            .unwrap_or_default();
        let mut concerned = Concerned::default();
        for rule in self.matched.iter().chain(&self.unfiltered) {
            match *rule {
                Rule::Consumer(index) => concerned.consumers.push(index),
                Rule::Part(index) => concerned.aggregations.entry(index).or_default().part = true,
                Rule::Marker(index, place) => {
                    concerned.aggregations.entry(index).or_default().markers.push(place);
                }
            }
        }
        concerned.consumers.sort_unstable();
        concerned
    }

    fn add(&mut self, rule: Rule, filter: Option<&Pattern>) {
        self.len += 1;
        match filter {
            Some(pattern) => self.matcher.insert(rule, pattern.clone()),
            None => self.unfiltered.push(rule),
        }
    }
}
