//! Ids on the command line: checked before anything is asked of the server, so that a mix-up is named as one.

const PLAN: &str = "plan_";
const EXECUTION: &str = "exec_";

/// The id of a plan.
pub(crate) fn plan(text: &str) -> Result<String, String> {
    if text.starts_with(EXECUTION) {
        return Err(format!(
            "`{text}` is an execution; `fleetward deploy status --execution-id {text}` shows its plan"
        ));
    }
    any(text).map_err(|reason| format!("{reason}; `fleetward plan list` shows the plans"))
}

/// The id of an execution.
pub(crate) fn execution(text: &str) -> Result<String, String> {
    if text.starts_with(PLAN) {
        return Err(format!(
            "`{text}` is a plan; `fleetward deploy list --plan-id {text}` shows its executions"
        ));
    }
    any(text).map_err(|reason| format!("{reason}; `fleetward deploy list` shows the executions"))
}

/// The id of anything that is not told by its beginning.
pub(crate) fn any(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("the id is empty".to_owned()),
        "." | ".." => Err(format!("`{text}` is no id")),
        id => Ok(id.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{execution, plan};

    #[test]
    fn mixed_up_ids_say_where_to_go() {
        assert_eq!(plan(" plan_1 "), Ok("plan_1".to_owned()));
        assert!(
            plan("exec_1")
                .unwrap_err()
                .contains("deploy status --execution-id exec_1")
        );
        assert!(
            execution("plan_1")
                .unwrap_err()
                .contains("deploy list --plan-id plan_1")
        );
        assert!(execution("").unwrap_err().contains("deploy list"));
        assert!(plan("..").unwrap_err().contains("plan list"));
    }
}
