//! Answers with a body: their type, their ETag, and 304 for who has it already.

use std::hash::Hasher as _;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::error::DdiError;

/// A JSON answer in the form that the device asked for.
pub(super) fn json(headers: &HeaderMap, body: String) -> Result<Response, DdiError> {
    let kind = kind(headers)?;
    let etag = etag(&body);
    let mut response = if knows(headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], body).into_response()
    };
    response.headers_mut().extend(
        HeaderValue::from_str(&etag)
            .ok()
            .map(|etag| (header::ETAG, etag)),
    );
    Ok(response)
}

/// An accepted report: exactly 200, and nothing in it.
pub(super) fn accepted() -> Response {
    StatusCode::OK.into_response()
}

fn knows(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    let is_it = |one: &str| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag;
    known.is_some_and(|list| list.split(',').any(|one| is_it(one.trim())))
}

fn kind(headers: &HeaderMap) -> Result<&'static str, DdiError> {
    const HAL: &str = "application/hal+json";
    const JSON: &str = "application/json";
    let Some(accept) = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
    else {
        return Ok(HAL);
    };
    let asks = |kind: &str| accept.split(',').any(|part| part.trim().starts_with(kind));
    if asks(HAL) {
        Ok(HAL)
    } else if asks(JSON) {
        Ok(JSON)
    } else if asks("*/*") || asks("application/*") || accept.trim().is_empty() {
        Ok(HAL)
    } else {
        Err(DdiError::NotAcceptable)
    }
}

fn etag(body: &str) -> String {
    let mut hasher = siphasher::sip::SipHasher13::new();
    hasher.write(body.as_bytes());
    format!("\"{:016x}\"", hasher.finish())
}
