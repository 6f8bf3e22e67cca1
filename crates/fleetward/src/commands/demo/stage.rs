//! What the demo needs: a server with data in a temporary folder, and two fleets of simulated devices that speak to it
//! as real ones would.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use fleetward_device_sim::{Behaviour, Credentials, Fleet, FleetBuilder, FleetHandle};
use fleetward_server::clock::Clock;
use fleetward_server::config::{self, Config, Sources};
use fleetward_server::{ServeOptions, Server};
use rand::distr::{Alphanumeric, SampleString};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, Connection};
use crate::error::CliError;

/// The version that all devices come with.
pub(super) const FIRST: &str = "1.0.0";
/// The version that does well.
pub(super) const GOOD: &str = "1.1.0";
/// The version that does badly in production.
pub(super) const BAD: &str = "1.2.0";
/// Devices in staging.
pub(super) const STAGING_DEVICES: usize = 12;
/// Devices in production.
pub(super) const PRODUCTION_DEVICES: usize = 200;

/// How much faster than real ones the devices live.
const HASTE: f64 = 20.0;
/// Share of the devices in production that [`BAD`] fails on.
const BAD_SHARE: f64 = 0.3;
const CONFIG: &str = include_str!("config.yaml");
const SECRET_LENGTH: usize = 40;

/// A running server with its fleets.
pub(super) struct Stage {
    server: Server,
    staging: FleetHandle,
    production: FleetHandle,
    url: String,
    admin_key: String,
    /// Removed when this is dropped.
    folder: TempDir,
}

impl Stage {
    /// Starts everything.
    pub(super) async fn build(listen: SocketAddr) -> anyhow::Result<Self> {
        let (admin_key, gateway_token) = (secret(), secret());
        let folder = tempfile::Builder::new()
            .prefix("fleetward-demo-")
            .tempdir()
            .context("there is no room for a temporary folder")?;
        let options = ServeOptions {
            config: config(gateway_token.clone())?,
            data_dir: folder.path().to_owned(),
            listen,
            bootstrap_key: Some(admin_key.clone()),
            clock: Clock::system(),
        };
        let server = fleetward_server::start(options)
            .await
            .context("the server did not start")?;
        let url = format!("http://{}", server.address());
        let fleet = |environment: &str| {
            fleet(&url, environment).credentials(Credentials::GatewayToken(gateway_token.clone()))
        };
        let staging = fleet("staging")
            .count(STAGING_DEVICES)
            .start(CancellationToken::new())?;
        let production = fleet("production")
            .count(PRODUCTION_DEVICES)
            .behaviour(in_production())
            .start(CancellationToken::new())?;
        Ok(Self {
            server,
            staging,
            production,
            url,
            admin_key,
            folder,
        })
    }

    /// Address of the server.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The key that may do everything.
    pub(super) fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// A client that shows this key.
    pub(super) fn client(&self, key: &str) -> Result<Client, CliError> {
        Client::new(&Connection {
            url: self.url.clone(),
            key: Some(key.to_owned()),
        })
    }

    /// What is wrong with the devices after the story, if anything: they know best.
    pub(super) fn verdict(&self) -> anyhow::Result<()> {
        let (staging, production) = (self.staging.stats(), self.production.stats());
        let bad = production.by_version.get(BAD).copied().unwrap_or_default();
        anyhow::ensure!(bad == 0, "{bad} devices in production still run {BAD}");
        let good = production.by_version.get(GOOD).copied().unwrap_or_default();
        anyhow::ensure!(
            good == PRODUCTION_DEVICES,
            "only {good} devices in production run {GOOD}"
        );
        let violations = staging.violations + production.violations;
        anyhow::ensure!(
            violations == 0,
            "the server broke the device protocol {violations} times"
        );
        Ok(())
    }

    /// Stops everything and removes the data.
    pub(super) async fn stop(mut self) {
        self.staging.stop().await;
        self.production.stop().await;
        self.server.stop().await;
        drop(self.folder);
    }
}

fn config(gateway_token: String) -> anyhow::Result<Config> {
    let sources = Sources::of(
        move |name| (name == "FLEETWARD_DEMO_GATEWAY_TOKEN").then(|| gateway_token.clone()),
        |_| Err(std::io::ErrorKind::NotFound.into()),
    );
    let (config, _) = config::check("demo", CONFIG, &sources)?;
    Ok(config)
}

/// Devices of two models in an environment, which is told by the address they speak to.
fn fleet(url: &str, environment: &str) -> FleetBuilder {
    Fleet::builder()
        .base_url(url)
        .tenant(environment)
        .id_prefix(format!("{environment}-"))
        .models([("pump", "A", 0.6), ("pump", "B", 0.1), ("valve", "A", 0.3)])
        .start_version(FIRST)
        .behaviour(uneven())
        .time_scale(HASTE)
        .first_poll_within(Duration::from_secs(15))
}

/// Some devices are slower than others, and some repeat themselves.
fn uneven() -> Behaviour {
    Behaviour {
        slow: (0.7, 1.6),
        report_twice: 0.02,
        ..Behaviour::default()
    }
}

fn in_production() -> Behaviour {
    Behaviour {
        failure_by_version: [(BAD.to_owned(), BAD_SHARE)].into(),
        ..uneven()
    }
}

/// A text that nobody guesses.
fn secret() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), SECRET_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::{config, in_production};

    #[test]
    fn what_the_demo_is_made_of_is_valid() {
        let config = config("token".to_owned()).unwrap();
        assert_eq!(config.environments.len(), 2);
        assert!(fleetward_server::config::serve_refusals(&config).is_empty());
        assert_eq!(in_production().check(), Ok(()));
    }
}
