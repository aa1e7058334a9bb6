//! The rules whose events are made: each family has a member that says which rule an event is for.

use fastrand::Rng;

use crate::orders::{self, Place};

/// Rules of one kind, and the events for them.
pub(crate) struct Family {
    pub(crate) name: &'static str,
    pub(crate) sizes: &'static [usize],
    place: Place,
    /// Writes the rule of a number.
    pub(crate) rule: fn(usize) -> String,
    /// Writes the members that the rule of a number matches.
    members: fn(usize, &mut Rng) -> String,
    /// Counts the matches of so many rules and events, where they are not one an event.
    matches: Option<fn(usize, usize) -> u64>,
}

/// How many events are made.
const EVENTS: usize = 5_000;

/// The numbers of rules that share fields: they should be matched as fast.
const SHARED: &[usize] = &[100, 100_000];
const SOME_OR_MANY: &[usize] = &[10, 10_000];

/// A family that has the members in `detail`, and where each event matches one rule.
const ONE: Family = Family {
    name: "",
    sizes: SOME_OR_MANY,
    place: Place::Detail,
    rule: |_| String::new(),
    members: |_, _| String::new(),
    matches: None,
};

pub(crate) const FAMILIES: [Family; 15] = [
    Family {
        name: "shared",
        sizes: SHARED,
        rule: |number| shared(&format!(r#""id":["{number}"]"#)),
        members: |number, _| format!(r#""id":"{number}""#),
        ..ONE
    },
    Family {
        name: "shared-first",
        sizes: SHARED,
        place: Place::Top,
        rule: |number| {
            format!(r#"{{"aaa":["{number}"],"source":["shop.orders"],"detail-type":["OrderPlaced"]}}"#)
        },
        members: |number, _| format!(r#""aaa":"{number}""#),
        ..ONE
    },
    Family {
        name: "shared-prefix",
        sizes: SHARED,
        rule: |number| shared(&format!(r#""id":[{{"prefix":"{number}-"}}]"#)),
        members: |number, random| format!(r#""id":"{number}-{}""#, random.u16(..)),
        ..ONE
    },
    Family {
        name: "shared-numeric",
        sizes: SHARED,
        rule: |number| shared(&range(number)),
        members: within,
        ..ONE
    },
    Family {
        name: "shared-wildcard",
        sizes: SHARED,
        rule: |number| shared(&format!(r#""id":[{{"wildcard":"order-{number}-*-eu"}}]"#)),
        members: |number, random| format!(r#""id":"order-{number}-{}-eu""#, random.u16(..)),
        ..ONE
    },
    Family {
        name: "shared-anything-but",
        sizes: SHARED,
        rule: |number| {
            let others = |value: usize| list((0..DIGITS).filter(|other| *other != value));
            shared(&four(digits(number), |value| format!(r#"[{{"anything-but":{}}}]"#, others(value))))
        },
        members: |number, _| four(digits(number), quoted),
        ..ONE
    },
    Family {
        name: "low-cardinality",
        sizes: SHARED,
        rule: |number| detail(&four(digits(number), |value| list([value]))),
        members: |number, _| four(digits(number), quoted),
        ..ONE
    },
    Family {
        name: "low-cardinality-lists",
        sizes: SHARED,
        rule: |number| detail(&four(triples(number), list)),
        members: |_, random| four([(); 4].map(|()| random.usize(0..DIGITS)), quoted),
        matches: Some(triples_that_match),
        ..ONE
    },
    Family { name: "numeric", rule: |number| detail(&range(number)), members: within, ..ONE },
    Family {
        name: "cidr",
        rule: |number| {
            let (high, low) = (number / 256, number % 256);
            detail(&format!(r#""ip":[{{"cidr":"10.{high}.{low}.0/24"}}]"#))
        },
        members: |number, random| format!(r#""ip":"10.{}.{}.{}""#, number / 256, number % 256, random.u8(..)),
        ..ONE
    },
    Family {
        name: "equals-ignore-case",
        rule: |number| detail(&format!(r#""name":[{{"equals-ignore-case":"Customer-{number}"}}]"#)),
        members: |number, random| {
            let case = |letter: char| if random.bool() { letter.to_ascii_uppercase() } else { letter };
            let name: String = "customer".chars().map(case).collect();
            format!(r#""name":"{name}-{number}""#)
        },
        ..ONE
    },
    Family {
        name: "suffix",
        rule: |number| detail(&format!(r#""file":[{{"suffix":"-{number}.csv"}}]"#)),
        members: |number, random| format!(r#""file":"sales/{}-{number}.csv""#, random.u16(..)),
        ..ONE
    },
    Family {
        name: "paths",
        rule: |number| detail(&format!(r#""field{number}":["yes"]"#)),
        members: |number, _| format!(r#""field{number}":"yes""#),
        ..ONE
    },
    Family {
        name: "anything-but",
        sizes: &[10, 1_000],
        rule: |number| {
            let excluded = list([number % DIGITS, (number + 1) % DIGITS]);
            detail(&format!(r#""kind":[{{"anything-but":{excluded}}}],"id":["{number}"]"#))
        },
        members: |number, random| {
            let kind = quoted((number + random.usize(2..DIGITS)) % DIGITS);
            format!(r#""kind":{kind},"id":"{number}""#)
        },
        ..ONE
    },
    Family {
        name: "exists",
        rule: |number| detail(&format!(r#""gift":[{{"exists":false}}],"id":["{number}"]"#)),
        members: |number, _| format!(r#""id":"{number}""#),
        ..ONE
    },
];

impl Family {
    /// Writes the events for so many rules, all of them or the first ones.
    pub(crate) fn events(&self, rules: usize, limit: Option<usize>) -> Vec<String> {
        let event = |seed: usize| {
            let mut random = random(seed);
            let members = (self.members)(random.usize(0..rules), &mut random);
            orders::event(self.place, &members, &mut random)
        };
        (0..limit.unwrap_or(EVENTS).min(EVENTS)).map(event).collect()
    }

    /// Returns how many matches so many rules and events must count.
    pub(crate) fn matches(&self, rules: usize, events: usize) -> u64 {
        self.matches.map_or(events as u64, |matches| matches(rules, events))
    }
}

/// Writes a rule on members of `detail` whose other fields every event has.
fn shared(members: &str) -> String {
    format!(r#"{{"source":["shop.orders"],"detail-type":["OrderPlaced"],"detail":{{{members}}}}}"#)
}

/// Writes a rule on members of `detail`.
fn detail(members: &str) -> String {
    format!(r#"{{"detail":{{{members}}}}}"#)
}

fn range(number: usize) -> String {
    format!(r#""total":[{{"numeric":[">=",{number},"<",{}]}}]"#, number + 1)
}

fn within(number: usize, random: &mut Rng) -> String {
    format!(r#""total":{number}.{:02}"#, random.usize(0..100))
}

/// How many values each of the four fields of low cardinality has.
const DIGITS: usize = 18;

/// Returns the values that a number stands for: no other number below 18 to the fourth has the same four.
fn digits(number: usize) -> [usize; 4] {
    [1, DIGITS, DIGITS * DIGITS, DIGITS * DIGITS * DIGITS].map(|place| number / place % DIGITS)
}

/// Returns three values for each of the four fields.
fn triples(number: usize) -> [[usize; 3]; 4] {
    let mut random = random(usize::MAX - number);
    [(); 4].map(|()| {
        let first = random.usize(0..DIGITS);
        let second = first + 1 + random.usize(0..DIGITS / 2);
        let third = second + 1 + random.usize(0..DIGITS / 2 - 2);
        [first, second % DIGITS, third % DIGITS]
    })
}

fn triples_that_match(rules: usize, events: usize) -> u64 {
    let rules: Vec<_> = (0..rules).map(triples).collect();
    let matches = |seed: usize| {
        let mut random = random(seed);
        random.usize(0..rules.len());
        let values = [(); 4].map(|()| random.usize(0..DIGITS));
        let holds =
            |rule: &&[[usize; 3]; 4]| rule.iter().zip(&values).all(|(list, value)| list.contains(value));
        rules.iter().filter(holds).count() as u64
    };
    (0..events).map(matches).sum()
}

/// Writes four members, each with something of its own.
fn four<T>(parts: [T; 4], write: impl Fn(T) -> String) -> String {
    let names = ["channel", "country", "payment", "warehouse"];
    let members = names.into_iter().zip(parts).map(|(name, part)| format!(r#""{name}":{}"#, write(part)));
    members.collect::<Vec<_>>().join(",")
}

fn quoted(value: usize) -> String {
    format!(r#""value-{value}""#)
}

fn list(values: impl IntoIterator<Item = usize>) -> String {
    let values: Vec<String> = values.into_iter().map(quoted).collect();
    format!("[{}]", values.join(","))
}

fn random(seed: usize) -> Rng {
    Rng::with_seed(seed as u64)
}
