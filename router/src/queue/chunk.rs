//! [`Chunk`]: a stretch of a queue, kept as it is stored.
//!
//! Its bytes are runs in order. A run is two numbers: how many positions are missing since the run before (none before
//! the first run, which begins at the chunk's key, and at least one before any other), and how many are there. A
//! number is a varint: seven bits a byte, the lowest first, in as few bytes as it takes.

/// What a chunk's bytes come to at most; one that grows beyond is split.
pub(crate) const CHUNK_BYTES_MAX: usize = 256;
/// What a change writes at most: the two halves of a run and the run after it, each two numbers of ten bytes.
const CHANGE_BYTES_MAX: usize = 60;

/// Positions that follow one another, both ends included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

/// A place between two runs.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    /// The byte at which the next run begins.
    at: usize,
    /// The position from which its gap counts.
    floor: u64,
}

/// Runs in encoded form. Only between a removal and what its owner makes of it is a chunk empty.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    first: u64,
    bytes: Vec<u8>,
    /// Where the last run begins, so that adding at the end is not a walk.
    tail: Cursor,
    /// Whether something is stored under its first position.
    pub(crate) stored: bool,
}

impl Chunk {
    /// Returns a chunk of one position.
    pub(crate) fn of(position: u64) -> Self {
        Self::of_run(Run { first: position, last: position })
    }

    fn of_run(run: Run) -> Self {
        let mut bytes = Vec::with_capacity(16);
        run.write(run.first, &mut bytes);
        Self { first: run.first, bytes, tail: Cursor { at: 0, floor: run.first }, stored: false }
    }

    /// Reads a stored chunk, and how many positions it holds; none if it is not exactly as a chunk is written.
    pub(crate) fn decode(first: u64, bytes: &[u8]) -> Option<(Self, u64)> {
        if bytes.is_empty() || bytes.len() > CHUNK_BYTES_MAX {
            return None;
        }
        let mut cursor = Cursor { at: 0, floor: first };
        let (mut tail, mut len) = (cursor, 0_u64);
        while cursor.at < bytes.len() {
            tail = cursor;
            let run = cursor.next(bytes)?;
            let missing = run.first - tail.floor;
            if (missing == 0) != (tail.at == 0) {
                return None;
            }
            len = len.checked_add(run.last - run.first)?.checked_add(1)?;
        }
        Some((Self { first, bytes: bytes.to_vec(), tail, stored: false }, len))
    }

    /// Returns the first position.
    pub(crate) fn first(&self) -> u64 {
        self.first
    }

    /// Returns the last position.
    pub(crate) fn last(&self) -> u64 {
        let mut cursor = self.tail;
        cursor.next(&self.bytes).map_or(self.first, |run| run.last)
    }

    /// Returns the encoded runs.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns how many bytes the runs take.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Says whether no position is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the bytes that are set aside for the runs.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Returns the runs in order.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let mut cursor = self.start();
        std::iter::from_fn(move || cursor.next(&self.bytes))
    }

    /// Returns the smallest position that is not below that one.
    pub(crate) fn at_or_after(&self, position: u64) -> Option<u64> {
        let mut cursor = self.before(position);
        cursor.next(&self.bytes).map(|run| run.first.max(position))
    }

    /// Adds a position; returns false if it was there.
    pub(crate) fn insert(&mut self, position: u64) -> bool {
        let from = self.before(position.saturating_sub(1));
        let (mut run, mut following) = (Run { first: position, last: position }, None);
        let mut to = from;
        while let Some(next) = to.next(&self.bytes) {
            if next.first > position.saturating_add(1) {
                following = Some(next);
                break;
            }
            if next.contains(position) {
                return false;
            }
            run = Run { first: run.first.min(next.first), last: run.last.max(next.last) };
        }
        self.replace(from, to, &[Some(run), following]);
        true
    }

    /// Takes a position out; returns false if it was not there.
    pub(crate) fn remove(&mut self, position: u64) -> bool {
        let from = self.before(position);
        let mut to = from;
        let Some(run) = to.next(&self.bytes).filter(|run| run.contains(position)) else { return false };
        let following = to.next(&self.bytes);
        let left = (run.first < position).then(|| Run { first: run.first, last: position - 1 });
        let right = (position < run.last).then(|| Run { first: position + 1, last: run.last });
        self.replace(from, to, &[left, right, following]);
        true
    }

    /// Splits off and returns the upper part: the last run if that is where the chunk grew, so that a set that is
    /// filled in order has full chunks, else half. None if there is only one run.
    pub(crate) fn split(&mut self, grown_at: u64) -> Option<Self> {
        let middle = self.bytes.len() / 2;
        let mut cut = self.start();
        while cut.at < middle && cut.next(&self.bytes).is_some() {}
        if grown_at >= self.tail.floor {
            cut = self.tail;
        }
        let mut rest = cut;
        let run = rest.next(&self.bytes).filter(|_| cut.at > 0)?;
        let mut upper = Self::of_run(run);
        upper.bytes.extend_from_slice(&self.bytes[rest.at..]);
        upper.find_tail();
        self.bytes.truncate(cut.at);
        self.bytes.shrink_to_fit();
        self.find_tail();
        Some(upper)
    }

    fn start(&self) -> Cursor {
        Cursor { at: 0, floor: self.first }
    }

    /// Returns the place before the first run that ends at that position or above.
    fn before(&self, position: u64) -> Cursor {
        // The run before the last ends just below the floor of the last.
        let mut cursor = if position >= self.tail.floor { self.tail } else { self.start() };
        let mut next = cursor;
        while next.next(&self.bytes).is_some_and(|run| run.last < position) {
            cursor = next;
        }
        cursor
    }

    /// Writes other runs in the place of those between two cursors.
    fn replace(&mut self, from: Cursor, to: Cursor, runs: &[Option<Run>]) {
        let mut runs = runs.iter().flatten().peekable();
        let mut floor = from.floor;
        if let Some(run) = runs.peek().filter(|_| from.at == 0) {
            self.first = run.first;
            floor = run.first;
        }
        let mut fresh = Vec::with_capacity(CHANGE_BYTES_MAX);
        let mut tail = None;
        for run in runs {
            tail = Some(Cursor { at: from.at + fresh.len(), floor });
            run.write(floor, &mut fresh);
            floor = run.last.saturating_add(1);
        }
        let at_end = to.at == self.bytes.len();
        self.tail.at = (self.tail.at + fresh.len() + from.at).saturating_sub(to.at);
        self.bytes.splice(from.at..to.at, fresh);
        match tail {
            Some(tail) if at_end => self.tail = tail,
            None => self.find_tail(),
            Some(_) => {}
        }
    }

    fn find_tail(&mut self) {
        let mut next = self.start();
        self.tail = next;
        while next.at < self.bytes.len() {
            self.tail = next;
            if next.next(&self.bytes).is_none() {
                return;
            }
        }
    }
}

impl Run {
    fn contains(&self, position: u64) -> bool {
        (self.first..=self.last).contains(&position)
    }

    /// Appends the run, whose gap counts from `floor`.
    fn write(&self, floor: u64, bytes: &mut Vec<u8>) {
        write_varint(self.first - floor, bytes);
        write_varint(self.last - self.first + 1, bytes);
    }
}

impl Cursor {
    /// Reads the next run and goes past it; none at the end, or where there is no whole run.
    fn next(&mut self, bytes: &[u8]) -> Option<Run> {
        let (missing, at) = read_varint(bytes, self.at)?;
        let (present, at) = read_varint(bytes, at)?;
        let first = self.floor.checked_add(missing)?;
        let last = first.checked_add(present.checked_sub(1)?)?;
        *self = Self { at, floor: last.saturating_add(1) };
        Some(Run { first, last })
    }
}

fn write_varint(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Returns the number that begins there and where the next one does; none if it is cut off, or longer than it need be.
fn read_varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let (mut number, mut shift) = (0_u64, 0_u32);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        if shift == 63 && byte > 1 {
            return None;
        }
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return (byte != 0 || shift == 0).then_some((number, at));
        }
        shift += 7;
    }
}
