//! Words for values: escaped text, counts, durations, times, bytes.

use std::borrow::Cow;
use std::time::Duration;

use event::Timestamp;

/// Returns `text` with every character that could move a cursor or turn the reading direction written as an
/// escape, so that an event cannot draw on the terminal of whoever looks at it.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            unsafe_one if is_unsafe(unsafe_one) => escaped.extend(unsafe_one.escape_unicode()),
            safe => escaped.push(safe),
        }
    }
    Cow::Owned(escaped)
}

/// The longest that a value may be where it shares a line with others.
const VALUE_WIDTH_MAX: usize = 60;
/// The longest that a sentence about an event may be, such as why a schema refused it.
const SENTENCE_WIDTH_MAX: usize = 200;
/// Where a list of names stops and says how many more there are.
const LIST_WIDTH_MAX: usize = 48;

/// The lines of a JSON document that are shown.
const JSON_LINES_MAX: usize = 200;
/// The longest line of one that is shown whole.
const JSON_WIDTH_MAX: usize = 200;

/// Returns the text, cut with three dots where it is longer than the width.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(width.saturating_sub(3)).chain("...".chars()).collect())
}

/// Returns a value as a line shows it: safe to print, and cut where it is long.
pub(crate) fn value(text: &str) -> String {
    cut(&escape(text), VALUE_WIDTH_MAX).into_owned()
}

/// Returns a sentence as a line shows it: safe to print, and cut where it would fill the screen.
pub(crate) fn sentence(text: &str) -> String {
    cut(&escape(text), SENTENCE_WIDTH_MAX).into_owned()
}

/// Returns text of several lines as one, safe to print.
pub(crate) fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    escape(&lines.join(" ")).into_owned()
}

fn is_unsafe(character: char) -> bool {
    let turns_direction = matches!(
        character,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
    );
    character.is_control() || turns_direction
}

/// Returns a count with its noun: `1 part`, `2 parts`, `no parts`.
pub(crate) fn count(number: u64, noun: &str) -> String {
    let plural = match noun.strip_suffix("us") {
        Some(_) => format!("{noun}es"),
        None => format!("{noun}s"),
    };
    match number {
        0 => format!("no {plural}"),
        1 => format!("1 {noun}"),
        _ => format!("{number} {plural}"),
    }
}

/// Returns a list in words: `a, b, c`; `none` for nothing; `a, b and 7 more` where it is long.
pub(crate) fn list<T: AsRef<str>>(names: &[T]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let (mut text, mut width) = (String::new(), 0);
    for (index, name) in names.iter().enumerate() {
        let name = value(name.as_ref());
        width += name.chars().count() + 2;
        if index > 0 && width > LIST_WIDTH_MAX {
            text.extend([" and ", &(names.len() - index).to_string(), " more"]);
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&name);
    }
    text
}

/// Returns a duration in its two largest units: `850ms`, `12s`, `3m 20s`, `5h 2m`, `4d 1h`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let pair = |large: u64, large_unit: char, small: u64, small_unit: char| match small {
        0 => format!("{large}{large_unit}"),
        _ => format!("{large}{large_unit} {small}{small_unit}"),
    };
    match seconds {
        0 if duration.as_millis() == 0 => format!("{}us", duration.as_micros()),
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3_600 => pair(seconds / 60, 'm', seconds % 60, 's'),
        3_600..86_400 => pair(seconds / 3_600, 'h', seconds % 3_600 / 60, 'm'),
        _ => pair(seconds / 86_400, 'd', seconds % 86_400 / 3_600, 'h'),
    }
}

/// Returns how far an instant is from `now`: `in 3s`, `12s ago`, `now`.
pub(crate) fn relative(instant: Timestamp, now: Timestamp) -> String {
    if instant > now {
        return format!("in {}", duration(instant.since(now)));
    }
    match now.since(instant) {
        near if near < Duration::from_millis(500) => "now".to_owned(),
        passed => format!("{} ago", duration(passed)),
    }
}

/// Returns the time of day in UTC: `12:00:01.234`.
pub(crate) fn time_of_day(instant: Timestamp) -> String {
    instant.to_jiff().strftime("%H:%M:%S%.3f").to_string()
}

/// Returns an instant in UTC as short as it can be beside another one: `04:10`, with seconds and less only where they are
/// not zero, with the date unless it is the other one's: `2026-11-20 04:10`.
pub(crate) fn short_time(instant: Timestamp, beside: Timestamp) -> String {
    let (instant, beside) = (instant.to_jiff(), beside.to_jiff());
    let date = |moment: jiff::Timestamp| moment.strftime("%Y-%m-%d").to_string();
    let form = if instant.as_microsecond() % 60_000_000 == 0 { "%H:%M" } else { "%H:%M:%S%.f" };
    let time = instant.strftime(form);
    if date(instant) == date(beside) { time.to_string() } else { format!("{} {time}", date(instant)) }
}

/// Returns a number of bytes in the largest binary unit below it: `512 B`, `1.5 MiB`.
pub(crate) fn bytes(number: u64) -> String {
    let mut units = ["B", "KiB", "MiB", "GiB"].into_iter();
    let (mut whole, mut rest, mut unit) = (number, 0, units.next().unwrap_or_default());
    for larger in units {
        if whole < 1_024 {
            break;
        }
        (rest, whole, unit) = (whole % 1_024, whole / 1_024, larger);
    }
    match rest * 10 / 1_024 {
        0 => format!("{whole} {unit}"),
        tenths => format!("{whole}.{tenths} {unit}"),
    }
}

/// Returns a JSON document as indented lines, as many as a person reads.
pub(crate) fn json_lines(json: &str) -> Vec<String> {
    let pretty = format!("  {}", pretty_json(json, 2));
    let mut lines: Vec<String> =
        pretty.lines().take(JSON_LINES_MAX).map(|line| cut(line, JSON_WIDTH_MAX).into_owned()).collect();
    let left = pretty.lines().count() - lines.len();
    if left > 0 {
        let left = count(u64::try_from(left).unwrap_or(u64::MAX), "more line");
        lines.push(format!("  ... and {left}; --json has them all"));
    }
    lines
}

/// Returns JSON as indented lines with every unsafe character of its strings escaped.
pub(crate) fn pretty_json(json: &str, indent: usize) -> String {
    // The text is laid out again rather than parsed, so that numbers and key order stay as they came.
    let mut pretty = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut characters = json.chars().filter(|character| *character != '\u{feff}').peekable();
    while let Some(character) = characters.next() {
        if in_string {
            match character {
                unsafe_one if is_unsafe(unsafe_one) => {
                    pretty.extend(["\\u", &format!("{:04x}", u32::from(unsafe_one))]);
                }
                safe => pretty.push(safe),
            }
            in_string = escaped || character != '"';
            escaped = character == '\\' && !escaped;
            continue;
        }
        match character {
            '"' => {
                in_string = true;
                pretty.push('"');
            }
            '{' | '[' => {
                pretty.push(character);
                while characters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                    pretty.push(close);
                } else {
                    depth += 1;
                    line(&mut pretty, indent, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut pretty, indent, depth);
                pretty.push(character);
            }
            ',' => {
                pretty.push(',');
                line(&mut pretty, indent, depth);
            }
            ':' => pretty.push_str(": "),
            space if space.is_ascii_whitespace() => {}
            other => pretty.push(other),
        }
    }
    pretty
}

fn line(text: &mut String, indent: usize, depth: usize) {
    text.push('\n');
    text.extend(std::iter::repeat_n(' ', indent + 2 * depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_cannot_draw_on_the_terminal() {
        assert_eq!(escape("plain caf\u{e9}"), "plain caf\u{e9}");
        assert_eq!(escape("a\u{1b}[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(escape("gpj\u{202e}exe"), "gpj\\u{202e}exe");
    }

    #[test]
    fn counts_agree_with_their_nouns() {
        assert_eq!(count(0, "part"), "no parts");
        assert_eq!(count(1, "bus"), "1 bus");
        assert_eq!(count(2, "bus"), "2 buses");
        assert_eq!(count(3, "consumer"), "3 consumers");
    }

    #[test]
    fn long_values_and_lists_are_cut() {
        assert_eq!(value(&"x".repeat(60)), "x".repeat(60));
        assert_eq!(value(&"x".repeat(61)), format!("{}...", "x".repeat(57)));
        assert_eq!(list(&["paris", "lyon"]), "paris, lyon");
        assert_eq!(list(&["a-long-store-name"; 9]), "a-long-store-name, a-long-store-name and 7 more");
        assert_eq!(one_line("bad\n  at line 3\n"), "bad at line 3");
    }

    #[test]
    fn durations_keep_two_units() {
        let check = |millis, expected: &str| assert_eq!(duration(Duration::from_millis(millis)), expected);
        check(850, "850ms");
        check(12_400, "12s");
        check(200_000, "3m 20s");
        check(3_600_000, "1h");
        check(90_000_000, "1d 1h");
        assert_eq!(duration(Duration::from_micros(45)), "45us");
    }

    #[test]
    fn instants_are_told_from_now() {
        let now = Timestamp::from_millis(10_000);
        assert_eq!(relative(Timestamp::from_millis(13_000), now), "in 3s");
        assert_eq!(relative(Timestamp::from_millis(9_900), now), "now");
        assert_eq!(relative(Timestamp::from_millis(4_000), now), "6s ago");
    }

    #[test]
    fn a_short_time_says_what_is_not_plain() {
        let check = |millis, expected: &str| {
            let beside = Timestamp::from_millis(86_400_000);
            assert_eq!(short_time(Timestamp::from_millis(millis), beside), expected);
        };
        check(86_400_000 + 15_000_000, "04:10");
        check(86_400_000 + 15_001_000, "04:10:01");
        check(86_400_000 + 15_001_250, "04:10:01.25");
        check(0, "1970-01-01 00:00");
        check(2 * 86_400_000, "1970-01-03 00:00");
    }

    #[test]
    fn bytes_take_the_largest_unit() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1_536), "1.5 KiB");
        assert_eq!(bytes(64 << 20), "64 MiB");
    }

    #[test]
    fn json_is_laid_out_without_being_changed() {
        let json = "{\"b\":12345678901234567890123,\"a\":[1.10,{}],\"t\":\"x: \\\"y\\\", {\u{202e}\"}";
        let expected = concat!(
            "{\n    \"b\": 12345678901234567890123,\n    \"a\": [\n      1.10,\n      {}\n    ],\n",
            "    \"t\": \"x: \\\"y\\\", {\\u202e\"\n  }"
        );
        assert_eq!(pretty_json(json, 2), expected);
    }

    #[test]
    fn a_long_document_is_cut() {
        let numbers: Vec<u32> = (0..300).collect();
        let lines = json_lines(&serde_json::to_string(&numbers).unwrap());
        assert_eq!(lines.len(), 201);
        assert_eq!(lines[200], "  ... and 102 more lines; --json has them all");
        assert_eq!(json_lines(&format!("\"{}\"", "x".repeat(500)))[0].len(), 200);
    }
}
