//! [`DecodeError`]: why bytes are not an event.

use crate::attribute::Invalid;

/// Bytes that should be an event, or a batch of them, are not.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// An attribute is missing or wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The document is not JSON, or not a JSON object.
    #[error("the document is not a JSON object: {reason}")]
    Document {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// The batch is not a JSON array.
    #[error("the batch is not a JSON array of events: {reason}")]
    NotBatch {
        /// What the parser says, with line and column.
        reason: String,
    },
    /// One event of a batch is wrong.
    #[error("event {index} of the batch: {cause}")]
    Batch {
        /// Its place in the batch, from 0.
        index: usize,
        /// What is wrong with it.
        cause: Box<DecodeError>,
    },
    /// The payload is not what `datacontenttype` says.
    #[error("`{field}` is not {wanted}: {reason}")]
    Data {
        /// The member it was in: `data` or `data_base64`.
        field: &'static str,
        /// What it should be.
        wanted: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// Both forms of payload are there.
    #[error("`data` and `data_base64` exclude each other")]
    TwoPayloads,
    /// A header cannot be read.
    #[error("header `{name}` {reason}")]
    Header {
        /// The header.
        name: String,
        /// What is wrong with its value.
        reason: &'static str,
    },
}

impl DecodeError {
    /// Returns the attribute, member or header at fault, where one is.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field()),
            Self::Document { .. } | Self::NotBatch { .. } => None,
            Self::Batch { cause, .. } => cause.field(),
            Self::Data { field, .. } => Some(field),
            Self::TwoPayloads => Some("data_base64"),
            Self::Header { name, .. } => Some(name),
        }
    }
}
