//! The measured servers from inside: what the hidden subcommands do. Both say `ready ADDRESS` and run until
//! their standard input ends.

use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use clap::Args;
use fleetward_server::clock::Clock;
use fleetward_server::{ServeOptions, Server};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::inside;
use crate::load::Round;
use crate::site;

const ANYWHERE: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// What a bare server answers.
#[derive(Debug, Args)]
pub(crate) struct Bare {
    /// A header, as `name: value`
    #[arg(long)]
    header: Vec<String>,
    /// The body
    #[arg(long)]
    body: String,
}

/// What the real server works on.
#[derive(Debug, Args)]
pub(crate) struct Fleetward {
    /// Where its data are
    #[arg(long)]
    data_dir: PathBuf,
}

/// Serves one answer to every poll and nothing else.
///
/// # Errors
/// The answer can't be one, or the listener fails.
pub(crate) async fn bare(arguments: Bare) -> anyhow::Result<()> {
    let mut headers = HeaderMap::new();
    for header in &arguments.header {
        let (name, value) = header.split_once(": ").context("a header is no pair")?;
        headers.insert(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    let body = Bytes::from(arguments.body);
    let answer = move || {
        let mut response = Response::new(Body::from(body.clone()));
        *response.headers_mut() = headers.clone();
        std::future::ready(response)
    };
    let router = Router::new().route("/{tenant}/controller/v1/{device}", get(answer));
    let listener = TcpListener::bind(ANYWHERE).await?;
    say(&format!("ready {}", listener.local_addr()?))?;
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut orders = orders();
    while orders.recv().await.is_some() {}
    serving.abort();
    Ok(())
}

/// Serves as `fleetward serve` does, and does what is ordered in its own process.
///
/// # Errors
/// The server does not start, or nobody reads what it says.
pub(crate) async fn fleetward(arguments: Fleetward) -> anyhow::Result<()> {
    let options = ServeOptions {
        config: site::configuration()?,
        data_dir: arguments.data_dir,
        listen: ANYWHERE,
        bootstrap_key: Some(site::ADMIN.to_owned()),
        clock: Clock::system(),
    };
    let server = fleetward_server::start(options).await?;
    say(&format!("ready {}", server.address()))?;
    let mut orders = orders();
    while let Some(order) = orders.recv().await {
        match obey(&server, &order).await {
            Ok(Round { done, elapsed }) => say(&format!("done {done} {}", elapsed.as_nanos()))?,
            Err(error) => say(&format!("failed: {error:#}"))?,
        }
    }
    server.stop().await;
    Ok(())
}

async fn obey(server: &Server, order: &str) -> anyhow::Result<Round> {
    let words: Vec<&str> = order.split_whitespace().collect();
    let app = server.app();
    match words.as_slice() {
        ["report", callers, seconds, devices] => {
            let length = Duration::from_secs(seconds.parse()?);
            inside::report(app, callers.parse()?, length, devices.parse()?).await
        }
        ["insert", callers, seconds] => {
            let length = Duration::from_secs(seconds.parse()?);
            inside::insert(app, callers.parse()?, length).await
        }
        ["tick", times] => inside::tick(app, times.parse()?).await,
        _ => bail!("there is no such order"),
    }
}

/// The lines of the standard input. Its thread ends with it.
fn orders() -> mpsc::UnboundedReceiver<String> {
    let (sender, orders) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        for line in lines {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    orders
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
