//! [`Prompt`]: what somebody is about to do to a group, and why. [`Outcome`]: what came of it.

use std::time::Duration;

use api::{GroupAction, GroupOrder, GroupStatus};
use event::Timestamp;
use jiff::{SignedDuration, Span, SpanRelativeTo};

use crate::words;

/// The longest value or reason that is typed or pasted, in characters; more is not taken.
pub(crate) const TEXT_MAX: usize = 200;
/// The shortest time that a deadline is put off by.
const EXTENSION_MIN: Duration = Duration::from_secs(1);

/// A way to lay hands on a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    Release,
    Discard,
    Extend,
    Hold,
    LetGo,
    Expect,
    Unexpect,
}

/// Which text of a prompt has the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Value,
    Why,
}

/// What is about to be done to one group. The group is the one it was opened for, whatever the list does meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub(crate) hand: Hand,
    pub(crate) aggregation: String,
    /// The group's id.
    pub(crate) id: String,
    /// What the user knows the group by.
    pub(crate) name: String,
    /// How long, or which part; empty where nothing but a reason is asked for.
    pub(crate) value: String,
    pub(crate) why: String,
    pub(crate) field: Field,
    /// What is wrong with the texts, since the last Enter.
    pub(crate) refusal: Option<String>,
}

/// What came of the last order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The group, and what was ordered.
    pub(crate) what: String,
    /// None until the router has answered, or has not.
    pub(crate) answer: Option<Result<(), String>>,
}

impl Hand {
    /// Returns what it does to the group that is named next.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Discard => "discard",
            Self::Extend => "extend",
            Self::Hold => "hold",
            Self::LetGo => "let go",
            Self::Expect => "expect a part of",
            Self::Unexpect => "drop a part of",
        }
    }

    /// Returns the name of what it asks for besides a reason.
    pub(crate) fn value(self) -> Option<&'static str> {
        match self {
            Self::Extend => Some("by"),
            Self::Expect | Self::Unexpect => Some("part"),
            Self::Release | Self::Discard | Self::Hold | Self::LetGo => None,
        }
    }

    /// Returns what can be done to that group: one that is held is let go.
    fn of(self, group: &GroupStatus) -> Self {
        match self {
            Self::Hold if group.held => Self::LetGo,
            other => other,
        }
    }
}

impl Prompt {
    /// Opens a prompt for a group.
    pub(crate) fn new(hand: Hand, group: &GroupStatus, now: Timestamp) -> Self {
        let hand = hand.of(group);
        let missing = group.missing.first().filter(|_| hand == Hand::Unexpect);
        Self {
            hand,
            aggregation: group.aggregation.clone(),
            id: group.id.clone(),
            name: words::group(group, now),
            value: missing.map(|part| part.name.clone()).unwrap_or_default(),
            why: String::new(),
            field: if hand.value().is_some() { Field::Value } else { Field::Why },
            refusal: None,
        }
    }

    /// Returns whether it is about this group.
    pub(crate) fn is_about(&self, group: &GroupStatus) -> bool {
        group.id == self.id && group.aggregation == self.aggregation
    }

    /// Gives the keys to the other text, if there is one.
    pub(crate) fn turn(&mut self) {
        if self.hand.value().is_some() {
            self.field = if self.field == Field::Value { Field::Why } else { Field::Value };
        }
    }

    /// Adds to the text that has the keys, on one line and as much as it may hold.
    pub(crate) fn insert(&mut self, more: &str) {
        let text = self.text();
        let room = TEXT_MAX.saturating_sub(text.chars().count());
        let one_line = |letter: char| if letter.is_control() { ' ' } else { letter };
        text.extend(more.chars().take(room).map(one_line));
    }

    /// Takes the last letter away.
    pub(crate) fn shorten(&mut self) {
        self.text().pop();
    }

    /// Empties the text that has the keys.
    pub(crate) fn clear(&mut self) {
        self.text().clear();
    }

    /// Returns what is to be done, or what the value lacks.
    pub(crate) fn action(&self) -> Result<GroupAction, String> {
        Ok(match self.hand {
            Hand::Release => GroupAction::Release,
            Hand::Discard => GroupAction::Discard,
            Hand::Extend => GroupAction::Extend { by_ms: extension(&self.value)? },
            Hand::Hold => GroupAction::Hold,
            Hand::LetGo => GroupAction::LetGo,
            Hand::Expect => GroupAction::Expect { part: self.part()?.trim().to_owned() },
            // A part that the router names may begin or end with a space.
            Hand::Unexpect => GroupAction::Unexpect { part: self.part()?.to_owned() },
        })
    }

    /// Returns the order in somebody's name, or which text lacks what.
    pub(crate) fn order(&self, by: &str) -> Result<GroupOrder, (Field, String)> {
        let action = self.action().map_err(|reason| (Field::Value, reason))?;
        let why = self.why.trim();
        if why.is_empty() {
            return Err((Field::Why, "say why: it stays in the group's history".to_owned()));
        }
        Ok(GroupOrder {
            aggregation: self.aggregation.clone(),
            group: self.id.clone(),
            action,
            by: by.to_owned(),
            why: why.to_owned(),
        })
    }

    fn part(&self) -> Result<&str, String> {
        if self.value.trim().is_empty() {
            return Err("name the part".to_owned());
        }
        Ok(&self.value)
    }

    fn text(&mut self) -> &mut String {
        self.refusal = None;
        match self.field {
            Field::Value => &mut self.value,
            Field::Why => &mut self.why,
        }
    }
}

impl Outcome {
    /// Returns whether the router has not answered yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.answer.is_none()
    }
}

/// Reads by how many milliseconds a deadline is put off; a day has 24 hours.
fn extension(text: &str) -> Result<u64, String> {
    let span = text.trim().parse::<Span>().ok();
    let length: Option<SignedDuration> =
        span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).ok());
    let length = length.and_then(|length| Duration::try_from(length).ok());
    let milliseconds = length
        .filter(|length| *length >= EXTENSION_MIN)
        .and_then(|length| u64::try_from(length.as_millis()).ok());
    milliseconds.ok_or_else(|| "say how long, 1s or more: 30m, 2h, 1d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::canned;

    fn opened(hand: Hand) -> Prompt {
        Prompt::new(hand, &canned::groups()[0], canned::NOW)
    }

    #[test]
    fn an_extension_has_a_unit_and_a_length() {
        let check = |text: &str, expected| assert_eq!(extension(text).ok(), expected, "{text}");
        check("30m", Some(1_800_000));
        check(" 1h 30m ", Some(5_400_000));
        check("1d", Some(86_400_000));
        check("1s", Some(1_000));
        for wrong in ["", "30", "0s", "999ms", "-5m", "1mo", "tomorrow", "99999999999999999999h"] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_text_is_one_line_of_a_limited_length() {
        let mut prompt = opened(Hand::Release);
        prompt.insert("one\r\ntwo\t\u{1b}");
        assert_eq!(prompt.why, "one  two  ");
        prompt.insert(&"x".repeat(TEXT_MAX * 2));
        assert_eq!(prompt.why.chars().count(), TEXT_MAX);
        prompt.shorten();
        prompt.insert("yz");
        assert!(prompt.why.ends_with("xy"), "{}", prompt.why);
    }

    #[test]
    fn a_part_that_is_typed_has_no_space_around_it_and_one_that_is_known_keeps_it() {
        let mut typed = opened(Hand::Expect);
        typed.insert(" oslo ");
        assert_eq!(typed.action(), Ok(GroupAction::Expect { part: "oslo".to_owned() }));
        let mut group = canned::groups()[0].clone();
        group.missing[0].name = "nice ".to_owned();
        let known = Prompt::new(Hand::Unexpect, &group, canned::NOW);
        assert_eq!(known.action(), Ok(GroupAction::Unexpect { part: "nice ".to_owned() }));
    }
}
