//! Stored files changed and cut short, then verified, repaired and opened.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use proptest::{collection::vec, prelude::*};
use store::{
    Damage, Local, Lost, NewEvent, OpenError, Partition, Position, ReadBudget, Remedy, Repaired, Space, Tx,
    repair, verify,
};
use tempfile::TempDir;

use crate::{
    append, event, events, killed, only_from, open,
    oracle::{Seen, seen},
    run, small,
};

/// A directory as it was left, and what was in it.
struct Written {
    dir: TempDir,
    seen: Seen,
    head: Position,
}

fn fill(partition: &Local, numbers: RangeInclusive<u64>) {
    for number in numbers {
        let key = (number % 2 == 0).then_some(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let new = NewEvent { bytes: event(number), key, at_ms: number };
        run(partition.append(vec![new])).unwrap();
        if number % 5 == 0 {
            let put = vec![(Space(0), Bytes::from(format!("{}", number % 40)), event(number))];
            let emit = vec![event(number)];
            run(partition.commit(Tx { applied: Some(Position(number)), put, emit, ..Tx::default() }))
                .unwrap();
        }
    }
}

/// Sealed segments on both sides of the written state, and one that is written to. With `reclaimed`, the oldest are gone,
/// some files were used again, and one waits for it.
fn written(reclaimed: bool) -> Written {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    fill(&partition, 1..=100);
    run(partition.close()).unwrap();
    drop(partition);
    let partition = open(dir.path(), &small());
    if reclaimed {
        run(partition.reclaim(only_from(70))).unwrap();
    }
    fill(&partition, 101..=210);
    let (seen, head) = (seen(&partition), partition.head());
    drop(partition);
    fs::remove_file(dir.path().join("lock")).unwrap();
    if reclaimed {
        fs::write(dir.path().join("00000000000000000001.free"), vec![7; 4096]).unwrap();
    }
    Written { dir, seen, head }
}

fn log(number: u32) -> String {
    format!("{number:020}.log")
}

fn flip(file: &Path, byte: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[byte] ^= 1 << (byte % 8);
    fs::write(file, bytes).unwrap();
}

fn cut(file: &Path, length: u64) {
    OpenOptions::new().write(true).open(file).unwrap().set_len(length).unwrap();
}

/// Returns the content of all files of a directory.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file() && !path.ends_with("lock"));
    files.map(|path| (path.strip_prefix(dir).unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

/// What became of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The bytes meant nothing.
    Unused,
    /// Opening cuts it off, as it does with a write that a crash tore.
    Torn,
    Repaired,
    Refused,
}

impl Written {
    /// Does damage to a copy, and checks that it is told, and that nothing is passed over that is not named as lost.
    fn check(&self, what: &str, damage: impl FnOnce(&Path)) -> Outcome {
        let copy = killed(self.dir.path());
        let dir = copy.path();
        damage(dir);
        let before = files(dir);
        let found = verify(dir).unwrap().findings;
        assert_eq!(files(dir), before, "{what}: verifying changed something");
        let impossible = |remedy: &Remedy| matches!(remedy, Remedy::Impossible { .. });
        if found.is_empty() {
            assert_eq!(seen(&open(dir, &small())), self.seen, "{what}");
            Outcome::Unused
        } else if found.iter().any(|finding| impossible(&finding.remedy)) {
            let refused = repair(dir).unwrap_err();
            assert!(matches!(refused, OpenError::Corrupt { .. }), "{what}: {refused}");
            assert_eq!(files(dir), before, "{what}: a refused repair changed something");
            Outcome::Refused
        } else if found.iter().all(|finding| finding.remedy == Remedy::CutWhenOpened) {
            let partition = open(dir, &small());
            let all = seen(&partition);
            assert!(self.seen.events.starts_with(&all.events), "{what}: {found:?}");
            assert!(all.events.len() + 3 > self.seen.events.len(), "{what}: {found:?}");
            Outcome::Torn
        } else {
            self.check_unrepaired(what, dir);
            self.check_repaired(what, dir, &before);
            Outcome::Repaired
        }
    }

    /// Checks that without repair either opening fails, or no other event is read than was written.
    fn check_unrepaired(&self, what: &str, dir: &Path) {
        let copy = killed(dir);
        let Ok((partition, _)) = Local::open(copy.path(), small()) else { return };
        let (mut failures, mut after) = (0, Position(self.seen.events[0].0 - 1));
        while after < partition.head() {
            match run(partition.read(after, ReadBudget::default())) {
                Ok(read) => {
                    for (position, event) in &read {
                        assert_eq!(
                            self.seen.events[usize::try_from(position.0 - self.seen.events[0].0).unwrap()].1,
                            event,
                            "{what}"
                        );
                        assert_eq!(*position, after.next(), "{what}: passed over");
                        after = *position;
                    }
                }
                Err(store::Error::Corrupt { .. }) => {
                    failures += 1;
                    after = after.next();
                }
                Err(error) => panic!("{what}: {error}"),
            }
        }
        assert!(failures > 0, "{what}: damage that verify finds is passed over");
    }

    fn check_repaired(&self, what: &str, dir: &Path, before: &BTreeMap<PathBuf, Vec<u8>>) {
        let Repaired { lost, findings, copies } = repair(dir).unwrap();
        assert!(!findings.is_empty(), "{what}");
        for (file, bytes) in files(&copies.unwrap()) {
            assert_eq!(before[&file], bytes, "{what}: the copy of {}", file.display());
        }
        let left = verify(dir).unwrap().findings;
        assert!(left.iter().all(|finding| finding.remedy == Remedy::CutWhenOpened), "{what}: {left:?}");
        let partition = open(dir, &small());
        let found = seen(&partition);
        let is_lost = |position: u64| {
            let within = |lost: &Lost| lost.positions.into_iter().any(|lost| lost.0 == position);
            let behind = |lost: &Lost| lost.more && position > lost.positions.last().map_or(0, |last| last.0);
            lost.iter().any(|lost| within(lost) || behind(lost))
        };
        let named: Vec<_> =
            self.seen.events.iter().filter(|(position, _)| !is_lost(*position)).cloned().collect();
        let more = lost.iter().any(|lost| lost.more);
        if more {
            assert!(self.seen.events.iter().any(|event| found.events.last() == Some(event)), "{what}");
        } else {
            assert_eq!(found.events, named, "{what}: {lost:?}");
            assert_eq!(partition.head(), self.head, "{what}");
        }
        if lost.iter().all(|lost| !lost.commits) {
            assert_eq!((found.keys, found.applied), (self.seen.keys.clone(), self.seen.applied), "{what}");
        }
        let head = partition.head();
        assert_eq!(append(&partition, event(9)), head.next(), "{what}");
        let expected: Vec<_> = found.events.into_iter().chain([(head.0 + 1, event(9))]).collect();
        drop(partition);
        assert_eq!(events(&open(dir, &small())), expected, "{what}");
    }
}

/// Checks a change of a bit in many bytes of a file; returns which outcomes there were.
fn check_flips(written: &Written, file: &str) -> Vec<Outcome> {
    let length = fs::read(written.dir.path().join(file)).unwrap().len();
    let bytes = (0..36).chain((36..length).step_by(89));
    let mut outcomes: Vec<_> = bytes
        .filter(|byte| *byte < length)
        .map(|byte| written.check(&format!("{file} byte {byte}"), |dir| flip(&dir.join(file), byte)))
        .collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    outcomes
}

/// Checks a file cut at many lengths; returns which outcomes there were.
fn check_cuts(written: &Written, file: &str) -> Vec<Outcome> {
    let length = fs::metadata(written.dir.path().join(file)).unwrap().len();
    let lengths = (0..length).step_by(173).chain([length - 1]);
    let mut outcomes: Vec<_> = lengths
        .map(|length| written.check(&format!("{file} cut at {length}"), |dir| cut(&dir.join(file), length)))
        .collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    outcomes
}

/// The number of the segment that was written to last.
fn active(written: &Written) -> u32 {
    let holds = |number: &u32| {
        fs::read(written.dir.path().join(log(*number)))
            .is_ok_and(|bytes| bytes[512..600].iter().any(|byte| *byte != 0))
    };
    (1..40).rev().find(holds).unwrap()
}

#[test]
fn a_change_of_a_bit_in_a_sealed_segment_is_never_passed_over() {
    let written = written(false);
    for sealed in [1, 3, active(&written) - 1] {
        assert_eq!(check_flips(&written, &log(sealed)), [Outcome::Unused, Outcome::Repaired], "{sealed}");
    }
}

#[test]
fn a_change_of_a_bit_in_a_recycled_segment_is_never_passed_over() {
    let written = written(true);
    let label = |number: &u32| fs::read(written.dir.path().join(log(*number))).ok();
    let oldest = (1..40).find(|number| label(number).is_some()).unwrap();
    let recycled = (1..40).find(|number| label(number).is_some_and(|bytes| bytes[16] == 1)).unwrap();
    assert!(oldest > 1 && recycled < active(&written));
    for sealed in [oldest, recycled] {
        assert_eq!(check_flips(&written, &log(sealed)), [Outcome::Unused, Outcome::Repaired], "{sealed}");
    }
    assert_eq!(check_flips(&written, "00000000000000000001.free"), [Outcome::Unused]);
}

#[test]
fn a_change_of_a_bit_in_the_last_segment_is_never_passed_over() {
    let written = written(false);
    let outcomes = check_flips(&written, &log(active(&written)));
    assert_eq!(outcomes, [Outcome::Unused, Outcome::Torn, Outcome::Repaired]);
}

#[test]
fn a_change_of_a_bit_in_the_state_is_never_passed_over() {
    assert_eq!(check_flips(&written(false), "state"), [Outcome::Repaired]);
    assert_eq!(check_flips(&written(true), "state"), [Outcome::Refused]);
}

#[test]
fn a_file_that_is_cut_short_is_never_passed_over() {
    use Outcome::{Refused, Repaired, Unused};
    let written = written(false);
    let last = active(&written);
    for segment in [1, 2, last - 1, last] {
        assert_eq!(check_cuts(&written, &log(segment)), [Repaired], "segment {segment}");
    }
    assert_eq!(check_cuts(&written, "state"), [Repaired]);
    let written = self::written(true);
    assert_eq!(check_cuts(&written, "state"), [Refused]);
    assert_eq!(check_cuts(&written, "00000000000000000001.free"), [Unused]);
}

#[test]
fn a_file_that_is_missing_is_never_passed_over() {
    let written = written(false);
    let last = active(&written);
    // Without the oldest it looks as if that had been reclaimed.
    for segment in 2..last {
        let outcome = written.check("missing", |dir| fs::remove_file(dir.join(log(segment))).unwrap());
        assert_eq!(outcome, Outcome::Repaired, "segment {segment}");
    }
}

#[test]
fn what_is_lost_is_named() {
    let written = written(false);
    let before_state = &written.dir.path().join(log(2));
    // The byte of the fourth event of the second segment, which the written state counts.
    let bytes = fs::read(before_state).unwrap();
    let needle = event(30);
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    flip(before_state, at);
    let verification = verify(written.dir.path()).unwrap();
    let [finding] = &verification.findings[..] else { panic!("{verification:?}") };
    let Remedy::MarkLost(lost) = &finding.remedy else { panic!("{finding}") };
    let (position, _) = written.seen.events.iter().find(|(_, event)| *event == needle).unwrap();
    assert_eq!(lost.positions.into_iter().collect::<Vec<_>>(), [Position(*position)]);
    assert!(!lost.commits && !lost.more);
    let said = finding.to_string();
    let end = format!(
        "(position {position}): 145 bytes hold no whole record; repair marks the place; the event at position \
         {position} is lost, and no commit"
    );
    assert!(said.ends_with(&end), "{said}");
    assert_eq!(finding.what, Damage::Records { bytes: 145 });

    let repaired = repair(written.dir.path()).unwrap();
    assert_eq!(repaired.lost, [*lost]);
    assert_eq!(repaired.copies, Some(written.dir.path().join("damaged-1")));
    let partition = open(written.dir.path(), &small());
    let read = run(partition.read(Position(position - 2), ReadBudget { events: 2, bytes: 1000 })).unwrap();
    assert_eq!([read[0].0, read[1].0], [Position(position - 1), Position(position + 1)]);
    let read = run(partition.read(Position(position - 1), ReadBudget { events: 1, bytes: 1000 })).unwrap();
    assert_eq!(read[0].0, Position(position + 1));
    drop(partition);

    // What is damaged later goes aside under another name.
    flip(&written.dir.path().join(log(3)), 600);
    let repaired = repair(written.dir.path()).unwrap();
    assert_eq!(repaired.copies, Some(written.dir.path().join("damaged-2")));
    assert_eq!(repaired.lost.len(), 1);
}

#[test]
fn commits_that_the_state_does_not_count_are_lost_with_their_records() {
    let written = written(false);
    fs::remove_file(written.dir.path().join("state")).unwrap();
    flip(&written.dir.path().join(log(2)), 600);
    let repaired = repair(written.dir.path()).unwrap();
    assert!(repaired.lost[0].commits, "{repaired:?}");
}

#[test]
fn a_state_is_not_built_from_a_log_that_lost_records() {
    let written = written(false);
    flip(&written.dir.path().join(log(2)), 600);
    repair(written.dir.path()).unwrap();
    flip(&written.dir.path().join("state"), 100);
    let refused = repair(written.dir.path()).unwrap_err();
    assert!(refused.to_string().contains("the log has lost records"), "{refused}");
}

#[test]
fn a_whole_directory_is_left_alone() {
    for reclaimed in [false, true] {
        let written = written(reclaimed);
        let before = files(written.dir.path());
        let verification = verify(written.dir.path()).unwrap();
        assert_eq!(verification.findings, []);
        assert_eq!(verification.events, written.seen.events.len() as u64);
        assert_eq!(repair(written.dir.path()).unwrap(), Repaired::default());
        assert_eq!(files(written.dir.path()), before);
    }
}

#[test]
fn an_open_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let partition = open(dir.path(), &small());
    assert!(matches!(verify(dir.path()), Err(OpenError::Locked { .. })));
    assert!(matches!(repair(dir.path()), Err(OpenError::Locked { .. })));
    drop(partition);
    assert_eq!(verify(dir.path()).unwrap().findings, []);
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(verify(&dir.path().join("none")), Err(OpenError::Io { .. })));
    assert!(matches!(repair(&dir.path().join("none")), Err(OpenError::Io { .. })));
}

/// Some harm to a file, which and where as parts of a thousand.
#[derive(Clone, Debug)]
enum Harm {
    Flip { file: usize, at: usize },
    Zero { file: usize, at: usize, bytes: usize },
    Cut { file: usize, at: usize },
    Remove { file: usize },
}

fn harm() -> impl Strategy<Value = Harm> {
    let file = || 0..1000_usize;
    let at = || 0..1000_usize;
    prop_oneof![
        4 => (file(), at()).prop_map(|(file, at)| Harm::Flip { file, at }),
        2 => (file(), at(), 1..1500_usize).prop_map(|(file, at, bytes)| Harm::Zero { file, at, bytes }),
        1 => (file(), at()).prop_map(|(file, at)| Harm::Cut { file, at }),
        1 => file().prop_map(|file| Harm::Remove { file }),
    ]
}

impl Harm {
    fn put(&self, dir: &Path) {
        let (Self::Flip { file, .. }
        | Self::Zero { file, .. }
        | Self::Cut { file, .. }
        | Self::Remove { file }) = self;
        let files: Vec<_> = files(dir).into_keys().collect();
        let path = dir.join(&files[file * files.len() / 1000]);
        let mut bytes = fs::read(&path).unwrap();
        let place = |at: &usize| at * bytes.len() / 1000;
        match self {
            Self::Flip { at, .. } if !bytes.is_empty() => flip(&path, place(at)),
            Self::Zero { at, bytes: count, .. } => {
                let (from, to) = (place(at), bytes.len().min(place(at) + count));
                bytes[from..to].fill(0);
                fs::write(&path, bytes).unwrap();
            }
            Self::Cut { at, .. } => cut(&path, place(at) as u64),
            Self::Remove { .. } => fs::remove_file(&path).unwrap(),
            Self::Flip { .. } => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_damaged_no_event_is_changed_or_lost_unnamed(
        harms in vec(harm(), 1..5),
        reclaimed in any::<bool>(),
    ) {
        let written = written(reclaimed);
        let dir = written.dir.path();
        for harm in &harms {
            harm.put(dir);
        }
        let before = files(dir);
        match repair(dir) {
            Err(OpenError::Corrupt { .. }) => prop_assert_eq!(files(dir), before),
            Err(other) => panic!("{other}"),
            Ok(repaired) => {
                let left = verify(dir).unwrap().findings;
                prop_assert!(left.iter().all(|finding| finding.remedy == Remedy::CutWhenOpened), "{left:?}");
                let partition = open(dir, &small());
                let found: BTreeMap<u64, Bytes> = events(&partition).into_iter().collect();
                let (tail, head) = (partition.tail().0, partition.head().0);
                for (position, event) in &written.seen.events {
                    let named = |lost: &Lost| lost.positions.into_iter().any(|lost| lost.0 == *position);
                    let named = repaired.lost.iter().any(named) || *position < tail || *position > head;
                    prop_assert_eq!(found.get(position).unwrap_or(event), event);
                    prop_assert!(found.contains_key(position) || named, "{position} of {repaired:?}");
                }
            }
        }
    }
}
