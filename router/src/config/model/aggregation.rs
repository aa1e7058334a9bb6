//! [`Aggregation`]: a rule that gathers.

use std::collections::BTreeMap;
use std::time::Duration;

use pattern::Pattern;

use super::KeyExpression;

/// A rule that gathers.
#[derive(Clone, Debug)]
pub struct Aggregation {
    /// Its name, unique in the file.
    pub name: String,
    /// The bus it reads, and on which its releases appear.
    pub bus: String,
    /// Which events it gathers; none means all.
    pub filter: Option<Pattern>,
    /// How an event's group is found: the values of these, one after the other; at least one.
    pub key: Vec<KeyExpression>,
    /// What becomes of an event without a key.
    pub on_missing_key: Unplaced,
    /// How an event's name within the group is found; none means the event's `id`.
    pub part: Option<Template>,
    /// What becomes of a part whose name is there already.
    pub duplicates: Duplicates,
    /// What its groups do with their parts.
    pub way: Way,
    /// By which clock idle gaps and windows pass.
    pub time: Time,
    /// What becomes of a part whose group was released before.
    pub late: Late,
    /// What becomes of a group that time ends while expected parts are missing.
    pub partial: Partial,
    /// What the parts of a release are sorted by; none means the order of arrival.
    pub order_by: Option<Template>,
    /// How often an open group with parts tells what it has so far; none means never.
    pub early: Option<Duration>,
    /// How long before its deadline a group tells what it lacks; none means never.
    pub warn: Option<Duration>,
    /// The release.
    pub emit: Emit,
    /// What it may hold.
    pub limits: Limits,
}

/// What becomes of an event that belongs to no group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unplaced {
    /// It is counted as discarded.
    #[default]
    Ignore,
    /// It is counted as discarded, and kept with the aggregation's dead letters.
    DeadLetter,
}

/// What becomes of a part whose name is there already. It is counted in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// The first one stays.
    #[default]
    First,
    /// It takes the first one's place.
    Last,
    /// The first one stays, and this one is kept with the aggregation's dead letters.
    Error,
}

/// What groups do with their parts.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "an aggregation has one")]
pub enum Way {
    /// They are gathered until the group is complete, and released as one event.
    Gather(Completion),
    /// They are let through one by one, in sequence.
    Resequence(Resequence),
}

/// How single events are put in sequence.
#[derive(Clone, Debug)]
pub struct Resequence {
    /// The event's number in its key's sequence, a whole number.
    pub by: Template,
    /// The first number; none means that of the first event that comes.
    pub start: Option<i64>,
    /// How long an event is held for those before it; then they are skipped, with a report.
    pub gap: Duration,
    /// How long after its last event a key's sequence is forgotten, if nothing is held.
    pub forget: Duration,
}

/// By which clock idle gaps and windows pass. Deadlines are always by the router's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Time {
    /// By the router's: when it accepted the events.
    Processing,
    /// By the events' own.
    Event(EventTime),
}

/// Time that events bring along. The watermark of a key is its latest event's time less `disorder`; a gap or a window is
/// over once the watermark has passed its end. Once no later event of the key came for `quiet`, the watermark goes on with
/// the router's clock, so that a source that falls silent holds up nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// Where an event's time is: a path to an RFC 3339 time, or to seconds or milliseconds since 1970.
    pub path: Vec<String>,
    /// How far behind the latest event one may be and still be in time.
    pub disorder: Duration,
    /// After how much time without a later event the watermark goes on by itself.
    pub quiet: Duration,
}

/// What becomes of a part whose group was released before. It is counted as late unless it opens a new group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// It opens a new group of the same key: the default, unless the completion names expected parts or a marker, or has
    /// a window.
    NewGroup,
    /// It is counted and recorded as late, and gathered no more: the default otherwise.
    Discard,
    /// It is told in an event of its own, of the release's type with `.late` after it.
    Side,
    /// The group is released again, with it: a revision that names what it replaces.
    Amend,
}

/// What becomes of a group that time ends while expected parts are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Partial {
    /// It is released, and says what is missing.
    #[default]
    Release,
    /// It is discarded, and its parts are counted as such.
    Discard,
}

/// When a group is complete.
#[derive(Clone, Debug)]
pub enum Completion {
    /// It has so many parts.
    Count(Count),
    /// It has the parts that are expected, by name.
    Expected(Expected),
    /// No part came for so long.
    Idle(Duration),
    /// So long after its first part.
    Within(Duration),
    /// At a time of day, the first one after its first part.
    Cutoff(Cutoff),
    /// The window that it stands for is over. There is at most one in a completion.
    Window(Window),
    /// Never: only somebody or another condition ends it.
    Never,
    /// An event of the group's key came that this pattern matches, whether or not the filter holds for it.
    When(Pattern),
    /// What its parts add up to has reached a limit.
    While(While),
    /// Any of these, whichever is first.
    Any(Vec<Completion>),
    /// All of these.
    All(Vec<Completion>),
}

/// How many parts a group has when it is complete.
#[derive(Clone, Debug)]
pub enum Count {
    /// So many.
    Fixed(usize),
    /// As many as an event says; until one has said so, the group is not complete.
    Read(ReadCount),
}

/// A number of parts that events say.
#[derive(Clone, Debug)]
pub struct ReadCount {
    /// Where the number is.
    pub template: Template,
    /// Which event says it.
    pub from: CountFrom,
}

/// Which event says how many parts there are.
#[derive(Clone, Debug)]
pub enum CountFrom {
    /// The first part alone.
    First,
    /// The first part that has the number.
    Any,
    /// An event of the group's key that this pattern matches, whether or not the filter holds for it.
    Manifest(Pattern),
}

/// The parts that a group waits for.
#[derive(Clone, Debug)]
pub struct Expected {
    /// Their names.
    pub names: Names,
    /// Names that belong to the group as well, and that it does not wait for.
    pub optional: Vec<String>,
    /// How many of the names are enough; none means all.
    pub quorum: Option<usize>,
}

/// Where the names of expected parts are.
#[derive(Clone, Debug)]
pub enum Names {
    /// Here: the same for all groups.
    Listed(Vec<String>),
    /// In a file, by key.
    PerKey(NamesPerKey),
    /// In an event.
    Manifest(Manifest),
}

/// The names of expected parts by the key of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamesPerKey {
    /// Those of single keys.
    pub exact: BTreeMap<String, Vec<String>>,
    /// Those of keys that match a text in which `*` stands for any characters; the first that matches counts.
    pub wild: Vec<(String, Vec<String>)>,
}

/// An event that names the parts of a group. It may come before, between or after them.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// What tells it from other events, whether or not the filter holds for it.
    pub filter: Pattern,
    /// How its group is found; none means as that of a part.
    pub key: Option<Vec<KeyExpression>>,
    /// How the names are found. On the way of the path an array stands for each of its elements.
    pub names: KeyExpression,
}

/// Windows of time: a group of each key for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How long one is.
    pub size: Duration,
    /// How long after one begins the next one begins: the size for windows side by side, less for overlapping ones.
    pub slide: Duration,
    /// How much later than at midnight UTC of 1970 one begins.
    pub offset: Duration,
    /// How long after its end a window still takes parts, before it is released.
    pub lateness: Duration,
}

/// The most windows that one event may be in.
pub const WINDOWS_MAX: u128 = 100;

/// A group goes on while what its parts add up to is below a limit.
#[derive(Clone, Debug, PartialEq)]
pub struct While {
    /// What is measured.
    pub measure: Measure,
    /// The value of each part that is measured.
    pub path: Vec<String>,
    /// The limit.
    pub limit: Ceiling,
}

/// What is measured of a value of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Their sum; parts without a number add nothing.
    Sum,
    /// How many parts have one.
    Count,
    /// How many different ones there are.
    Distinct,
}

/// Up to where a group goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ceiling {
    /// While it is below this.
    Below(f64),
    /// While it is this at most.
    AtMost(f64),
}

/// A time of day in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// The wall clock's time.
    pub time: jiff::civil::Time,
    /// The place's time zone.
    pub zone: jiff::tz::TimeZone,
}

/// The release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emit {
    /// Its `type`.
    pub kind: String,
    /// Its `source`; `railpost/AGGREGATION` unless set.
    pub source: String,
    /// What it holds of its parts' payloads.
    pub parts: Payloads,
    /// Past how many bytes of payloads it refers to them instead.
    pub payload_bytes_max: usize,
}

/// What a release holds of its parts' payloads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Payloads {
    /// Nothing but where they are.
    #[default]
    Listed,
    /// Each with its part.
    Included,
    /// All of them merged into one object: of two values of one name the later part's counts, and objects are merged in
    /// turn.
    Merged,
}

/// What an aggregation may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open groups.
    pub groups_max: usize,
    /// Parts a group.
    pub parts_max: usize,
    /// Bytes a group: its parts' names, ids and, where a release has them, payloads.
    pub bytes_max: usize,
    /// What happens at a limit.
    pub at_limit: AtLimit,
}

/// What happens to a part for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtLimit {
    /// Room is made: at `groups_max` the oldest group is released as it is, at the others the group that is full.
    #[default]
    Release,
    /// It is counted as discarded, and kept with the aggregation's dead letters.
    Refuse,
    /// The bus goes no further until there is room.
    Wait,
}
/// Text with names in braces: `sales/{day}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// The pieces in order.
    pub pieces: Vec<Piece>,
}

/// One piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// A value of the event.
    Value(Value, Vec<Format>),
}

/// A value that a template names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A named capture of the key, or `value`.
    Name(String),
    /// A path into the event: `{$.detail.part}`.
    Path(Vec<String>),
}

/// How a value is written, after `|` in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// `lower`: in small letters.
    Lower,
    /// `upper`: in capitals.
    Upper,
    /// `int`: as a whole number without leading zeros; a value that is none has no text.
    Int,
    /// A date or a time in another form, such as `%Y-%m`, in a time zone, UTC unless named: `{$.time|%Y-%m-%d Europe/Paris}`.
    /// A value that is none has no text.
    Date {
        /// The form, as `strftime` has it.
        form: String,
        /// The zone.
        zone: jiff::tz::TimeZone,
    },
}
