//! Stored things as the outside sees them.

mod limits;

use std::collections::BTreeMap;

use fleetward_core::Timestamp;
use fleetward_core::device::{ActionState, AttemptKind, DeviceStatus};
use fleetward_core::engine::{Census, Phase, Tally, Wave};
use fleetward_core::judge::Verdict;
use fleetward_core::plan::OfflinePolicy;
use fleetward_store::assignments::Assignment;
use fleetward_store::audit::StoredEntry;
use fleetward_store::devices::Device;
use fleetward_store::executions::{Execution, StoredDecision};
use fleetward_store::firmware::Firmware;
use fleetward_store::keys::ApiKey;
use fleetward_store::plans::StoredPlan;

use crate::api::types::{
    AuditView, DecisionView, DeviceExecutionView, DeviceView, ExecutionDeviceView, ExecutionView,
    FirmwareView, KeyView, PlanView, WaveView,
};

/// A plan, with the waves it would make of the devices known now and without what was said of it.
#[must_use]
pub fn plan(stored: &StoredPlan, waves: Vec<u64>, warnings: Vec<String>) -> PlanView {
    let plan = &stored.plan;
    let (approved_at, approved_by) = stored.approved.clone().unzip();
    PlanView {
        plan_id: stored.plan_id.clone(),
        status: stored.state.name().to_owned(),
        name: plan.name.clone(),
        description: plan.description.clone(),
        firmware_version: plan.firmware_version.clone(),
        source_environment: plan.source_environment.clone(),
        target_environment: plan.target_environment.clone(),
        device_groups: plan.device_groups.clone(),
        strategy: plan.strategy.name().to_owned(),
        rollout_percentage: plan.rollout_percentage.into(),
        canary_percentage: plan.canary_percentage.into(),
        canary_steps: plan
            .canary_steps
            .iter()
            .map(|step| f64::from(*step))
            .collect(),
        batch_size: plan.batch_size,
        batch_percentage: plan.batch_percentage.into(),
        monitor_seconds: plan.monitor_seconds.0,
        rollback_criteria: limits::criteria(&plan.rollback_criteria),
        auto_rollback: plan.auto_rollback,
        device_timeout: plan.device_timeout.0,
        rollback_timeout: plan.rollback_timeout.0,
        offline_policy: policy_name(plan.offline_policy).to_owned(),
        deployment_timeout: plan.deployment_timeout.map(|timeout| timeout.0),
        max_in_flight: plan.pace.max_in_flight,
        rate: plan.pace.rate.as_ref().map(limits::rate),
        failure_domain: plan
            .pace
            .failure_domain
            .as_ref()
            .map(limits::failure_domain),
        on_pass: limits::on_pass(plan.on_pass).to_owned(),
        on_inconclusive: limits::on_inconclusive(plan.on_inconclusive).to_owned(),
        retries: limits::retries(&plan.retries),
        stepping_stones: plan.stepping_stones.clone(),
        dynamic: plan.dynamic,
        blast_radius: plan.blast_radius,
        security_floor: plan.security_floor.clone(),
        schedule: plan.schedule.as_ref().map(limits::schedule),
        calendar: limits::calendar(&plan.calendar),
        digest: stored.digest.clone(),
        waves,
        warnings,
        created_at: time(stored.created_at),
        created_by: stored.created_by.clone(),
        approved_at: approved_at.map(time),
        approved_by,
        comment: stored.comment.clone(),
        revision: stored.revision,
        emergency: plan.emergency,
        approvals: Vec::new(),
        approvals_required: 0,
        approvals_missing: 0,
        approved_devices: stored.devices,
        expires_at: stored.expires_at.map(time),
        review: stored.review.name().to_owned(),
    }
}

const fn policy_name(policy: OfflinePolicy) -> &'static str {
    match policy {
        OfflinePolicy::Wait => "wait",
        OfflinePolicy::Skip => "skip",
        OfflinePolicy::Late => "late",
    }
}

/// What an execution's plan and firmware add to its view.
#[derive(Clone, Debug)]
pub struct About {
    /// The plan's name.
    pub name: String,
    /// The strategy.
    pub strategy: String,
    /// The version.
    pub firmware_version: String,
}

/// An execution with its counts.
#[must_use]
pub fn execution(execution: &Execution, about: &About, census: &Census) -> ExecutionView {
    let phase = &execution.rollout.phase;
    let counts = counts(&census.waves);
    let settled: u64 = DeviceStatus::ALL
        .into_iter()
        .filter(|status| status.is_final())
        .map(|status| census.count(status))
        .sum();
    let late = census.waves.iter().map(Tally::late).sum();
    let joined = census.waves.iter().map(Tally::joined).sum();
    let waves = execution
        .rollout
        .waves
        .iter()
        .zip(&census.waves)
        .enumerate();
    ExecutionView {
        execution_id: execution.execution_id.clone(),
        plan_id: execution.plan_id.clone(),
        name: about.name.clone(),
        environment: execution.environment.clone(),
        firmware_version: about.firmware_version.clone(),
        strategy: about.strategy.clone(),
        status: phase.name().to_owned(),
        finished: phase.is_finished(),
        reason: reason(phase),
        why: None,
        current_wave: current_wave(execution),
        devices: execution.devices,
        excluded: execution.excluded.clone(),
        progress: percent(settled, execution.devices),
        counts,
        late,
        joined,
        starts_at: execution.rollout.starts_at.map(time),
        waves: waves
            .map(|(index, (wave, tally))| wave_view(index, wave, tally))
            .collect(),
        started_at: time(execution.created_at),
        started_by: execution.created_by.clone(),
        finished_at: execution.finished_at.map(time),
    }
}

fn wave_view(index: usize, wave: &Wave, tally: &Tally) -> WaveView {
    WaveView {
        wave: index as u32 + 1,
        devices: wave.size,
        counts: counts(std::slice::from_ref(tally)),
        released_at: wave.released_at.map(time),
        switched_at: wave.switched_at.map(time),
        settled_at: wave.settled_at.map(time),
        verdict: wave.verdict.map(|verdict| verdict_name(verdict).to_owned()),
    }
}

const fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
    }
}

fn counts(waves: &[Tally]) -> BTreeMap<String, u64> {
    let count = |status| waves.iter().map(|tally| tally.count(status)).sum::<u64>();
    let counted = DeviceStatus::ALL
        .into_iter()
        .map(|status| (status.name().to_owned(), count(status)));
    counted.filter(|(_, devices)| *devices > 0).collect()
}

fn reason(phase: &Phase) -> Option<String> {
    match phase {
        Phase::Halted { reason, .. } => Some(reason.to_string()),
        Phase::RollingBack { cause, .. } => Some(cause.to_string()),
        Phase::Cancelling { by, .. } => Some(format!("cancelled by {by}")),
        Phase::Finished { cause, .. } => cause.as_ref().map(ToString::to_string),
        Phase::Queued
        | Phase::Releasing { .. }
        | Phase::Staging { .. }
        | Phase::Verifying { .. }
        | Phase::Observing { .. } => None,
    }
}

pub(super) fn current_wave(execution: &Execution) -> Option<u32> {
    let open = execution
        .rollout
        .waves
        .iter()
        .rposition(|wave| wave.released_at.is_some())?;
    let over = execution.rollout.phase.is_finished();
    (!over).then_some(open as u32 + 1)
}

/// A share in percent, two decimals.
#[must_use]
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    (part as f64 * 10_000.0 / whole as f64).round() / 100.0
}

/// A decision.
#[must_use]
pub fn decision(stored: &StoredDecision) -> DecisionView {
    DecisionView {
        number: stored.number,
        at: time(stored.at),
        decision: stored.decision.name().to_owned(),
        summary: stored.decision.to_string(),
        details: serde_json::to_value(&stored.decision).unwrap_or_default(),
    }
}

/// A device inside an execution.
#[must_use]
pub fn execution_device(assignment: &Assignment) -> ExecutionDeviceView {
    ExecutionDeviceView {
        device_id: assignment.device_id.clone(),
        wave: assignment.wave + 1,
        status: assignment.status.name().to_owned(),
        late: assignment.class.is_late(),
        class: assignment.class.name().to_owned(),
        retry_at: assignment.retry_at.map(time),
        previous_version: assignment.previous_version.clone(),
        failure: assignment.failure.map(|kind| kind.name().to_owned()),
        action_id: assignment.action_id,
        deadline: assignment.deadline.map(time),
        updated_at: time(assignment.updated_at),
    }
}

/// A device's part in an execution.
#[must_use]
pub fn device_execution(assignment: &Assignment) -> DeviceExecutionView {
    DeviceExecutionView {
        execution_id: assignment.execution_id.clone(),
        wave: assignment.wave + 1,
        status: assignment.status.name().to_owned(),
        previous_version: assignment.previous_version.clone(),
        failure: assignment.failure.map(|kind| kind.name().to_owned()),
        updated_at: time(assignment.updated_at),
    }
}

/// A device.
#[must_use]
pub fn device(device: Device) -> DeviceView {
    DeviceView {
        device_id: device.device_id,
        environment: device.environment,
        model: device.model,
        revision: device.revision,
        version: device.version,
        groups: device.groups,
        attributes: device.attributes,
        has_token: device.has_token,
        client: device.client,
        can_stage: device.can_stage,
        quarantined: device.quarantined,
        registered_at: time(device.registered_at),
        last_seen_at: device.last_seen_at.map(time),
    }
}

/// A version.
#[must_use]
pub fn firmware(firmware: &Firmware) -> FirmwareView {
    let (withdrawn_at, withdrawn_by) = firmware.withdrawn.clone().unzip();
    let status = if withdrawn_at.is_some() {
        "withdrawn"
    } else {
        "available"
    };
    let hardware = |h: &fleetward_core::firmware::Hardware| match &h.revision {
        Some(revision) => format!("{}:{revision}", h.model),
        None => h.model.clone(),
    };
    FirmwareView {
        firmware_id: firmware.firmware_id.clone(),
        version: firmware.version.clone(),
        name: firmware.name.clone(),
        status: status.to_owned(),
        format: firmware.format.clone(),
        file_name: firmware.file_name.clone(),
        size: firmware.size,
        sha256: firmware.sha256.clone(),
        sha1: firmware.sha1.clone(),
        md5: firmware.md5.clone(),
        compatibility: firmware.hardware.iter().map(hardware).collect(),
        signed: firmware.signed,
        findings: firmware.findings.clone(),
        created_at: time(firmware.created_at),
        created_by: firmware.created_by.clone(),
        withdrawn_at: withdrawn_at.map(time),
        withdrawn_by,
    }
}

/// A key without its secret.
#[must_use]
pub fn key(key: &ApiKey, now: Timestamp) -> KeyView {
    let status = match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(at)) if at <= now => "expired",
        (None, _) => "active",
    };
    KeyView {
        key_id: key.key_id.clone(),
        name: key.name.clone(),
        role: key.role.clone(),
        status: status.to_owned(),
        created_at: time(key.created_at),
        created_by: key.created_by.clone(),
        expires_at: key.expires_at.map(time),
        revoked_at: key.revoked_at.map(time),
    }
}

/// An audit entry.
#[must_use]
pub fn audit_entry(entry: StoredEntry) -> AuditView {
    AuditView {
        number: entry.number,
        at: time(entry.at),
        actor: entry.actor,
        source: entry.source,
        action: entry.action,
        object: entry.object,
        detail: entry.detail,
    }
}

/// What an attempt is for, in a word.
#[must_use]
pub const fn attempt_kind(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::Deploy => "deploy",
        AttemptKind::Rollback => "rollback",
    }
}

/// The state of an attempt, in a word.
#[must_use]
pub const fn action_state(state: ActionState) -> &'static str {
    match state {
        ActionState::Open => "open",
        ActionState::Cancelling => "cancelling",
        ActionState::Closed => "closed",
    }
}

/// A moment as RFC 3339.
#[must_use]
pub fn time(at: Timestamp) -> String {
    at.to_string()
}
