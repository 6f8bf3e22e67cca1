//! A measured server from outside: a child process, its address, and orders to it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::load::{Connection, Round, headers};
use crate::process::{Memory, memory};

/// How long a server may take to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    process: Child,
    pid: u32,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
    ready_after: Duration,
}

impl Server {
    /// Starts a web server that answers every poll with this head, but for its date and length, and this body.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn bare(head: &str, body: &str) -> anyhow::Result<Self> {
        let mut arguments = vec![
            "serve-bare".to_owned(),
            "--body".to_owned(),
            body.to_owned(),
        ];
        for (name, value) in headers(head) {
            if !["date", "content-length"].contains(&name.to_ascii_lowercase().as_str()) {
                arguments.extend(["--header".to_owned(), format!("{name}: {value}")]);
            }
        }
        Self::start(arguments, Instant::now()).await
    }

    /// Starts the real server on a data folder and waits until it says that it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn fleetward(folder: &Path) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let folder = folder.to_str().context("the folder's name is no text")?;
        let arguments = ["serve-fleetward", "--data-dir", folder].map(str::to_owned);
        let mut server = Self::start(arguments.into(), begun).await?;
        let mut connection = Connection::open(server.address).await?;
        let request = b"GET /readyz HTTP/1.1\r\nHost: fleetward.test\r\n\r\n";
        let answer = connection.exchange(request).await?;
        ensure!(answer.status == 200, "the server started but is not ready");
        server.ready_after = begun.elapsed();
        Ok(server)
    }

    async fn start(arguments: Vec<String>, begun: Instant) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program can't find itself")?;
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("a server can't be started")?;
        let orders = process.stdin.take().context("a server has no input")?;
        let output = process.stdout.take().context("a server has no output")?;
        let pid = process.id().context("a server ended at once")?;
        let mut answers = BufReader::new(output).lines();
        let said = answers.next_line().await?.unwrap_or_default();
        let Some(address) = said.strip_prefix("ready ") else {
            bail!("a server did not start: see above");
        };
        Ok(Self {
            process,
            pid,
            orders,
            answers,
            address: address.parse().context("a server has no address")?,
            ready_after: begun.elapsed(),
        })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// How long it took from its start until it was ready.
    pub(crate) const fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Its memory.
    ///
    /// # Errors
    /// It is gone.
    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        memory(self.pid)
    }

    /// Has it do something in its own process; says how often that was done, and in what time.
    ///
    /// # Errors
    /// It could not, or is gone.
    pub(crate) async fn order(&mut self, order: &str) -> anyhow::Result<Round> {
        self.orders
            .write_all(format!("{order}\n").as_bytes())
            .await?;
        let answer = self.answers.next_line().await?.unwrap_or_default();
        let round = answer.strip_prefix("done ").and_then(|rest| {
            let (done, nanoseconds) = rest.split_once(' ')?;
            Some(Round {
                done: done.parse().ok()?,
                elapsed: Duration::from_nanos(nanoseconds.parse().ok()?),
            })
        });
        round.with_context(|| format!("the server could not `{order}`: {answer}"))
    }

    /// Stops it as an operator would.
    ///
    /// # Errors
    /// It fails, or does not stop.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.orders);
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        let status = ended.context("a server does not stop")??;
        ensure!(status.success(), "a server ended with {status}");
        Ok(())
    }
}
