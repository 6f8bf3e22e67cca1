//! Which device is in which wave: a deterministic order of the target devices, stratified by hardware.
//!
//! The order depends on the seed and the devices' ids alone, so that a re-run, another replica or a
//! larger `rollout_percentage` chooses the same devices first. Every prefix of it holds each hardware
//! stratum in proportion, and the first devices are one of each stratum, the largest stratum first.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;

/// A device that could be updated.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    rank: u64,
    stratum: u32,
}

impl Candidate {
    /// The device `id`, of the hardware stratum (model and revision) that the caller numbered so.
    #[must_use]
    pub fn new(seed: u64, id: &str, stratum: u32) -> Self {
        Self {
            rank: rank(seed, id),
            stratum,
        }
    }
}

/// The order in which devices are taken, as positions in `candidates`.
#[must_use]
pub fn order(candidates: &[Candidate]) -> Vec<u32> {
    let mut ranked: Vec<(u32, u64, u32)> = candidates
        .iter()
        .enumerate()
        .map(|(position, c)| (c.stratum, c.rank, position as u32))
        .collect();
    ranked.sort_unstable();
    let mut placed: Vec<(u64, u64, u64, u32)> = Vec::with_capacity(ranked.len());
    for stratum in ranked.chunk_by(|a, b| a.0 == b.0) {
        let size = stratum.len() as u64;
        for (nth, &(_, rank, position)) in stratum.iter().enumerate() {
            placed.push(place(nth as u64, size, rank, position));
        }
    }
    placed.sort_unstable();
    placed.into_iter().map(|(.., position)| position).collect()
}

/// First devices of all strata come before everything else, larger strata first; the n-th of `size`
/// others lies at (n + ½) / size of the way.
fn place(nth: u64, size: u64, rank: u64, position: u32) -> (u64, u64, u64, u32) {
    if nth == 0 {
        return (0, u64::MAX - size, rank, position);
    }
    let way = ((2 * nth + 1) << 31) / size;
    (1 + way, 0, rank, position)
}

/// The device's place by chance: SipHash-2-4 (Aumasson and Bernstein, 2012) keyed with the seed.
fn rank(seed: u64, id: &str) -> u64 {
    let mut hasher = SipHasher24::new_with_keys(seed, 0x666c_6565_7477_6172);
    hasher.write(id.as_bytes());
    hasher.finish()
}

/// A seed from a name, stable over versions and machines.
#[must_use]
pub fn seed_of(name: &str) -> u64 {
    rank(0, name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn fleet(strata: &[u32]) -> Vec<(String, u32)> {
        let mut all = Vec::new();
        for (stratum, &count) in strata.iter().enumerate() {
            for n in 0..count {
                all.push((format!("dev-{stratum}-{n}"), stratum as u32));
            }
        }
        all
    }

    fn ordered(seed: u64, fleet: &[(String, u32)]) -> Vec<&(String, u32)> {
        let candidates: Vec<_> = fleet
            .iter()
            .map(|(id, stratum)| Candidate::new(seed, id, *stratum))
            .collect();
        let order = order(&candidates);
        order.into_iter().map(|at| &fleet[at as usize]).collect()
    }

    proptest! {
        #[test]
        fn the_order_does_not_depend_on_how_devices_are_listed(
            seed: u64, strata in prop::collection::vec(1u32..40, 1..5),
        ) {
            let forward = fleet(&strata);
            let mut backward = forward.clone();
            backward.reverse();
            prop_assert_eq!(ordered(seed, &forward), ordered(seed, &backward));
        }

        #[test]
        fn every_prefix_is_in_proportion(
            seed: u64, strata in prop::collection::vec(1u32..200, 1..6), share in 1usize..=100,
        ) {
            let fleet = fleet(&strata);
            let prefix = (fleet.len() * share).div_ceil(100);
            let mut taken: BTreeMap<u32, u64> = BTreeMap::new();
            for device in &ordered(seed, &fleet)[..prefix] {
                *taken.entry(device.1).or_default() += 1;
            }
            if prefix >= strata.len() {
                prop_assert_eq!(taken.len(), strata.len(), "one of each");
            }
            for (&stratum, &n) in &taken {
                let fair = prefix as f64 * f64::from(strata[stratum as usize]) / fleet.len() as f64;
                prop_assert!((n as f64 - fair).abs() <= strata.len() as f64 + 1.0);
            }
        }
    }
}
