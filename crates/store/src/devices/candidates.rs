//! Devices that a plan could target, one after the other: what decides whether it does, and where they are.

use fleetward_core::Timestamp;

use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

/// A device that a plan could target.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Its number here.
    pub device_key: i64,
    /// Its own id.
    pub device_id: &'a str,
    /// Hardware model.
    pub model: &'a str,
    /// Hardware revision.
    pub revision: &'a str,
    /// It runs this version already.
    pub up_to_date: bool,
    /// It did not go back before and needs a person.
    pub quarantined: bool,
    /// The version that it runs.
    pub version: &'a str,
    /// The lowest version that it may run; empty when none is known.
    pub security_floor: &'a str,
    /// When it was last heard of, to within the flush interval.
    pub last_seen_at: Option<Timestamp>,
}

/// Where a device says that it is.
#[derive(Clone, Debug)]
pub struct Whereabouts {
    /// Its number here.
    pub device_key: i64,
    /// The name of its time zone.
    pub zone: Option<String>,
    /// Its place: the value of the attribute that was asked for.
    pub domain: Option<String>,
}

/// Shows each device of an environment, or of some of its groups, that could be updated to `version`.
///
/// # Errors
/// The database fails.
pub fn candidates(
    tx: &Tx<'_>,
    environment: &str,
    groups: &[String],
    version: &str,
    mut show: impl FnMut(Candidate<'_>),
) -> Result<(), StoreError> {
    let wanted = serde_json::to_string(groups).map_err(StoreError::damaged)?;
    let narrowed = narrowed(groups, "$3");
    let sql = format!(
        "SELECT device_key, device_id, model, revision, version = $2, quarantined, version,
            security_floor, last_seen_at
         FROM devices WHERE environment = $1 {narrowed}"
    );
    let all = params![environment, version, &wanted];
    let values = if groups.is_empty() { &all[..2] } else { all };
    tx.each(&sql, values, |row| {
        show(Candidate {
            device_key: row.int(0)?,
            device_id: row.str(1)?,
            model: row.str(2)?,
            revision: row.str(3)?,
            up_to_date: row.truth(4)?,
            quarantined: row.truth(5)?,
            version: row.str(6)?,
            security_floor: row.str(7)?,
            last_seen_at: row.time_opt(8)?,
        });
        Ok(())
    })
}

/// Shows where each device of an environment, or of some of its groups, says that it is: its time zone, and its place
/// by one attribute if that is asked for.
///
/// # Errors
/// The database fails.
pub fn whereabouts(
    tx: &Tx<'_>,
    environment: &str,
    groups: &[String],
    domain: Option<&str>,
    mut show: impl FnMut(Whereabouts),
) -> Result<(), StoreError> {
    let wanted = serde_json::to_string(groups).map_err(StoreError::damaged)?;
    let narrowed = narrowed(groups, "$3");
    let sql = format!(
        "SELECT device_key, attributes ->> 'timezone', attributes ->> $2
         FROM devices WHERE environment = $1 {narrowed}"
    );
    let all = params![environment, domain, &wanted];
    let values = if groups.is_empty() { &all[..2] } else { all };
    tx.each(&sql, values, |row| {
        show(Whereabouts {
            device_key: row.int(0)?,
            zone: row.text_opt(1)?,
            domain: row.text_opt(2)?,
        });
        Ok(())
    })
}

/// Narrows to devices in one of these groups, which a parameter lists; to all when there are none.
fn narrowed(groups: &[String], parameter: &str) -> String {
    if groups.is_empty() {
        return String::new();
    }
    let list = dialect::list(parameter);
    format!("AND EXISTS (SELECT 1 FROM {list} WHERE instr(device_groups, ',' || value || ',') > 0)")
}
