//! event-ruler beside railpost: it runs on a JVM, so its rates were recorded, and are scaled by a peer's.

use crate::contest::Rates;
use crate::ratio;
use crate::rulesets::RuleSet;
use crate::table::{Column, Table, figure};

/// What was recorded on one machine, in events a second of CPU time, one thread, median of three.
struct Recorded {
    set: &'static str,
    /// event-ruler 2.0.1, JDK 17, 4 GB of heap, serial collector.
    event_ruler: f64,
    /// quamina 0.7.0 in its default form, where it has the operators.
    quamina: Option<f64>,
}

/// The first of two runs.
const RECORDED: [Recorded; 18] = [
    recorded("EXACT", 355e3, Some(1.95e6)),
    recorded("WILDCARD", 296e3, Some(2.02e6)),
    recorded("PREFIX", 410e3, Some(2.30e6)),
    recorded("PREFIX_EQUALS_IGNORE_CASE", 361e3, None),
    recorded("SUFFIX", 280e3, Some(1.93e6)),
    recorded("SUFFIX_EQUALS_IGNORE_CASE", 318e3, None),
    recorded("EQUALS_IGNORE_CASE", 380e3, Some(1.64e6)),
    recorded("NUMERIC", 194e3, Some(593e3)),
    recorded("ANYTHING_BUT", 222e3, Some(541e3)),
    recorded("ANYTHING_BUT_IGNORE_CASE", 159e3, None),
    recorded("ANYTHING_BUT_PREFIX", 211e3, None),
    recorded("ANYTHING_BUT_SUFFIX", 263e3, None),
    recorded("ANYTHING_BUT_WILDCARD", 205e3, None),
    recorded("COMPLEX_ARRAYS", 44e3, Some(106e3)),
    recorded("ANYTHING_BUT_PERF", 98e3, Some(215e3)),
    recorded("PARTIAL_COMBO", 79e3, None),
    recorded("COMBO", 28e3, None),
    recorded("COMMON_COMBO", 176e3, Some(605e3)),
];

const COLUMNS: [Column; 8] = [
    Column("set", 25),
    Column("rules", 0),
    Column("event-ruler recorded ev/s", 0),
    Column("scaled ev/s", 0),
    Column("railpost bytes ev/s", 0),
    Column("ratio", 6),
    Column("railpost checked ev/s", 0),
    Column("ratio", 6),
];

/// Prints every set beside event-ruler's rate, which is multiplied by the median of what quamina does here over
/// what was recorded of it. Prints nothing but the head if quamina has matched none of the sets.
pub(crate) fn print(measured: &[(&RuleSet, Rates)]) {
    let table = Table::new(&COLUMNS);
    let Some(scale) = scale(measured) else { return };
    for (set, rates) in measured {
        let Some(recorded) = find(set) else { continue };
        let scaled = recorded.event_ruler * scale;
        table.row(&[
            set.name.clone(),
            set.rules.len().to_string(),
            figure(recorded.event_ruler),
            figure(scaled),
            figure(rates.bytes),
            ratio(rates.bytes / scaled),
            figure(rates.checked),
            ratio(rates.checked / scaled),
        ]);
    }
}

/// Returns how fast this machine is, measured by quamina in its default form.
fn scale(measured: &[(&RuleSet, Rates)]) -> Option<f64> {
    let part = |(set, rates): &(&RuleSet, Rates)| Some(rates.quamina?[0] / find(set)?.quamina?);
    let mut parts: Vec<f64> = measured.iter().filter_map(part).collect();
    parts.sort_unstable_by(f64::total_cmp);
    parts.get(parts.len().checked_sub(1)? / 2).copied()
}

fn find(set: &RuleSet) -> Option<&'static Recorded> {
    RECORDED.iter().find(|recorded| recorded.set == set.name)
}

const fn recorded(set: &'static str, event_ruler: f64, quamina: Option<f64>) -> Recorded {
    Recorded { set, event_ruler, quamina }
}
