//! What a plan will do, before it does it: when each wave comes, how much harm is possible, and what
//! its author may not have meant.
//!
//! Everything is computed from the plan and the sizes of its waves. Which devices match and which are
//! left out is the server's; a rollout on imagined devices is [`rehearsal`](crate::rehearsal)'s.

mod gates;
mod harm;
mod span;
mod timetable;
mod warnings;

pub use harm::{Harm, harm};
pub use timetable::{Circumstances, DEVICE_SECONDS, Timetable, WaveTime, timetable};
pub use warnings::warnings;

#[cfg(test)]
mod tests_support {
    use serde_json::json;

    use crate::percent::Percent;
    use crate::plan::{Counting, Factor, Growth, Judgement, Plan, Rate};

    pub(super) fn plan(strategy: &str) -> Plan {
        serde_json::from_value(json!({
            "name": "Rollout",
            "firmware_version": "1.2.0",
            "target_environment": "production",
            "strategy": strategy,
            "rollout_percentage": 100,
            "canary_percentage": 10,
            "canary_steps": [25, 50, 100],
            "batch_percentage": 10,
            "monitor_seconds": 0,
            "rollback_criteria": {},
            "auto_rollback": true,
            "device_timeout": 3600,
            "rollback_timeout": 1800,
            "offline_policy": "late",
        }))
        .unwrap()
    }

    /// A rolling plan with a limit on failures.
    pub(super) fn limited(max_failure_rate: u32, judgement: Judgement) -> Plan {
        let mut plan = plan("rolling");
        plan.rollback_criteria.max_failure_rate = Some(Percent::whole(max_failure_rate));
        plan.rollback_criteria.judgement = judgement;
        plan
    }

    /// A rate that doubles every so many devices.
    pub(super) fn doubling(per_minute: u64, every: u64, counting: Counting) -> Rate {
        let growth = Growth {
            factor: Factor::try_from(2.0).unwrap(),
            every,
            counting,
            maximum: None,
        };
        Rate {
            per_minute,
            growth: Some(growth),
        }
    }
}
