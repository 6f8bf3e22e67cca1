//! Which devices are offered the update, when, and what stops it, as devices and people see it. The clock
//! stands still until a test moves it on, and devices do one request at a time, so that every story goes the
//! same way each time.

mod blast_radius;
mod domain;
mod freeze;
mod in_flight;
mod joiners;
mod kinds;
mod moves;
mod queue;
mod rate;
mod retries;
mod rollback;
mod schedule;
mod security_floor;
mod sequential;
mod simulate;
mod stones;
mod stragglers;
mod unit;
mod verdicts;
mod why;
mod window;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use fleetward_store::leases;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, GATEWAY, PATIENCE, StoppedClock, TestApp};
use unit::Unit;

/// The gateway token of `depot`.
const DEPOT: &str = "test-gateway-token-of-the-depot";

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// A configuration with two environments, and these rules for the devices of `field`, in which most stories play.
fn config(rules: &str) -> String {
    format!(
        r#"
environments:
  field:
    stage: staging
    auto_rollback: true
    rollback_timeout: 800
    gateway_tokens: ["{GATEWAY}"]
    {rules}
  depot:
    stage: testing
    gateway_tokens: ["{DEPOT}"]
devices: {{ poll_interval: 3600, poll_interval_active: 10 }}
"#
    )
}

/// A plan for every device of `field` at once that no failure stops, with these fields changed.
fn plan(changes: Value) -> Value {
    let mut plan = json!({
        "name": "Story", "firmware_version": "2.0.0", "target_environment": "field",
        "strategy": "immediate", "monitor_seconds": 0, "device_timeout": 600,
        "rollback_criteria": {"max_failure_rate": 100},
    });
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

/// A server with the versions 1.0.0, 2.0.0 and 3.0.0, and its clock.
struct World {
    app: TestApp,
    config: String,
    clock: StoppedClock,
    host: Rc<RefCell<String>>,
    rests: Cell<i64>,
}

impl World {
    /// On Monday, 4 March 2030, at noon in UTC.
    async fn start(rules: &str) -> Self {
        Self::at("2030-03-04T12:00:00Z", rules).await
    }

    async fn at(moment: &str, rules: &str) -> Self {
        Self::with(moment, config(rules)).await
    }

    async fn with(moment: &str, config: String) -> Self {
        let clock = StoppedClock::at(moment);
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::by(clock.clock(), &config, folder).await;
        let host = Rc::new(RefCell::new(app.url("")));
        let world = Self {
            app,
            config,
            clock,
            host,
            rests: Cell::new(0),
        };
        for version in ["1.0.0", "2.0.0", "3.0.0"] {
            world.admin().upload(version).await;
        }
        world
    }

    /// Stops the server and starts it again.
    async fn restart(self) -> Self {
        let TestApp { server, folder, .. } = self.app;
        server.stop().await;
        let app = TestApp::by(self.clock.clock(), &self.config, folder).await;
        *self.host.borrow_mut() = app.url("");
        let world = Self { app, ..self };
        world.rest().await;
        world
    }

    fn admin(&self) -> Client<'_> {
        self.app.admin()
    }

    /// Moves the clock on, and waits until what is due is done.
    async fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
        self.rest().await;
    }

    /// Waits until the driver has done everything that is due. It goes through those it looks at in order, so that
    /// when it has been at one that comes after all others, and is none, it has been at all of them. Twice more
    /// because they may wake each other.
    async fn rest(&self) {
        let app = self.app.server.app();
        for _ in 0..3 {
            self.rests.set(self.rests.get() + 1);
            let last = 1_000_000_000_000 + self.rests.get() + self.clock.now().as_second() * 1000;
            app.wakes.wake([last]);
            let reached = async {
                let seen = || app.store.read(move |tx| leases::holder_of(tx, last));
                while seen().await.unwrap().is_none() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            tokio::time::timeout(PATIENCE, reached)
                .await
                .expect("the driver runs");
        }
    }

    /// A device of `field` that nobody knows yet.
    fn unit(&self, id: &str) -> Unit {
        Unit::new(&self.host, id, "field", GATEWAY)
    }

    /// Devices of `field` on 1.0.0: `a-00`, `a-01` and so on.
    async fn join(&self, prefix: &str, count: usize) -> Vec<Unit> {
        self.join_saying(prefix, count, |_| json!({})).await
    }

    /// The same, with more attributes.
    async fn join_saying(
        &self,
        prefix: &str,
        count: usize,
        more: impl Fn(usize) -> Value,
    ) -> Vec<Unit> {
        let units: Vec<Unit> = (0..count)
            .map(|n| self.unit(&format!("{prefix}-{n:02}")))
            .collect();
        join_all(units.iter().enumerate().map(|(n, unit)| {
            let said = more(n);
            async move {
                unit.poll().await;
                unit.says("1.0.0", said).await;
            }
        }))
        .await;
        units
    }

    /// Devices of `field`, in a group that has the prefix as its name.
    async fn join_group(&self, group: &str, count: usize) -> Vec<Unit> {
        let units = self.join(group, count).await;
        for unit in &units {
            self.change(unit, json!({"groups": [group]})).await;
        }
        units
    }

    /// Changes where a device belongs.
    async fn change(&self, unit: &Unit, change: Value) {
        let admin = self.admin();
        let path = format!("/api/devices/{}", unit.id);
        let (status, body) = admin
            .send(admin.request(Method::PATCH, &path).json(&change))
            .await;
        assert!(status.is_success(), "{status} {body}");
        self.rest().await;
    }

    /// Makes a plan that needs no approval and executes it.
    async fn execute(&self, plan: Value) -> String {
        let (status, execution) = self.try_execute(plan).await;
        assert!(status.is_success(), "{status} {execution:#}");
        execution["execution_id"].as_str().unwrap().to_owned()
    }

    async fn try_execute(&self, plan: Value) -> (StatusCode, Value) {
        let admin = self.admin();
        let plan = admin.post("/api/deployment-plans", plan).await;
        let body = json!({"plan_id": plan["plan_id"]});
        let answer = admin.try_post("/api/deployments/execute", body).await;
        self.rest().await;
        answer
    }

    /// Tells an execution what to do.
    async fn tell(&self, id: &str, word: &str) -> Value {
        let path = format!("/api/deployments/{id}/{word}");
        let answer = self.admin().post(&path, json!({})).await;
        self.rest().await;
        answer
    }

    async fn execution(&self, id: &str) -> Value {
        self.admin().execution(id).await
    }

    async fn status(&self, id: &str) -> String {
        let execution = self.execution(id).await;
        execution["status"].as_str().unwrap().to_owned()
    }

    async fn counts(&self, id: &str) -> Value {
        self.execution(id).await["counts"].clone()
    }

    /// A device's part in an execution.
    async fn part(&self, id: &str, unit: &Unit) -> Value {
        let path = format!("/api/deployments/{id}/devices?limit=1000");
        let found = self.admin().get(&path).await;
        let items = found["items"].as_array().unwrap();
        let part = items.iter().find(|part| part["device_id"] == unit.id);
        part.cloned().unwrap_or_default()
    }

    /// The devices that a poll tells of an offer.
    async fn offered<'u>(&self, units: &'u [Unit]) -> Vec<&'u Unit> {
        let links = join_all(units.iter().map(Unit::has_offer)).await;
        let both = units.iter().zip(links);
        both.filter_map(|(unit, offered)| offered.then_some(unit))
            .collect()
    }

    /// Has every device that is offered something install it; answers with how many did.
    async fn update(&self, units: &[Unit]) -> usize {
        let offered = self.offered(units).await;
        join_all(offered.iter().map(|unit| unit.update())).await;
        self.rest().await;
        offered.len()
    }

    /// The same, but none of them can.
    async fn break_down(&self, units: &[Unit]) -> usize {
        let offered = self.offered(units).await;
        join_all(offered.iter().map(|unit| unit.fail())).await;
        self.rest().await;
        offered.len()
    }
}

fn ids<'u>(units: impl IntoIterator<Item = &'u Unit>) -> Vec<&'u str> {
    units.into_iter().map(|unit| unit.id.as_str()).collect()
}
