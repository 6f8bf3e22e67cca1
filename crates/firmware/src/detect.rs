//! Which format an image has: the list of known formats, asked in order.
//!
//! How a format is read is in its own module.

use crate::error::ImageError;
use crate::image::{Contents, Format};
use crate::{raw, swu};

/// As many first bytes of a file are gathered before the formats are asked (fewer only if the file is shorter).
pub(crate) const HEAD_LEN: usize = 512;

/// The known formats; the first whose probe says yes reads the image. A format is one line here.
const FORMATS: &[Detection] = &[swu::DETECTION];

/// Reads one image of one format; is pushed every byte of it once, in order.
pub(crate) trait FormatReader: Send {
    /// Takes the next bytes. Not called again after an error.
    fn push(&mut self, bytes: &[u8]) -> Result<(), ImageError>;

    /// The image has ended.
    fn finish(self: Box<Self>) -> Result<Contents, ImageError>;
}

/// How a format is recognised.
pub(crate) struct Detection {
    pub(crate) format: Format,
    /// The format in words with its article, for messages.
    pub(crate) title: &'static str,
    /// A file whose name ends so, in any case, has to be of this format.
    pub(crate) suffix: &'static str,
    /// What the format begins with, for messages.
    pub(crate) begins_with: &'static str,
    /// Whether a file with these first bytes is of this format.
    pub(crate) probe: fn(&[u8]) -> bool,
    /// A reader for one image.
    pub(crate) open: fn() -> Box<dyn FormatReader>,
}

/// A reader for a file of that name with these first bytes. The reader has yet to be pushed them.
pub(crate) fn open(
    file_name: &str,
    head: &[u8],
) -> Result<(Format, Box<dyn FormatReader>), ImageError> {
    if let Some(detection) = FORMATS.iter().find(|detection| (detection.probe)(head)) {
        return Ok((detection.format, (detection.open)()));
    }
    match FORMATS
        .iter()
        .find(|detection| ends_with(file_name, detection.suffix))
    {
        Some(detection) => Err(ImageError::NotAsNamed {
            file_name: file_name.escape_debug().to_string(),
            format: detection.title,
            found: head[..head.len().min(8)].escape_ascii().to_string(),
            expected: detection.begins_with,
        }),
        None => Ok((Format::Raw, raw::open())),
    }
}

fn ends_with(file_name: &str, suffix: &str) -> bool {
    let name = file_name.as_bytes();
    name.len() >= suffix.len()
        && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(file_name: &str, head: &[u8]) -> Result<Format, String> {
        open(file_name, head)
            .map(|(format, _)| format)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_bytes_decide_and_a_name_only_forbids() {
        assert_eq!(format("a.swu", b"070701..."), Ok(Format::Swu));
        assert_eq!(format("a.bin", b"070702..."), Ok(Format::Swu));
        assert_eq!(format("a.bin", b"070703..."), Ok(Format::Raw));
        assert_eq!(format("", b"0"), Ok(Format::Raw));
        assert_eq!(format("swu", b"0"), Ok(Format::Raw));
        for name in ["a.swu", "A.SWU", ".swu", "é.Swu"] {
            let message = format(name, b"07070\n\xff").unwrap_err();
            assert!(
                message.contains("named like an SWUpdate image"),
                "{message}"
            );
            assert!(
                message.contains(r#"begins with "07070\n\xff""#),
                "{message}"
            );
        }
    }
}
