//! `fleetward plan simulate`.

use std::time::Duration;

use clap::Args;
use fleetward_server::api::types::{SimulateRequest, SimulationView, SpreadView};
use indicatif::{ProgressBar, ProgressStyle};

use super::fields::percent;
use super::span::span;
use super::target::{self, Target};
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::page::{Page, moment};

/// Run a plan on its devices, imagined, in virtual time: the real engine and the real waves, nothing is kept
///
/// The same seed tells the same story. Several runs show how much is chance.
#[derive(Debug, Args)]
pub(crate) struct Simulate {
    #[command(flatten)]
    target: Target,
    /// Devices that can't take the update and say so
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    failure_rate: Option<f64>,
    /// Devices that fetch the update and are not heard of again
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    silence: Option<f64>,
    /// Devices that never come
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    offline: Option<f64>,
    /// Devices that take ten times as long
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    slow: Option<f64>,
    /// Devices that can't go back
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    rollback_failure_rate: Option<f64>,
    /// How long half of the devices take at the most; 120 when left out
    #[arg(long, value_name = "SECONDS")]
    device_seconds: Option<u32>,
    /// The first seed; 1 when left out
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How many times to run it
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    runs: u32,
    /// Show what is decided in the first run
    #[arg(long)]
    transcript: bool,
}

pub(super) async fn run(command: Simulate, context: &Context) -> Result<Ending, CliError> {
    let request = SimulateRequest {
        failure_rate: command.failure_rate,
        silence_rate: command.silence,
        offline_rate: command.offline,
        slow_rate: command.slow,
        rollback_failure_rate: command.rollback_failure_rate,
        device_seconds: command.device_seconds,
        seed: command.seed,
        runs: Some(command.runs),
    };
    let id = command.target.id();
    let path = ["deployment-plans", &id, "simulate"];
    let client = context.client()?;
    let bar = bar(command.runs);
    let found = client.compute(&path, &request).await;
    bar.finish_and_clear();
    let simulation: SimulationView = found.map_err(target::missing)?;
    let told = command.transcript;
    context
        .output
        .show(&simulation, |page| write(page, &simulation, told))?;
    Ok(Ending::Done)
}

/// A sign of life; on a terminal only.
fn bar(runs: u32) -> ProgressBar {
    let style = ProgressStyle::with_template("  {spinner} {msg}, {elapsed}")
        .expect("invariant: the template is well formed");
    let runs = if runs == 1 {
        "1 run".to_owned()
    } else {
        format!("{runs} runs")
    };
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.set_message(format!("the server simulates {runs}"));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn write(page: &mut Page, simulation: &SimulationView, told: bool) {
    page.fields(&[
        (
            "Plan",
            format!("{}, revision {}", simulation.plan_id, simulation.revision),
        ),
        (
            "Brings",
            format!(
                "{} to {}, {}",
                simulation.firmware_version, simulation.environment, simulation.strategy
            ),
        ),
        ("Devices", devices(simulation)),
        ("Runs", runs(simulation)),
    ]);
    page.heading("How it ends");
    let endings = simulation.endings.iter().map(|(ending, runs)| {
        let share = *runs as f64 * 100.0 / simulation.runs.max(1) as f64;
        vec![ending.clone(), runs.to_string(), format!("{share:.1} %")]
    });
    page.table(&["STATUS", "RUNS", "SHARE"], endings);
    page.heading("What it comes to");
    let plain = |number: u64| number.to_string();
    page.table(
        &["", "HALF OF THE RUNS", "19 OF 20", "ALL"],
        [
            row("Takes at most", simulation.duration, span),
            row("Updated at most", simulation.updated, plain),
            row("Failed at most", simulation.failed, plain),
            row("Harmed at most", simulation.harmed, plain),
            row("At risk at once", simulation.exposed, plain),
        ],
    );
    for warning in &simulation.warnings {
        page.line(format!("\nwarning: {warning}"));
    }
    if told {
        write_transcript(page, simulation);
    } else {
        page.line("\nWhat is decided on the way: --transcript");
    }
}

fn devices(simulation: &SimulationView) -> String {
    let waves = match simulation.waves.len() {
        1 => "1 wave".to_owned(),
        waves => format!("{waves} waves"),
    };
    format!("{} in {waves}", simulation.devices)
}

fn runs(simulation: &SimulationView) -> String {
    let SimulationView {
        runs, seed, took, ..
    } = simulation;
    match runs {
        1 => format!("1, seed {seed}, in {took:.1} s"),
        runs => {
            let last = seed.wrapping_add(runs - 1);
            format!("{runs}, seeds {seed} to {last}, in {took:.1} s")
        }
    }
}

fn row(name: &str, spread: SpreadView, show: impl Fn(u64) -> String) -> Vec<String> {
    let SpreadView { median, p95, max } = spread;
    vec![name.to_owned(), show(median), show(p95), show(max)]
}

fn write_transcript(page: &mut Page, simulation: &SimulationView) {
    page.heading(&format!(
        "What is decided with seed {}, which ends as {}",
        simulation.seed, simulation.ending
    ));
    // The server leaves out the middle: it sends the last hundred lines then.
    let lines = &simulation.transcript;
    let gap = (simulation.transcript_left_out > 0).then(|| lines.len().saturating_sub(100));
    for (number, line) in lines.iter().enumerate() {
        if gap == Some(number) {
            page.line(format!(
                "({} lines are left out)",
                simulation.transcript_left_out
            ));
        }
        page.line(format!("{}  {}", moment(&line.at), line.text));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::write;
    use crate::page::{Page, Style};

    #[test]
    fn a_simulation_is_told_as_a_spread_and_a_story() {
        let spread = |max: u64| json!({"median": 1, "p95": 2, "max": max});
        let simulation = json!({
            "plan_id": "plan_1", "revision": 1, "digest": "d", "firmware_version": "2.0", "environment": "field",
            "strategy": "canary", "devices": 1000, "waves": [100, 900], "seed": 7, "runs": 8,
            "endings": {"rolled_back": 1, "succeeded": 7}, "duration": spread(7_200), "updated": spread(3),
            "failed": spread(4), "harmed": spread(5), "exposed": spread(6), "ending": "succeeded",
            "transcript": [{"at": "soon", "text": "wave 1 was opened"}], "transcript_left_out": 0,
            "warnings": ["mind the gap"], "took": 1.25,
        });
        let simulation = serde_json::from_value(simulation).unwrap();
        let text = |told| {
            let mut page = Page::new(Style { color: false });
            write(&mut page, &simulation, told);
            page.text().to_owned()
        };
        let told = text(true);
        for line in [
            "Devices  1000 in 2 waves",
            "Runs     8, seeds 7 to 14, in 1.2 s",
            "succeeded    7     87.5 %",
            "Takes at most    1 s               2 s       2 h",
            "Harmed at most   1                 2         5",
            "warning: mind the gap",
            "What is decided with seed 7, which ends as succeeded\nsoon  wave 1 was opened",
        ] {
            assert!(told.contains(line), "{line}: {told}");
        }
        assert!(!text(false).contains("wave 1 was opened"));
    }
}
