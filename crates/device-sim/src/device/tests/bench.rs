//! A device in virtual time, and a server that is a few fields of a struct.

use crate::behaviour::Behaviour;
use crate::device::{Answer, Device, DeviceSetup, Request, Step};
use crate::wire::Feedback;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

pub(super) const GOOD: &str = "9a2e";

pub(super) struct Bench {
    pub(super) device: Device,
    pub(super) now_ms: u64,
    pub(super) sleep: &'static str,
    pub(super) wants_attributes: bool,
    pub(super) offer: Option<Offer>,
    pub(super) cancel: Option<u32>,
    pub(super) file: (u64, &'static str),
    pub(super) replies_to_reports: VecDeque<Answer>,
    pub(super) transcript: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Offer {
    pub(super) id: u32,
    pub(super) version: &'static str,
    pub(super) update: &'static str,
    pub(super) switch_back: bool,
}

impl Offer {
    pub(super) fn forced(id: u32, version: &'static str) -> Self {
        Self {
            id,
            version,
            update: "forced",
            switch_back: false,
        }
    }

    fn document(&self) -> Value {
        let metadata =
            json!([{ "key": "fleetward.switch_back", "value": self.switch_back.to_string() }]);
        json!({ "id": self.id.to_string(), "deployment": {
            "download": "forced", "update": self.update,
            "chunks": [{ "part": "os", "version": self.version, "name": "pump", "metadata": metadata, "artifacts": [{
                "filename": "pump.swu", "size": 5, "hashes": { "sha1": "1", "md5": "2", "sha256": GOOD },
                "_links": { "download-http": { "href": "http://server/file" } },
            }] }],
        } })
    }
}

impl Bench {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self::of_device(0, 1, behaviour)
    }

    pub(super) fn of_device(index: u64, seed: u64, behaviour: Behaviour) -> Self {
        let setup = DeviceSetup {
            id: format!("sim-{index}"),
            index,
            seed,
            model: "pump".to_owned(),
            hw_revision: "A".to_owned(),
            version: "1.0.0".to_owned(),
            attributes: BTreeMap::new(),
            min_poll_ms: 1,
            first_poll_within_ms: 1_000,
            record: true,
        };
        Self {
            device: Device::new(setup, Arc::new(behaviour)),
            now_ms: 0,
            sleep: "00:05:00",
            wants_attributes: false,
            offer: Some(Offer::forced(11, "2.0.0")),
            cancel: None,
            file: (5, GOOD),
            replies_to_reports: VecDeque::new(),
            transcript: Vec::new(),
        }
    }

    pub(super) fn step(&mut self) -> Step {
        let step = self.device.next(self.now_ms);
        match &step {
            Step::Wait(wait_ms) => self.now_ms += wait_ms,
            Step::Park => self.now_ms += 1_000,
            Step::Request(request) => {
                let answer = self.serve(request);
                self.device.answer(answer, self.now_ms);
            }
        }
        step
    }

    pub(super) fn run_until(&mut self, reached: impl Fn(&Self) -> bool) {
        for _step in 0..10_000 {
            if reached(self) {
                return;
            }
            self.step();
        }
        panic!("never reached; so far: {:#?}", self.transcript);
    }

    pub(super) fn run_until_said(&mut self, line: &str) {
        self.run_until(|bench| bench.said(line) > 0);
    }

    pub(super) fn said(&self, line: &str) -> usize {
        self.transcript.iter().filter(|said| *said == line).count()
    }

    fn serve(&mut self, request: &Request) -> Answer {
        let (line, answer) = match request {
            Request::Poll => (
                "poll".to_owned(),
                Answer::Poll(serde_json::from_value(self.poll()).unwrap()),
            ),
            Request::ConfigData { body, .. } => {
                self.wants_attributes = false;
                (
                    format!("attributes {}", body.data["sw_version"]),
                    Answer::Accepted,
                )
            }
            Request::DeploymentBase { url } => {
                assert_eq!(url, "http://server/deployment?c=1");
                let document = self.offer.as_ref().unwrap().document();
                (
                    "look".to_owned(),
                    Answer::Deployment(serde_json::from_value(document).unwrap()),
                )
            }
            Request::CancelAction { .. } => {
                let id = self.cancel.unwrap().to_string();
                let document = json!({ "id": id, "cancelAction": { "stopId": id } });
                (
                    "look at cancel".to_owned(),
                    Answer::Cancel(serde_json::from_value(document).unwrap()),
                )
            }
            Request::Download { url, .. } => {
                assert_eq!(url, "http://server/file");
                let (size, sha256) = self.file;
                (
                    "download".to_owned(),
                    Answer::Downloaded {
                        size,
                        sha256: Some(sha256.to_owned()),
                    },
                )
            }
            Request::Feedback { action, body } => {
                let answer = self
                    .replies_to_reports
                    .pop_front()
                    .unwrap_or(Answer::Accepted);
                let (execution, finished) = words(body);
                if execution == "closed" && matches!(answer, Answer::Accepted) {
                    self.offer.take_if(|offer| offer.id == action.number());
                }
                (format!("{action} {execution} {finished}"), answer)
            }
            Request::CancelFeedback { action, body } => {
                let (execution, finished) = words(body);
                self.cancel = None;
                if (execution.as_str(), finished.as_str()) == ("closed", "success") {
                    self.offer.take_if(|offer| offer.id == action.number());
                }
                (
                    format!("cancel {action} {execution} {finished}"),
                    Answer::Accepted,
                )
            }
        };
        self.transcript.push(line);
        answer
    }

    fn poll(&self) -> Value {
        let mut links = json!({});
        if self.wants_attributes {
            links["configData"] = json!({ "href": "http://server/attributes" });
        }
        if self.cancel.is_some() {
            links["cancelAction"] = json!({ "href": "http://server/cancel" });
        } else if self.offer.is_some() {
            links["deploymentBase"] = json!({ "href": "http://server/deployment?c=1" });
        }
        json!({ "config": { "polling": { "sleep": self.sleep } }, "_links": links })
    }
}

fn words(body: &Feedback) -> (String, String) {
    let body = serde_json::to_value(body).unwrap();
    let word = |pointer| {
        body.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    (word("/status/execution"), word("/status/result/finished"))
}
