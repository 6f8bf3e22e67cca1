//! The statuses of a wave's devices, summed up for people.

use std::collections::BTreeMap;

use fleetward_core::device::DeviceStatus;

/// How many devices stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Their wave is not open, or they have not come yet.
    pub(crate) waiting: u64,
    /// They are at it.
    pub(crate) under_way: u64,
    /// They run the new version.
    pub(crate) updated: u64,
    /// They failed, fell silent or did not go back.
    pub(crate) failed: u64,
    /// They were told to go back.
    pub(crate) going_back: u64,
    /// They are back on the version they had.
    pub(crate) back: u64,
    /// The offer was taken back before they installed it.
    pub(crate) called_off: u64,
    /// They were left out, or have a status that this program does not know.
    pub(crate) left_out: u64,
}

impl Tally {
    /// Sums up counts by the name of the status.
    pub(crate) fn of(counts: &BTreeMap<String, u64>) -> Self {
        let mut tally = Self::default();
        for (name, count) in counts {
            *tally.place_of(name) += count;
        }
        tally
    }

    /// Devices of which nothing more is expected on the way forward.
    pub(crate) const fn through(&self) -> u64 {
        self.updated + self.failed + self.back + self.left_out
    }

    fn place_of(&mut self, name: &str) -> &mut u64 {
        use DeviceStatus as Status;
        match name.parse::<DeviceStatus>() {
            Ok(Status::Pending | Status::Released) => &mut self.waiting,
            Ok(
                Status::Downloading | Status::Installing | Status::Rebooting | Status::Verifying,
            ) => &mut self.under_way,
            Ok(Status::Succeeded) => &mut self.updated,
            Ok(Status::Failed | Status::TimedOut | Status::RollbackFailed) => &mut self.failed,
            Ok(Status::RollingBack) => &mut self.going_back,
            Ok(Status::RolledBack) => &mut self.back,
            Ok(Status::Cancelled) => &mut self.called_off,
            Ok(Status::Skipped) | Err(_) => &mut self.left_out,
        }
    }
}

impl std::fmt::Display for Tally {
    /// What there is of each, in the order of a device's life.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [
            (self.waiting, "waiting"),
            (self.under_way, "under way"),
            (self.updated, "updated"),
            (self.failed, "failed"),
            (self.going_back, "going back"),
            (self.back, "back"),
            (self.called_off, "called off"),
            (self.left_out, "left out"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn every_device_is_counted_once() {
        let counts = [
            ("pending", 4),
            ("released", 1),
            ("installing", 2),
            ("succeeded", 8),
            ("timed_out", 1),
            ("rollback_failed", 1),
            ("of_a_newer_server", 3),
        ];
        let tally = Tally::of(&counts.map(|(name, count)| (name.to_owned(), count)).into());
        assert_eq!(
            tally.to_string(),
            "5 waiting, 2 under way, 8 updated, 2 failed, 3 left out"
        );
        assert_eq!(tally.through(), 13);
    }
}
