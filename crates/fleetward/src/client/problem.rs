//! Problem documents (RFC 9457), and what else a server may say instead of doing as it was asked.

use reqwest::{Response, StatusCode};
use serde::Deserialize;

use crate::error::{CliError, ErrorKind};

/// The most characters of an answer that is no problem document.
const EXCERPT: usize = 200;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: String,
    code: String,
    detail: Option<String>,
    hint: Option<String>,
    errors: Vec<FieldError>,
}

#[derive(Debug, Deserialize)]
struct FieldError {
    field: String,
    message: String,
}

/// The error that a refusing response stands for.
pub(super) async fn read(response: Response) -> CliError {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    refusal(status, &body)
}

fn refusal(status: StatusCode, body: &[u8]) -> CliError {
    let kind = match status {
        StatusCode::NOT_FOUND => ErrorKind::Missing,
        _ if status.is_client_error() => ErrorKind::Refused,
        _ => ErrorKind::Network,
    };
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        let excerpt: String = String::from_utf8_lossy(body)
            .chars()
            .take(EXCERPT)
            .collect();
        let message = format!("the server answered {status}: {}", excerpt.trim());
        return CliError::new(kind, message.trim_end_matches([':', ' ']))
            .hint("this is no answer of Fleetward; is the address that of the server, and not of something before it?");
    };
    let mut message = match problem.detail {
        Some(detail) if !detail.is_empty() => detail,
        Some(_) | None if !problem.title.is_empty() => problem.title,
        Some(_) | None => format!("the server answered {status}"),
    };
    for FieldError {
        field,
        message: reason,
    } in &problem.errors
    {
        message.push_str(&format!("\n  {field}: {reason}"));
    }
    let mut error = CliError::new(kind, message);
    if let Some(hint) = problem.hint {
        error = error.hint(hint);
    } else if let Some(advice) = advice(&problem.code) {
        error = error.hint(advice);
    } else if status == StatusCode::UNAUTHORIZED {
        error = error.hint("give a valid key with --api-key or FLEETWARD_API_KEY");
    } else if status == StatusCode::FORBIDDEN {
        error = error.hint("use a key with a role that may do this; an admin makes one with `fleetward key create`");
    }
    error
}

/// What to do on the command line about a refusal with this code.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "own_plan" => {
            "use the key of somebody else; an admin makes one with `fleetward key create --role approver`"
        }
        "not_approved" => "`fleetward plan show PLAN` says what the plan waits for",
        "not_promoted" => {
            "`fleetward deploy execute --override-promotion REASON` does it all the same, with an admin's key"
        }
        "not_editable" => "`fleetward plan create` makes a new one",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::{ErrorKind, refusal};

    #[test]
    fn a_problem_document_speaks_for_itself() {
        let body = br#"{"type":"about:blank","title":"Invalid","status":422,"detail":"the plan is invalid",
            "code":"invalid","hint":"mend it","errors":[{"field":"strategy","message":"is not a strategy"}]}"#;
        let error = refusal(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(error.kind(), ErrorKind::Refused);
        let text = "error: the plan is invalid\n  strategy: is not a strategy\n  hint: mend it";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_refused_key_has_advice_even_without_a_hint() {
        let error = refusal(StatusCode::UNAUTHORIZED, br#"{"title":"Unauthorized"}"#);
        assert!(error.to_string().contains("FLEETWARD_API_KEY"), "{error}");
    }

    #[test]
    fn refusals_of_plans_say_which_command_helps() {
        let own = refusal(
            StatusCode::CONFLICT,
            br#"{"detail":"no","code":"own_plan"}"#,
        );
        assert!(
            own.to_string().contains("key create --role approver"),
            "{own}"
        );
        let theirs = refusal(
            StatusCode::CONFLICT,
            br#"{"detail":"no","code":"own_plan","hint":"ask"}"#,
        );
        assert_eq!(theirs.to_string(), "error: no\n  hint: ask");
    }

    #[test]
    fn other_answers_are_shown_and_doubted() {
        let error = refusal(StatusCode::BAD_GATEWAY, b"<html>bad gateway</html>");
        assert_eq!(error.kind(), ErrorKind::Network);
        assert!(
            error.to_string().contains("502 Bad Gateway: <html>"),
            "{error}"
        );
        let empty = refusal(StatusCode::NOT_FOUND, b"").to_string();
        assert!(
            empty.starts_with("error: the server answered 404 Not Found\n"),
            "{empty}"
        );
    }
}
