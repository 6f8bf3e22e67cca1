//! Lots: a device's luck in one matter, fixed by the fleet's seed and the device's index.
//!
//! A lot depends on nothing that happened before, so the same devices fail on the same version however the fleet is
//! scheduled, and raising a probability only ever adds devices. Not in here: jitter, which is drawn in sequence.

use sha2::{Digest, Sha256};

/// What a lot is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matter {
    Install,
    Silence,
    Offline,
    Slowness,
    Twice,
    Late,
    Cancel,
    Jitter,
}

impl Matter {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Install => b"install",
            Self::Silence => b"silence",
            Self::Offline => b"offline",
            Self::Slowness => b"slowness",
            Self::Twice => b"twice",
            Self::Late => b"late",
            Self::Cancel => b"cancel",
            Self::Jitter => b"jitter",
        }
    }
}

/// The source of one device's lots.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lots {
    seed: u64,
    index: u64,
}

impl Lots {
    pub(crate) fn new(seed: u64, index: u64) -> Self {
        Self { seed, index }
    }

    /// A number in `0.0..1.0`, evenly spread over devices; compare with `<` to a probability.
    pub(crate) fn draw(self, matter: Matter, subject: &str, attempt: u32) -> f64 {
        const STEPS: f64 = (1_u64 << 53) as f64;
        (self.number(matter, subject, attempt) >> 11) as f64 / STEPS
    }

    /// The 64 bits behind [`Lots::draw`].
    pub(crate) fn number(self, matter: Matter, subject: &str, attempt: u32) -> u64 {
        let digest = Sha256::new()
            .chain_update(self.seed.to_be_bytes())
            .chain_update(self.index.to_be_bytes())
            .chain_update(attempt.to_be_bytes())
            .chain_update(matter.label())
            .chain_update([0])
            .chain_update(subject.as_bytes())
            .finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| (number << 8) | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::{Lots, Matter};

    #[test]
    fn lots_are_even_and_repeatable() {
        let below = (0..10_000)
            .filter(|index| Lots::new(5, *index).draw(Matter::Install, "2.0.0", 0) < 0.1)
            .count();
        assert!(
            (900..1_100).contains(&below),
            "{below} of 10000 lots are below 0.1"
        );
        let first = Lots::new(5, 3);
        assert_eq!(
            first.number(Matter::Late, "11", 0),
            first.number(Matter::Late, "11", 0)
        );
        assert_ne!(
            first.number(Matter::Late, "11", 0),
            first.number(Matter::Twice, "11", 0)
        );
        assert_ne!(
            first.number(Matter::Late, "11", 0),
            Lots::new(6, 3).number(Matter::Late, "11", 0)
        );
        assert_ne!(
            first.number(Matter::Late, "11", 0),
            first.number(Matter::Late, "11", 1)
        );
    }
}
