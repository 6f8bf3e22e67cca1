//! Many histories, each twice: no promise is broken, and the second is the first again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::scenario::Scenario;
use crate::simulation::Simulation;
use crate::violation::{Violation, promise};

/// Histories of a run that nobody asked for more of.
const USUAL: u64 = 200;

/// What came of a history.
pub(crate) struct Ended {
    pub(crate) digest: u64,
    pub(crate) steps: u64,
    pub(crate) broken: Option<Violation>,
    pub(crate) tail: String,
}

/// Runs one history.
pub(crate) fn history(seed: u64, keep_trace: bool, prepare: impl FnOnce(&mut Simulation)) -> Ended {
    let mut simulation = Simulation::new(Scenario::of(seed), seed, keep_trace);
    prepare(&mut simulation);
    let run = catch_unwind(AssertUnwindSafe(|| simulation.run()));
    let broken = match run {
        Ok(checked) => checked.err(),
        Err(_) => Some(Violation {
            promise: promise::SOUND,
            detail: "the program broke off".to_owned(),
        }),
    };
    Ended {
        digest: simulation.trace.digest(),
        steps: simulation.trace.steps,
        broken,
        tail: simulation.trace.tail(),
    }
}

/// Runs a seed twice; what is wrong with it, if anything is.
fn wrong_with(seed: u64) -> Option<Violation> {
    let first = history(seed, false, |_| {});
    if first.broken.is_some() {
        return first.broken;
    }
    let second = history(seed, false, |_| {});
    (first.digest != second.digest).then(|| Violation {
        promise: "the same seed gives the same history",
        detail: format!("{} steps and {} steps", first.steps, second.steps),
    })
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn no_history_breaks_a_promise() {
    let (first, count) = match number("FLEETWARD_SEED") {
        Some(seed) => (seed, 1),
        None => (
            number("FLEETWARD_FIRST").unwrap_or(0),
            number("FLEETWARD_SEEDS").unwrap_or(USUAL),
        ),
    };
    let next = AtomicU64::new(first);
    let stop = AtomicBool::new(false);
    let found: Mutex<Vec<(u64, Violation)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Some(violation) = wrong_with(seed) {
                        stop.store(number("FLEETWARD_ALL").is_none(), Ordering::Relaxed);
                        found.lock().unwrap().push((seed, violation));
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let Some((seed, violation)) = found.first() else {
        return;
    };
    if found.len() > 1 {
        let all = found
            .iter()
            .map(|(seed, violation)| format!("seed {seed}: {violation}"));
        println!("{}", all.collect::<Vec<_>>().join("\n"));
    }
    let again = history(*seed, true, |_| {});
    panic!(
        "seed {seed}: {violation}\n\n{}\n\nto see it again: FLEETWARD_SEED={seed} cargo test -p \
         fleetward-server --test simulation -- --nocapture",
        again.tail
    );
}
