//! Spans of time and numbers of devices as people say them.

use std::fmt;

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// So many seconds, in the two largest units that are needed: `2 h 30 min`.
pub(super) struct Span(pub(super) u64);

/// So many devices.
pub(super) struct Devices(pub(super) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = UNITS.iter().position(|(unit, _)| self.0 >= *unit) else {
            return f.write_str("0 s");
        };
        let (unit, name) = UNITS[first];
        write!(f, "{} {name}", self.0 / unit)?;
        match UNITS.get(first + 1) {
            Some((smaller, name)) if self.0 % unit >= *smaller => {
                write!(f, " {} {name}", self.0 % unit / smaller)
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Display for Devices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} device{plural}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units_at_most() {
        let words = [0, 59, 60, 61, 3_600, 9_000, 90_061, 604_800].map(|s| Span(s).to_string());
        assert_eq!(
            words,
            [
                "0 s",
                "59 s",
                "1 min",
                "1 min 1 s",
                "1 h",
                "2 h 30 min",
                "1 d 1 h",
                "7 d"
            ]
        );
        assert_eq!(
            [1, 2].map(|n| Devices(n).to_string()),
            ["1 device", "2 devices"]
        );
    }
}
