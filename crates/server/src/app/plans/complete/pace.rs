//! How fast a plan goes. Nothing limits it where nothing is said.

use fleetward_core::percent::Percent;
use fleetward_core::plan::{Counting, Factor, FailureDomain, Growth, Pace, Rate};

use super::problems::Problems;
use super::{DEVICES, Filling};
use crate::api::types::{FailureDomainView, RateView};

impl Filling<'_> {
    pub(super) fn pace(&mut self) -> Pace {
        let request = self.request;
        let problems = &mut self.problems;
        if let Some(most) = request.max_in_flight {
            problems.within("max_in_flight", most, DEVICES);
        }
        let asked = request.rate.clone().map(RateView::from);
        let domain = request.failure_domain.as_ref();
        Pace {
            max_in_flight: request.max_in_flight,
            rate: asked.map(|asked| rate(&asked, problems)),
            failure_domain: domain.map(|asked| failure_domain(asked, problems)),
        }
    }
}

fn rate(asked: &RateView, problems: &mut Problems) -> Rate {
    problems.within("rate.per_minute", asked.per_minute, DEVICES);
    Rate {
        per_minute: asked.per_minute,
        growth: growth(asked, problems),
    }
}

fn growth(asked: &RateView, problems: &mut Problems) -> Option<Growth> {
    let RateView {
        per_minute: _,
        factor,
        every,
        counting,
        maximum,
    } = asked;
    let counting = problems.word("rate.counting", counting.as_ref(), Counting::Succeeded);
    if let Some(every) = every {
        problems.within("rate.every", *every, DEVICES);
    }
    if let Some(maximum) = maximum {
        problems.within("rate.maximum", *maximum, DEVICES);
    }
    match (factor.map(Factor::try_from), *every) {
        (Some(Ok(factor)), Some(every)) => Some(Growth {
            factor,
            every,
            counting,
            maximum: *maximum,
        }),
        (Some(Err(error)), _) => {
            problems.add("rate.factor", error.to_string());
            None
        }
        (Some(Ok(_)), None) => {
            let message = "say after how many devices the rate is multiplied with rate.factor";
            problems.add("rate.every", message);
            None
        }
        (None, every) => {
            if every.is_some() || asked.counting.is_some() || maximum.is_some() {
                let message = "say what the rate is multiplied with, or leave out rate.every, \
                               rate.counting and rate.maximum: they are about a rate that grows";
                problems.add("rate.factor", message);
            }
            None
        }
    }
}

fn failure_domain(asked: &FailureDomainView, problems: &mut Problems) -> FailureDomain {
    let field = "failure_domain.max_percentage";
    let most = problems.percent(field, Some(asked.max_percentage), Percent::HUNDRED);
    FailureDomain {
        attribute: asked.attribute.clone(),
        max_percentage: most,
    }
}
