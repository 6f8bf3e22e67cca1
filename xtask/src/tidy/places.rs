//! Calls that have one home each: the clock, the environment, ending the process, driving the engine.
//!
//! The look is at words in lines of code, not at types; a name that only resembles one of these needs another name.

use super::Violation;
use crate::tree::Tree;

/// A word of code, where it may stand, and why nowhere else.
struct Place {
    word: &'static str,
    /// Leading parts of paths; `*` stands for one folder.
    allowed: &'static [&'static str],
    reason: &'static str,
}

const CLOCK: &[&str] = &[
    "crates/fleetward/src",
    "crates/server/src/clock.rs",
    "crates/*/tests",
    "benches",
    RULE,
];
const CLOCK_REASON: &str =
    "the clock is read in one place and handed down; take `now` as an argument";

const ENVIRONMENT: &[&str] = &[
    "crates/fleetward/src",
    "crates/server/src/config",
    "crates/*/tests",
    "benches",
    "xtask",
];

/// This file, which has to name the words.
const RULE: &str = "xtask/src/tidy/places.rs";

const PLACES: &[Place] = &[
    Place {
        word: "Timestamp::now(",
        allowed: CLOCK,
        reason: CLOCK_REASON,
    },
    Place {
        word: "Zoned::now(",
        allowed: CLOCK,
        reason: CLOCK_REASON,
    },
    Place {
        word: "SystemTime::now",
        allowed: CLOCK,
        reason: CLOCK_REASON,
    },
    Place {
        word: "env::var",
        allowed: ENVIRONMENT,
        reason: "the environment is read by the configuration only; take the value as an argument",
    },
    Place {
        word: "process::exit",
        allowed: &["crates/fleetward/src/main.rs", RULE],
        reason: "only `main` ends the process; return an error",
    },
    Place {
        word: ".handle(",
        allowed: &["crates/core", "crates/server/src/driver", "benches", RULE],
        reason: "the engine is driven by the driver and by the rehearsal only; go through them",
    },
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in tree.rust() {
        for place in PLACES.iter().filter(|place| {
            !place
                .allowed
                .iter()
                .any(|prefix| is_below(&file.path, prefix))
        }) {
            for (index, line) in file.text.lines().enumerate() {
                if !line.trim_start().starts_with("//") && line.contains(place.word) {
                    let message = format!("`{}` has no place here: {}", place.word, place.reason);
                    violations.push(Violation::new(&file.path, index + 1, message));
                }
            }
        }
    }
    violations
}

/// Whether the path begins with these parts.
fn is_below(path: &str, prefix: &str) -> bool {
    let mut parts = path.split('/');
    prefix.split('/').all(|wanted| {
        parts
            .next()
            .is_some_and(|part| wanted == "*" || part == wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&Tree::of(&[(path, text)]))
            .into_iter()
            .map(|found| found.line)
            .collect()
    }

    #[test]
    fn a_prefix_is_made_of_whole_parts() {
        assert!(is_below("crates/store/tests/story.rs", "crates/*/tests"));
        assert!(is_below(
            "crates/fleetward/src/main.rs",
            "crates/fleetward/src"
        ));
        assert!(!is_below(
            "crates/fleetward/src-old/main.rs",
            "crates/fleetward/src"
        ));
        assert!(!is_below("crates/store/src/tests.rs", "crates/*/tests"));
    }

    #[test]
    fn each_word_may_stand_in_its_place_and_in_comments() {
        let clock = "fn a() -> Timestamp { Timestamp::now() }";
        assert_eq!(lines("crates/server/src/clock.rs", clock), NONE);
        assert_eq!(lines("crates/store/tests/story.rs", clock), NONE);
        assert_eq!(
            lines(
                "crates/server/src/driver/step.rs",
                "fn a() { rollout.handle(input, now); }"
            ),
            NONE
        );
        assert_eq!(
            lines(
                "crates/store/src/lib.rs",
                "// never Timestamp::now()\nfn a() {}"
            ),
            NONE
        );
    }

    #[test]
    fn it_may_stand_nowhere_else() {
        assert_eq!(
            lines(
                "crates/store/src/lib.rs",
                "fn a() {\n    Timestamp::now()\n}"
            ),
            [2]
        );
        assert_eq!(
            lines(
                "crates/server/src/api/router.rs",
                "fn a() { std::env::var(\"A\") }"
            ),
            [1]
        );
        assert_eq!(
            lines(
                "crates/server/src/lib.rs",
                "fn a() { std::process::exit(1) }"
            ),
            [1]
        );
        assert_eq!(
            lines(
                "crates/server/src/api/plan.rs",
                "fn a() { rollout.handle(input, now); }"
            ),
            [1]
        );
    }
}
