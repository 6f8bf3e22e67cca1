//! Large fleets: how long the server takes to start, what an idle device costs in memory, how long the first
//! wave of a canary takes to reach its devices, and what a look at the open execution costs.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::Options;
use crate::admin::Admin;
use crate::figures::{Sample, Table, median, median_seconds};
use crate::load::Connection;
use crate::server::Server;
use crate::site;

const COLUMNS: [&str; 11] = [
    "devices",
    "ready s",
    "bytes/device",
    "execute s",
    "released s",
    "offered s",
    "slowest poll ms",
    "tick µs",
    "CPU µs/tick",
    "peak MiB",
    "ready again s",
];
const GOALS: &str = "Goals at 1,000,000: ready in 3 s, 400 bytes a device, the first wave offered in 2 s, a tick that \
     costs the same at every size, ready again in 3 s.";
/// Looks at the execution in one round.
const TICKS: u64 = 2_000;
const MIB: f64 = 1024.0 * 1024.0;
/// Devices that poll while the wave is released: a tenth of them is in it.
const WATCHED: u32 = 200;
const PATIENCE: Duration = Duration::from_secs(120);

/// One round of one size.
struct Round {
    ready: Duration,
    bytes_per_device: f64,
    release: Release,
    tick: Sample,
    peak: u64,
    ready_again: Duration,
}

/// Times from the request to execute.
struct Release {
    answered: Duration,
    released: Duration,
    offered: Duration,
    slowest_poll: Duration,
}

/// What devices saw while the wave was released.
struct Watch {
    offered: Duration,
    slowest_poll: Duration,
}

/// Measures and prints.
///
/// # Errors
/// A server fails.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let parent = options.folder.as_deref();
    let empty = empty(parent, options.rounds).await?;
    let title = format!("Fleets: {} rounds each", options.rounds);
    let mut table = Table::new(title, &COLUMNS);
    for &devices in &options.devices {
        eprintln!("fleet: making {devices} devices");
        let prepared = site::with_devices(parent, devices).await?;
        let mut rounds = Vec::new();
        for number in 1..=options.rounds {
            eprintln!(
                "fleet: {devices} devices, round {number} of {}",
                options.rounds
            );
            let folder = site::folder(parent)?;
            site::copy(prepared.path(), folder.path())?;
            rounds.push(round(folder.path(), devices, empty).await?);
        }
        table.row(cells(devices, &rounds));
    }
    table.note(format!("An empty server takes {:.0} MiB.", empty / MIB));
    table.note(GOALS);
    Ok(table.print()?)
}

/// Memory of a server without devices, in bytes.
async fn empty(parent: Option<&Path>, rounds: u32) -> anyhow::Result<f64> {
    let mut sizes = Vec::new();
    for _ in 0..rounds {
        let folder = site::folder(parent)?;
        let server = Server::fleetward(folder.path()).await?;
        sizes.push(server.memory()?.resident as f64);
        server.stop().await?;
    }
    Ok(median(sizes))
}

async fn round(folder: &Path, devices: u32, empty: f64) -> anyhow::Result<Round> {
    let mut server = Server::fleetward(folder).await?;
    let ready = server.ready_after();
    let resident = server.memory()?.resident as f64;
    let release = release(server.address(), devices).await?;
    let order = format!("tick {TICKS}");
    // The waves beyond the first are written out by the first of them.
    server.order(&order).await?;
    let tick = Sample::take(server.pid(), server.order(&order)).await?;
    let peak = server.memory()?.peak;
    server.stop().await?;
    let server = Server::fleetward(folder).await?;
    let ready_again = server.ready_after();
    server.stop().await?;
    Ok(Round {
        ready,
        bytes_per_device: (resident - empty) / f64::from(devices),
        release,
        tick,
        peak,
        ready_again,
    })
}

/// Executes a canary of a tenth and waits until its first wave is released and one of its devices knows.
async fn release(address: SocketAddr, devices: u32) -> anyhow::Result<Release> {
    let admin = Admin::of(address)?;
    let canary = json!({"strategy": "canary", "canary_percentage": 10});
    let plan = admin.plan(canary).await?;
    let mut connection = Connection::open(address).await?;
    let begun = Instant::now();
    let watch: JoinHandle<anyhow::Result<Watch>> =
        tokio::spawn(async move { watch(&mut connection, devices, begun).await });
    let mut execution = admin.execute(&plan).await?;
    let answered = begun.elapsed();
    let id = execution["execution_id"].as_str();
    let path = format!(
        "/api/deployments/{}",
        id.context("an execution without an id")?
    );
    while !is_released(&execution) {
        ensure!(
            begun.elapsed() < PATIENCE,
            "no wave is released: {execution}"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
        execution = admin.show(&path).await?;
    }
    let released = begun.elapsed();
    let watch = watch.await.context("the watch ended early")??;
    Ok(Release {
        answered,
        released,
        offered: watch.offered,
        slowest_poll: watch.slowest_poll,
    })
}

fn is_released(execution: &Value) -> bool {
    execution["waves"][0]["released_at"].is_string()
}

/// Polls for some devices in turn until one of them is offered the update.
async fn watch(connection: &mut Connection, devices: u32, begun: Instant) -> anyhow::Result<Watch> {
    let step = (devices / WATCHED).max(1) as usize;
    let polls: Vec<_> = (0..devices).step_by(step).map(site::poll).collect();
    let mut slowest_poll = Duration::ZERO;
    for poll in polls.iter().cycle() {
        let asked = Instant::now();
        let answer = connection.exchange(poll).await?;
        ensure!(
            answer.status == 200,
            "a poll was answered {}",
            answer.status
        );
        let offered = site::offered(answer.body).is_some();
        slowest_poll = slowest_poll.max(asked.elapsed());
        if offered {
            break;
        }
        ensure!(
            begun.elapsed() < PATIENCE,
            "no device is offered the update"
        );
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(Watch {
        offered: begun.elapsed(),
        slowest_poll,
    })
}

fn cells(devices: u32, rounds: &[Round]) -> Vec<String> {
    let seconds = |time: fn(&Round) -> Duration| median_seconds(rounds.iter().map(time));
    let value = |value: fn(&Round) -> f64| median(rounds.iter().map(value));
    vec![
        devices.to_string(),
        format!("{:.3}", seconds(|round| round.ready)),
        format!("{:.0}", value(|round| round.bytes_per_device)),
        format!("{:.3}", seconds(|round| round.release.answered)),
        format!("{:.3}", seconds(|round| round.release.released)),
        format!("{:.3}", seconds(|round| round.release.offered)),
        format!("{:.1}", 1e3 * seconds(|round| round.release.slowest_poll)),
        format!("{:.0}", 1e6 * value(|round| 1.0 / round.tick.rate)),
        format!("{:.0}", 1e6 * value(|round| round.tick.processor)),
        format!("{:.0}", value(|round| round.peak as f64) / MIB),
        format!("{:.3}", seconds(|round| round.ready_again)),
    ]
}
