//! Small cpio archives made for the tests of this folder.

/// An archive in the making; the kind is its magic.
#[derive(Clone)]
pub(super) struct Archive {
    magic: &'static str,
    bytes: Vec<u8>,
}

impl Archive {
    pub(super) fn new(magic: &'static str) -> Self {
        Self {
            magic,
            bytes: Vec::new(),
        }
    }

    /// An archive of the crc kind with this description.
    pub(super) fn described(description: &str) -> Self {
        Self::new("070702").with("sw-description", description.as_bytes())
    }

    pub(super) fn with(mut self, name: &str, content: &[u8]) -> Self {
        self.add(name, content);
        self
    }

    pub(super) fn add(&mut self, name: &str, content: &[u8]) {
        let sum = match self.magic {
            "070702" => content.iter().map(|byte| u32::from(*byte)).sum(),
            _ => 0,
        };
        let numbers = [
            7,
            0o100_644,
            0,
            0,
            1,
            0,
            content.len() as u32,
            0,
            0,
            0,
            0,
            name.len() as u32 + 1,
            sum,
        ];
        self.bytes.extend(self.magic.bytes());
        for number in numbers {
            self.bytes.extend(format!("{number:08X}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.fill(4);
        self.bytes.extend(content);
        self.fill(4);
    }

    /// With the trailer, without padding.
    pub(super) fn end(&self) -> Vec<u8> {
        self.clone().with("TRAILER!!!", b"").bytes
    }

    /// With the trailer, padded to a whole block.
    pub(super) fn padded(&self) -> Vec<u8> {
        let mut ended = self.clone().with("TRAILER!!!", b"");
        ended.fill(512);
        ended.bytes
    }

    fn fill(&mut self, multiple: usize) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(multiple), 0);
    }
}
