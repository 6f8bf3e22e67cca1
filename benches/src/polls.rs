//! Idle polls: the real server against a bare one that answers the same bytes, in turns.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::Options;
use crate::figures::{Sample, Series, Table};
use crate::load::{Connection, Requests, Until, headers, run as load};
use crate::server::Server;
use crate::site;

const GOAL: f64 = 0.8;

/// Measures and prints.
///
/// # Errors
/// A server fails.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let devices = options.few_devices();
    eprintln!("polls: making {devices} devices");
    let folder = site::with_devices(options.folder.as_deref(), devices).await?;
    let real = Server::fleetward(folder.path()).await?;
    let (head, body) = answer(real.address()).await?;
    let bare = Server::bare(&head, &body).await?;
    same(&(head, body), &answer(bare.address()).await?)?;

    let requests: Requests = (0..devices).map(site::poll).collect();
    let connections = options.connections as usize;
    let mut sides = [(&bare, Series::default()), (&real, Series::default())];
    for (server, _) in &sides {
        let warm_up = Until::Elapsed(Duration::from_secs(1));
        load(server.address(), &requests, connections, warm_up).await?;
    }
    for round in 1..=options.rounds {
        eprintln!("polls: round {round} of {}", options.rounds);
        for (server, series) in &mut sides {
            let until = Until::Elapsed(options.length());
            let work = load(server.address(), &requests, connections, until);
            series.push(Sample::take(server.pid(), work).await?);
        }
    }
    let [(_, plain), (_, fleetward)] = sides;
    print(options, &plain, &fleetward)?;
    bare.stop().await?;
    real.stop().await
}

/// Head and body of the answer to one device.
async fn answer(address: SocketAddr) -> anyhow::Result<(String, String)> {
    let mut connection = Connection::open(address).await?;
    let answer = connection.exchange(&site::poll(0)).await?;
    ensure!(
        answer.status == 200,
        "a poll was answered {}",
        answer.status
    );
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).context("an answer is no text");
    Ok((text(answer.head)?, text(answer.body)?))
}

/// Refuses a comparison of servers that answer differently.
fn same(one: &(String, String), other: &(String, String)) -> anyhow::Result<()> {
    let known = |head: &str| {
        let mut all: Vec<(String, String)> = headers(head)
            .filter(|(name, _)| !name.eq_ignore_ascii_case("date"))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        all.sort();
        all
    };
    ensure!(
        known(&one.0) == known(&other.0) && one.0.len() == other.0.len() && one.1 == other.1,
        "the servers do not answer the same bytes"
    );
    ensure!(!one.1.contains("_links"), "the devices are not idle");
    Ok(())
}

fn print(options: &Options, bare: &Series, fleetward: &Series) -> anyhow::Result<()> {
    let title = format!(
        "Idle polls: {} devices, {} connections, {} rounds of {} s",
        options.few_devices(),
        options.connections,
        options.rounds,
        options.seconds
    );
    let mut table = Table::new(title, &["server", "polls/s", "server CPU µs/poll"]);
    for (name, series) in [("bare axum", bare), ("fleetward", fleetward)] {
        table.row([
            name.to_owned(),
            format!("{:.0}", series.rate()),
            format!("{:.2}", series.microseconds()),
        ]);
    }
    table.note(format!(
        "Fleetward reaches {:.2} of the bare server's rate (goal {GOAL}) and takes {:.2} of its processor time.",
        fleetward.rate_against(bare),
        fleetward.processor_against(bare),
    ));
    Ok(table.print()?)
}
