//! `/api/deployment-plans`. The `ETag` of a plan is its digest.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use fleetward_store::plans::PlanFilter;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::{ApiError, ApiResult, Problem};
use super::extract::{Caller, Json, Path, Query};
use super::paging::{Paging, list as page_of, whole};
use super::types::{
    ApproveRequest, CommandRequest, List, PlanRequest, PlanView, RejectRequest, ReviewRequest,
    RevisionView,
};
use crate::app::App;
use crate::app::plans::Seen;

/// A plan with its `ETag`.
type Tagged = ([(HeaderName, String); 1], axum::Json<PlanView>);

/// Which plans.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Filter {
    /// For this environment.
    environment: Option<String>,
    /// In this state.
    status: Option<String>,
    /// With this review: `none`, `owed` or `done`.
    review: Option<String>,
}

/// Create a plan: a draft, or one that is put to the approvers at once.
#[utoipa::path(post, path = "/api/deployment-plans", tag = "plans",
    operation_id = "create_plan", request_body = PlanRequest,
    responses((status = 201, body = PlanView, headers(("ETag" = String, description = "The quoted digest"))),
        (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Json(call, request): Json<PlanRequest>,
) -> ApiResult<(StatusCode, Tagged)> {
    let made = app.create_plan(&call, request).await?;
    Ok((StatusCode::CREATED, tagged(made)))
}

/// List plans, newest first.
#[utoipa::path(get, path = "/api/deployment-plans", tag = "plans",
    operation_id = "list_plans", params(Filter, Paging),
    responses((status = 200, body = List<PlanView>)))]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Query(filter): Query<Filter>,
    Query(paging): Query<Paging>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<PlanView>>> {
    let status = filter.status.map(|text| text.parse()).transpose();
    let review = filter.review.map(|text| text.parse()).transpose();
    let filter = PlanFilter {
        environment: filter.environment,
        state: status.map_err(|error: String| ApiError::invalid("status", error))?,
        review: review.map_err(|error: String| ApiError::invalid("review", error))?,
    };
    let found = app.plans(&call, filter, paging.page()?).await?;
    Ok(axum::Json(page_of(found)))
}

/// One plan, with the waves it would make now.
#[utoipa::path(get, path = "/api/deployment-plans/{plan_id}", tag = "plans",
    operation_id = "show_plan",
    responses((status = 200, body = PlanView, headers(("ETag" = String, description = "The quoted digest"))),
        (status = 404, body = Problem)))]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<Tagged> {
    Ok(tagged(app.plan(&call, id).await?))
}

/// Replace a plan by its next revision, which nobody has approved; possible until it is executed.
#[utoipa::path(put, path = "/api/deployment-plans/{plan_id}", tag = "plans",
    operation_id = "edit_plan", request_body = PlanRequest,
    params(("If-Match" = String, Header, description = "The `ETag` of the revision that is replaced; required")),
    responses((status = 200, body = PlanView, headers(("ETag" = String, description = "The quoted digest"))),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn edit(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(call, request): Json<PlanRequest>,
) -> ApiResult<Tagged> {
    let seen = seen(&headers);
    Ok(tagged(app.edit_plan(&call, id, seen, request).await?))
}

/// Put a draft to the approvers. Safe to repeat; the body may be left out.
#[utoipa::path(post, path = "/api/deployment-plans/{plan_id}/submit", tag = "plans",
    operation_id = "submit_plan", request_body = CommandRequest,
    responses((status = 200, body = PlanView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<CommandRequest>,
) -> ApiResult<Tagged> {
    Ok(tagged(app.submit_plan(&call, id, request.reason).await?))
}

/// Approve a plan. The body may be left out.
#[utoipa::path(post, path = "/api/deployment-plans/{plan_id}/approve", tag = "plans",
    operation_id = "approve_plan",
    request_body = ApproveRequest,
    responses((status = 200, body = PlanView), (status = 409, body = Problem)))]
pub(super) async fn approve(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<ApproveRequest>,
) -> ApiResult<Tagged> {
    Ok(tagged(app.approve_plan(&call, id, request).await?))
}

/// Reject a plan, also one that was approved and not executed. Safe to repeat.
#[utoipa::path(post, path = "/api/deployment-plans/{plan_id}/reject", tag = "plans",
    operation_id = "reject_plan", request_body = RejectRequest,
    responses((status = 200, body = PlanView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn reject(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<RejectRequest>,
) -> ApiResult<Tagged> {
    Ok(tagged(app.reject_plan(&call, id, request).await?))
}

/// Close the review that an emergency plan owes; not for who wrote it.
#[utoipa::path(post, path = "/api/deployment-plans/{plan_id}/review", tag = "plans",
    operation_id = "review_plan", request_body = ReviewRequest,
    responses((status = 200, body = PlanView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn review(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Json(call, request): Json<ReviewRequest>,
) -> ApiResult<Tagged> {
    Ok(tagged(app.review_plan(&call, id, request).await?))
}

/// Every revision of a plan, newest first, with what was said of each.
#[utoipa::path(get, path = "/api/deployment-plans/{plan_id}/revisions", tag = "plans",
    operation_id = "list_revisions",
    responses((status = 200, body = List<RevisionView>), (status = 404, body = Problem)))]
pub(super) async fn revisions(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<List<RevisionView>>> {
    Ok(axum::Json(whole(app.revisions(&call, id).await?)))
}

/// One revision of a plan, whole; earlier ones without waves and warnings.
#[utoipa::path(get, path = "/api/deployment-plans/{plan_id}/revisions/{revision}", tag = "plans",
    operation_id = "show_revision",
    responses((status = 200, body = PlanView), (status = 404, body = Problem)))]
pub(super) async fn revision(
    State(app): State<Arc<App>>,
    Path((id, revision)): Path<(String, String)>,
    Caller(call): Caller,
) -> ApiResult<axum::Json<PlanView>> {
    Ok(axum::Json(app.revision(&call, id, revision).await?))
}

fn tagged(plan: PlanView) -> Tagged {
    ([(ETAG, format!("\"{}\"", plan.digest))], axum::Json(plan))
}

/// What `If-Match` says. Weak tags match nothing (RFC 9110).
fn seen(headers: &HeaderMap) -> Option<Seen> {
    let values = headers.get_all(IF_MATCH).iter();
    let values: Vec<&str> = values
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    let tags = values
        .iter()
        .flat_map(|value| value.split(','))
        .map(str::trim);
    if values.is_empty() {
        return None;
    }
    if tags.clone().any(|tag| tag == "*") {
        return Some(Seen::Any);
    }
    let digest = |tag: &str| Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    Some(Seen::Digests(tags.filter_map(digest).collect()))
}
