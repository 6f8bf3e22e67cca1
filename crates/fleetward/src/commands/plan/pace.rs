//! The flags that say how fast a rollout goes.

use clap::Args;
use fleetward_server::api::types::{FailureDomainView, RateRequest, RateView};

use super::fields::percent;
use crate::error::CliError;

/// Where the help lists the flags of the pace.
pub(super) const HEADING: &str = "Fields of the plan: its pace";

/// How many devices are offered the update in a minute. A file has a number or an object.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct RateFlags {
    /// Most devices that are offered the update in any minute
    #[arg(long = "rate", value_name = "DEVICES")]
    per_minute: Option<u64>,
    /// What that rate is multiplied with as the rollout goes on, such as 2 or 1.5
    #[arg(long = "rate-factor", value_name = "NUMBER")]
    factor: Option<f64>,
    /// Devices after which it is multiplied, each time
    #[arg(long = "rate-every", value_name = "DEVICES")]
    every: Option<u64>,
    /// Which devices count: those that were offered the update, or those that took it
    #[arg(long = "rate-counting", value_parser = ["notified", "succeeded"])]
    counting: Option<String>,
    /// The rate never grows beyond this many devices in a minute
    #[arg(long = "rate-maximum", value_name = "DEVICES")]
    maximum: Option<u64>,
}

impl RateFlags {
    /// The rate of the file, with what the command line says instead where it says something.
    ///
    /// # Errors
    /// A growth is given and no rate to grow.
    pub(super) fn over(&self, file: Option<RateRequest>) -> Result<Option<RateRequest>, CliError> {
        let Self {
            per_minute,
            factor,
            every,
            counting,
            maximum,
        } = self;
        let grows = factor.is_some() || every.is_some() || counting.is_some() || maximum.is_some();
        if per_minute.is_none() && !grows {
            return Ok(file);
        }
        let file = file.map(RateView::from);
        let of_file = file.as_ref().map(|file| file.per_minute);
        let Some(per_minute) = per_minute.or(of_file) else {
            return Err(CliError::usage("there is no rate that could grow").hint(
                "say how many devices may be offered the update in a minute: --rate DEVICES",
            ));
        };
        let file = file.unwrap_or_default();
        Ok(Some(RateRequest::Growing(RateView {
            per_minute,
            factor: factor.or(file.factor),
            every: every.or(file.every),
            counting: counting.clone().or(file.counting),
            maximum: maximum.or(file.maximum),
        })))
    }
}

/// A place and its share, as `ATTRIBUTE=PERCENT`.
pub(super) fn failure_domain(text: &str) -> Result<FailureDomainView, String> {
    let wrong =
        || "give an attribute of devices and a share in percent, such as site=10".to_owned();
    let (attribute, share) = text.rsplit_once('=').ok_or_else(wrong)?;
    Ok(FailureDomainView {
        attribute: attribute.trim().to_owned(),
        max_percentage: percent(share).map_err(|_| wrong())?,
    })
}

#[cfg(test)]
mod tests {
    use fleetward_server::api::types::{RateRequest, RateView};

    use super::{RateFlags, failure_domain};

    fn file(text: &str) -> Option<RateRequest> {
        Some(serde_saphyr::from_str(text).unwrap())
    }

    #[test]
    fn the_command_line_changes_parts_of_a_rate() {
        let flags = RateFlags {
            factor: Some(2.0),
            every: Some(50),
            ..RateFlags::default()
        };
        let grown = |per_minute, maximum| {
            RateRequest::Growing(RateView {
                per_minute,
                factor: Some(2.0),
                every: Some(50),
                counting: None,
                maximum,
            })
        };
        assert_eq!(flags.over(file("10")).unwrap(), Some(grown(10, None)));
        let with_maximum = file("{ per_minute: 5, factor: 3, every: 7, maximum: 90 }");
        assert_eq!(flags.over(with_maximum).unwrap(), Some(grown(5, Some(90))));
        assert!(flags.over(None).is_err());
        let untouched = RateFlags::default().over(file("10")).unwrap();
        assert_eq!(untouched, Some(RateRequest::PerMinute(10)));
    }

    #[test]
    fn places_have_a_share() {
        let domain = failure_domain("site=12.5%").unwrap();
        assert_eq!(
            (domain.attribute.as_str(), domain.max_percentage),
            ("site", 12.5)
        );
        assert!(failure_domain("site").is_err() && failure_domain("site=all").is_err());
    }
}
