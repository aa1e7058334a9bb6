//! [`Registry`]: the schemas of one folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::Version;

use crate::{Error, Requirement, Schema, version};

/// The schemas of one folder, `REGISTRY/NAME/VERSION.json`; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// By registry and name, such as `shop.orders/OrderPlaced`.
    families: Arc<BTreeMap<String, Versions>>,
}

type Versions = BTreeMap<Version, Schema>;

impl Registry {
    /// Returns a registry without schemas.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Loads a folder of `REGISTRY/NAME/VERSION.json`, where `VERSION` is `1`, `1.2` or `1.2.3` and missing parts are 0.
    ///
    /// Names are letters, digits, `.`, `_` and `-`. Anything whose name starts with `.` is left alone.
    ///
    /// # Errors
    ///
    /// Returns the first file or folder, by name, that cannot be read, is out of place, is not JSON or is not a valid
    /// JSON Schema that stands alone.
    pub fn load(folder: &Path) -> Result<Self, Error> {
        let mut families = BTreeMap::new();
        for (registry, path) in named_folders(folder)? {
            for (name, path) in named_folders(&path)? {
                let family = format!("{registry}/{name}");
                let versions = load_versions(&family, &path)?;
                families.insert(family, versions);
            }
        }
        Ok(Self { families: Arc::new(families) })
    }

    /// Returns the highest version that the requirement's range accepts; none if there is none.
    ///
    /// A payload is judged by this version alone: the versions below it, though the range accepts them too, are not
    /// asked.
    pub fn resolve(&self, requirement: &Requirement) -> Option<Schema> {
        let family = format!("{}/{}", requirement.registry, requirement.name);
        let mut versions = self.families.get(&family)?.iter().rev();
        versions.find(|(version, _)| requirement.versions.matches(version)).map(|(_, schema)| schema.clone())
    }

    /// Returns every schema, by name and then by version, lowest first.
    pub fn list(&self) -> impl Iterator<Item = &Schema> {
        self.families.values().flat_map(BTreeMap::values)
    }
}

fn load_versions(family: &str, folder: &Path) -> Result<Versions, Error> {
    let mut files: BTreeMap<Version, PathBuf> = BTreeMap::new();
    let mut versions = Versions::new();
    for (name, path) in entries(folder)? {
        let version = name.strip_suffix(".json").and_then(version::parse).filter(|_| path.is_file());
        let Some(version) = version else {
            return Err(Error::Misplaced {
                path,
                reason: "a version is a file such as `1.json` or `1.2.0.json`",
            });
        };
        if let Some(first) = files.insert(version.clone(), path.clone()) {
            return Err(Error::Duplicate { first, second: path, version });
        }
        let schema = load_schema(family, version.clone(), path)?;
        versions.insert(version, schema);
    }
    Ok(versions)
}

fn load_schema(family: &str, version: Version, path: PathBuf) -> Result<Schema, Error> {
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(Error::Read { path, source }),
    };
    let source = match serde_json::from_slice(&bytes) {
        Ok(source) => source,
        Err(source) => return Err(Error::Json { path, source }),
    };
    Schema::compile(family, version, &source).map_err(|violation| Error::Schema {
        path,
        pointer: violation.path,
        reason: violation.reason,
    })
}

/// Returns the folders in a folder; anything else in it is an error.
fn named_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let found = entries(folder)?;
    for (name, path) in &found {
        if !path.is_dir() {
            return Err(Error::Misplaced { path: path.clone(), reason: "a folder is expected here" });
        }
        if !version::is_name(name) {
            let reason = "a name has letters, digits, `.`, `_` and `-` only";
            return Err(Error::Misplaced { path: path.clone(), reason });
        }
    }
    Ok(found)
}

/// Returns what a folder holds, by name, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let read = |source| Error::Read { path: folder.to_owned(), source };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            found.push((name, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}
