//! Groups as others see them.

use api::{GroupEnd, GroupStatus, HandlingRecord, MissingPart, PartStatus, WindowStatus};
use event::Timestamp;

use super::ended::Ended;
use super::group::{Group, Part};
use super::groups::{Groups, Keyed, measured_from, scene};
use super::rule::Rule;
use super::sequence::Sequence;
use super::sequences::Sequences;
use super::words::{waiting_for, words};
use super::{Aggregator, Held, release};

/// Parts listed with a group.
const PARTS_LISTED_MAX: usize = 1_000;

impl Aggregator {
    /// Returns the oldest open groups.
    pub(crate) fn groups(&self, bus: &str, now: Timestamp, limit: usize) -> Vec<GroupStatus> {
        self.each_group(bus, now).take(limit).collect()
    }

    /// Returns the open groups one by one, oldest first.
    pub(crate) fn each_group<'a>(
        &'a self,
        bus: &'a str,
        now: Timestamp,
    ) -> Box<dyn Iterator<Item = GroupStatus> + 'a> {
        match &self.held {
            Held::Groups(groups) => Box::new(groups.oldest(&self.rule, bus, now)),
            Held::Sequences(sequences) => Box::new(sequences.first(&self.rule, bus, now)),
        }
    }

    /// Returns how many bytes it holds, about, if a part takes so many beside its names and its payload. It looks at each
    /// group.
    pub(crate) fn held_bytes(&self, part_bytes: usize) -> usize {
        let of = |group: &Group| group.bytes() + group.parts().len() * part_bytes;
        match &self.held {
            Held::Groups(groups) => {
                let keys = groups.table.slots().filter_map(|slot| groups.table.get(slot));
                let of_key = |(_, keyed): (_, &Keyed)| -> usize {
                    let kept = keyed.ended.iter().filter_map(|ended| ended.kept.as_deref());
                    keyed.groups.iter().chain(kept).map(of).sum()
                };
                keys.map(of_key).sum()
            }
            Held::Sequences(sequences) => {
                let keys = sequences.table.slots().filter_map(|slot| sequences.table.get(slot));
                let events = keys.flat_map(|(_, sequence)| sequence.held.values());
                events.map(|held| held.stored.len() + part_bytes).sum()
            }
        }
    }

    /// Returns one group, open or ended, named by its key or its id.
    pub(crate) fn group(&self, bus: &str, now: Timestamp, group: &str) -> Option<GroupStatus> {
        match &self.held {
            Held::Groups(groups) => groups.status(&self.rule, bus, now, group),
            Held::Sequences(sequences) => sequences.one(&self.rule, bus, now, group),
        }
    }
}

impl Groups {
    fn oldest<'a>(
        &'a self,
        rule: &'a Rule,
        bus: &'a str,
        now: Timestamp,
    ) -> impl Iterator<Item = GroupStatus> + 'a {
        let of = move |slot, id| {
            let (key, keyed) = self.table.get(slot)?;
            let group = keyed.groups.iter().find(|group| group.id == id)?;
            Some(self.open_status(rule, (bus, key), (keyed, group), now))
        };
        self.ages.iter().filter_map(move |(_, slot, id)| of(*slot, *id))
    }

    fn status(&self, rule: &Rule, bus: &str, now: Timestamp, group: &str) -> Option<GroupStatus> {
        let by_id = || {
            let (slot, id) = self.by_id(bus, &rule.name, group)?;
            let (key, keyed) = self.table.get(slot)?;
            Some((key, keyed, keyed.groups.iter().find(|one| one.id == id)?))
        };
        let Some((key, keyed)) = self.table.find(group).and_then(|slot| self.table.get(slot)) else {
            let (key, keyed, open) = by_id()?;
            return Some(self.open_status(rule, (bus, key), (keyed, open), now));
        };
        match (keyed.groups.first(), keyed.ended.last()) {
            (Some(open), _) => Some(self.open_status(rule, (bus, key), (keyed, open), now)),
            (None, Some(ended)) => Some(ended_status(rule, (bus, key), ended)),
            (None, None) => None,
        }
    }

    fn open_status(
        &self,
        rule: &Rule,
        (bus, key): (&str, &str),
        (keyed, group): (&Keyed, &Group),
        now: Timestamp,
    ) -> GroupStatus {
        let scene = scene(rule, key, group, keyed.watermark, now);
        let wanted = rule.condition.wanted(key, group);
        let mut waits = waiting_for(&rule.condition, &scene);
        if group.held {
            waits.insert(0, "held: nothing completes it until it is let go".to_owned());
        }
        let idle_until = rule.condition.due_of("idle", &scene);
        let window_end = rule.condition.due_of("window", &scene);
        GroupStatus {
            parts: parts(group),
            expected: rule.condition.count(key, group),
            missing: self.missing(rule, key, group),
            optional: wanted
                .map(|wanted| wanted.optional_missing().map(str::to_owned).collect())
                .unwrap_or_default(),
            last_part: group.last_part,
            deadline: [rule.condition.due_of("deadline", &scene), window_end].into_iter().flatten().min(),
            idle_until,
            watermark: keyed.watermark.at(now, &rule.config.time),
            waiting_for: waits,
            duplicates: u64::from(group.duplicates),
            held: group.held,
            history: group.more.as_ref().map(|more| more.history.clone()).unwrap_or_default(),
            window: group.window.map(|window| WindowStatus { start: window.start, end: window.end }),
            ..named(rule, (bus, key), release::group_id(bus, &rule.name, key, group), group.opened)
        }
    }

    /// Returns the parts that a group lacks, and when they usually come.
    pub(super) fn missing(&self, rule: &Rule, key: &str, group: &Group) -> Vec<MissingPart> {
        let Some(wanted) = rule.condition.wanted(key, group) else { return Vec::new() };
        let from = measured_from(rule, key, group);
        let missing = wanted.missing();
        missing
            .map(|name| MissingPart { name: name.to_owned(), usually_by: self.usual.by(name, from) })
            .collect()
    }
}

impl Sequences {
    fn first<'a>(
        &'a self,
        rule: &'a Rule,
        bus: &'a str,
        now: Timestamp,
    ) -> impl Iterator<Item = GroupStatus> + 'a {
        let all = self.table.slots().filter_map(|slot| self.table.get(slot));
        let holding = all.filter(|(_, sequence)| !sequence.held.is_empty());
        holding.map(move |(key, sequence)| sequence_status(rule, (bus, key), sequence, now))
    }

    fn one(&self, rule: &Rule, bus: &str, now: Timestamp, group: &str) -> Option<GroupStatus> {
        let (key, sequence) = self.table.find(group).and_then(|slot| self.table.get(slot))?;
        Some(sequence_status(rule, (bus, key), sequence, now))
    }
}

fn named(rule: &Rule, (bus, key): (&str, &str), id: uuid::Uuid, opened: Timestamp) -> GroupStatus {
    GroupStatus {
        id: id.to_string(),
        aggregation: rule.config.name.clone(),
        bus: bus.to_owned(),
        key: key.to_owned(),
        opened,
        ..GroupStatus::default()
    }
}

fn ended_status(rule: &Rule, (bus, key): (&str, &str), ended: &Ended) -> GroupStatus {
    let window = ended.window.map(|window| window.start);
    let history: Vec<HandlingRecord> = ended.history.clone();
    let end: GroupEnd = ended.status();
    GroupStatus {
        parts: ended.kept.as_ref().map(|group| parts(group)).unwrap_or_default(),
        window: ended.window.map(|window| WindowStatus { start: window.start, end: window.end }),
        last_part: ended.at,
        history,
        ended: Some(end),
        ..named(
            rule,
            (bus, key),
            release::id(bus, &rule.config.name, key, (ended.first, window)),
            ended.opened,
        )
    }
}

fn sequence_status(
    rule: &Rule,
    (bus, key): (&str, &str),
    sequence: &Sequence,
    now: Timestamp,
) -> GroupStatus {
    let head = &sequence.head;
    let id = release::id(bus, &rule.config.name, key, (head.first, None));
    let listed = sequence.held.iter().take(PARTS_LISTED_MAX);
    let gap = rule.resequence().map(|resequence| resequence.gap).unwrap_or_default();
    let skips_at = sequence.oldest().map(|since| since.after(gap));
    let waits = head
        .next
        .zip(skips_at)
        .map(|(next, due)| format!("waiting for number {next}; it is skipped in {}", words(due.since(now))));
    GroupStatus {
        parts: listed
            .map(|(number, held)| PartStatus {
                name: number.to_string(),
                event: held.event.to_string(),
                position: held.position,
                received: held.since,
            })
            .collect(),
        missing: head
            .next
            .filter(|_| !sequence.held.is_empty())
            .map(|next| MissingPart { name: next.to_string(), usually_by: None })
            .into_iter()
            .collect(),
        last_part: head.last,
        deadline: skips_at,
        waiting_for: waits.into_iter().collect(),
        duplicates: u64::from(head.duplicates),
        history: head.history.clone(),
        ..named(rule, (bus, key), id, head.opened)
    }
}

fn parts(group: &Group) -> Vec<PartStatus> {
    let part = |part: &Part| PartStatus {
        name: part.name.to_string(),
        event: part.event.to_string(),
        position: part.position,
        received: part.received,
    };
    group.parts().iter().take(PARTS_LISTED_MAX).map(part).collect()
}
