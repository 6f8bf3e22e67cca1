//! Refusals in the device API's own form.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a device's request is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DdiError {
    /// No credential that works.
    #[error("not authenticated")]
    Unauthorized,
    /// The environment takes no new devices.
    #[error("this environment takes no new devices: have an operator add the device")]
    Closed,
    /// The device id can't be.
    #[error("bad controller id: {0}")]
    BadId(String),
    /// The body or a number in the path can't be read.
    #[error("{0}")]
    Malformed(String),
    /// There is no such thing for this device.
    #[error("there is no such {0} for this device")]
    NotFound(&'static str),
    /// The path does not take this method.
    #[error("this path does not take that method")]
    WrongMethod,
    /// The attempt is not being cancelled.
    #[error("this action is not being cancelled")]
    NotCancelling,
    /// The device offers to read none of what the server writes.
    #[error("the server writes application/json and application/hal+json")]
    NotAcceptable,
    /// The attempt is over, and the configuration says to refuse late reports.
    #[error("this action is over")]
    Gone,
    /// The body is in a form that the server does not read.
    #[error("send application/json")]
    UnsupportedType,
    /// The body is too large.
    #[error("the body is too large")]
    TooLarge,
    /// A part of an image was asked for that it does not have.
    #[error("the range lies outside the {0} bytes of the file")]
    BadRange(u64),
    /// The file is not the one that the device began with.
    #[error("the file is not the one with that ETag")]
    OtherFile,
    /// The server failed.
    #[error("the server could not do this; try again later")]
    Internal,
}

impl DdiError {
    const fn answer(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Closed => (StatusCode::FORBIDDEN, "enrollmentClosed"),
            Self::BadId(_) => (StatusCode::BAD_REQUEST, "badControllerId"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "notFound"),
            Self::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, "wrongMethod"),
            Self::NotCancelling => (StatusCode::METHOD_NOT_ALLOWED, "notCancelling"),
            Self::NotAcceptable => (StatusCode::NOT_ACCEPTABLE, "notAcceptable"),
            Self::Gone => (StatusCode::GONE, "actionOver"),
            Self::UnsupportedType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupportedType"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "tooLarge"),
            Self::BadRange(_) => (StatusCode::RANGE_NOT_SATISFIABLE, "badRange"),
            Self::OtherFile => (StatusCode::PRECONDITION_FAILED, "otherFile"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl From<fleetward_store::StoreError> for DdiError {
    fn from(error: fleetward_store::StoreError) -> Self {
        tracing::error!(%error, "a device's request failed inside the server");
        Self::Internal
    }
}

impl IntoResponse for DdiError {
    fn into_response(self) -> Response {
        let (status, code) = self.answer();
        if status == StatusCode::UNAUTHORIZED {
            return status.into_response();
        }
        let body = json!({
            "exceptionClass": "Fleetward",
            "errorCode": format!("fleetward.ddi.{code}"),
            "message": self.to_string(),
        });
        let mut response = (status, axum::Json(body)).into_response();
        if let Self::BadRange(size) = self {
            let range = HeaderValue::from_str(&format!("bytes */{size}"));
            response
                .headers_mut()
                .extend(range.ok().map(|range| (header::CONTENT_RANGE, range)));
        }
        response
    }
}
