//! Why a device of an execution does not have the update, or how it came to where it is.

use serde::Serialize;

use super::Why;
use crate::Timestamp;
use crate::calendar::WindowTimezone;
use crate::device::{Class, DeviceStatus, FailureKind};
use crate::engine::offers::Wish;
use crate::engine::{Cause, Census, Hold, Phase, Rollout, Surroundings};
use crate::ids::WaveIndex;

/// What is known of a device in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceFacts {
    /// Where it stands.
    pub status: DeviceStatus,
    /// How it belongs to the execution.
    pub class: Class,
    /// Its wave.
    pub wave: WaveIndex,
    /// How it failed last.
    pub failure: Option<FailureKind>,
    /// When it may be offered the update again after a failure.
    pub retry_at: Option<Timestamp>,
    /// When it is given up, where something is expected of it.
    pub deadline: Option<Timestamp>,
    /// How often it was offered the update.
    pub attempts: u32,
    /// Versions that it has yet to pass through before the one that is rolled out.
    pub stones_left: u32,
    /// Its time zone; none when that is not known.
    pub zone: Option<String>,
    /// When it was heard of last.
    pub last_seen_at: Option<Timestamp>,
    /// It can fill a slot without switching to it.
    pub can_stage: bool,
}

/// Why a device of an execution does not have the update, or how it came to where it is: exactly one
/// answer for each.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum WhyDevice {
    /// It runs the new version.
    Updated,
    /// Its wave is not open yet.
    WaitsForWave {
        /// Its wave.
        wave: WaveIndex,
        /// Why the execution is not there yet.
        because: Box<Why>,
    },
    /// Its wave is open; it has no offer yet.
    WaitsForTurn {
        /// What keeps it from it.
        because: Box<Why>,
    },
    /// It failed and is offered the update again later.
    WaitsForRetry {
        /// When at the earliest.
        at: Timestamp,
        /// How often it was offered it so far.
        attempts: u32,
    },
    /// It passed through an earlier version and is offered the next one.
    WaitsForNextVersion {
        /// Versions between that and the one that is rolled out.
        stones_left: u32,
        /// What keeps it from it.
        because: Box<Why>,
    },
    /// All devices of its wave switch together.
    WaitsForSwitch {
        /// It has the update in its inactive slot; otherwise it can only switch to it at once.
        filled: bool,
        /// Why the switch is not yet.
        because: Box<Why>,
    },
    /// It missed its wave and gets the update when it comes.
    HasNotCome {
        /// When it was heard of last.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen_at: Option<Timestamp>,
    },
    /// It missed its wave, came later and has no offer yet.
    CameLate {
        /// What keeps it from it.
        because: Box<Why>,
    },
    /// It joined while the execution runs and comes after the last wave.
    Joined {
        /// What keeps it from it.
        because: Box<Why>,
    },
    /// Too many devices that came late or joined failed, or the firmware was withdrawn after the end.
    StragglersStopped,
    /// It was offered the update and has not come to fetch it.
    Offered {
        /// When its wave goes on without it; never when absent.
        #[serde(skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// When it was heard of last.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen_at: Option<Timestamp>,
    },
    /// It works on it.
    UnderWay {
        /// How far it is.
        status: DeviceStatus,
        /// Which attempt it is, from 1.
        attempt: u32,
        /// When it is given up.
        #[serde(skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// It failed.
    Failed {
        /// How.
        kind: FailureKind,
        /// How often it was offered the update.
        attempts: u32,
    },
    /// It fetched the update and was not heard of by its deadline.
    TimedOut {
        /// How.
        kind: FailureKind,
        /// When it was heard of last.
        #[serde(skip_serializing_if = "Option::is_none")]
        last_seen_at: Option<Timestamp>,
    },
    /// It goes back to the version it had.
    GoingBack {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
        /// When it is given up.
        #[serde(skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// It went back to the version it had.
    RolledBack {
        /// Why.
        #[serde(skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// It did not go back, and a person has to look at it.
    RollbackFailed {
        /// How.
        kind: FailureKind,
    },
    /// It did not come in time, and the plan leaves such devices out.
    Skipped,
    /// Its offer was taken back, or it stopped when it was asked to.
    Cancelled {
        /// What became of the execution.
        because: Box<Why>,
    },
}

impl Rollout {
    /// Why this device does not have the update, or how it came to where it is.
    #[must_use]
    pub fn why_device(
        &self,
        device: &DeviceFacts,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> WhyDevice {
        let because = |wish| Box::new(self.because(wish, device, census, around, now));
        let failure_or = |kind| device.failure.unwrap_or(kind);
        match device.status {
            DeviceStatus::Pending => self.why_pending(device, now, because),
            DeviceStatus::Verifying => WhyDevice::WaitsForSwitch {
                filled: true,
                because: because(self.wish_to_switch()),
            },
            DeviceStatus::Released => WhyDevice::Offered {
                deadline: device.deadline,
                last_seen_at: device.last_seen_at,
            },
            DeviceStatus::Downloading | DeviceStatus::Installing | DeviceStatus::Rebooting => {
                WhyDevice::UnderWay {
                    status: device.status,
                    attempt: device.attempts,
                    deadline: device.deadline,
                }
            }
            DeviceStatus::Succeeded => WhyDevice::Updated,
            DeviceStatus::Failed => WhyDevice::Failed {
                kind: failure_or(FailureKind::InstallFailed),
                attempts: device.attempts,
            },
            DeviceStatus::TimedOut => WhyDevice::TimedOut {
                kind: failure_or(FailureKind::TimedOut),
                last_seen_at: device.last_seen_at,
            },
            DeviceStatus::RollingBack => WhyDevice::GoingBack {
                cause: self.cause(),
                deadline: device.deadline,
            },
            DeviceStatus::RolledBack => WhyDevice::RolledBack {
                cause: self.cause(),
            },
            DeviceStatus::RollbackFailed => WhyDevice::RollbackFailed {
                kind: failure_or(FailureKind::RollbackFailed),
            },
            DeviceStatus::Skipped => WhyDevice::Skipped,
            DeviceStatus::Cancelled if self.is_stopped_for(device) => WhyDevice::StragglersStopped,
            DeviceStatus::Cancelled => WhyDevice::Cancelled {
                because: because(None),
            },
        }
    }

    fn why_pending(
        &self,
        device: &DeviceFacts,
        now: Timestamp,
        because: impl Fn(Option<Wish>) -> Box<Why>,
    ) -> WhyDevice {
        if self.is_stopped_for(device) {
            return WhyDevice::StragglersStopped;
        }
        if let Some(at) = device.retry_at.filter(|at| *at > now) {
            let attempts = device.attempts;
            return WhyDevice::WaitsForRetry { at, attempts };
        }
        match device.class {
            Class::Absent => WhyDevice::HasNotCome {
                last_seen_at: device.last_seen_at,
            },
            Class::Arrived => WhyDevice::CameLate {
                because: because(self.wish_for_stragglers()),
            },
            Class::Joined => {
                let wish = self.wish_for_stragglers();
                let joined = wish.filter(|wish| matches!(wish, Wish::Stragglers { joined: true }));
                let because = because(joined);
                WhyDevice::Joined { because }
            }
            Class::OnTime => self.why_in_wave(device, because),
        }
    }

    fn why_in_wave(
        &self,
        device: &DeviceFacts,
        because: impl Fn(Option<Wish>) -> Box<Why>,
    ) -> WhyDevice {
        let wave = self.waves.get(device.wave.position());
        let Some(wave) = wave.filter(|wave| wave.released_at.is_some()) else {
            return WhyDevice::WaitsForWave {
                wave: device.wave,
                because: because(None),
            };
        };
        let stones_left = device.stones_left;
        if stones_left > 0 && device.attempts > 0 && device.failure.is_none() {
            return WhyDevice::WaitsForNextVersion {
                stones_left,
                because: because(self.wish_for_waves()),
            };
        }
        if wave.staged && wave.switched_at.is_none() && !device.can_stage {
            return WhyDevice::WaitsForSwitch {
                filled: false,
                because: because(self.wish_to_switch()),
            };
        }
        WhyDevice::WaitsForTurn {
            because: because(self.wish_for_waves()),
        }
    }

    /// What keeps a device from what it waits for; where that is not yet to be had, what the execution
    /// waits for.
    fn because(
        &self,
        wish: Option<Wish>,
        device: &DeviceFacts,
        census: &Census,
        around: &Surroundings,
        now: Timestamp,
    ) -> Why {
        let Some(wish) = wish else {
            return self.why(census, around, now);
        };
        match self.room(wish, census, around, now) {
            Err(hold) => Why::Held(hold),
            Ok(_) => self
                .own_window(device.zone.as_deref(), now)
                .map_or(Why::Due, Why::Held),
        }
    }

    /// The device's own window, where it is closed while those of others are open.
    fn own_window(&self, zone: Option<&str>, now: Timestamp) -> Option<Hold> {
        let calendar = &self.order.calendar;
        let own = calendar.window_timezone == WindowTimezone::Device && !self.order.emergency;
        if !own || calendar.is_open(now, zone) {
            return None;
        }
        let opens_at = calendar.opens_at(now, zone);
        Some(Hold::Window { opens_at })
    }

    /// What devices of open waves wait for; none where nobody is offered anything now.
    fn wish_for_waves(&self) -> Option<Wish> {
        match &self.phase {
            Phase::Releasing { wave } => {
                let before = wave.0.checked_sub(1).map(WaveIndex)?;
                Some(Wish::GoOn { wave: before })
            }
            Phase::Staging { wave } | Phase::Observing { wave } => Some(Wish::GoOn { wave: *wave }),
            Phase::Queued
            | Phase::Verifying { .. }
            | Phase::Halted { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
        }
    }

    /// The same for those that wait to switch.
    fn wish_to_switch(&self) -> Option<Wish> {
        match &self.phase {
            Phase::Verifying { wave } | Phase::Observing { wave } => {
                Some(Wish::Switch { wave: *wave })
            }
            Phase::Releasing { wave } => {
                let before = wave.0.checked_sub(1).map(WaveIndex)?;
                Some(Wish::Switch { wave: before })
            }
            Phase::Queued
            | Phase::Staging { .. }
            | Phase::Halted { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. }
            | Phase::Finished { .. } => None,
        }
    }

    const fn is_stopped_for(&self, device: &DeviceFacts) -> bool {
        device.class.is_straggler()
            && self.stragglers_stopped
            && !self.phase.is_going_back()
            && !matches!(self.phase, Phase::Halted { .. })
    }

    /// Why devices go back, or went.
    fn cause(&self) -> Option<Cause> {
        match &self.phase {
            Phase::RollingBack { cause, .. } => Some(cause.clone()),
            Phase::Finished { cause, .. } => cause.clone(),
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Observing { .. }
            | Phase::Halted { .. }
            | Phase::Cancelling { .. } => None,
        }
    }
}

impl WhyDevice {
    /// The answer's name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Updated => "updated",
            Self::WaitsForWave { .. } => "waits_for_wave",
            Self::WaitsForTurn { .. } => "waits_for_turn",
            Self::WaitsForRetry { .. } => "waits_for_retry",
            Self::WaitsForNextVersion { .. } => "waits_for_next_version",
            Self::WaitsForSwitch { .. } => "waits_for_switch",
            Self::HasNotCome { .. } => "has_not_come",
            Self::CameLate { .. } => "came_late",
            Self::Joined { .. } => "joined",
            Self::StragglersStopped => "stragglers_stopped",
            Self::Offered { .. } => "offered",
            Self::UnderWay { .. } => "under_way",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::GoingBack { .. } => "going_back",
            Self::RolledBack { .. } => "rolled_back",
            Self::RollbackFailed { .. } => "rollback_failed",
            Self::Skipped => "skipped",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}
