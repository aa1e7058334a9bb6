//! Which numbers can be compared, and as what.

/// How many digits a double is sure to keep.
const EXACT_DIGITS: usize = 15;

/// Returns the double that a JSON number stands for, if that double's own shortest text says the same number.
///
/// A number that no double keeps (`9007199254740993`, `1e400`, `0.1000000000000000055`) cannot be compared: it
/// is refused in a numeric condition and equals only its own text elsewhere.
pub(crate) fn comparable(text: &str) -> Option<f64> {
    let decimal = Decimal::parse(text)?;
    let value: f64 = text.parse().ok()?;
    if !value.is_finite() {
        return None;
    }
    if decimal.is_zero() {
        return Some(0.0);
    }
    let ordinary = (-300..300).contains(&decimal.scale) && decimal.significant <= EXACT_DIGITS;
    if ordinary || decimal.same_as(value) { Some(value) } else { None }
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

    fn is_zero(&self) -> bool {
        self.significant == 0
    }

    fn same_as(&self, value: f64) -> bool {
        let shortest = shortest_text(value);
        Decimal::parse(&shortest).is_some_and(|other| {
            self.negative == other.negative && self.scale == other.scale && self.digits().eq(other.digits())
        })
    }
}

/// Returns the shortest text of at least two digits that reads back as the value.
fn shortest_text(value: f64) -> String {
    let shortest = format!("{value:e}");
    if shortest.contains('.') {
        return shortest;
    }
    let two_digits = format!("{value:.1e}");
    if two_digits.parse() == Ok(value) { two_digits } else { shortest }
}

#[cfg(test)]
mod tests {
    use super::comparable;

    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(comparable(text), expected, "{text}");
    }

    #[test]
    fn numbers_that_a_double_keeps_can_be_compared() {
        for (text, value) in [
            ("2", 2.0),
            ("2.0", 2.0),
            ("20e-1", 2.0),
            ("-0", 0.0),
            ("0e9", 0.0),
            ("1e23", 1e23),
            ("-122.42", -122.42),
        ] {
            check(text, Some(value));
        }
        check("9007199254740992", Some(9_007_199_254_740_992.0));
        check("1E-320", Some(1e-320));
        check("4.9e-324", Some(4.9e-324));
    }

    #[test]
    fn numbers_that_no_double_keeps_cannot() {
        for text in ["9007199254740993", "1e309", "1e-400", "-122.422003528252475", "1e99999999999", "5e-324"]
        {
            check(text, None);
        }
        check("0.1000000000000000055511151231257827", None);
    }
}
