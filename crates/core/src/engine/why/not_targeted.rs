//! Why no execution updates a device at all.

use std::fmt;

use serde::Serialize;

use crate::percent::Percent;

/// Why no execution updates a device at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum NotTargeted {
    /// No execution runs in its environment.
    NoOpenExecution,
    /// It belongs to none of the plan's groups.
    OtherGroup {
        /// The groups that the plan names.
        groups: Vec<String>,
    },
    /// It runs the version already.
    AlreadyOnVersion {
        /// Which.
        version: String,
    },
    /// What it runs is not known, so that it could not be brought back.
    UnknownVersion,
    /// The firmware is not for its hardware.
    IncompatibleHardware {
        /// What it is: model, and revision where it has one.
        hardware: String,
    },
    /// The version is older than it may run.
    BelowSecurityFloor {
        /// The version that it would get.
        version: String,
        /// The oldest that it may run.
        floor: String,
    },
    /// It did not go back in an earlier rollback, and a person has to look at it.
    Quarantined,
    /// Another execution has it.
    Busy {
        /// Which.
        execution_id: String,
    },
    /// The plan updates only a share of the devices, and it is not among them.
    BeyondRolloutPercentage {
        /// Which share.
        percentage: Percent,
    },
    /// It joined after the devices were chosen, and the plan takes none that join.
    JoinedLater,
}

impl NotTargeted {
    /// The answer's name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoOpenExecution => "no_open_execution",
            Self::OtherGroup { .. } => "other_group",
            Self::AlreadyOnVersion { .. } => "already_on_version",
            Self::UnknownVersion => "unknown_version",
            Self::IncompatibleHardware { .. } => "incompatible_hardware",
            Self::BelowSecurityFloor { .. } => "below_security_floor",
            Self::Quarantined => "quarantined",
            Self::Busy { .. } => "busy",
            Self::BeyondRolloutPercentage { .. } => "beyond_rollout_percentage",
            Self::JoinedLater => "joined_later",
        }
    }

    /// What would change it; none when nothing is wrong.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::AlreadyOnVersion { .. } => return None,
            Self::NoOpenExecution => "execute a plan for its environment",
            Self::OtherGroup { .. } => {
                "put it into one of these groups, or make a plan for its own"
            }
            Self::UnknownVersion => {
                "let it say what it runs: it does so when it comes next and its agent reports a version"
            }
            Self::IncompatibleHardware { .. } => {
                "upload firmware for this hardware, or correct what the device says it is"
            }
            Self::BelowSecurityFloor { .. } => "deploy a newer version",
            Self::Quarantined => "repair it and release it from quarantine",
            Self::Busy { execution_id } => {
                return Some(format!("it is free when {execution_id} is over"));
            }
            Self::BeyondRolloutPercentage { .. } => "raise rollout_percentage in a new plan",
            Self::JoinedLater => "execute the plan again, or make it dynamic",
        };
        Some(remedy.to_owned())
    }
}

impl fmt::Display for NotTargeted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoOpenExecution => f.write_str("no execution runs in its environment"),
            Self::OtherGroup { groups } => {
                write!(
                    f,
                    "it belongs to none of the plan's groups: {}",
                    groups.join(", ")
                )
            }
            Self::AlreadyOnVersion { version } => write!(f, "it runs {version} already"),
            Self::UnknownVersion => {
                f.write_str("what it runs is not known, so that it could not be brought back")
            }
            Self::IncompatibleHardware { hardware } => {
                write!(f, "the firmware is not for its hardware, {hardware}")
            }
            Self::BelowSecurityFloor { version, floor } => {
                write!(
                    f,
                    "{version} is below {floor}, the oldest version that it may run"
                )
            }
            Self::Quarantined => f.write_str("it is in quarantine since it did not go back"),
            Self::Busy { execution_id } => write!(f, "it is busy with {execution_id}"),
            Self::BeyondRolloutPercentage { percentage } => {
                write!(
                    f,
                    "it is not among the {percentage} of devices that the plan updates"
                )
            }
            Self::JoinedLater => f.write_str(
                "it joined after the devices were chosen, and the plan takes none that join",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_that_nobody_targets_say_why() {
        let rows = [
            NotTargeted::NoOpenExecution,
            NotTargeted::OtherGroup {
                groups: vec!["pumps".into()],
            },
            NotTargeted::AlreadyOnVersion {
                version: "2".into(),
            },
            NotTargeted::UnknownVersion,
            NotTargeted::IncompatibleHardware {
                hardware: "pump rev. 1".into(),
            },
            NotTargeted::BelowSecurityFloor {
                version: "2".into(),
                floor: "3".into(),
            },
            NotTargeted::Quarantined,
            NotTargeted::Busy {
                execution_id: "exec_1".into(),
            },
            NotTargeted::BeyondRolloutPercentage {
                percentage: Percent::whole(20),
            },
            NotTargeted::JoinedLater,
        ];
        for why in rows {
            assert_eq!(serde_json::to_value(&why).unwrap()["why"], why.name());
            let fine = matches!(why, NotTargeted::AlreadyOnVersion { .. });
            assert_eq!(why.remedy().is_none(), fine, "{why}");
        }
    }
}
