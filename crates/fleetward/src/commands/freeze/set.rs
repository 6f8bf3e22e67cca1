//! `fleetward freeze set`.

use clap::Args;
use fleetward_server::api::types::{FreezeView, NewFreezeRequest};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{end, id, place};
use crate::cli::Context;
use crate::error::{CliError, Ending};
use crate::page::moment;

/// Stop releasing at once: in one environment, or everywhere
///
/// Devices that were released before go on; rollbacks do too.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Only in this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<String>,
    /// When it ends, such as 2026-12-23T18:00:00Z; without an offset on the clock of this machine. Left out: when it is
    /// lifted
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// Why, for those who wait
    #[arg(long)]
    reason: String,
}

pub(super) async fn run(command: Set, context: &Context) -> Result<Ending, CliError> {
    let Set {
        environment,
        until,
        reason,
    } = command;
    let request = NewFreezeRequest {
        environment,
        from: None,
        until: until.map(|until| until.to_string()),
        reason,
    };
    let freeze: FreezeView = context.client()?.send(&["freezes"], &request, None).await?;
    context.output.show(&freeze, |page| {
        page.fields(&[
            ("Freeze", id(&freeze)),
            ("Environment", place(&freeze)),
            ("Status", freeze.status.clone()),
            ("From", moment(&freeze.from)),
            ("Until", end(&freeze)),
            ("Reason", freeze.reason.clone()),
        ]);
    })?;
    let lift = format!(
        "note: `fleetward freeze lift --freeze-id {}` ends it",
        id(&freeze)
    );
    context.output.note(&lift);
    Ok(Ending::Done)
}

/// A moment, by its offset or on the clock of this machine.
fn time(text: &str) -> Result<Timestamp, String> {
    let exact = text.parse::<Timestamp>();
    exact.or_else(|_| {
        let local = text.parse::<DateTime>().ok();
        let zoned = local.and_then(|local| local.to_zoned(TimeZone::system()).ok());
        zoned.map(|zoned| zoned.timestamp()).ok_or_else(|| {
            "write a date and a time, such as `2026-12-23 18:00` or `2026-12-23T18:00:00Z`"
                .to_owned()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn a_moment_is_one_with_and_without_an_offset() {
        let noon = time("2026-12-23T12:00:00Z").unwrap();
        assert_eq!(time("2026-12-23T13:00:00+01:00"), Ok(noon));
        let shown = crate::page::moment(&noon.to_string());
        assert_eq!(time(&shown), Ok(noon), "as lists show it: {shown}");
        for text in ["", "tomorrow", "2026-13-01", "12:00", "2h"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
