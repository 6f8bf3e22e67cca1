//! One run of the server's process: everything that is lost when it crashes. The store and the clock
//! outlive it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use fleetward_core::Timestamp;
use fleetward_server::app::{App, Call, Idempotency};
use fleetward_server::auth::{Principal, Role};
use fleetward_server::blobs::Blobs;
use fleetward_server::catalog::Catalog;
use fleetward_server::clock::Clock;
use fleetward_server::config::Config;
use fleetward_server::driver::{Driver, Wakes};
use fleetward_server::ingest::Ingest;
use fleetward_server::outbox::{Announcer, Carrier};
use fleetward_store::outbox::Event;
use fleetward_store::{Store, StoreError, executions};
use futures_util::FutureExt as _;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

/// The clock that the server reads.
#[derive(Clone, Default)]
pub(crate) struct Dial(Arc<AtomicI64>);

impl Dial {
    pub(crate) fn set(&self, to: Timestamp) {
        self.0.store(to.as_millisecond(), Ordering::Relaxed);
    }

    pub(crate) fn clock(&self) -> Clock {
        let dial = Arc::clone(&self.0);
        Clock::of(move || {
            let shown = dial.load(Ordering::Relaxed);
            Timestamp::from_millisecond(shown).expect("a moment that was set")
        })
    }
}

/// A run of the process.
pub(crate) struct Process {
    pub(crate) app: Arc<App>,
    pub(crate) driver: Driver,
    pub(crate) carrier: Carrier,
    pub(crate) heard: broadcast::Receiver<Arc<Event>>,
    /// When executions want to be looked at.
    pub(crate) timers: BTreeMap<i64, Timestamp>,
    /// Executions that woke up.
    pub(crate) awake: BTreeSet<i64>,
}

impl Process {
    /// Starts as `start` does, beside what needs a network.
    pub(crate) fn start(
        store: &Store,
        config: &Arc<Config>,
        dial: &Dial,
        number: u32,
    ) -> Result<Self, StoreError> {
        let clock = dial.clock();
        let (ingest, _intake) = Ingest::new();
        let app = Arc::new(App {
            config: Arc::clone(config),
            store: store.clone(),
            blobs: blobs(),
            roster: Arc::default(),
            ingest,
            wakes: Wakes::default(),
            catalog: Catalog::default(),
            keys: Arc::default(),
            tokens: None,
            announcer: Announcer::default(),
            started_at: clock.now(),
            clock: clock.clone(),
            stop: CancellationToken::new(),
            polls: AtomicU64::new(0),
        });
        ready(app.roster.load(store))?;
        let due = ready(store.read(executions::due))?;
        let driver = Driver {
            store: store.clone(),
            roster: Arc::clone(&app.roster),
            clock: clock.clone(),
            wakes: app.wakes.clone(),
            config: Arc::clone(config),
            holder: format!("driver {number}"),
        };
        let carrier = Carrier {
            store: store.clone(),
            announcer: app.announcer.clone(),
            clock,
            wakes: app.wakes.clone(),
        };
        let heard = app.announcer.listen();
        Ok(Self {
            app,
            driver,
            carrier,
            heard,
            timers: BTreeMap::new(),
            awake: due.into_iter().collect(),
        })
    }

    /// Who operates the server.
    pub(crate) fn call(&self, key: Option<&str>) -> Call {
        Call {
            principal: Principal {
                id: "ann".to_owned(),
                name: "ann".to_owned(),
                role: Role::Admin,
                source: "test".to_owned(),
            },
            now: self.app.clock.now(),
            idempotency: key.map(|key| Idempotency {
                key: key.to_owned(),
                request: key.to_owned(),
            }),
        }
    }

    /// Executions that something is due for.
    pub(crate) fn due(&mut self) -> Vec<i64> {
        self.awake.extend(self.app.wakes.take());
        let now = self.app.clock.now();
        let late = self
            .timers
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(key, _)| *key);
        let all: BTreeSet<i64> = self.awake.iter().copied().chain(late).collect();
        all.into_iter().collect()
    }
}

/// A folder for images, of which there are none.
fn blobs() -> Blobs {
    static FOLDER: OnceLock<Blobs> = OnceLock::new();
    let open = || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path: &Path = folder.path();
        let opened = runtime.expect("a runtime").block_on(Blobs::open(path));
        opened.expect("a folder that can be used")
    };
    FOLDER.get_or_init(open).clone()
}

/// The answer of a future that has it when it is first asked.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    future
        .now_or_never()
        .expect("a store that runs inline makes nobody wait")
}
