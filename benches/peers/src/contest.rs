//! One set of rules, held against the events by each engine in its turn.

use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use quamina::{MatcherBuildMode, Quamina};
use railpost_pattern::Pattern;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::clock;
use crate::railpost::{Events, Form, Railpost};
use crate::rulesets::RuleSet;

/// How many events an engine sees before it is measured: quamina builds a part of itself at the first.
const WARM_UP: usize = 1_000;

/// What is compared.
pub(crate) struct Contest<'a> {
    pub(crate) set: &'a RuleSet,
    pub(crate) wording: &'a Wording,
    /// Whether the events are the whole corpus, so that the matches are known.
    pub(crate) whole: bool,
}

/// The rules of a set in quamina's words; none where it lacks an operator.
#[derive(Deserialize)]
pub(crate) struct Wording {
    quamina_rs: Option<Vec<Box<RawValue>>>,
}

/// Events a second.
pub(crate) struct Rates {
    /// As it is by default, and built for speed.
    pub(crate) quamina: Option<[f64; 2]>,
    pub(crate) bytes: f64,
    pub(crate) checked: f64,
}

/// An engine that matches every event once, and counts the matches of each rule.
type Entrant<'a> = Box<dyn FnMut(&Events<'_>, &mut [u64]) -> Result<()> + 'a>;

impl Contest<'_> {
    /// Measures every engine as often as is asked for.
    ///
    /// # Errors
    ///
    /// Returns an error if an engine refuses a rule or an event, or counts wrong.
    pub(crate) fn run(&self, events: &Events<'_>, runs: usize) -> Result<Rates> {
        let mut entrants = vec![
            ("railpost", self.railpost(Form::Bytes)?),
            ("railpost, checked", self.railpost(Form::Checked)?),
        ];
        if let Some(rules) = &self.wording.quamina_rs {
            entrants.push(("quamina", quamina(rules, MatcherBuildMode::BuiltForComfort)?));
            entrants.push(("quamina for speed", quamina(rules, MatcherBuildMode::BuiltForSpeed)?));
        }
        let mut counts = vec![0; self.set.rules.len()];
        let first = Events::new(events.bytes.iter().take(WARM_UP).copied().collect())?;
        for (_, entrant) in &mut entrants {
            entrant(&first, &mut counts)?;
        }
        let mut times = vec![Vec::new(); entrants.len()];
        for _ in 0..runs {
            for ((name, entrant), times) in entrants.iter_mut().zip(&mut times) {
                times.push(self.time(name, entrant, events, &mut counts)?);
            }
        }
        let rate = |times: Vec<Duration>| clock::per_second(events.bytes.len(), clock::median(times));
        let rates: Vec<f64> = times.into_iter().map(rate).collect();
        match rates[..] {
            [bytes, checked] => Ok(Rates { quamina: None, bytes, checked }),
            [bytes, checked, comfort, speed] => Ok(Rates { quamina: Some([comfort, speed]), bytes, checked }),
            _ => Err(anyhow!("{} rates were measured", rates.len())),
        }
    }

    fn time(
        &self,
        name: &str,
        entrant: &mut Entrant<'_>,
        events: &Events<'_>,
        counts: &mut [u64],
    ) -> Result<Duration> {
        counts.fill(0);
        let (passed, time) = clock::timed(|| entrant(events, counts));
        passed?;
        if self.whole {
            self.set.check(name, counts)?;
        }
        Ok(time)
    }

    fn railpost(&self, form: Form) -> Result<Entrant<'static>> {
        let mut engine = Railpost::new();
        for (key, rule) in (0..).zip(&self.set.rules) {
            let pattern = Pattern::parse(rule.get()).with_context(|| format!("railpost refuses {rule}"))?;
            engine.matcher.insert(key, pattern);
        }
        Ok(Box::new(move |events, counts| engine.pass(events, form, counts)))
    }
}

fn quamina(rules: &[Box<RawValue>], mode: MatcherBuildMode) -> Result<Entrant<'static>> {
    let mut engine: Quamina<u32> = Quamina::new();
    engine.set_matcher_build_mode(mode);
    for (key, rule) in (0..).zip(rules) {
        engine.add_pattern(key, rule.get()).with_context(|| format!("quamina refuses {rule}"))?;
    }
    Ok(Box::new(move |events, counts| {
        for event in &events.bytes {
            for key in engine.matches_for_event(event)? {
                counts[key as usize] += 1;
            }
        }
        Ok(())
    }))
}
