//! Why an event went where it went: every filter and gate asked again, field by field.

use api::{Decision, FieldReason};
use event::stored::Stored;
use pattern::{EventError, Field, FieldExplanation, Pattern};

use super::Core;
use super::facts::Facts;

impl Core {
    /// Returns what each consumer and aggregation makes of an event under the rules in force. How deliveries stand is
    /// for the caller to add.
    pub(crate) fn explain(&self, position: u64, stored: &Stored) -> Vec<Decision> {
        let facts = Facts::new(stored, position, &self.identity);
        let fields = facts.fields();
        let consumers = self.consumers.iter().zip(self.rules.consumer_filters());
        let consumers = consumers.filter(|(receiver, _)| receiver.letters_of.is_none());
        let consumers = consumers.map(|(receiver, filter)| {
            let mut decision = ask(&receiver.name, filter, &fields);
            if let Some(gate) = receiver.gate.as_ref().filter(|_| decision.matched) {
                let refused = gate.failure(&facts).map(|failure| gate.refusal(&failure));
                decision.schema = Some(refused.unwrap_or_else(|| format!("schema {} holds", gate.schema())));
            }
            decision
        });
        let aggregations = self.aggregators.iter().zip(self.rules.aggregation_filters());
        let aggregations = aggregations.map(|(aggregator, filter)| {
            let mut decision = ask(aggregator.name(), filter, &fields);
            decision.aggregation = true;
            if decision.matched {
                decision.fields.extend(aggregator.explain(&facts));
            }
            decision
        });
        consumers.chain(aggregations).collect()
    }
}

fn ask(name: &str, filter: Option<&Pattern>, fields: &[Field<'_>]) -> Decision {
    let explained = filter.map(|pattern| pattern.explain_fields(fields));
    let (matched, fields) = match explained {
        None => (true, Vec::new()),
        Some(Ok(explanation)) => (explanation.matched, explanation.fields.iter().map(reason).collect()),
        Some(Err(error)) => (false, vec![unreadable(&error)]),
    };
    Decision { name: name.to_owned(), aggregation: false, matched, fields, schema: None, standing: None }
}

fn reason(field: &FieldExplanation) -> FieldReason {
    FieldReason {
        path: field.path.clone(),
        wanted: field.wanted_line(),
        found: if field.found.is_empty() { "absent".to_owned() } else { field.found_line() },
        matched: field.held,
        closest: field.closest.as_ref().map(|closest| closest.why.clone()),
    }
}

fn unreadable(error: &EventError) -> FieldReason {
    let wanted = "an event that patterns can read".to_owned();
    FieldReason { path: "data".to_owned(), wanted, found: error.to_string(), matched: false, closest: None }
}
