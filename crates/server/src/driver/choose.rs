//! Choosing the devices of an execution: which, in which wave, decided once, when it starts.

use std::collections::BTreeMap;

use fleetward_core::firmware::fits;
use fleetward_core::plan::Plan;
use fleetward_core::selection::{Candidate, order, seed_of};
use fleetward_core::version::{is_below, stones_to_pass};
use fleetward_store::firmware::Firmware;
use fleetward_store::{StoreError, Tx, assignments, devices};

/// What was chosen.
#[derive(Debug, Default)]
pub struct Chosen {
    /// The devices of each wave, in the order in which they are offered the update.
    pub waves: Vec<Vec<i64>>,
    /// How many devices of the environment were left out, by reason.
    pub excluded: BTreeMap<String, u64>,
    /// Devices with stepping stones before them, and how many.
    pub stones: Vec<(i64, u64)>,
    /// How many devices of each hardware model and revision are in each wave.
    pub strata: Vec<BTreeMap<String, u64>>,
}

/// Devices that another execution has.
pub const BUSY: &str = "busy";
/// Devices that the plan's share leaves for later.
pub const BEYOND: &str = "beyond_rollout_percentage";

impl Chosen {
    /// How many devices the plan matches, busy ones and those beyond its share too.
    #[must_use]
    pub fn matching(&self) -> u64 {
        let kept: u64 = self.waves.iter().map(|wave| wave.len() as u64).sum();
        let left = [BUSY, BEYOND].map(|why| self.excluded.get(why).copied().unwrap_or_default());
        kept + left.iter().sum::<u64>()
    }

    /// The waves' sizes.
    #[must_use]
    pub fn sizes(&self) -> Vec<u64> {
        self.waves.iter().map(|wave| wave.len() as u64).collect()
    }
}

/// Why a device of the target environment is not updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// It runs the version.
    AlreadyOnVersion,
    /// The image is not for its hardware.
    IncompatibleHardware,
    /// It did not go back before and needs a person.
    Quarantined,
    /// The version is older than it may run.
    BelowSecurityFloor,
}

impl LeftOut {
    /// The reason's name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AlreadyOnVersion => "already_on_version",
            Self::IncompatibleHardware => "incompatible_hardware",
            Self::Quarantined => "quarantined",
            Self::BelowSecurityFloor => "below_security_floor",
        }
    }
}

/// Why a device of the target environment is not updated, if it isn't.
#[must_use]
pub fn left_out(device: &devices::Candidate<'_>, image: &Firmware, plan: &Plan) -> Option<LeftOut> {
    let floor = plan.security_floor.as_deref().unwrap_or_default();
    let below = |floor: &str| !floor.is_empty() && is_below(&image.version, floor);
    if device.up_to_date {
        Some(LeftOut::AlreadyOnVersion)
    } else if !fits(&image.hardware, device.model, device.revision) {
        Some(LeftOut::IncompatibleHardware)
    } else if device.quarantined {
        Some(LeftOut::Quarantined)
    } else if below(floor) || below(device.security_floor) {
        Some(LeftOut::BelowSecurityFloor)
    } else {
        None
    }
}

/// The devices that a plan would update if it started now.
///
/// # Errors
/// The database fails.
pub fn choose(tx: &Tx<'_>, plan: &Plan, image: &Firmware) -> Result<Chosen, StoreError> {
    choose_seen(tx, plan, image, |_, _| {})
}

/// As [`choose`], and shows every device of the environment or the groups on the way, with why it is left out. Those
/// beyond the plan's share are not known yet then.
///
/// # Errors
/// The database fails.
pub fn choose_seen(
    tx: &Tx<'_>,
    plan: &Plan,
    image: &Firmware,
    mut see: impl FnMut(&devices::Candidate<'_>, Option<&'static str>),
) -> Result<Chosen, StoreError> {
    let busy = assignments::busy(tx, &plan.target_environment)?;
    let seed = seed_of(&plan_seed(plan));
    let mut chosen = Chosen::default();
    let mut strata = Strata::default();
    let mut keys = Vec::new();
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut numbers = Vec::new();
    let (environment, groups) = (&plan.target_environment, &plan.device_groups);
    devices::candidates(tx, environment, groups, &plan.firmware_version, |device| {
        let held = busy.binary_search(&device.device_key).ok().map(|_| BUSY);
        let why = left_out(&device, image, plan).map(LeftOut::name).or(held);
        see(&device, why);
        if let Some(reason) = why {
            *chosen.excluded.entry(reason.to_owned()).or_default() += 1;
            return;
        }
        let stones = stones_to_pass(device.version, &plan.stepping_stones, &image.version);
        if stones > 0 {
            chosen.stones.push((device.device_key, stones as u64));
        }
        let stratum = strata.number(device.model, device.revision);
        keys.push(device.device_key);
        numbers.push(stratum);
        candidates.push(Candidate::new(seed, device.device_id, stratum));
    })?;
    let order = order(&candidates);
    let mut rest = order.as_slice();
    for size in plan.waves(keys.len() as u64) {
        let (wave, others) = rest.split_at(size as usize);
        rest = others;
        let keys = wave.iter().map(|&at| keys[at as usize]);
        chosen.waves.push(keys.collect());
        let of_wave = wave.iter().map(|&at| numbers[at as usize]);
        chosen.strata.push(strata.counted(of_wave));
    }
    if !rest.is_empty() {
        chosen.excluded.insert(BEYOND.to_owned(), rest.len() as u64);
    }
    Ok(chosen)
}

/// Hardware models and revisions, numbered as they come.
#[derive(Default)]
struct Strata {
    numbers: BTreeMap<String, BTreeMap<String, u32>>,
    names: Vec<String>,
}

impl Strata {
    fn number(&mut self, model: &str, revision: &str) -> u32 {
        let of_model = self.numbers.get(model);
        if let Some(known) = of_model.and_then(|revisions| revisions.get(revision)) {
            return *known;
        }
        let number = self.names.len() as u32;
        let of_model = self.numbers.entry(model.to_owned()).or_default();
        of_model.insert(revision.to_owned(), number);
        self.names.push(match (model, revision) {
            ("", _) => "unknown".to_owned(),
            (model, "") => model.to_owned(),
            (model, revision) => format!("{model}:{revision}"),
        });
        number
    }

    fn counted(&self, wave: impl Iterator<Item = u32>) -> BTreeMap<String, u64> {
        let mut counts = vec![0u64; self.names.len()];
        wave.for_each(|number| counts[number as usize] += 1);
        let named = self.names.iter().cloned().zip(counts);
        named.filter(|(_, devices)| *devices > 0).collect()
    }
}

/// Plans for the same version and environment choose the same devices first, so that a plan with a
/// larger `rollout_percentage` goes on where the smaller one ended.
fn plan_seed(plan: &Plan) -> String {
    format!("{}/{}", plan.target_environment, plan.firmware_version)
}
