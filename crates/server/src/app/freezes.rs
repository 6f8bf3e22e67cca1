//! Freezes: declaring, lifting and listing them. Which one is in force is found in the file beside this.

mod in_force;

pub use in_force::{FreezeInForce, FreezeSource, in_force, next_change};

use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::calendar;
use fleetward_store::freezes::{self, Freeze, FreezeFilter};
use fleetward_store::page::{Page, Paged};
use fleetward_store::{StoreError, Tx, executions};

use super::ids::new_id;
use super::views::time;
use super::{Aftermath, App, AppError, Call, Done};
use crate::api::types::{FreezeView, NewFreezeRequest};
use crate::auth::Right;

/// Most characters of a reason.
const REASON_MAX: usize = 500;

impl App {
    /// Declares a freeze, of one environment or of all of them.
    ///
    /// # Errors
    /// The caller may not, or the freeze can't be.
    pub async fn set_freeze(
        self: &Arc<Self>,
        call: &Call,
        request: NewFreezeRequest,
    ) -> Result<FreezeView, AppError> {
        let app = Arc::clone(self);
        let work = move |tx: &Tx<'_>, call: &Call| {
            // Only now: a repeat may come when the freeze is over.
            let new = app.new_freeze(call, request)?;
            freezes::insert(tx, &new)?;
            let value = declared(&find(tx, &new.freeze_id)?, call.now);
            call.audit(tx, "freeze.set", &new.freeze_id, &value)?;
            Ok(Done {
                value,
                aftermath: everybody_looks(tx)?,
            })
        };
        self.command(call, Right::Freeze, work).await
    }

    /// Lifts a freeze at once. Safe to repeat, and no change for one that is over.
    ///
    /// # Errors
    /// The caller may not, or there is no such freeze.
    pub async fn lift_freeze(
        self: &Arc<Self>,
        call: &Call,
        freeze_id: String,
    ) -> Result<(), AppError> {
        let work = move |tx: &Tx<'_>, call: &Call| {
            let found = find(tx, &freeze_id)?;
            let over = found.until.is_some_and(|until| until <= call.now);
            if over || !freezes::lift(tx, &freeze_id, &call.principal.name, call.now)? {
                return Ok(().into());
            }
            let lifted = declared(&find(tx, &freeze_id)?, call.now);
            call.audit(tx, "freeze.lift", &freeze_id, &lifted)?;
            Ok(Done {
                value: (),
                aftermath: everybody_looks(tx)?,
            })
        };
        self.command(call, Right::Freeze, work).await
    }

    /// One freeze that was declared.
    ///
    /// # Errors
    /// The caller may not read, or there is no such freeze.
    pub async fn freeze(&self, call: &Call, freeze_id: String) -> Result<FreezeView, AppError> {
        call.needs(Right::Read)?;
        let now = call.now;
        self.store
            .read(move |tx| Ok(declared(&find(tx, &freeze_id)?, now)))
            .await
    }

    /// A page of freezes: those that were declared, newest first, and then those of the configuration.
    ///
    /// # Errors
    /// The caller may not read, or the database fails.
    pub async fn freezes(
        self: &Arc<Self>,
        call: &Call,
        environment: Option<String>,
        standing: bool,
        page: Page,
    ) -> Result<Paged<FreezeView>, AppError> {
        call.needs(Right::Read)?;
        let (app, now) = (Arc::clone(self), call.now);
        let filter = FreezeFilter {
            environment,
            standing_at: standing.then_some(now),
        };
        self.store
            .read(move |tx| {
                let found = freezes::list(tx, &filter, page)?;
                if found.next.is_some() {
                    let rows = found.rows.iter().map(|row| declared(row, now)).collect();
                    let next = found.next;
                    return Ok(Paged { rows, next });
                }
                Ok(app.with_configured(found.rows, &filter, page, now))
            })
            .await
    }

    /// The freeze that is in force in an environment, as [`in_force`] finds it.
    ///
    /// # Errors
    /// The database fails.
    pub fn freeze_in_force(
        &self,
        tx: &Tx<'_>,
        environment: &str,
        now: Timestamp,
    ) -> Result<Option<FreezeInForce>, StoreError> {
        in_force(&self.config, tx, environment, now)
    }

    /// When that may be another one, as [`next_change`] finds it.
    ///
    /// # Errors
    /// The database fails.
    pub fn next_freeze_change(
        &self,
        tx: &Tx<'_>,
        environment: &str,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        next_change(&self.config, tx, environment, now)
    }

    fn new_freeze(&self, call: &Call, request: NewFreezeRequest) -> Result<Freeze, AppError> {
        if let Some(environment) = &request.environment {
            self.configured(environment)
                .map_err(|error| AppError::invalid("environment", error.to_string()))?;
        }
        let reason = request.reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_MAX {
            let message = format!("use 1 to {REASON_MAX} characters");
            return Err(AppError::invalid("reason", message));
        }
        let from = moment("from", request.from.as_deref())?;
        let until = moment("until", request.until.as_deref())?;
        let from = from.map_or(call.now, |from| from.max(call.now));
        if until.is_some_and(|until| until <= from) {
            let message = "name a moment that is after `from` and not past, or leave it out for a \
                           freeze that lasts until it is lifted";
            return Err(AppError::invalid("until", message));
        }
        Ok(Freeze {
            freeze_key: 0,
            freeze_id: new_id("freeze", call.now),
            environment: request.environment,
            from,
            until,
            reason: reason.to_owned(),
            created_at: call.now,
            created_by: call.principal.name.clone(),
            lifted: None,
        })
    }

    /// The last freezes that were declared, and behind them those of the configuration, whose places are
    /// 0, -1 and so on.
    fn with_configured(
        &self,
        last: Vec<Freeze>,
        filter: &FreezeFilter,
        page: Page,
        now: Timestamp,
    ) -> Paged<FreezeView> {
        let after = page.after.unwrap_or(i64::MAX);
        let own = filter.environment.as_deref();
        let places = (0..).map(|number: i64| -number);
        let periods = places
            .zip(self.config.freezes())
            .filter(|(place, (environment, period))| {
                let here = own.is_none() || environment.is_none() || *environment == own;
                let stands = |at| period.until.is_none_or(|until| until > at);
                *place < after && here && filter.standing_at.is_none_or(stands)
            })
            .map(|(place, (environment, period))| (place, configured(environment, period, now)));
        let last = last.iter().map(|row| (row.freeze_key, declared(row, now)));
        let mut keyed: Vec<(i64, FreezeView)> = last.chain(periods).collect();
        let more = keyed.len() > page.limit as usize;
        keyed.truncate(page.limit as usize);
        let next = keyed.last().filter(|_| more).map(|(place, _)| *place);
        Paged {
            rows: keyed.into_iter().map(|(_, view)| view).collect(),
            next,
        }
    }
}

/// Every execution that has devices to update finds out by itself what the change means to it.
fn everybody_looks(tx: &Tx<'_>) -> Result<Aftermath, StoreError> {
    Ok(Aftermath {
        wake: executions::due(tx)?,
        ..Aftermath::default()
    })
}

fn find(tx: &Tx<'_>, freeze_id: &str) -> Result<Freeze, AppError> {
    freezes::find(tx, freeze_id)?.ok_or_else(|| AppError::not_found("freeze", freeze_id))
}

/// A moment as a request writes it, in the whole milliseconds that are kept of it.
fn moment(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, AppError> {
    let Some(text) = text else { return Ok(None) };
    let exact = text.parse::<Timestamp>();
    exact
        .and_then(|exact| Timestamp::from_millisecond(exact.as_millisecond()))
        .map(Some)
        .map_err(|_| {
            let message = "use a date and a time with their offset from UTC, such as \
                           `2026-12-23T18:00:00+01:00`";
            AppError::invalid(field, message)
        })
}

/// A freeze that was declared, as the outside sees it.
fn declared(freeze: &Freeze, now: Timestamp) -> FreezeView {
    let (lifted_at, lifted_by) = freeze.lifted.clone().unzip();
    let status = if lifted_at.is_some() {
        "lifted"
    } else {
        status(freeze.from, freeze.until, now)
    };
    FreezeView {
        freeze_id: Some(freeze.freeze_id.clone()),
        source: "api".to_owned(),
        environment: freeze.environment.clone(),
        status: status.to_owned(),
        from: time(freeze.from),
        until: freeze.until.map(time),
        reason: freeze.reason.clone(),
        created_at: Some(time(freeze.created_at)),
        created_by: Some(freeze.created_by.clone()),
        lifted_at: lifted_at.map(time),
        lifted_by,
    }
}

/// A freeze period of the configuration, as the outside sees it.
fn configured(environment: Option<&str>, period: calendar::Freeze, now: Timestamp) -> FreezeView {
    FreezeView {
        freeze_id: None,
        source: "configuration".to_owned(),
        environment: environment.map(str::to_owned),
        status: status(period.from, period.until, now).to_owned(),
        from: time(period.from),
        until: period.until.map(time),
        reason: period.reason,
        created_at: None,
        created_by: None,
        lifted_at: None,
        lifted_by: None,
    }
}

fn status(from: Timestamp, until: Option<Timestamp>, now: Timestamp) -> &'static str {
    if now < from {
        "scheduled"
    } else if until.is_some_and(|until| until <= now) {
        "over"
    } else {
        "in_force"
    }
}
