//! The one map from what went wrong to HTTP: problem documents (RFC 9457) that say what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use fleetward_core::engine::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::AppError;

/// A problem document.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A name for this kind of problem.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to what, and what to do.
    pub detail: String,
    /// The kind for programs.
    pub code: String,
    /// The fields that can't be, where the request has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ProblemField>,
}

/// One field that can't be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProblemField {
    /// Its name.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// An answer that is a problem.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) StatusCode, Box<Problem>);

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Problem");
        let problem = Problem {
            kind: format!("urn:fleetward:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            errors: Vec::new(),
        };
        Self(status, Box::new(problem))
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        AppError::invalid(field, message).into()
    }
}

impl From<AppError> for ApiError {
    fn from(error: AppError) -> Self {
        let detail = error.to_string();
        match error {
            AppError::Forbidden { .. } => Self::new(StatusCode::FORBIDDEN, "forbidden", detail),
            AppError::NotFound { .. } => Self::new(StatusCode::NOT_FOUND, "not_found", detail),
            AppError::Invalid(problems) => {
                let mut this = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
                let field = |p: crate::app::Problem| ProblemField {
                    field: p.field,
                    message: p.message,
                };
                this.1.errors = problems.into_iter().map(field).collect();
                this
            }
            AppError::Conflict { code, .. } => Self::new(StatusCode::CONFLICT, code, detail),
            AppError::Unconditional => Self::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if_match_required",
                detail,
            ),
            AppError::Stale { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "plan_changed", detail)
            }
            AppError::BadImage { code, .. } => {
                let status = match code {
                    "upload_broken" => StatusCode::BAD_REQUEST,
                    "image_too_large" => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::UNPROCESSABLE_ENTITY,
                };
                Self::new(status, code, detail)
            }
            AppError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                detail,
            ),
            AppError::Refused(refusal) => {
                Self::new(StatusCode::CONFLICT, refusal_code(refusal), detail)
            }
            AppError::Store(_) | AppError::Files(_) => {
                tracing::error!(%detail, "a request failed inside the server");
                let detail = "the server could not do this; its log says why. Try again later";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

const fn refusal_code(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Finished(_) => "execution_finished",
        Refusal::RollingBack => "rolling_back",
        Refusal::Cancelling => "cancelling",
        Refusal::FirmwareWithdrawn => "firmware_withdrawn",
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.0, axum::Json(self.1)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if self.0 == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("ApiKey, Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
