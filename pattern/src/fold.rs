//! Text compared without regard to case, character by character.

/// A text in which every character may stand in its lower-case or its upper-case form.
///
/// A form may be longer than one character: the upper case of U+00DF is `SS`. A character that is itself
/// neither form, such as a title-case letter, does not match itself.
#[derive(Clone, Debug)]
pub(crate) struct Folded {
    forms: Box<[Forms]>,
}

#[derive(Clone, Debug)]
struct Forms {
    lower: Box<str>,
    upper: Box<str>,
}

impl Folded {
    pub(crate) fn new(text: &str) -> Self {
        Self { forms: text.chars().map(Forms::of).collect() }
    }

    pub(crate) fn equals(&self, value: &str) -> bool {
        self.strip_prefix(value).is_some_and(str::is_empty)
    }

    pub(crate) fn is_prefix_of(&self, value: &str) -> bool {
        self.strip_prefix(value).is_some()
    }

    pub(crate) fn is_suffix_of(&self, value: &str) -> bool {
        let mut rest = value;
        self.forms.iter().rev().all(|forms| {
            let stripped = rest.strip_suffix(&*forms.lower).or_else(|| rest.strip_suffix(&*forms.upper));
            stripped.is_some_and(|shorter| {
                rest = shorter;
                true
            })
        })
    }

    fn strip_prefix<'v>(&self, value: &'v str) -> Option<&'v str> {
        self.forms.iter().try_fold(value, |rest, forms| {
            rest.strip_prefix(&*forms.lower).or_else(|| rest.strip_prefix(&*forms.upper))
        })
    }
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
    use super::{Folded, Forms};

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
        assert!(Folded::new("stra\u{df}e").equals("STRASSE"));
        assert!(!Folded::new("stra\u{df}e").equals("STRA\u{1e9e}E"));
        assert!(!Folded::new("\u{3c2}").equals("\u{3c3}"));
        assert!(Folded::new(".PnG").is_suffix_of("a.png"));
        assert!(!Folded::new(".PnG").is_suffix_of("png"));
        assert!(!Folded::new("\u{10400}").equals("\u{10428}"));
    }
}
