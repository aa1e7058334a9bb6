//! A segment: one file of the log, written in full ahead of its use, and its header.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use bytes::{BufMut, Bytes};

use crate::{
    disk,
    error::OpenError,
    fields::Fields,
    index::Index,
    position::{Place, Position},
    record::{self, Header, Kind},
};

/// The byte of the first record. A sector of its own keeps the header out of every later write.
pub(crate) const FIRST_RECORD: u32 = 512;
/// The size of the first segment of all, so that an empty partition opens fast; the next is made ready beside it.
const FIRST_SEGMENT_BYTES: u64 = 4 * 1024 * 1024;
const MAGIC: u64 = u64::from_le_bytes(*b"rplogseg");
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;

/// An open segment, for the writer and for readers.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    pub(crate) file: File,
    /// True when the file held other records before, so that bytes after the last record mean nothing.
    pub(crate) recycled: bool,
    pub(crate) index: Mutex<Index>,
}

pub(crate) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:020}.log"))
}

/// Makes a segment without records, out of a spare file if there is one, and durable under its name.
pub(crate) fn prepare(dir: &Path, number: u32, bytes: u64, spare: Option<&Path>) -> io::Result<SegmentFile> {
    let path = path(dir, number);
    let file = if let Some(spare) = spare {
        let file = disk::open_to_write(spare)?;
        disk::write_at(&file, &header(number, true), 0)?;
        disk::sync(&file)?;
        disk::publish(dir, spare, &path)?;
        file
    } else {
        create(dir, number, bytes, &[])?
    };
    Ok(SegmentFile { number, path, file, recycled: spare.is_some(), index: Mutex::default() })
}

/// Makes the first segment of a partition, with its first record.
pub(crate) fn prepare_first(dir: &Path, bytes: u64) -> io::Result<()> {
    let mut start = Vec::new();
    let place = Place { segment: 1, byte: FIRST_RECORD };
    let header = Header { place, batch: FIRST_RECORD, before: Position(0), kind: Kind::Start };
    record::encode(&mut start, header, |payload| payload.put_u32_le(0));
    create(dir, 1, bytes.min(FIRST_SEGMENT_BYTES), &start).map(|_| ())
}

fn create(dir: &Path, number: u32, bytes: u64, records: &[u8]) -> io::Result<File> {
    let path = path(dir, number);
    let unfinished = path.with_extension("tmp");
    let file = disk::create(&unfinished)?;
    disk::zero(&file, 0, bytes)?;
    disk::write_at(&file, &header(number, false), 0)?;
    disk::write_at(&file, records, u64::from(FIRST_RECORD))?;
    disk::sync(&file)?;
    disk::publish(dir, &unfinished, &path)?;
    Ok(file)
}

fn header(number: u32, recycled: bool) -> Vec<u8> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    header.put_u64_le(MAGIC);
    header.put_u32_le(VERSION);
    header.put_u32_le(number);
    header.put_u32_le(u32::from(recycled));
    header.put_u32_le(crc32c::crc32c(&header));
    header
}

impl SegmentFile {
    /// Opens a segment that is there and checks its header. The index starts empty at the first record.
    pub(crate) fn open(dir: &Path, number: u32, before: Position) -> Result<Self, OpenError> {
        let path = path(dir, number);
        let reading = || OpenError::io(format!("read `{}`", path.display()));
        let file = disk::open_to_write(&path).map_err(reading())?;
        let bytes = disk::read_at_most(&file, 0, HEADER_BYTES).map_err(reading())?;
        let recycled = check_header(&path, number, bytes)?;
        Ok(Self { number, path, file, recycled, index: Mutex::new(Index::starting(before)) })
    }

    pub(crate) fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }
}

/// Returns whether the file was recycled.
fn check_header(path: &Path, number: u32, bytes: Vec<u8>) -> Result<bool, OpenError> {
    let damaged = |why: &str| OpenError::Corrupt {
        file: path.to_owned(),
        byte: 0,
        position: Position(0),
        why: why.to_owned(),
    };
    let sum = crc32c::crc32c(&bytes[..bytes.len().min(HEADER_BYTES - 4)]);
    let mut fields = Fields(Bytes::from(bytes));
    let mut next = || fields.u32().ok_or_else(|| damaged("its header is cut short"));
    let magic = u64::from(next()?) | u64::from(next()?) << 32;
    let (version, found, recycled, stored_sum) = (next()?, next()?, next()?, next()?);
    if magic != MAGIC {
        return Err(damaged("it does not begin as a segment does"));
    }
    if version != VERSION {
        return Err(OpenError::Version { file: path.to_owned(), found: version, known: VERSION });
    }
    if stored_sum != sum || found != number {
        return Err(damaged("its header is not the one that was written"));
    }
    Ok(recycled == 1)
}
