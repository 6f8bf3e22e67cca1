//! How simulated devices behave: shares of a fleet and durations. Not in here: who exactly is hit, which the seed decides.

use std::collections::BTreeMap;
use std::time::Duration;

/// Behaviour of all devices of a fleet. Probabilities are shares from 0.0 (never) to 1.0 (always); durations are
/// device time, which a fleet's time scale shortens.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// Share of installations that fail.
    pub install_failure: f64,
    /// The same for single versions, instead of `install_failure`. Only these count when a device switches back to a
    /// version it still holds, since nothing is installed then.
    pub failure_by_version: BTreeMap<String, f64>,
    /// Share of devices that take an update, reboot into it and are never heard of again.
    pub silent_after_update: f64,
    /// The same for single versions, instead of `silent_after_update`.
    pub silent_by_version: BTreeMap<String, f64>,
    /// Share of devices that don't talk to the server at all until they are brought online.
    pub offline: f64,
    /// Range of the factor by which a device's own durations are longer; each device has its fixed place in the range.
    pub slow: (f64, f64),
    /// Share of final reports that are sent a second time.
    pub report_twice: f64,
    /// Share of final reports that are held back for `late_by`.
    pub late_report: f64,
    /// How long a late report is held back.
    pub late_by: Span,
    /// Share of cancellations of running work that are refused.
    pub refuse_cancel: f64,
    /// Whether `update: skip` makes a device hold the update until it may install. If not, it installs nothing and
    /// reports success at once, as SWUpdate does.
    pub honours_skip: bool,
    /// Whether a device compares size and SHA-256 of what it downloaded with what was announced.
    pub verifies_artifact: bool,
    /// How many firmware slots a device has.
    pub slots: Slots,
    /// How artifacts are fetched.
    pub download: DownloadMode,
    /// How long a download is pretended to take where it is not really done.
    pub download_time: Span,
    /// How long writing an image takes.
    pub install_time: Span,
    /// How long a reboot takes.
    pub reboot_time: Span,
}

impl Behaviour {
    /// Probability that installing `version` fails.
    pub fn failure_of(&self, version: &str) -> f64 {
        self.failure_by_version
            .get(version)
            .copied()
            .unwrap_or(self.install_failure)
    }

    /// Probability that a device falls silent once it runs `version`.
    pub fn silence_of(&self, version: &str) -> f64 {
        self.silent_by_version
            .get(version)
            .copied()
            .unwrap_or(self.silent_after_update)
    }

    /// Checks that all probabilities and ranges are possible.
    ///
    /// # Errors
    ///
    /// Names the first value that is not.
    pub fn check(&self) -> Result<(), BehaviourError> {
        let single = [
            ("install_failure", self.install_failure),
            ("silent_after_update", self.silent_after_update),
            ("offline", self.offline),
            ("report_twice", self.report_twice),
            ("late_report", self.late_report),
            ("refuse_cancel", self.refuse_cancel),
        ];
        let by_version = self
            .failure_by_version
            .values()
            .map(|value| ("failure_by_version", *value))
            .chain(
                self.silent_by_version
                    .values()
                    .map(|value| ("silent_by_version", *value)),
            );
        for (name, value) in single.into_iter().chain(by_version) {
            if !(0.0..=1.0).contains(&value) {
                return Err(BehaviourError::Probability { name, value });
            }
        }
        let (least, most) = self.slow;
        if !(least.is_finite() && most.is_finite() && 0.0 <= least && least <= most) {
            return Err(BehaviourError::Slow { least, most });
        }
        let spans = [
            ("late_by", self.late_by),
            ("download_time", self.download_time),
            ("install_time", self.install_time),
            ("reboot_time", self.reboot_time),
        ];
        match spans
            .into_iter()
            .find(|(_, span)| span.shortest > span.longest)
        {
            Some((name, _)) => Err(BehaviourError::Span { name }),
            None => Ok(()),
        }
    }
}

impl Default for Behaviour {
    /// Well-behaved devices with two slots, which download in full and verify.
    fn default() -> Self {
        Self {
            install_failure: 0.0,
            failure_by_version: BTreeMap::new(),
            silent_after_update: 0.0,
            silent_by_version: BTreeMap::new(),
            offline: 0.0,
            slow: (1.0, 1.0),
            report_twice: 0.0,
            late_report: 0.0,
            late_by: Span::between(Duration::from_secs(60), Duration::from_secs(600)),
            refuse_cancel: 0.0,
            honours_skip: true,
            verifies_artifact: true,
            slots: Slots::Two,
            download: DownloadMode::Full,
            download_time: Span::between(Duration::from_secs(5), Duration::from_secs(30)),
            install_time: Span::between(Duration::from_secs(10), Duration::from_secs(40)),
            reboot_time: Span::between(Duration::from_secs(5), Duration::from_secs(20)),
        }
    }
}

/// How many firmware slots a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slots {
    /// One: installing overwrites what runs.
    One,
    /// Two (A/B): the version before stays in the other slot and can be switched back to without a download.
    Two,
}

/// How artifacts are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadMode {
    /// The whole artifact; digest and size can be verified.
    Full,
    /// A HEAD request for each artifact; only the size can be verified.
    HeadOnly,
    /// No request at all.
    Skip,
}

/// A range of durations, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The shortest.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Span {
    /// Always the same duration.
    pub const fn exactly(duration: Duration) -> Self {
        Self {
            shortest: duration,
            longest: duration,
        }
    }

    /// From `shortest` to `longest`.
    pub const fn between(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest }
    }

    /// The duration at a place from 0.0 (shortest) to 1.0 (longest), in milliseconds.
    pub(crate) fn at(self, place: f64) -> f64 {
        let shortest = self.shortest.as_secs_f64();
        (shortest + (self.longest.as_secs_f64() - shortest) * place) * 1_000.0
    }
}

/// A behaviour that is not possible.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum BehaviourError {
    /// A probability outside 0.0 to 1.0.
    #[error("{name} of the simulated devices is {value}: give a share from 0.0 to 1.0")]
    Probability {
        /// The field.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// A slowness range that is negative, endless or upside down.
    #[error(
        "slow of the simulated devices is {least} to {most}: give the smaller factor first, both 0.0 or more"
    )]
    Slow {
        /// The first end.
        least: f64,
        /// The second end.
        most: f64,
    },
    /// A range of durations that is upside down.
    #[error("{name} of the simulated devices is upside down: give the shorter duration first")]
    Span {
        /// The field.
        name: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, BehaviourError, Span};
    use std::time::Duration;

    #[test]
    fn a_version_overrides_the_default() {
        let mut behaviour = Behaviour {
            install_failure: 0.1,
            silent_after_update: 0.2,
            ..Behaviour::default()
        };
        behaviour.failure_by_version.insert("2.0.0".to_owned(), 0.9);
        behaviour.silent_by_version.insert("2.0.0".to_owned(), 0.0);
        assert_eq!(
            (behaviour.failure_of("2.0.0"), behaviour.failure_of("1.0.0")),
            (0.9, 0.1)
        );
        assert_eq!(
            (behaviour.silence_of("2.0.0"), behaviour.silence_of("1.0.0")),
            (0.0, 0.2)
        );
        assert_eq!(behaviour.check(), Ok(()));
    }

    #[test]
    fn impossible_values_are_named() {
        let behaviour = Behaviour {
            offline: 1.5,
            ..Behaviour::default()
        };
        assert_eq!(
            behaviour.check(),
            Err(BehaviourError::Probability {
                name: "offline",
                value: 1.5
            })
        );
        let behaviour = Behaviour {
            install_failure: f64::NAN,
            ..Behaviour::default()
        };
        assert!(behaviour.check().is_err());
        let behaviour = Behaviour {
            slow: (2.0, 1.0),
            ..Behaviour::default()
        };
        assert_eq!(
            behaviour.check(),
            Err(BehaviourError::Slow {
                least: 2.0,
                most: 1.0
            })
        );
        let span = Span::between(Duration::from_secs(2), Duration::from_secs(1));
        let behaviour = Behaviour {
            reboot_time: span,
            ..Behaviour::default()
        };
        assert_eq!(
            behaviour.check(),
            Err(BehaviourError::Span {
                name: "reboot_time"
            })
        );
    }
}
