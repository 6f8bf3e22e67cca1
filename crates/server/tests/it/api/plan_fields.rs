//! What a plan can say of pace, verdicts, retries, failures and times: each is shown as it was said, what was not said
//! comes from the environment, and what can't be is named.

use reqwest::Method;
use serde_json::{Value, json};

use super::{add_devices, fields, plan, refused};
use crate::support::{CONFIG, Client, TestApp};

const PLANS: &str = "/api/deployment-plans";

/// An environment with a word to say on everything, and a bound on every rollout.
const STRICT: &str = r#"
environments:
  strict:
    stage: staging
    device_groups: ["early", "late"]
    rollback_timeout: 77
    blast_radius: 500
    security_floor: "0.9.0"
    deployment_window: { start_time: "22:00", end_time: "06:00", timezone: "Europe/Berlin" }
    window_timezone: device
performance:
  deployment_timeout: 7200
"#;

fn with(changes: &Value) -> Value {
    let mut plan = plan("1.0.0", "staging");
    for (name, value) in changes.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan
}

async fn with_firmware(config: &str) -> TestApp {
    let app = TestApp::with(config).await;
    app.admin().upload("1.0.0").await;
    app
}

/// What is said, and how it is shown where that is not the same.
fn sayings() -> Vec<(Value, Option<Value>)> {
    let same = |said: Value| (said, None);
    let shown = |said: Value, shown: Value| (said, Some(shown));
    let rate = |rate: Value| json!({"rate": rate});
    let growing = json!({"per_minute": 10, "factor": 1.5, "every": 50, "counting": "notified", "maximum": 90});
    vec![
        same(json!({"max_in_flight": 25})),
        same(json!({"on_pass": "pause"})),
        same(json!({"on_inconclusive": "rollback"})),
        same(json!({"on_inconclusive": "continue"})),
        same(json!({"stepping_stones": ["0.5", "0.9.0"]})),
        same(json!({"dynamic": true})),
        same(json!({"schedule": {"at": "2030-01-31T02:00:00Z"}})),
        same(json!({"schedule": {"cron": "0 2 * * MON", "timezone": "Europe/Berlin"}})),
        shown(
            json!({"schedule": "0 3 * * *"}),
            json!({"schedule": {"cron": "0 3 * * *", "timezone": "UTC"}}),
        ),
        shown(
            json!({"schedule": "2031-01-31T03:00:00+01:00"}),
            json!({"schedule": {"at": "2031-01-31T02:00:00Z"}}),
        ),
        same(json!({"deployment_timeout": 604_800})),
        same(json!({"rollback_timeout": 33})),
        same(json!({"failure_domain": {"attribute": "site", "max_percentage": 12.5}})),
        same(
            json!({"retries": {"install_failed": {"times": 2, "backoff": 60}, "timed_out": {"times": 20, "backoff": 1}}}),
        ),
        shown(
            json!({"retries": {"rolled_back_on_device": {"times": 1}}}),
            json!({"retries": {"rolled_back_on_device": {"times": 1, "backoff": 300}}}),
        ),
        shown(rate(json!(60)), rate(json!({"per_minute": 60}))),
        same(rate(growing)),
        shown(
            rate(json!({"per_minute": 5, "factor": 2, "every": 9})),
            rate(json!({"per_minute": 5, "factor": 2.0, "every": 9, "counting": "succeeded"})),
        ),
        shown(
            criteria(json!({"judgement": "statistical"})),
            criteria(
                json!({"judgement": "sequential", "max_failure_rate": 10.0, "min_judged": 50.0}),
            ),
        ),
        shown(
            criteria(json!({
                "max_failure_rate": 3.0, "min_judged": 70.0,
                "failure_limits": {"updated_then_silent": {"max_rate": 0.5, "min_count": 3}, "never_contacted": {"max_rate": 40}},
            })),
            criteria(json!({
                "judgement": "threshold", "max_failure_rate": 3.0, "min_judged": 70.0,
                "failure_limits": {
                    "updated_then_silent": {"max_rate": 0.5, "min_count": 3},
                    "never_contacted": {"max_rate": 40.0, "min_count": 1},
                },
            })),
        ),
    ]
}

fn criteria(criteria: Value) -> Value {
    json!({"rollback_criteria": criteria})
}

#[tokio::test]
async fn what_a_plan_says_is_shown() {
    let app = with_firmware(CONFIG).await;
    let admin = app.admin();
    let mut digests = vec![digest(&admin.post(PLANS, with(&json!({}))).await)];
    for (said, shown) in sayings() {
        let made = admin.post(PLANS, with(&said)).await;
        for (name, value) in shown.as_ref().unwrap_or(&said).as_object().unwrap() {
            assert_eq!(made[name], *value, "{said}: {made:#}");
        }
        let id = made["plan_id"].as_str().unwrap();
        assert_eq!(admin.get(&format!("{PLANS}/{id}")).await, made, "{said}");
        digests.push(digest(&made));
    }
    let plans = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), plans, "two different plans have one digest");
}

fn digest(plan: &Value) -> String {
    plan["digest"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nothing_is_limited_unless_someone_says_so() {
    let app = with_firmware(CONFIG).await;
    let made = app.admin().post(PLANS, with(&json!({}))).await;
    for name in [
        "max_in_flight",
        "rate",
        "failure_domain",
        "deployment_timeout",
        "blast_radius",
        "security_floor",
        "schedule",
        "calendar",
    ] {
        assert_eq!(made[name], Value::Null, "{name}");
    }
    assert_eq!(
        (&made["on_pass"], &made["on_inconclusive"]),
        (&json!("continue"), &json!("pause"))
    );
    assert_eq!(
        (&made["retries"], &made["stepping_stones"], &made["dynamic"]),
        (&json!({}), &json!([]), &json!(false))
    );
}

#[tokio::test]
async fn an_environment_fills_in_what_a_plan_leaves_out() {
    let app = with_firmware(STRICT).await;
    let admin = app.admin();
    admin.upload("0.8.0").await;
    let strict = |changes: Value| {
        let mut plan = with(&changes);
        plan["target_environment"] = json!("strict");
        plan
    };
    for nothing in [json!({}), json!({"device_groups": []})] {
        let made = admin.post(PLANS, strict(nothing)).await;
        assert_eq!(made["device_groups"], json!(["early", "late"]));
        assert_eq!(
            (&made["rollback_timeout"], &made["deployment_timeout"]),
            (&json!(77), &json!(7200))
        );
        assert_eq!(
            (&made["blast_radius"], &made["security_floor"]),
            (&json!(500), &json!("0.9.0"))
        );
        let calendar = &made["calendar"];
        assert_eq!(calendar["window_timezone"], "device");
        let window = &calendar["windows"][0];
        assert_eq!(
            (&window["start_time"], &window["timezone"]),
            (&json!("22:00"), &json!("Europe/Berlin"))
        );
    }
    let own = json!({"device_groups": ["late"], "rollback_timeout": 5, "deployment_timeout": 60});
    let made = admin.post(PLANS, strict(own.clone())).await;
    for (name, value) in own.as_object().unwrap() {
        assert_eq!(made[name], *value);
    }
    let below = strict(json!({"firmware_version": "0.8.0"}));
    let problem = refused(creating(&admin).json(&below), 422, "invalid").await;
    assert_eq!(fields(&problem), ["firmware_version"], "{problem:#}");
}

#[tokio::test]
async fn a_plan_that_names_no_group_targets_those_of_the_environment() {
    let app = with_firmware(STRICT).await;
    let admin = app.admin();
    add_devices(&admin, "strict", 5).await;
    let groups = json!({"groups": ["early"]});
    let change = admin
        .request(Method::PATCH, "/api/devices/d-001")
        .json(&groups);
    assert!(admin.send(change).await.0.is_success());
    let mut plan = with(&json!({}));
    plan["target_environment"] = json!("strict");
    assert_eq!(admin.post(PLANS, plan).await["waves"], json!([1]));
}

/// What can't be, and the field that is then named.
fn impossible() -> Vec<(Value, &'static str)> {
    let rate = |field: &str, value: Value| {
        let mut rate = json!({"per_minute": 10, "factor": 2, "every": 50, "maximum": 90});
        rate[field] = value;
        json!({"rate": rate})
    };
    let domain = |attribute: &str, percent: f64| json!({"failure_domain": {"attribute": attribute, "max_percentage": percent}});
    let retry = |kind: &str, retry: Value| json!({"retries": {kind: retry}});
    let limit = |kind: &str, limit: Value| criteria(json!({"failure_limits": {kind: limit}}));
    vec![
        (json!({"max_in_flight": 0}), "max_in_flight"),
        (json!({"max_in_flight": 1_000_000_001_u64}), "max_in_flight"),
        (json!({"rate": 0}), "rate.per_minute"),
        (rate("per_minute", json!(0)), "rate.per_minute"),
        (rate("factor", json!(1)), "rate.factor"),
        (rate("factor", json!(-2)), "rate.factor"),
        (rate("factor", json!(1e300)), "rate.factor"),
        (rate("factor", Value::Null), "rate.factor"),
        (rate("every", json!(0)), "rate.every"),
        (rate("every", Value::Null), "rate.every"),
        (rate("counting", json!("failed")), "rate.counting"),
        (rate("maximum", json!(0)), "rate.maximum"),
        (rate("maximum", json!(9)), "rate.maximum"),
        (domain(" ", 10.0), "failure_domain.attribute"),
        (domain("site", 0.0), "failure_domain.max_percentage"),
        (domain("site", 100.1), "failure_domain.max_percentage"),
        (json!({"on_pass": "rollback"}), "on_pass"),
        (json!({"on_inconclusive": "wait"}), "on_inconclusive"),
        (
            retry("install_failed", json!({"times": 0})),
            "retries.install_failed.times",
        ),
        (
            retry("install_failed", json!({"times": 21})),
            "retries.install_failed.times",
        ),
        (
            retry("timed_out", json!({"times": 1, "backoff": 0})),
            "retries.timed_out.backoff",
        ),
        (
            retry("timed_out", json!({"times": 1, "backoff": 604_801})),
            "retries.timed_out.backoff",
        ),
        (
            retry("rollback_failed", json!({"times": 1})),
            "retries.rollback_failed",
        ),
        (retry("bad_luck", json!({"times": 1})), "retries.bad_luck"),
        (json!({"stepping_stones": [""]}), "stepping_stones"),
        (json!({"stepping_stones": ["1.0.0"]}), "stepping_stones"),
        (
            json!({"stepping_stones": ["0.2", "0.1"]}),
            "stepping_stones",
        ),
        (json!({"schedule": "now"}), "schedule"),
        (json!({"schedule": "0 2 * *"}), "schedule"),
        (json!({"schedule": "0 2 30 2 *"}), "schedule"),
        (json!({"schedule": 5}), "schedule"),
        (json!({"schedule": {}}), "schedule"),
        (
            json!({"schedule": {"at": "2030-01-31T02:00:00Z", "timezone": "UTC"}}),
            "schedule",
        ),
        (
            json!({"schedule": {"cron": "0 2 * * *", "timezone": "Moon/Base"}}),
            "schedule",
        ),
        (json!({"deployment_timeout": 59}), "deployment_timeout"),
        (
            json!({"deployment_timeout": 315_360_001}),
            "deployment_timeout",
        ),
        (json!({"rollback_timeout": 0}), "rollback_timeout"),
        (json!({"rollback_timeout": 2_592_001}), "rollback_timeout"),
        (
            criteria(json!({"judgement": "gut"})),
            "rollback_criteria.judgement",
        ),
        (
            criteria(json!({"judgement": "sequential", "max_failure_rate": 0})),
            "rollback_criteria.max_failure_rate",
        ),
        (
            limit("timed_out", json!({"max_rate": 101})),
            "rollback_criteria.failure_limits.timed_out.max_rate",
        ),
        (
            limit("timed_out", json!({"max_rate": 1, "min_count": 0})),
            "rollback_criteria.failure_limits.timed_out.min_count",
        ),
        (
            limit("rollback_failed", json!({"max_rate": 1})),
            "rollback_criteria.failure_limits.rollback_failed",
        ),
        (
            limit("bad_luck", json!({"max_rate": 1})),
            "rollback_criteria.failure_limits.bad_luck",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_is_named_once() {
    let app = with_firmware(CONFIG).await;
    let admin = app.admin();
    for (changes, field) in impossible() {
        let request = creating(&admin).json(&with(&changes));
        let problem = refused(request, 422, "invalid").await;
        assert_eq!(fields(&problem), [field], "{changes}: {problem:#}");
    }
}

#[tokio::test]
async fn everything_that_cannot_be_is_named_at_once() {
    let app = with_firmware(CONFIG).await;
    let changes = json!({
        "rate": {"per_minute": 0, "maximum": 5},
        "retries": {"install_failed": {"times": 99}, "bad_luck": {"times": 0}},
        "on_pass": "stop",
        "rollback_criteria": {"failure_limits": {"timed_out": {"max_rate": -1, "min_count": 0}}},
    });
    let request = creating(&app.admin()).json(&with(&changes));
    let problem = refused(request, 422, "invalid").await;
    let mut found = fields(&problem);
    found.sort_unstable();
    let expected = [
        "on_pass",
        "rate.factor",
        "rate.per_minute",
        "retries.bad_luck",
        "retries.bad_luck.times",
        "retries.install_failed.times",
        "rollback_criteria.failure_limits.timed_out.max_rate",
        "rollback_criteria.failure_limits.timed_out.min_count",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn fields_in_the_wrong_shape_are_refused() {
    let app = with_firmware(CONFIG).await;
    let admin = app.admin();
    for (changes, word) in [
        (json!({"max_in_flight": -1}), "u64"),
        (json!({"rate": -1}), "offers in a minute"),
        (json!({"rate": 1.5}), "offers in a minute"),
        (json!({"rate": "fast"}), "offers in a minute"),
        (json!({"rate": {"factor": 2}}), "per_minute"),
        (json!({"rate": {"per_minute": 1, "growth": 2}}), "growth"),
        (json!({"failure_domain": "site"}), "FailureDomain"),
        (
            json!({"failure_domain": {"attribute": "site"}}),
            "max_percentage",
        ),
        (json!({"retries": {"timed_out": 3}}), "Retry"),
        (
            json!({"retries": {"timed_out": {"times": 1, "wait": 2}}}),
            "wait",
        ),
        (json!({"stepping_stones": "0.9"}), "sequence"),
        (json!({"dynamic": "yes"}), "boolean"),
        (
            criteria(json!({"failure_limits": {"timed_out": {}}})),
            "max_rate",
        ),
        (json!({"blast_radius": 5}), "blast_radius"),
        (json!({"security_floor": "0.1"}), "security_floor"),
    ] {
        let problem = refused(creating(&admin).json(&with(&changes)), 422, "invalid").await;
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{changes}: {detail}");
    }
}

fn creating(client: &Client<'_>) -> reqwest::RequestBuilder {
    client.request(Method::POST, PLANS)
}
