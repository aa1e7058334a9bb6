//! Named, versioned JSON Schemas loaded from a folder, and the verdict on one payload.
//!
//! It is not a router: it knows neither events nor consumers, and it never fetches anything. A schema stands alone in
//! its file; a `$ref` that leads out of the file is an error when the folder is loaded.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/registry");
//! let registry = railpost_schemas::Registry::load(folder.as_ref())?;
//! let requirement: railpost_schemas::Requirement = "shop.orders/OrderPlaced@^2".parse()?;
//! let schema = registry.resolve(&requirement).ok_or("no such schema")?;
//! assert_eq!(schema.name(), "shop.orders/OrderPlaced@2.1.0");
//!
//! let payload = serde_json::json!({ "order": "o-1", "total": "much" });
//! let violation = schema.check(&payload).unwrap_err();
//! assert_eq!(violation.path, "/total");
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//! * [`requirement`]: [`Requirement`], a schema's name and the versions that will do
//! * [`registry`]: [`Registry`], the schemas of one folder
//! * [`schema`]: [`Schema`] and [`Violation`], the verdict on one payload
//! * [`error`]: [`Error`], why a folder was refused

pub mod error;
pub mod registry;
pub mod requirement;
pub mod schema;
mod version;

pub use error::Error;
pub use registry::Registry;
pub use requirement::{Requirement, RequirementError};
pub use schema::{Schema, Violation};
