//! How the demo is told: calm lines with the time they happened, a bar for each wave, and live bars on a terminal.

use std::time::{Duration, Instant};

use fleetward_server::api::types::{ExecutionView, WaveView};

use crate::client::Client;
use crate::error::CliError;
use crate::follow::{Follower, Progress, Snapshot};
use crate::output::Output;
use crate::page::{Style, Tone};
use crate::tally::Tally;

/// Time between two looks at devices that move without an event.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Cells of a bar.
const BAR: u64 = 30;

/// Who tells it.
#[derive(Debug)]
pub(super) struct Narrator {
    output: Output,
    began: Instant,
}

impl Narrator {
    /// One who counts the time from `began`.
    pub(super) const fn new(output: Output, began: Instant) -> Self {
        Self { output, began }
    }

    /// The first words.
    pub(super) fn begin(&self) -> Result<(), CliError> {
        self.line("Fleetward demo: a server, 212 simulated devices and four rollouts, in about a minute.\n")
    }

    /// Begins a chapter.
    pub(super) fn chapter(&self, number: usize, title: &str) -> Result<(), CliError> {
        self.line(&format!("\n{number}. {title}"))
    }

    /// Tells something that just happened.
    pub(super) fn say(&self, what: &str) -> Result<(), CliError> {
        self.line(&format!(
            "{:7.1} s  {what}",
            self.began.elapsed().as_secs_f64()
        ))
    }

    /// Writes a line without the time.
    pub(super) fn line(&self, line: &str) -> Result<(), CliError> {
        if self.output.for_people() {
            return self.output.text(&format!("{line}\n"));
        }
        self.output.note(line);
        Ok(())
    }

    /// Tells an execution until it is over or waits for an operator; returns how it is then.
    pub(super) async fn follow(
        &self,
        client: &Client,
        execution: &str,
    ) -> Result<ExecutionView, CliError> {
        let mut follower = Follower::new(client, execution, LOOK_EVERY);
        let mut progress = Progress::new();
        let mut judged = Vec::new();
        loop {
            let Snapshot {
                execution,
                decisions,
            } = follower.next().await?;
            progress.above(|| {
                for decision in &decisions {
                    let tone = Tone::of(&decision.decision);
                    self.say(&self.style().paint(tone, &decision.summary))?;
                    if matches!(decision.decision.as_str(), "passed" | "tripped") {
                        self.judged(&execution, &mut judged)?;
                    }
                }
                Ok::<(), CliError>(())
            })?;
            progress.update(&execution);
            if execution.finished || execution.status == "halted" {
                progress.clear();
                if execution.status != "succeeded" {
                    self.waves(&execution)?;
                }
                return Ok(execution);
            }
        }
    }

    /// A bar for each wave that has its verdict now and had none before.
    fn judged(&self, execution: &ExecutionView, before: &mut Vec<u32>) -> Result<(), CliError> {
        for wave in execution.waves.iter().filter(|wave| wave.verdict.is_some()) {
            if !before.contains(&wave.wave) {
                before.push(wave.wave);
                self.wave(wave)?;
            }
        }
        Ok(())
    }

    /// A bar for each wave that was opened.
    fn waves(&self, execution: &ExecutionView) -> Result<(), CliError> {
        execution
            .waves
            .iter()
            .filter(|wave| wave.released_at.is_some())
            .try_for_each(|wave| self.wave(wave))
    }

    fn wave(&self, wave: &WaveView) -> Result<(), CliError> {
        let tally = Tally::of(&wave.counts);
        let bar = bar(wave.devices, &tally, self.style());
        self.line(&format!(
            "           wave {}  {bar}  {} devices: {tally}",
            wave.wave, wave.devices
        ))
    }

    fn style(&self) -> Style {
        if self.output.for_people() {
            self.output.style()
        } else {
            self.output.note_style()
        }
    }
}

/// Updated devices, failed ones, those that went back, and the rest, in proportion.
fn bar(devices: u64, tally: &Tally, style: Style) -> String {
    let mut left = BAR;
    let mut part = |count: u64, sign: &str, tone: Tone| {
        let cells = (count * BAR).checked_div(devices).unwrap_or_default();
        let cells = cells.max(u64::from(count > 0)).min(left);
        left -= cells;
        style.paint(
            tone,
            &sign.repeat(usize::try_from(cells).unwrap_or_default()),
        )
    };
    let parts = [
        part(tally.failed, "x", Tone::Bad),
        part(tally.back + tally.going_back, "<", Tone::Waiting),
        part(tally.updated, "█", Tone::Good),
    ];
    let rest = "·".repeat(usize::try_from(left).unwrap_or_default());
    let [failed, back, updated] = parts;
    format!("{updated}{failed}{back}{rest}")
}

#[cfg(test)]
mod tests {
    use super::{Style, Tally, bar};

    #[test]
    fn bars_show_every_kind_and_have_one_length() {
        let style = Style { color: false };
        let all = Tally {
            updated: 20,
            ..Tally::default()
        };
        assert_eq!(bar(20, &all, style), "█".repeat(30));
        let mixed = Tally {
            updated: 196,
            failed: 1,
            back: 3,
            ..Tally::default()
        };
        assert_eq!(bar(200, &mixed, style), format!("{}x<", "█".repeat(28)));
        let open = Tally {
            updated: 1,
            failed: 1,
            waiting: 18,
            ..Tally::default()
        };
        assert_eq!(bar(20, &open, style), format!("█x{}", "·".repeat(28)));
        assert_eq!(bar(0, &Tally::default(), style), "·".repeat(30));
    }
}
