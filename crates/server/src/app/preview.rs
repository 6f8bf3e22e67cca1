//! What a plan would do if it were executed now: which devices, when, and how much harm is possible. Nothing is kept.
//!
//! What is computed from the plan and the sizes of its waves is the core's; how it is shown is in `view` beside.

mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_core::calendar::{Freeze, WindowTimezone};
use fleetward_core::plan::{OfflinePolicy, Plan};
use fleetward_core::preview::{Circumstances, DEVICE_SECONDS, Timetable, timetable, warnings};
use fleetward_core::seconds::Seconds;
use fleetward_store::firmware::Firmware;
use fleetward_store::freezes::{self, FreezeFilter};
use fleetward_store::page::Page;
use fleetward_store::plans::StoredPlan;
use fleetward_store::{StoreError, Tx, devices};
use jiff::{SignedDuration, Timestamp};

use super::{App, AppError, Call, plans};
use crate::api::types::{PlanRequest, PreviewView};
use crate::auth::Right;
use crate::driver::{Chosen, choose_seen};
use crate::serve::HEARD_EVERY;

/// How many devices are named of those that are left out for one reason.
const EXAMPLES: usize = 5;
/// More freezes than that are not looked at.
const FREEZES: u32 = 10_000;

/// The devices of a plan.
struct Survey {
    chosen: Chosen,
    considered: u64,
    /// Some of the devices that are left out, by reason.
    examples: BTreeMap<&'static str, Vec<String>>,
    /// Devices of each wave that were not heard of for long.
    offline: Vec<u64>,
    offline_after: Seconds,
}

/// What holds outside a plan.
struct Outside {
    start: Timestamp,
    freezes: Vec<Freeze>,
    zones: Vec<(Option<String>, u64)>,
}

/// Whether the devices' own time zones are looked up, which takes a look at each of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Zones {
    LookedUp,
    LeftOut,
}

impl App {
    /// What a stored plan would do now.
    ///
    /// # Errors
    /// The caller may not read, there is no such plan, or its firmware can't be deployed.
    pub async fn preview_plan(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
    ) -> Result<PreviewView, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &Tx<'_>| {
            let stored = plans::find(tx, &plan_id)?;
            let image = app.deployable(tx, &stored)?;
            let mut preview = app.preview(tx, (&stored, &image), now)?;
            let waits = app.said_of_stored(tx, &stored, &image, preview.matching)?;
            preview.warnings.extend(waits);
            Ok(PreviewView {
                revision: Some(stored.revision),
                digest: Some(stored.digest),
                plan_id: Some(stored.plan_id),
                ..preview
            })
        };
        self.store.read(read).await
    }

    /// What a plan would do now that is not stored.
    ///
    /// # Errors
    /// The caller may not plan, or the plan can't be.
    pub async fn preview_request(
        self: &Arc<Self>,
        call: &Call,
        request: PlanRequest,
    ) -> Result<PreviewView, AppError> {
        call.needs(Right::Plan)?;
        let unstored = self.unstored(call, &request)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &Tx<'_>| {
            let image = app.deployable(tx, &unstored)?;
            app.check_promotion_known(&unstored)?;
            app.preview(tx, (&unstored, &image), now)
        };
        self.store.read(read).await
    }

    fn preview(
        &self,
        tx: &Tx<'_>,
        (stored, image): (&StoredPlan, &Firmware),
        now: Timestamp,
    ) -> Result<PreviewView, AppError> {
        let plan = &stored.plan;
        let survey = self.survey(tx, plan, image, now)?;
        let outside = self.outside(tx, plan, Zones::LookedUp, now)?;
        let sizes = survey.chosen.sizes();
        let timetable = outside.timetable(plan, &sizes);
        let mut found = said_of(plan, &sizes, &timetable, now);
        found.extend(survey.silent_wave(plan));
        found.extend(self.unproved(tx, stored, image)?);
        let about = view::About {
            plan,
            survey: &survey,
            timetable: &timetable,
        };
        Ok(about.view(found, now))
    }

    /// What is to be said of a plan with waves of these sizes. Windows that are read on the devices' own clocks are
    /// taken to be read on that of the environment.
    pub(super) fn said_of_sizes(
        &self,
        tx: &Tx<'_>,
        plan: &Plan,
        sizes: &[u64],
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let outside = self.outside(tx, plan, Zones::LeftOut, now)?;
        let timetable = outside.timetable(plan, sizes);
        Ok(said_of(plan, sizes, &timetable, now))
    }

    fn survey(
        &self,
        tx: &Tx<'_>,
        plan: &Plan,
        image: &Firmware,
        now: Timestamp,
    ) -> Result<Survey, StoreError> {
        // That a device was heard of is stored that much later.
        let stored_within = HEARD_EVERY.as_secs() as u32;
        let offline_after = Seconds(2 * self.config.devices.poll_interval.0 + stored_within);
        let since = now
            .checked_sub(SignedDuration::from_secs(offline_after.0.into()))
            .unwrap_or(Timestamp::MIN);
        let mut examples: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        let (mut considered, mut silent) = (0, Vec::new());
        let chosen = choose_seen(tx, plan, image, |device, why| {
            considered += 1;
            match why {
                Some(reason) => {
                    let named = examples.entry(reason).or_default();
                    if named.len() < EXAMPLES {
                        named.push(device.device_id.to_owned());
                    }
                }
                None if device.last_seen_at.is_none_or(|at| at < since) => {
                    silent.push(device.device_key);
                }
                None => {}
            }
        })?;
        silent.sort_unstable();
        let offline = |wave: &Vec<i64>| {
            let silent = wave.iter().filter(|key| silent.binary_search(key).is_ok());
            silent.count() as u64
        };
        Ok(Survey {
            considered,
            examples,
            offline: chosen.waves.iter().map(offline).collect(),
            offline_after,
            chosen,
        })
    }

    fn outside(
        &self,
        tx: &Tx<'_>,
        plan: &Plan,
        zones: Zones,
        now: Timestamp,
    ) -> Result<Outside, StoreError> {
        let own_clocks = plan.calendar.window_timezone == WindowTimezone::Device
            && !plan.calendar.windows.is_empty()
            && !plan.emergency;
        let zones = if own_clocks && zones == Zones::LookedUp {
            zones_of(tx, plan)?
        } else {
            Vec::new()
        };
        Ok(Outside {
            start: super::executions::starts_at(plan, now)
                .ok()
                .flatten()
                .map_or(now, |at| at.max(now)),
            freezes: self.freezes_of(tx, &plan.target_environment, now)?,
            zones,
        })
    }

    /// Every freeze that holds in an environment now or will.
    fn freezes_of(
        &self,
        tx: &Tx<'_>,
        environment: &str,
        now: Timestamp,
    ) -> Result<Vec<Freeze>, StoreError> {
        let filter = FreezeFilter {
            environment: Some(environment.to_owned()),
            standing_at: Some(now),
        };
        let page = Page {
            after: None,
            limit: FREEZES,
        };
        let declared = freezes::list(tx, &filter, page)?.rows.into_iter();
        let declared = declared.filter_map(|it| Freeze::new(it.from, it.until, it.reason).ok());
        let periods = self.config.freezes();
        let periods = periods.filter(|(own, _)| own.is_none_or(|own| own == environment));
        Ok(declared.chain(periods.map(|(_, period)| period)).collect())
    }
}

impl Survey {
    /// The first wave of which so many devices are silent that it would end without a verdict.
    fn silent_wave(&self, plan: &Plan) -> Option<String> {
        match plan.offline_policy {
            OfflinePolicy::Late | OfflinePolicy::Skip => {}
            OfflinePolicy::Wait => return None,
        }
        let wanted = |size: u64| plan.rollback_criteria.min_judged.of(size).max(1);
        let sizes = self.chosen.sizes();
        let mut waves = sizes.iter().zip(&self.offline);
        let wave = waves.position(|(&size, &offline)| size - offline < wanted(size))?;
        let (size, offline) = (sizes[wave], self.offline[wave]);
        Some(format!(
            "wave {} has {size} devices, of which {offline} were not heard of for {} s: without them too few come to \
             judge it; wait for them, or lower min_judged",
            wave + 1,
            self.offline_after.0
        ))
    }
}

impl Outside {
    fn timetable(&self, plan: &Plan, sizes: &[u64]) -> Timetable {
        let circumstances = Circumstances {
            start: self.start,
            calendar: &plan.calendar,
            freezes: &self.freezes,
            device_takes: DEVICE_SECONDS,
            zones: &self.zones,
        };
        timetable(plan, sizes, &circumstances)
    }
}

/// What the plan itself and its timetable give reason to say.
fn said_of(plan: &Plan, sizes: &[u64], timetable: &Timetable, now: Timestamp) -> Vec<String> {
    let mut found = warnings(plan, sizes, timetable);
    if sizes.is_empty() {
        found.push("no device of the environment would be updated now".to_owned());
    }
    let never_due = super::executions::starts_at(plan, now).err();
    found.extend(never_due.map(|error| error.to_string()));
    found
}

/// How many devices of a plan's environment or groups are in which time zone.
fn zones_of(tx: &Tx<'_>, plan: &Plan) -> Result<Vec<(Option<String>, u64)>, StoreError> {
    let mut zones: BTreeMap<Option<String>, u64> = BTreeMap::new();
    let (environment, groups) = (&plan.target_environment, &plan.device_groups);
    devices::whereabouts(tx, environment, groups, None, |device| {
        *zones.entry(device.zone).or_default() += 1;
    })?;
    Ok(zones.into_iter().collect())
}
