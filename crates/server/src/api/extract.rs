//! Requests as handlers take them: who calls, and a checked body.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::error::{ApiError, ApiResult};
use crate::app::{App, Call, Idempotency};
use crate::auth::{Holder, Principal};

const BODY_MAX: usize = 1 << 20;
const KEY_MAX: usize = 255;

/// The query of a request.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

/// The names in the path of a request.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

/// The caller of a request without a body.
pub(crate) struct Caller(pub(crate) Call);

/// The caller and the body of a request.
pub(crate) struct Json<T>(pub(crate) Call, pub(crate) T);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> ApiResult<Self> {
        call(app, parts, b"").map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &Arc<App>) -> ApiResult<Self> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, BODY_MAX).await.map_err(|_| {
            let detail = format!("the body is larger than {BODY_MAX} bytes, or broke off");
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
        })?;
        // Who calls is settled before what they say is looked at.
        let call = call(app, &parts, &body)?;
        Ok(Self(call, parse(&parts.headers, &body)?))
    }
}

impl From<PathRejection> for ApiError {
    fn from(rejection: PathRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_path", rejection.body_text())
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_query", rejection.body_text())
    }
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> ApiResult<T> {
    let text: &[u8] = if body.is_empty() { b"{}" } else { body };
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let json = kind.is_some_and(|kind| {
        let (kind, _) = kind.split_once(';').unwrap_or((kind, ""));
        kind.trim().eq_ignore_ascii_case("application/json")
    });
    if !body.is_empty() && !json {
        let detail = "send the body as JSON, with `Content-Type: application/json`";
        return Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            detail,
        ));
    }
    serde_json::from_slice(text).map_err(|error| {
        let (status, code) = if error.is_data() {
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid")
        } else {
            (StatusCode::BAD_REQUEST, "malformed_json")
        };
        ApiError::new(status, code, format!("the body can't be read: {error}"))
    })
}

fn call(app: &App, parts: &Parts, body: &[u8]) -> ApiResult<Call> {
    let now = app.clock.now();
    let source = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|info| info.0.ip());
    let principal = principal(app, &parts.headers, source, now)?;
    Ok(Call {
        principal,
        now,
        idempotency: idempotency(parts, body)?,
    })
}

fn principal(
    app: &App,
    headers: &HeaderMap,
    source: Option<IpAddr>,
    now: fleetward_core::Timestamp,
) -> ApiResult<Principal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let by_key = text("x-api-key")
        .filter(|_| app.config.security.api_key_auth)
        .and_then(|key| app.keys.check(key, now));
    let by_token = || {
        let (scheme, token) = text("authorization")?.split_once(' ')?;
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        app.tokens.as_ref().filter(|_| bearer)?.check(token)
    };
    let source = source.map_or_else(|| "local".to_owned(), |ip| ip.to_string());
    match by_key.or_else(by_token) {
        Some(Holder { id, name, role }) => Ok(Principal {
            id,
            name,
            role,
            source,
        }),
        None => {
            let detail = "send a key that works as `X-API-Key`, or a token as `Authorization: Bearer`; \
                `fleetward key create` makes a key";
            Err(ApiError::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                detail,
            ))
        }
    }
}

fn idempotency(parts: &Parts, body: &[u8]) -> ApiResult<Option<Idempotency>> {
    let Some(key) = parts.headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| (1..=KEY_MAX).contains(&key.len()));
    let Some(key) = key else {
        let detail = format!("an Idempotency-Key has 1 to {KEY_MAX} visible ASCII characters");
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "bad_idempotency_key",
            detail,
        ));
    };
    let mut digest = Sha256::new();
    digest.update(parts.method.as_str());
    digest.update([0]);
    digest.update(parts.uri.to_string());
    digest.update([0]);
    digest.update(body);
    let request = hex::encode(digest.finalize());
    Ok(Some(Idempotency {
        key: key.to_owned(),
        request,
    }))
}
