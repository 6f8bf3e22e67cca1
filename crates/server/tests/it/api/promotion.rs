//! Promotion: a version proves itself stage by stage, unless somebody who may says why not.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{add_devices, everything, fields, plan, refused};
use crate::support::{CONFIG, Client, TestApp};

fn executing(client: &Client<'_>, plan: &Value, reason: Option<&str>) -> RequestBuilder {
    let mut body = json!({"plan_id": plan["plan_id"]});
    if let Some(reason) = reason {
        body["override_promotion"] = json!(reason);
    }
    client
        .request(Method::POST, "/api/deployments/execute")
        .json(&body)
}

/// A plan for `staging` that comes from `lab` and so skips the stage of `closed`.
async fn skipping(app: &TestApp) -> Value {
    let admin = app.admin();
    admin.upload("1.0.0").await;
    add_devices(&admin, "staging", 1).await;
    let mut skipping = plan("1.0.0", "staging");
    skipping["source_environment"] = json!("lab");
    admin.post("/api/deployment-plans", skipping).await
}

#[tokio::test]
async fn a_skipped_stage_needs_a_reason_from_somebody_who_may() {
    let app = TestApp::start().await;
    let (admin, operator) = (app.admin(), app.role("operator").await);
    let made = skipping(&app).await;
    let skipped = "the stage testing is skipped: version 1.0.0 has not completed in `closed`";
    assert!(made["warnings"].to_string().contains(skipped), "{made:#}");
    let before = everything(&admin).await;
    let problem = refused(executing(&admin, &made, None), 409, "not_promoted").await;
    let said = problem["detail"].as_str().unwrap();
    for words in ["has not completed in `lab`", skipped, "override_promotion"] {
        assert!(said.contains(words), "{said}");
    }
    refused(executing(&operator, &made, Some("hurry")), 403, "forbidden").await;
    let problem = refused(executing(&admin, &made, Some(" ")), 422, "invalid").await;
    assert_eq!(fields(&problem), ["override_promotion"]);
    assert_eq!(everything(&admin).await, before);

    let (status, body) = admin
        .send(executing(&admin, &made, Some("the lab burnt down")))
        .await;
    assert_eq!(status, 202, "{body:#}");
    let trail = admin.get("/api/audit").await;
    let rows = trail["items"].as_array().unwrap();
    let entry = rows
        .iter()
        .find(|row| row["action"] == "plan.promotion_override")
        .unwrap();
    assert_eq!(entry["object"], made["plan_id"]);
    assert!(
        entry.to_string().contains("the lab burnt down"),
        "{entry:#}"
    );
}

#[tokio::test]
async fn a_skipped_stage_is_warned_of_or_passed_over_as_configured() {
    for (rule, warned) in [("warn", true), ("off", false)] {
        let rule = format!("stage: staging\n    promotion: {rule}");
        let app = TestApp::with(&CONFIG.replace("stage: staging", &rule)).await;
        let made = skipping(&app).await;
        let warning = made["warnings"].to_string().contains("is skipped");
        assert_eq!(warning, warned, "{made:#}");
        let admin = app.admin();
        let (status, body) = admin.send(executing(&admin, &made, None)).await;
        assert_eq!(status, 202, "{body:#}");
    }
}

#[tokio::test]
async fn neighbours_skip_nothing() {
    let app = TestApp::start().await;
    let admin = app.admin();
    admin.upload("1.0.0").await;
    for (source, target) in [
        ("staging", "production"),
        ("staging", "lab"),
        ("lab", "lab"),
    ] {
        let mut wanted = plan("1.0.0", target);
        wanted["source_environment"] = json!(source);
        let made = admin.post("/api/deployment-plans", wanted).await;
        let warnings = made["warnings"].to_string();
        assert!(!warnings.contains("skipped"), "{warnings}");
    }
}
