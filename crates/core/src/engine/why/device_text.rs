//! What is said of a device, and what would change it.

use std::fmt;

use super::{Why, WhyDevice};
use crate::Timestamp;
use crate::device::{DeviceStatus, FailureKind};

impl WhyDevice {
    /// What would change it; none when all goes its way.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::WaitsForWave { because, .. }
            | Self::WaitsForTurn { because }
            | Self::WaitsForNextVersion { because, .. }
            | Self::WaitsForSwitch { because, .. }
            | Self::CameLate { because }
            | Self::Joined { because } => return because.remedy(),
            Self::Updated
            | Self::WaitsForRetry { .. }
            | Self::UnderWay { .. }
            | Self::GoingBack { .. } => return None,
            Self::HasNotCome { .. } => {
                "it gets the update when it comes: see that it has power and a network"
            }
            Self::Offered { .. } => "it goes on when it comes: see that it has power and a network",
            Self::StragglersStopped => {
                "mend the firmware and make a new plan for the devices that are left"
            }
            Self::Failed { kind, .. } | Self::TimedOut { kind, .. } => kind.remedy(),
            Self::RolledBack { .. } => "mend the firmware and make a new plan",
            Self::RollbackFailed { kind } => kind.remedy(),
            Self::Skipped => {
                "make a new plan for the devices that are left, or use offline_policy late to let them come later"
            }
            Self::Cancelled { because } => {
                let remedy = because.remedy();
                return remedy
                    .or_else(|| Some("make a new plan for the devices that are left".into()));
            }
        };
        Some(remedy.to_owned())
    }
}

impl FailureKind {
    /// What can be done about a device that failed so.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::InstallFailed => {
                "look at what the device says of the failure; retries in a new plan offer it again"
            }
            Self::RolledBackOnDevice => {
                "find out why the new version did not stay on the device, and mend the firmware"
            }
            Self::UpdatedThenSilent => {
                "look at the device itself: it wrote the update and was not heard of again"
            }
            Self::TimedOut => {
                "see that the device has power and a network, or give it a longer device_timeout"
            }
            Self::NeverContacted => "see that the device has power and a network",
            Self::RollbackFailed => "bring it back by hand and release it from quarantine",
            Self::RollbackTimedOut => {
                "look at the device itself; it is corrected when it says that it went back after all"
            }
            Self::NoEarlierImage => {
                "upload the image of its earlier version and bring it back by hand"
            }
            Self::BelowSecurityFloor => "bring it forward to a version that it may run",
        }
    }
}

/// When a device was heard of last.
struct Seen(Option<Timestamp>);

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(at) => write!(f, "heard of last at {at}"),
            None => f.write_str("never heard of"),
        }
    }
}

impl fmt::Display for WhyDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Updated => f.write_str("it runs the new version"),
            Self::WaitsForWave { wave, because } => write!(f, "it waits for {wave}: {because}"),
            Self::WaitsForTurn { because } => waits(f, "its wave is open and it is next", "its wave is open", because),
            Self::WaitsForRetry { at, attempts } => {
                write!(f, "attempt {attempts} failed, and it is offered the update again at {at}")
            }
            Self::WaitsForNextVersion {
                stones_left,
                because,
            } => write!(
                f,
                "it is on its way through earlier versions, {stones_left} to go before the new one: {because}"
            ),
            Self::WaitsForSwitch {
                filled: true,
                because,
            } => write!(f, "it has the update in its inactive slot and waits for the switch: {because}"),
            Self::WaitsForSwitch {
                filled: false,
                because,
            } => write!(f, "it can't fill a slot without switching to it and waits for the switch: {because}"),
            Self::HasNotCome { last_seen_at } => {
                write!(f, "it missed its wave and has not come since, {}", Seen(*last_seen_at))
            }
            Self::CameLate { because } => waits(f, "it came after its wave and is next", "it came after its wave", because),
            Self::Joined { because } => {
                waits(f, "it joined while the execution runs and is next", "it joined while the execution runs and comes after the last wave", because)
            }
            Self::StragglersStopped => f.write_str(
                "devices that come late or join get the update no longer: too many of them failed, or the firmware was withdrawn",
            ),
            Self::Offered {
                deadline,
                last_seen_at,
            } => {
                write!(f, "it was offered the update and has not come to fetch it, {}", Seen(*last_seen_at))?;
                match deadline {
                    Some(at) => write!(f, "; its wave waits for it until {at}"),
                    None => f.write_str("; its wave waits for it"),
                }
            }
            Self::UnderWay {
                status,
                attempt,
                deadline,
            } => {
                write!(f, "it is {} (attempt {attempt})", doing(*status))?;
                match deadline {
                    Some(at) => write!(f, "; it is given up at {at}"),
                    None => Ok(()),
                }
            }
            Self::Failed { kind, attempts: 1 } => kind.fmt(f),
            Self::Failed { kind, attempts } => write!(f, "{kind}, after {attempts} attempts"),
            Self::TimedOut { kind, last_seen_at } => write!(f, "{kind}, {}", Seen(*last_seen_at)),
            Self::GoingBack {
                cause: Some(cause), ..
            } => write!(f, "it goes back to the version it had: {cause}"),
            Self::GoingBack { cause: None, .. } => f.write_str("it goes back to the version it had"),
            Self::RolledBack { cause: Some(cause) } => {
                write!(f, "it went back to the version it had: {cause}")
            }
            Self::RolledBack { cause: None } => f.write_str("it went back to the version it had"),
            Self::RollbackFailed { kind } => write!(f, "it did not go back: {kind}"),
            Self::Skipped => f.write_str("it did not come in time and was left out"),
            Self::Cancelled { because } => write!(f, "its offer was taken back: {because}"),
        }
    }
}

fn waits(f: &mut fmt::Formatter<'_>, next: &str, held: &str, because: &Why) -> fmt::Result {
    match because {
        Why::Due => f.write_str(next),
        Why::Held(_)
        | Why::Waiting { .. }
        | Why::Watching { .. }
        | Why::LastDevices { .. }
        | Why::Halted(_)
        | Why::RollingBack { .. }
        | Why::Cancelling { .. }
        | Why::Finished { .. } => write!(f, "{held}: {because}"),
    }
}

const fn doing(status: DeviceStatus) -> &'static str {
    match status {
        DeviceStatus::Downloading => "downloading the update",
        DeviceStatus::Installing => "installing the update",
        DeviceStatus::Rebooting => "starting into the update",
        DeviceStatus::Pending
        | DeviceStatus::Released
        | DeviceStatus::Verifying
        | DeviceStatus::Succeeded
        | DeviceStatus::Failed
        | DeviceStatus::RollingBack
        | DeviceStatus::RolledBack
        | DeviceStatus::RollbackFailed
        | DeviceStatus::Skipped
        | DeviceStatus::Cancelled
        | DeviceStatus::TimedOut => "under way",
    }
}
