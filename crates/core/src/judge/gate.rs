//! Judging a wave by the sequential test: when the score passes a line, and what a wave that ended
//! without reaching one is worth.

use super::{Boundary, Numbers, Verdict};
use crate::percent::Percent;

/// A wave can't pass while more than this share of it is not through: slow devices fail late.
const UNRESOLVED: Percent = Percent::whole(10);

/// The verdict on a wave, or none while it is open. `carried` is what is known from waves before it
/// that could not be judged and were gone past.
#[must_use]
pub fn gate(
    numbers: &Numbers,
    carried: &Numbers,
    boundary: &Boundary,
    min_judged: Percent,
) -> Option<Verdict> {
    let (failures, devices) = (
        numbers.failed + carried.failed,
        numbers.judged() + carried.judged(),
    );
    let verdict = boundary.verdict(failures, devices);
    if verdict == Some(Verdict::Fail) {
        return verdict;
    }
    let enough = numbers.judged() >= min_judged.of(numbers.size).max(1);
    let resolved = !UNRESOLVED.exceeded_by(numbers.in_flight, numbers.size);
    if verdict == Some(Verdict::Pass) && enough && resolved {
        return verdict;
    }
    (numbers.in_flight == 0).then_some(Verdict::Inconclusive)
}

/// Whether what is known gives reason to hand the update to nobody else for now.
#[must_use]
pub fn in_doubt(numbers: &Numbers, carried: &Numbers, boundary: &Boundary) -> bool {
    boundary.doubtful(
        numbers.failed + carried.failed,
        numbers.judged() + carried.judged(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(succeeded: u64, failed: u64, in_flight: u64, not_judged: u64) -> Numbers {
        Numbers {
            size: succeeded + failed + in_flight + not_judged,
            succeeded,
            failed,
            in_flight,
            not_judged,
        }
    }

    fn verdict(numbers: &Numbers) -> Option<Verdict> {
        let boundary = Boundary::new(Percent::whole(5)).unwrap();
        gate(numbers, &Numbers::default(), &boundary, Percent::whole(50))
    }

    #[test]
    fn stops_at_the_third_failure_in_seventeen() {
        assert_eq!(verdict(&numbers(14, 3, 183, 0)), Some(Verdict::Fail));
        assert_eq!(verdict(&numbers(15, 3, 182, 0)), None);
    }

    #[test]
    fn passes_early_but_not_while_a_tenth_is_open() {
        assert_eq!(verdict(&numbers(38, 0, 5, 0)), None);
        assert_eq!(verdict(&numbers(38, 0, 4, 0)), Some(Verdict::Pass));
        assert_eq!(verdict(&numbers(37, 0, 0, 0)), Some(Verdict::Inconclusive));
    }

    #[test]
    fn no_data_is_never_a_pass() {
        assert_eq!(verdict(&numbers(0, 0, 0, 100)), Some(Verdict::Inconclusive));
        assert_eq!(verdict(&numbers(45, 0, 0, 55)), Some(Verdict::Inconclusive));
    }

    #[test]
    fn what_could_not_be_judged_is_carried_on() {
        let boundary = Boundary::new(Percent::whole(5)).unwrap();
        let carried = numbers(30, 0, 0, 0);
        let own = numbers(8, 0, 0, 0);
        let verdict = gate(&own, &carried, &boundary, Percent::whole(50));
        assert_eq!(verdict, Some(Verdict::Pass));
    }
}
