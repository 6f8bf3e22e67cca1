//! Why an execution that is queued has not started, as far as its view says.

use fleetward_server::api::types::ExecutionView;

use crate::page::moment;

/// What a queued execution waits for; nothing where it is not queued.
pub(crate) fn reason(execution: &ExecutionView) -> Option<String> {
    if execution.status != "queued" {
        return None;
    }
    let said = execution.why.as_ref().or(execution.reason.as_ref());
    Some(match (said, &execution.starts_at) {
        (Some(reason), _) => reason.clone(),
        (None, Some(at)) => format!("scheduled: not before {}", moment(at)),
        (None, None) => "waits for its turn: others come first".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use fleetward_server::api::types::ExecutionView;
    use serde_json::{Value, json};

    use super::reason;

    fn execution(changes: &Value) -> ExecutionView {
        let mut json = json!({
            "execution_id": "exec_1", "plan_id": "plan_1", "name": "", "environment": "field",
            "firmware_version": "1.0.0", "strategy": "canary", "status": "queued", "finished": false,
            "reason": null, "current_wave": null, "devices": 0, "excluded": {}, "progress": 0.0, "counts": {},
            "late": 0, "waves": [], "started_at": "", "started_by": "", "finished_at": null,
        });
        for (name, value) in changes.as_object().unwrap() {
            json[name] = value.clone();
        }
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn those_that_wait_say_for_what() {
        let of = |changes: Value| reason(&execution(&changes));
        let turn = of(json!({})).unwrap();
        assert!(turn.contains("its turn"), "{turn}");
        let later = of(json!({"starts_at": "soon"})).unwrap();
        assert_eq!(later, "scheduled: not before soon");
        assert_eq!(of(json!({"reason": "2 before it"})).unwrap(), "2 before it");
        let queued = json!({"why": "queued with 2 before it", "starts_at": "soon"});
        assert_eq!(of(queued).unwrap(), "queued with 2 before it");
        assert_eq!(
            of(json!({"status": "releasing", "starts_at": "soon"})),
            None
        );
    }
}
