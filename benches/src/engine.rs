//! What one step of the engine costs, at waves of very different size, and how long a whole rollout of a large
//! fleet takes in virtual time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use fleetward_core::Timestamp;
use fleetward_core::device::{Class, DeviceStatus};
use fleetward_core::engine::{Census, Input, Rollout, Slot, Surroundings, Tally};
use fleetward_core::plan::Plan;
use fleetward_core::rehearsal::{Behaviour, Rehearsal, World};
use fleetward_core::seconds::Seconds;

use crate::Options;
use crate::figures::{Table, median};

/// Devices in the wave that is watched.
const SIZES: [u64; 3] = [10, 10_000, 10_000_000];

/// Measures the engine.
///
/// # Errors
/// The plan that is made for it can't be read.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    steps(options)?;
    rollouts(options)
}

fn steps(options: &Options) -> anyhow::Result<()> {
    let watched: Vec<Watched> = SIZES.into_iter().map(watched).collect::<Result<_, _>>()?;
    let mut rounds: [Vec<f64>; 3] = Default::default();
    for _ in 0..options.rounds {
        for (rounds, watched) in rounds.iter_mut().zip(&watched) {
            rounds.push(nanoseconds(watched));
        }
    }
    let medians = rounds.map(median);
    let mut table = Table::new(
        "One step of the engine in the middle of a wave",
        &["devices in the wave", "ns/step", "of the first"],
    );
    for (size, nanoseconds) in SIZES.iter().zip(medians) {
        let ratio = nanoseconds / medians[0];
        let cells = [
            size.to_string(),
            format!("{nanoseconds:.0}"),
            format!("{ratio:.2}"),
        ];
        table.row(cells);
    }
    table.print()?;
    Ok(())
}

/// A rollout in the middle of a wave, with devices in every status, paced, in its window.
struct Watched {
    rollout: Rollout,
    census: Census,
    now: Timestamp,
}

fn watched(size: u64) -> anyhow::Result<Watched> {
    let plan = plan()?;
    let mut rollout = Rollout::new(&plan, &[size, size, size]);
    let now = Timestamp::UNIX_EPOCH;
    let around = Surroundings::default();
    let share = |of: u64| (size * of / 100).max(1);
    let mut wave = Tally::default();
    let mut put = |status, devices| wave.add(Slot::new(status, Class::OnTime), devices);
    put(DeviceStatus::Released, share(10));
    put(DeviceStatus::Downloading, share(10));
    put(DeviceStatus::Installing, share(10));
    put(DeviceStatus::Failed, 1);
    put(DeviceStatus::Pending, share(10));
    put(DeviceStatus::Succeeded, size - 1 - 4 * share(10));
    let mut waiting = Tally::default();
    waiting.add(Slot::new(DeviceStatus::Pending, Class::OnTime), size);
    let census = |first: Tally| Census {
        waves: vec![first, waiting, waiting],
        ..Census::default()
    };
    let fresh = census(waiting);
    for _ in 0..2 {
        rollout.handle(Input::Tick, &fresh, &around, now)?;
    }
    Ok(Watched {
        rollout,
        census: census(wave),
        now,
    })
}

fn plan() -> serde_json::Result<Plan> {
    serde_json::from_value(serde_json::json!({
        "name": "Bench", "firmware_version": "2.0.0", "target_environment": "field",
        "strategy": "canary", "rollout_percentage": 100, "canary_percentage": 10,
        "canary_steps": [50, 100], "batch_percentage": 10, "monitor_seconds": 300,
        "rollback_criteria": {"max_failure_rate": 10}, "auto_rollback": true,
        "device_timeout": 3600, "rollback_timeout": 1800, "offline_policy": "late",
        "pace": {"max_in_flight": 1, "rate": {"per_minute": 600}},
        "calendar": {"windows": [{"start_time": "00:00", "end_time": "24:00", "timezone": "UTC"}]},
    }))
}

fn nanoseconds(watched: &Watched) -> f64 {
    const STEPS: u32 = 200_000;
    let around = Surroundings::default();
    let mut rollout = watched.rollout.clone();
    let began = Instant::now();
    for _ in 0..STEPS {
        let step = rollout.handle(
            Input::Tick,
            black_box(&watched.census),
            &around,
            watched.now,
        );
        drop(black_box(step));
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(STEPS)
}

/// Whole rollouts in virtual time, by the engine and devices that `plan simulate` uses.
fn rollouts(options: &Options) -> anyhow::Result<()> {
    let mut table = Table::new(
        "A canary rollout in virtual time",
        &["devices", "s", "µs/device"],
    );
    for &devices in &options.devices {
        let mut took = Vec::new();
        for _ in 0..options.rounds {
            took.push(rollout(u64::from(devices))?.as_secs_f64());
        }
        let seconds = median(took);
        let each = seconds * 1e6 / f64::from(devices);
        table.row([
            devices.to_string(),
            format!("{seconds:.2}"),
            format!("{each:.2}"),
        ]);
    }
    table.print()?;
    Ok(())
}

fn rollout(devices: u64) -> anyhow::Result<Duration> {
    let mut plan = plan()?;
    plan.pace = fleetward_core::plan::Pace::default();
    let sizes = plan.waves(devices);
    let began = Instant::now();
    let waves: Vec<Vec<Behaviour>> = sizes
        .iter()
        .map(|&size| {
            let comes = |n: u64| Behaviour {
                comes_after: Some(Seconds((n % 600) as u32)),
                ..Behaviour::GOOD
            };
            (0..size).map(comes).collect()
        })
        .collect();
    let start = Timestamp::UNIX_EPOCH;
    let mut rehearsal = Rehearsal::new(Rollout::new(&plan, &sizes), World::new(&waves), start);
    rehearsal.run(Seconds(30 * 86_400).after(start));
    anyhow::ensure!(
        rehearsal.rollout().phase.is_finished(),
        "the rollout did not end"
    );
    Ok(began.elapsed())
}
