//! What a wave of a given size can tell, for the warnings at plan time. Nothing here decides.
//!
//! Rates, chances and confidences go from 0 to 1; what is outside is held to the nearest end.

use serde::Serialize;

use super::sequential::Boundary;
use super::special::at_least;

/// The chance with which a wave should show a defect for us to say that it can detect it.
const DETECTED: f64 = 0.95;

/// Largest fixed sample that is searched for.
const MOST_DEVICES: u64 = 50_000;

/// Larger samples that must hold the power as well.
const NEIGHBOURS: u64 = 9;

/// What a wave can tell under the sequential gate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct WavePower {
    /// Devices of the wave.
    pub devices: u64,
    /// Devices that must succeed, with no failure, for the gate to pass.
    pub clean_devices_to_pass: u64,
    /// Failures that roll back when they come first.
    pub failures_to_roll_back: u64,
    /// The smallest defect, as a share of devices hit, that shows with a chance of 95 % at least once.
    pub detectable: f64,
}

/// A sample of a fixed size, looked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FixedSample {
    /// Devices.
    pub devices: u64,
    /// Failures from which the rate counts as bad.
    pub rejects_from: u64,
}

impl WavePower {
    /// What so many devices can tell.
    #[must_use]
    pub fn of(boundary: &Boundary, devices: u64) -> Self {
        Self {
            devices,
            clean_devices_to_pass: boundary.passes_from(0),
            failures_to_roll_back: boundary.fewest_failures(),
            detectable: detectable(devices, DETECTED),
        }
    }

    /// Whether the wave is large enough to pass at all.
    #[must_use]
    pub const fn can_pass(&self) -> bool {
        self.devices >= self.clean_devices_to_pass
    }

    /// Whether the wave is large enough to roll back at all.
    #[must_use]
    pub const fn can_roll_back(&self) -> bool {
        self.devices >= self.failures_to_roll_back
    }
}

/// The chance that so many devices show at least one failure of a defect that hits `rate` of them.
#[must_use]
pub fn chance_to_show(rate: f64, devices: u64) -> f64 {
    if devices == 0 {
        return 0.0;
    }
    -(devices as f64 * (-rate.clamp(0.0, 1.0)).ln_1p()).exp_m1()
}

/// The smallest rate of a defect that so many devices show at least once with this chance.
#[must_use]
pub fn detectable(devices: u64, chance: f64) -> f64 {
    if devices == 0 {
        return 1.0;
    }
    -((-chance.clamp(0.0, 1.0)).ln_1p() / devices as f64).exp_m1()
}

/// Devices without a failure that show, looked at once, that the failure rate is below `limit` at
/// this confidence; none when no number of devices can.
#[must_use]
pub fn clean_devices_to_show(limit: f64, confidence: f64) -> Option<u64> {
    let devices = (-confidence.clamp(0.0, 1.0)).ln_1p() / (-limit.clamp(0.0, 1.0)).ln_1p();
    devices.is_finite().then(|| devices.ceil().max(1.0) as u64)
}

/// The smallest sample that, looked at once, takes a `fine` rate for bad with a chance of at most
/// `false_alarm` and finds a `bad` rate with a chance of at least `power` (exact binomial test).
///
/// Power is a saw: a device more can lower it, because the failures asked for are whole. The size
/// given keeps the power for the nine next sizes too, since some devices may join a wave. None when
/// more than 50,000 devices are needed.
#[must_use]
pub fn devices_to_tell(fine: f64, bad: f64, false_alarm: f64, power: f64) -> Option<FixedSample> {
    if fine >= bad || false_alarm <= 0.0 {
        return None;
    }
    let mut found: Option<FixedSample> = None;
    let mut rejects_from = 0;
    for devices in 1..=MOST_DEVICES {
        while at_least(rejects_from, devices, fine) > false_alarm {
            rejects_from += 1;
        }
        if at_least(rejects_from, devices, bad) < power {
            found = None;
            continue;
        }
        let first = *found.get_or_insert(FixedSample {
            devices,
            rejects_from,
        });
        if devices - first.devices >= NEIGHBOURS {
            return found;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::percent::Percent;

    #[test]
    fn a_small_wave_can_roll_back_but_not_pass() {
        let boundary = Boundary::new(Percent::whole(5)).unwrap();
        let power = WavePower::of(&boundary, 12);
        assert!(power.can_roll_back() && !power.can_pass());
        assert_eq!(
            (power.clean_devices_to_pass, power.failures_to_roll_back),
            (38, 3)
        );
        assert!((power.detectable - 0.2209).abs() < 1e-4);
        assert!(WavePower::of(&boundary, 38).can_pass());
        assert!(!WavePower::of(&boundary, 2).can_roll_back());
    }

    #[test]
    fn detecting_and_showing_are_the_same_thing_from_two_sides() {
        for devices in [1, 10, 300, 1_000_000] {
            let rate = detectable(devices, 0.95);
            assert!((chance_to_show(rate, devices) - 0.95).abs() < 1e-9);
        }
    }

    #[test]
    fn the_ends_are_no_accidents() {
        assert_eq!((detectable(0, 0.95), chance_to_show(0.5, 0)), (1.0, 0.0));
        assert_eq!((chance_to_show(1.0, 1), chance_to_show(0.0, 9)), (1.0, 0.0));
        assert_eq!(clean_devices_to_show(0.0, 0.95), None);
        assert_eq!(clean_devices_to_show(1.0, 0.95), Some(1));
        assert_eq!(devices_to_tell(0.05, 0.05, 0.05, 0.8), None);
    }
}
