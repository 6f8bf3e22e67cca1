//! Which hardware an image fits.

use serde::{Deserialize, Serialize};

/// A hardware model, and a revision where only one of them fits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hardware {
    /// The model, as devices name it.
    pub model: String,
    /// The revision; all of them when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
}

impl Hardware {
    /// Reads `model` or `model:revision`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (model, revision) = match text.split_once(':') {
            Some((model, revision)) => (model.trim(), Some(revision.trim())),
            None => (text.trim(), None),
        };
        (!model.is_empty() && revision != Some("")).then(|| Self {
            model: model.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }

    /// Whether a device of this model and revision is meant.
    #[must_use]
    pub fn fits(&self, model: &str, revision: &str) -> bool {
        self.model == model && self.revision.as_deref().is_none_or(|r| r == revision)
    }
}

/// Whether an image made for `hardware` fits a device; an image that names none fits all.
#[must_use]
pub fn fits(hardware: &[Hardware], model: &str, revision: &str) -> bool {
    hardware.is_empty() || hardware.iter().any(|h| h.fits(model, revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_narrows_and_none_widens() {
        let list = [
            Hardware::parse("pump:B").unwrap(),
            Hardware::parse("valve").unwrap(),
        ];
        assert!(fits(&list, "pump", "B") && fits(&list, "valve", "7"));
        assert!(!fits(&list, "pump", "A") && !fits(&list, "", ""));
        assert!(fits(&[], "anything", ""));
        assert_eq!(
            (Hardware::parse(":A"), Hardware::parse("pump:")),
            (None, None)
        );
    }
}
