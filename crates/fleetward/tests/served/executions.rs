//! Executions: waited for, steered, queued, and past what holds them.

use fleetward_device_sim::Behaviour;
use serde_json::json;

use crate::{DEVICES, Served, TOKEN};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_from_its_file_to_the_devices() {
    let served = Served::start();
    let plan = served.plan();
    let mut fleet = served.fleet(Behaviour::default());
    let execute = format!("deploy execute --plan-id {plan} --wait --timeout 120");
    let execution = tokio::task::block_in_place(|| served.done(&execute));
    assert_eq!(execution["status"], "succeeded");
    assert_eq!(execution["counts"]["succeeded"], DEVICES);
    assert_eq!(fleet.stats().by_version.get("1.1.0"), Some(&DEVICES));
    fleet.stop().await;

    let id = execution["execution_id"].as_str().unwrap();
    let status = served.done(&format!("deploy status --execution-id {id}"));
    assert_eq!(
        status["decisions"].as_array().unwrap().last().unwrap()["decision"],
        "finished"
    );
    let environment = served.done("env show lab");
    assert_eq!(environment["versions"][0]["version"], "1.1.0");
    assert_eq!(served.run(&execute).0, 4, "a plan is executed once");
    assert_eq!(served.stop(), "", "nothing but the one document");
}

#[tokio::test(flavor = "multi_thread")]
async fn scripts_see_how_an_execution_ended() {
    let served = Served::start();
    let plan = served.plan();
    let failing = Behaviour {
        install_failure: 1.0,
        ..Behaviour::default()
    };
    let mut fleet = served.fleet(failing);
    let wait = format!("deploy execute --plan-id {plan} --wait");
    let (code, execution, notes) = tokio::task::block_in_place(|| served.run(&wait));
    assert_eq!(
        (code, &execution["status"]),
        (11, &"rolled_back".into()),
        "{notes}"
    );
    assert!(notes.contains("stopped: wave 1 has"), "{notes}");
    fleet.stop().await;
}

#[test]
fn an_execution_is_steered_from_the_command_line() {
    let served = Served::start();
    let plan = served.plan();
    let started = served.done(&format!("deploy execute --plan-id {plan}"));
    let id = started["execution_id"].as_str().unwrap();
    let paused = served.done(&format!(
        "deploy pause --execution-id {id} --reason lunch --wait"
    ));
    assert_eq!(paused["status"], "paused");
    assert_eq!(served.run(&format!("deploy status {id} --wait")).0, 10);
    let resumed = served.done(&format!("deploy resume --execution-id {id}"));
    assert_eq!(resumed["finished"], false);
    assert_eq!(
        served
            .run(&format!("deploy status {id} --wait --timeout 1"))
            .0,
        14
    );
    let cancelled = served.done(&format!("deploy cancel --execution-id {id} --wait"));
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(served.run(&format!("deploy status {id} --wait")).0, 13);
}

/// A plan for `bench`, where one execution runs at once; answers with its execution.
fn execute_on_bench(served: &Served, more: &str) -> String {
    let create = format!("plan create --config plan.yaml --target-environment bench{more}");
    let plan = served.done(&create);
    let id = plan["plan_id"].as_str().unwrap();
    let execution = served.done(&format!("deploy execute --plan-id {id}"));
    let expected = if more.is_empty() {
        "observing"
    } else {
        "queued"
    };
    assert_eq!(execution["status"], expected, "{execution:#}");
    execution["execution_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_queued_execution_is_waited_for_until_it_has_its_turn() {
    let served = Served::start();
    served.plan();
    served.done(&format!("device add bench-0 -e bench --token {TOKEN}"));
    let first = execute_on_bench(&served, "");
    let second = execute_on_bench(&served, " --device-groups nobody");
    let (code, _, notes) = served.run(&format!("deploy status {second} --wait --timeout 1"));
    assert_eq!(code, 14, "it has no turn: {notes}");
    let turn = "0 before it: 1 of at most 1 run in bench";
    assert!(notes.contains(turn), "{notes}");

    let (code, execution, notes) = std::thread::scope(|scope| {
        let watching = scope.spawn(|| served.run(&format!("deploy status {second} --watch")));
        served.done(&format!("deploy cancel {first} --wait"));
        watching.join().unwrap()
    });
    let status = execution["status"].as_str();
    assert_eq!((code, status), (15, Some("no_devices")), "{notes}");
}

#[test]
fn a_scheduled_execution_says_when_it_starts() {
    let served = Served::start();
    served.plan();
    let at = "2201-01-31T02:00:00Z";
    let execution = execute_on_bench(&served, &format!(" --schedule {at}"));
    let listed = served.done("deploy list --status queued");
    assert_eq!(listed[0]["execution_id"], execution.as_str());
    assert_eq!(listed[0]["starts_at"], at);
    for command in [
        "deploy list".to_owned(),
        format!("deploy status {execution}"),
    ] {
        let text = served.read(&command);
        assert!(
            text.contains("scheduled for 2201-01-31T02:00:00Z"),
            "{text}"
        );
    }
    let cancelled = served.done(&format!("deploy cancel {execution} --wait"));
    assert_eq!(cancelled["status"], "cancelled");
}

#[test]
fn admins_go_past_promotion_and_freezes_with_a_reason() {
    let served = Served::start();
    served.plan();
    let approver = served.approver();
    served.done(&format!("device add field-0 -e field --token {TOKEN}"));
    let create =
        "plan create --config plan.yaml --target-environment field --source-environment lab";
    let plan = served.done(create);
    let id = plan["plan_id"].as_str().unwrap();
    served.done(&format!("plan approve {id} {approver}"));
    served.done("freeze set -e field --reason Fair");

    let execute = format!("deploy execute --plan-id {id}");
    let (code, _, notes) = served.run(&execute);
    assert_eq!(code, 4, "it was not in lab before");
    assert!(notes.contains("--override-promotion REASON"), "{notes}");
    let past_both = format!("{execute} --override-promotion Recall --override-freeze Recall");
    assert_eq!(
        served.run(&format!("{past_both} {approver}")).0,
        4,
        "no admin"
    );
    let execution = served.done(&past_both);
    assert_eq!(execution["counts"], json!({"released": 1}), "{execution:#}");
}
