//! Executions as people read them.

use fleetward_server::api::types::{DecisionView, ExecutionView, WaveView};

use crate::error::{CliError, Ending};
use crate::output::Output;
use crate::page::{Page, moment, optional_moment, or_dash};
use crate::tally::Tally;
use crate::waiting;

/// Writes an execution and its waves.
pub(super) fn write(page: &mut Page, execution: &ExecutionView) {
    let tally = Tally::of(&execution.counts);
    page.fields(&[
        ("Execution", execution.execution_id.clone()),
        (
            "Plan",
            format!("{} ({})", execution.plan_id, execution.name),
        ),
        (
            "Brings",
            format!(
                "{} to {}, {}",
                execution.firmware_version, execution.environment, execution.strategy
            ),
        ),
        ("Status", execution.status.clone()),
        (
            "Reason",
            waiting::reason(execution)
                .or_else(|| execution.reason.clone())
                .or_else(|| execution.why.clone())
                .unwrap_or_default(),
        ),
        ("Not before", optional_moment(execution.starts_at.as_ref())),
        ("Devices", devices(execution, &tally)),
        ("Left out before", excluded(execution)),
        (
            "Late",
            if execution.late > 0 {
                late(execution.late)
            } else {
                String::new()
            },
        ),
        ("Joined", joined(execution.joined)),
        (
            if execution.status == "queued" {
                "Asked for"
            } else {
                "Started"
            },
            format!(
                "{} by {}",
                moment(&execution.started_at),
                execution.started_by
            ),
        ),
        ("Ended", optional_moment(execution.finished_at.as_ref())),
    ]);
    if !execution.waves.is_empty() {
        write_waves(page, &execution.waves);
    }
}

/// All waves, or those that matter where there are very many.
fn write_waves(page: &mut Page, waves: &[WaveView]) {
    page.heading("Waves");
    let few = waves.len() <= FEW_WAVES;
    let matters = |wave: &&WaveView| {
        few || (wave.released_at.is_some() && wave.verdict.as_deref() != Some("pass"))
    };
    let shown: Vec<_> = waves.iter().filter(matters).map(wave).collect();
    if shown.len() < waves.len() {
        let passed = waves
            .iter()
            .filter(|wave| wave.verdict.as_deref() == Some("pass"))
            .count();
        let closed = waves.len() - passed - shown.len();
        page.line(format!("({passed} passed, {closed} not open yet)"));
    }
    if !shown.is_empty() {
        page.table(&WAVES, shown);
    }
}

/// Writes the last decisions.
pub(super) fn write_decisions(page: &mut Page, decisions: &[DecisionView], last: usize) {
    if decisions.is_empty() {
        return;
    }
    let skipped = decisions.len().saturating_sub(last);
    page.heading("Decisions");
    if skipped > 0 {
        page.line(format!("({skipped} earlier ones: --all-decisions)"));
    }
    for decision in &decisions[skipped..] {
        page.line(format!("{}  {}", moment(&decision.at), decision.summary));
    }
}

/// Shows how a wait for an execution ended.
pub(super) fn show_ending(
    output: &Output,
    execution: &ExecutionView,
    ending: Ending,
) -> Result<(), CliError> {
    output.show(execution, |page| {
        write(page, execution);
        if let Some(next) = what_next(execution) {
            page.line(format!("\n{next}"));
        }
    })?;
    if ending == Ending::TimedOut {
        output.note("note: the time to wait is over; the execution goes on");
    }
    Ok(())
}

/// What an operator can do now.
pub(super) fn what_next(execution: &ExecutionView) -> Option<String> {
    let id = &execution.execution_id;
    match execution.status.as_str() {
        "halted" | "paused" => Some(format!(
            "It waits for you: fleetward deploy resume|rollback|cancel --execution-id {id}"
        )),
        "queued" => Some(format!(
            "Watch it: fleetward deploy status --execution-id {id} --watch"
        )),
        "no_devices" => Some(format!(
            "Its plan matches no device: fleetward plan show {}",
            execution.plan_id
        )),
        "rollback_incomplete" => {
            Some("Devices that need a person: fleetward device list --quarantined".to_owned())
        }
        _ => None,
    }
}

/// As many waves as fit a page.
const FEW_WAVES: usize = 30;
const WAVES: [&str; 10] = [
    "WAVE",
    "DEVICES",
    "WAITING",
    "UNDER WAY",
    "UPDATED",
    "FAILED",
    "BACK",
    "LEFT OUT",
    "OPENED",
    "VERDICT",
];

fn wave(wave: &WaveView) -> Vec<String> {
    let tally = Tally::of(&wave.counts);
    let back = match (tally.back, tally.going_back) {
        (back, 0) => back.to_string(),
        (back, going) => format!("{back} of {}", back + going),
    };
    vec![
        wave.wave.to_string(),
        wave.devices.to_string(),
        tally.waiting.to_string(),
        tally.under_way.to_string(),
        tally.updated.to_string(),
        tally.failed.to_string(),
        back,
        (tally.called_off + tally.left_out).to_string(),
        or_dash(&optional_moment(wave.released_at.as_ref())),
        wave.verdict.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}

fn devices(execution: &ExecutionView, tally: &Tally) -> String {
    match execution.devices {
        0 if execution.status == "queued" => "chosen when it starts".to_owned(),
        0 => "none".to_owned(),
        devices => format!("{devices} ({tally})"),
    }
}

fn excluded(execution: &ExecutionView) -> String {
    let parts = execution.excluded.iter().filter(|(_, count)| **count > 0);
    let parts: Vec<String> = parts
        .map(|(reason, count)| format!("{count} {}", reason.replace('_', " ")))
        .collect();
    parts.join(", ")
}

fn late(count: u64) -> String {
    format!("{count} did not come while their wave was open; they get the update when they come")
}

fn joined(count: u64) -> String {
    match count {
        0 => String::new(),
        count => format!("{count} came new while it ran; they are in no wave"),
    }
}
