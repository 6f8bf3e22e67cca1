//! What will happen and why nothing does: previews, simulations, and answers to why.

use serde_json::{Value, json};

use crate::Served;

#[test]
fn a_plan_is_previewed_before_it_is_made_and_after() {
    let served = Served::start();
    let id = served.plan();
    let stored = served.done(&format!("plan preview {id}"));
    let sizes = |preview: &Value| {
        let waves = preview["waves"].as_array().unwrap();
        waves
            .iter()
            .map(|wave| wave["devices"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(sizes(&stored), [3, 3]);
    assert_eq!(stored["plan_id"], id.as_str());
    let unmade = served.done("plan preview --config plan.yaml");
    assert_eq!(
        (sizes(&unmade), &unmade["plan_id"]),
        (sizes(&stored), &Value::Null)
    );
    assert_eq!(served.done("plan list").as_array().unwrap().len(), 1);
    let text = served.read(&format!("plan preview --plan-id {id}"));
    for line in [
        "Devices  6 in waves; it is for 6 of the 6 there",
        "At worst: if every device fails",
        "\nWaves\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(served.run("plan preview").0, 2, "of which plan?");
    assert_eq!(served.run("plan preview plan_none").0, 4);
}

#[test]
fn a_plan_is_simulated_on_its_devices() {
    let served = Served::start();
    let id = served.plan();
    let rates = "--failure-rate 3% --offline 10% --silence 0.5 --slow 2% --seed 7 --runs 20";
    let simulated = served.done(&format!("plan simulate {id} {rates}"));
    assert_eq!(
        (&simulated["runs"], &simulated["seed"]),
        (&json!(20), &json!(7))
    );
    assert_eq!(simulated["waves"], json!([3, 3]));
    let bad = format!("plan simulate --plan-id {id} --failure-rate 100 --transcript");
    let text = served.read(&bad);
    for line in [
        "Devices  6 in 2 waves",
        "rolled_back  1     100.0 %",
        "stopped: wave 1 has",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert_eq!(served.run(&format!("plan simulate {id} --runs 1001")).0, 2);
    assert_eq!(
        served
            .run(&format!("plan simulate {id} --failure-rate 101"))
            .0,
        2
    );
}

#[test]
fn who_waits_says_for_what() {
    let served = Served::start();
    let plan = served.plan();
    served.done("freeze set --reason Recall");
    let started = served.done(&format!("deploy execute --plan-id {plan}"));
    let id = started["execution_id"].as_str().unwrap();
    let why = served.done(&format!("deploy why --execution-id {id}"));
    assert_eq!(
        (&why["answer"], &why["details"]["hold"]),
        (&json!("held"), &json!("freeze"))
    );
    let text = served.read(&format!("deploy why {id}"));
    let expected = format!(
        "Execution   {id}\nWhy         a freeze is in force: Recall\n\
         What helps  it goes on when the freeze is lifted\n"
    );
    assert_eq!(text, expected);
    let status = served.read(&format!("deploy status {id}"));
    assert!(status.contains("a freeze is in force: Recall"), "{status}");

    let device = served.done("device why sim-0");
    assert_eq!(
        (&device["answer"], &device["execution_id"]),
        (&json!("waits_for_wave"), &json!(id))
    );
    let text = served.read(&format!("device why sim-0 --execution-id {id}"));
    assert!(text.contains(": a freeze is in force: Recall"), "{text}");
    assert_eq!(served.run("device why none").0, 4);
}
