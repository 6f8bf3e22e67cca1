//! Every way through a plan's life, and what holds on all of them.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const WEEK: Seconds = Seconds(604_800);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

const fn rules(required: u32, four_eyes: bool) -> Rules {
    Rules {
        required,
        four_eyes,
        expires_after: WEEK,
    }
}

fn submitted(required: u32, four_eyes: bool) -> PlanLife {
    let rules = rules(required, four_eyes);
    PlanLife::begin("ann", Opening::Submitted, rules, at(0))
}

#[test]
fn a_plan_is_approved_by_as_many_people_as_are_asked_for() {
    let mut life = submitted(2, true);
    assert_eq!(
        (life.state, life.missing()),
        (PlanState::PendingApproval, 2)
    );
    assert_eq!(life.approve("ann", at(1)), Err(LifeRefusal::OwnPlan));
    assert_eq!(life.approve("bob", at(1)), Ok(Counted::Counts));
    assert_eq!(
        life.approve("bob", at(2)),
        Err(LifeRefusal::CountedBefore(1))
    );
    assert_eq!(life.execute(at(2)), Err(LifeRefusal::Unapproved(1)));
    assert_eq!(life.approve("cem", at(3)), Ok(Counted::Counts));
    assert_eq!(life.state, PlanState::Approved);
    assert_eq!(life.approve("ann", at(4)), Ok(Counted::Needless));
    assert_eq!(life.execute(at(5)), Ok(()));
    assert_eq!(
        life.approve("dee", at(6)),
        Err(LifeRefusal::Over(PlanState::Executed))
    );
}

#[test]
fn an_author_counts_where_two_eyes_are_enough() {
    let mut life = submitted(1, false);
    assert_eq!(life.approve("ann", at(1)), Ok(Counted::Counts));
    assert_eq!(life.state, PlanState::Approved);
}

#[test]
fn nobody_is_asked_where_no_approval_is_needed_or_possible() {
    assert_eq!(submitted(0, true).state, PlanState::Approved);
    let life = PlanLife::begin("ann", Opening::Emergency, rules(3, true), at(0));
    assert_eq!(life.state, PlanState::Approved);
    assert_eq!(life.expires_at, Some(at(604_800)));
}

#[test]
fn a_draft_waits_for_its_author_alone() {
    let mut life = PlanLife::begin("ann", Opening::Draft, rules(1, true), at(0));
    assert_eq!(life.approve("bob", at(1)), Err(LifeRefusal::Draft));
    assert_eq!(life.reject(at(1)), Err(LifeRefusal::Draft));
    assert_eq!(life.execute(at(1)), Err(LifeRefusal::Draft));
    life.expire(at(9_000_000));
    assert_eq!(life.state, PlanState::Draft, "a draft does not expire");
    life.submit(at(9_000_000)).unwrap();
    assert_eq!(life.state, PlanState::PendingApproval);
    assert_eq!(life.expires_at, Some(at(9_604_800)));
    life.submit(at(9_000_001)).unwrap();
    assert_eq!(
        life.expires_at,
        Some(at(9_604_800)),
        "it was submitted once"
    );
}

#[test]
fn an_edit_asks_everybody_anew_and_nobody_who_wrote_counts() {
    let mut life = submitted(1, true);
    life.approve("bob", at(1)).unwrap();
    life.edit("bob", Opening::Submitted, at(2)).unwrap();
    assert_eq!((life.revision, life.missing()), (2, 1));
    for author in ["ann", "bob"] {
        assert_eq!(life.approve(author, at(3)), Err(LifeRefusal::OwnPlan));
    }
    assert_eq!(life.approve("cem", at(3)), Ok(Counted::Counts));
}

#[test]
fn a_plan_expires_on_the_second_and_an_edit_brings_it_back() {
    for approved in [false, true] {
        let mut life = submitted(1, true);
        if approved {
            life.approve("bob", at(1)).unwrap();
        }
        life.expire(at(604_799));
        assert_ne!(life.state, PlanState::Expired);
        let dead = LifeRefusal::Dead(PlanState::Expired);
        assert_eq!(life.execute(at(604_800)), Err(dead.clone()));
        assert_eq!(life.approve("cem", at(604_801)), Err(dead.clone()));
        assert_eq!(life.reject(at(604_801)), Err(dead));
        life.edit("ann", Opening::Submitted, at(604_802)).unwrap();
        assert_eq!(life.state, PlanState::PendingApproval);
        assert_eq!(life.expires_at, Some(at(1_209_602)));
    }
}

#[test]
fn what_was_rejected_is_not_approved_but_edited() {
    let mut life = submitted(1, true);
    life.approve("bob", at(1)).unwrap();
    life.reject(at(2)).unwrap();
    life.reject(at(2)).unwrap();
    let dead = LifeRefusal::Dead(PlanState::Rejected);
    assert_eq!(life.approve("cem", at(3)), Err(dead.clone()));
    assert_eq!(life.submit(at(3)), Err(dead.clone()));
    assert_eq!(life.execute(at(3)), Err(dead));
    life.edit("ann", Opening::Draft, at(4)).unwrap();
    assert_eq!((life.state, life.revision), (PlanState::Draft, 2));
}

#[test]
fn whoever_approved_may_say_so_again_once_that_is_enough() {
    let mut life = submitted(2, true);
    life.approve("bob", at(1)).unwrap();
    life.rules.required = 1;
    assert_eq!(life.approve("bob", at(2)), Ok(Counted::Counts));
    assert_eq!(life.state, PlanState::Approved);
}

#[test]
fn an_approval_covers_a_fifth_more_and_ten() {
    let cases = [(0, 10), (4, 14), (5, 16), (10, 22), (99, 128), (1000, 1210)];
    for (approved, most) in cases {
        assert_eq!(covered(approved), most, "{approved}");
    }
    assert_eq!(covered(u64::MAX), u64::MAX);
}

#[derive(Clone, Debug)]
enum Act {
    Submit,
    Edit(u8, Opening),
    Approve(u8),
    Reject,
    Execute,
    Wait(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let opening = prop_oneof![
        Just(Opening::Draft),
        Just(Opening::Submitted),
        Just(Opening::Emergency)
    ];
    prop_oneof![
        2 => Just(Act::Submit),
        2 => (0..4u8, opening).prop_map(|(by, opening)| Act::Edit(by, opening)),
        6 => (0..6u8).prop_map(Act::Approve),
        1 => Just(Act::Reject),
        2 => Just(Act::Execute),
        1 => (0..400_000u32).prop_map(Act::Wait),
    ]
}

fn person(number: u8) -> String {
    format!("person {number}")
}

proptest! {
    #[test]
    fn approval_is_never_skipped(
        required in 0..4u32,
        four_eyes: bool,
        acts in proptest::collection::vec(act(), 0..40),
    ) {
        let rules = rules(required, four_eyes);
        let mut now = at(0);
        let mut life = PlanLife::begin(&person(0), Opening::Submitted, rules, now);
        let mut emergency = false;
        // Kept beside the machine: who wrote anything, who approved the newest revision.
        let mut authors = BTreeSet::from([person(0)]);
        let mut agreed: BTreeSet<String> = BTreeSet::new();
        for act in acts {
            let before = life.clone();
            let done = match act {
                Act::Wait(seconds) => {
                    now = Seconds(seconds).after(now);
                    Ok(())
                }
                Act::Submit => life.submit(now),
                Act::Edit(by, opening) => {
                    let done = life.edit(&person(by), opening, now);
                    if done.is_ok() {
                        authors.insert(person(by));
                        agreed.clear();
                        emergency = opening == Opening::Emergency;
                        prop_assert!(life.approvals.is_empty());
                        prop_assert_eq!(life.revision, before.revision + 1);
                    }
                    done
                }
                Act::Approve(by) => {
                    let done = life.approve(&person(by), now);
                    if done == Ok(Counted::Counts) {
                        agreed.insert(person(by));
                    }
                    done.map(drop)
                }
                Act::Reject => life.reject(now),
                Act::Execute => life.execute(now),
            };
            if matches!(before.state, PlanState::Executed | PlanState::Superseded) {
                prop_assert_eq!(&life, &before, "what is over stays as it is");
            }
            if done.is_err() {
                prop_assert_eq!(life.revision, before.revision);
                prop_assert_eq!(&life.approvals, &before.approvals);
            }
            if matches!(life.state, PlanState::Approved | PlanState::Executed) && !emergency {
                prop_assert!(agreed.len() >= required as usize, "{:?}", life);
            }
            if four_eyes {
                prop_assert!(agreed.is_disjoint(&authors), "an author counted");
            }
        }
    }
}
