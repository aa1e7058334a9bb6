//! One engine, timed with the same events in both forms by turns.

use anyhow::Result;

use crate::clock;
use crate::heap;
use crate::railpost::{Events, Form, Railpost};
use crate::table::each;

/// How many events an engine sees before it is measured.
const WARM_UP: usize = 1_000;

/// How much is measured.
pub(crate) struct Plan {
    /// How often each form is timed.
    pub(crate) runs: usize,
    /// How often the events are matched each time.
    pub(crate) passes: usize,
}

/// What was measured.
pub(crate) struct Measured {
    /// Events a second that are checked while they are matched.
    pub(crate) bytes: f64,
    /// Events a second that have been checked before.
    pub(crate) checked: f64,
    /// How often memory was asked for, an event.
    pub(crate) allocations: f64,
}

/// Lets an engine see some events, so that what it builds on first use is there.
///
/// # Errors
///
/// Returns an error if an event is not a JSON object.
pub(crate) fn warm_up(engine: &mut Railpost, events: &Events<'_>, counts: &mut [u64]) -> Result<()> {
    let first = Events::new(events.bytes.iter().take(WARM_UP).copied().collect())?;
    engine.pass(&first, Form::Bytes, counts)?;
    engine.pass(&first, Form::Checked, counts)
}

/// Times an engine of so many rules; each time the matches of each rule are looked at.
///
/// # Errors
///
/// Returns the error of the look, or one if an event is not a JSON object.
pub(crate) fn measure(
    engine: &mut Railpost,
    events: &Events<'_>,
    plan: &Plan,
    counts: &mut [u64],
    look: impl Fn(&[u64]) -> Result<()>,
) -> Result<Measured> {
    let mut times = [const { Vec::new() }; 2];
    let mut allocations = 0;
    for _ in 0..plan.runs {
        for (form, times) in [Form::Bytes, Form::Checked].into_iter().zip(&mut times) {
            counts.fill(0);
            let before = heap::allocations();
            let (passed, time) =
                clock::timed(|| (0..plan.passes).try_for_each(|_| engine.pass(events, form, counts)));
            allocations += heap::allocations() - before;
            passed?;
            look(counts)?;
            times.push(time);
        }
    }
    let matched = events.bytes.len() * plan.passes;
    let [bytes, checked] = times.map(|times| clock::per_second(matched, clock::median(times)));
    let allocations = each(allocations, matched * plan.runs * 2);
    Ok(Measured { bytes, checked, allocations })
}
