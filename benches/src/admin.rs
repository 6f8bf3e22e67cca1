//! The person with the admin key, over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::site;

/// How long an answer may take before a run is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// A client of one server.
pub(crate) struct Admin {
    http: reqwest::Client,
    base: String,
}

impl Admin {
    /// A client that goes straight to the server, whatever proxy the machine is set up for.
    ///
    /// # Errors
    /// The machine can't have one.
    pub(crate) fn of(address: SocketAddr) -> anyhow::Result<Self> {
        Ok(Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(PATIENCE)
                .build()?,
            base: format!("http://{address}"),
        })
    }

    /// What is at a path.
    ///
    /// # Errors
    /// The server refuses.
    pub(crate) async fn show(&self, path: &str) -> anyhow::Result<Value> {
        answer(path, self.http.get(format!("{}{path}", self.base))).await
    }

    /// Sends something to a path.
    ///
    /// # Errors
    /// The server refuses.
    pub(crate) async fn send(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        let request = self.http.post(format!("{}{path}", self.base)).json(body);
        answer(path, request).await
    }

    /// Uploads the image of a version.
    ///
    /// # Errors
    /// The server refuses.
    pub(crate) async fn upload(&self, version: &str) -> anyhow::Result<()> {
        let path = format!("/api/firmware?version={version}&file_name=image.bin");
        let image = format!("image of version {version}").repeat(100);
        let request = self.http.post(format!("{}{path}", self.base)).body(image);
        answer(&path, request).await.map(drop)
    }

    /// Uploads both versions, and makes a plan from the one to the other; answers with the plan's id. What
    /// `more` says of the strategy goes into it.
    ///
    /// # Errors
    /// The server refuses.
    pub(crate) async fn plan(&self, more: Value) -> anyhow::Result<String> {
        self.upload("1.0.0").await?;
        self.upload("2.0.0").await?;
        let mut plan = json!({
            "name": "Measured", "firmware_version": "2.0.0",
            "target_environment": site::ENVIRONMENT,
            "rollback_criteria": {"max_failure_rate": 10},
        });
        if let (Some(plan), Value::Object(more)) = (plan.as_object_mut(), more) {
            plan.extend(more);
        }
        let made = self.send("/api/deployment-plans", &plan).await?;
        let id = made["plan_id"].as_str().context("a plan without an id")?;
        Ok(id.to_owned())
    }

    /// Executes a plan.
    ///
    /// # Errors
    /// The server refuses.
    pub(crate) async fn execute(&self, plan_id: &str) -> anyhow::Result<Value> {
        self.send("/api/deployments/execute", &json!({"plan_id": plan_id}))
            .await
    }
}

async fn answer(path: &str, request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.header("x-api-key", site::ADMIN).send().await;
    let answer = answer.with_context(|| format!("{path} was not answered"))?;
    let status = answer.status();
    let body = answer.text().await?;
    ensure!(status.is_success(), "{path} answered {status}: {body}");
    Ok(serde_json::from_str(&body)?)
}
