//! Which freeze is in force: of those that people declared and those of the configuration, the one that ends last.

use fleetward_core::Timestamp;
use fleetward_core::calendar::Freeze;
use fleetward_store::freezes::{self, StandingFreeze};
use fleetward_store::{StoreError, Tx};

use crate::config::Config;

/// A freeze that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeInForce {
    /// Where nothing is released; anywhere when absent.
    pub environment: Option<String>,
    /// When it ends; when it is lifted, where this is absent.
    pub until: Option<Timestamp>,
    /// Why, for those who wait.
    pub reason: String,
    /// Where it comes from.
    pub source: FreezeSource,
}

/// Where a freeze comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FreezeSource {
    /// A freeze period of the configuration.
    Configuration,
    /// Somebody declared it.
    Api {
        /// The id to lift it by.
        freeze_id: String,
        /// Who declared it.
        by: String,
    },
}

impl From<StandingFreeze> for FreezeInForce {
    fn from(standing: StandingFreeze) -> Self {
        let StandingFreeze {
            freeze_id,
            environment,
            until,
            reason,
            created_by: by,
        } = standing;
        Self {
            environment,
            until,
            reason,
            source: FreezeSource::Api { freeze_id, by },
        }
    }
}

/// The freeze that is in force at `now` in an environment: its own or one of all environments, declared or
/// configured, and of several the one that ends last.
///
/// # Errors
/// The database fails.
pub fn in_force(
    config: &Config,
    tx: &Tx<'_>,
    environment: &str,
    now: Timestamp,
) -> Result<Option<FreezeInForce>, StoreError> {
    let declared = freezes::standing(tx, environment, now)?.map(FreezeInForce::from);
    let periods = periods(config, environment)
        .filter(|(_, period)| period.covers(now))
        .map(|(own, period)| FreezeInForce {
            environment: own.map(str::to_owned),
            until: period.until,
            reason: period.reason,
            source: FreezeSource::Configuration,
        });
    let all = declared.into_iter().chain(periods);
    Ok(all.max_by_key(|freeze| freeze.until.unwrap_or(Timestamp::MAX)))
}

/// The next moment after `now` at which a freeze that holds in an environment begins or ends by itself.
///
/// # Errors
/// The database fails.
pub fn next_change(
    config: &Config,
    tx: &Tx<'_>,
    environment: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let declared = freezes::next_change(tx, environment, now)?;
    let periods = periods(config, environment).filter_map(|(_, it)| it.changes_after(now));
    Ok(declared.into_iter().chain(periods).min())
}

/// The freeze periods of the configuration that hold in an environment.
fn periods<'c>(
    config: &'c Config,
    environment: &'c str,
) -> impl Iterator<Item = (Option<&'c str>, Freeze)> {
    let all = config.freezes();
    all.filter(move |(own, _)| own.is_none_or(|own| own == environment))
}

#[cfg(test)]
mod tests {
    use fleetward_store::Store;

    use super::*;
    use crate::config::{Sources, check};

    const CONFIG: &str = "
freeze_periods:
  - {from: '2026-12-24T00:00:00Z', until: '2026-12-27T00:00:00Z', reason: Holidays}
environments:
  field:
    stage: production
    freeze_periods:
      - {from: '2026-12-23T00:00:00Z', until: '2026-12-28T00:00:00Z', reason: Inventory}
  lab: {stage: testing}
";

    fn at(day: &str) -> Timestamp {
        format!("2026-12-{day}T12:00:00Z").parse().unwrap()
    }

    fn midnight(day: &str) -> Timestamp {
        format!("2026-12-{day}T00:00:00Z").parse().unwrap()
    }

    fn config() -> Config {
        let nothing = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let sources = Sources::of(|_| None, nothing);
        check("test.yaml", CONFIG, &sources).unwrap().0
    }

    fn reason(config: &Config, store: &Store, environment: &str, day: &str) -> Option<String> {
        let found = store.read_now(|tx| in_force(config, tx, environment, at(day)));
        found.unwrap().map(|freeze| freeze.reason)
    }

    fn declare(store: &Store, environment: Option<&str>, until: Option<Timestamp>) {
        let new = freezes::Freeze {
            freeze_key: 0,
            freeze_id: "freeze_1".to_owned(),
            environment: environment.map(str::to_owned),
            from: at("22"),
            until,
            reason: "Recall".to_owned(),
            created_at: at("22"),
            created_by: "ann".to_owned(),
            lifted: None,
        };
        store.write_now(|tx| freezes::insert(tx, &new)).unwrap();
    }

    #[test]
    fn periods_of_the_configuration_are_freezes() {
        let (config, store) = (config(), Store::in_memory().unwrap());
        let seen = |environment| {
            ["22", "23", "25", "27", "28"].map(|day| reason(&config, &store, environment, day))
        };
        let some = |text: &str| Some(text.to_owned());
        let all_along = [
            None,
            some("Inventory"),
            some("Inventory"),
            some("Inventory"),
            None,
        ];
        assert_eq!(seen("field"), all_along);
        assert_eq!(seen("lab"), [None, None, some("Holidays"), None, None]);
        let next = |day| {
            let found = store.read_now(|tx| next_change(&config, tx, "field", at(day)));
            found.unwrap()
        };
        let days = ["22", "23", "25", "27", "28"].map(next);
        let changes = ["23", "24", "27", "28"].map(|day| Some(midnight(day)));
        assert_eq!(days[..4], changes);
        assert_eq!(days[4], None);
    }

    #[test]
    fn a_declared_one_that_ends_later_is_named_with_who_declared_it() {
        let (config, store) = (config(), Store::in_memory().unwrap());
        declare(&store, None, None);
        let found = store.read_now(|tx| in_force(&config, tx, "field", at("25")));
        let expected = FreezeInForce {
            environment: None,
            until: None,
            reason: "Recall".to_owned(),
            source: FreezeSource::Api {
                freeze_id: "freeze_1".to_owned(),
                by: "ann".to_owned(),
            },
        };
        assert_eq!(found.unwrap(), Some(expected));
    }

    #[test]
    fn a_declared_one_that_ends_earlier_only_changes_when_to_look_again() {
        let (config, store) = (config(), Store::in_memory().unwrap());
        declare(&store, Some("field"), Some(midnight("26")));
        assert_eq!(
            reason(&config, &store, "field", "22").as_deref(),
            Some("Recall")
        );
        assert_eq!(
            reason(&config, &store, "field", "25").as_deref(),
            Some("Inventory")
        );
        assert_eq!(reason(&config, &store, "lab", "22"), None);
        let next = store.read_now(|tx| next_change(&config, tx, "field", at("25")));
        assert_eq!(next.unwrap(), Some(midnight("26")));
    }
}
