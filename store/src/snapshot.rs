//! The copy of the keyed state on disk, from which opening replays the rest of the log.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use bytes::{BufMut, Bytes};

use crate::{
    disk,
    error::OpenError,
    fields::Fields,
    position::{Place, Position},
    state::State,
    tx::{self, Space},
};

const MAGIC: u64 = u64::from_le_bytes(*b"rpstate\0");
const VERSION: u32 = 1;
/// What is gathered before it is summed and written, in bytes.
const STEP_BYTES: usize = 256 * 1024;

/// The state at one moment.
pub(crate) struct Image {
    applied: Position,
    pub(crate) through: Place,
    head: Position,
    entries: Vec<(Space, Bytes, Bytes)>,
}

pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("state")
}

impl Image {
    pub(crate) fn of(state: &State) -> Self {
        Self { applied: state.applied, through: state.through, head: state.head, entries: state.entries() }
    }

    /// Writes the image beside the old one and puts it in its place, durably.
    pub(crate) fn save(&self, dir: &Path) -> io::Result<()> {
        let unfinished = dir.join("state.tmp");
        let mut file = BufWriter::new(disk::create(&unfinished)?);
        self.write(&mut file)?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        disk::sync(&file)?;
        disk::publish(dir, &unfinished, &path(dir))
    }

    fn write(&self, file: &mut BufWriter<File>) -> io::Result<()> {
        let mut step = Vec::with_capacity(STEP_BYTES);
        step.put_u64_le(MAGIC);
        step.put_u32_le(VERSION);
        step.put_u32_le(self.through.segment);
        step.put_u32_le(self.through.byte);
        step.put_u64_le(self.head.0);
        step.put_u64_le(self.applied.0);
        step.put_u64_le(self.entries.len() as u64);
        let mut sum = 0;
        for (space, key, value) in &self.entries {
            step.put_u8(space.0);
            tx::put_bytes(&mut step, key);
            tx::put_bytes(&mut step, value);
            if step.len() >= STEP_BYTES {
                sum = crc32c::crc32c_append(sum, &step);
                file.write_all(&step)?;
                step.clear();
            }
        }
        sum = crc32c::crc32c_append(sum, &step);
        step.put_u32_le(sum);
        file.write_all(&step)
    }
}

/// Reads the state back, or `None` when none was ever written.
pub(crate) fn load(dir: &Path) -> Result<Option<State>, OpenError> {
    let path = path(dir);
    let bytes = match fs::read(&path) {
        Ok(bytes) => Bytes::from(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(OpenError::io(format!("read `{}`", path.display()))(cause)),
    };
    if let Some(found) = version(&bytes).filter(|found| *found != VERSION) {
        return Err(OpenError::Version { file: path, found, known: VERSION });
    }
    let why = "its sum is not the one that was written".to_owned();
    decode(bytes).map(Some).ok_or(OpenError::Corrupt { file: path, byte: 0, position: Position(1), why })
}

fn version(bytes: &Bytes) -> Option<u32> {
    let mut fields = Fields(bytes.clone());
    (fields.u64()? == MAGIC).then(|| fields.u32()).flatten()
}

fn decode(mut bytes: Bytes) -> Option<State> {
    let sum = bytes.split_off(bytes.len().checked_sub(4)?);
    if Fields(sum).u32()? != crc32c::crc32c(&bytes) {
        return None;
    }
    let mut fields = Fields(bytes);
    let (_magic, _version) = (fields.u64()?, fields.u32()?);
    let mut state = State::empty(Place { segment: fields.u32()?, byte: fields.u32()? });
    state.head = Position(fields.u64()?);
    state.applied = Position(fields.u64()?);
    for _ in 0..fields.u64()? {
        state.put(Space(fields.u8()?), tx::own(&fields.bytes()?), tx::own(&fields.bytes()?));
    }
    fields.0.is_empty().then_some(state)
}
