//! Plain gathering with every condition against its model, with crashes and clock jumps, and with orders in between.

use proptest::prelude::*;

use super::events::{Cond, Happens, cond, steps, stream};
use super::model::Model;
use super::rig::{Fate, Rig, rule};
use crate::config::{Aggregation, Duplicates, Late, Partial, Way};

#[derive(Clone, Copy, Debug)]
struct Choices {
    late: Late,
    duplicates: Duplicates,
    partial: Partial,
}

fn choices() -> impl Strategy<Value = Choices> {
    let late = prop_oneof![Just(Late::NewGroup), Just(Late::Discard), Just(Late::Side), Just(Late::Amend)];
    let duplicates = prop_oneof![Just(Duplicates::First), Just(Duplicates::Last), Just(Duplicates::Error)];
    let partial = prop_oneof![3 => Just(Partial::Release), 1 => Just(Partial::Discard)];
    (late, duplicates, partial).prop_map(|(late, duplicates, partial)| Choices { late, duplicates, partial })
}

fn rule_of(cond: &Cond, choices: Choices) -> Aggregation {
    let base =
        rule("filter = { type = ['file'] }\nkey = '$.data.k'\npart = '$.data.s'\ncomplete = { count = 1 }");
    let Choices { late, duplicates, partial } = choices;
    Aggregation { way: Way::Gather(cond.completion()), late, duplicates, partial, ..base }
}

fn gathers(cond: &Cond, choices: Choices, stream: &[Happens]) -> Result<(), TestCaseError> {
    let mut rig = Rig::new(rule_of(cond, choices));
    let mut model = Model::new(cond.clone(), choices.late, choices.duplicates, choices.partial);
    let (steps, mut position) = (steps(stream), 0);
    rig.run(&steps, |index, rig| {
        position += 1;
        model.happens(steps[index].at, position, &stream[index]);
        assert_eq!(rig.ledger(), model.ledger, "after step {index}");
        let open: Vec<_> = model.open.iter().map(|(key, group)| (key.clone(), group.shown())).collect();
        assert_eq!(rig.open(), open, "after step {index}");
    });
    let end = steps.last().map_or(0, |step| step.at) + 1_000;
    rig.pass(end, false);
    model.pass(end);
    let mut found = rig.releases();
    found.sort();
    model.releases.sort();
    prop_assert_eq!(found, model.releases);
    prop_assert_eq!(rig.ledger(), model.ledger);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever the order, the delays, the repetitions and the crashes, releases and ledger are those of the model.
    #[test]
    fn gathers_as_the_model_does(cond in cond(), choices in choices(), stream in stream(0)) {
        gathers(&cond, choices, &stream)?;
    }

    /// The same with somebody who releases, discards, holds, lets go, extends, adds and drops names.
    #[test]
    fn obeys_as_the_model_does(cond in cond(), choices in choices(), stream in stream(1)) {
        gathers(&cond, choices, &stream)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The same stream gives the same decisions, to the byte: nothing but the log and the log's time goes in.
    #[test]
    fn decides_the_same_twice(cond in cond(), choices in choices(), stream in stream(1)) {
        let once = || {
            let mut rig = Rig::new(rule_of(&cond, choices));
            let mut steps = steps(&stream);
            for step in &mut steps {
                step.fate = Fate::GoOn;
            }
            rig.run(&steps, |_, _| ());
            rig.log
        };
        prop_assert_eq!(once(), once());
    }
}
