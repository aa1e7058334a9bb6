//! Whether an event fulfils a combination of field conditions.

use std::collections::{HashMap, HashSet};

use crate::compiled::{Branch, Compiled, FieldRule};
use crate::flatten::{Element, Flattened, Leaf};
use crate::paths::PathId;

/// Returns whether the event fulfils any of the pattern's combinations.
///
/// `ids` gives for each of the pattern's paths the id under which the event was flattened.
pub(crate) fn matches(compiled: &Compiled, ids: &[PathId], event: &Flattened<'_>) -> bool {
    compiled.branches.iter().any(|branch| branch_holds(compiled, branch, ids, event))
}

/// Returns whether the event fulfils one combination.
///
/// Most events are decided field by field. Only where values of two fields lie in elements of arrays must a
/// choice of values be found of which no two lie in different elements of one array.
pub(crate) fn branch_holds(
    compiled: &Compiled,
    branch: &Branch,
    ids: &[PathId],
    event: &Flattened<'_>,
) -> bool {
    let mut placed = 0;
    let mut undecided = false;
    for rule in compiled.rules(branch) {
        let leaves = event.at(ids[rule.path as usize]);
        let in_element = leaves.iter().any(Leaf::is_placed);
        placed += usize::from(in_element);
        if !field_holds(rule, leaves) {
            if !(rule.absent && in_element) {
                return false;
            }
            undecided = true;
        }
    }
    if placed < 2 {
        return !undecided;
    }
    let levels = compiled.rules(branch).map(|rule| (rule, event.at(ids[rule.path as usize])));
    let levels = levels.filter(|(_, leaves)| leaves.iter().any(Leaf::is_placed));
    Search::new(levels.map(|(rule, leaves)| Level::new(rule, leaves, event)).collect()).succeeds()
}

/// Returns whether the values of a field, taken alone, fulfil its rule.
pub(crate) fn field_holds(rule: &FieldRule, leaves: &[Leaf<'_>]) -> bool {
    if leaves.is_empty() {
        return rule.absent;
    }
    leaves.iter().any(|leaf| rule.conditions.iter().any(|condition| condition.holds(&leaf.value)))
}

/// A choice of values, field by field, that gives up a field's choice when no later field can join it.
struct Search {
    levels: Vec<Level>,
    /// The last level at which an array has a say.
    last_level: HashMap<u32, usize>,
    /// The elements chosen so far.
    taken: Vec<Element>,
    /// What was tried in vain: a level, and the elements chosen in arrays that matter from there on.
    failed: HashSet<(usize, Vec<Element>)>,
}

/// One field's ways to hold.
struct Level {
    /// The elements around each value that fulfils the rule.
    choices: Vec<Vec<Element>>,
    /// The elements around each value at all, where the rule also holds without any.
    present: Option<Vec<Vec<Element>>>,
}

struct Frame {
    next: usize,
    taken: usize,
}

impl Level {
    fn new(rule: &FieldRule, leaves: &[Leaf<'_>], event: &Flattened<'_>) -> Self {
        let elements = |leaf: &Leaf<'_>| event.elements(leaf).collect::<Vec<_>>();
        let holding = leaves.iter().filter(|leaf| field_holds(rule, std::slice::from_ref(leaf)));
        let mut choices: Vec<_> = holding.map(elements).collect();
        choices.dedup();
        let present = rule.absent.then(|| leaves.iter().map(elements).collect());
        Self { choices, present }
    }

    /// Returns the elements that the choice at `next` or after it adds, and the choice after that.
    fn choose(&self, next: usize, taken: &[Element]) -> Option<(Vec<Element>, usize)> {
        for (index, choice) in self.choices.iter().enumerate().skip(next) {
            if consistent(choice, taken) {
                let added = choice.iter().filter(|element| !taken.contains(element));
                return Some((added.copied().collect(), index + 1));
            }
        }
        let absent = self.present.as_ref().filter(|_| next <= self.choices.len())?;
        let away = absent.iter().all(|elements| !consistent(elements, taken));
        away.then(|| (Vec::new(), self.choices.len() + 1))
    }
}

impl Search {
    fn new(levels: Vec<Level>) -> Self {
        let mut last_level = HashMap::new();
        for (depth, level) in levels.iter().enumerate() {
            let present = level.present.iter().flatten();
            for element in level.choices.iter().chain(present).flatten() {
                last_level.insert(element.array, depth);
            }
        }
        Self { levels, last_level, taken: Vec::new(), failed: HashSet::new() }
    }

    fn succeeds(mut self) -> bool {
        let mut frames = vec![Frame { next: 0, taken: 0 }];
        while let Some(frame) = frames.last_mut() {
            self.taken.truncate(frame.taken);
            let depth = frames.len() - 1;
            let Some(frame) = frames.last_mut() else {
                break;
            };
            match self.levels[depth].choose(frame.next, &self.taken) {
                None => {
                    let tried = self.state(depth);
                    self.failed.insert(tried);
                    frames.pop();
                }
                Some((added, next)) => {
                    frame.next = next;
                    self.taken.extend(added);
                    if depth + 1 == self.levels.len() {
                        return true;
                    }
                    if !self.failed.contains(&self.state(depth + 1)) {
                        frames.push(Frame { next: 0, taken: self.taken.len() });
                    }
                }
            }
        }
        false
    }

    fn state(&self, depth: usize) -> (usize, Vec<Element>) {
        let matters = |element: &Element| self.last_level.get(&element.array) >= Some(&depth);
        let mut elements: Vec<Element> = self.taken.iter().copied().filter(matters).collect();
        elements.sort_unstable();
        (depth, elements)
    }
}

/// Returns whether no element lies beside a chosen one in the same array.
fn consistent(elements: &[Element], taken: &[Element]) -> bool {
    elements.iter().all(|element| {
        taken.iter().all(|chosen| chosen.array != element.array || chosen.index == element.index)
    })
}
