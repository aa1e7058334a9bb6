//! Buses that feed each other for ever.

use std::collections::BTreeSet;

use super::Reader;
use crate::config::error::Code;
use crate::config::file::{At, ConsumerTable};
use crate::config::model::DEFAULT_BUS;

/// A consumer that puts every event of a bus on a bus: it has no filter and no schema that could stop one.
struct Edge<'a> {
    from: &'a str,
    to: &'a At<String>,
}

impl Reader<'_> {
    /// Records every consumer by which a bus certainly gets its own events again.
    pub(super) fn cycles(&mut self, consumers: &[ConsumerTable]) {
        let edges: Vec<_> = consumers.iter().filter_map(edge).collect();
        for edge in &edges {
            if reachable(edge.to.as_str(), &edges).contains(edge.from) {
                let message =
                    format!("events would go round for ever: bus `{}` gets its own events again", edge.from);
                self.finding(Code::Cycle, &edge.to.span, message, "every event, without a filter").help(
                    "add a `filter` that the events do not match the second time, or choose another bus",
                );
            }
        }
    }
}

fn edge(consumer: &ConsumerTable) -> Option<Edge<'_>> {
    let to = consumer.target.value.bus.as_ref()?;
    let stops = consumer.filter.is_some() || consumer.schema.is_some();
    let from = consumer.bus.as_ref().map_or(DEFAULT_BUS, At::as_str);
    (!stops).then_some(Edge { from, to })
}

/// Returns the buses that an event on this bus certainly gets to, this one included.
fn reachable<'a>(bus: &'a str, edges: &'a [Edge<'a>]) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([bus]);
    let mut open = vec![bus];
    while let Some(bus) = open.pop() {
        let next = edges.iter().filter(|edge| edge.from == bus).map(|edge| edge.to.as_str());
        open.extend(next.filter(|bus| found.insert(bus)));
    }
    found
}
