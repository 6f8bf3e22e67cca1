//! What a plan might do: the real engine, on the waves that the plan would make now, with imagined devices in virtual
//! time. Nothing is kept. Where the devices are is in `cast` beside.

mod cast;

use std::collections::BTreeMap;
use std::sync::Arc;

use fleetward_core::engine::{Freeze, Surroundings};
use fleetward_core::percent::Percent;
use fleetward_core::rehearsal::{Fleet, Line, Rates, Simulated, Simulation, Spread};
use fleetward_core::seconds::Seconds;
use fleetward_store::plans::StoredPlan;
use fleetward_store::{StoreError, Tx};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{App, AppError, Call, Problem, freezes, plans, views};
use crate::api::types::{SimulateRequest, SimulationView, SpreadView, TranscriptLine};
use crate::auth::Right;
use crate::driver::choose;

/// Simulations at once; more wait for their turn.
static ROOM: Semaphore = Semaphore::const_new(2);

/// Most runs of one simulation.
const RUNS: u32 = 1_000;
/// Most devices of all runs together.
const DEVICE_RUNS: u64 = 20_000_000;
/// From a second to a week.
const DEVICE_SECONDS: std::ops::RangeInclusive<u32> = 1..=604_800;
/// Ten years; what takes longer is said to be on its way.
const AT_MOST: Seconds = Seconds(315_360_000);
/// Lines of a transcript that are shown of its beginning and of its end.
const FIRST: usize = 400;
const LAST: usize = 100;

/// What is simulated.
struct Subject {
    stored: StoredPlan,
    fleet: Fleet,
    around: Surroundings,
    warnings: Vec<String>,
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Wish {
    rates: Rates,
    seed: u64,
    runs: u32,
}

impl App {
    /// Simulates a plan on the devices that it would update now.
    ///
    /// # Errors
    /// The caller may not read, there is no such plan, its firmware can't be deployed, no device would be updated, or
    /// more is asked for than can be simulated.
    pub async fn simulate(
        self: &Arc<Self>,
        call: &Call,
        plan_id: String,
        request: SimulateRequest,
    ) -> Result<SimulationView, AppError> {
        call.needs(Right::Read)?;
        let wish = wish(&request, Seconds(self.config.devices.poll_interval.0))?;
        let (app, now) = (Arc::clone(self), call.now);
        let clock = self.clock.clone();
        // When the caller goes, this is dropped and the next run is not begun.
        let cancelled = CancellationToken::new();
        let _guard = cancelled.clone().drop_guard();
        let turn = ROOM.acquire().await;
        let read = move |tx: &Tx<'_>| app.subject(tx, &plan_id, wish, now);
        let subject = self.store.read(read).await?;
        let work = move || {
            let begun = clock.now();
            let all = run(&subject, wish, now, &cancelled);
            drop(turn);
            view(&subject, wish.seed, &all, clock.now().duration_since(begun))
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|_| StoreError::Panicked.into())
    }

    fn subject(
        &self,
        tx: &Tx<'_>,
        plan_id: &str,
        wish: Wish,
        now: Timestamp,
    ) -> Result<Subject, AppError> {
        let stored = plans::find(tx, plan_id)?;
        let image = self.deployable(tx, &stored)?;
        let chosen = choose(tx, &stored.plan, &image)?;
        let devices: u64 = chosen.sizes().iter().sum();
        check_size(devices, wish.runs)?;
        let fleet = cast::fleet(tx, &stored.plan, &chosen)?;
        let environment = &stored.plan.target_environment;
        let freeze = freezes::in_force(&self.config, tx, environment, now)?;
        let (around, warnings) = surroundings(freeze);
        Ok(Subject {
            stored,
            fleet,
            around,
            warnings,
        })
    }
}

/// A freeze with an end holds the rollout until then; without one, nothing would happen.
fn surroundings(freeze: Option<freezes::FreezeInForce>) -> (Surroundings, Vec<String>) {
    let mut warnings = Vec::new();
    let freeze = freeze.and_then(|freeze| {
        if freeze.until.is_none() {
            warnings.push(format!(
                "a freeze without an end is in force ({}): it was left out",
                freeze.reason
            ));
            return None;
        }
        Some(Freeze {
            reason: freeze.reason,
            until: freeze.until,
        })
    });
    let around = Surroundings {
        freeze,
        ..Surroundings::default()
    };
    (around, warnings)
}

fn check_size(devices: u64, runs: u32) -> Result<(), AppError> {
    if devices == 0 {
        let detail = "no device would be updated: the preview of the plan says why";
        return Err(AppError::conflict("no_devices", detail));
    }
    let most = DEVICE_RUNS / devices;
    if u64::from(runs) <= most {
        return Ok(());
    }
    let less = if most == 0 {
        "narrow the plan to some groups".to_owned()
    } else {
        format!("use at most {most} runs")
    };
    let message = format!(
        "{runs} runs of {devices} devices are more than {DEVICE_RUNS} devices in all: {less}"
    );
    Err(AppError::invalid("runs", message))
}

/// What a request means.
fn wish(request: &SimulateRequest, poll: Seconds) -> Result<Wish, AppError> {
    let mut problems = Vec::new();
    let mut problem = |field: &str, message: String| {
        problems.push(Problem {
            field: field.to_owned(),
            message,
        });
    };
    let mut share = |field: &str, asked: Option<f64>| {
        let share = Percent::try_from(asked.unwrap_or_default());
        share.unwrap_or_else(|error| {
            problem(field, error.to_string());
            Percent::default()
        })
    };
    let usual = Rates::default();
    let rates = Rates {
        failure: share("failure_rate", request.failure_rate),
        silence: share("silence_rate", request.silence_rate),
        offline: share("offline_rate", request.offline_rate),
        slowness: share("slow_rate", request.slow_rate),
        way_back_failure: share("rollback_failure_rate", request.rollback_failure_rate),
        takes: request.device_seconds.map_or(usual.takes, Seconds),
        poll,
    };
    if !DEVICE_SECONDS.contains(&rates.takes.0) {
        let (least, most) = DEVICE_SECONDS.into_inner();
        let message = format!("must be from {least} to {most}");
        problem("device_seconds", message);
    }
    let runs = request.runs.unwrap_or(1);
    if runs == 0 || runs > RUNS {
        problem("runs", format!("must be from 1 to {RUNS}, but is {runs}"));
    }
    if !problems.is_empty() {
        return Err(AppError::Invalid(problems));
    }
    Ok(Wish {
        rates,
        seed: request.seed.unwrap_or(1),
        runs,
    })
}

/// Runs until all is done, or nobody waits for it any more. Only the first run tells what was decided.
fn run(
    subject: &Subject,
    wish: Wish,
    now: Timestamp,
    cancelled: &CancellationToken,
) -> Vec<Simulated> {
    let simulation = Simulation {
        plan: &subject.stored.plan,
        fleet: &subject.fleet,
        rates: wish.rates,
        around: subject.around.clone(),
        start: now,
        at_most: AT_MOST,
    };
    let mut all = vec![simulation.run(wish.seed)];
    for run in 1..u64::from(wish.runs) {
        if cancelled.is_cancelled() {
            break;
        }
        all.push(Simulated {
            transcript: Vec::new(),
            ..simulation.run(wish.seed.wrapping_add(run))
        });
    }
    all
}

fn view(subject: &Subject, seed: u64, all: &[Simulated], took: SignedDuration) -> SimulationView {
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    for run in all {
        *endings.entry(run.ending.to_owned()).or_default() += 1;
    }
    let spread = |number: fn(&Simulated) -> u64| {
        let Spread { median, p95, max } = Spread::of(all.iter().map(number).collect());
        SpreadView { median, p95, max }
    };
    let first = &all[0];
    let (transcript, transcript_left_out) = cut(&first.transcript);
    let (stored, plan) = (&subject.stored, &subject.stored.plan);
    let waves = subject.fleet.waves.clone();
    SimulationView {
        plan_id: stored.plan_id.clone(),
        revision: stored.revision,
        digest: stored.digest.clone(),
        firmware_version: plan.firmware_version.clone(),
        environment: plan.target_environment.clone(),
        strategy: plan.strategy.name().to_owned(),
        devices: waves.iter().sum(),
        waves,
        seed,
        runs: all.len() as u64,
        endings,
        duration: spread(|run| run.seconds),
        updated: spread(|run| run.updated),
        failed: spread(|run| run.failed),
        harmed: spread(|run| run.harmed),
        exposed: spread(|run| run.exposed),
        ending: first.ending.to_owned(),
        transcript,
        transcript_left_out,
        warnings: subject.warnings.clone(),
        took: took.as_secs_f64(),
    }
}

/// The beginning and the end of a transcript, and how much is between them.
fn cut(transcript: &[Line]) -> (Vec<TranscriptLine>, u64) {
    let line = |line: &Line| TranscriptLine {
        at: views::time(line.at),
        text: line.to_string(),
    };
    let left_out = transcript.len().saturating_sub(FIRST + LAST);
    let first = transcript.iter().take(FIRST);
    let last = transcript.iter().skip(FIRST + left_out);
    (first.chain(last).map(line).collect(), left_out as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_devices_are_too_many() {
        for (devices, runs) in [
            (1, 1_000),
            (20_000, 1_000),
            (1_000_000, 20),
            (20_000_000, 1),
        ] {
            assert!(check_size(devices, runs).is_ok(), "{devices} {runs}");
        }
        for (devices, runs, less) in [
            (20_001, 1_000, "at most 999 runs"),
            (1_000_000, 21, "at most 20 runs"),
            (20_000_001, 1, "narrow the plan"),
        ] {
            let told = check_size(devices, runs).unwrap_err().to_string();
            assert!(told.contains(less), "{told}");
        }
        let nobody = check_size(0, 1).unwrap_err().to_string();
        assert!(nobody.contains("preview"), "{nobody}");
    }
}
