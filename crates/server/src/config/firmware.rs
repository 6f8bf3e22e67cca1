//! `firmware`: what images are taken in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rules for uploaded images.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Firmware {
    /// Greatest size of an image in bytes; not limited when left out.
    #[schemars(range(min = 1))]
    pub max_size: Option<u64>,
}
