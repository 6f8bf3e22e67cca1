//! Byte ranges (RFC 9110, section 14): one range is served; several at once are answered with the
//! whole, as the standard allows.

use std::ops::RangeInclusive;

/// What part of a file is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Bytes(RangeInclusive<u64>),
    /// Bytes that it does not have.
    Outside,
}

/// Reads a `Range` header against a file of `size` bytes.
pub(super) fn parse(range: &str, size: u64) -> Part {
    let Some(spec) = range.trim().strip_prefix("bytes=") else {
        return Part::Outside;
    };
    if spec.contains(',') {
        return Part::Whole;
    }
    let Some((from, to)) = spec.trim().split_once('-') else {
        return Part::Outside;
    };
    let number = |text: &str| text.parse::<u64>().ok();
    let (first, last) = match (from, to) {
        ("", suffix) => match number(suffix) {
            Some(length) if length > 0 => (size.saturating_sub(length), size.saturating_sub(1)),
            Some(_) | None => return Part::Outside,
        },
        (from, "") => match number(from) {
            Some(first) => (first, size.saturating_sub(1)),
            None => return Part::Outside,
        },
        (from, to) => match (number(from), number(to)) {
            (Some(first), Some(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
            (_, _) => return Part::Outside,
        },
    };
    if first < size {
        Part::Bytes(first..=last)
    } else {
        Part::Outside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_clients_send_them() {
        let cases = [
            ("bytes=0-", Part::Bytes(0..=99)),
            ("bytes=20-29", Part::Bytes(20..=29)),
            ("bytes=90-500", Part::Bytes(90..=99)),
            ("bytes=-10", Part::Bytes(90..=99)),
            ("bytes=-500", Part::Bytes(0..=99)),
            ("bytes=99-99", Part::Bytes(99..=99)),
            ("bytes=100-", Part::Outside),
            ("bytes=30-20", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=x-", Part::Outside),
            ("bytes=", Part::Outside),
            ("lines=1-2", Part::Outside),
            ("bytes=0-1,5-6", Part::Whole),
        ];
        for (header, part) in cases {
            assert_eq!(parse(header, 100), part, "{header}");
        }
        assert_eq!(parse("bytes=0-", 0), Part::Outside);
    }
}
