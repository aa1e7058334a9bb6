//! A pattern: the combinations of rules that its `$or` lead to.

use std::collections::BTreeMap;

use super::alternative::Alternative;
use super::json::Json;

/// More combinations than these are refused.
const COMBINATIONS_MAX: usize = 1000;

/// What cannot be a field inside `$or`: the operators, and what is kept for operators to come.
const RESERVED: &str = " exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= \
    > >= regex not-wildcard not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before \
    in-date-range ip-address-in-range ip-address-not-in-range ";

/// A pattern that can be held against events.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// Every rule that stands in the pattern, in the order of its text.
    rules: Vec<Rule>,
    /// Each combination's rules, in the order of their paths' UTF-16 units.
    combinations: Vec<Written>,
}

/// What one list in a pattern says about one field.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) path: String,
    /// The alternatives as they stand in the pattern.
    pub(crate) wanted: Vec<Json>,
    pub(super) alternatives: Vec<Alternative>,
}

/// One way for an event to match: each of these rules must hold.
#[derive(Debug)]
pub(crate) struct Combination<'p>(pub(super) Vec<&'p Rule>);

/// For each path, the rule that was written last.
type Written = BTreeMap<Vec<u16>, usize>;

impl Pattern {
    /// Reads a pattern; none where it is refused, other than for the complexity of its wildcards.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut members = Vec::new();
        for (name, value) in Json::read_object(text)? {
            members.push((name, Json::read(value)?));
        }
        let mut pattern = Self { rules: Vec::new(), combinations: vec![Written::new()] };
        pattern.object(&members, None, false)?;
        Some(pattern)
    }

    /// Returns the paths that rules stand at, in the order of the text.
    pub(crate) fn paths(&self) -> Vec<&str> {
        let mut paths: Vec<&str> = Vec::new();
        for rule in &self.rules {
            if !paths.contains(&rule.path.as_str()) {
                paths.push(&rule.path);
            }
        }
        paths
    }

    /// Returns the ways for an event to match.
    pub(crate) fn combinations(&self) -> impl ExactSizeIterator<Item = Combination<'_>> {
        let rule = |index: &usize| &self.rules[*index];
        self.combinations.iter().map(move |written| Combination(written.values().map(rule).collect()))
    }

    /// Returns the combination's rules in the order of the pattern's text.
    pub(crate) fn in_order_of_text<'p>(&'p self, combination: &Combination<'p>) -> Vec<&'p Rule> {
        let wanted = |rule: &&Rule| combination.0.iter().any(|other| std::ptr::eq(*rule, *other));
        self.rules.iter().filter(wanted).collect()
    }

    fn object(&mut self, members: &[(String, Json)], path: Option<&str>, inside_or: bool) -> Option<()> {
        if members.is_empty() {
            return None;
        }
        for (name, value) in members {
            if name == "$or" {
                self.either(value, path)?;
                continue;
            }
            if inside_or && !name.contains(' ') && RESERVED.contains(&format!(" {name} ")) {
                return None;
            }
            let path = path.map_or_else(|| name.clone(), |outer| format!("{outer}.{name}"));
            match value {
                Json::Object(members) => self.object(members, Some(&path), inside_or)?,
                Json::List(wanted) => self.rule(path, wanted)?,
                _ => return None,
            }
        }
        Some(())
    }

    /// Goes on from every combination so far with every object in the list.
    fn either(&mut self, list: &Json, path: Option<&str>) -> Option<()> {
        let Json::List(objects) = list else { return None };
        let before = std::mem::take(&mut self.combinations);
        let mut after = Vec::new();
        for object in objects {
            let Json::Object(members) = object else { return None };
            self.combinations.clone_from(&before);
            self.object(members, path, true)?;
            after.append(&mut self.combinations);
            if after.len() > COMBINATIONS_MAX {
                return None;
            }
        }
        self.combinations = after;
        (objects.len() >= 2).then_some(())
    }

    fn rule(&mut self, path: String, wanted: &[Json]) -> Option<()> {
        let alternatives: Vec<Alternative> = wanted.iter().map(Alternative::read).collect::<Option<_>>()?;
        if alternatives.is_empty() {
            return None;
        }
        let units: Vec<u16> = path.encode_utf16().collect();
        for combination in &mut self.combinations {
            combination.insert(units.clone(), self.rules.len());
        }
        self.rules.push(Rule { path, wanted: wanted.to_vec(), alternatives });
        Some(())
    }
}
