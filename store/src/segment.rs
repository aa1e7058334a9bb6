//! A segment: one file of the log, written in full ahead of its use, and its header.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use bytes::BufMut;

use crate::{
    disk::{self, DiskFile, Folder},
    error::OpenError,
    index::Index,
    label::{self, LABEL_BYTES, Label},
    position::{Place, Position},
    record::{self, Header, Kind},
};

/// The byte of the first record. A sector of its own keeps the header out of every later write.
pub(crate) const FIRST_RECORD: u32 = 512;
/// The size of the first segment of all, so that an empty partition opens fast; the next is made ready beside it.
const FIRST_SEGMENT_BYTES: u64 = 4 * 1024 * 1024;

/// An open segment, for the writer and for readers.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    pub(crate) number: u32,
    pub(crate) path: PathBuf,
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) version: u32,
    /// True when the file held other records before, so that bytes after the last record mean nothing.
    pub(crate) recycled: bool,
    pub(crate) index: Mutex<Index>,
}

pub(crate) fn path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:020}.log"))
}

/// Makes a segment without records, out of a spare file if there is one, and durable under its name.
pub(crate) fn prepare(
    folder: &Folder,
    number: u32,
    bytes: u64,
    spare: Option<&Path>,
) -> io::Result<SegmentFile> {
    let path = path(&folder.dir, number);
    let file = if let Some(spare) = spare {
        let file = folder.disk.open(spare)?;
        file.write_at(&Label::new(number, true, file.len()?).encode(), 0)?;
        file.sync()?;
        folder.publish(spare, &path)?;
        file
    } else {
        create(folder, number, bytes, &[])?
    };
    Ok(SegmentFile {
        number,
        path,
        file,
        version: label::VERSION,
        recycled: spare.is_some(),
        index: Mutex::default(),
    })
}

/// Makes the first segment of a partition, with its first record.
pub(crate) fn prepare_first(folder: &Folder, bytes: u64) -> io::Result<()> {
    create(folder, 1, bytes.min(FIRST_SEGMENT_BYTES), &start(1, Position(0), 0)).map(|_| ())
}

/// Returns the first record of a segment.
pub(crate) fn start(number: u32, before: Position, previous_end: u32) -> Vec<u8> {
    let mut start = Vec::new();
    let place = Place { segment: number, byte: FIRST_RECORD };
    let header = Header { place, batch: FIRST_RECORD, before, kind: Kind::Start };
    record::encode(&mut start, header, |payload| payload.put_u32_le(previous_end));
    start
}

fn create(folder: &Folder, number: u32, bytes: u64, records: &[u8]) -> io::Result<Box<dyn DiskFile>> {
    let path = path(&folder.dir, number);
    let unfinished = path.with_extension("tmp");
    let file = folder.disk.create(&unfinished)?;
    disk::zero(&*file, 0, bytes)?;
    file.write_at(&Label::new(number, false, bytes).encode(), 0)?;
    file.write_at(records, u64::from(FIRST_RECORD))?;
    file.sync()?;
    folder.publish(&unfinished, &path)?;
    Ok(file)
}

impl SegmentFile {
    /// Opens a segment that is there and checks its header. The index starts empty at the first record.
    pub(crate) fn open(folder: &Folder, number: u32, before: Position) -> Result<Self, OpenError> {
        let path = path(&folder.dir, number);
        let reading = || OpenError::io(format!("read `{}`", path.display()));
        let file = folder.disk.open(&path).map_err(reading())?;
        let start = disk::read_at_most(&*file, 0, LABEL_BYTES).map_err(reading())?;
        let label = Label::decode(number, &start).map_err(|unlabelled| unlabelled.refuse(&path))?;
        let bytes = file.len().map_err(reading())?;
        if bytes < label.bytes {
            let why = format!("the file was made {} bytes long and ends here", label.bytes);
            return Err(label::damaged(&path, bytes, why));
        }
        let Label { version, recycled, .. } = label;
        Ok(Self { number, path, file, version, recycled, index: Mutex::new(Index::starting(before)) })
    }
}
