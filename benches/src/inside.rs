//! Work that a measured server does in its own process, without HTTP: what its own parts reach.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use fleetward_core::device::Report;
use fleetward_server::app::App;
use fleetward_server::driver::Driver;
use fleetward_server::ingest::Incoming;
use fleetward_store::audit;
use fleetward_store::reports::{Applied, DeviceReport};
use fleetward_store::{StoreError, executions};
use tokio::task::JoinSet;

use crate::load::{Round, part, total};
use crate::site;

/// So many callers hand in progress reports of the first `devices` devices, each its own part of them, one at
/// a time.
///
/// # Errors
/// A device has no open action, or a report is not stored.
pub(crate) async fn report(
    app: &Arc<App>,
    callers: usize,
    length: Duration,
    devices: u32,
) -> anyhow::Result<Round> {
    let reports: Arc<[Incoming]> = (0..devices)
        .map(|index| progress(app, index))
        .collect::<anyhow::Result<_>>()?;
    let callers = callers.min(reports.len());
    let app = Arc::clone(app);
    repeat(callers, length, move |caller, turn| {
        let (app, reports) = (Arc::clone(&app), Arc::clone(&reports));
        async move {
            let mine = &reports[part(reports.len(), callers, caller)];
            let applied = app.ingest.report(mine[turn % mine.len()].clone()).await?;
            ensure!(
                matches!(applied, Applied::Changed { .. }),
                "a report was refused"
            );
            Ok(())
        }
    })
    .await
}

fn progress(app: &App, index: u32) -> anyhow::Result<Incoming> {
    let id = site::device_id(index);
    let met = app.roster.meet(&id, app.clock.now(), |_| false);
    let known = met.map(|(known, _)| known);
    let known = known.with_context(|| format!("there is no device {id}"))?;
    let open = known
        .action
        .with_context(|| format!("nothing is open for {id}"))?;
    Ok(Incoming {
        device_id: id.into(),
        report: DeviceReport {
            device_key: known.device_key,
            action: open.action_id,
            report: Report::Installing,
            detail: format!(r#"["{}"]"#, site::DETAIL),
        },
    })
}

/// So many callers insert one row after the other, each in a closure of its own.
///
/// # Errors
/// The database fails.
pub(crate) async fn insert(
    app: &Arc<App>,
    callers: usize,
    length: Duration,
) -> anyhow::Result<Round> {
    let app = Arc::clone(app);
    repeat(callers, length, move |_, _| {
        let app = Arc::clone(&app);
        async move {
            let now = app.clock.now();
            let insert = move |tx: &fleetward_store::Tx<'_>| {
                let entry = audit::Entry {
                    actor: "bench",
                    source: "bench",
                    action: "bench.insert",
                    object: "row",
                };
                audit::write(tx, &entry, &[site::DETAIL], now)
            };
            app.store.write::<_, StoreError>(insert).await?;
            Ok(())
        }
    })
    .await
}

/// Looks at the open execution so many times, one after the other.
///
/// # Errors
/// There is none, or it can't be driven.
pub(crate) async fn tick(app: &Arc<App>, times: u64) -> anyhow::Result<Round> {
    let open = app.store.read(executions::open).await?;
    let execution = *open.first().context("no execution is open")?;
    let driver = Driver {
        store: app.store.clone(),
        roster: Arc::clone(&app.roster),
        clock: app.clock.clone(),
        wakes: app.wakes.clone(),
        config: Arc::clone(&app.config),
        holder: "bench".to_owned(),
    };
    let begun = Instant::now();
    for _ in 0..times {
        driver.drive_once(execution).await?;
    }
    Ok(Round {
        done: times,
        elapsed: begun.elapsed(),
    })
}

/// Has so many callers do something again and again; each is told which caller it is and its how many-th turn.
async fn repeat<C, F>(callers: usize, length: Duration, call: C) -> anyhow::Result<Round>
where
    C: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let call = call.clone();
        tasks.spawn(async move {
            let mut done = 0;
            while begun.elapsed() < length {
                call(caller, done).await?;
                done += 1;
            }
            Ok(done as u64)
        });
    }
    let done = total(tasks).await?;
    Ok(Round {
        done,
        elapsed: begun.elapsed(),
    })
}
