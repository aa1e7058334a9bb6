//! A damaged directory made fit to open again, with nothing thrown away and nothing passed over in silence.

#[cfg(test)]
mod tests;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    disk::{self, Folder, RealDisk},
    error::OpenError,
    label::Label,
    local,
    plan::{self, Gap, Patch, Plan},
    position::{Place, narrow},
    record::{self, HEADER_BYTES, Header, Kind},
    segment::{self, FIRST_RECORD},
    verify::{Finding, Lost, Remedy},
};

/// What a repair did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What was found, each with what was done about it.
    pub findings: Vec<Finding>,
    /// All that is lost; nothing when everything could be restored.
    pub lost: Vec<Lost>,
    /// Where the damaged files were copied to as they were found; `None` when none was changed.
    pub copies: Option<PathBuf>,
}

/// Makes a closed partition fit to open again: copies the damaged files to `damaged-1` in its directory, or the first such
/// name that is free, then restores what can be restored and marks what is lost.
///
/// What is whole keeps its position. It fails with [`OpenError::Corrupt`] and changes nothing when some damage can be
/// neither restored nor marked; with [`OpenError::Locked`] when the partition is open. It may be called again when it was
/// interrupted, and does nothing where nothing is damaged.
pub fn repair(dir: &Path) -> Result<Repaired, OpenError> {
    repair_on(&Folder::new(Arc::new(RealDisk), dir))
}

fn repair_on(folder: &Folder) -> Result<Repaired, OpenError> {
    let _lock = local::lock_dir(folder)?;
    let plan = plan::plan(folder)?;
    for Finding { file, byte, position, remedy, .. } in &plan.findings {
        if let Remedy::Impossible { why } = remedy {
            let (file, why) = (file.clone(), (*why).to_owned());
            return Err(OpenError::Corrupt { file, byte: *byte, position: *position, why });
        }
    }
    let changing = || OpenError::io(format!("repair `{}`", folder.dir.display()));
    let copies = copy_aside(folder, &plan).map_err(changing())?;
    for patch in &plan.patches {
        apply(folder, patch).map_err(changing())?;
    }
    let removed = plan.removals.iter().try_for_each(|path| folder.disk.remove(path));
    removed.and_then(|()| folder.sync()).map_err(changing())?;
    let lost = plan.findings.iter().filter_map(|finding| match finding.remedy {
        Remedy::MarkLost(lost) => Some(lost),
        _ => None,
    });
    Ok(Repaired { lost: lost.collect(), findings: plan.findings, copies })
}

/// Copies every file that is going to change, durably, and returns the directory; `None` when there is none.
fn copy_aside(folder: &Folder, plan: &Plan) -> io::Result<Option<PathBuf>> {
    let patched = plan.patches.iter().map(|patch| segment::path(&folder.dir, patch.number));
    let files: Vec<PathBuf> = patched.chain(plan.removals.iter().cloned()).collect();
    if files.is_empty() {
        return Ok(None);
    }
    let mut number = 1;
    let copies = loop {
        let dir = folder.dir.join(format!("damaged-{number}"));
        if !folder.disk.exists(&dir)? {
            break dir;
        }
        number += 1;
    };
    folder.disk.create_dir(&copies)?;
    for file in files {
        let (true, Some(name)) = (folder.disk.exists(&file)?, file.file_name()) else { continue };
        let bytes = disk::read_all(&*folder.disk.open(&file)?)?;
        let copy = folder.disk.create(&copies.join(name))?;
        copy.write_at(&bytes, 0)?;
        copy.sync()?;
    }
    folder.disk.sync_dir(&copies)?;
    Ok(Some(copies))
}

/// Writes a segment's file anew beside the damaged one and puts it in its place, durably.
fn apply(folder: &Folder, patch: &Patch) -> io::Result<()> {
    let file = segment::path(&folder.dir, patch.number);
    let mut bytes = match folder.disk.open(&file) {
        Ok(file) => disk::read_all(&*file)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if let Some((before, previous_end)) = patch.start {
        put(&mut bytes, FIRST_RECORD, &segment::start(patch.number, before, previous_end));
    }
    for gap in &patch.gaps {
        put(&mut bytes, gap.from, &mark(patch.number, *gap));
    }
    let made = usize::try_from(patch.bytes).map_err(io::Error::other)?;
    bytes.resize(bytes.len().max(made), 0);
    let label = Label::new(patch.number, patch.recycled, bytes.len() as u64);
    put(&mut bytes, 0, &label.encode());
    let unfinished = file.with_extension("tmp");
    let whole = folder.disk.create(&unfinished)?;
    whole.write_at(&bytes, 0)?;
    whole.sync()?;
    folder.publish(&unfinished, &file)
}

/// Puts some bytes in place of others; what is made longer is filled with zeros.
fn put(bytes: &mut Vec<u8>, at: u32, new: &[u8]) {
    let (start, end) = (at as usize, at as usize + new.len());
    bytes.resize(bytes.len().max(end), 0);
    bytes[start..end].copy_from_slice(new);
}

/// Returns the record that fills a gap.
fn mark(number: u32, gap: Gap) -> Vec<u8> {
    let mut mark = Vec::new();
    let place = Place { segment: number, byte: gap.from };
    let header = Header { place, batch: gap.from, before: gap.before, kind: Kind::Gap };
    let filling = gap.to - gap.from - narrow(HEADER_BYTES);
    record::encode(&mut mark, header, |payload| payload.resize(payload.len() + filling as usize, 0));
    mark
}
