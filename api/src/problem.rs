//! [`Problem`]: the body of every error answer.

use serde::{Deserialize, Serialize};

/// What was wrong with a request, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable name, such as `invalid-attribute`.
    pub error: String,
    /// The attribute, member, header or parameter at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Why it was refused.
    pub reason: String,
    /// How to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}
