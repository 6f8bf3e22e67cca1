//! What flags and files become.

use clap::Parser;

use super::{CriteriaFlags, PlanFields, percent};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    fields: PlanFields,
}

fn parse(yaml: &str) -> PlanFields {
    serde_saphyr::from_str(yaml).unwrap()
}

#[test]
fn the_command_line_wins_over_the_file() {
    let file = parse(
        "name: a\nfirmware_version: 1.10\ntarget_environment: production\nbatch_percentage: 10\n\
         rollback_criteria: { max_failure_rate: 5, min_judged: 80 }",
    );
    let flags = PlanFields {
        name: Some("b".to_owned()),
        batch_size: Some(7),
        criteria: CriteriaFlags {
            max_failure_rate: Some(2.0),
            ..CriteriaFlags::default()
        },
        ..PlanFields::default()
    };
    let request = flags.or(file).request().unwrap();
    assert_eq!(
        (request.name.as_str(), request.firmware_version.as_str()),
        ("b", "1.10")
    );
    assert_eq!(
        (request.batch_size, request.batch_percentage),
        (Some(7), None)
    );
    let criteria = request.rollback_criteria.unwrap();
    assert_eq!(
        (criteria.max_failure_rate, criteria.min_judged),
        (Some(2.0), Some(80.0))
    );
}

#[test]
fn a_file_may_have_every_field_of_the_api() {
    let text = "{ name: a, description: b, firmware_version: '2.0', source_environment: s, \
         target_environment: t, device_groups: [g], strategy: canary, rollout_percentage: 50, \
         canary_percentage: 1, canary_steps: [2], batch_size: 3, batch_percentage: 4, monitor_seconds: 5, \
         rollback_criteria: { max_failure_rate: 5, judgement: sequential, \
         failure_limits: { timed_out: { max_rate: 1, min_count: 2 } } }, auto_rollback: true, \
         device_timeout: 6, offline_policy: wait, rollback_timeout: 7, deployment_timeout: 8, \
         max_in_flight: 9, rate: { per_minute: 10, factor: 2, every: 11, counting: notified, maximum: 12 }, \
         failure_domain: { attribute: site, max_percentage: 13 }, on_pass: pause, \
         on_inconclusive: rollback, retries: { timed_out: { times: 1, backoff: 14 } }, \
         stepping_stones: ['1.0'], dynamic: true, schedule: { cron: 0 2 * * MON, timezone: UTC }, \
         quality_gates: {}, draft: true, emergency: true, emergency_reason: c }";
    let sent = serde_json::to_value(parse(text).request().unwrap()).unwrap();
    let written: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    let names = |value: &serde_json::Value| {
        let names = value.as_object().unwrap().keys().cloned();
        names.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(names(&sent), names(&written));
    for object in [
        "rate",
        "retries",
        "failure_domain",
        "rollback_criteria",
        "schedule",
    ] {
        assert_eq!(names(&sent[object]), names(&written[object]));
    }
}

#[test]
fn every_flag_is_sent() {
    let flags = [
        "--name=a",
        "--firmware-version=2.0",
        "--target-environment=t",
        "--max-in-flight=9",
        "--rate=10",
        "--rate-factor=1.5",
        "--rate-every=11",
        "--rate-counting=notified",
        "--rate-maximum=12",
        "--failure-domain=site=13%",
        "--on-pass=pause",
        "--on-inconclusive=rollback",
        "--retry=timed_out=1:14",
        "--retry=install_failed=2",
        "--stepping-stone=1.0",
        "--stepping-stone=1.5",
        "--dynamic",
        "--deployment-timeout=800",
        "--rollback-timeout=70",
        "--judgement=sequential",
        "--failure-limit=timed_out=5:3",
        "--schedule=0 2 * * MON",
    ];
    let line = Line::try_parse_from(std::iter::once("create").chain(flags)).unwrap();
    let sent = serde_json::to_value(line.fields.request().unwrap()).unwrap();
    let expected = serde_json::json!({
        "name": "a", "firmware_version": "2.0", "target_environment": "t", "max_in_flight": 9,
        "rate": {"per_minute": 10, "factor": 1.5, "every": 11, "counting": "notified", "maximum": 12},
        "failure_domain": {"attribute": "site", "max_percentage": 13.0},
        "on_pass": "pause", "on_inconclusive": "rollback",
        "retries": {"timed_out": {"times": 1, "backoff": 14}, "install_failed": {"times": 2}},
        "stepping_stones": ["1.0", "1.5"], "dynamic": true,
        "deployment_timeout": 800, "rollback_timeout": 70,
        "rollback_criteria": {
            "judgement": "sequential", "failure_limits": {"timed_out": {"max_rate": 5.0, "min_count": 3}},
        },
        "schedule": "0 2 * * MON",
    });
    assert_eq!(sent, expected);
}

#[test]
fn what_is_missing_is_named_with_its_flag() {
    let error = parse("name: a").request().unwrap_err().to_string();
    assert!(
        error.contains("firmware_version (--firmware-version) and no target_environment"),
        "{error}"
    );
}

#[test]
fn unknown_fields_are_refused() {
    assert!(serde_saphyr::from_str::<PlanFields>("strategie: canary").is_err());
}

#[test]
fn shares_may_have_their_sign() {
    assert_eq!((percent("2.5 %"), percent("100")), (Ok(2.5), Ok(100.0)));
    assert!(percent("101").is_err() && percent("NaN").is_err() && percent("ten").is_err());
}
