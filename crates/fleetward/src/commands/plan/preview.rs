//! `fleetward plan preview`.

use std::path::PathBuf;

use clap::Args;
use fleetward_server::api::types::{BoundaryRowView, ExcludedView, PreviewView, WavePreview};

use super::span::span;
use super::{file, target};
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::ids;
use crate::page::{Page, moment, optional_moment, or_dash};

/// As many waves as fit a page.
const FEW_WAVES: usize = 30;
/// As many rows of the lines of sequential judgement as say how it goes.
const FEW_ROWS: usize = 12;

/// Show what a plan would do if it were executed now: devices, waves, times, and how much harm is possible
#[derive(Debug, Args)]
pub(crate) struct Preview {
    #[command(flatten)]
    subject: Subject,
}

/// Which plan.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// The plan, as `plan create` and `plan list` show it
    #[arg(value_name = "PLAN", value_parser = ids::plan)]
    plan: Option<String>,
    /// The same with a flag
    #[arg(long, value_name = "ID", value_parser = ids::plan)]
    plan_id: Option<String>,
    /// A plan in this file that is not made, YAML or JSON, with the fields of the API; `-` reads standard input
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(command: Preview, context: &Context) -> Result<Ending, CliError> {
    let Subject {
        plan,
        plan_id,
        config,
    } = command.subject;
    let preview: PreviewView = if let Some(config) = config {
        let request = file::read(&config)?.request()?;
        let path = ["deployment-plans", "preview"];
        context.client()?.send(&path, &request, None).await?
    } else {
        let id = plan
            .or(plan_id)
            .expect("invariant: clap requires one of the three");
        let path = ["deployment-plans", &id, "preview"];
        let found = context.client()?.read(&path, &[]).await;
        found.map_err(target::missing)?
    };
    context
        .output
        .show(&preview, |page| write(page, &preview))?;
    Ok(Ending::Done)
}

fn write(page: &mut Page, preview: &PreviewView) {
    page.fields(&fields(preview));
    page.line(format!("\nAt worst: {}", preview.harm.explanation));
    if !preview.excluded.is_empty() {
        page.heading("Left out");
        let rows = preview.excluded.iter().map(excluded);
        page.table(&["REASON", "DEVICES", "SUCH AS"], rows);
    }
    if !preview.waves.is_empty() {
        write_waves(page, &preview.waves);
    }
    if let Some(boundary) = &preview.boundary {
        page.heading("When the devices that are through stop it, and when they pass");
        let rows = boundary.rows.iter().take(FEW_ROWS);
        page.table(&["FAILED", "STOPS UP TO", "PASSES FROM"], rows.map(row));
        if boundary.rows.len() > FEW_ROWS || !boundary.complete {
            page.line("(and so on: --output json has more)");
        }
    }
    for warning in &preview.warnings {
        page.line(format!("\nwarning: {warning}"));
    }
}

fn fields(preview: &PreviewView) -> Vec<(&'static str, String)> {
    let plan = preview.plan_id.as_ref().map(|id| match preview.revision {
        Some(revision) => format!("{id}, revision {revision}"),
        None => id.clone(),
    });
    let (of, share) = (preview.considered, preview.matching);
    let offline = match preview.offline {
        0 => String::new(),
        offline => format!(
            "{offline} were not heard of for {}",
            span(preview.offline_after)
        ),
    };
    let stones = match preview.through_stepping_stones {
        0 => String::new(),
        devices => format!("{devices} pass through other versions first"),
    };
    let ends = match (&preview.ends_at, preview.takes) {
        (Some(at), Some(takes)) => format!(
            "{}, after {}, if every device comes at once and takes {}",
            moment(at),
            span(takes),
            span(preview.device_takes.into())
        ),
        (Some(_) | None, _) => "not within ten years".to_owned(),
    };
    vec![
        ("Plan", plan.unwrap_or_default()),
        (
            "Brings",
            format!(
                "{} to {}, {}",
                preview.firmware_version, preview.environment, preview.strategy
            ),
        ),
        (
            "Devices",
            format!(
                "{} in waves; it is for {share} of the {of} there",
                preview.targeted
            ),
        ),
        ("Offline", offline),
        ("Through others", stones),
        ("Starts", moment(&preview.starts_at)),
        ("Ends", ends),
        ("Digest", preview.digest.clone().unwrap_or_default()),
    ]
}

fn excluded(excluded: &ExcludedView) -> Vec<String> {
    vec![
        excluded.reason.replace('_', " "),
        excluded.devices.to_string(),
        excluded.examples.join(", "),
    ]
}

/// All waves, or the first and the last where there are very many.
fn write_waves(page: &mut Page, waves: &[WavePreview]) {
    page.heading("Waves");
    let (shown, rest) = waves.split_at(waves.len().min(FEW_WAVES));
    let mut rows: Vec<_> = shown.iter().map(wave).collect();
    rows.extend(rest.last().map(wave));
    page.table(
        &[
            "WAVE", "DEVICES", "OFFLINE", "OPENS", "RELEASED", "THROUGH", "PASSES", "HARDWARE",
        ],
        rows,
    );
    if rest.len() > 1 {
        page.line(format!("({} others before the last one)", rest.len() - 1));
    }
}

fn wave(wave: &WavePreview) -> Vec<String> {
    let at = |moment: &Option<String>| or_dash(&optional_moment(moment.as_ref()));
    let mut opens = at(&wave.opens_at);
    if wave.held_by_window {
        opens += " (waits)";
    }
    let strata = wave.strata.iter();
    let strata: Vec<String> = strata
        .map(|(hardware, devices)| format!("{devices} {hardware}"))
        .collect();
    vec![
        wave.wave.to_string(),
        wave.devices.to_string(),
        wave.offline.to_string(),
        opens,
        at(&wave.released_by),
        at(&wave.settled_by),
        at(&wave.passes_at),
        strata.join(", "),
    ]
}

fn row(row: &BoundaryRowView) -> Vec<String> {
    let stops = row.rolls_back_through.map(|devices| devices.to_string());
    vec![
        row.failures.to_string(),
        or_dash(&stops.unwrap_or_default()),
        row.passes_from.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::write;
    use crate::page::{Page, Style};

    #[test]
    fn a_preview_reads_like_a_plan_of_what_will_happen() {
        let waves = (1..=33).map(|number| {
            json!({
                "wave": number, "devices": 3, "strata": {"pump:A": 2, "valve": 1}, "offline": 1,
                "opens_at": "soon", "released_by": "later", "held_by_window": number == 1,
            })
        });
        let preview = json!({
            "plan_id": "plan_1", "revision": 2, "digest": "d", "firmware_version": "2.0",
            "environment": "field", "strategy": "rolling", "made_at": "now", "considered": 110, "matching": 100,
            "targeted": 99, "offline": 33, "offline_after": 630, "through_stepping_stones": 0, "starts_at": "s",
            "device_takes": 600, "waves": waves.collect::<Vec<_>>(),
            "excluded": [{"reason": "already_on_version", "devices": 10, "examples": ["a", "b"]}],
            "harm": {"all_fail": 3, "hidden": 0, "late": 0, "explanation": "3 devices"},
            "boundary": {"rows": [{"failures": 0, "rolls_back_through": null, "passes_from": 30}], "complete": false},
            "warnings": ["mind the gap"],
        });
        let preview = serde_json::from_value(preview).unwrap();
        let mut page = Page::new(Style { color: false });
        write(&mut page, &preview);
        let text = page.text();
        for line in [
            "Plan     plan_1, revision 2",
            "Devices  99 in waves; it is for 100 of the 110 there",
            "Offline  33 were not heard of for 10 min 30 s",
            "Ends     not within ten years",
            "At worst: 3 devices",
            "already on version  10       a, b",
            "(2 others before the last one)",
            "33    3        1        soon          later     -        -       2 pump:A, 1 valve",
            "0       -            30",
            "warning: mind the gap",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}
