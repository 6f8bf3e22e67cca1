//! The face of the crate: bytes are pushed in, an image or a refusal comes out.
//!
//! What is checked inside an image is in the format's own module.

use crate::detect::{self, FormatReader, HEAD_LEN};
use crate::digests::Hashing;
use crate::error::ImageError;
use crate::image::{Format, Image};

/// Reads one image from first byte to last, in chunks of any size; how it is cut makes no difference.
///
/// ```
/// let mut inspector = fleetward_firmware::Inspector::new("sensor.bin");
/// inspector.push(b"first chunk, ");
/// inspector.push(b"second chunk");
/// let image = inspector.finish()?;
/// assert_eq!(image.size, 25);
/// # Ok::<(), fleetward_firmware::ImageError>(())
/// ```
pub struct Inspector {
    file_name: String,
    size: u64,
    hashing: Hashing,
    stage: Stage,
}

enum Stage {
    /// Gathering the first bytes, by which the format is recognised.
    Probing(Vec<u8>),
    Reading(Format, Box<dyn FormatReader>),
    Refused(ImageError),
}

impl Inspector {
    /// Begins an image. Of `file_name` only the ending matters: one that belongs to a format has to be of that format.
    #[must_use]
    pub fn new(file_name: &str) -> Self {
        Self {
            file_name: file_name.to_owned(),
            size: 0,
            hashing: Hashing::default(),
            stage: Stage::Probing(Vec::new()),
        }
    }

    /// Takes the next bytes. A fault found in them is told by [`finish`](Self::finish), and by
    /// [`refusal`](Self::refusal) for those who would rather stop at once.
    pub fn push(&mut self, bytes: &[u8]) {
        if matches!(self.stage, Stage::Refused(_)) {
            return;
        }
        self.size += bytes.len() as u64;
        self.hashing.push(bytes);
        if let Err(error) = self.read(bytes) {
            self.stage = Stage::Refused(error);
        }
    }

    /// Why the image is refused already, whatever may follow. `None` says nothing: faults may still come.
    #[must_use]
    pub fn refusal(&self) -> Option<&ImageError> {
        match &self.stage {
            Stage::Refused(error) => Some(error),
            Stage::Probing(_) | Stage::Reading(..) => None,
        }
    }

    /// The image has ended: what it is.
    ///
    /// # Errors
    ///
    /// The first fault in it, by its place in the file; the whole image is then to be thrown away.
    pub fn finish(self) -> Result<Image, ImageError> {
        let (format, reader) = match self.stage {
            Stage::Probing(head) if head.is_empty() => return Err(ImageError::Empty),
            Stage::Probing(head) => open_with(&self.file_name, &head)?,
            Stage::Reading(format, reader) => (format, reader),
            Stage::Refused(error) => return Err(error),
        };
        let contents = reader.finish()?;
        Ok(Image {
            format,
            size: self.size,
            digests: self.hashing.finish(),
            version: contents.version,
            name: contents.name,
            description: contents.description,
            hardware: contents.hardware,
            signed: contents.signed,
            parts: contents.parts,
            findings: contents.findings,
        })
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        match &mut self.stage {
            Stage::Probing(head) => {
                let (taken, rest) = bytes.split_at(bytes.len().min(HEAD_LEN - head.len()));
                head.extend_from_slice(taken);
                if head.len() == HEAD_LEN {
                    let (format, mut reader) = open_with(&self.file_name, head)?;
                    reader.push(rest)?;
                    self.stage = Stage::Reading(format, reader);
                }
                Ok(())
            }
            Stage::Reading(_, reader) => reader.push(bytes),
            Stage::Refused(_) => Ok(()),
        }
    }
}

/// The reader for an image with these first bytes, which it has read.
fn open_with(file_name: &str, head: &[u8]) -> Result<(Format, Box<dyn FormatReader>), ImageError> {
    let (format, mut reader) = detect::open(file_name, head)?;
    reader.push(head)?;
    Ok((format, reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inspector_can_move_to_another_thread() {
        fn sendable<T: Send>(_: &T) {}
        sendable(&Inspector::new("a.bin"));
    }

    #[test]
    fn no_bytes_are_no_image() {
        let mut inspector = Inspector::new("a.bin");
        inspector.push(b"");
        assert_eq!(inspector.finish(), Err(ImageError::Empty));
    }

    #[test]
    fn a_refusal_is_known_as_soon_as_it_is_certain() {
        let mut inspector = Inspector::new("a.swu");
        inspector.push(&[b'x'; HEAD_LEN - 1]);
        assert_eq!(inspector.refusal(), None);
        inspector.push(b"x");
        let refusal = inspector.refusal().unwrap().clone();
        inspector.push(b"more");
        assert_eq!(inspector.finish(), Err(refusal));
    }
}
