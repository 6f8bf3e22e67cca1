//! Bars while an execution runs: one for each wave that is open, and one for all devices. Bars show on a terminal only.

use std::collections::BTreeMap;

use fleetward_server::api::types::{ExecutionView, WaveView};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::tally::Tally;

/// The most waves that have a bar at once.
const MOST: usize = 8;

/// The bars of an execution.
#[derive(Debug)]
pub(crate) struct Progress {
    bars: MultiProgress,
    waves: BTreeMap<u32, ProgressBar>,
    all: Option<ProgressBar>,
}

impl Progress {
    /// No bars yet; they come with the first update.
    pub(crate) fn new() -> Self {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self {
            bars,
            waves: BTreeMap::new(),
            all: None,
        }
    }

    /// Brings the bars to where the execution is.
    pub(crate) fn update(&mut self, execution: &ExecutionView) {
        let open: Vec<&WaveView> = execution
            .waves
            .iter()
            .filter(|wave| is_open(wave))
            .take(MOST)
            .collect();
        let closed: Vec<u32> = self
            .waves
            .keys()
            .copied()
            .filter(|number| open.iter().all(|wave| wave.wave != *number))
            .collect();
        for number in closed {
            if let Some(bar) = self.waves.remove(&number) {
                self.remove(&bar);
            }
        }
        let all = self.all.get_or_insert_with(|| self.bars.add(bar("all")));
        for wave in open {
            let bar = self.waves.entry(wave.wave).or_insert_with(|| {
                self.bars
                    .insert_before(all, bar(&format!("wave {}", wave.wave)))
            });
            show(bar, wave.devices, &Tally::of(&wave.counts));
        }
        show(all, execution.devices, &Tally::of(&execution.counts));
    }

    /// Writes with the bars out of the way.
    pub(crate) fn above<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bars.suspend(write)
    }

    /// Takes the bars away.
    pub(crate) fn clear(&mut self) {
        for bar in std::mem::take(&mut self.waves)
            .into_values()
            .chain(self.all.take())
        {
            self.remove(&bar);
        }
    }

    fn remove(&self, bar: &ProgressBar) {
        bar.finish_and_clear();
        self.bars.remove(bar);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Something still happens in the wave.
fn is_open(wave: &WaveView) -> bool {
    let tally = Tally::of(&wave.counts);
    wave.released_at.is_some() && (wave.verdict.is_none() || tally.under_way + tally.going_back > 0)
}

fn show(bar: &ProgressBar, devices: u64, tally: &Tally) {
    bar.set_length(devices);
    bar.set_message(tally.to_string());
    bar.set_position(tally.through());
}

fn bar(name: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {prefix:>8}  {bar:30}  {pos} of {len}: {msg}")
        .expect("invariant: the template is well formed")
        .progress_chars("█▉▊▋▌▍▎▏·");
    ProgressBar::no_length()
        .with_style(style)
        .with_prefix(name.to_owned())
}
