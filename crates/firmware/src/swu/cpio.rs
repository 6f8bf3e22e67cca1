//! cpio archives of the "new ASCII" kinds, read as a stream: 070701 (newc) and 070702 (crc, with a sum per file).
//!
//! Only the shape of the archive and the sums are checked here; what its members mean is the caller's matter.

mod header;

use self::header::{HEADER_LEN, Header, check_magic, padding, parse_name};
use crate::error::ImageError;

/// What a member begins with: newc, crc.
pub(super) const MAGICS: [&[u8]; 2] = [b"070701", b"070702"];
/// The name of the member that ends an archive.
pub(super) const TRAILER: &str = "TRAILER!!!";

const BLOCK: u64 = 512;

/// Splits pushed bytes into members. Holds one header and one name, never content.
pub(super) struct CpioReader {
    position: u64,
    gathered: Vec<u8>,
    state: State,
}

/// A file in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) size: u64,
    /// Where its header begins, in bytes from the start of the archive.
    pub(super) offset: u64,
}

/// What comes next in the archive; each member is one `Begin`, its content in pieces, one `End`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    Begin(Member),
    Content(&'a [u8]),
    /// The content was complete and had the sum its header states.
    End,
}

/// What follows the trailer of an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing, or zeros, up to a whole block.
    Padded,
    /// Nothing, although no whole block is reached.
    NotPadded,
    /// So many bytes, and not all of them zeros.
    Followed { bytes: u64 },
}

enum State {
    Header,
    Name(Header),
    Content {
        member: Member,
        check: Option<u32>,
        left: u64,
        sum: u32,
    },
    Padding {
        left: u64,
    },
    Tail {
        begin: u64,
        zeros: bool,
    },
}

impl CpioReader {
    pub(super) fn new() -> Self {
        Self {
            position: 0,
            gathered: Vec::new(),
            state: State::Header,
        }
    }

    /// Takes from `input` as far as the next event; `None` when `input` is used up.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, ImageError> {
        loop {
            match &mut self.state {
                State::Header => {
                    if !self.gather(input, HEADER_LEN) {
                        return Ok(None);
                    }
                    let offset = self.position - HEADER_LEN as u64;
                    self.state = State::Name(Header::parse(&self.gathered, offset)?);
                    self.gathered.clear();
                }
                State::Name(header) => {
                    let header = *header;
                    if !self.gather(input, header.padded_name_len()) {
                        return Ok(None);
                    }
                    let name = parse_name(&self.gathered[..header.name_len], header.offset)?;
                    self.gathered.clear();
                    if let Some(member) = self.begin(header, name) {
                        return Ok(Some(Event::Begin(member)));
                    }
                }
                State::Content {
                    member,
                    check,
                    left: 0,
                    sum,
                } => {
                    held_to_sum(member, *check, *sum)?;
                    self.state = State::Padding {
                        left: padding(member.size),
                    };
                    return Ok(Some(Event::End));
                }
                State::Content { left, sum, .. } => {
                    let content = take(&mut self.position, input, *left);
                    if content.is_empty() {
                        return Ok(None);
                    }
                    *left -= content.len() as u64;
                    *sum = content
                        .iter()
                        .fold(*sum, |sum, byte| sum.wrapping_add(u32::from(*byte)));
                    return Ok(Some(Event::Content(content)));
                }
                State::Padding { left } => {
                    *left -= take(&mut self.position, input, *left).len() as u64;
                    if *left > 0 {
                        return Ok(None);
                    }
                    self.state = State::Header;
                }
                State::Tail { zeros, .. } => {
                    let tail = take(&mut self.position, input, u64::MAX);
                    *zeros &= tail.iter().all(|byte| *byte == 0);
                    return Ok(None);
                }
            }
        }
    }

    /// The input has ended: how the archive ends, or that it doesn't.
    pub(super) fn finish(&self) -> Result<Ending, ImageError> {
        let gathered = self.gathered.len();
        match &self.state {
            State::Header if gathered == 0 => Err(self.truncated(
                "the archive, before its TRAILER!!! member",
                HEADER_LEN as u64,
            )),
            State::Header => {
                check_magic(&self.gathered, self.position - gathered as u64)?;
                Err(self.truncated(
                    "the header of a cpio member",
                    (HEADER_LEN - gathered) as u64,
                ))
            }
            State::Name(header) => {
                let missing = header.padded_name_len() - gathered;
                Err(self.truncated("the name of a cpio member", missing as u64))
            }
            State::Content { member, left, .. } => {
                Err(self.truncated(&format!("the content of \"{}\"", member.name), *left))
            }
            State::Padding { left } => Err(self.truncated("the padding of a cpio member", *left)),
            State::Tail { begin, zeros } => self.ending(*begin, *zeros),
        }
    }

    /// A cut inside the zeros harms no member, but shows that the file isn't the one that was made.
    fn ending(&self, begin: u64, zeros: bool) -> Result<Ending, ImageError> {
        let bytes = self.position - begin;
        let over = self.position % BLOCK;
        match (zeros, over, bytes) {
            (false, _, _) => Ok(Ending::Followed { bytes }),
            (true, 0, _) => Ok(Ending::Padded),
            (true, _, 0) => Ok(Ending::NotPadded),
            (true, _, _) => Err(self.truncated(
                "the zeros that fill the last block of the archive",
                BLOCK - over,
            )),
        }
    }

    /// Enters the member's content, or the tail if it is the trailer.
    fn begin(&mut self, header: Header, name: String) -> Option<Member> {
        if name == TRAILER {
            self.state = State::Tail {
                begin: self.position,
                zeros: true,
            };
            return None;
        }
        let member = Member {
            name,
            size: header.size,
            offset: header.offset,
        };
        self.state = State::Content {
            member: member.clone(),
            check: header.check,
            left: header.size,
            sum: 0,
        };
        Some(member)
    }

    /// Gathers up to `len` bytes across chunks; whether all of them are there.
    fn gather(&mut self, input: &mut &[u8], len: usize) -> bool {
        let missing = len - self.gathered.len();
        self.gathered
            .extend_from_slice(take(&mut self.position, input, missing as u64));
        self.gathered.len() == len
    }

    fn truncated(&self, inside: &str, missing: u64) -> ImageError {
        ImageError::Truncated {
            at: self.position,
            inside: inside.to_owned(),
            missing,
        }
    }
}

fn take<'a>(position: &mut u64, input: &mut &'a [u8], at_most: u64) -> &'a [u8] {
    let len = usize::try_from(at_most)
        .unwrap_or(usize::MAX)
        .min(input.len());
    let (taken, rest) = input.split_at(len);
    *input = rest;
    *position += len as u64;
    taken
}

fn held_to_sum(member: &Member, check: Option<u32>, sum: u32) -> Result<(), ImageError> {
    match check {
        Some(expected) if expected != sum => Err(ImageError::BadChecksum {
            member: member.name.clone(),
            offset: member.offset,
            expected,
            actual: sum,
        }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
