//! The order of firmware versions as firmware teams write them: `1.2.3`, `v1.10`,
//! `2024.01.1-rc.2+build5`. Which versions exist is not here.
//!
//! The rules, from first to last:
//!
//! 1. A leading `v` before a digit and everything from the first `+` on mean nothing (build metadata,
//!    Semantic Versioning 2.0.0, §10).
//! 2. A text without a digit (empty, `unknown`, `factory`) names no place in the order. It is *unknown*,
//!    and unknown comes before every version, which is the safe side for floors and stepping stones.
//! 3. The rest falls into runs of digits and runs of letters; anything else only separates. Digits are
//!    compared as numbers of any length, so that leading zeros mean nothing, letters without regard to
//!    case, and a number comes before letters. Missing parts are zeros: `1.2` is `1.2.0`.
//! 4. What follows the first hyphen after a digit is a pre-release and comes before its release
//!    (Semantic Versioning 2.0.0, §11.3); so is what begins with a usual word for one, as in `1.2rc1`.
//!    Pre-releases are compared part by part, and the one with more parts comes later (§11.4). Other
//!    than there, `rc10` comes after `rc2`.

use std::cmp::Ordering;

/// Words that begin a pre-release without a hyphen before them.
const PRE_RELEASES: [&str; 8] = [
    "alpha", "beta", "dev", "nightly", "pre", "preview", "rc", "snapshot",
];

/// A version's place in the order. Two spellings of one place are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    core: Vec<Part>,
    stage: Stage,
}

/// A run of digits or of letters. Fields and variants stand in the order of comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    /// Without leading zeros, so that the longer one is the larger one.
    Number { length: usize, digits: String },
    /// In lower case.
    Letters(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Stage {
    PreRelease(Vec<Part>),
    Release,
}

impl Version {
    /// The place of a version, or none for a text without a digit.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let meaning = text.split('+').next().unwrap_or_default().trim();
        let meaning = match meaning.strip_prefix(['v', 'V']) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
            Some(_) | None => meaning,
        };
        let first_digit = meaning.find(|c: char| c.is_ascii_digit())?;
        let hyphen = meaning[first_digit..].find('-').map(|at| first_digit + at);
        let (core, after) = meaning.split_at(hyphen.unwrap_or(meaning.len()));
        let mut core = parts(core);
        let mut pre_release = core.split_off(end_of_core(&core));
        pre_release.extend(parts(after));
        while core.last().is_some_and(Part::is_zero) {
            core.pop();
        }
        let stage = if pre_release.is_empty() {
            Stage::Release
        } else {
            Stage::PreRelease(pre_release)
        };
        Some(Self { core, stage })
    }
}

impl Part {
    fn number(digits: &str) -> Self {
        let digits = digits.trim_start_matches('0').to_owned();
        let length = digits.len();
        Self::Number { length, digits }
    }

    const fn is_zero(&self) -> bool {
        matches!(self, Self::Number { length: 0, .. })
    }
}

/// Compares two versions; unknown ones come first and equal each other.
#[must_use]
pub fn compare(a: &str, b: &str) -> Ordering {
    Version::parse(a).cmp(&Version::parse(b))
}

/// Whether a version lies below a floor. An unknown version lies below every floor, and every other
/// text below a floor that is itself unknown: what can't be shown to be safe is not.
#[must_use]
pub fn is_below(version: &str, floor: &str) -> bool {
    match Version::parse(floor) {
        Some(floor) => Version::parse(version) < Some(floor),
        None => version != floor,
    }
}

/// How many of the last stones a device on `from` must pass through on its way to `target`: those
/// above its version and below the target. `stones` stand oldest first and below `target`, as the
/// rules of a plan demand. A device on an unknown version takes them all, because one stone too many
/// costs minutes and one too few can cost the device.
#[must_use]
pub fn stones_to_pass(from: &str, stones: &[String], target: &str) -> usize {
    let (from, target) = (Version::parse(from), Version::parse(target));
    stones
        .iter()
        .map(|stone| Version::parse(stone))
        .filter(|stone| *stone > from && *stone < target)
        .count()
}

/// Where the pre-release begins that no hyphen announces.
fn end_of_core(parts: &[Part]) -> usize {
    let numbered = parts
        .iter()
        .position(|part| matches!(part, Part::Number { .. }))
        .unwrap_or(parts.len());
    let announced = parts[numbered..].iter().position(|part| match part {
        Part::Letters(word) => PRE_RELEASES.contains(&word.as_str()),
        Part::Number { .. } => false,
    });
    announced.map_or(parts.len(), |at| numbered + at)
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in text.split(|c: char| !c.is_alphanumeric()) {
        let mut rest = piece;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != digits)
                .unwrap_or(rest.len());
            let (run, later) = rest.split_at(end);
            parts.push(if digits {
                Part::number(run)
            } else {
                Part::Letters(run.to_lowercase())
            });
            rest = later;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_in_their_order() {
        let ascending = [
            "unknown",
            "0",
            "0.9.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.2.0-rc1",
            "1.2.0rc2",
            "1.2.0.RC10",
            "1.2",
            "1.2.3",
            "1.2.3a",
            "1.2.3b",
            "v1.10",
            "2024.01.1-rc.2+build5",
            "2024.1.1",
            "2024.01.02",
            "99999999999999999999999999",
            "100000000000000000000000000",
            "A3",
            "B1",
        ];
        for (i, a) in ascending.iter().enumerate() {
            for (j, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} and {b}");
            }
        }
    }

    #[test]
    fn spellings_of_one_version_are_equal() {
        for (a, b) in [
            ("1.2", "1.2.0.0"),
            ("v1.2", "1.02"),
            (" 1.2 ", "V1.2"),
            ("1.2.0+build5", "1.2.0+build6"),
            ("1.2-RC1", "1.2.0-rc.1"),
            ("1.2-", "1.2"),
            ("1_2", "1.2"),
            ("", "n/a"),
        ] {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} and {b}");
        }
        assert_ne!(compare("1.2-rc.0", "1.2-rc"), Ordering::Equal);
    }

    #[test]
    fn nothing_unknown_passes_a_floor() {
        assert!(is_below("1.1.9", "1.2") && is_below("1.2-rc1", "1.2"));
        assert!(!is_below("1.2", "1.2.0") && !is_below("v1.10", "1.9"));
        assert!(is_below("", "1.2") && is_below("factory", "1.2"));
        assert!(is_below("1.2", "factory") && !is_below("factory", "factory"));
    }

    #[test]
    fn a_device_passes_the_stones_above_it() {
        let stones = ["1.2", "1.5", "2.0"].map(str::to_owned);
        let pass = |from| stones_to_pass(from, &stones, "3.0");
        assert_eq!(
            [
                "", "unknown", "1.0", "1.2-rc1", "1.2.0", "1.4", "1.5", "2.0", "2.9", "3.1"
            ]
            .map(pass),
            [3, 3, 3, 3, 2, 2, 1, 0, 0, 0]
        );
        assert_eq!(stones_to_pass("1.0", &[], "3.0"), 0);
    }

    proptest! {
        #[test]
        fn the_order_is_total(
            a in "v?[0-9]{0,3}([.+_-](0|[0-9]{1,3}|rc|a|B)){0,3}",
            b in "v?[0-9]{0,3}([.+_-](0|[0-9]{1,3}|rc|a|B)){0,3}",
            c in "v?[0-9]{0,3}([.+_-](0|[0-9]{1,3}|rc|a|B)){0,3}",
        ) {
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            if compare(&a, &b) == compare(&b, &c) {
                prop_assert_eq!(compare(&a, &c), compare(&a, &b));
            }
            if compare(&a, &b) == Ordering::Equal {
                prop_assert_eq!(compare(&a, &c), compare(&b, &c));
            }
        }

        #[test]
        fn numbers_compare_as_numbers(a in 0u64..50, b in 0u64..50, c in 0u64..50, d in 0u64..50) {
            let order = (a, b).cmp(&(c, d));
            prop_assert_eq!(compare(&format!("{a}.{b}"), &format!("v{c}.0{d}.0")), order);
        }

        #[test]
        fn a_pre_release_lies_between_its_release_and_the_one_before(
            major in 0u64..50, pre in "[a-z][a-z0-9.]{0,8}",
        ) {
            let version = format!("{}.0-{pre}", major + 1);
            prop_assert_eq!(compare(&version, &format!("{}", major + 1)), Ordering::Less);
            prop_assert_eq!(compare(&version, &format!("{major}.999")), Ordering::Greater);
        }

        #[test]
        fn no_text_is_too_odd(a: String, b: String) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            let _ = (is_below(&a, &b), stones_to_pass(&a, std::slice::from_ref(&b), "9"));
        }
    }
}
