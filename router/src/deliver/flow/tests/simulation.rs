//! Targets with limits, in virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;

/// How long a target takes to answer, in microseconds: so many at least, and so many more at most.
const FAST: (u64, u64) = (5_000, 25_000);
const SLOW: (u64, u64) = (200_000, 600_000);

/// How a target counts what it gets.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// A token bucket that holds so many seconds' worth, and one event at least.
    Bucket(f64),
    /// So many events in every second of the clock.
    Second,
}

/// A target that admits so many events a second and throttles the others.
struct Target {
    limit: Limit,
    per_second: f64,
    left: f64,
    at: f64,
}

impl Target {
    fn new(limit: Limit, per_second: f64) -> Self {
        let mut target = Self { limit, per_second, left: f64::INFINITY, at: 0.0 };
        target.left = target.burst();
        target
    }

    fn burst(&self) -> f64 {
        match self.limit {
            Limit::Bucket(seconds) => (self.per_second * seconds).max(1.0),
            Limit::Second => self.per_second,
        }
    }

    fn admits(&mut self, now: f64) -> bool {
        match self.limit {
            Limit::Bucket(_) => {
                self.left = (self.left + (now - self.at) * self.per_second).min(self.burst());
            }
            Limit::Second if now.floor() > self.at.floor() => self.left = self.burst(),
            Limit::Second => {}
        }
        self.at = now;
        let admits = self.left > 0.999_999;
        self.left -= f64::from(u8::from(admits));
        admits
    }
}

/// What came of a time.
#[derive(Debug, Default)]
struct Tally {
    admitted: f64,
    throttled: f64,
}

/// A worker with an endless backlog before a target.
struct Simulation {
    flow: Flow,
    target: Target,
    latency: (u64, u64),
    concurrency: usize,
    now: Timestamp,
    draw: u64,
    /// Those under way by their end: the number in `started`, and whether they are admitted.
    under_way: BinaryHeap<Reverse<(Timestamp, usize, bool)>>,
    started: Vec<Started>,
}

impl Simulation {
    fn new(target: Target, latency: (u64, u64)) -> Self {
        // As many as it takes to reach 1,000 events a second.
        let concurrency = usize::try_from(latency.0 + latency.1).unwrap() / 1_000 + 30;
        Self {
            flow: Flow::new(Settings::default()),
            target,
            latency,
            concurrency,
            now: Timestamp::from_millis(1_000_000_000),
            draw: 7,
            under_way: BinaryHeap::new(),
            started: Vec::new(),
        }
    }

    /// Lets so many seconds pass.
    fn run(&mut self, seconds: u64) -> Tally {
        let until = self.now.after(Duration::from_secs(seconds));
        let mut tally = Tally::default();
        while self.now < until {
            let wake = self.start();
            let end = self.under_way.peek().map(|Reverse((at, ..))| *at);
            self.now = wake.into_iter().chain(end).min().expect("something is to come").max(self.now);
            while self.under_way.peek().is_some_and(|Reverse((at, ..))| *at <= self.now) {
                self.end(&mut tally);
            }
        }
        tally
    }

    /// Starts what may start; returns when more may.
    fn start(&mut self) -> Option<Timestamp> {
        while self.under_way.len() < self.concurrency {
            match self.flow.may_start(self.now) {
                Permit::Now(0) | Permit::AfterProbe => return None,
                Permit::At(at) => {
                    assert!(at > self.now, "a permit of the past");
                    return Some(at);
                }
                Permit::Now(_) => {
                    self.started.push(self.flow.started(self.now, 1));
                    let admits = self.target.admits(self.now.since(Timestamp::EPOCH).as_secs_f64());
                    let latency = self.latency.0 + self.random() % self.latency.1;
                    let end = self.now.after(Duration::from_micros(latency));
                    self.under_way.push(Reverse((end, self.started.len() - 1, admits)));
                }
            }
        }
        None
    }

    fn end(&mut self, tally: &mut Tally) {
        let Some(Reverse((_, number, admitted))) = self.under_way.pop() else { return };
        let ending = if admitted { Ending::Succeeded } else { Ending::Throttled { after: None } };
        let ended = Ended { started: self.started[number], ending, events: 1 };
        self.flow.ended(self.now, ended, 0.5);
        tally.admitted += f64::from(u8::from(admitted));
        tally.throttled += f64::from(u8::from(!admitted));
    }

    fn random(&mut self) -> u64 {
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.draw >> 33
    }
}

impl Tally {
    /// Returns what was admitted of what the target would have admitted.
    fn goodput(&self, per_second: f64, seconds: f64) -> f64 {
        self.admitted / per_second / seconds
    }

    /// Returns the share of attempts that were throttled.
    fn throttled(&self) -> f64 {
        self.throttled / (self.admitted + self.throttled)
    }
}

/// Lets a target be found, then looks how well it is used.
fn check(limit: Limit, per_second: f64, latency: (u64, u64)) {
    let what = format!("{limit:?} of {per_second}/s, {latency:?}");
    let mut simulation = Simulation::new(Target::new(limit, per_second), latency);
    simulation.run(40);
    let (mut whole, mut lows) = (Tally::default(), 0);
    for _ in 0..10 {
        let part = simulation.run(20);
        lows += u32::from(!(0.8..1.2).contains(&part.goodput(per_second, 20.0)));
        whole.admitted += part.admitted;
        whole.throttled += part.throttled;
    }
    let (goodput, throttled) = (whole.goodput(per_second, 200.0), whole.throttled());
    // Where an answer takes nearly as long as the time between two events, there is less to go by.
    let least = if latency == SLOW { 0.85 } else { 0.9 };
    assert!((least..1.1).contains(&goodput), "{what}: goodput {goodput:.3}");
    assert!(throttled < 0.1, "{what}: throttled {throttled:.3}");
    assert_eq!(lows, 0, "{what}: swings");
    assert!(matches!(simulation.flow.state(simulation.now), State::Slowed { .. }));
}

#[test]
fn settles_around_what_the_target_admits() {
    for per_second in [1.0, 10.0, 100.0, 1_000.0] {
        for limit in [0.0, 0.1, 1.0, 5.0].map(Limit::Bucket).into_iter().chain([Limit::Second]) {
            check(limit, per_second, FAST);
        }
        check(Limit::Bucket(1.0), per_second, SLOW);
        check(Limit::Second, per_second, SLOW);
    }
}

#[test]
fn follows_a_limit_that_moves() {
    for (before, after, seconds) in
        [(1_000.0, 10.0, 10), (1_000.0, 1.0, 60), (10.0, 1_000.0, 20), (1.0, 100.0, 60)]
    {
        let mut simulation = Simulation::new(Target::new(Limit::Bucket(0.1), before), FAST);
        simulation.run(60);
        simulation.target = Target::new(Limit::Bucket(0.1), after);
        simulation.run(seconds);
        let tally = simulation.run(40);
        let (goodput, throttled) = (tally.goodput(after, 40.0), tally.throttled());
        assert!((0.9..1.1).contains(&goodput), "from {before} to {after}: goodput {goodput:.3}");
        assert!(throttled < 0.1, "from {before} to {after}: throttled {throttled:.3}");
    }
}

/// A slow-down is forgotten once the target takes whatever comes.
#[test]
fn a_limit_that_is_gone_is_forgotten() {
    let mut simulation = Simulation::new(Target::new(Limit::Bucket(0.1), 5.0), FAST);
    simulation.run(60);
    simulation.target = Target::new(Limit::Second, 1e9);
    simulation.run(90);
    assert_eq!(simulation.flow.state(simulation.now), State::Closed);
}
