//! Harm in numbers, and against rollouts played device by device.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::tests_support::{doubling, limited, plan};
use super::*;
use crate::judge::{self, Numbers, judge};
use crate::plan::{Counting, FailureLimit, Rate, Retry};
use crate::seconds::Seconds;

fn numbers(plan: &Plan, sizes: &[u64]) -> [u64; 3] {
    let harm = harm(plan, sizes);
    [harm.all_fail, harm.hidden, harm.late]
}

#[test]
fn without_a_limit_everybody_is_harmed() {
    let free = plan("canary");
    assert_eq!(numbers(&free, &[10, 90]), [100, 100, 50]);
    assert_eq!(
        harm(&free, &[10, 90]).explanation,
        "nothing stops this rollout by itself: if every device fails, all 100 do; a rarer defect can hit 100 devices without a stop; 50 devices can come so late that their waves pass without them"
    );
    assert_eq!(numbers(&free, &[]), [0, 0, 0]);
    let hundred = limited(100, Judgement::Threshold);
    assert_eq!(numbers(&hundred, &[10, 90])[..2], [100, 100]);
}

#[test]
fn the_first_wave_is_harmed_unless_the_pace_holds_it() {
    let mut plan = limited(5, Judgement::Threshold);
    plan.offline_policy = OfflinePolicy::Skip;
    assert_eq!(numbers(&plan, &[100, 900]), [100, 50, 0]);
    plan.pace.max_in_flight = Some(10);
    assert_eq!(numbers(&plan, &[100, 900]), [15, 50, 0]);
    assert_eq!(
        harm(&plan, &[100, 900]).explanation,
        "if every device fails, 15 devices take the update before the rollout stops: 6 failures stop it in wave 1, a failure may stay unknown for 1 h, and the pace lets 15 of the 100 be offered it until then; a rarer defect can hit 50 devices without a stop"
    );
    plan.blast_radius = Some(4);
    assert_eq!(numbers(&plan, &[100, 900]), [9, 50, 0]);
    plan.pace.max_in_flight = Some(1_000);
    plan.blast_radius = None;
    assert_eq!(numbers(&plan, &[100, 900]), [100, 50, 0]);
}

#[test]
fn a_rate_harms_whom_it_lets_go_until_a_failure_is_known() {
    let mut plan = limited(0, Judgement::Threshold);
    plan.pace.rate = Some(Rate {
        per_minute: 2,
        growth: None,
    });
    assert_eq!(numbers(&plan, &[1_000])[0], 2 * 61);
    let retry = Retry {
        times: 2,
        backoff: Seconds(60),
    };
    plan.retries.insert(FailureKind::TimedOut, retry);
    assert_eq!(numbers(&plan, &[1_000])[0], 2 * (61 + 60 + 1 + 60 + 2));
    plan.retries.clear();
    plan.pace.rate = Some(doubling(2, 1_000, Counting::Succeeded));
    assert_eq!(numbers(&plan, &[1_000])[0], 2 * 61, "nothing succeeds");
    plan.pace.rate = Some(doubling(2, 100, Counting::Notified));
    assert_eq!(numbers(&plan, &[1_000])[0], 100 + 2 + 4 * 11);
    plan.strategy = "blue_green".parse().unwrap();
    assert_eq!(numbers(&plan, &[1_000])[0], 1_000);
}

#[test]
fn three_failures_stop_what_is_judged_sequentially() {
    let mut plan = limited(5, Judgement::Sequential);
    plan.pace.max_in_flight = Some(1);
    assert_eq!(numbers(&plan, &[100, 900])[0], 3);
    assert_eq!(numbers(&plan, &[17, 18])[1], 2 + 3);
    assert_eq!(
        numbers(&plan, &[2, 2, 96])[0],
        2,
        "wave 1 waits for a person"
    );
    plan.on_inconclusive = OnInconclusive::Continue;
    assert_eq!(numbers(&plan, &[2, 2, 96])[0], 3);
    assert_eq!(numbers(&plan, &[2, 2, 96])[2], 100);
}

#[test]
fn limits_of_kinds_help_when_every_kind_has_one() {
    let mut plan = plan("rolling");
    let limit = FailureLimit {
        max_rate: Percent::whole(1),
        min_count: 3,
    };
    let limits = &mut plan.rollback_criteria.failure_limits;
    limits.insert(FailureKind::UpdatedThenSilent, limit);
    plan.pace.max_in_flight = Some(1);
    assert_eq!(numbers(&plan, &[100, 900])[..2], [1_000, 1_000]);
    let limits = &mut plan.rollback_criteria.failure_limits;
    limits.extend(update_failures().map(|kind| (kind, limit)));
    assert_eq!(numbers(&plan, &[100, 900])[..2], [9, 4 * 2 + 4 * 9]);
    assert_eq!(numbers(&plan, &[5, 900])[0], 5 + 37, "wave 1 is too small");
}

#[test]
fn the_largest_numbers_and_longest_rollouts_are_no_trouble() {
    let mut plan = limited(5, Judgement::Threshold);
    plan.pace.rate = Some(doubling(1, u64::MAX, Counting::Notified));
    plan.device_timeout = Seconds(30 * 86_400);
    let retry = Retry {
        times: 20,
        backoff: Seconds(7 * 86_400),
    };
    plan.retries
        .extend(update_failures().map(|kind| (kind, retry)));
    let [all_fail, ..] = numbers(&plan, &[1_000_000_000]);
    assert!((50_000_000..60_000_000).contains(&all_fail));
    plan.rollback_criteria.max_failure_rate = None;
    assert_eq!(numbers(&plan, &[u64::MAX, u64::MAX])[0], u64::MAX);
}

/// Plays a rollout in which every device fails some time after it was offered the update, second by
/// second, and counts those that took it before the stop.
fn play(plan: &Plan, sizes: &[u64], delays: &[i64]) -> u64 {
    let boundary = Limits::of(plan).boundary;
    let limits = judge::Limits {
        max_failure_rate: plan.rollback_criteria.max_failure_rate,
        min_judged: Percent::whole(50),
    };
    let (mut offers, mut now, mut carried): (Vec<(i64, i64)>, i64, u64) = (Vec::new(), 0, 0);
    for &size in sizes {
        let first = offers.len();
        loop {
            let wave = &offers[first..];
            let failed = wave.iter().filter(|(_, known)| *known <= now).count() as u64;
            let fails = boundary.as_ref().map_or_else(
                || {
                    let in_flight = size - failed;
                    let numbers = Numbers {
                        size,
                        failed,
                        in_flight,
                        ..Numbers::default()
                    };
                    judge(&numbers, &limits) == Some(Verdict::Fail)
                },
                |boundary| {
                    boundary.verdict(failed + carried, failed + carried) == Some(Verdict::Fail)
                },
            );
            if fails {
                return offers.len() as u64;
            }
            if failed == size {
                break;
            }
            let in_flight = wave.len() as u64 - failed;
            let in_minute = offers.iter().filter(|(at, _)| at + 60 > now).count() as u64;
            let slot = plan.pace.max_in_flight.is_none_or(|most| in_flight < most);
            let notified = offers.len() as u64;
            let rate = plan.pace.rate.as_ref();
            let turn = rate.is_none_or(|rate| in_minute < rate.at(notified, 0));
            if slot && turn && (wave.len() as u64) < size {
                let delay = delays[offers.len() % delays.len()];
                offers.push((now, now + delay.min(plan.device_timeout.0.into())));
            } else {
                now += 1;
            }
        }
        if boundary.is_some() {
            if plan.on_inconclusive != OnInconclusive::Continue {
                return offers.len() as u64;
            }
            carried += size;
        }
    }
    offers.len() as u64
}

/// The most devices that can fail in waves judged sequentially without a rollback, by trying everything:
/// a device fails or succeeds, and one looks after each.
fn play_hidden(plan: &Plan, sizes: &[u64]) -> u64 {
    let boundary = Limits::of(plan).boundary.unwrap();
    let mut reached = BTreeMap::from([((0, 0), 0)]);
    for &size in sizes {
        let mut states: BTreeMap<(u64, u64, bool), u64> = BTreeMap::new();
        for ((k, n), hidden) in reached {
            states.insert((k, n, false), hidden);
        }
        for _ in 0..size {
            let mut next = BTreeMap::new();
            for ((k, n, passed), hidden) in states {
                for fails in [0, 1] {
                    let verdict = boundary.verdict(k + fails, n + 1);
                    if verdict != Some(Verdict::Fail) {
                        let state = (k + fails, n + 1, passed || verdict == Some(Verdict::Pass));
                        let most = next.entry(state).or_insert(0);
                        *most = (*most).max(hidden + fails);
                    }
                }
            }
            states = next;
        }
        reached = BTreeMap::new();
        for ((k, n, passed), hidden) in states {
            let carries = !passed && plan.on_inconclusive == OnInconclusive::Continue;
            let start = if carries { (k, n) } else { (0, 0) };
            let most = reached.entry(start).or_insert(0);
            *most = (*most).max(hidden);
        }
    }
    reached.into_values().max().unwrap()
}

fn on_inconclusive() -> impl Strategy<Value = OnInconclusive> {
    prop::sample::select(vec![
        OnInconclusive::Pause,
        OnInconclusive::Continue,
        OnInconclusive::Rollback,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_rollout_harms_more(
        sizes in prop::collection::vec(1u64..50, 1..4), m in 0u32..=100, sequential: bool,
        flight in prop::option::of(1u64..20), rate in prop::option::of(1u64..10),
        every in prop::option::of(1u64..30), timeout in 1u32..400, continues in on_inconclusive(),
        delays in prop::collection::vec(0i64..400, 1..10),
    ) {
        let judgement = if sequential { Judgement::Sequential } else { Judgement::Threshold };
        let mut plan = limited(m, judgement);
        plan.on_inconclusive = continues;
        plan.device_timeout = Seconds(timeout);
        plan.pace.max_in_flight = flight;
        plan.pace.rate = rate.map(|per_minute| match every {
            Some(every) => doubling(per_minute, every, Counting::Notified),
            None => Rate { per_minute, growth: None },
        });
        let bound = harm(&plan, &sizes).all_fail;
        prop_assert!(play(&plan, &sizes, &delays) <= bound);
        let worst = play(&plan, &sizes, &[timeout.into()]);
        prop_assert!(worst <= bound);
        if rate.is_none() && flight.is_none() {
            prop_assert_eq!(worst, bound);
        }
    }

    #[test]
    fn no_defect_hides_better(
        sizes in prop::collection::vec(1u64..24, 1..4), m in 1u32..50, continues in on_inconclusive(),
    ) {
        let mut plan = limited(m, Judgement::Sequential);
        plan.on_inconclusive = continues;
        let (bound, found) = (harm(&plan, &sizes).hidden, play_hidden(&plan, &sizes));
        prop_assert!(found <= bound, "{} is more than {}", found, bound);
        if continues != OnInconclusive::Continue {
            prop_assert_eq!(found, bound);
        }
    }

    #[test]
    fn what_hides_by_threshold_passes_and_one_more_does_not(size in 1u64..10_000, m in 0u32..100) {
        let plan = limited(m, Judgement::Threshold);
        let hidden = harm(&plan, &[size]).hidden;
        let limits = judge::Limits {
            max_failure_rate: Some(Percent::whole(m)),
            min_judged: Percent::whole(50),
        };
        let verdict = |failed: u64| {
            judge(&Numbers { size, failed, succeeded: size - failed, ..Numbers::default() }, &limits)
        };
        prop_assert_eq!(verdict(hidden), Some(Verdict::Pass));
        prop_assert_eq!(verdict(hidden + 1), Some(Verdict::Fail));
    }
}
