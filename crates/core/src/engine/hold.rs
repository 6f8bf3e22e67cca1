//! What keeps a rollout from offering the update to further devices now.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::judge::Numbers;

/// Why no further device is offered the update now. Each lifts by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hold", rename_all = "snake_case")]
pub enum Hold {
    /// It starts later.
    Schedule {
        /// When.
        starts_at: Timestamp,
    },
    /// Other executions come first.
    Queue(Queue),
    /// A freeze is in force.
    Freeze(Freeze),
    /// Outside the deployment window.
    Window {
        /// When the next one opens; none when none ever will.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens_at: Option<Timestamp>,
    },
    /// Too many devices of the environment are updated and not proven.
    BlastRadius {
        /// The most that may be.
        limit: u64,
        /// How many are.
        unproven: u64,
        /// How many more are waiting to be.
        wanted: u64,
    },
    /// What is known so far gives reason for doubt.
    Doubt {
        /// What is known.
        numbers: Numbers,
    },
    /// As many devices as may be are under way.
    InFlight {
        /// The most that may be.
        limit: u64,
        /// How many are.
        in_flight: u64,
    },
    /// The rate of offers is used up.
    Rate {
        /// Offers a minute.
        per_minute: u64,
        /// When there is room again.
        next_at: Timestamp,
    },
    /// The devices that are left wait for a retry, for others at their place, or for their own window.
    Spread {
        /// How many are left.
        waiting: u64,
        /// When the next retry is due.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next_at: Option<Timestamp>,
    },
}

/// The place of an execution that waits for others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// How many start before it.
    pub ahead: u64,
    /// How many run, of those that count.
    pub running: u64,
    /// How many may run at once.
    pub limit: u64,
    /// The environment whose limit it is; all environments when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// A freeze in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    /// Why.
    pub reason: String,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Hold {
    /// The hold's name in the API.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Schedule { .. } => "schedule",
            Self::Queue(_) => "queue",
            Self::Freeze(_) => "freeze",
            Self::Window { .. } => "window",
            Self::BlastRadius { .. } => "blast_radius",
            Self::Doubt { .. } => "doubt",
            Self::InFlight { .. } => "in_flight",
            Self::Rate { .. } => "rate",
            Self::Spread { .. } => "spread",
        }
    }

    /// When it lifts, where time alone lifts it.
    #[must_use]
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Schedule { starts_at } => Some(*starts_at),
            Self::Freeze(freeze) => freeze.until,
            Self::Window { opens_at } => *opens_at,
            Self::Rate { next_at, .. } => Some(*next_at),
            Self::Spread { next_at, .. } => *next_at,
            Self::Queue(_)
            | Self::BlastRadius { .. }
            | Self::Doubt { .. }
            | Self::InFlight { .. } => None,
        }
    }

    /// What would lift it, for people.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Schedule { starts_at } => format!("it starts by itself at {starts_at}"),
            Self::Queue(_) => {
                "it starts when those before it are over; raise max_concurrent_deployments to run more at once"
                    .into()
            }
            Self::Freeze(Freeze { until: Some(at), .. }) => {
                format!("it goes on at {at}, or when the freeze is lifted")
            }
            Self::Freeze(Freeze { until: None, .. }) => "it goes on when the freeze is lifted".into(),
            Self::Window { opens_at: Some(at) } => format!("it goes on at {at}"),
            Self::Window { opens_at: None } => {
                "no window ever opens: change the windows of the environment and make a new plan".into()
            }
            Self::BlastRadius { .. } => {
                "it goes on when waves under way have passed; raise blast_radius to risk more devices"
                    .into()
            }
            Self::Doubt { .. } => "it goes on when further devices succeed".into(),
            Self::InFlight { .. } => "it goes on when devices under way are through".into(),
            Self::Rate { next_at, .. } => format!("the next devices get it at {next_at}"),
            Self::Spread { next_at: Some(at), .. } => format!("the next one is due at {at}"),
            Self::Spread { next_at: None, .. } => {
                "it goes on when devices at the same place are through, or their window opens".into()
            }
        }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Schedule { starts_at } => write!(f, "scheduled for {starts_at}"),
            Self::Queue(queue) => queue.fmt(f),
            Self::Freeze(freeze) => write!(f, "a freeze is in force: {}", freeze.reason),
            Self::Window { opens_at: Some(at) } => {
                write!(f, "outside the deployment window, which opens at {at}")
            }
            Self::Window { opens_at: None } => {
                f.write_str("outside the deployment window, which never opens")
            }
            Self::BlastRadius {
                limit,
                unproven,
                wanted,
            } => write!(
                f,
                "{unproven} devices of the environment are not proven, {wanted} more would pass the blast radius of {limit}"
            ),
            Self::Doubt { numbers } => write!(f, "in doubt: {numbers}"),
            Self::InFlight { limit, in_flight } => {
                write!(f, "{in_flight} devices are under way of at most {limit}")
            }
            Self::Rate { per_minute, .. } => {
                write!(
                    f,
                    "{per_minute} devices a minute have been offered the update"
                )
            }
            Self::Spread { waiting, .. } => write!(
                f,
                "{waiting} devices wait for a retry, for others at their place or for their own window"
            ),
        }
    }
}

impl fmt::Display for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ahead,
            running,
            limit,
            environment,
        } = self;
        write!(
            f,
            "queued with {ahead} before it: {running} of at most {limit} run"
        )?;
        match environment {
            Some(environment) => write!(f, " in {environment}"),
            None => Ok(()),
        }
    }
}
