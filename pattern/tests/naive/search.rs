//! Whether an event holds what a pattern wants.

use super::alternative::Alternative;
use super::event::{Element, Event, Leaf};
use super::pattern::{Combination, Pattern, Rule};

/// How many values are looked at before a question is given up: trying every choice can take for ever.
const STEPS_MAX: usize = 50_000;

impl Pattern {
    /// Returns whether an event matches; none where there were too many choices to try.
    pub(crate) fn matches(&self, event: &Event<'_>) -> Option<bool> {
        for combination in self.combinations() {
            if combination.matches(event)? {
                return Some(true);
            }
        }
        Some(false)
    }
}

impl Combination<'_> {
    /// Returns whether every rule holds, with values that can be chosen together.
    pub(crate) fn matches(&self, event: &Event<'_>) -> Option<bool> {
        choose(&self.0, &[], event, &mut { STEPS_MAX })
    }

    /// Returns how many of the rules do not hold by themselves.
    pub(crate) fn failing(&self, event: &Event<'_>) -> usize {
        self.0.iter().filter(|rule| !rule.holds_alone(event)).count()
    }
}

impl Rule {
    /// Returns whether the rule holds, whatever the others want.
    pub(crate) fn holds_alone(&self, event: &Event<'_>) -> bool {
        let mut values = event.at(&self.path).peekable();
        if values.peek().is_none() { self.allows_absence() } else { values.any(|leaf| self.holds_for(leaf)) }
    }

    fn holds_for(&self, leaf: &Leaf) -> bool {
        self.alternatives.iter().any(|alternative| alternative.holds(&leaf.value))
    }

    fn allows_absence(&self) -> bool {
        self.alternatives.iter().any(|alternative| matches!(alternative, Alternative::Absent))
    }
}

/// Tries every value that fulfils the first rule and does not lie beside what was chosen before, then goes on.
fn choose(rules: &[&Rule], chosen: &[Element], event: &Event<'_>, steps: &mut usize) -> Option<bool> {
    let Some((rule, later)) = rules.split_first() else {
        return Some(true);
    };
    let beside = |element: &Element| chosen.iter().any(|other| other.is_beside(*element));
    let values: Vec<&Leaf> = event.at(&rule.path).collect();
    *steps = steps.checked_sub(values.len() + 1)?;
    let there: Vec<&Leaf> = values.into_iter().filter(|leaf| !leaf.elements.iter().any(beside)).collect();
    if there.is_empty() && rule.allows_absence() {
        return choose(later, chosen, event, steps);
    }
    for leaf in there.into_iter().filter(|leaf| rule.holds_for(leaf)) {
        if choose(later, &[chosen, &leaf.elements].concat(), event, steps)? {
            return Some(true);
        }
    }
    Some(false)
}
