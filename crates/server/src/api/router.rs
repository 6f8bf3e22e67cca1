//! The map of the API.

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use utoipa_swagger_ui::SwaggerUi;

use super::error::ApiError;
use super::{
    audit, deployments, devices, environments, events, firmware, freezes, keys, plans, preview,
    probes, reports, why,
};
use crate::app::App;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fleetward",
        description = "Firmware from development to production, onto fleets of devices, safely. \
            Errors are problem documents (RFC 9457). Every POST takes an `Idempotency-Key`.",
    ),
    security(("api_key" = []), ("token" = [])),
    modifiers(&Schemes),
)]
struct Document;

struct Schemes;

impl Modify for Schemes {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let components = openapi.components.get_or_insert_default();
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT");
        components.add_security_scheme("api_key", key);
        components.add_security_scheme("token", SecurityScheme::Http(token.build()));
    }
}

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(environments::list))
        .routes(routes!(environments::show))
        .routes(routes!(plans::create, plans::list))
        .routes(routes!(plans::show, plans::edit))
        .routes(routes!(plans::submit))
        .routes(routes!(plans::approve))
        .routes(routes!(plans::reject))
        .routes(routes!(plans::review))
        .routes(routes!(plans::revisions))
        .routes(routes!(plans::revision))
        .routes(routes!(preview::request))
        .routes(routes!(preview::plan))
        .routes(routes!(preview::simulate))
        .routes(routes!(deployments::execute))
        .routes(routes!(deployments::list))
        .routes(routes!(deployments::show))
        .routes(routes!(deployments::pause))
        .routes(routes!(deployments::resume))
        .routes(routes!(deployments::cancel))
        .routes(routes!(deployments::rollback))
        .routes(routes!(deployments::decisions))
        .routes(routes!(why::execution))
        .routes(routes!(deployments::devices))
        .routes(routes!(events::follow))
        .routes(routes!(devices::add, devices::list))
        .routes(routes!(devices::show, devices::change))
        .routes(routes!(why::device))
        .routes(routes!(firmware::upload, firmware::list))
        .routes(routes!(firmware::show))
        .routes(routes!(firmware::download))
        .routes(routes!(firmware::withdraw))
        .routes(routes!(freezes::set, freezes::list))
        .routes(routes!(freezes::show, freezes::lift))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::revoke))
        .routes(routes!(audit::list))
        .routes(routes!(reports::health_checks))
        .routes(routes!(reports::metrics))
        .routes(routes!(reports::deployment))
        .routes(routes!(reports::summary))
}

/// Every path of the API.
pub fn router() -> Router<Arc<App>> {
    let (router, document) = described().split_for_parts();
    router
        .merge(SwaggerUi::new("/api/docs").url("/api/openapi.json", document))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(probes::readyz))
        .fallback(|| async { no_such_path() })
        .method_not_allowed_fallback(|| async { wrong_method() })
}

/// The API's description, without a server.
///
/// # Panics
/// Never: the description is plain data.
#[must_use]
pub fn openapi_json() -> String {
    described()
        .to_openapi()
        .to_pretty_json()
        .expect("plain data becomes JSON")
}

fn no_such_path() -> ApiError {
    let detail = "there is nothing at this path: /api/docs lists what there is";
    ApiError::new(StatusCode::NOT_FOUND, "no_such_path", detail)
}

fn wrong_method() -> ApiError {
    let detail = "this path does not take that method: /api/docs lists what it takes";
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", detail)
}
