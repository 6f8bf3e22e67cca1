//! The settings of a fleet, their defaults and checks. Not in here: running it.

use super::client::{Client, Line};
use super::credentials::Credentials;
use super::error::FleetError;
use super::schedule::{self, Clock};
use super::{FleetHandle, Members};
use crate::behaviour::Behaviour;
use crate::device::{Device, DeviceSetup};
use reqwest::Url;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

type AttributesOf = Arc<dyn Fn(usize) -> BTreeMap<String, String> + Send + Sync>;

/// A fleet of simulated devices; see [`Fleet::builder`].
#[derive(Debug)]
pub struct Fleet;

impl Fleet {
    /// A fleet of ten devices named `sim-0` and so on, of one model, without credentials, in real time.
    pub fn builder() -> FleetBuilder {
        FleetBuilder {
            base_url: String::new(),
            tenant: "DEFAULT".to_owned(),
            id_prefix: "sim-".to_owned(),
            count: 10,
            seed: 0,
            models: vec![("simulated".to_owned(), "A".to_owned(), 1.0)],
            start_version: "1.0.0".to_owned(),
            attributes: Arc::new(|_index| BTreeMap::new()),
            credentials: Credentials::None,
            behaviour: Behaviour::default(),
            time_scale: 1.0,
            min_poll: Duration::from_millis(100),
            first_poll_within: Duration::from_secs(10),
            concurrency: 64,
            user_agent: concat!("fleetward-device-sim/", env!("CARGO_PKG_VERSION")).to_owned(),
            record: false,
        }
    }
}

/// Settings of a fleet that is not running yet.
#[derive(Clone)]
pub struct FleetBuilder {
    base_url: String,
    tenant: String,
    id_prefix: String,
    count: usize,
    seed: u64,
    models: Vec<(String, String, f64)>,
    start_version: String,
    attributes: AttributesOf,
    credentials: Credentials,
    behaviour: Behaviour,
    time_scale: f64,
    min_poll: Duration,
    first_poll_within: Duration,
    concurrency: usize,
    user_agent: String,
    record: bool,
}

impl FleetBuilder {
    /// Address of the server, without `/{tenant}/controller/v1`. Needed.
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self {
            base_url: url.into(),
            ..self
        }
    }

    /// Tenant segment of the addresses; default `DEFAULT`.
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        Self {
            tenant: tenant.into(),
            ..self
        }
    }

    /// What device names begin with; default `sim-`. The device's number follows.
    pub fn id_prefix(self, prefix: impl Into<String>) -> Self {
        Self {
            id_prefix: prefix.into(),
            ..self
        }
    }

    /// Number of devices; default 10.
    pub fn count(self, count: usize) -> Self {
        Self { count, ..self }
    }

    /// Seed of all chance; default 0.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Hardware models as name, revision and share; the shares need not add up to 1 and are met exactly.
    pub fn models<M: Into<String>, R: Into<String>>(
        self,
        models: impl IntoIterator<Item = (M, R, f64)>,
    ) -> Self {
        let models = models
            .into_iter()
            .map(|(model, revision, share)| (model.into(), revision.into(), share));
        Self {
            models: models.collect(),
            ..self
        }
    }

    /// Version all devices run at first; default `1.0.0`.
    pub fn start_version(self, version: impl Into<String>) -> Self {
        Self {
            start_version: version.into(),
            ..self
        }
    }

    /// Further attributes of the device with a number, such as its site.
    pub fn attributes(
        self,
        of: impl Fn(usize) -> BTreeMap<String, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            attributes: Arc::new(of),
            ..self
        }
    }

    /// How devices prove who they are; default [`Credentials::None`].
    pub fn credentials(self, credentials: Credentials) -> Self {
        Self {
            credentials,
            ..self
        }
    }

    /// How devices behave; default [`Behaviour::default`].
    pub fn behaviour(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// How many times faster than real time the devices live; default 1.
    pub fn time_scale(self, scale: f64) -> Self {
        Self {
            time_scale: scale,
            ..self
        }
    }

    /// Shortest real time between two polls of a device, whatever the time scale; default 100 ms.
    pub fn min_poll(self, pause: Duration) -> Self {
        Self {
            min_poll: pause,
            ..self
        }
    }

    /// Device time within which the first polls are spread; default 10 s.
    pub fn first_poll_within(self, spread: Duration) -> Self {
        Self {
            first_poll_within: spread,
            ..self
        }
    }

    /// Most requests in flight at once; default 64.
    pub fn concurrency(self, requests: usize) -> Self {
        Self {
            concurrency: requests,
            ..self
        }
    }

    /// The User-Agent header; default names this crate.
    pub fn user_agent(self, name: impl Into<String>) -> Self {
        Self {
            user_agent: name.into(),
            ..self
        }
    }

    /// Whether every acknowledged report is recorded; default no.
    pub fn record(self, record: bool) -> Self {
        Self { record, ..self }
    }

    /// Starts the fleet. It runs until it is stopped, its handle is dropped or `stop` is cancelled. Needs a tokio runtime.
    ///
    /// # Errors
    ///
    /// A setting that can't work.
    pub fn start(self, stop: CancellationToken) -> Result<FleetHandle, FleetError> {
        self.behaviour.check()?;
        if !(self.time_scale.is_finite() && self.time_scale > 0.0) {
            return Err(FleetError::TimeScale(self.time_scale));
        }
        if self.concurrency == 0 {
            return Err(FleetError::Concurrency);
        }
        let client = Client::new(&self.user_agent).map_err(FleetError::Client)?;
        let stop = stop.child_token();
        let members = Arc::new(Members {
            devices: self.devices()?.into_iter().map(Mutex::new).collect(),
            lines: self.lines()?,
            client,
            clock: Clock::start(self.time_scale),
            wakes: AtomicU64::new(0),
            woken: Notify::new(),
        });
        let schedule = tokio::spawn(schedule::run(
            Arc::clone(&members),
            self.concurrency,
            stop.clone(),
        ));
        tracing::info!(
            devices = self.count,
            server = self.base_url,
            "simulated fleet started"
        );
        Ok(FleetHandle {
            members,
            schedule: Some(schedule),
            stop,
        })
    }

    fn id(&self, index: usize) -> String {
        format!("{}{index}", self.id_prefix)
    }

    fn devices(&self) -> Result<Vec<Device>, FleetError> {
        let behaviour = Arc::new(self.behaviour.clone());
        let models = self.model_of_each()?;
        let device_ms =
            |real: Duration| (real.as_secs_f64() * 1_000.0 * self.time_scale).ceil() as u64;
        let devices = models.into_iter().enumerate().map(|(index, model)| {
            let (model, hw_revision, _share) = self.models[model].clone();
            let setup = DeviceSetup {
                id: self.id(index),
                index: index as u64,
                seed: self.seed,
                model,
                hw_revision,
                version: self.start_version.clone(),
                attributes: (self.attributes)(index),
                min_poll_ms: device_ms(self.min_poll),
                first_poll_within_ms: u64::try_from(self.first_poll_within.as_millis())
                    .unwrap_or(u64::MAX),
                record: self.record,
            };
            Device::new(setup, Arc::clone(&behaviour))
        });
        Ok(devices.collect())
    }

    /// Hands models out so that after every device the shares are met as well as they can be.
    fn model_of_each(&self) -> Result<Vec<usize>, FleetError> {
        let total: f64 = self.models.iter().map(|(_, _, share)| share).sum();
        if !(total.is_finite() && total > 0.0)
            || self.models.iter().any(|(_, _, share)| *share < 0.0)
        {
            return Err(FleetError::Models);
        }
        let mut owed = vec![0.0_f64; self.models.len()];
        let mut next = || {
            for (debt, (_, _, share)) in owed.iter_mut().zip(&self.models) {
                *debt += share / total;
            }
            let (place, _debt) = owed
                .iter()
                .enumerate()
                .max_by(|left, right| left.1.total_cmp(right.1))?;
            owed[place] -= 1.0;
            Some(place)
        };
        (0..self.count)
            .map(|_index| next().ok_or(FleetError::Models))
            .collect()
    }

    fn lines(&self) -> Result<Vec<Line>, FleetError> {
        let unusable = || FleetError::BaseUrl {
            url: self.base_url.clone(),
        };
        let server = Url::parse(&self.base_url).map_err(|_error| unusable())?;
        let line = |index| {
            let id = self.id(index);
            let mut url = server.clone();
            url.path_segments_mut()
                .map_err(|()| unusable())?
                .pop_if_empty()
                .extend([self.tenant.as_str(), "controller", "v1", &id]);
            let authorization = self.credentials.authorization(&id);
            Line::new(url, authorization.as_deref()).map_err(|_error| FleetError::Token { id })
        };
        (0..self.count).map(line).collect()
    }
}

impl fmt::Debug for FleetBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("FleetBuilder")
            .field("base_url", &self.base_url)
            .field("tenant", &self.tenant)
            .field("count", &self.count)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Behaviour, Credentials, Fleet, FleetError};
    use std::collections::BTreeMap;
    use tokio_util::sync::CancellationToken;

    #[test]
    fn shares_are_met_exactly() {
        let fleet = Fleet::builder().count(100).models([
            ("pump", "A", 0.7),
            ("pump", "B", 0.2),
            ("valve", "A", 0.1),
        ]);
        let mut counts = BTreeMap::new();
        for model in fleet.model_of_each().unwrap() {
            *counts.entry(model).or_insert(0) += 1;
        }
        assert_eq!(counts, BTreeMap::from([(0, 70), (1, 20), (2, 10)]));
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let start = |fleet: super::FleetBuilder| fleet.start(CancellationToken::new()).unwrap_err();
        let fleet = || Fleet::builder().base_url("http://127.0.0.1:1");
        assert!(matches!(
            start(Fleet::builder()),
            FleetError::BaseUrl { .. }
        ));
        assert!(matches!(
            start(fleet().time_scale(0.0)),
            FleetError::TimeScale(_)
        ));
        assert!(matches!(
            start(fleet().concurrency(0)),
            FleetError::Concurrency
        ));
        assert!(matches!(
            start(fleet().models([("pump", "A", 0.0)])),
            FleetError::Models
        ));
        let behaviour = Behaviour {
            offline: 2.0,
            ..Behaviour::default()
        };
        assert!(matches!(
            start(fleet().behaviour(behaviour)),
            FleetError::Behaviour(_)
        ));
        let token = Credentials::TargetToken("line\nbreak".to_owned());
        assert!(matches!(
            start(fleet().credentials(token)),
            FleetError::Token { .. }
        ));
    }
}
