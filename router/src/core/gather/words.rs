//! What a group waits for, in words.

use std::time::Duration;

use super::condition::{Condition, Scene};
use super::expected::Wanted;
use crate::config::{Cutoff, Expected, Names};

/// Returns each single condition that is not met and how it stands.
pub(crate) fn waiting_for(condition: &Condition, scene: &Scene<'_>) -> Vec<String> {
    let group = scene.group;
    let wait = || condition.due(scene).map(|due| words(due.since(scene.now))).unwrap_or_default();
    let more = |count: usize| count.saturating_sub(group.parts().len());
    match condition {
        Condition::Any(parts) | Condition::All(parts) => {
            parts.iter().flat_map(|part| waiting_for(part, scene)).collect()
        }
        _ if condition.is_met(scene) => Vec::new(),
        Condition::Count(count) => vec![format!("count needs {} more of {count}", more(*count))],
        Condition::CountRead(place) => vec![match group.count_read(*place) {
            Some(count) => format!("count needs {} more of {count}", more(count)),
            None => "waiting for an event that says how many parts there are".to_owned(),
        }],
        Condition::Expected { place, expected } => match Wanted::of(expected, *place, scene.key, group) {
            Some(wanted) => wanted.waits().into_iter().collect(),
            None => vec![unnamed(expected)],
        },
        Condition::Idle(_) => vec![format!("idle would fire in {}", wait())],
        Condition::Within(_) => vec![format!("deadline in {}", wait())],
        Condition::Cutoff(daily) => {
            vec![format!("deadline in {}, at {}", wait(), cutoff_words(&daily.cutoff))]
        }
        Condition::Window { .. } => vec![format!("its window ends in {}", wait())],
        Condition::Never => Vec::new(),
        Condition::When(_) => vec!["waiting for an event that says so".to_owned()],
        Condition::While { place, rule } => {
            group.measured.get(*place).map(|measured| measured.words(rule)).into_iter().collect()
        }
    }
}

fn unnamed(expected: &Expected) -> String {
    match expected.names {
        Names::Manifest(_) => "waiting for the manifest that names the parts".to_owned(),
        Names::Listed(_) | Names::PerKey(_) => "no parts are named for this key".to_owned(),
    }
}

/// Returns a time of day and its zone.
pub(super) fn cutoff_words(cutoff: &Cutoff) -> String {
    let zone = cutoff.zone.iana_name().unwrap_or("UTC");
    format!("{} {zone}", cutoff.time.strftime("%H:%M"))
}

/// Returns a duration in words, its two largest units: `2 h 4 min`.
pub(crate) fn words(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        return format!("{}.{} s", duration.as_secs(), duration.subsec_millis() / 100);
    }
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let shown: Vec<String> = units
        .iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    shown.join(" ")
}
