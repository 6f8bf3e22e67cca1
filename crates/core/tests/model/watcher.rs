//! What is checked at every step of the engine and after every event.

use std::collections::BTreeMap;

use fleetward_core::Timestamp;
use fleetward_core::calendar::WindowTimezone;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Decision, Effect, Outcome, Phase, Rollout, Tally};
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Device, Moment, Rehearsal};
use fleetward_core::seconds::Seconds;

use super::answers;
use super::story::Story;
use super::verdicts;

/// What was known after the last event.
pub(crate) struct Watcher {
    plan: Plan,
    devices: Vec<Device>,
    outcome: Option<Outcome>,
    /// When devices were offered the update, and how many.
    offers: Vec<(Timestamp, u64)>,
    /// Offers a minute that were allowed at the most so far.
    rate: u64,
    starts_at: Option<Timestamp>,
    withdrawn_at: Option<Timestamp>,
    chosen: u64,
    events: usize,
}

impl Watcher {
    pub(crate) fn of(story: &Story, rehearsal: &Rehearsal) -> Self {
        Self {
            plan: story.plan.clone(),
            devices: rehearsal.world().devices().to_vec(),
            outcome: None,
            offers: Vec::new(),
            rate: 0,
            starts_at: rehearsal.rollout().starts_at,
            events: 0,
            withdrawn_at: story.withdrawn_at(),
            chosen: rehearsal.world().devices().len() as u64,
        }
    }

    /// Before the effects of a step are carried out.
    pub(crate) fn see(&mut self, moment: &Moment<'_>) {
        for decision in &moment.step.decisions {
            self.check_decision(moment, decision);
        }
        for effect in &moment.step.effects {
            match effect {
                Effect::Offer { zones, .. } | Effect::Switch { zones, .. } => {
                    self.check_offer(moment, zones.as_deref());
                }
                Effect::Choose
                | Effect::Expire { .. }
                | Effect::Withdraw
                | Effect::WithdrawStragglers
                | Effect::StopInFlight
                | Effect::Recall { .. } => {}
            }
        }
    }

    fn check_decision(&self, moment: &Moment<'_>, decision: &Decision) {
        if let Decision::Passed { wave, numbers } = decision {
            verdicts::check_pass(moment, *wave, numbers);
        }
        if let Decision::Tripped {
            scope,
            numbers,
            rule,
            ..
        } = decision
        {
            verdicts::check_trip(moment, *scope, numbers, *rule);
        }
        if let (Decision::Released { .. } | Decision::Staged { .. }, Some(limit)) =
            (decision, self.plan.blast_radius)
        {
            let devices = moment.world.devices().iter();
            let unproven = devices
                .filter(|device| is_unproven(moment.rollout, device))
                .count();
            let all = unproven as u64 + moment.around.unproven_elsewhere;
            assert!(all <= limit, "{all} unproven of at most {limit}");
        }
    }

    /// An offer only on the way forward, and only while nothing outside speaks against it.
    fn check_offer(&self, moment: &Moment<'_>, zones: Option<&[String]>) {
        let phase = &moment.rollout.phase;
        let forward = matches!(
            phase,
            Phase::Releasing { .. }
                | Phase::Staging { .. }
                | Phase::Observing { .. }
                | Phase::Finished {
                    outcome: Outcome::Succeeded,
                    ..
                }
        );
        assert!(forward, "offered in {phase:?}");
        let now = moment.at;
        assert!(self.starts_at.is_none_or(|at| at <= now), "before its time");
        assert!(
            self.withdrawn_at.is_none_or(|at| now <= at),
            "offered what was withdrawn"
        );
        let freeze = moment.around.freeze.as_ref();
        let frozen = freeze.is_some_and(|freeze| freeze.until.is_none_or(|until| until > now));
        assert!(!frozen, "offered in a freeze");
        let calendar = &self.plan.calendar;
        if self.plan.emergency || calendar.windows.is_empty() {
            assert_eq!(zones, None);
        } else if calendar.window_timezone == WindowTimezone::Environment {
            assert!(calendar.is_open(now, None), "offered outside the window");
        } else {
            let zones = zones.expect("devices of open zones only");
            let open = |zone: &String| {
                calendar.is_open(
                    now,
                    Some(zone).filter(|z| !z.is_empty()).map(String::as_str),
                )
            };
            assert!(!zones.is_empty() && zones.iter().all(open));
        }
    }

    /// After everything that is due at an instant was done.
    pub(crate) fn check(&mut self, rehearsal: &Rehearsal) {
        self.check_counts(rehearsal);
        self.check_domains(rehearsal);
        let devices = rehearsal.world().devices();
        self.events += 1;
        for (index, device) in devices.iter().enumerate() {
            let before = self.devices.get(index);
            if before.is_none_or(|before| before.status != device.status)
                || self.events.is_multiple_of(16)
            {
                answers::check(rehearsal, device);
            }
            match before {
                Some(before) => self.check_device(before, device, rehearsal),
                None => assert!(self.plan.dynamic && device.class == Class::Joined),
            }
        }
        self.check_pace(rehearsal);
        self.check_end(rehearsal);
        self.devices.clear();
        self.devices.extend_from_slice(devices);
    }

    fn check_counts(&self, rehearsal: &Rehearsal) {
        let census = rehearsal.world().census();
        let mut counted = vec![Tally::default(); census.waves.len()];
        let devices = rehearsal.world().devices();
        for device in devices {
            counted[device.wave.position()].add(device.slot(), 1);
        }
        assert_eq!(census.waves, counted, "every device is counted once");
        let waves = &rehearsal.rollout().waves;
        let chosen: u64 = waves.iter().map(|wave| wave.size).sum();
        if !waves.is_empty() {
            assert_eq!(chosen, self.chosen, "denominators don't move");
        }
        let earliest = devices.iter().filter_map(Device::deadline).min();
        assert_eq!(census.earliest_deadline, earliest);
        let retry = devices.iter().filter_map(Device::retry_at).min();
        assert_eq!(census.next_retry, retry);
        let offers: u64 = devices.iter().map(|d| u64::from(d.offers)).sum();
        assert_eq!(census.offers, offers, "offers never fall");
        if let Some(most) = self.plan.pace.max_in_flight {
            assert!(
                census.under_way() <= most,
                "{} under way",
                census.under_way()
            );
            assert!(
                census.count(DeviceStatus::RollingBack) <= most,
                "too many on the way back"
            );
        }
    }

    fn check_domains(&self, rehearsal: &Rehearsal) {
        let Some(limit) = &self.plan.pace.failure_domain else {
            return;
        };
        let mut places: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for device in rehearsal.world().devices() {
            if let Some(domain) = device.behaviour().domain {
                let place = places.entry(domain).or_default();
                place.0 += 1;
                place.1 += u64::from(device.is_under_way());
            }
        }
        for (domain, (devices, busy)) in places {
            let most = limit.max_percentage.of(devices);
            assert!(
                busy <= most,
                "{busy} of {devices} at place {domain}, {most} allowed"
            );
        }
    }

    fn check_device(&self, before: &Device, after: &Device, rehearsal: &Rehearsal) {
        assert!(
            may_become(before.status, after.status),
            "{before:?} became {after:?}"
        );
        assert!(after.offers <= self.most_attempts(after), "{after:?}");
        if after.offers == before.offers {
            return;
        }
        let waves = &rehearsal.rollout().waves;
        let wave = &waves[after.wave.position()];
        assert!(wave.released_at.is_some(), "{after:?} before its wave");
        let earlier = &waves[..after.wave.position()];
        assert!(
            earlier.iter().all(|wave| wave.verdict.is_some()),
            "{after:?} too early"
        );
        let calendar = &self.plan.calendar;
        if calendar.window_timezone == WindowTimezone::Device && !self.plan.emergency {
            let zones = &rehearsal.world().census().zones;
            let zone = &zones[usize::from(after.behaviour().zone)];
            let zone = (!zone.is_empty()).then_some(zone.as_str());
            assert!(
                calendar.is_open(rehearsal.now(), zone),
                "{after:?} outside its window"
            );
        }
        if matches!(after.class, Class::Joined) {
            assert!(
                waves.iter().all(|wave| wave.released_at.is_some()),
                "joined too early"
            );
        }
    }

    /// One, the retries, one more after a device could not stage, and one more when it came late.
    fn most_attempts(&self, device: &Device) -> u32 {
        let retries = self.plan.retries.values().map(|retry| retry.times).max();
        let held_back = self.plan.strategy.stages() && !device.behaviour().can_stage;
        let late = device.class == Class::Arrived;
        1 + retries.unwrap_or(0) + u32::from(held_back) + u32::from(late)
    }

    /// The rate of every minute that ends now, at what the counts allow at its end.
    fn check_pace(&mut self, rehearsal: &Rehearsal) {
        let Some(rate) = &self.plan.pace.rate else {
            return;
        };
        let (now, census) = (rehearsal.now(), rehearsal.world().census());
        self.rate = self
            .rate
            .max(rate.at(census.offers, census.count(DeviceStatus::Succeeded)));
        let known: u64 = self.offers.iter().map(|(_, offers)| offers).sum();
        if census.offers > known {
            self.offers.push((now, census.offers - known));
        }
        let recent = self
            .offers
            .iter()
            .filter(|(at, _)| Seconds(60).after(*at) > now);
        let offered: u64 = recent.map(|(_, offers)| offers).sum();
        assert!(
            offered <= self.rate,
            "{offered} offers in a minute, {} allowed",
            self.rate
        );
    }

    /// An end is the end, and after a rollback every device that runs the new version is named.
    fn check_end(&mut self, rehearsal: &Rehearsal) {
        let Phase::Finished { outcome, .. } = rehearsal.rollout().phase else {
            assert_eq!(self.outcome, None, "an end is the end");
            return;
        };
        if let Some(before) = self.outcome.replace(outcome) {
            assert_eq!(before, outcome, "an end is the end");
            return;
        }
        for device in rehearsal.world().devices() {
            let late = matches!(device.class, Class::Absent | Class::Arrived | Class::Joined);
            let waits = outcome == Outcome::Succeeded && late;
            assert!(device.status.is_final() || waits, "{outcome:?}: {device:?}");
            if matches!(outcome, Outcome::RolledBack | Outcome::RollbackIncomplete) {
                let named = device.status == DeviceStatus::RollbackFailed;
                assert!(!device.on_new || named, "{device:?} runs the new version");
            }
        }
    }
}

/// Ends are left only by a rollback and by what a device says late.
fn may_become(before: DeviceStatus, after: DeviceStatus) -> bool {
    if before == after || !before.is_final() {
        return true;
    }
    matches!(
        (before, after),
        (
            DeviceStatus::Succeeded | DeviceStatus::TimedOut,
            DeviceStatus::RollingBack | DeviceStatus::RolledBack | DeviceStatus::RollbackFailed
        ) | (
            DeviceStatus::TimedOut | DeviceStatus::Cancelled,
            DeviceStatus::Succeeded
        ) | (DeviceStatus::Cancelled, DeviceStatus::RollingBack)
            | (DeviceStatus::RollbackFailed, DeviceStatus::RolledBack)
    )
}

/// Whether a device runs the update, or may, and no verdict stands behind it.
fn is_unproven(rollout: &Rollout, device: &Device) -> bool {
    let wave = &rollout.waves[device.wave.position()];
    if device.class != Class::OnTime || wave.released_at.is_none() || wave.is_behind() {
        return device.is_under_way() || device.status == DeviceStatus::Verifying;
    }
    !device.status.runs_the_earlier_version()
}

/// Whether nothing more is to come of a rollout by itself, and rightly so.
pub(crate) fn rests(rollout: &Rollout) -> bool {
    match &rollout.phase {
        Phase::Finished { .. } | Phase::Halted { .. } => true,
        Phase::RollingBack { way, .. } => way.held,
        Phase::Queued
        | Phase::Releasing { .. }
        | Phase::Staging { .. }
        | Phase::Verifying { .. }
        | Phase::Observing { .. }
        | Phase::Cancelling { .. } => false,
    }
}
