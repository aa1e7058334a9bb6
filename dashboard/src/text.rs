//! Text of strangers made fit for one place on the screen: harmless, cut, wrapped.

use std::borrow::Cow;

use ratatui::text::Span;

/// Shown where a text was cut.
const ELLIPSIS: char = '\u{2026}';

/// Returns the text without anything that a terminal could take for a command: control characters become their
/// pictures, invisible and direction-changing ones the replacement character.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(|letter| shown(letter) == letter) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(shown).collect())
}

/// Returns how many columns a text takes.
pub(crate) fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// Returns the cleaned text in at most `columns` columns, with an ellipsis if some of it is left out.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    let (head, rest) = split(text, columns);
    if rest.is_empty() {
        return head;
    }
    let (mut head, _) = split(text, columns.saturating_sub(1));
    if columns > 0 {
        head.push(ELLIPSIS);
    }
    head
}

/// Returns the cleaned text in lines of at most `columns` columns, broken after a space where there is one.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut rest = text;
    loop {
        let (head, left) = split(rest, columns);
        if left.is_empty() {
            lines.push(head);
            return lines;
        }
        let taken = rest.len() - left.len();
        let at = rest[..taken].rfind(' ').map_or(taken, |space| space + 1);
        // A break that leaves most of the line empty helps nobody.
        let at = if at * 3 < taken { taken } else { at };
        lines.push(clean(rest[..at].trim_end_matches(' ')).into_owned());
        rest = &rest[at..];
    }
}

/// Splits off as many characters as fit, cleaned; at least one if there are two columns or more.
pub(crate) fn split(text: &str, columns: usize) -> (String, &str) {
    let mut head = String::new();
    let mut used = 0;
    let mut buffer = [0; 4];
    for (at, letter) in text.char_indices() {
        let letter = shown(letter);
        used += width(letter.encode_utf8(&mut buffer));
        if used > columns && (columns < 2 || !head.is_empty()) {
            return (head, &text[at..]);
        }
        head.push(letter);
    }
    (head, "")
}

/// Returns the end of the cleaned text, as much as fits in `columns` columns.
pub(crate) fn end(text: &str, columns: usize) -> String {
    let mut used = 0;
    let mut buffer = [0; 4];
    let mut first = text.len();
    for (at, letter) in text.char_indices().rev() {
        used += width(shown(letter).encode_utf8(&mut buffer));
        if used > columns {
            break;
        }
        first = at;
    }
    clean(&text[first..]).into_owned()
}

fn shown(letter: char) -> char {
    match letter {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(clean("a\u{1b}[31mb\u{9b}2J\u{202e}\n"), "a\u{241b}[31mb\u{fffd}2J\u{fffd}\u{240a}");
        assert_eq!(clean("plain \u{e9}"), "plain \u{e9}");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis() {
        assert_eq!(cut("railpost", 8), "railpost");
        assert_eq!(cut("railpost", 5), "rail\u{2026}");
        assert_eq!(cut("railpost", 1), "\u{2026}");
        assert_eq!(cut("railpost", 0), "");
    }

    #[test]
    fn the_end_of_a_text_is_what_was_typed_last() {
        assert_eq!(end("railpost", 8), "railpost");
        assert_eq!(end("railpost", 4), "post");
        assert_eq!(end("a\u{4e2d}\u{4e2d}", 3), "\u{4e2d}");
        assert_eq!(end("railpost", 0), "");
    }

    #[test]
    fn lines_break_at_spaces_where_they_can() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 4), [""]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_its_place(text in "\\PC{0,40}|[a-z\u{0}-\u{a0}\u{4e00}-\u{4e10} ]{0,40}", columns in 2_usize..20) {
            prop_assert!(width(&cut(&text, columns)) <= columns);
            prop_assert!(width(&end(&text, columns)) <= columns);
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= columns, "{line:?}");
                prop_assert!(!line.contains(char::is_control));
            }
        }
    }
}
