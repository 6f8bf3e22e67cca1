//! Chance that is no chance: numbers from a seed, the same on every machine.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

use crate::percent::Percent;

/// Numbers drawn from a seed, by hashing a counter.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    seed: u64,
    drawn: u64,
}

impl Chance {
    /// The numbers of one thing under this seed.
    pub(super) const fn of(seed: u64, thing: u64) -> Self {
        // Every thing draws a few numbers, far fewer than this.
        Self {
            seed,
            drawn: thing << 8,
        }
    }

    fn draw(&mut self) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.seed, 0x7265_6865_6172_7365);
        hasher.write_u64(self.drawn);
        self.drawn += 1;
        hasher.finish()
    }

    /// A whole number below `end`, each as likely as any other.
    pub(super) fn below(&mut self, end: u32) -> u32 {
        let wide = u128::from(self.draw()) * u128::from(end);
        (wide >> 64) as u32
    }

    /// True in this share of cases.
    pub(super) fn happens(&mut self, share: Percent) -> bool {
        self.below(10_000) < share.hundredths()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_seeds_differ() {
        let share = Percent::try_from(3.25).unwrap();
        let count = |seed| {
            let happens = |thing| Chance::of(seed, thing).happens(share);
            (0..100_000).filter(|thing| happens(*thing)).count()
        };
        let (one, two) = (count(1), count(2));
        assert_ne!(one, two);
        for n in [one, two] {
            assert!((3_000..3_500).contains(&n), "{n}");
        }
        assert_eq!(count(1), one);
    }
}
