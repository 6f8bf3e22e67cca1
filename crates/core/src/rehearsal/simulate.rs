//! What a plan might do: the real engine on devices that fail, fall silent or stay away by chance, in
//! virtual time. The same seed tells the same story on every machine.

use serde::{Serialize, Serializer};

use super::chance::Chance;
use super::device::Device;
use super::{Behaviour, Line, Rehearsal, World};
use crate::Timestamp;
use crate::device::{DeviceStatus, Report};
use crate::engine::{Phase, Rollout, Surroundings};
use crate::ids::WaveIndex;
use crate::percent::Percent;
use crate::plan::Plan;
use crate::seconds::Seconds;

/// How often devices fail, and how long they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Devices that can't take the update and say so, half of them after they started into it.
    pub failure: Percent,
    /// Devices that fetch the update and are not heard of again, half of them after they wrote it.
    pub silence: Percent,
    /// Devices that never come.
    pub offline: Percent,
    /// Devices that take ten times as long.
    pub slowness: Percent,
    /// Devices that can't go back.
    pub way_back_failure: Percent,
    /// How long half of the devices take at the most, from fetching to the result; none of them takes less
    /// than half of it or, unless slow, more than one and a half times.
    pub takes: Seconds,
    /// How often devices come and ask.
    pub poll: Seconds,
}

impl Default for Rates {
    /// Nothing goes wrong; devices come every five minutes and take two.
    fn default() -> Self {
        Self {
            failure: Percent::default(),
            silence: Percent::default(),
            offline: Percent::default(),
            slowness: Percent::default(),
            way_back_failure: Percent::default(),
            takes: Seconds(120),
            poll: Seconds(300),
        }
    }
}

/// The devices of a simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// The sizes of the waves.
    pub waves: Vec<u64>,
    /// Where each device is, wave after wave; where that ends, devices are at no place and in the first
    /// zone.
    pub places: Vec<Place>,
    /// The time zones of the devices; an empty name is an unknown one.
    pub zones: Vec<String>,
}

/// Where a device is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its time zone, as a position in the fleet's list.
    pub zone: u16,
    /// Its failure domain.
    pub domain: Option<u32>,
}

/// A plan to be simulated.
#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    /// What is rolled out how.
    pub plan: &'a Plan,
    /// To which devices.
    pub fleet: &'a Fleet,
    /// How they do.
    pub rates: Rates,
    /// What holds outside all the while.
    pub around: Surroundings,
    /// When it would start, if the plan says nothing else.
    pub start: Timestamp,
    /// How long to look on at the most.
    pub at_most: Seconds,
}

/// What became of a plan in one simulation.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Simulated {
    /// Where it stood at the end: a phase's name, such as `succeeded` or `halted`.
    pub ending: &'static str,
    /// When it came there; none when it was still on its way.
    pub ended_at: Option<Timestamp>,
    /// Seconds from the start of the rollout to its end, or to the last thing that happened.
    pub seconds: u64,
    /// Devices that run the new version.
    pub updated: u64,
    /// Devices that failed, were lost, or did not go back.
    pub failed: u64,
    /// Devices that failed or were lost at any time, whatever became of them.
    pub harmed: u64,
    /// Most devices at once that ran the new version, were starting into it, or were lost to it.
    pub exposed: u64,
    /// How often the update was offered to a device.
    pub offers: u64,
    /// What was decided.
    pub transcript: Vec<Line>,
}

impl Simulation<'_> {
    /// Runs the plan once, with the chances of this seed.
    #[must_use]
    pub fn run(&self, seed: u64) -> Simulated {
        let starts_at = self.plan.schedule.as_ref();
        let starts_at = starts_at.and_then(|schedule| schedule.next_after(self.start));
        let mut rollout = Rollout::new(self.plan, &self.fleet.waves);
        rollout.starts_at = starts_at;
        let mut rehearsal = Rehearsal::new(rollout, self.world(seed), self.start);
        rehearsal.surround_at(self.start, self.around.clone());
        rehearsal.run(self.at_most.after(self.start));
        Simulated::of(rehearsal)
    }

    fn world(&self, seed: u64) -> World {
        let waves = &self.fleet.waves;
        let devices = waves.iter().sum::<u64>() as usize;
        let mut world = World::empty(waves.len(), devices, self.fleet.zones.clone());
        let mut places = self.fleet.places.iter();
        for (wave, &size) in waves.iter().enumerate() {
            for _ in 0..size {
                let place = places.next().copied().unwrap_or_default();
                let chance = Chance::of(seed, world.devices().len() as u64);
                let behaviour = self.rates.behaviour(chance, place);
                world.add(Device::pending(WaveIndex(wave as u32), behaviour));
            }
        }
        world
    }
}

impl Rates {
    fn behaviour(&self, mut chance: Chance, place: Place) -> Behaviour {
        let comes = chance.below(self.poll.0.max(1));
        let offline = chance.happens(self.offline);
        let takes = (self.takes.0 / 2).saturating_add(chance.below(self.takes.0.max(1)));
        let slow = if chance.happens(self.slowness) { 10 } else { 1 };
        let result = if chance.happens(self.failure) {
            Some(Report::Failed)
        } else if chance.happens(self.silence) {
            None
        } else {
            Some(Report::Succeeded)
        };
        let unwell = result != Some(Report::Succeeded);
        let back = if chance.happens(self.way_back_failure) {
            Some(Report::Failed)
        } else {
            result.map(|_| Report::Succeeded)
        };
        Behaviour {
            comes_after: (!offline).then_some(Seconds(comes)),
            takes: Seconds(takes.saturating_mul(slow).max(1)),
            result,
            restarts: unwell && chance.happens(Percent::whole(50)),
            back,
            domain: place.domain,
            zone: place.zone,
            ..Behaviour::GOOD
        }
    }
}

impl Simulated {
    fn of(rehearsal: Rehearsal) -> Self {
        let (rollout, world) = (rehearsal.rollout(), rehearsal.world());
        let census = world.census();
        let ended_at = match &rollout.phase {
            Phase::Finished { at, .. } | Phase::Halted { at, .. } => Some(*at),
            Phase::Queued
            | Phase::Releasing { .. }
            | Phase::Staging { .. }
            | Phase::Verifying { .. }
            | Phase::Observing { .. }
            | Phase::RollingBack { .. }
            | Phase::Cancelling { .. } => None,
        };
        let end = ended_at.unwrap_or(rehearsal.now());
        let began = rollout.started_at.unwrap_or(end);
        Self {
            ending: rollout.phase.name(),
            ended_at,
            seconds: end.as_second().abs_diff(began.as_second()),
            updated: census.count(DeviceStatus::Succeeded),
            failed: census.count(DeviceStatus::Failed)
                + census.count(DeviceStatus::TimedOut)
                + census.count(DeviceStatus::RollbackFailed),
            harmed: world.harmed(),
            exposed: world.most_exposed(),
            offers: census.offers,
            transcript: rehearsal.into_transcript(),
        }
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Told {
            at: Timestamp,
            text: String,
        }
        let text = self.to_string();
        Told { at: self.at, text }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plan(strategy: &str, rate: u32) -> Plan {
        serde_json::from_value(json!({
            "name": "Simulated", "firmware_version": "2", "target_environment": "field",
            "strategy": strategy, "rollout_percentage": 100, "canary_percentage": 10,
            "canary_steps": [50, 100], "batch_percentage": 20, "monitor_seconds": 600,
            "rollback_criteria": {"max_failure_rate": rate}, "auto_rollback": true,
            "device_timeout": 3600, "rollback_timeout": 1800, "offline_policy": "late",
        }))
        .unwrap()
    }

    fn simulation<'a>(plan: &'a Plan, fleet: &'a Fleet, rates: Rates) -> Simulation<'a> {
        Simulation {
            plan,
            fleet,
            rates,
            around: Surroundings::default(),
            start: Timestamp::UNIX_EPOCH,
            at_most: Seconds(30 * 86_400),
        }
    }

    #[test]
    fn a_seed_tells_one_story() {
        let plan = plan("canary", 10);
        let fleet = Fleet {
            waves: plan.waves(2_000),
            ..Fleet::default()
        };
        let rates = Rates {
            failure: Percent::whole(3),
            offline: Percent::whole(10),
            slowness: Percent::whole(5),
            ..Rates::default()
        };
        let simulation = simulation(&plan, &fleet, rates);
        let one = simulation.run(1);
        assert_eq!(one, simulation.run(1));
        assert_ne!(one, simulation.run(2));
        assert_eq!(one.ending, "succeeded");
        assert_eq!(one.harmed, one.failed);
        assert!(one.updated + one.failed <= 2_000 && one.updated > 1_600);
        assert!(one.exposed >= one.updated);
    }

    #[test]
    fn a_bad_firmware_is_stopped_in_its_first_wave() {
        let plan = plan("canary", 5);
        let fleet = Fleet {
            waves: plan.waves(2_000),
            ..Fleet::default()
        };
        let rates = Rates {
            failure: Percent::whole(30),
            ..Rates::default()
        };
        let simulated = simulation(&plan, &fleet, rates).run(7);
        assert_eq!((simulated.ending, simulated.updated), ("rolled_back", 0));
        assert!(simulated.harmed >= 11 && simulated.exposed <= 200);
        assert!(simulated.offers <= 200);
    }

    #[test]
    fn places_and_zones_are_obeyed() {
        let mut plan = plan("immediate", 5);
        plan.calendar = serde_json::from_value(json!({
            "windows": [{"start_time": "02:00", "end_time": "06:00", "timezone": "UTC"}],
            "window_timezone": "device",
        }))
        .unwrap();
        plan.pace = serde_json::from_value(json!({
            "failure_domain": {"attribute": "site", "max_percentage": 10},
        }))
        .unwrap();
        let place = |n: u16| Place {
            zone: n % 2,
            domain: Some(u32::from(n % 4)),
        };
        let fleet = Fleet {
            waves: vec![400],
            places: (0..400).map(place).collect(),
            zones: vec!["Asia/Tokyo".into(), "Europe/Berlin".into()],
        };
        let simulated = simulation(&plan, &fleet, Rates::default()).run(1);
        assert_eq!((simulated.ending, simulated.updated), ("succeeded", 400));
        // Tokyo's night begins at 17:00, Berlin's at 01:00.
        let first = simulated.transcript[1].at;
        assert_eq!(first.to_string(), "1970-01-01T01:00:00Z");
        assert!(simulated.seconds > 17 * 3_600);
    }
}
