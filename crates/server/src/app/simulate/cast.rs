//! Where the devices of a simulation are, as far as their plan minds that.

use std::collections::BTreeMap;

use fleetward_core::calendar::WindowTimezone;
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Fleet, Place};
use fleetward_store::{StoreError, Tx, devices};

use crate::driver::Chosen;

/// The devices that were chosen, each at its place.
pub(super) fn fleet(tx: &Tx<'_>, plan: &Plan, chosen: &Chosen) -> Result<Fleet, StoreError> {
    let waves = chosen.sizes();
    let calendar = &plan.calendar;
    let by_zone =
        calendar.window_timezone == WindowTimezone::Device && !calendar.windows.is_empty();
    let domain = plan.pace.failure_domain.as_ref();
    let domain = domain.map(|domain| domain.attribute.as_str());
    if !by_zone && domain.is_none() {
        return Ok(Fleet {
            waves,
            ..Fleet::default()
        });
    }
    let (mut zones, mut domains) = (Names::default(), Names::default());
    let mut places: Vec<(i64, Place)> = Vec::new();
    let (environment, groups) = (&plan.target_environment, &plan.device_groups);
    devices::whereabouts(tx, environment, groups, domain, |device| {
        let zone = device.zone.filter(|_| by_zone).unwrap_or_default();
        let place = Place {
            zone: u16::try_from(zones.number(zone)).unwrap_or(u16::MAX),
            domain: device.domain.map(|domain| domains.number(domain)),
        };
        places.push((device.device_key, place));
    })?;
    places.sort_unstable_by_key(|(key, _)| *key);
    let place = |key: &i64| {
        let found = places.binary_search_by_key(key, |(key, _)| *key);
        found.map(|at| places[at].1).unwrap_or_default()
    };
    Ok(Fleet {
        places: chosen.waves.iter().flatten().map(place).collect(),
        zones: if by_zone { zones.list() } else { Vec::new() },
        waves,
    })
}

/// Names, numbered as they come.
#[derive(Default)]
struct Names(BTreeMap<String, u32>);

impl Names {
    fn number(&mut self, name: String) -> u32 {
        let next = self.0.len() as u32;
        *self.0.entry(name).or_insert(next)
    }

    /// The names in the order of their numbers.
    fn list(self) -> Vec<String> {
        let mut names: Vec<(u32, String)> =
            self.0.into_iter().map(|(name, at)| (at, name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}
