//! Text compared without regard to case, character by character.

use crate::value::Text;

/// A text in which every character may stand in its lower-case or its upper-case form.
///
/// A form may be longer than one character: the upper case of U+00DF is `SS`. A character that is itself
/// neither form, such as a title-case letter, does not match itself. An ASCII character has no form beyond
/// ASCII, so an ASCII text is compared byte by byte.
#[derive(Clone, Debug)]
pub(crate) struct Folded(Wanted);

#[derive(Clone, Debug)]
enum Wanted {
    /// All characters are ASCII; these are their lower-case forms.
    Ascii(Box<[u8]>),
    Any(Box<[Forms]>),
}

#[derive(Clone, Debug)]
struct Forms {
    lower: Box<str>,
    upper: Box<str>,
}

impl Folded {
    pub(crate) fn new(text: &str) -> Self {
        Self(if text.is_ascii() {
            Wanted::Ascii(text.bytes().map(|byte| byte.to_ascii_lowercase()).collect())
        } else {
            Wanted::Any(text.chars().map(Forms::of).collect())
        })
    }

    /// Returns the text in lower case, if all of it is ASCII: it then equals what has these bytes in lower case.
    pub(crate) fn ascii(&self) -> Option<&[u8]> {
        match &self.0 {
            Wanted::Ascii(lower) => Some(lower),
            Wanted::Any(_) => None,
        }
    }

    pub(crate) fn equals(&self, value: &Text<'_>) -> bool {
        match &self.0 {
            Wanted::Ascii(lower) => value.bytes.eq_ignore_ascii_case(lower),
            Wanted::Any(forms) => strip_prefix(forms, value.as_str()).is_some_and(str::is_empty),
        }
    }

    pub(crate) fn is_prefix_of(&self, value: &Text<'_>) -> bool {
        match &self.0 {
            Wanted::Ascii(lower) => {
                value.bytes.get(..lower.len()).is_some_and(|start| start.eq_ignore_ascii_case(lower))
            }
            Wanted::Any(forms) => strip_prefix(forms, value.as_str()).is_some(),
        }
    }

    pub(crate) fn is_suffix_of(&self, value: &Text<'_>) -> bool {
        match &self.0 {
            Wanted::Ascii(lower) => {
                let start = value.bytes.len().checked_sub(lower.len());
                start.is_some_and(|start| value.bytes[start..].eq_ignore_ascii_case(lower))
            }
            Wanted::Any(forms) => is_suffix(forms, value.as_str()),
        }
    }
}

fn strip_prefix<'v>(forms: &[Forms], value: &'v str) -> Option<&'v str> {
    forms.iter().try_fold(value, |rest, forms| {
        rest.strip_prefix(&*forms.lower).or_else(|| rest.strip_prefix(&*forms.upper))
    })
}

fn is_suffix(forms: &[Forms], value: &str) -> bool {
    let rest = forms.iter().rev().try_fold(value, |rest, forms| {
        rest.strip_suffix(&*forms.lower).or_else(|| rest.strip_suffix(&*forms.upper))
    });
    rest.is_some()
}

impl Forms {
    /// Characters beyond U+FFFF have one form, themselves.
    fn of(character: char) -> Self {
        if u32::from(character) > 0xFFFF {
            let itself: Box<str> = character.to_string().into();
            return Self { lower: itself.clone(), upper: itself };
        }
        Self {
            lower: character.to_lowercase().collect::<String>().into(),
            upper: character.to_uppercase().collect::<String>().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Folded, Forms, Wanted};

    /// Trying the lower form first is only right while neither form starts or ends with the other.
    #[test]
    fn no_form_of_a_character_hides_the_other() {
        for character in (0..=0xFFFF).filter_map(char::from_u32) {
            let Forms { lower, upper } = Forms::of(character);
            let hidden = lower != upper
                && (lower.starts_with(&*upper)
                    || upper.starts_with(&*lower)
                    || lower.ends_with(&*upper)
                    || upper.ends_with(&*lower));
            assert!(!hidden, "{character:?}");
        }
    }

    #[test]
    fn a_character_matches_either_of_its_forms_and_nothing_else() {
        assert!(Folded::new("stra\u{df}e").equals(&"STRASSE".into()));
        assert!(!Folded::new("stra\u{df}e").equals(&"STRA\u{1e9e}E".into()));
        assert!(!Folded::new("\u{3c2}").equals(&"\u{3c3}".into()));
        assert!(Folded::new(".PnG").is_suffix_of(&"a.png".into()));
        assert!(!Folded::new(".PnG").is_suffix_of(&"png".into()));
        assert!(!Folded::new("\u{10400}").equals(&"\u{10428}".into()));
        assert!(!Folded::new("k").equals(&"\u{212a}".into()));
    }

    #[test]
    fn an_ascii_character_matches_itself_in_any_case_and_nothing_else_in_ascii() {
        for wanted in (0..128_u8).map(char::from) {
            let folded = Folded::new(&wanted.to_string());
            let by_forms = Folded(Wanted::Any([Forms::of(wanted)].into()));
            assert_eq!(folded.ascii(), Some(&[wanted.to_ascii_lowercase() as u8][..]));
            for found in (0..128_u8).map(|byte| char::from(byte).to_string()) {
                let expected = found.eq_ignore_ascii_case(&wanted.to_string());
                let answers = [&folded, &by_forms].map(|folded| {
                    [
                        folded.equals(&found.as_str().into()),
                        folded.is_prefix_of(&found.as_str().into()),
                        folded.is_suffix_of(&found.as_str().into()),
                    ]
                });
                assert_eq!(answers, [[expected; 3]; 2], "{wanted:?} and {found:?}");
            }
        }
    }

    /// The letters that other characters turn into when their case changes, U+212A into `k` for one.
    #[test]
    fn an_ascii_text_matches_nothing_beyond_ascii() {
        let texts = ["i", "k", "s", "SS"].map(|text| (text, Folded::new(text)));
        for found in (0x80..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let mut bytes = [0; 4];
            let found = &*found.encode_utf8(&mut bytes);
            for (text, folded) in &texts {
                assert!(
                    !folded.is_prefix_of(&found.into()) && !folded.is_suffix_of(&found.into()),
                    "{text:?} in {found:?}"
                );
            }
        }
    }
}
