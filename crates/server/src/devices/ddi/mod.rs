//! hawkBit's Direct Device Integration API, version 1, as SWUpdate, rauc-hawkbit-updater, Zephyr and
//! hawkbit-rs use it.
//!
//! Answers carry a Content-Length and are exactly 200 where those clients insist on it. What a device
//! has just said shapes the answer to its next request.

mod access;
mod attributes;
mod cancel;
mod client;
mod deployment;
mod download;
mod error;
mod feedback;
mod links;
mod poll;
mod range;
mod reply;
mod wire;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post, put};

use crate::app::App;
use error::DdiError;

/// Every path of the device API.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/{tenant}/controller/v1/{device}", get(poll::poll))
        .route(
            "/{tenant}/controller/v1/{device}/configData",
            put(attributes::store),
        )
        .route(
            "/{tenant}/controller/v1/{device}/deploymentBase/{action}",
            get(deployment::show),
        )
        .route(
            "/{tenant}/controller/v1/{device}/deploymentBase/{action}/feedback",
            post(feedback::deployment),
        )
        .route(
            "/{tenant}/controller/v1/{device}/cancelAction/{action}",
            get(cancel::show),
        )
        .route(
            "/{tenant}/controller/v1/{device}/cancelAction/{action}/feedback",
            post(feedback::cancel),
        )
        .route(
            "/{tenant}/controller/v1/{device}/installedBase/{action}",
            get(deployment::installed),
        )
        .route(
            "/{tenant}/controller/v1/{device}/softwaremodules/{module}/artifacts",
            get(deployment::artifacts),
        )
        .route(
            "/{tenant}/controller/v1/{device}/softwaremodules/{module}/artifacts/{file}",
            get(download::download),
        )
        .method_not_allowed_fallback(|| async { DdiError::WrongMethod })
}
