//! Figures: what a round gave, medians, ratios of rounds that belong together, and tables of them in Markdown.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use crate::load::Round;
use crate::process::processor_time;

/// One round of one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Things done a second.
    pub(crate) rate: f64,
    /// Processor time of the server for each, in seconds.
    pub(crate) processor: f64,
}

impl Sample {
    /// Lets `work` run and looks at what it cost the server `pid`.
    ///
    /// # Errors
    /// The work fails, or the server is gone.
    pub(crate) async fn take(
        pid: u32,
        work: impl Future<Output = anyhow::Result<Round>>,
    ) -> anyhow::Result<Self> {
        let before = processor_time(pid)?;
        let round = work.await?;
        let used = processor_time(pid)?.saturating_sub(before);
        let done = round.done.max(1) as f64;
        Ok(Self {
            rate: done / round.elapsed.as_secs_f64(),
            processor: used.as_secs_f64() / done,
        })
    }
}

/// The rounds of one side, in order.
#[derive(Debug, Default)]
pub(crate) struct Series(Vec<Sample>);

impl Series {
    pub(crate) fn push(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    /// The median rate.
    pub(crate) fn rate(&self) -> f64 {
        median(self.0.iter().map(|sample| sample.rate))
    }

    /// The median processor time, in microseconds.
    pub(crate) fn microseconds(&self) -> f64 {
        1e6 * median(self.0.iter().map(|sample| sample.processor))
    }

    /// The median of the ratios of rates, pair by pair.
    pub(crate) fn rate_against(&self, other: &Self) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(a, b)| a.rate / b.rate))
    }

    /// The median of the ratios of processor time, pair by pair.
    pub(crate) fn processor_against(&self, other: &Self) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        median(pairs.map(|(a, b)| a.processor / b.processor))
    }
}

/// The value in the middle; of an even number the mean of the two there, of none NaN.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The median of times, in seconds.
pub(crate) fn median_seconds(times: impl IntoIterator<Item = Duration>) -> f64 {
    median(times.into_iter().map(|time| time.as_secs_f64()))
}

/// A table of figures.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: &[&str]) -> Self {
        Self {
            title: title.into(),
            rows: vec![columns.iter().map(|&column| column.to_owned()).collect()],
            notes: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A sentence below the table.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Prints the table.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(crate) fn print(&self) -> std::io::Result<()> {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", self.text())?;
        out.flush()
    }

    fn text(&self) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = format!("\n### {}\n\n", self.title);
        for (index, row) in self.rows.iter().enumerate() {
            for (cell, &width) in row.iter().zip(&widths) {
                let _ = write!(text, "| {cell:>width$} ");
            }
            text.push_str("|\n");
            if index == 0 {
                for &width in &widths {
                    let _ = write!(text, "|{}:", "-".repeat(width + 1));
                }
                text.push_str("|\n");
            }
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median([]).is_nan());
    }

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let series = |rates: &[f64]| {
            let sample = |&rate| Sample {
                rate,
                processor: 1.0 / rate,
            };
            Series(rates.iter().map(sample).collect())
        };
        let (a, b) = (series(&[1.0, 20.0, 30.0]), series(&[2.0, 20.0, 10.0]));
        assert_eq!(a.rate_against(&b), 1.0);
        assert_eq!(b.processor_against(&a), 1.0);
    }

    #[test]
    fn a_table_is_markdown() {
        let mut table = Table::new("Polls", &["server", "polls/s"]);
        table.row(["bare".to_owned(), "7".to_owned()]);
        table.note("A note.");
        let text = "\n### Polls\n\n| server | polls/s |\n|-------:|--------:|\n|   bare |       7 |\n\nA note.\n";
        assert_eq!(table.text(), text);
    }
}
