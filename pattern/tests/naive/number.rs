//! Which numbers can be compared.

/// Returns the double that keeps a number: one whose own shortest text, of two digits or more, says the same.
pub(super) fn comparable(text: &str) -> Option<f64> {
    let nearest: f64 = text.parse().ok()?;
    let wanted = Decimal::read(text)?;
    if !nearest.is_finite() {
        return None;
    }
    let shortest = format!("{nearest:e}");
    let two_digits = format!("{nearest:.1e}");
    let one_digit = !shortest.contains('.');
    let text = if one_digit && two_digits.parse() == Ok(nearest) { two_digits } else { shortest };
    let kept = Decimal::read(&text)?;
    // Zero has no sign.
    (kept == wanted).then_some(if wanted.digits.is_empty() { 0.0 } else { nearest })
}

/// A decimal number: its digits after the point, without zeros at either end, times a power of ten.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// An exponent beyond 32 bits is none.
    fn read(text: &str) -> Option<Self> {
        let unsigned = text.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let exponent: i32 = exponent.parse().ok()?;
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        if digits.is_empty() {
            return Some(Self { negative: false, digits, exponent: 0 });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        Some(Self { negative: text.starts_with('-'), digits, exponent: i64::from(exponent) + point })
    }
}
