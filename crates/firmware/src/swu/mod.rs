//! SWUpdate images (`.swu`): a cpio archive with `sw-description` first, its signature after it, then the files.
//!
//! Every file's content is held to its cpio sum and to the sha256 the description gives, and every file the
//! description names has to be there. The signature (`sw-description.sig`) is noticed and not verified.

#[cfg(test)]
mod archive;
mod cpio;
mod description;
mod libconfig;

use sha2::{Digest as _, Sha256};

use self::cpio::{CpioReader, Ending, Event, MAGICS, Member, TRAILER};
use self::description::Description;
use crate::detect::{Detection, FormatReader};
use crate::digests::Digest;
use crate::error::ImageError;
use crate::image::{Contents, Finding, Format, Part};

/// How an SWUpdate image is recognised.
pub(crate) const DETECTION: Detection = Detection {
    format: Format::Swu,
    title: "an SWUpdate image",
    suffix: ".swu",
    begins_with: "the cpio magic 070701 or 070702",
    probe: |head| MAGICS.iter().any(|magic| head.starts_with(magic)),
    open: || Box::new(SwuReader::new()),
};

const DESCRIPTION: &str = "sw-description";
const SIGNATURE: &str = "sw-description.sig";
const DESCRIPTION_LIMIT: u64 = 1024 * 1024;
/// Bounds what a hostile archive of many empty members can make us remember.
const MEMBER_LIMIT: u64 = 1024;

struct SwuReader {
    archive: CpioReader,
    members: u64,
    current: Current,
    description: Known,
    signed: bool,
    parts: Vec<Part>,
    findings: Vec<Finding>,
}

/// What is known of the image's description.
enum Known {
    NotYet,
    /// It is there in a syntax that isn't read.
    Unreadable,
    Described(Description),
}

/// The member whose content is being read.
enum Current {
    Nothing,
    Description(Vec<u8>),
    Signature,
    Part(Member, Sha256),
}

impl SwuReader {
    fn new() -> Self {
        Self {
            archive: CpioReader::new(),
            members: 0,
            current: Current::Nothing,
            description: Known::NotYet,
            signed: false,
            parts: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn begin(&mut self, member: Member) -> Result<(), ImageError> {
        let index = self.members;
        self.members += 1;
        if self.members > MEMBER_LIMIT {
            return Err(ImageError::TooLarge {
                what: "the number of members in the archive",
                offset: member.offset,
                size: self.members,
                limit: MEMBER_LIMIT,
            });
        }
        self.current = match (index, member.name.as_str()) {
            (0, DESCRIPTION) if member.size > DESCRIPTION_LIMIT => {
                return Err(ImageError::TooLarge {
                    what: "the size of sw-description in bytes",
                    offset: member.offset,
                    size: member.size,
                    limit: DESCRIPTION_LIMIT,
                });
            }
            (0, DESCRIPTION) => Current::Description(Vec::new()),
            (0, _) => {
                return Err(misplaced(
                    member,
                    "the first member of an SWUpdate image is sw-description",
                ));
            }
            (_, DESCRIPTION) => {
                return Err(misplaced(
                    member,
                    "sw-description comes once, as the first member",
                ));
            }
            (1, SIGNATURE) => {
                self.sign(member.size);
                Current::Signature
            }
            (_, SIGNATURE) => {
                return Err(misplaced(
                    member,
                    "the signature comes once, right after sw-description",
                ));
            }
            (_, _) => Current::Part(member, Sha256::new()),
        };
        Ok(())
    }

    fn sign(&mut self, size: u64) {
        self.signed = size > 0;
        if !self.signed {
            self.findings.push(Finding::EmptySignature);
        }
    }

    fn content(&mut self, bytes: &[u8]) {
        match &mut self.current {
            Current::Description(text) => text.extend_from_slice(bytes),
            Current::Part(_, hash) => hash.update(bytes),
            Current::Signature | Current::Nothing => {}
        }
    }

    fn end(&mut self) -> Result<(), ImageError> {
        match std::mem::replace(&mut self.current, Current::Nothing) {
            Current::Description(text) => self.describe(&text),
            Current::Part(member, hash) => self.keep(member, Digest::new(hash.finalize().into())),
            Current::Signature | Current::Nothing => Ok(()),
        }
    }

    fn describe(&mut self, text: &[u8]) -> Result<(), ImageError> {
        self.description = match Description::read(text)? {
            Some(description) => {
                if description.hardware.is_empty() {
                    self.findings.push(Finding::NoHardware);
                }
                Known::Described(description)
            }
            None => {
                self.findings.push(Finding::DescriptionNotRead);
                Known::Unreadable
            }
        };
        Ok(())
    }

    /// Holds a file to the description and adds it to the parts.
    fn keep(&mut self, member: Member, digest: Digest<32>) -> Result<(), ImageError> {
        if let Known::Described(description) = &self.description {
            let mut listed = description
                .files
                .iter()
                .filter(|file| file.name == member.name)
                .peekable();
            if listed.peek().is_none() {
                self.findings.push(Finding::UnlistedMember {
                    member: member.name.clone(),
                });
            }
            for file in listed {
                match file.sha256 {
                    Some(expected) if expected != digest => {
                        return Err(ImageError::DigestMismatch {
                            member: member.name,
                            offset: member.offset,
                            expected,
                            actual: digest,
                        });
                    }
                    Some(_) => {}
                    None => note(
                        &mut self.findings,
                        Finding::NoDigest {
                            member: member.name.clone(),
                        },
                    ),
                }
            }
        }
        if self.parts.iter().any(|part| part.name == member.name) {
            note(
                &mut self.findings,
                Finding::RepeatedMember {
                    member: member.name.clone(),
                },
            );
        }
        self.parts.push(Part {
            name: member.name,
            size: member.size,
            digest,
        });
        Ok(())
    }
}

impl FormatReader for SwuReader {
    fn push(&mut self, mut bytes: &[u8]) -> Result<(), ImageError> {
        while let Some(event) = self.archive.next(&mut bytes)? {
            match event {
                Event::Begin(member) => self.begin(member)?,
                Event::Content(content) => self.content(content),
                Event::End => self.end()?,
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Contents, ImageError> {
        match self.archive.finish()? {
            Ending::Padded => {}
            Ending::NotPadded => self.findings.push(Finding::NotPadded),
            Ending::Followed { bytes } => self.findings.push(Finding::TrailingBytes { bytes }),
        }
        let mut contents = Contents {
            signed: self.signed,
            parts: self.parts,
            findings: self.findings,
            ..Contents::default()
        };
        match self.description {
            Known::NotYet => {
                let trailer = Member {
                    name: TRAILER.to_owned(),
                    size: 0,
                    offset: 0,
                };
                return Err(misplaced(
                    trailer,
                    "an SWUpdate image has at least the member sw-description",
                ));
            }
            Known::Unreadable => {}
            Known::Described(description) => {
                all_present(&description, &contents.parts)?;
                contents.version = Some(description.version);
                contents.name = description.name;
                contents.description = description.description;
                contents.hardware = description.hardware;
            }
        }
        Ok(contents)
    }
}

fn all_present(description: &Description, parts: &[Part]) -> Result<(), ImageError> {
    match description
        .files
        .iter()
        .find(|file| parts.iter().all(|part| part.name != file.name))
    {
        None => Ok(()),
        Some(file) => Err(ImageError::MissingMember {
            member: file.name.clone(),
            line: file.at.line,
            column: file.at.column,
        }),
    }
}

fn misplaced(member: Member, rule: &'static str) -> ImageError {
    ImageError::MisplacedMember {
        member: member.name,
        offset: member.offset,
        rule,
    }
}

fn note(findings: &mut Vec<Finding>, finding: Finding) {
    if !findings.contains(&finding) {
        findings.push(finding);
    }
}

#[cfg(test)]
mod tests;
