//! What a device becomes in an execution: ends are left only by a rollback and by what a device says late.

use fleetward_core::device::{Class, DeviceStatus};
use fleetward_store::inspect::AssignmentRow;

use crate::violation::{Checked, hold, promise};

pub(crate) fn check_status(before: &AssignmentRow, after: &AssignmentRow) -> Checked {
    let told = || format!("{before:?} became {after:?}");
    hold(may_become(before.status, after.status), promise::ENDS, told)?;
    hold(before.wave == after.wave, promise::COUNTS, told)?;
    hold(after.failures >= before.failures, promise::ATTEMPTS, told)?;
    let classes = matches!(
        (before.class, after.class),
        (
            Class::OnTime | Class::Arrived | Class::Joined,
            Class::Absent
        ) | (Class::Absent, Class::Arrived)
    );
    hold(before.class == after.class || classes, promise::ENDS, told)?;
    let waits = after.deadline.is_none() || !after.status.is_final();
    hold(waits, promise::DEADLINES, told)
}

fn may_become(before: DeviceStatus, after: DeviceStatus) -> bool {
    if before == after || !before.is_final() {
        return true;
    }
    matches!(
        (before, after),
        (
            DeviceStatus::Succeeded | DeviceStatus::TimedOut,
            DeviceStatus::RollingBack | DeviceStatus::RollbackFailed
        ) | (
            DeviceStatus::TimedOut | DeviceStatus::Cancelled,
            DeviceStatus::Succeeded
        ) | (DeviceStatus::RollbackFailed, DeviceStatus::RolledBack)
    )
}
