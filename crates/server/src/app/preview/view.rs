//! A preview as the outside sees it.

use fleetward_core::Timestamp;
use fleetward_core::judge::BoundaryRow;
use fleetward_core::plan::{Judgement, Plan};
use fleetward_core::preview::{DEVICE_SECONDS, Harm, Timetable, WaveTime, harm};

use super::Survey;
use crate::api::types::{
    BoundaryRowView, BoundaryView, ExcludedView, HarmView, PreviewView, WavePreview,
};
use crate::app::views::time;

/// What a preview is made of.
pub(super) struct About<'a> {
    pub(super) plan: &'a Plan,
    pub(super) survey: &'a Survey,
    pub(super) timetable: &'a Timetable,
}

impl About<'_> {
    /// The preview of a plan that is not stored.
    pub(super) fn view(&self, warnings: Vec<String>, now: Timestamp) -> PreviewView {
        let (plan, survey, timetable) = (self.plan, self.survey, self.timetable);
        let sizes = survey.chosen.sizes();
        let targeted = sizes.iter().sum();
        PreviewView {
            plan_id: None,
            revision: None,
            digest: None,
            firmware_version: plan.firmware_version.clone(),
            environment: plan.target_environment.clone(),
            strategy: plan.strategy.name().to_owned(),
            made_at: time(now),
            considered: survey.considered,
            matching: survey.chosen.matching(),
            targeted,
            excluded: self.excluded(),
            offline: survey.offline.iter().sum(),
            offline_after: survey.offline_after.0.into(),
            through_stepping_stones: self.through_stones(),
            starts_at: time(timetable.starts_at),
            ends_at: timetable.ends_at.map(time),
            takes: timetable.takes(),
            device_takes: DEVICE_SECONDS.0,
            waves: self.waves(),
            harm: harm_view(harm(plan, &sizes)),
            boundary: boundary(plan, targeted),
            warnings,
        }
    }

    fn excluded(&self) -> Vec<ExcludedView> {
        let examples = &self.survey.examples;
        let excluded = self.survey.chosen.excluded.iter();
        let view = excluded.map(|(reason, devices)| ExcludedView {
            reason: reason.clone(),
            devices: *devices,
            examples: examples.get(reason.as_str()).cloned().unwrap_or_default(),
        });
        view.collect()
    }

    /// Those of the waves alone: devices beyond the plan's share may have stones before them as well.
    fn through_stones(&self) -> u64 {
        let chosen = &self.survey.chosen;
        if chosen.stones.is_empty() {
            return 0;
        }
        let mut keys: Vec<i64> = chosen.waves.iter().flatten().copied().collect();
        keys.sort_unstable();
        let stones = chosen.stones.iter();
        let targeted = stones.filter(|(key, _)| keys.binary_search(key).is_ok());
        targeted.count() as u64
    }

    fn waves(&self) -> Vec<WavePreview> {
        let chosen = &self.survey.chosen;
        let waves = chosen.waves.iter().zip(&chosen.strata).enumerate();
        let view = waves.map(|(index, (wave, strata))| {
            let times = self.timetable.waves.get(index);
            let at = |moment: fn(&WaveTime) -> Timestamp| times.map(|times| time(moment(times)));
            WavePreview {
                wave: index as u32 + 1,
                devices: wave.len() as u64,
                strata: strata.clone(),
                offline: self.survey.offline[index],
                opens_at: at(|times| times.opens_at),
                released_by: at(|times| times.released_by),
                settled_by: at(|times| times.settled_by),
                passes_at: at(|times| times.passes_at),
                held_by_window: times.is_some_and(|times| times.held_by_window),
            }
        });
        view.collect()
    }
}

fn harm_view(harm: Harm) -> HarmView {
    let Harm {
        all_fail,
        hidden,
        late,
        explanation,
    } = harm;
    HarmView {
        all_fail,
        hidden,
        late,
        explanation,
    }
}

fn boundary(plan: &Plan, devices: u64) -> Option<BoundaryView> {
    let criteria = &plan.rollback_criteria;
    let boundary = match criteria.judgement {
        Judgement::Threshold => return None,
        Judgement::Sequential => criteria.boundary()?,
    };
    let table = boundary.table(devices);
    let row = |row: BoundaryRow| BoundaryRowView {
        failures: row.failures,
        rolls_back_through: row.rolls_back_through,
        passes_from: row.passes_from,
    };
    Some(BoundaryView {
        rows: table.rows.into_iter().map(row).collect(),
        complete: table.complete,
    })
}
