//! Where plans stand: the rules of the core, with what is stored and what the configuration asks for.

use std::sync::Arc;

use fleetward_core::Timestamp;
use fleetward_core::plan::{Opening, PlanLife, PlanState, Review, Rules, covered};
use fleetward_core::seconds::Seconds;
use fleetward_store::approvals::{self, Approval, Said};
use fleetward_store::firmware::Firmware;
use fleetward_store::plans::{self, StoredPlan};
use fleetward_store::{StoreError, Tx, audit};
use sha2::{Digest as _, Sha256};

use crate::app::{App, AppError, Call};
use crate::config::Stage;

/// The server's name for approvals that nobody was asked for.
const POLICY: &str = "policy";
/// Its name for approvals that nobody could wait for.
const EMERGENCY: &str = "emergency";

/// The newest revision of a plan, and everything that was said of this one and those before.
pub(in crate::app) struct Standing {
    /// What may become of it.
    pub(in crate::app) life: PlanLife,
    /// What was said, by revision.
    pub(super) said: Vec<Approval>,
}

impl Standing {
    /// What was said of one revision.
    pub(super) fn of(&self, revision: u32) -> impl Iterator<Item = &Approval> {
        self.said.iter().filter(move |row| row.revision == revision)
    }

    /// Plans of earlier versions know their author by name alone.
    pub(super) fn seen_by(mut self, stored: &StoredPlan, call: &Call) -> Self {
        if self.life.authors.is_empty() && stored.created_by == call.principal.name {
            self.life.authors.push(call.principal.id.clone());
        }
        self
    }
}

impl App {
    /// What an environment asks of plans.
    pub(super) fn rules(&self, environment: &str) -> Rules {
        let asked = &self.config.approvals;
        let environment = self.config.environments.get(environment);
        let production = environment.is_none_or(|e| e.stage == Stage::Production);
        let needed = environment.is_none_or(|e| e.approval_required);
        Rules {
            required: if needed { asked.required } else { 0 },
            four_eyes: asked.four_eyes.unwrap_or(production),
            expires_after: Seconds(asked.expires_after.0),
        }
    }

    /// Where a plan stands at `now`.
    pub(in crate::app) fn standing(
        &self,
        tx: &Tx<'_>,
        stored: &StoredPlan,
        now: Timestamp,
    ) -> Result<Standing, StoreError> {
        let said = approvals::of_plan(tx, stored.plan_key)?;
        let ids = |rows: &mut dyn Iterator<Item = &Approval>| -> Vec<String> {
            rows.map(|row| row.by_id.clone()).collect()
        };
        let authors = ids(&mut said.iter().filter(|row| row.verdict == Said::Written));
        let agreed = ids(&mut said.iter().filter(|row| {
            row.verdict == Said::Approved
                && row.revision == stored.revision
                && row.digest == stored.digest
        }));
        let mut life = PlanLife {
            state: stored.state,
            revision: stored.revision,
            authors,
            approvals: agreed,
            rules: self.rules(&stored.plan.target_environment),
            expires_at: stored.expires_at,
        };
        life.expire(now);
        Ok(Standing { life, said })
    }

    /// Writes down that a plan has expired, where it has: a refusal that follows would not keep it.
    pub(in crate::app) async fn expire_if_due(
        self: &Arc<Self>,
        plan_id: &str,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let id = plan_id.to_owned();
        let due = self
            .store
            .read(move |tx| Ok::<_, StoreError>(expired(tx, &id, now)?.is_some()))
            .await?;
        if !due {
            return Ok(());
        }
        let id = plan_id.to_owned();
        let write = move |tx: &Tx<'_>| {
            let Some(mut stored) = expired(tx, &id, now)? else {
                return Ok::<_, StoreError>(());
            };
            stored.state = PlanState::Expired;
            plans::settle(tx, &stored)?;
            let entry = audit::Entry {
                actor: POLICY,
                source: "local",
                action: "plan.expire",
                object: &id,
            };
            let detail = serde_json::json!({ "revision": stored.revision });
            audit::write(tx, &entry, &detail, now)
        };
        Ok(self.store.write(write).await?)
    }
}

fn expired(tx: &Tx<'_>, plan_id: &str, now: Timestamp) -> Result<Option<StoredPlan>, StoreError> {
    let due = |plan: &StoredPlan| plan.state.waits() && plan.expires_at.is_some_and(|at| at <= now);
    Ok(plans::find(tx, plan_id)?.filter(due))
}

/// What an approval is bound to: the plan as it is written, the image behind its version, the revision.
pub(super) fn digest(text: &str, image: &Firmware, revision: u32) -> String {
    let mut digest = Sha256::new();
    for part in [text, &image.sha256, &revision.to_string()] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

/// Refuses a plan that is not, or whose image is not, what its digest was made of.
pub(in crate::app) fn check_bound(
    tx: &Tx<'_>,
    stored: &StoredPlan,
    image: &Firmware,
) -> Result<(), AppError> {
    let unbound = unbound(tx, stored, image)?;
    unbound.map_or(Ok(()), |why| Err(AppError::conflict("plan_changed", why)))
}

/// Refuses to update many more devices than an approval was for.
pub(in crate::app) fn check_size(stored: &StoredPlan, matching: u64) -> Result<(), AppError> {
    let grown = grown(stored, matching);
    grown.map_or(Ok(()), |why| Err(AppError::conflict("targets_grew", why)))
}

/// What is to be said of a plan that is not, or whose image is not, what its digest was made of.
pub(super) fn unbound(
    tx: &Tx<'_>,
    stored: &StoredPlan,
    image: &Firmware,
) -> Result<Option<String>, StoreError> {
    let text = plans::text(tx, stored.plan_key)?;
    if digest(&text, image, stored.revision) == stored.digest {
        return Ok(None);
    }
    let (id, version) = (&stored.plan_id, &image.version);
    Ok(Some(format!(
        "the plan, or the image behind version {version}, is not the one that was put to the \
         approvers: look at both and edit the plan (PUT /api/deployment-plans/{id}), which makes a \
         revision of what is there now"
    )))
}

/// What is to be said of a plan that matches many more devices than it was approved for.
pub(super) fn grown(stored: &StoredPlan, matching: u64) -> Option<String> {
    let approved = stored.devices?;
    let most = covered(approved);
    let id = &stored.plan_id;
    (matching > most).then(|| {
        format!(
            "the plan was approved for {approved} devices and now matches {matching}, more than the \
             {most} that the approval covers: approve it again (POST \
             /api/deployment-plans/{id}/approve), or edit it"
        )
    })
}

/// Takes over where a revision that was just opened stands, with who approved it if nobody was asked.
pub(super) fn opened(
    stored: &mut StoredPlan,
    life: &PlanLife,
    opening: Opening,
    (reason, matching, now): (Option<&String>, u64, Timestamp),
) {
    let approved = life.state == PlanState::Approved;
    let emergency = opening == Opening::Emergency;
    let by = if emergency { EMERGENCY } else { POLICY };
    stored.state = life.state;
    stored.revision = life.revision;
    stored.expires_at = life.expires_at;
    stored.approved = approved.then(|| (now, by.to_owned()));
    stored.comment = reason.filter(|_| emergency).cloned();
    stored.devices = approved.then_some(matching);
    stored.review = if emergency {
        Review::Owed
    } else {
        Review::None
    };
}

/// Keeps who wrote the newest revision, and who approved it if nobody was asked.
pub(super) fn say_opened(
    tx: &Tx<'_>,
    stored: &StoredPlan,
    author: &Approval,
) -> Result<(), StoreError> {
    approvals::record(tx, stored.plan_key, author)?;
    say_waived(tx, stored)
}

/// Keeps that nobody was asked, where nobody was.
pub(super) fn say_waived(tx: &Tx<'_>, stored: &StoredPlan) -> Result<(), StoreError> {
    let Some((at, by)) = &stored.approved else {
        return Ok(());
    };
    let waived = Approval {
        revision: stored.revision,
        verdict: Said::Approved,
        by_id: by.clone(),
        by_name: by.clone(),
        comment: stored.comment.clone(),
        digest: stored.digest.clone(),
        at: *at,
    };
    approvals::record(tx, stored.plan_key, &waived)
}

/// What the caller says of the newest revision.
pub(super) fn said(
    call: &Call,
    stored: &StoredPlan,
    verdict: Said,
    comment: Option<String>,
) -> Approval {
    Approval {
        revision: stored.revision,
        verdict,
        by_id: call.principal.id.clone(),
        by_name: call.principal.name.clone(),
        comment,
        digest: stored.digest.clone(),
        at: call.now,
    }
}

#[cfg(test)]
mod tests {
    use fleetward_core::plan::Review;
    use fleetward_store::Store;

    use super::*;

    fn image(sha256: &str) -> Firmware {
        Firmware {
            firmware_key: 1,
            firmware_id: "fw_1".into(),
            version: "1.2.0".into(),
            name: "os".into(),
            format: "raw".into(),
            file_name: "os.bin".into(),
            size: 10,
            sha256: sha256.into(),
            sha1: String::new(),
            md5: String::new(),
            hardware: Vec::new(),
            signed: false,
            findings: Vec::new(),
            withdrawn: None,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "ann".into(),
        }
    }

    fn stored() -> StoredPlan {
        let plan: fleetward_core::plan::Plan = serde_json::from_value(serde_json::json!({
            "name": "n", "firmware_version": "1.2.0", "target_environment": "field",
            "strategy": "immediate", "rollout_percentage": 100, "canary_percentage": 10,
            "canary_steps": [100], "batch_percentage": 50, "monitor_seconds": 0,
            "rollback_criteria": {}, "auto_rollback": true, "device_timeout": 3600,
            "rollback_timeout": 600, "offline_policy": "late",
        }))
        .unwrap();
        let text = serde_json::to_string(&plan).unwrap();
        StoredPlan {
            plan_key: 1,
            plan_id: "plan_1".into(),
            state: PlanState::Approved,
            revision: 1,
            digest: digest(&text, &image("a"), 1),
            plan,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "ann".into(),
            approved: None,
            comment: None,
            expires_at: None,
            devices: Some(100),
            review: Review::None,
        }
    }

    fn code(result: Result<(), AppError>) -> Option<&'static str> {
        match result {
            Err(AppError::Conflict { code, .. }) => Some(code),
            Ok(()) | Err(_) => None,
        }
    }

    #[test]
    fn an_approval_is_bound_to_plan_image_and_revision() {
        let store = Store::in_memory().unwrap();
        let bound = stored();
        let plan = bound.clone();
        store.write_now(move |tx| plans::insert(tx, &plan)).unwrap();
        let check = |stored: StoredPlan, sha256: &'static str| {
            let checked = store.read_now(move |tx| check_bound(tx, &stored, &image(sha256)));
            code(checked)
        };
        assert_eq!(check(bound.clone(), "a"), None);
        assert_eq!(check(bound.clone(), "b"), Some("plan_changed"));
        let later = StoredPlan {
            revision: 2,
            ..bound.clone()
        };
        assert_eq!(check(later, "a"), Some("plan_changed"));
        let text = "a plan that is written otherwise";
        let other = StoredPlan {
            digest: digest(text, &image("a"), 1),
            ..bound
        };
        assert_eq!(check(other, "a"), Some("plan_changed"));
    }

    #[test]
    fn an_approval_covers_about_as_many_devices_as_it_was_given_for() {
        assert_eq!(code(check_size(&stored(), 130)), None);
        let error = check_size(&stored(), 131).unwrap_err().to_string();
        assert!(
            error.contains("for 100 devices and now matches 131"),
            "{error}"
        );
        let unknown = StoredPlan {
            devices: None,
            ..stored()
        };
        assert_eq!(code(check_size(&unknown, 1_000_000)), None);
    }
}
