//! Reports, metrics and health, from what the store and the memory know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fleetward_core::Timestamp;
use fleetward_core::device::DeviceStatus;
use fleetward_store::executions;
use fleetward_store::page::{Page, Paged};
use fleetward_store::{Tx, assignments, audit, devices, tallies};
use jiff::SignedDuration;

use super::executions::find;
use super::{App, AppError, Call, views};
use crate::api::types::{
    DeploymentReport, HealthCheckView, HealthReport, MetricsView, SummaryReport,
};
use crate::auth::Right;

const FAILED_SHOWN: u32 = 100;
const DAY: i64 = 86_400;

impl App {
    /// One execution told in full.
    ///
    /// # Errors
    /// The caller may not read, or there is no such execution.
    pub async fn deployment_report(
        self: &Arc<Self>,
        call: &Call,
        execution_id: String,
    ) -> Result<DeploymentReport, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        self.store
            .read(move |tx| {
                let execution = find(tx, &execution_id)?;
                let key = execution.execution_key;
                let census = tallies::census(tx, key, execution.rollout.waves.len())?;
                let good = census.count(DeviceStatus::Succeeded);
                let bad = census.count(DeviceStatus::Failed)
                    + census.count(DeviceStatus::TimedOut)
                    + census.count(DeviceStatus::RolledBack)
                    + census.count(DeviceStatus::RollbackFailed);
                let end = execution.finished_at.unwrap_or(now);
                Ok(DeploymentReport {
                    duration_seconds: end.duration_since(execution.created_at).as_secs(),
                    success_rate: (good + bad > 0).then(|| views::percent(good, good + bad)),
                    decisions: executions::decisions(tx, key)?
                        .iter()
                        .map(views::decision)
                        .collect(),
                    failed_devices: failed(tx, key)?,
                    execution: app.execution_view(tx, &execution, now)?,
                })
            })
            .await
    }

    /// What happened in the last days.
    ///
    /// # Errors
    /// The caller may not read, or the number of days can't be.
    pub async fn summary_report(&self, call: &Call, days: u32) -> Result<SummaryReport, AppError> {
        call.needs(Right::Read)?;
        if days == 0 || days > 3650 {
            return Err(AppError::invalid("days", "use 1 to 3650"));
        }
        let back = SignedDuration::from_secs(i64::from(days) * DAY);
        let since = call.now.checked_sub(back).unwrap_or(Timestamp::MIN);
        let runs = self
            .store
            .read(move |tx| executions::summary(tx, Some(since)))
            .await?;
        let mut report = SummaryReport {
            days,
            total_deployments: 0,
            by_status: BTreeMap::new(),
            by_environment: BTreeMap::new(),
            success_rate: None,
            average_duration_seconds: None,
        };
        let (mut ended, mut good, mut seconds) = (0, 0, 0.0);
        for line in runs {
            report.total_deployments += line.executions;
            *report.by_environment.entry(line.environment).or_default() += line.executions;
            if line.phase == "succeeded" {
                good += line.executions;
            }
            ended += line.finished;
            seconds += line.seconds;
            *report.by_status.entry(line.phase).or_default() += line.executions;
        }
        if ended > 0 {
            report.success_rate = Some(views::percent(good, ended));
            report.average_duration_seconds = Some((seconds / ended as f64 * 10.0).round() / 10.0);
        }
        Ok(report)
    }

    /// The state of the system in numbers.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn metrics(&self, call: &Call) -> Result<MetricsView, AppError> {
        call.needs(Right::Read)?;
        let (runs, quarantined) = self
            .store
            .read(|tx| {
                Ok::<_, AppError>((executions::summary(tx, None)?, devices::quarantined(tx)?))
            })
            .await?;
        let total = runs.iter().map(|line| line.executions).sum();
        let ended: u64 = runs.iter().map(|line| line.finished).sum();
        let good: u64 = runs
            .iter()
            .filter(|l| l.phase == "succeeded")
            .map(|l| l.executions)
            .sum();
        let share = |part: u64| (ended > 0).then(|| part as f64 / ended as f64);
        let patience = i64::from(self.config.devices.poll_interval.0) * 3;
        let limit = call.now.checked_sub(SignedDuration::from_secs(patience));
        Ok(MetricsView {
            deployments_total: total,
            deployments_open: total - ended,
            deployment_success_rate: share(good),
            deployment_failure_rate: share(ended - good),
            devices_total: self.roster.len() as u64,
            devices_online: self.roster.heard_since(limit.unwrap_or(Timestamp::MIN)) as u64,
            devices_quarantined: quarantined,
            uptime_seconds: call
                .now
                .duration_since(self.started_at)
                .as_secs()
                .unsigned_abs(),
            polls_total: self.polls.load(Ordering::Relaxed),
            reports_total: self.ingest.stored(),
        })
    }

    /// Runs the checks that this version has: its database and its image store. Configured checks are
    /// listed as not available.
    ///
    /// # Errors
    /// The caller may not read.
    pub async fn health_checks(&self, call: &Call) -> Result<HealthReport, AppError> {
        call.needs(Right::Read)?;
        let begun = std::time::Instant::now();
        let database = self.store.read(|tx| executions::open(tx).map(drop)).await;
        let mut checks = vec![check(
            "database",
            begun,
            database.err().map(|e| e.to_string()),
        )];
        let begun = std::time::Instant::now();
        let images = self.blobs.probe().await;
        checks.push(check(
            "image_store",
            begun,
            images.err().map(|e| e.to_string()),
        ));
        let healthy = checks.iter().all(|check| check.error.is_none());
        let configured = self.config.health_checks.keys();
        checks.extend(configured.map(|name| HealthCheckView {
            name: name.clone(),
            status: "not_available".to_owned(),
            latency_ms: 0.0,
            error: Some("configured health checks do not run in this version".to_owned()),
        }));
        let status = if healthy { "healthy" } else { "unhealthy" };
        Ok(HealthReport {
            status: status.to_owned(),
            checks,
        })
    }

    /// A page of the audit, newest first.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn audit_entries(
        &self,
        call: &Call,
        object: Option<String>,
        page: Page,
    ) -> Result<Paged<audit::StoredEntry>, AppError> {
        call.needs(Right::Read)?;
        Ok(self
            .store
            .read(move |tx| audit::list(tx, object.as_deref(), page))
            .await?)
    }
}

fn check(name: &str, begun: std::time::Instant, error: Option<String>) -> HealthCheckView {
    let status = if error.is_some() {
        "unhealthy"
    } else {
        "healthy"
    };
    HealthCheckView {
        name: name.to_owned(),
        status: status.to_owned(),
        latency_ms: (begun.elapsed().as_secs_f64() * 1e5).round() / 100.0,
        error,
    }
}

fn failed(
    tx: &Tx<'_>,
    execution_key: i64,
) -> Result<Vec<crate::api::types::ExecutionDeviceView>, AppError> {
    let mut found = Vec::new();
    for status in [
        DeviceStatus::RollbackFailed,
        DeviceStatus::Failed,
        DeviceStatus::TimedOut,
    ] {
        let page = Page {
            after: None,
            limit: FAILED_SHOWN,
        };
        let part = assignments::of_execution(tx, execution_key, Some(status), None, page)?;
        found.extend(part.rows.iter().map(views::execution_device));
    }
    found.truncate(FAILED_SHOWN as usize);
    Ok(found)
}
