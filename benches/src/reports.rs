//! Durable reports through HTTP, against the same reports handed in without it and against the store's own
//! group commit, in turns on one server.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::Options;
use crate::admin::Admin;
use crate::figures::{Sample, Series, Table};
use crate::load::{Connection, Requests, Until, run as load};
use crate::server::Server;
use crate::site;

const GOAL: f64 = 0.5;
const CALLERS: [usize; 3] = [16, 64, 256];

/// The three ways of one number of callers.
#[derive(Default)]
struct Ways {
    http: Series,
    ingest: Series,
    insert: Series,
}

/// Measures and prints.
///
/// # Errors
/// A server fails.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let devices = options.few_devices();
    eprintln!("reports: making {devices} devices");
    let folder = site::with_devices(options.folder.as_deref(), devices).await?;
    let sync = site::cost_of_sync(folder.path())?;
    let mut server = Server::fleetward(folder.path()).await?;
    let requests = released(&server, devices).await?;
    // The first report of each device moves counts; every later one says that the work goes on.
    load(server.address(), &requests, CALLERS[0], Until::EachOnce).await?;

    let mut table = table(options, sync);
    let mut least = [f64::INFINITY; 2];
    for callers in CALLERS {
        eprintln!("reports: {callers} callers");
        let ways = measure(&mut server, &requests, callers, options).await?;
        let ratios = [&ways.ingest, &ways.insert].map(|other| ways.http.rate_against(other));
        least = [least[0].min(ratios[0]), least[1].min(ratios[1])];
        let mut cells = vec![callers.to_string()];
        for series in [&ways.http, &ways.ingest, &ways.insert] {
            cells.push(format!("{:.0}", series.rate()));
            cells.push(format!("{:.1}", series.microseconds()));
        }
        cells.extend(ratios.map(|ratio| format!("{ratio:.2}")));
        table.row(cells);
    }
    table.note(format!(
        "Through HTTP at least {:.2} of what ingest takes in and {:.2} of the store's single inserts (goal {GOAL}).",
        least[0], least[1]
    ));
    table.print()?;
    server.stop().await
}

/// Offers every device an update; answers with a report of each.
async fn released(server: &Server, devices: u32) -> anyhow::Result<Requests> {
    let admin = Admin::of(server.address())?;
    let plan = admin.plan(json!({"strategy": "immediate"})).await?;
    admin.execute(&plan).await?;
    let mut connection = Connection::open(server.address()).await?;
    let mut requests = Vec::with_capacity(devices as usize);
    for index in 0..devices {
        let answer = connection.exchange(&site::poll(index)).await?;
        ensure!(
            answer.status == 200,
            "a poll was answered {}",
            answer.status
        );
        let action = site::offered(answer.body)
            .with_context(|| format!("{} is offered nothing", site::device_id(index)))?;
        requests.push(site::progress(index, action));
    }
    Ok(requests.into())
}

async fn measure(
    server: &mut Server,
    requests: &Requests,
    callers: usize,
    options: &Options,
) -> anyhow::Result<Ways> {
    let mut ways = Ways::default();
    let (seconds, devices) = (options.seconds, requests.len());
    let report = format!("report {callers} {seconds} {devices}");
    let insert = format!("insert {callers} {seconds}");
    for _ in 0..options.rounds {
        let pid = server.pid();
        let until = Until::Elapsed(options.length());
        let work = load(server.address(), requests, callers, until);
        ways.http.push(Sample::take(pid, work).await?);
        let sample = Sample::take(pid, server.order(&report)).await?;
        ways.ingest.push(sample);
        let sample = Sample::take(pid, server.order(&insert)).await?;
        ways.insert.push(sample);
    }
    Ok(ways)
}

fn table(options: &Options, sync: Duration) -> Table {
    let title = format!(
        "Durable reports: {} devices, {} rounds of {} s, one sync of the disk {} µs",
        options.few_devices(),
        options.rounds,
        options.seconds,
        sync.as_micros()
    );
    let columns = [
        "callers",
        "HTTP /s",
        "CPU µs",
        "ingest /s",
        "CPU µs",
        "insert /s",
        "CPU µs",
        "HTTP : ingest",
        "HTTP : insert",
    ];
    Table::new(title, &columns)
}
