//! The header of a cpio member and the name behind it.

use super::MAGICS;
use crate::error::ImageError;

/// Bytes of a header: a magic of 6 and 13 numbers of 8 digits.
pub(super) const HEADER_LEN: usize = 110;

const NAME_LIMIT: u64 = 4096;

/// The numbers of a header that matter.
#[derive(Clone, Copy)]
pub(super) struct Header {
    /// Where it begins, in bytes from the start of the archive.
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) name_len: usize,
    /// The sum of the content; newc has none.
    pub(super) check: Option<u32>,
}

impl Header {
    /// Reads the magic and those of the 13 numbers that matter, 8 hexadecimal digits each.
    pub(super) fn parse(bytes: &[u8], offset: u64) -> Result<Self, ImageError> {
        check_magic(bytes, offset)?;
        let number = |index: usize, field: &'static str| {
            let digits = &bytes[6 + 8 * index..][..8];
            parse_hex(digits).ok_or_else(|| ImageError::BadHeader {
                offset,
                field,
                found: digits.escape_ascii().to_string(),
            })
        };
        let size = u64::from(number(6, "file size")?);
        let name_len = u64::from(number(11, "name size")?);
        if name_len > NAME_LIMIT {
            return Err(ImageError::TooLarge {
                what: "the size of a member's name in bytes",
                offset,
                size: name_len,
                limit: NAME_LIMIT,
            });
        }
        let check = if bytes.starts_with(MAGICS[1]) {
            Some(number(12, "checksum")?)
        } else {
            None
        };
        Ok(Self {
            offset,
            size,
            name_len: name_len as usize,
            check,
        })
    }

    /// Bytes from the end of the header to the content.
    pub(super) fn padded_name_len(&self) -> usize {
        self.name_len + padding((HEADER_LEN + self.name_len) as u64) as usize
    }
}

/// Bytes from `len` to the next multiple of four.
pub(super) const fn padding(len: u64) -> u64 {
    (4 - len % 4) % 4
}

/// Whether these bytes, at most the first of a header, can begin one.
pub(super) fn check_magic(bytes: &[u8], offset: u64) -> Result<(), ImageError> {
    let magic = &bytes[..bytes.len().min(6)];
    if MAGICS.iter().any(|expected| expected.starts_with(magic)) {
        return Ok(());
    }
    Err(ImageError::BadMagic {
        offset,
        found: magic.escape_ascii().to_string(),
    })
}

fn parse_hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number: u32, digit| {
        Some(number << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// The name behind a header, from its bytes with the closing zero.
pub(super) fn parse_name(bytes: &[u8], offset: u64) -> Result<String, ImageError> {
    let refuse = |reason| Err(ImageError::BadName { offset, reason });
    let end = bytes
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(bytes.len());
    let (name, zeros) = bytes.split_at(end);
    if zeros.is_empty() || zeros.iter().any(|byte| *byte != 0) {
        return refuse("is not closed with a zero byte");
    }
    let Ok(name) = std::str::from_utf8(name) else {
        return refuse("is not UTF-8");
    };
    if name.is_empty() {
        return refuse("is empty");
    }
    if name.chars().any(char::is_control) {
        return refuse("has control characters");
    }
    if name.starts_with('/') || name.split('/').any(|step| step == "..") {
        return refuse("leads out of the archive");
    }
    Ok(name.to_owned())
}
