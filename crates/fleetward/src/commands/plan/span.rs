//! Spans of time as people say them.

const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];

/// So many seconds, in the two largest units that are needed: `2 h 30 min`.
pub(super) fn span(seconds: u64) -> String {
    let Some(first) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else {
        return "0 s".to_owned();
    };
    let (unit, name) = UNITS[first];
    let whole = format!("{} {name}", seconds / unit);
    match UNITS.get(first + 1) {
        Some((smaller, name)) if seconds % unit >= *smaller => {
            format!("{whole} {} {name}", seconds % unit / smaller)
        }
        Some(_) | None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_two_units_at_most() {
        let words = [0, 59, 61, 3_600, 9_000, 90_061].map(span);
        let expected = ["0 s", "59 s", "1 min 1 s", "1 h", "2 h 30 min", "1 d 1 h"];
        assert_eq!(words, expected);
    }
}
