//! Why an image is refused.
//!
//! Oddities of an accepted image are findings, in `image.rs`.

use thiserror::Error;

use crate::digests::Digest;

/// Why an image is refused: what is wrong, where (offsets are bytes from the start of the file), and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ImageError {
    /// The file has no bytes.
    #[error("the file is empty; upload the image itself")]
    Empty,

    /// The file ends before the image does.
    #[error(
        "the file ends at byte {at}, inside {inside}, at least {missing} bytes too early; it was cut short: copy or \
         upload it again"
    )]
    Truncated {
        /// The size of the file as it is.
        at: u64,
        /// What was being read there.
        inside: String,
        /// How many bytes this still needed.
        missing: u64,
    },

    /// The file's name promises a format its first bytes don't have.
    #[error(
        "{file_name} is named like {format}, but begins with \"{found}\" and not with {expected}; a device's client \
         would refuse it: upload the image itself, or rename the file if it is something else"
    )]
    NotAsNamed {
        /// The name it was uploaded under.
        file_name: String,
        /// The format in words, with its article.
        format: &'static str,
        /// The first bytes, escaped.
        found: String,
        /// The first bytes the format has.
        expected: &'static str,
    },

    /// A member of the archive doesn't begin as one.
    #[error(
        "at byte {offset} a cpio member should begin with 070701 or 070702 and begins with \"{found}\"; the archive \
         is damaged: build or copy it again"
    )]
    BadMagic {
        /// Where the member should begin.
        offset: u64,
        /// What is there, escaped.
        found: String,
    },

    /// A number in a member's header isn't one.
    #[error(
        "the cpio header at byte {offset} has \"{found}\" as its {field}, which is not 8 hexadecimal digits; the \
         archive is damaged: build or copy it again"
    )]
    BadHeader {
        /// Where the member begins.
        offset: u64,
        /// Which number.
        field: &'static str,
        /// What is there, escaped.
        found: String,
    },

    /// A member's name can't be used.
    #[error(
        "the cpio member at byte {offset} has a name that {reason}; build the archive again with plain file names"
    )]
    BadName {
        /// Where the member begins.
        offset: u64,
        /// What is wrong with the name.
        reason: &'static str,
    },

    /// A member is where another one has to be.
    #[error(
        "\"{member}\" at byte {offset} is out of place: {rule}; build the archive again in that order"
    )]
    MisplacedMember {
        /// The member's name.
        member: String,
        /// Where it begins.
        offset: u64,
        /// The rule it breaks.
        rule: &'static str,
    },

    /// The content of a member doesn't have the sum its header states.
    #[error(
        "the content of \"{member}\" (member at byte {offset}) sums to {actual:08x}, its cpio header says \
         {expected:08x}; it was damaged or changed after the archive was made: build or copy it again"
    )]
    BadChecksum {
        /// The member's name.
        member: String,
        /// Where it begins.
        offset: u64,
        /// The sum in its header.
        expected: u32,
        /// The sum of its content.
        actual: u32,
    },

    /// The content of a member doesn't have the SHA-256 the description states.
    #[error(
        "the sha256 of \"{member}\" (member at byte {offset}) is {actual}, sw-description says {expected}; build the \
         image again from matching files"
    )]
    DigestMismatch {
        /// The member's name.
        member: String,
        /// Where it begins.
        offset: u64,
        /// The digest in the description.
        expected: Digest<32>,
        /// The digest of the content.
        actual: Digest<32>,
    },

    /// The description names a file the archive doesn't have.
    #[error(
        "sw-description, line {line}, column {column}, names the file \"{member}\", which is not in the archive; add \
         it or take it out of the description"
    )]
    MissingMember {
        /// The file's name.
        member: String,
        /// Where the description names it, from 1.
        line: u32,
        /// The byte in that line, from 1.
        column: u32,
    },

    /// The description can't be read or says something impossible.
    #[error(
        "sw-description, line {line}, column {column}: {reason}; correct it and build the image again"
    )]
    Description {
        /// The line, from 1.
        line: u32,
        /// The byte in that line, from 1.
        column: u32,
        /// What is wrong there.
        reason: String,
    },

    /// Something is larger than any sound image has it.
    #[error(
        "at byte {offset} {what} is {size}, and the limit is {limit}; make it smaller, or \
         copy the file again if it is damaged"
    )]
    TooLarge {
        /// What is too large, with its unit.
        what: &'static str,
        /// Where the member with it begins.
        offset: u64,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
}
