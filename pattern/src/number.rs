//! Which numbers can be compared, and as what.
//!
//! A number can be compared if a double keeps it: if the double's own shortest text says the same number. Of two
//! shortest texts that are equally near, the one with the even last digit counts, as it does in Java. A number
//! that no double keeps (`9007199254740993`, `1e400`, `0.1000000000000000055`) is refused in a numeric condition
//! and equals only its own text elsewhere.
//!
//! Both halves of the question are asked by themselves where an event is read: the nearest double of every
//! number, and whether it keeps the number only where some pattern names that double or a range around it.

#[cfg(test)]
mod tests;

/// How many digits a double is sure to keep.
const EXACT_DIGITS: usize = 15;

/// The most digits that the shortest text of a double has.
const SHORTEST_DIGITS: usize = 17;

/// Where, whatever its digits, a number is far from both ends of the doubles.
const ORDINARY: std::ops::Range<f64> = 1e-299..1e299;

/// Returns the double that a JSON number stands for, if that double keeps it.
pub(crate) fn comparable(text: &str) -> Option<f64> {
    nearest(text).filter(|value| keeps(text.as_bytes(), *value))
}

/// Returns the double nearest to a JSON number, if it is finite; `-0` is 0.
pub(crate) fn nearest(text: &str) -> Option<f64> {
    let (nearest, length) = read(text.as_bytes());
    nearest.filter(|_| length == text.len())
}

/// Reads the JSON number that a text begins with; returns the same of it, and its length.
pub(crate) fn read(json: &[u8]) -> (Option<f64>, usize) {
    let (value, length) = fast_float2::parse_partial(json).unwrap_or((f64::NAN, 0));
    (value.is_finite().then_some(value + 0.0), length)
}

/// Returns whether the double nearest to a JSON number keeps the number.
pub(crate) fn keeps(text: &[u8], nearest: f64) -> bool {
    if has_few_digits(text) && ORDINARY.contains(&nearest.abs()) {
        return true;
    }
    let decimal = || str::from_utf8(text).ok().and_then(Decimal::parse);
    if nearest.is_subnormal() {
        return decimal().is_some_and(|decimal| decimal.is_said_by(&tiny_text(nearest)));
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(nearest);
    shortest.as_bytes() == text || decimal().is_some_and(|decimal| decimal.is_kept(nearest, shortest))
}

/// Returns whether the text's digits, those of an exponent and useless zeros included, are so few that a double is
/// sure to keep them.
fn has_few_digits(text: &[u8]) -> bool {
    let marks = 2;
    text.len() <= EXACT_DIGITS
        || (text.len() <= EXACT_DIGITS + marks
            && text.iter().filter(|byte| byte.is_ascii_digit()).count() <= EXACT_DIGITS)
}

/// The digits of a decimal number, and where its point is.
struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    /// The exponent of the first digit that is not zero.
    scale: i64,
    /// How many digits there are from the first to the last that are not zero.
    significant: usize,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut decimal = Self {
            negative,
            whole: whole.as_bytes(),
            fraction: fraction.as_bytes(),
            scale: 0,
            significant: 0,
        };
        let zeros = decimal.all_digits().take_while(|digit| *digit == b'0').count();
        let last = decimal.all_digits().rev().take_while(|digit| *digit == b'0').count();
        let count = decimal.whole.len() + decimal.fraction.len();
        decimal.significant = count.saturating_sub(zeros).saturating_sub(last);
        decimal.scale =
            i64::from(exponent) + i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()? - 1;
        Some(decimal)
    }

    fn all_digits(&self) -> impl DoubleEndedIterator<Item = u8> + '_ {
        self.whole.iter().chain(self.fraction).copied()
    }

    fn digits(&self) -> impl Iterator<Item = u8> + '_ {
        self.all_digits().skip_while(|digit| *digit == b'0').take(self.significant)
    }

    /// Returns whether the nearest double, zero or one of full precision, keeps the number.
    fn is_kept(&self, nearest: f64, shortest: &str) -> bool {
        // A reader may give up on a million zeros with an exponent that makes up for them.
        let is_ordinary = (-300..300).contains(&self.scale) && ORDINARY.contains(&nearest.abs());
        let is_exact = is_ordinary && self.significant <= EXACT_DIGITS;
        self.significant == 0 || is_exact || self.is_said_by(shortest)
    }

    fn is_said_by(&self, shortest: &str) -> bool {
        self.significant <= SHORTEST_DIGITS
            && Decimal::parse(shortest).is_some_and(|other| {
                self.negative == other.negative
                    && self.scale == other.scale
                    && self.digits().eq(other.digits())
            })
    }
}

/// Returns the shortest text that reads back as the value and has two digits if two digits do.
///
/// For doubles of full precision that is the shortest text; tiny ones have few digits, and these are preferred.
fn tiny_text(value: f64) -> String {
    let shortest = format!("{value:e}");
    if shortest.contains('.') {
        return shortest;
    }
    let two_digits = format!("{value:.1e}");
    if two_digits.parse() == Ok(value) { two_digits } else { shortest }
}
