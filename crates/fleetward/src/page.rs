//! Text for people: lines, fields and tables, put together before anything is written.

use comfy_table::{Cell, Color, ContentArrangement, Row, Table, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How a page may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Colours are wanted and seen.
    pub(crate) color: bool,
}

/// Text that is being put together.
#[derive(Debug)]
pub(crate) struct Page {
    style: Style,
    text: String,
}

/// What a word means to its reader, and so its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Something waits for a person.
    Waiting,
    /// Something went wrong.
    Bad,
    /// Nothing to point out.
    Plain,
}

/// The columns whose words have a tone.
const TONED: [&str; 3] = ["STATUS", "VERDICT", "STATE"];

impl Page {
    /// An empty page.
    pub(crate) const fn new(style: Style) -> Self {
        Self {
            style,
            text: String::new(),
        }
    }

    /// What is on it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// Adds a line in the colour of its tone.
    pub(crate) fn toned_line(&mut self, tone: Tone, line: &str) {
        let line = self.style.paint(tone, line);
        self.line(line);
    }

    /// Adds an empty line and a heading.
    pub(crate) fn heading(&mut self, heading: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(heading);
    }

    /// Adds names with their values, one to a line; those without a value are left out.
    pub(crate) fn fields(&mut self, fields: &[(&str, String)]) {
        let filled = || fields.iter().filter(|(_, value)| !value.is_empty());
        let width = filled()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, value) in filled() {
            let value = match *name {
                "Status" | "Review" => self.style.paint(Tone::of(value), value),
                _ => value.clone(),
            };
            self.line(format!("{name:width$}  {value}"));
        }
    }

    /// Adds a table.
    pub(crate) fn table(&mut self, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(header.iter().copied());
        for row in rows {
            table.add_row(self.row(header, row));
        }
        for column in 0..header.len() {
            if let Some(column) = table.column_mut(column) {
                column.set_padding((0, 2));
            }
        }
        for line in table.to_string().lines() {
            self.line(line.trim_end());
        }
    }

    fn row(&self, header: &[&str], values: Vec<String>) -> Row {
        let cells = values.into_iter().enumerate().map(|(column, value)| {
            let toned =
                self.style.color && header.get(column).is_some_and(|name| TONED.contains(name));
            let color = if toned {
                Tone::of(&value).color()
            } else {
                None
            };
            let cell = Cell::new_owned(value);
            match color {
                Some(color) => cell.fg(color),
                None => cell,
            }
        });
        Row::from(cells.collect::<Vec<_>>())
    }
}

impl Tone {
    /// The tone of a status, a verdict or an outcome of the API.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "succeeded" | "pass" | "passed" | "approved" | "reviewed" | "done" | "available"
            | "active" | "healthy" => Self::Good,
            "draft" | "queued" | "paused" | "halted" | "inconclusive" | "pending_approval"
            | "owed" | "rolling_back" | "rollback_held" | "no_devices" | "cancelling" => {
                Self::Waiting
            }
            "failed"
            | "fail"
            | "tripped"
            | "rolled_back"
            | "rollback_incomplete"
            | "rollback_failed"
            | "timed_out"
            | "cancelled"
            | "rejected"
            | "expired"
            | "revoked"
            | "withdrawn"
            | "unhealthy" => Self::Bad,
            _ => Self::Plain,
        }
    }

    const fn color(self) -> Option<Color> {
        match self {
            Self::Good => Some(Color::Green),
            Self::Waiting => Some(Color::Yellow),
            Self::Bad => Some(Color::Red),
            Self::Plain => None,
        }
    }
}

impl Style {
    /// The text in the colour of its tone, where colours are wanted.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let code = match (self.color, tone) {
            (false, _) | (true, Tone::Plain) => return text.to_owned(),
            (true, _) if text.is_empty() => return String::new(),
            (true, Tone::Good) => 32,
            (true, Tone::Waiting) => 33,
            (true, Tone::Bad) => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// A moment of the API in the time zone of this machine; the text itself where it is none.
pub(crate) fn moment(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(moment) => moment
            .to_zoned(TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => text.to_owned(),
    }
}

/// As [`moment`], where there is one.
pub(crate) fn optional_moment(text: Option<&String>) -> String {
    text.map(|text| moment(text)).unwrap_or_default()
}

/// `text`, or a dash where it is empty.
pub(crate) fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}

/// `yes` or `no`.
pub(crate) fn yes_no(value: bool) -> String {
    if value {
        "yes".to_owned()
    } else {
        "no".to_owned()
    }
}

/// A size in bytes with a unit that suits it.
pub(crate) fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Page, Style, Tone, moment};

    #[test]
    fn pages_are_plain_where_nobody_sees_colours() {
        let mut page = Page::new(Style { color: false });
        page.fields(&[
            ("Plan", "p1".to_owned()),
            ("Comment", String::new()),
            ("Status", "approved".to_owned()),
        ]);
        page.heading("Waves");
        page.table(
            &["WAVE", "STATUS"],
            [vec!["1".to_owned(), "pass".to_owned()]],
        );
        let expected = "Plan    p1\nStatus  approved\n\nWaves\nWAVE  STATUS\n1     pass\n";
        assert_eq!(page.text(), expected);
    }

    #[test]
    fn colours_go_with_tones() {
        let style = Style { color: true };
        assert_eq!(
            style.paint(Tone::of("rolled_back"), "x"),
            "\u{1b}[31mx\u{1b}[0m"
        );
        assert_eq!(style.paint(Tone::of("releasing"), "x"), "x");
    }

    #[test]
    fn what_is_no_moment_is_shown_as_it_is() {
        assert_eq!(moment("soon"), "soon");
    }
}
