//! `railpost verify`: what is on disk, held against its sums, and mended if asked.

use std::fs;
use std::path::{Path, PathBuf};

use router::config::Config;
use store::{Lost, OpenError, Repaired, Verification};

use super::run::data_dir;
use crate::args::Verify;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen;

/// Reads the files of every bus, and repairs them where that was asked for. Damage that is left is a failure.
pub(crate) fn run(args: &Verify) -> Result<Exit, Failure> {
    let config = match &args.config {
        Some(path) => Config::load(path)?.0,
        None => Config::default(),
    };
    let folder = data_dir(args.data_dir.as_ref(), &config)?;
    let buses = buses(&folder, args.bus.as_deref())?;
    let mut exit = Exit::Done;
    for (bus, folder) in buses {
        let is_whole = if args.repair { repair(&bus, &folder) } else { verify(&bus, &folder) };
        let unreadable = |source: OpenError| Failure::Files { bus: bus.clone(), source };
        if !is_whole.map_err(unreadable)?? {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

/// Returns the folders of all buses below a data directory, or of the one that is asked for.
fn buses(data_dir: &Path, only: Option<&str>) -> Result<Vec<(String, PathBuf)>, Failure> {
    if let Some(bus) = only {
        let folder = data_dir.join(bus);
        let unknown = || Failure::UnknownName {
            what: "bus with files in the data directory",
            name: bus.to_owned(),
            help: "the folders of the data directory are the buses".to_owned(),
        };
        return if folder.is_dir() { Ok(vec![(bus.to_owned(), folder)]) } else { Err(unknown()) };
    }
    let unreadable = |source| Failure::DataDir { folder: data_dir.to_owned(), source };
    let mut buses = Vec::new();
    find(data_dir, "", &mut buses).map_err(unreadable)?;
    buses.sort();
    Ok(buses)
}

/// Finds the folders with logs in them; a bus's name may have slashes.
fn find(folder: &Path, name: &str, buses: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else { continue };
        let inner = if name.is_empty() { file.to_owned() } else { format!("{name}/{file}") };
        // What a repair set aside is no bus.
        if path.is_dir() && !file.starts_with("damaged-") {
            if path.join("lock").exists() || path.join("state").exists() {
                buses.push((inner.clone(), path.clone()));
            }
            find(&path, &inner, buses)?;
        }
    }
    Ok(())
}

fn verify(bus: &str, folder: &Path) -> Result<Result<bool, Failure>, OpenError> {
    let Verification { segments, records, events, findings } = store::verify(folder)?;
    let text = if findings.is_empty() {
        format!("{bus}: whole, {segments} segments, {records} records, {events} events")
    } else {
        let lines: Vec<String> = findings.iter().map(|finding| format!("\n  {finding}")).collect();
        format!("{bus}: damaged{}\n`railpost verify --repair` does what is said of each", lines.concat())
    };
    Ok(print(&text, findings.is_empty()))
}

fn repair(bus: &str, folder: &Path) -> Result<Result<bool, Failure>, OpenError> {
    let Repaired { findings, lost, copies } = store::repair(folder)?;
    if findings.is_empty() {
        return Ok(print(&format!("{bus}: whole, nothing to repair"), true));
    }
    let mut lines = vec![format!("{bus}: repaired")];
    lines.extend(findings.iter().map(ToString::to_string));
    lines.extend(lost.iter().map(|one| format!("lost: {}", said(one))));
    if lost.is_empty() {
        lines.push("nothing is lost".to_owned());
    }
    lines.extend(copies.map(|copies| format!("the files as they were are in {}", copies.display())));
    Ok(print(&lines.join("\n  "), true))
}

fn said(gone: &Lost) -> String {
    let positions = match (gone.positions.first(), gone.positions.last()) {
        (Some(first), Some(last)) if first == last => format!("the event at position {first}"),
        (Some(first), Some(last)) => format!("the events at positions {first} to {last}"),
        _ => "no event".to_owned(),
    };
    let commits = if gone.commits { ", and what was decided and delivered there" } else { "" };
    let more = if gone.more { ", and what came after in the log, however much that was" } else { "" };
    format!("{positions}{commits}{more}")
}

fn print(text: &str, is_whole: bool) -> Result<bool, Failure> {
    screen::print(text)?;
    Ok(is_whole)
}
