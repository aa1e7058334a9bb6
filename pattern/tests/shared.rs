//! A set of rules that changes while others read it.

#![expect(clippy::unwrap_used, reason = "what the test writes itself can be read")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use railpost_pattern::{Input, Matcher, Pattern, Scratch, SharedMatcher};

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

fn is_send_and_sync<T: Send + Sync>() {}

#[test]
fn matchers_go_to_other_threads() {
    is_send_and_sync::<Matcher<String>>();
    is_send_and_sync::<SharedMatcher<String>>();
}

/// The writer adds key after key and removes the one before it, so that at every moment one or two are there.
#[test]
fn readers_see_every_change_whole_and_the_rules_that_stay_always() {
    const CHANGES: u64 = 200;
    let matcher = SharedMatcher::new();
    matcher.insert(u64::MAX, pattern(r#"{"source": ["shop"]}"#));
    matcher.insert(0, pattern(r#"{"source": ["shop"]}"#));
    let (done, read) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let (mut scratch, mut keys, mut last) = (Scratch::new(), Vec::new(), 0);
                while !done.load(Ordering::Acquire) {
                    keys.clear();
                    let event = Input::Bytes(br#"{"source": "shop"}"#);
                    matcher.matches_into(event, &mut scratch, &mut keys).unwrap();
                    let (stays, changing) = keys.split_first().unwrap();
                    assert_eq!(*stays, u64::MAX);
                    assert!(matches!(changing, [_] | [_, _]), "{keys:?}");
                    assert!(changing[0] >= last, "{} came back after {last}", changing[0]);
                    last = changing[0];
                    read.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for key in 1..=CHANGES {
            matcher.insert(key, pattern(r#"{"source": [{"prefix": "sh"}]}"#));
            assert!(matcher.remove(&(key - 1)));
            assert!(!matcher.remove(&(key - 1)));
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        while read.load(Ordering::Relaxed) == 0 && Instant::now() < deadline {
            thread::yield_now();
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(matcher.matches(br#"{"source": "shop"}"#).unwrap(), [u64::MAX, CHANGES]);
}
