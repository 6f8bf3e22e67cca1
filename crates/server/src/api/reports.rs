//! `/api/health-checks`, `/api/metrics`, `/api/reports`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiResult, Problem};
use super::extract::{Caller, Path, Query};
use super::types::{DeploymentReport, HealthReport, MetricsView, SummaryReport};
use crate::app::App;

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Back {
    /// Days (30).
    days: Option<u32>,
}

/// Run the health checks.
#[utoipa::path(get, path = "/api/health-checks", tag = "health",
    operation_id = "run_health_checks",
    responses((status = 200, body = HealthReport)))]
pub(super) async fn health_checks(
    State(app): State<Arc<App>>,
    Caller(call): Caller,
) -> ApiResult<Json<HealthReport>> {
    Ok(Json(app.health_checks(&call).await?))
}

/// The state of the system in numbers.
#[utoipa::path(get, path = "/api/metrics", tag = "health",
    operation_id = "show_metrics",
    responses((status = 200, body = MetricsView)))]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    Caller(call): Caller,
) -> ApiResult<Json<MetricsView>> {
    Ok(Json(app.metrics(&call).await?))
}

/// One execution told in full.
#[utoipa::path(get, path = "/api/reports/deployment/{execution_id}", tag = "reports",
    operation_id = "report_deployment",
    responses((status = 200, body = DeploymentReport), (status = 404, body = Problem)))]
pub(super) async fn deployment(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<Json<DeploymentReport>> {
    Ok(Json(app.deployment_report(&call, id).await?))
}

/// What happened in the last days.
#[utoipa::path(get, path = "/api/reports/summary", tag = "reports",
    operation_id = "report_summary", params(Back),
    responses((status = 200, body = SummaryReport)))]
pub(super) async fn summary(
    State(app): State<Arc<App>>,
    Query(back): Query<Back>,
    Caller(call): Caller,
) -> ApiResult<Json<SummaryReport>> {
    Ok(Json(
        app.summary_report(&call, back.days.unwrap_or(30)).await?,
    ))
}
