//! Whether values that lie in arrays can be found together.

use std::collections::HashSet;
use std::ops::Range;

use crate::evaluate::Test;
use crate::flatten::{Element, Flattened, Inside, Leaf};

/// How many values there are before those that join no value of some other field are sorted out first.
const UNSORTED: usize = 32;

/// How many steps a search takes before it begins to remember what it tried in vain, which costs memory.
const STEPS_WITHOUT_MEMORY: usize = 1000;

/// How many values may be looked at for one event. What needs more is an error: names that stand twice make of a
/// choice a puzzle that no machine solves.
const LOOKS_MAX: usize = 5_000_000;

/// How many vain tries are remembered.
const FAILED_MAX: usize = 10_000;

/// A choice of values, field by field, of which no two lie in different elements of one array.
///
/// A field's choice is given up when no later field can join it. The memory serves the next search again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    levels: Vec<Level>,
    /// The places of the levels' values.
    places: Vec<Inside>,
    /// The places chosen so far.
    taken: Vec<Inside>,
    frames: Vec<usize>,
    steps: usize,
    /// How many values were looked at for this event.
    looks: usize,
    memory: Memory,
    barred: Barred,
}

/// One field's ways to hold, as ranges of places.
#[derive(Clone, Copy, Debug)]
struct Level {
    /// Where the values lie that fulfil the rule.
    choices: (usize, usize),
    /// The array whose elements the values lie in, where it is one and they lie in nothing deeper.
    array: Option<u32>,
    /// Where the field's values lie at all, where the rule also holds without any.
    present: Option<(usize, usize)>,
}

/// What was tried in vain: a level, and the elements chosen in arrays that matter from there on.
#[derive(Clone, Debug, Default)]
struct Memory {
    failed: HashSet<(usize, Vec<Element>)>,
    /// By array, one more than the last level at which it has a say; none before it is needed.
    last_level: Vec<usize>,
}

impl Search {
    /// Begins with another event.
    pub(crate) fn start(&mut self) {
        self.looks = 0;
    }

    /// Returns whether a search was given up since the beginning of the event: then its answer is none.
    pub(crate) fn gave_up(&self) -> bool {
        self.looks > LOOKS_MAX
    }

    /// Returns whether there is such a choice for the fields whose values lie in elements of arrays.
    pub(crate) fn succeeds<'c>(
        &mut self,
        tests: impl Iterator<Item = Test<'c>>,
        event: Flattened<'_>,
    ) -> bool {
        self.levels.clear();
        self.places.clear();
        self.taken.clear();
        self.memory.failed.clear();
        self.memory.last_level.clear();
        self.steps = 0;
        for test in tests.filter(|test| event.is_placed(test.path)) {
            self.add_level(&test, event);
        }
        !self.places.is_empty() && self.sort_out(event) && self.run(event)
    }

    /// Removes the choices that fit no choice of some other level; returns whether each level has any left.
    fn sort_out(&mut self, event: Flattened<'_>) -> bool {
        if self.places.len() <= UNSORTED {
            return true;
        }
        for other in 0..self.levels.len() {
            if self.levels[other].present.is_some() {
                continue;
            }
            let (start, end) = self.levels[other].choices;
            self.barred.count(&self.places[start..end], event);
            let total = u32::try_from(end - start).unwrap_or(u32::MAX);
            for level in (0..self.levels.len()).filter(|level| *level != other) {
                let (start, end) = self.levels[level].choices;
                let mut kept = start;
                for index in start..end {
                    let place = self.places[index];
                    if self.barred.by(place) < total {
                        self.places[kept] = place;
                        kept += 1;
                    }
                }
                self.levels[level].choices.1 = kept;
            }
        }
        self.levels.iter().all(|level| level.present.is_some() || level.choices.0 < level.choices.1)
    }

    fn add_level(&mut self, test: &Test<'_>, event: Flattened<'_>) {
        let start = self.places.len();
        for leaf in event.at(test.path) {
            let known = self.places.len() > start && self.places.last() == Some(&leaf.inside());
            if !known && test.alternatives.accept(&event.value(leaf)) {
                self.places.push(leaf.inside());
            }
        }
        let choices = (start, self.places.len());
        let present = test.may_be_absent().then(|| {
            self.places.extend(event.at(test.path).map(Leaf::inside));
            (choices.1, self.places.len())
        });
        let array = |place: &Inside| event.array_of(*place);
        let first = self.places[start..choices.1].first().and_then(array);
        let is_one = self.places[start..choices.1].iter().all(|place| array(place) == first);
        self.levels.push(Level { choices, array: first.filter(|_| is_one), present });
    }

    fn run(&mut self, event: Flattened<'_>) -> bool {
        self.frames.clear();
        self.frames.push(0);
        while let Some(next) = self.frames.last().copied() {
            let depth = self.frames.len() - 1;
            self.taken.truncate(depth);
            self.steps += 1;
            if self.gave_up() {
                return false;
            }
            match self.choose(depth, next, event) {
                None => {
                    self.remember(depth, event);
                    self.frames.pop();
                }
                Some((chosen, next)) => {
                    self.frames[depth] = next;
                    self.taken.push(chosen);
                    if depth + 1 == self.levels.len() {
                        return true;
                    }
                    if !self.is_known_to_fail(depth + 1, event) {
                        self.frames.push(0);
                    }
                }
            }
        }
        false
    }

    /// Returns the first choice from `next` on that fits what is taken, and the choice after that.
    fn choose(&mut self, depth: usize, next: usize, event: Flattened<'_>) -> Option<(Inside, usize)> {
        let level = self.levels[depth];
        let choices = &self.places[level.choices.0..level.choices.1];
        let fits = |place: &Inside| self.taken.iter().all(|taken| event.agree(*place, *taken));
        let within = self.within(level, choices, event);
        let from = within.start.max(next);
        let found = choices.get(from..within.end).and_then(|choices| choices.iter().position(fits));
        let looked = found.map_or(within.end.saturating_sub(from), |found| found + 1);
        self.looks += 1 + looked * (1 + self.taken.len());
        if let Some(found) = found {
            return Some((choices[from + found], from + found + 1));
        }
        let (start, end) = level.present.filter(|_| next <= choices.len())?;
        self.looks += end - start;
        let away = !self.places[start..end].iter().any(fits);
        away.then_some((Inside::NOTHING, choices.len() + 1))
    }

    /// Returns which choices can fit: where one taken lies in an element of their array, those in that element.
    fn within(&self, level: Level, choices: &[Inside], event: Flattened<'_>) -> Range<usize> {
        let element = |array| self.taken.iter().find_map(|taken| event.element_in(*taken, array));
        match level.array.and_then(element) {
            // The elements of one array are numbered in the order of the event, and so are the choices.
            Some(element) => {
                let start = choices.partition_point(|place| *place < element);
                let end = choices.partition_point(|place| *place <= element);
                start..end
            }
            None => 0..choices.len(),
        }
    }

    fn remember(&mut self, depth: usize, event: Flattened<'_>) {
        if self.steps > STEPS_WITHOUT_MEMORY && self.memory.failed.len() < FAILED_MAX {
            let state = self.state(depth, event);
            self.memory.failed.insert(state);
        }
    }

    fn is_known_to_fail(&mut self, depth: usize, event: Flattened<'_>) -> bool {
        if self.memory.failed.is_empty() {
            return false;
        }
        let state = self.state(depth, event);
        self.memory.failed.contains(&state)
    }

    fn state(&mut self, depth: usize, event: Flattened<'_>) -> (usize, Vec<Element>) {
        if self.memory.last_level.is_empty() {
            self.find_last_levels(event);
        }
        let last_level = &self.memory.last_level;
        let matters = |element: &Element| last_level.get(element.array as usize) > Some(&depth);
        let elements = self.taken[..depth].iter().flat_map(|place| event.elements(*place));
        let mut elements: Vec<Element> = elements.filter(matters).collect();
        elements.sort_unstable();
        elements.dedup();
        (depth, elements)
    }

    /// Finds for each array the last level at which it has a say.
    fn find_last_levels(&mut self, event: Flattened<'_>) {
        for (depth, level) in self.levels.iter().enumerate() {
            let (start, end) = level.present.unwrap_or(level.choices);
            for place in &self.places[start..end] {
                for element in event.elements(*place) {
                    let array = element.array as usize;
                    let last_level = &mut self.memory.last_level;
                    last_level.resize(last_level.len().max(array + 1), 0);
                    if last_level[array] == depth + 1 {
                        break;
                    }
                    last_level[array] = depth + 1;
                }
            }
        }
    }
}

/// For each element, how many values of one field cannot be taken together with a value in it.
#[derive(Clone, Debug, Default)]
struct Barred {
    /// How many values lie in each element.
    in_element: Vec<u32>,
    in_array: Vec<u32>,
    by_element: Vec<u32>,
}

impl Barred {
    /// Counts for the values at the places.
    ///
    /// A value bars those beside it in each array around it, and no value lies beside it in two of them.
    fn count(&mut self, places: &[Inside], event: Flattened<'_>) {
        let elements = event.element_count();
        for counts in [&mut self.in_element, &mut self.in_array, &mut self.by_element] {
            counts.clear();
            counts.resize(elements, 0);
        }
        for index in places.iter().filter_map(|place| place.index()) {
            self.in_element[index] += 1;
        }
        for index in (0..elements).rev() {
            let (element, around) = event.element_at(index);
            let array = element.array as usize;
            self.in_array.resize(self.in_array.len().max(array + 1), 0);
            self.in_array[array] += self.in_element[index];
            if let Some(outer) = around.index() {
                self.in_element[outer] += self.in_element[index];
            }
        }
        for index in 0..elements {
            let (element, around) = event.element_at(index);
            let beside = self.in_array[element.array as usize] - self.in_element[index];
            self.by_element[index] = beside + self.by(around);
        }
    }

    fn by(&self, place: Inside) -> u32 {
        place.index().map_or(0, |index| self.by_element[index])
    }
}
