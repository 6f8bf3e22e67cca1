//! Starting and stopping.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use fleetward_store::{Store, StoreError, devices, idempotency};
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::app::ids::new_id;
use crate::auth::Tokens;
use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::config::{Config, Problem, serve_refusals};
use crate::driver::{Driver, Wakes};
use crate::ingest::{Ingest, Intake};
use crate::outbox::{Announcer, Carrier};
use crate::{api, devices as protocols};

/// How long requests under way may take to finish when the server stops.
const GRACE: Duration = Duration::from_secs(10);
/// How often it is stored when devices were last heard of.
pub(crate) const HEARD_EVERY: Duration = Duration::from_secs(30);
/// How long answers are kept for repeats.
const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(24);
const READERS: usize = 4;

/// What a server needs to start.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The checked configuration.
    pub config: Config,
    /// Where the database and the images are kept.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The first admin key, instead of one made here.
    pub bootstrap_key: Option<String>,
    /// Where the time comes from.
    pub clock: Clock,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is fit for a look, not for serving.
    #[error("the configuration can't be served: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Problem>),
    /// The database can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The image store can't be used.
    #[error("can't use the image store {path}: {source}")]
    Blobs {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The address can't be listened on.
    #[error(
        "can't listen on {listen}: {source}; stop what uses it, or choose another with --listen"
    )]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The first key can't be a key.
    #[error("the first admin key is too short: use at least 32 characters")]
    WeakKey,
}

/// A running server.
pub struct Server {
    address: SocketAddr,
    first_key: Option<String>,
    app: Arc<App>,
    tasks: TaskTracker,
    intake: JoinHandle<()>,
    http: JoinHandle<()>,
}

impl Server {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The admin key that was made because there was none; shown this once.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.first_key.as_deref()
    }

    /// What it works with; for measurements and tests.
    #[must_use]
    pub const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Finishes what is under way and stops. The data directory is free afterwards.
    pub async fn stop(self) {
        self.app.stop.cancel();
        let abort = self.http.abort_handle();
        if tokio::time::timeout(GRACE, self.http).await.is_err() {
            abort.abort();
        }
        drop(tokio::time::timeout(GRACE, self.tasks.wait()).await);
        store_heard(&self.app).await;
        // The intake ends, and the database closes, with the last one who could report something.
        drop(self.app);
        drop(tokio::time::timeout(GRACE, self.intake).await);
    }
}

/// Starts a server.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(options: ServeOptions) -> Result<Server, StartError> {
    let refusals = serve_refusals(&options.config);
    if !refusals.is_empty() {
        return Err(StartError::Refused(refusals));
    }
    if options
        .bootstrap_key
        .as_ref()
        .is_some_and(|key| key.len() < 32)
    {
        return Err(StartError::WeakKey);
    }
    let (app, intake) = open(&options).await?;
    let first_key = app.load_keys(options.bootstrap_key, app.started_at).await?;
    app.roster.load(&app.store).await?;
    let failed = |source| StartError::Listen {
        listen: options.listen,
        source,
    };
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let tasks = TaskTracker::new();
    let intake = spawn_tasks(&tasks, &app, intake);
    let http = tokio::spawn(serve(listener, Arc::clone(&app)));
    tasks.close();
    Ok(Server {
        address,
        first_key,
        app,
        tasks,
        intake,
        http,
    })
}

async fn open(options: &ServeOptions) -> Result<(Arc<App>, Intake), StartError> {
    let store = Store::open(&options.data_dir, READERS)?;
    let path = options.data_dir.join("images");
    let blobs = Blobs::open(&path)
        .await
        .map_err(|source| StartError::Blobs { path, source })?;
    let (ingest, intake) = Ingest::new();
    let secret = options.config.security.jwt_secret.as_ref();
    let app = App {
        tokens: secret.map(|secret| Tokens::new(secret.expose())),
        config: Arc::new(options.config.clone()),
        store,
        blobs,
        roster: Arc::default(),
        ingest,
        wakes: Wakes::default(),
        catalog: crate::catalog::Catalog::default(),
        keys: Arc::default(),
        announcer: Announcer::default(),
        started_at: options.clock.now(),
        clock: options.clock.clone(),
        stop: CancellationToken::new(),
        polls: std::sync::atomic::AtomicU64::new(0),
    };
    Ok((Arc::new(app), intake))
}

fn spawn_tasks(tasks: &TaskTracker, app: &Arc<App>, intake: Intake) -> JoinHandle<()> {
    let (store, clock, wakes) = (app.store.clone(), app.clock.clone(), app.wakes.clone());
    let roster = Arc::clone(&app.roster);
    let intake = tokio::spawn(intake.run(
        store.clone(),
        Arc::clone(&roster),
        wakes.clone(),
        clock.clone(),
    ));
    let driver = Driver {
        store: store.clone(),
        roster,
        clock: clock.clone(),
        wakes: wakes.clone(),
        config: Arc::clone(&app.config),
        holder: new_id("driver", clock.now()),
    };
    let stop = app.stop.clone();
    tasks.spawn(async move {
        if let Err(error) = driver.run(stop).await {
            tracing::error!(%error, "the driver can't start: nothing will be rolled out");
        }
    });
    let carrier = Carrier {
        store,
        announcer: app.announcer.clone(),
        clock,
        wakes,
    };
    tasks.spawn(carrier.run(app.stop.clone()));
    tasks.spawn(keep_house(Arc::clone(app)));
    intake
}

async fn serve(listener: TcpListener, app: Arc<App>) {
    let stop = app.stop.clone();
    let service = router(app).into_make_service_with_connect_info::<SocketAddr>();
    let listener = axum::serve::ListenerExt::tap_io(listener, |connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection without nodelay");
        }
    });
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = serving.await {
        tracing::error!(%error, "the listener failed");
    }
}

/// Every path of the server.
pub(crate) fn router(app: Arc<App>) -> Router {
    api::router()
        .merge(protocols::ddi::router())
        .with_state(app)
}

/// What is done now and then: storing when devices were heard of, forgetting old answers.
async fn keep_house(app: Arc<App>) {
    let mut every = tokio::time::interval(HEARD_EVERY);
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            _ = every.tick() => {}
        }
        store_heard(&app).await;
        let limit = app.clock.now().checked_sub(ANSWERS_KEPT);
        let limit = limit.unwrap_or(fleetward_core::Timestamp::MIN);
        if let Err(error) = app
            .store
            .write(move |tx| idempotency::forget_before(tx, limit))
            .await
        {
            tracing::warn!(%error, "old answers can't be forgotten");
        }
    }
}

async fn store_heard(app: &App) {
    let heard = app.roster.take_heard();
    if heard.is_empty() {
        return;
    }
    if let Err(error) = app.store.write(move |tx| devices::seen(tx, &heard)).await {
        tracing::warn!(%error, "it can't be stored when devices were heard of");
    }
}
