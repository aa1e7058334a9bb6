//! Tables of steps: what is done, what may start then, and what a person reads.

mod simulation;

use proptest::prelude::*;

use super::*;

/// One thing that is done.
#[derive(Clone, Copy, Debug)]
enum Call {
    /// Nothing.
    Look,
    /// An attempt with so many events starts, under the next number from 0 on.
    Start(u32),
    /// The attempt of that number ends.
    End(usize, Ending),
    /// So many attempts with one event start and end.
    Ends(usize, Ending),
}

use Call::{End, Ends, Look, Start};
use Ending::{Failed, Refused, Succeeded};

const THROTTLED: Ending = Ending::Throttled { after: None };

fn asked(seconds: u64) -> Ending {
    Ending::Throttled { after: Some(Duration::from_secs(seconds)) }
}

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A flow and what is under way.
struct Bench {
    flow: Flow,
    started: Vec<(Started, u32)>,
    draw: f64,
}

impl Bench {
    fn new(rate: Option<(f64, u32)>, draw: f64) -> Self {
        let rate = rate.map(|(per_second, burst)| Rate { per_second, burst });
        Self { flow: Flow::new(Settings { rate }), started: Vec::new(), draw }
    }

    fn call(&mut self, now: Timestamp, call: Call) {
        match call {
            Look => {}
            Start(events) => self.started.push((self.flow.started(now, events), events)),
            End(number, ending) => {
                let (started, events) = self.started[number];
                self.flow.ended(now, Ended { started, ending, events }, self.draw);
            }
            Ends(count, ending) => {
                for _ in 0..count {
                    self.call(now, Start(1));
                    self.call(now, End(self.started.len() - 1, ending));
                }
            }
        }
    }

    /// Goes through steps: milliseconds, a call, and what may start and what is read after it.
    fn check(mut self, steps: &[(i64, Call, &str, &str)]) {
        for (number, (millis, call, permit, state)) in steps.iter().enumerate() {
            let now = ms(*millis);
            self.call(now, *call);
            let what = format!("step {number}: {call:?} at {millis}");
            let reads = self.flow.state(now).to_string();
            assert_eq!(reads.replace("1970-01-01T00:", ""), *state, "{what}");
            let may = match self.flow.may_start(now) {
                Permit::Now(u32::MAX) => "now".to_owned(),
                Permit::Now(events) => format!("now {events}"),
                Permit::At(at) => format!("at {}", at.as_millis()),
                Permit::AfterProbe => "after the probe".to_owned(),
            };
            assert_eq!(may, *permit, "{what}");
        }
    }
}

/// Goes through steps with cool-downs as long as they can be, and no configured rate.
fn check(steps: &[(i64, Call, &str, &str)]) {
    Bench::new(None, 1.0).check(steps);
}

#[test]
fn five_failures_in_a_row_open_it_and_a_probe_closes_it() {
    check(&[
        (0, Ends(4, Failed), "now", "closed"),
        (0, Ends(1, Succeeded), "now", "closed"),
        (0, Ends(4, Failed), "now", "closed"),
        (0, Ends(9, Refused), "now", "closed"),
        (0, Ends(1, Failed), "at 2000", "circuit open until 00:02.000Z after 5 failures"),
        (1_999, Look, "at 2000", "circuit open until 00:02.000Z after 5 failures"),
        (2_000, Look, "now 1", "probing"),
        (2_100, Ends(1, Succeeded), "now", "closed"),
        (2_100, Ends(4, Failed), "now", "closed"),
    ]);
}

#[test]
fn more_than_half_of_twenty_open_it() {
    let mut steps = Vec::new();
    for _ in 0..10 {
        steps.extend([(0, Ends(1, Failed), "now", "closed"), (0, Ends(1, Succeeded), "now", "closed")]);
    }
    steps.extend([
        (0, Ends(30, Refused), "now", "closed"),
        (0, Ends(1, Failed), "now", "closed"),
        (0, Ends(1, Failed), "at 2000", "circuit open until 00:02.000Z after 11 failures"),
        (2_000, Ends(1, Succeeded), "now", "closed"),
        (2_000, Ends(3, Failed), "now", "closed"),
    ]);
    check(&steps);
}

#[test]
fn cool_downs_double_up_to_a_minute() {
    for (draw, waits) in [(1.0, [2, 4, 8, 16, 32, 60, 60]), (0.0, [1, 2, 4, 8, 16, 30, 30])] {
        let mut bench = Bench::new(None, draw);
        let mut now = ms(0);
        bench.call(now, Ends(4, Failed));
        for wait in waits {
            bench.call(now, Ends(1, Failed));
            let until = now.after(Duration::from_secs(wait));
            assert_eq!(bench.flow.may_start(now), Permit::At(until));
            now = until;
        }
        bench.call(now, Ends(1, Succeeded));
        bench.call(now, Ends(5, Failed));
        assert_eq!(bench.flow.may_start(now), Permit::At(now.after(Duration::from_secs(waits[0]))));
    }
}

#[test]
fn one_probe_at_a_time_and_only_its_answer_counts() {
    check(&[
        (0, Start(1), "now", "closed"),
        (0, Start(1), "now", "closed"),
        (0, Ends(5, Failed), "at 2000", "circuit open until 00:02.000Z after 5 failures"),
        (100, End(0, Succeeded), "at 2000", "circuit open until 00:02.000Z after 5 failures"),
        (2_000, Start(1), "after the probe", "probing"),
        (2_100, End(1, Succeeded), "after the probe", "probing"),
        (2_100, End(1, Failed), "after the probe", "probing"),
        (2_200, End(7, Failed), "at 6200", "circuit open until 00:06.200Z after 6 failures"),
        (6_200, Start(1), "after the probe", "probing"),
        (6_300, End(8, Refused), "now", "closed"),
        (6_300, End(1, Failed), "now", "closed"),
        (6_300, Ends(4, Failed), "now", "closed"),
        (6_300, End(1, Succeeded), "now", "closed"),
        (6_300, Ends(1, Failed), "at 8300", "circuit open until 00:08.300Z after 5 failures"),
    ]);
}

#[test]
fn a_target_that_asks_for_time_gets_it() {
    check(&[
        (0, Start(1), "now", "closed"),
        (0, Start(1), "now", "closed"),
        (0, Ends(1, asked(5)), "at 5000", "held until 00:05.000Z by the target"),
        (1_000, End(0, asked(2)), "at 5000", "held until 00:05.000Z by the target"),
        (2_000, End(1, asked(7)), "at 9000", "held until 00:09.000Z by the target"),
        (9_000, Look, "now 1", "probing"),
        (9_000, Start(1), "after the probe", "probing"),
        (9_100, End(3, asked(3_600)), "at 69100", "held until 01:09.100Z by the target"),
        (69_100, Ends(1, Failed), "at 71100", "circuit open until 01:11.100Z after 1 failures"),
        (71_100, Ends(1, Succeeded), "now", "closed"),
    ]);
}

#[test]
fn a_throttled_answer_slows_it_down_for_a_while() {
    check(&[
        (0, Ends(100, Succeeded), "now", "closed"),
        (500, Ends(1, THROTTLED), "at 511", "slowed to 90 a second"),
        (512, Look, "now 1", "slowed to 90 a second"),
        (512, Ends(1, Refused), "at 522", "slowed to 91 a second"),
        (60_511, Look, "now 4", "slowed to 91 a second"),
        (60_512, Look, "now", "closed"),
    ]);
    check(&[
        (0, Start(1), "now", "closed"),
        (0, Start(1), "now", "closed"),
        (9, End(0, THROTTLED), "at 1120", "slowed to 0.9 a second"),
        (9, End(1, THROTTLED), "at 1120", "slowed to 0.9 a second"),
        (1_121, Start(1), "at 2232", "slowed to 0.9 a second"),
        (1_130, End(2, THROTTLED), "at 3352", "slowed to 0.5 a second"),
    ]);
}

#[test]
fn a_probe_that_is_throttled_closes_it() {
    check(&[
        (0, Ends(5, Failed), "at 2000", "circuit open until 00:02.000Z after 5 failures"),
        (2_000, Ends(1, THROTTLED), "at 3111", "slowed to 0.9 a second"),
    ]);
}

#[test]
fn the_configured_rate_is_kept() {
    let bench = Bench::new(Some((10.0, 5)), 0.0);
    bench.check(&[
        (0, Look, "now 5", "closed"),
        (0, Start(3), "now 2", "closed"),
        (0, Start(2), "at 100", "closed"),
        (100, Start(4), "at 500", "closed"),
        (250, Look, "at 500", "closed"),
        (500, Look, "now 1", "closed"),
        (9_000, Ends(5, Succeeded), "at 9100", "closed"),
        (9_050, Ends(1, THROTTLED), "at 9272", "slowed to 4.5 a second"),
        (30_000, Look, "now 1", "slowed to 4.5 a second"),
        (70_000, Look, "now 5", "closed"),
    ]);
}

#[test]
fn a_clock_that_is_set_back_stops_nothing_for_long() {
    let bench = Bench::new(Some((10.0, 1)), 1.0);
    bench.check(&[
        (9_000_000, Start(1), "at 9000100", "closed"),
        (0, Look, "at 100", "closed"),
        (100, Look, "now 1", "closed"),
    ]);
    let mut bench = Bench::new(None, 1.0);
    bench.call(ms(9_000_000), Ends(5, Failed));
    assert_eq!(bench.flow.may_start(ms(0)), Permit::At(ms(60_000)));
    assert_eq!(bench.flow.may_start(ms(60_000)), Permit::Now(1));
}

/// A target that is down for an hour is asked about once a minute.
#[test]
fn a_dead_target_is_left_alone() {
    let mut bench = Bench::new(None, 0.5);
    let (mut now, mut attempts) = (ms(0), 0);
    while now < ms(3_600_000) {
        match bench.flow.may_start(now) {
            Permit::At(at) => now = at,
            permit => {
                assert_ne!(permit, Permit::AfterProbe);
                bench.call(now, Ends(1, Failed));
                attempts += 1;
            }
        }
    }
    assert!((60..100).contains(&attempts), "{attempts} attempts");
}

fn ending() -> impl Strategy<Value = Ending> {
    prop_oneof![
        4 => Just(Succeeded),
        6 => Just(Failed),
        1 => Just(Refused),
        2 => Just(THROTTLED),
        1 => (0..100_u64).prop_map(asked),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever happens: a wait is a wait, and ends; one probe at a time; the worker is never left without a way on.
    #[test]
    fn there_is_always_a_way_on(
        rate in prop::option::of((0.5..500.0_f64, 1..20_u32)),
        steps in prop::collection::vec((0..5_000_i64, 0..6_usize, ending(), 0.0..1.0_f64), 1..300),
    ) {
        let mut bench = Bench::new(rate, 0.0);
        let (mut now, mut under_way, mut probe) = (0, Vec::new(), None);
        for (pass, which, ending, draw) in steps {
            now += pass;
            bench.draw = draw;
            match bench.flow.may_start(ms(now)) {
                Permit::Now(0) => prop_assert!(false, "nothing may start now"),
                Permit::Now(_) => {
                    let probing = bench.flow.state(ms(now)) == State::Probing;
                    prop_assert!(!probing || probe.is_none(), "two probes");
                    bench.call(ms(now), Start(1));
                    let number = bench.started.len() - 1;
                    under_way.push(number);
                    probe = probing.then_some(number);
                }
                Permit::At(at) => {
                    prop_assert!(ms(now) < at && at <= ms(now).after(HOLD_MAX), "{at:?} after {now}");
                    prop_assert!(!matches!(bench.flow.may_start(at), Permit::At(_)), "a wait after a wait");
                }
                Permit::AfterProbe => prop_assert!(probe.is_some_and(|probe| under_way.contains(&probe))),
            }
            if which < under_way.len() {
                let number = under_way.remove(which);
                bench.call(ms(now), End(number, ending));
                probe = probe.filter(|probe| *probe != number);
            }
        }
    }
}
