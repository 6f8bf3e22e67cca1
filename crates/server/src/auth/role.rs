//! Roles and rights. Everything that is not in the table is forbidden.

use std::fmt;
use std::str::FromStr;

/// What someone is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Looks.
    Viewer,
    /// Ships images: uploads, plans, executes, stops.
    Operator,
    /// Approves plans, and stops.
    Approver,
    /// Everything, keys included.
    Admin,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Read anything but secrets.
    Read,
    /// Write plans.
    Plan,
    /// Approve plans.
    Approve,
    /// Deploy: execute approved plans, and let halted executions go on.
    Execute,
    /// Execute a plan whose image did not pass the stages before, with a reason.
    Promote,
    /// Pause, cancel and roll back.
    Stop,
    /// Ship without waiting for approval, with a reason and a review afterwards.
    Emergency,
    /// Declare and lift freezes.
    Freeze,
    /// Release during a freeze, with a reason.
    OverrideFreeze,
    /// Upload and withdraw firmware.
    Firmware,
    /// Make devices known, move and group them.
    Devices,
    /// Make and revoke API keys.
    Keys,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Viewer, Self::Operator, Self::Approver, Self::Admin];

    /// The role's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }

    /// Whether this role has that right.
    #[must_use]
    pub const fn may(self, right: Right) -> bool {
        match (self, right) {
            (Self::Admin, _) | (_, Right::Read) => true,
            (Self::Viewer, _) => false,
            (Self::Operator, right) => matches!(
                right,
                Right::Plan
                    | Right::Execute
                    | Right::Stop
                    | Right::Freeze
                    | Right::Firmware
                    | Right::Devices
            ),
            (Self::Approver, right) => {
                matches!(right, Right::Approve | Right::Stop | Right::Freeze)
            }
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|role| role.name() == text)
            .ok_or_else(|| {
                format!(
                    "`{text}` is not a role: use one of {}",
                    Self::ALL.map(Self::name).join(", ")
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_rights() {
        let rights = [
            Right::Read,
            Right::Plan,
            Right::Approve,
            Right::Execute,
            Right::Promote,
            Right::Stop,
            Right::Emergency,
            Right::Freeze,
            Right::OverrideFreeze,
            Right::Firmware,
            Right::Devices,
            Right::Keys,
        ];
        let of = |role: Role| rights.map(|right| u8::from(role.may(right)));
        assert_eq!(of(Role::Viewer), [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(of(Role::Operator), [1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 0]);
        assert_eq!(of(Role::Approver), [1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(of(Role::Admin), [1; 12]);
    }
}
