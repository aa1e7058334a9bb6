//! The copy of the keyed state on disk, from which opening replays the rest of the log.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{BufMut, Bytes};

use crate::{
    disk::{self, DiskFile, Folder},
    error::OpenError,
    fields::Fields,
    options::Dedup,
    position::{Place, Position},
    state::{Spaces, State},
    tx::{self, Space},
    window::{Remembered, Window},
};

const MAGIC: u64 = u64::from_le_bytes(*b"rpstate\0");
/// The version that is written. Version 1, which has no window, is read as well.
const VERSION: u32 = 2;
/// What is gathered before it is summed and written, in bytes.
const STEP_BYTES: usize = 256 * 1024;

/// The state at one moment, and the window at the same.
pub(crate) struct Image {
    applied: Position,
    pub(crate) through: Place,
    head: Position,
    spaces: Arc<Spaces>,
    clock_ms: u64,
    remembered: Vec<Remembered>,
}

/// What was read back.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) window: Window,
}

pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("state")
}

impl Image {
    /// Takes the state as it is durable, and of the window what belongs to it: keys of events that are still being
    /// written are left out, because a crash may take their events away.
    pub(crate) fn of(state: &mut State, window: &Window) -> Self {
        Self {
            applied: state.applied,
            through: state.through,
            head: state.head,
            spaces: state.copy(),
            clock_ms: window.clock_ms,
            remembered: window.up_to(state.head),
        }
    }

    /// Writes the image beside the old one and puts it in its place, durably; returns what it takes, in bytes.
    pub(crate) fn save(&self, folder: &Folder) -> io::Result<u64> {
        let unfinished = folder.dir.join("state.tmp");
        let file = folder.disk.create(&unfinished)?;
        let mut steps = Steps { file: &*file, byte: 0, sum: 0, step: Vec::with_capacity(STEP_BYTES) };
        self.write(&mut steps)?;
        steps.end()?;
        file.sync()?;
        let bytes = file.len()?;
        folder.publish(&unfinished, &path(&folder.dir))?;
        Ok(bytes)
    }

    fn write(&self, steps: &mut Steps<'_>) -> io::Result<()> {
        let start = &mut steps.step;
        start.put_u64_le(MAGIC);
        start.put_u32_le(VERSION);
        start.put_u32_le(self.through.segment);
        start.put_u32_le(self.through.byte);
        start.put_u64_le(self.head.0);
        start.put_u64_le(self.applied.0);
        start.put_u64_le(self.spaces.values().map(|map| map.len() as u64).sum());
        for (space, map) in &*self.spaces {
            for (key, value) in map {
                steps.step.put_u8(space.0);
                tx::put_bytes(&mut steps.step, key);
                tx::put_bytes(&mut steps.step, value);
                steps.write_if_full()?;
            }
        }
        steps.step.put_u64_le(self.clock_ms);
        steps.step.put_u64_le(self.remembered.len() as u64);
        for remembered in &self.remembered {
            steps.step.put_u64_le(remembered.key);
            steps.step.put_u64_le(remembered.at_ms);
            steps.step.put_u64_le(remembered.position.0);
            steps.write_if_full()?;
        }
        Ok(())
    }
}

/// Writes a file front to back, and its sum at the end.
struct Steps<'a> {
    file: &'a dyn DiskFile,
    byte: u64,
    sum: u32,
    step: Vec<u8>,
}

impl Steps<'_> {
    fn write_if_full(&mut self) -> io::Result<()> {
        if self.step.len() < STEP_BYTES {
            return Ok(());
        }
        self.sum = crc32c::crc32c_append(self.sum, &self.step);
        self.write()
    }

    fn end(mut self) -> io::Result<()> {
        self.sum = crc32c::crc32c_append(self.sum, &self.step);
        self.step.put_u32_le(self.sum);
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_at(&self.step, self.byte)?;
        self.byte += self.step.len() as u64;
        self.step.clear();
        Ok(())
    }
}

/// Reads the state back, or `None` when none was ever written.
pub(crate) fn load(folder: &Folder, dedup: Dedup) -> Result<Option<Loaded>, OpenError> {
    let path = path(&folder.dir);
    let bytes = match folder.disk.open(&path).and_then(|file| disk::read_all(&*file)) {
        Ok(bytes) => Bytes::from(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OpenError::io(format!("read `{}`", path.display()))(cause)),
    };
    let known = version(&bytes);
    if let Some(found) = known.filter(|found| *found == 0 || *found > VERSION) {
        return Err(OpenError::Version { file: path, found, known: VERSION });
    }
    let why = "its sum is not the one that was written".to_owned();
    let loaded = known.and_then(|version| decode(bytes, version, dedup));
    loaded.map(Some).ok_or(OpenError::Corrupt { file: path, byte: 0, position: Position(1), why })
}

/// Returns true when the file is there and its sum is right, whatever its version.
pub(crate) fn is_summed(folder: &Folder) -> bool {
    let read = folder.disk.open(&path(&folder.dir)).and_then(|file| disk::read_all(&*file));
    let Some((bytes, sum)) = read.as_ref().ok().and_then(|bytes| bytes.split_last_chunk()) else {
        return false;
    };
    crc32c::crc32c(bytes) == u32::from_le_bytes(*sum)
}

fn version(bytes: &Bytes) -> Option<u32> {
    let mut fields = Fields(bytes.clone());
    (fields.u64()? == MAGIC).then(|| fields.u32()).flatten()
}

fn decode(mut bytes: Bytes, version: u32, dedup: Dedup) -> Option<Loaded> {
    let sum = bytes.split_off(bytes.len().checked_sub(4)?);
    if Fields(sum).u32()? != crc32c::crc32c(&bytes) {
        return None;
    }
    let mut fields = Fields(bytes);
    let (_magic, _version) = (fields.u64()?, fields.u32()?);
    let mut state = State::empty(Place { segment: fields.u32()?, byte: fields.u32()? });
    state.head = Position(fields.u64()?);
    state.applied = Position(fields.u64()?);
    // They were written in order, so that whole spaces can be put together at once.
    let mut spaces: Vec<(Space, Vec<(Bytes, Bytes)>)> = Vec::new();
    for _ in 0..fields.u64()? {
        let (space, key, value) = (Space(fields.u8()?), fields.bytes()?, fields.bytes()?);
        if spaces.last().is_none_or(|(last, _)| *last != space) {
            spaces.push((space, Vec::new()));
        }
        if let Some((_, entries)) = spaces.last_mut() {
            entries.push((tx::own(&key), tx::own(&value)));
        }
    }
    for (space, entries) in spaces {
        state.fill(space, entries);
    }
    let mut window = Window::new(dedup);
    if version > 1 {
        let clock_ms = fields.u64()?;
        for _ in 0..fields.u64()? {
            let (key, at_ms) = (fields.u64()?, fields.u64()?);
            window.remember(Remembered { key, at_ms, position: Position(fields.u64()?) });
        }
        window.pass_time(clock_ms);
    }
    fields.0.is_empty().then_some(Loaded { state, window })
}
