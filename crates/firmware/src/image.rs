//! What is known of an image that was accepted: its format, version, digests, parts and findings.
//!
//! Why an image is refused is in `error.rs`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digests::{Digest, Digests};

/// The formats that are told apart. The names in text and JSON are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// An SWUpdate archive: cpio, with `sw-description` as its first member.
    Swu,
    /// Bytes of no known format; only their digests are known.
    Raw,
}

impl Format {
    /// The stable lower-case name: `swu`, `raw`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Swu => "swu",
            Self::Raw => "raw",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An image that was read to its end and found whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Image {
    /// The format it was read as.
    pub format: Format,
    /// Bytes of the whole image.
    pub size: u64,
    /// Digests of the whole image.
    pub digests: Digests,
    /// The version it states; `None` where the format has none.
    pub version: Option<String>,
    /// The name it states.
    pub name: Option<String>,
    /// The description it states.
    pub description: Option<String>,
    /// The hardware it is for, as written in the image: `rev1`, `#RE:^rev.*$`. Empty means it doesn't say.
    pub hardware: Vec<String>,
    /// It carries a signature. The signature is **not** verified here.
    pub signed: bool,
    /// The files inside, in their order, without description and signature. Empty for a raw image.
    pub parts: Vec<Part>,
    /// What a person should know about this image although it was accepted.
    pub findings: Vec<Finding>,
}

/// A file inside an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name in the image.
    pub name: String,
    /// Its bytes, as they are in the image (compressed or encrypted where the image has it so).
    pub size: u64,
    /// SHA-256 of these bytes.
    pub digest: Digest<32>,
}

/// Something odd about an accepted image. `Display` is a sentence; in JSON, `code` is stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Finding {
    /// `sw-description` is JSON, which isn't read: no version, no hardware and no digest was checked.
    DescriptionNotRead,
    /// The description names no hardware.
    NoHardware,
    /// A file the description gives no sha256 for.
    NoDigest {
        /// The file's name.
        member: String,
    },
    /// A file the description doesn't name.
    UnlistedMember {
        /// The file's name.
        member: String,
    },
    /// A file that is in the archive more than once.
    RepeatedMember {
        /// The file's name.
        member: String,
    },
    /// `sw-description.sig` is there and has no bytes.
    EmptySignature,
    /// The archive ends right behind its last member, not at a whole block of 512 bytes.
    NotPadded,
    /// Bytes other than zero behind the end of the archive; nothing in the archive accounts for them.
    TrailingBytes {
        /// How many, counted from the end of the archive to the end of the file.
        bytes: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DescriptionNotRead => f.write_str(
                "sw-description is JSON, which is not read: version, hardware and sha256 attributes are unknown and \
                 unchecked; write it in libconfig syntax to have them checked",
            ),
            Self::NoHardware => f.write_str(
                "sw-description has no hardware-compatibility: a device can't tell whether the image is for it",
            ),
            Self::NoDigest { member } => write!(
                f,
                "sw-description gives no sha256 for \"{member}\": a signature does not cover its content, and devices \
                 that want signed images refuse it"
            ),
            Self::UnlistedMember { member } => {
                write!(f, "sw-description does not name \"{member}\": devices skip it")
            }
            Self::RepeatedMember { member } => {
                write!(f, "\"{member}\" is in the archive more than once")
            }
            Self::EmptySignature => {
                f.write_str("sw-description.sig is empty: the image counts as unsigned")
            }
            Self::NotPadded => {
                f.write_str("the archive is not padded to a whole block of 512 bytes")
            }
            Self::TrailingBytes { bytes } => {
                write!(f, "{bytes} bytes follow the end of the archive; devices ignore them")
            }
        }
    }
}

/// What a format's reader adds to what is known of every image.
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) version: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) hardware: Vec<String>,
    pub(crate) signed: bool,
    pub(crate) parts: Vec<Part>,
    pub(crate) findings: Vec<Finding>,
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    use super::*;

    #[test]
    fn the_name_of_a_format_is_the_same_in_text_and_in_json() {
        for format in [Format::Swu, Format::Raw] {
            let name: StrDeserializer<'_, Error> = format.as_str().into_deserializer();
            assert_eq!(Format::deserialize(name), Ok(format));
            assert_eq!(format.to_string(), format.as_str());
        }
    }
}
