//! [`Wanted`]: the parts that a group waits for.

use super::group::Group;
use crate::config::{Expected, Names, NamesPerKey};

/// The names that a group waits for: those of its rule, with what somebody added and without what somebody dropped.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    names: &'a [String],
    optional: &'a [String],
    quorum: Option<usize>,
    group: &'a Group,
}

impl<'a> Wanted<'a> {
    /// Returns what a group waits for; none while nothing has said what that is.
    pub(crate) fn of(expected: &'a Expected, place: usize, key: &str, group: &'a Group) -> Option<Self> {
        let names = match &expected.names {
            Names::Listed(names) => names.as_slice(),
            Names::PerKey(names) => names.of(key)?,
            Names::Manifest(_) => group.manifest(place)?.names.as_slice(),
        };
        Some(Self { names, optional: &expected.optional, quorum: expected.quorum, group })
    }

    /// Returns the names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (names, optional) = (self.names, self.optional);
        let more = self.group.more.as_deref();
        let added = more.into_iter().flat_map(|more| &more.added);
        let added = added.filter(move |name| !names.contains(name)).map(String::as_str);
        let is_wanted = move |name: &&str| {
            let is_dropped = more.is_some_and(|more| more.dropped.contains(*name));
            let is_optional = optional.iter().any(|other| other == name);
            !is_dropped && (!is_optional || more.is_some_and(|more| more.added.contains(*name)))
        };
        names.iter().map(String::as_str).chain(added).filter(is_wanted)
    }

    /// Returns the names that have not come.
    pub(crate) fn missing(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let group = self.group;
        self.names().filter(move |name| !group.holds(name))
    }

    /// Returns the optional names that have not come.
    pub(crate) fn optional_missing(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let group = self.group;
        self.optional.iter().map(String::as_str).filter(move |name| !group.holds(name))
    }

    /// Returns how many of the names are enough.
    pub(crate) fn needed(&self) -> usize {
        let all = self.names().count();
        self.quorum.map_or(all, |quorum| quorum.min(all))
    }

    /// Returns whether enough of them are there. That is looked into only once the group has as many parts at all.
    pub(crate) fn is_met(&self, group: &Group) -> bool {
        let least = self.quorum.unwrap_or(self.names.len()).min(self.names.len());
        let dropped = group.more.as_ref().map_or(0, |more| more.dropped.len());
        let optional = self.optional.len();
        if group.parts().len() + dropped + optional < least {
            return false;
        }
        let all = self.names().count();
        let needed = self.quorum.map_or(all, |quorum| quorum.min(all));
        self.names().filter(|name| group.holds(name)).take(needed).count() >= needed
    }

    /// Returns why the group is complete.
    pub(crate) fn why(&self, group: &Group) -> String {
        let all = self.names().count();
        let there = self.names().filter(|name| group.holds(name)).count();
        match self.quorum {
            Some(quorum) if there < all => {
                format!("expected: {there} of {all} parts came, and {quorum} are enough")
            }
            _ => format!("expected: all {all} parts came"),
        }
    }

    /// Returns what it waits for, in words; nothing if it has all it needs.
    pub(crate) fn waits(&self) -> Option<String> {
        let missing: Vec<&str> = self.missing().collect();
        let there = self.names().count() - missing.len();
        let more = self.needed().saturating_sub(there);
        match (more, self.quorum) {
            (0, _) => None,
            (_, Some(_)) if more < missing.len() => {
                Some(format!("waiting for {more} of {}", missing.join(", ")))
            }
            _ => Some(format!("waiting for {}", missing.join(", "))),
        }
    }
}

impl NamesPerKey {
    /// Returns the names of a key, if it has any.
    fn of(&self, key: &str) -> Option<&[String]> {
        let exact = self.exact.get(key);
        let wild = || self.wild.iter().find(|(form, _)| matches(form, key)).map(|(_, names)| names);
        exact.or_else(wild).map(Vec::as_slice)
    }
}

/// Returns whether a text is of a form in which `*` stands for any characters.
fn matches(form: &str, text: &str) -> bool {
    let mut pieces = form.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_characters() {
        for (form, text, expected) in [
            ("*", "", true),
            ("*", "2026-11-19", true),
            ("2026-*", "2026-11", true),
            ("2026-*", "2025-11", false),
            ("*-11", "2026-11", true),
            ("2026-*-19", "2026-11-19", true),
            ("2026-*-19", "2026-19", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("exact", "exact", true),
            ("exact", "exactly", false),
        ] {
            assert_eq!(matches(form, text), expected, "{form} {text}");
        }
    }

    #[test]
    fn the_exact_key_counts_before_a_form() {
        let names = |name: &str| vec![name.to_owned()];
        let per_key = NamesPerKey {
            exact: [("2026-12-25".to_owned(), names("nice"))].into(),
            wild: vec![("2026-*".to_owned(), names("paris"))],
        };
        assert_eq!(per_key.of("2026-12-25"), Some(&["nice".to_owned()][..]));
        assert_eq!(per_key.of("2026-12-26"), Some(&["paris".to_owned()][..]));
        assert_eq!(per_key.of("2027-01-01"), None);
    }
}
