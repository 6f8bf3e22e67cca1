//! The engine against random fleets, plans and events: what must hold in every history.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod answers;
mod ending;
mod story;
mod verdicts;
mod watcher;

use fleetward_core::rehearsal::{Line, Rehearsal};
use fleetward_core::seconds::Seconds;
use proptest::prelude::*;

use story::{Story, story};
use watcher::Watcher;

/// Most things that may happen in one history; more would be a clock that does not move.
const MOST_EVENTS: usize = 20_000;

/// Runs a history to its end, checking after everything that happens.
fn run(story: &Story) -> Rehearsal {
    let mut rehearsal = story.rehearsal();
    let mut watcher = Watcher::of(story, &rehearsal);
    let end = Seconds(60 * 86_400).after(story.last_event());
    for _ in 0..MOST_EVENTS {
        if !rehearsal.advance_watched(end, &mut |moment| watcher.see(&moment)) {
            return rehearsal;
        }
        watcher.check(&rehearsal);
    }
    panic!(
        "the clock stands still at {} in {:?}",
        rehearsal.now(),
        rehearsal.rollout().phase
    );
}

fn transcript(rehearsal: &Rehearsal) -> &[Line] {
    rehearsal.transcript()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]
    #[test]
    fn every_history_is_sound(story in story()) {
        let rehearsal = run(&story);
        ending::check(&story, &rehearsal);
        let mut again = story.rehearsal();
        let end = rehearsal.now();
        while again.advance(end) {}
        prop_assert_eq!(transcript(&rehearsal), transcript(&again), "the same again");
    }
}
