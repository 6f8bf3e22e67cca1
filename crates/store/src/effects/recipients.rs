//! Which devices of a set are offered the update next: in their order, within their zones, their places
//! and their retries.

use fleetward_core::Timestamp;
use fleetward_core::engine::{Order, Recipients};
use fleetward_core::ids::WaveIndex;
use fleetward_core::percent::Percent;

use crate::dialect;
use crate::params::params;
use crate::{StoreError, Tx};

/// Limits that every choice shares.
struct Within<'a> {
    execution_key: i64,
    at_most: u64,
    zones: Option<&'a [String]>,
    share: Option<Percent>,
    now: Timestamp,
}

/// The devices of `to` that are offered the update now.
pub(super) fn choose(
    tx: &Tx<'_>,
    execution_key: i64,
    to: Recipients,
    at_most: u64,
    zones: Option<&[String]>,
    order: &Order,
    now: Timestamp,
) -> Result<Vec<i64>, StoreError> {
    let within = Within {
        execution_key,
        at_most,
        zones,
        share: share(order),
        now,
    };
    match to {
        Recipients::Waves { through, staging } => {
            let able = if staging {
                "AND (SELECT can_stage FROM devices d WHERE d.device_key = a.device_key) = 1"
            } else {
                ""
            };
            let set = format!("a.status = 'pending' AND a.class = 'on_time' {able}");
            find(tx, &set, through.0, &within)
        }
        Recipients::Stragglers { joined } => {
            let classes = if joined {
                "('arrived', 'joined')"
            } else {
                "('arrived')"
            };
            let set = format!("a.status = 'pending' AND a.class IN {classes}");
            find(tx, &set, u32::MAX, &within)
        }
    }
}

/// Whose wait for a retry is over waits no longer for it, whether it gets an offer now or not: what holds
/// it then is something else.
pub(super) fn end_of_waits(
    tx: &Tx<'_>,
    execution_key: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE assignments SET retry_at = NULL
         WHERE execution_key = $1 AND retry_at IS NOT NULL AND retry_at <= $2",
        params![execution_key, now],
    )
    .map(drop)
}

/// The devices of a wave that filled their slot and may switch now.
pub(super) fn staged(
    tx: &Tx<'_>,
    execution_key: i64,
    wave: WaveIndex,
    at_most: u64,
    zones: Option<&[String]>,
    order: &Order,
) -> Result<Vec<i64>, StoreError> {
    let within = Within {
        execution_key,
        at_most,
        zones,
        share: share(order),
        now: Timestamp::MAX,
    };
    find(tx, "a.status = 'verifying'", wave.0, &within)
}

fn share(order: &Order) -> Option<Percent> {
    let domain = order.pace.failure_domain.as_ref();
    domain.map(|domain| domain.max_percentage)
}

fn find(tx: &Tx<'_>, set: &str, through: u32, within: &Within<'_>) -> Result<Vec<i64>, StoreError> {
    let Some(share) = within.share else {
        let found = first(tx, set, through, within, None)?;
        return Ok(found.into_iter().map(|(.., device)| device).collect());
    };
    let mut found = first(
        tx,
        &format!("{set} AND a.domain = ''"),
        through,
        within,
        None,
    )?;
    for (domain, room) in places_with_room(tx, set, through, within, share)? {
        found.extend(first(tx, set, through, within, Some((&domain, room)))?);
    }
    found.sort_unstable();
    found.truncate(usize::try_from(within.at_most).unwrap_or(usize::MAX));
    Ok(found.into_iter().map(|(.., device)| device).collect())
}

/// The first devices of a set by wave and place, of one domain where one is given.
fn first(
    tx: &Tx<'_>,
    set: &str,
    through: u32,
    within: &Within<'_>,
    domain: Option<(&str, u64)>,
) -> Result<Vec<(u32, i64, i64)>, StoreError> {
    let zones = serde_json::to_string(&within.zones).map_err(StoreError::damaged)?;
    let in_zones = if within.zones.is_some() {
        format!("AND COALESCE(a.zone, '') IN {}", dialect::list("$5"))
    } else {
        "AND $5 IS NOT NULL".to_owned()
    };
    let in_domain = if domain.is_some() {
        "AND a.domain = $6"
    } else {
        ""
    };
    let sql = format!(
        "SELECT a.wave, a.place, a.device_key FROM assignments a
         WHERE a.execution_key = $1 AND a.wave <= $2 AND {set}
           AND (a.retry_at IS NULL OR a.retry_at <= $3) {in_zones} {in_domain}
         ORDER BY a.wave, a.place LIMIT $4"
    );
    let room = domain.map_or(u64::MAX, |(_, room)| room);
    let most = i64::try_from(within.at_most.min(room)).unwrap_or(i64::MAX);
    let name = domain.map(|(name, _)| name);
    let all = params![
        within.execution_key,
        through,
        within.now,
        most,
        &zones,
        name
    ];
    let used = if domain.is_some() { 6 } else { 5 };
    tx.query(&sql, &all[..used], |row| {
        Ok((row.small(0)?, row.int(1)?, row.int(2)?))
    })
}

/// The places at which further devices may be under way and some wait, and how many may.
fn places_with_room(
    tx: &Tx<'_>,
    set: &str,
    through: u32,
    within: &Within<'_>,
    share: Percent,
) -> Result<Vec<(String, u64)>, StoreError> {
    let sql = format!(
        "SELECT domain, MAX((devices * $3 + 9999) / 10000, 1) - busy FROM domains
         WHERE execution_key = $1 AND busy < MAX((devices * $3 + 9999) / 10000, 1)
           AND EXISTS (SELECT 1 FROM assignments a WHERE a.execution_key = $1
              AND a.domain = domains.domain AND a.wave <= $2 AND {set})"
    );
    let values = params![within.execution_key, through, share.hundredths()];
    tx.query(&sql, values, |row| Ok((row.text(0)?, row.count(1)?)))
}
