//! The digests of a byte stream: SHA-256, SHA-1 and MD5, all in one pass.
//!
//! SHA-256 identifies an image. SHA-1 and MD5 exist for update protocols that want them; nothing is decided by them.

use std::fmt;

use md5::Md5;
use serde::{Serialize, Serializer};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// A digest of `N` bytes; shown, and serialized, as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest<const N: usize>([u8; N]);

impl<const N: usize> Digest<N> {
    /// Takes the digest's bytes as they come from the hash function.
    #[must_use]
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// Reads `2 * N` hexadecimal digits of either case; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The digest's bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }

    /// The digest in lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl<const N: usize> fmt::Display for Digest<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl<const N: usize> fmt::Debug for Digest<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl<const N: usize> Serialize for Digest<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The three digests of one image, over all its bytes as they were pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Digests {
    /// SHA-256: the identity of the image.
    pub sha256: Digest<32>,
    /// SHA-1, for protocols that ask for it.
    pub sha1: Digest<20>,
    /// MD5, for protocols that ask for it.
    pub md5: Digest<16>,
}

/// The running state behind [`Digests`].
#[derive(Default)]
pub(crate) struct Hashing {
    sha256: Sha256,
    sha1: Sha1,
    md5: Md5,
}

impl Hashing {
    /// Takes the next bytes into all three digests.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.md5.update(bytes);
    }

    /// The digests of everything pushed.
    pub(crate) fn finish(self) -> Digests {
        Digests {
            sha256: Digest(self.sha256.finalize().into()),
            sha1: Digest(self.sha1.finalize().into()),
            md5: Digest(self.md5.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests_of_abc_in_two_pushes() {
        let mut hashing = Hashing::default();
        hashing.push(b"a");
        hashing.push(b"bc");
        let digests = hashing.finish();
        assert_eq!(
            digests.sha256.to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            digests.sha1.to_hex(),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(digests.md5.to_hex(), "900150983cd24fb0d6963f7d28e17f72");
    }

    #[test]
    fn hexadecimal_is_read_in_either_case_and_written_in_lower_case() {
        let digest = Digest::<2>::from_hex("aBcD").unwrap();
        assert_eq!(digest.as_bytes(), &[0xab, 0xcd]);
        assert_eq!(digest.to_string(), "abcd");
        assert_eq!(digest, Digest::new([0xab, 0xcd]));
        for wrong in ["", "abc", "abcde", "abcdef", "abxd", "ab d"] {
            assert_eq!(Digest::<2>::from_hex(wrong), None, "{wrong:?}");
        }
    }
}
