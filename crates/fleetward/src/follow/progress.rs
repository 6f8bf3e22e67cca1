//! A bar for each wave while an execution runs, and lines above the bars. Bars show on a terminal only.

use fleetward_server::api::types::{ExecutionView, WaveView};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::tally::Tally;

/// The bars of an execution's waves.
#[derive(Debug)]
pub(crate) struct Progress {
    bars: MultiProgress,
    waves: Vec<ProgressBar>,
}

impl Progress {
    /// No bars yet; they come with the first update.
    pub(crate) fn new() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            waves: Vec::new(),
        }
    }

    /// Brings the bars to where the execution is.
    pub(crate) fn update(&mut self, execution: &ExecutionView) {
        while self.waves.len() < execution.waves.len() {
            let bar = ProgressBar::no_length()
                .with_style(style())
                .with_prefix(format!("wave {}", self.waves.len() + 1));
            self.waves.push(self.bars.add(bar));
        }
        for (bar, wave) in self.waves.iter().zip(&execution.waves) {
            let tally = Tally::of(&wave.counts);
            bar.set_length(wave.devices);
            bar.set_position(tally.through());
            bar.set_message(state(wave, &tally));
        }
    }

    /// Writes with the bars out of the way.
    pub(crate) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bars.suspend(write)
    }

    /// Takes the bars away.
    pub(crate) fn clear(&mut self) {
        for bar in self.waves.drain(..) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn state(wave: &WaveView, tally: &Tally) -> String {
    match (&wave.verdict, &wave.released_at) {
        (Some(verdict), _) => format!("{tally}: {verdict}"),
        (None, Some(_)) => tally.to_string(),
        (None, None) => "not open yet".to_owned(),
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("  {prefix:>8}  {bar:30}  {pos}/{len}  {msg}")
        .expect("invariant: the template is well formed")
        .progress_chars("█▉▊▋▌▍▎▏·")
}
