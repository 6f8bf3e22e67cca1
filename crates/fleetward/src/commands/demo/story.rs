//! What happens in the demo: four rollouts by a firmware engineer and a release manager, each with a key of their own, and
//! everything through the REST API. How it is told is in `narrate`.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use fleetward_server::api::types::{
    ApproveRequest, EnvironmentView, ExecuteRequest, ExecutionView, FirmwareView, NewKeyRequest,
    NewKeyView, PlanRequest, PlanView,
};
use reqwest::Body;
use tokio::time::sleep;

use super::narrate::Narrator;
use super::stage::{BAD, FIRST, GOOD, PRODUCTION_DEVICES, STAGING_DEVICES, Stage};
use crate::client::Client;

/// The longest that devices may take to join.
const JOIN_WITHIN: Duration = Duration::from_secs(60);
/// The longest that one rollout may take.
const ROLL_OUT_WITHIN: Duration = Duration::from_secs(180);
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Bytes of a made-up image.
const IMAGE_SIZE: usize = 64 * 1024;

/// What came of it.
#[derive(Debug)]
pub(super) struct Told {
    /// The executions, in their order.
    pub(super) executions: Vec<String>,
}

/// The people of the story.
struct People {
    engineer: Client,
    manager: Client,
}

/// Tells the story from beginning to end.
pub(super) async fn tell(stage: &Stage, narrator: &Narrator) -> anyhow::Result<Told> {
    narrator.say(&format!("the server listens on {}", stage.url()))?;
    let admin = stage.client(stage.admin_key())?;
    let people = People {
        engineer: stage.client(&key(&admin, "firmware engineer", "operator").await?)?,
        manager: stage.client(&key(&admin, "release manager", "approver").await?)?,
    };
    joined(&admin, "staging", STAGING_DEVICES).await?;
    joined(&admin, "production", PRODUCTION_DEVICES).await?;
    narrator.say(&format!(
        "{STAGING_DEVICES} devices joined staging and {PRODUCTION_DEVICES} joined production, all on {FIRST}"
    ))?;
    for version in [FIRST, GOOD, BAD] {
        upload(&people.engineer, version).await?;
    }
    narrator.say(&format!(
        "the firmware engineer uploaded {FIRST}, {GOOD} and {BAD}"
    ))?;
    let mut executions = Vec::new();
    for (number, chapter) in chapters().into_iter().enumerate() {
        narrator.chapter(number + 1, &chapter.title)?;
        executions.push(chapter.happen(&people, narrator).await?);
    }
    stage.verdict()?;
    narrator.line(&format!(
        "\nEvery device in production runs {GOOD}, and nobody had to get up at night."
    ))?;
    Ok(Told { executions })
}

/// One rollout, and how it has to end.
struct Chapter {
    title: String,
    plan: PlanRequest,
    ending: &'static str,
}

fn chapters() -> [Chapter; 4] {
    let plan = |version: &str, environment: &str, strategy: &str| PlanRequest {
        name: format!("{version} to {environment}"),
        firmware_version: version.to_owned(),
        target_environment: environment.to_owned(),
        strategy: Some(strategy.to_owned()),
        monitor_seconds: Some(2),
        device_timeout: Some(60),
        ..PlanRequest::default()
    };
    let canary = |version, environment| PlanRequest {
        canary_percentage: Some(10.0),
        monitor_seconds: Some(3),
        ..plan(version, environment, "canary")
    };
    let proven = |plan| PlanRequest {
        source_environment: Some("staging".to_owned()),
        ..plan
    };
    let chapter = |title: &str, plan, ending| Chapter {
        title: title.to_owned(),
        plan,
        ending,
    };
    [
        chapter(
            &format!("{GOOD} goes to staging, a few devices first"),
            PlanRequest {
                canary_steps: Some(vec![50.0, 100.0]),
                ..canary(GOOD, "staging")
            },
            "succeeded",
        ),
        chapter(
            &format!("{GOOD} goes to production, in four waves"),
            proven(canary(GOOD, "production")),
            "succeeded",
        ),
        chapter(
            &format!("{BAD} goes to staging, where nothing is wrong with it"),
            plan(BAD, "staging", "immediate"),
            "succeeded",
        ),
        chapter(
            &format!("{BAD} goes to production, where it fails on every third device"),
            proven(canary(BAD, "production")),
            "rolled_back",
        ),
    ]
}

impl Chapter {
    /// Plans, approves, executes and follows the rollout; returns the execution.
    async fn happen(self, people: &People, narrator: &Narrator) -> anyhow::Result<String> {
        let plan: PlanView = people
            .engineer
            .send(&["deployment-plans"], &self.plan, None)
            .await?;
        narrator.say(&format!(
            "the firmware engineer plans \"{}\": {}",
            plan.name,
            sizes(&plan.waves)
        ))?;
        if plan.status == "pending_approval" {
            let path = ["deployment-plans", &plan.plan_id, "approve"];
            let request = ApproveRequest {
                comment: Some("looks good".to_owned()),
                digest: Some(plan.digest),
            };
            let _: PlanView = people.manager.send(&path, &request, None).await?;
            narrator.say("the release manager approves it")?;
        }
        let request = ExecuteRequest {
            plan_id: plan.plan_id,
            ..ExecuteRequest::default()
        };
        let started: ExecutionView = people
            .engineer
            .send(&["deployments", "execute"], &request, None)
            .await?;
        let followed = narrator.follow(&people.engineer, &started.execution_id);
        let Ok(ended) = tokio::time::timeout(ROLL_OUT_WITHIN, followed).await else {
            bail!(
                "{} was not over after {} s",
                self.plan.name,
                ROLL_OUT_WITHIN.as_secs()
            );
        };
        let ended = ended?;
        ensure!(
            ended.status == self.ending,
            "{} came to `{}` and not to `{}`: {}",
            ended.name,
            ended.status,
            self.ending,
            ended
                .reason
                .as_deref()
                .unwrap_or("the server gives no reason"),
        );
        Ok(started.execution_id)
    }
}

fn sizes(waves: &[u64]) -> String {
    let sizes: Vec<String> = waves.iter().map(u64::to_string).collect();
    match sizes.as_slice() {
        [only] => format!("all {only} devices at once"),
        _ => format!("{} waves of {} devices", sizes.len(), sizes.join(", ")),
    }
}

async fn key(admin: &Client, name: &str, role: &str) -> anyhow::Result<String> {
    let request = NewKeyRequest {
        name: name.to_owned(),
        role: role.to_owned(),
        expires_in_days: Some(1),
    };
    let made: NewKeyView = admin.send(&["keys"], &request, None).await?;
    Ok(made.key)
}

/// Waits until all devices of an environment have said which version they run.
async fn joined(client: &Client, environment: &str, devices: usize) -> anyhow::Result<()> {
    let since = Instant::now();
    loop {
        let view: EnvironmentView = client.read(&["environments", environment], &[]).await?;
        let on_first = view.versions.iter().find(|count| count.version == FIRST);
        let on_first = on_first.map_or(0, |count| count.devices);
        if usize::try_from(on_first) == Ok(devices) {
            return Ok(());
        }
        ensure!(
            since.elapsed() < JOIN_WITHIN,
            "only {on_first} of {devices} devices joined {environment} in {} s",
            JOIN_WITHIN.as_secs(),
        );
        sleep(LOOK_EVERY).await;
    }
}

async fn upload(client: &Client, version: &str) -> anyhow::Result<()> {
    let query = [
        ("version", Some(version.to_owned())),
        ("name", Some(format!("Demo firmware {version}"))),
        ("file_name", Some(format!("demo-{version}.bin"))),
        ("compatibility", Some("pump,valve".to_owned())),
    ];
    let image = image(version);
    let length = u64::try_from(image.len())?;
    let _: FirmwareView = client
        .upload(&["firmware"], &query, Body::from(image), length)
        .await?;
    Ok(())
}

/// An image that is none, different for each version.
fn image(version: &str) -> Vec<u8> {
    format!("fleetward demo firmware {version}\n")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(IMAGE_SIZE)
        .collect()
}
