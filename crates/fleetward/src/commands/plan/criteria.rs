//! The flags that say when a rollout stops and which devices are tried again.

use std::collections::BTreeMap;

use clap::Args;
use fleetward_server::api::types::{CriteriaRequest, FailureLimitView, RetryView};

use super::fields::percent;

/// When to stop, and what to try again. A file has these as objects.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Fields of the plan: when it stops")]
pub(super) struct CriteriaFlags {
    /// Most failures before it stops
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) max_failure_rate: Option<f64>,
    /// How that limit is applied: when a wave is certain to be over it, or when the evidence is significant
    #[arg(long, value_parser = ["threshold", "sequential"])]
    pub(super) judgement: Option<String>,
    /// Limit of one kind of failure, such as install_failed=2 or timed_out=5%:3; may be given more than once
    ///
    /// The second number is how many devices at least must have failed so.
    #[arg(long = "failure-limit", value_name = "KIND=PERCENT[:MIN]", value_parser = failure_limit)]
    pub(super) failure_limits: Vec<(String, FailureLimitView)>,
    /// Least share of a wave that must come for a verdict
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(super) min_judged: Option<f64>,
    /// Further attempts after one kind of failure, such as install_failed=2 or timed_out=3:600; may be given more than
    /// once
    ///
    /// The second number is the seconds until the first of them; each later one waits twice as long.
    #[arg(long = "retry", value_name = "KIND=TIMES[:BACKOFF]", value_parser = retry)]
    pub(super) retries: Vec<(String, RetryView)>,
}

impl CriteriaFlags {
    /// The criteria of the file, with those of the command line instead where they are given.
    pub(super) fn over(&self, file: Option<CriteriaRequest>) -> Option<CriteriaRequest> {
        let Self {
            max_failure_rate,
            judgement,
            failure_limits,
            min_judged,
            retries: _,
        } = self;
        let given = max_failure_rate.is_some()
            || judgement.is_some()
            || !failure_limits.is_empty()
            || min_judged.is_some();
        if !given {
            return file;
        }
        let file = file.unwrap_or_default();
        Some(CriteriaRequest {
            max_failure_rate: max_failure_rate.or(file.max_failure_rate),
            judgement: judgement.clone().or(file.judgement),
            failure_limits: with(file.failure_limits, failure_limits),
            min_judged: min_judged.or(file.min_judged),
            health_check_failure: file.health_check_failure,
            performance_degradation: file.performance_degradation,
            user_reported_issues: file.user_reported_issues,
        })
    }

    /// The retries of the file, with those of the command line instead where they are given.
    pub(super) fn retries_over(
        &self,
        file: Option<BTreeMap<String, RetryView>>,
    ) -> Option<BTreeMap<String, RetryView>> {
        with(file, &self.retries)
    }
}

/// What the file says of each kind, or the command line where it says something.
fn with<T: Clone>(
    file: Option<BTreeMap<String, T>>,
    given: &[(String, T)],
) -> Option<BTreeMap<String, T>> {
    if given.is_empty() {
        return file;
    }
    let mut all = file.unwrap_or_default();
    all.extend(given.iter().cloned());
    Some(all)
}

/// `KIND=FIRST[:SECOND]` in its parts.
fn parts(text: &str) -> Option<(String, &str, Option<&str>)> {
    let (kind, numbers) = text.split_once('=')?;
    let (first, second) = match numbers.split_once(':') {
        Some((first, second)) => (first, Some(second)),
        None => (numbers, None),
    };
    Some((kind.trim().to_owned(), first, second))
}

fn failure_limit(text: &str) -> Result<(String, FailureLimitView), String> {
    let wrong = || {
        "give a kind of failure, a share in percent and, if wanted, the least number of devices, such as install_failed=2 or timed_out=5:3".to_owned()
    };
    let (kind, rate, count) = parts(text).ok_or_else(wrong)?;
    let limit = FailureLimitView {
        max_rate: percent(rate).map_err(|_| wrong())?,
        min_count: number(count).map_err(|()| wrong())?,
    };
    Ok((kind, limit))
}

fn retry(text: &str) -> Result<(String, RetryView), String> {
    let wrong = || {
        "give a kind of failure, a number of attempts and, if wanted, the seconds until the first, such as install_failed=2 or timed_out=3:600".to_owned()
    };
    let (kind, times, backoff) = parts(text).ok_or_else(wrong)?;
    let retry = RetryView {
        times: times.trim().parse().map_err(|_| wrong())?,
        backoff: number(backoff).map_err(|()| wrong())?,
    };
    Ok((kind, retry))
}

fn number<T: std::str::FromStr>(text: Option<&str>) -> Result<Option<T>, ()> {
    text.map(|text| text.trim().parse().map_err(drop))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::{CriteriaFlags, failure_limit, retry};

    #[test]
    fn limits_and_retries_have_one_number_or_two() {
        let (kind, limit) = failure_limit("timed_out=2.5%:3").unwrap();
        assert_eq!(
            (kind.as_str(), limit.max_rate, limit.min_count),
            ("timed_out", 2.5, Some(3))
        );
        assert_eq!(failure_limit("timed_out=2").unwrap().1.min_count, None);
        let (kind, again) = retry("install_failed=2:60").unwrap();
        assert_eq!(
            (kind.as_str(), again.times, again.backoff),
            ("install_failed", 2, Some(60))
        );
        assert_eq!(retry("install_failed=2").unwrap().1.backoff, None);
        for wrong in ["timed_out", "timed_out=", "timed_out=1:", "timed_out=-1"] {
            assert!(failure_limit(wrong).is_err(), "{wrong}");
            assert!(retry(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_kind_on_the_command_line_leaves_the_others_of_the_file() {
        let flags = CriteriaFlags {
            retries: vec![retry("timed_out=1").unwrap()],
            failure_limits: vec![failure_limit("timed_out=1").unwrap()],
            ..CriteriaFlags::default()
        };
        let file = |text: &str| Some(serde_saphyr::from_str(text).unwrap());
        let retries = flags.retries_over(file(
            "{ timed_out: { times: 9 }, install_failed: { times: 2 } }",
        ));
        let times: Vec<u32> = retries.unwrap().values().map(|retry| retry.times).collect();
        assert_eq!(times, [2, 1]);
        let limits = flags.over(None).unwrap().failure_limits.unwrap();
        assert_eq!(limits.len(), 1);
        assert!(CriteriaFlags::default().over(None).is_none());
    }
}
