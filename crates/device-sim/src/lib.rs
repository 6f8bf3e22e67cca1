//! Simulated devices: thousands of them in one process, speaking DDI v1 to a server over real HTTP.
//!
//! The demo, the end-to-end tests and the benches use them in place of hardware. What is in here:
//!
//! - [`Device`]: one device as a small state machine without I/O, clock or threads. It says which request comes next and is
//!   told the answer; the same seed and the same answers give the same requests, so tests can drive it by hand.
//! - [`Behaviour`]: how devices differ from perfect ones: failing installations, falling silent, staying offline,
//!   reporting late or twice, refusing cancellations.
//! - [`Fleet`]: many devices with a schedule, a bounded number of requests in flight and a time scale.
//! - [`wire`]: the protocol's documents. They are written for this crate alone and shared with no server: a mistake made on one
//!   side shows on the other.
//!
//! Not in here: MQTT devices, resuming of broken downloads, and any knowledge of plans or executions.
//!
//! ```no_run
//! use fleetward_device_sim::{Behaviour, Credentials, Fleet};
//! use tokio_util::sync::CancellationToken;
//!
//! # async fn example() -> Result<(), fleetward_device_sim::FleetError> {
//! let mut fleet = Fleet::builder()
//!     .base_url("http://127.0.0.1:5001")
//!     .tenant("production")
//!     .count(2_000)
//!     .seed(7)
//!     .models([("pump", "A", 0.7), ("pump", "B", 0.3)])
//!     .start_version("1.0.0")
//!     .credentials(Credentials::GatewayToken("factory-floor".to_owned()))
//!     .behaviour(Behaviour { install_failure: 0.02, ..Behaviour::default() })
//!     .time_scale(20.0)
//!     .start(CancellationToken::new())?;
//! assert_eq!(fleet.stats().devices, 2_000);
//! fleet.stop().await;
//! # Ok(())
//! # }
//! ```

pub mod behaviour;
mod chance;
pub mod device;
pub mod fleet;
pub mod wire;

pub use behaviour::{Behaviour, BehaviourError, DownloadMode, Slots, Span};
pub use device::{
    AcknowledgedReport, Answer, Device, DeviceCounters, DeviceSetup, DroppedReport, Phase,
    ReportKind, Request, Step,
};
pub use fleet::{
    Credentials, DeviceView, Fleet, FleetBuilder, FleetError, FleetHandle, FleetStats,
};
