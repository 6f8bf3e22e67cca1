//! Why an execution does not go on, and why a device is not updated: exactly one answer for each, and what would change
//! it. Why an execution that has a device does not update it is the engine's to say; which execution is asked, and why
//! one has nothing for a device, is here.

use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Census, DeviceFacts, NotTargeted, Why, WhyDevice};
use fleetward_core::ids::WaveIndex;
use fleetward_core::percent::Percent;
use fleetward_core::plan::Plan;
use fleetward_core::version::is_below;
use fleetward_store::assignments::Assignment;
use fleetward_store::devices::{Candidate, Device};
use fleetward_store::executions::{self, Execution};
use fleetward_store::firmware::Firmware;
use fleetward_store::{StoreError, Tx, assignments, firmware, parts, plans, tallies};
use serde::Serialize;

use super::{App, AppError, Call, devices, executions as app_executions, views};
use crate::api::types::WhyView;
use crate::auth::Right;
use crate::driver::{LeftOut, around, left_out};

/// Why an execution has nothing for a device, where the engine has no word for it.
#[derive(Debug, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
enum Outside {
    /// Devices are chosen when the execution starts.
    NotChosenYet { because: Why },
    /// The execution updates another environment.
    OtherEnvironment {
        environment: String,
        updates: String,
    },
}

/// Why a device is not updated.
enum Answer {
    Has(WhyDevice),
    Misses(NotTargeted),
    Outside(Outside),
}

impl App {
    /// Why an execution does not go further now, or why it stopped.
    ///
    /// # Errors
    /// The caller may not read, or there is no such execution.
    pub async fn why_execution(
        self: &Arc<Self>,
        call: &Call,
        execution_id: String,
    ) -> Result<WhyView, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &Tx<'_>| {
            let execution = app_executions::find(tx, &execution_id)?;
            let census = census(tx, &execution)?;
            let why = app.why_of(tx, &execution, &census, now)?;
            Ok::<_, AppError>(WhyView {
                answer: why.name().to_owned(),
                text: why.to_string(),
                remedy: why.remedy(),
                details: details(&why),
                wave: views::current_wave(&execution),
                execution_id: Some(execution_id),
            })
        };
        self.store.read(read).await
    }

    /// Why a device is not updated, or how it came to where it is.
    ///
    /// # Errors
    /// The caller may not read, or there is no such device or execution.
    pub async fn why_device(
        self: &Arc<Self>,
        call: &Call,
        device_id: String,
        execution_id: Option<String>,
    ) -> Result<WhyView, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let read = move |tx: &Tx<'_>| {
            let device = devices::find(tx, &device_id)?;
            let execution = match &execution_id {
                Some(id) => Some(app_executions::find(tx, id)?),
                None => asked(tx, &device)?,
            };
            let Some(execution) = execution else {
                return Ok(Answer::Misses(NotTargeted::NoOpenExecution).view(None, None));
            };
            let (answer, wave) = app.why_in(tx, &device, &execution, now)?;
            Ok::<_, AppError>(answer.view(Some(execution.execution_id), wave))
        };
        self.store.read(read).await
    }

    /// Why an execution with these counts does not go further now.
    pub(super) fn why_of(
        &self,
        tx: &Tx<'_>,
        execution: &Execution,
        census: &Census,
        now: Timestamp,
    ) -> Result<Why, StoreError> {
        let of = (execution.execution_key, execution.environment.as_str());
        let around = around(tx, &self.config, of, &execution.rollout, now)?;
        Ok(execution.rollout.why(census, &around, now))
    }

    /// Why a device is not updated by one execution, and its wave there.
    fn why_in(
        &self,
        tx: &Tx<'_>,
        device: &Device,
        execution: &Execution,
        now: Timestamp,
    ) -> Result<(Answer, Option<u32>), AppError> {
        let (key, of) = (device.device_key, execution.execution_key);
        let facts = if let Some(part) = assignments::find(tx, key, of)? {
            let attempts = parts::offers(tx, key, of)?;
            self.facts(device, &part, attempts)
        } else if let Some(wave) = parts::kept_wave(tx, key, of)? {
            self.facts_of_kept(device, wave)
        } else {
            return Ok((self.why_not_in(tx, device, execution, now)?, None));
        };
        let census = census(tx, execution)?;
        let place = (of, execution.environment.as_str());
        let around = around(tx, &self.config, place, &execution.rollout, now)?;
        let why = execution.rollout.why_device(&facts, &census, &around, now);
        Ok((Answer::Has(why), Some(facts.wave.0 + 1)))
    }

    fn facts(&self, device: &Device, part: &Assignment, attempts: u32) -> DeviceFacts {
        DeviceFacts {
            status: part.status,
            class: part.class,
            failure: part.failure,
            retry_at: part.retry_at,
            deadline: part.deadline,
            attempts,
            stones_left: part.stones_left,
            zone: part.zone.clone().filter(|zone| !zone.is_empty()),
            ..self.facts_of_kept(device, part.wave)
        }
    }

    /// A device that is chosen and not written out yet.
    fn facts_of_kept(&self, device: &Device, wave: u32) -> DeviceFacts {
        let heard = self.roster.heard_at(&device.device_id);
        DeviceFacts {
            status: DeviceStatus::Pending,
            class: Class::OnTime,
            wave: WaveIndex(wave),
            failure: None,
            retry_at: None,
            deadline: None,
            attempts: 0,
            stones_left: 0,
            zone: device.attributes.get("timezone").cloned(),
            last_seen_at: heard.max(device.last_seen_at),
            can_stage: device.can_stage,
        }
    }

    /// Why an execution has nothing for a device.
    fn why_not_in(
        &self,
        tx: &Tx<'_>,
        device: &Device,
        execution: &Execution,
        now: Timestamp,
    ) -> Result<Answer, AppError> {
        if device.environment != execution.environment {
            return Ok(Answer::Outside(Outside::OtherEnvironment {
                environment: device.environment.clone(),
                updates: execution.environment.clone(),
            }));
        }
        let missing = || AppError::not_found("plan", &execution.plan_id);
        let plan = plans::of_execution(tx, execution.execution_key)?.ok_or_else(missing)?;
        let image = firmware::by_key(tx, execution.firmware_key)?;
        let image = image.ok_or_else(|| AppError::not_found("firmware", &plan.firmware_version))?;
        if let Some(misfit) = misfit(tx, device, &plan, &image)? {
            return Ok(Answer::Misses(misfit));
        }
        let rollout = &execution.rollout;
        if rollout.waves.is_empty() && !rollout.phase.is_finished() {
            let because = self.why_of(tx, execution, &census(tx, execution)?, now)?;
            return Ok(Answer::Outside(Outside::NotChosenYet { because }));
        }
        if let Some(busy) = busy_with(tx, device, execution)? {
            return Ok(Answer::Misses(busy));
        }
        let started = rollout.started_at.unwrap_or(execution.created_at);
        let share = plan.rollout_percentage;
        let there = device.registered_at <= started;
        Ok(Answer::Misses(if there && share < Percent::HUNDRED {
            NotTargeted::BeyondRolloutPercentage { percentage: share }
        } else {
            NotTargeted::JoinedLater
        }))
    }
}

impl Answer {
    fn view(self, execution_id: Option<String>, wave: Option<u32>) -> WhyView {
        let (answer, text, remedy, details) = match self {
            Self::Has(why) => (why.name(), why.to_string(), why.remedy(), details(&why)),
            Self::Misses(why) => (why.name(), why.to_string(), why.remedy(), details(&why)),
            Self::Outside(why) => (why.name(), why.text(), why.remedy(), details(&why)),
        };
        WhyView {
            answer: answer.to_owned(),
            text,
            remedy,
            details,
            execution_id,
            wave,
        }
    }
}

impl Outside {
    const fn name(&self) -> &'static str {
        match self {
            Self::NotChosenYet { .. } => "not_chosen_yet",
            Self::OtherEnvironment { .. } => "other_environment",
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NotChosenYet { because } => {
                format!("devices are chosen when the execution starts: {because}")
            }
            Self::OtherEnvironment {
                environment,
                updates,
            } => format!("it is in `{environment}`, and the execution updates `{updates}`"),
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::NotChosenYet { because } => because.remedy(),
            Self::OtherEnvironment { updates, .. } => Some(format!(
                "move it to `{updates}`, or execute a plan for its own environment"
            )),
        }
    }
}

/// The execution that has a device, or else the newest one of its environment that is not over, or else the last one
/// that had it.
fn asked(tx: &Tx<'_>, device: &Device) -> Result<Option<Execution>, StoreError> {
    let part = parts::current(tx, device.device_key)?;
    let own = part.map(|part| part.execution_key);
    let key = if part.is_some_and(|part| part.open) {
        own
    } else {
        parts::newest_open(tx, &device.environment)?.or(own)
    };
    match key {
        Some(key) => executions::by_key(tx, key),
        None => Ok(None),
    }
}

/// What is wrong with a device for a plan, whenever the devices are chosen.
fn misfit(
    tx: &Tx<'_>,
    device: &Device,
    plan: &Plan,
    image: &Firmware,
) -> Result<Option<NotTargeted>, StoreError> {
    let groups = &plan.device_groups;
    if !groups.is_empty() && !groups.iter().any(|group| device.groups.contains(group)) {
        let groups = groups.clone();
        return Ok(Some(NotTargeted::OtherGroup { groups }));
    }
    let own_floor = parts::security_floor(tx, device.device_key)?;
    let candidate = Candidate {
        device_key: device.device_key,
        device_id: &device.device_id,
        model: &device.model,
        revision: &device.revision,
        up_to_date: device.version == image.version,
        quarantined: device.quarantined,
        version: &device.version,
        security_floor: &own_floor,
        last_seen_at: device.last_seen_at,
    };
    Ok(left_out(&candidate, image, plan).map(|reason| {
        let version = image.version.clone();
        match reason {
            LeftOut::AlreadyOnVersion => NotTargeted::AlreadyOnVersion { version },
            LeftOut::IncompatibleHardware => NotTargeted::IncompatibleHardware {
                hardware: hardware(device),
            },
            LeftOut::Quarantined => NotTargeted::Quarantined,
            LeftOut::BelowSecurityFloor => {
                let of_all = plan.security_floor.clone().unwrap_or_default();
                let below = !of_all.is_empty() && is_below(&version, &of_all);
                let floor = if below { of_all } else { own_floor };
                NotTargeted::BelowSecurityFloor { version, floor }
            }
        }
    }))
}

fn hardware(device: &Device) -> String {
    match (device.model.as_str(), device.revision.as_str()) {
        ("", _) => "which is not known".to_owned(),
        (model, "") => model.to_owned(),
        (model, revision) => format!("{model}:{revision}"),
    }
}

/// Another execution that has the device now.
fn busy_with(
    tx: &Tx<'_>,
    device: &Device,
    execution: &Execution,
) -> Result<Option<NotTargeted>, StoreError> {
    let part = parts::current(tx, device.device_key)?;
    let other = part.filter(|part| part.open && part.execution_key != execution.execution_key);
    let Some(other) = other else { return Ok(None) };
    let other = executions::by_key(tx, other.execution_key)?;
    Ok(other.map(|other| NotTargeted::Busy {
        execution_id: other.execution_id,
    }))
}

fn census(tx: &Tx<'_>, execution: &Execution) -> Result<Census, StoreError> {
    tallies::census(tx, execution.execution_key, execution.rollout.waves.len())
}

fn details(why: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(why).unwrap_or_default()
}
