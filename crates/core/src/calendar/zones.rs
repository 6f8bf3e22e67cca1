//! The zones of the world, from the database inside the program: the same on every machine.

use std::sync::LazyLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Not the database of the machine, which may be older, newer or missing.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A name that no time zone has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a time zone: write a name of the IANA database, for instance `Europe/Berlin` or `UTC`"
)]
pub struct UnknownTimezone(pub String);

/// Whether a time zone has this name. Upper and lower case make no difference.
#[must_use]
pub fn is_timezone(name: &str) -> bool {
    find(name).is_some()
}

/// The zone of this name.
pub(super) fn find(name: &str) -> Option<TimeZone> {
    let zone = ZONES.get(name).ok()?;
    (!zone.is_unknown()).then_some(zone)
}

/// The zone of this name, or what to say where there is none.
pub(super) fn known(name: &str) -> Result<TimeZone, UnknownTimezone> {
    find(name).ok_or_else(|| UnknownTimezone(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_their_names() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "europe/berlin",
            "US/Eastern",
            "Etc/GMT+5",
        ] {
            assert!(is_timezone(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            " UTC",
            "Mars/Phobos",
            "+02:00",
            "Etc/Unknown",
            "CET-1CEST",
            "../UTC",
        ] {
            assert!(!is_timezone(name), "{name}");
        }
        assert_eq!(
            known("Europe/Belin").unwrap_err().to_string(),
            "`Europe/Belin` is not a time zone: write a name of the IANA database, \
             for instance `Europe/Berlin` or `UTC`"
        );
    }
}
