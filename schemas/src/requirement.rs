//! [`Requirement`]: a schema's name and the versions that will do.

use std::fmt;
use std::str::FromStr;

use semver::VersionReq;

use crate::version;

/// A schema's name and the versions that will do, such as `shop.orders/OrderPlaced@^2`.
///
/// The range is Cargo's: `@2` means `^2`, `@2.1` means `^2.1`, `@=2.1.0` is one version, `@>=1.4, <3` is two bounds.
/// Without `@`, any version will do.
///
/// A range accepts several versions, and a payload is judged by exactly one of them: the highest that the range
/// accepts ([`crate::Registry::resolve`]). A payload that follows only a lower one is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The registry, such as `shop.orders`.
    pub registry: String,
    /// The schema's name within it, such as `OrderPlaced`.
    pub name: String,
    /// The versions that will do.
    pub versions: VersionReq,
}

/// Why a text is not a [`Requirement`].
#[derive(Debug, thiserror::Error)]
pub enum RequirementError {
    /// It is not `REGISTRY/NAME` with an optional `@RANGE`.
    #[error("`{text}` is not `REGISTRY/NAME` or `REGISTRY/NAME@RANGE`")]
    Form {
        /// The text.
        text: String,
    },
    /// A name has other characters than letters, digits, `.`, `_` and `-`, or starts with a `.`.
    #[error("`{name}` is not a name: letters, digits, `.`, `_` and `-` are, and it does not start with `.`")]
    Name {
        /// The name.
        name: String,
    },
    /// What follows the `@` is not a range of versions.
    #[error("`{range}` is not a range of versions")]
    Range {
        /// The range.
        range: String,
        /// Why.
        source: semver::Error,
    },
}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (path, range) = match text.split_once('@') {
            Some((path, range)) => (path, Some(range)),
            None => (text, None),
        };
        let form = || RequirementError::Form { text: text.to_owned() };
        let (registry, name) = path.split_once('/').ok_or_else(form)?;
        if let Some(name) = [registry, name].into_iter().find(|name| !version::is_name(name)) {
            return Err(RequirementError::Name { name: name.to_owned() });
        }
        let versions = match range {
            Some(range) => VersionReq::parse(range)
                .map_err(|source| RequirementError::Range { range: range.to_owned(), source })?,
            None => VersionReq::STAR,
        };
        Ok(Self { registry: registry.to_owned(), name: name.to_owned(), versions })
    }
}

/// Shows the form that parses to the same requirement.
impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)?;
        if self.versions != VersionReq::STAR {
            write!(f, "@{}", self.versions)?;
        }
        Ok(())
    }
}
