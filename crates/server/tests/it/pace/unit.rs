//! A device that does what it is told, one request at a time.

use std::cell::RefCell;
use std::rc::Rc;

use reqwest::Method;
use serde_json::{Value, json};

/// A device at the other end of the wire.
#[derive(Clone)]
pub(super) struct Unit {
    http: reqwest::Client,
    host: Rc<RefCell<String>>,
    environment: &'static str,
    token: &'static str,
    pub(super) id: String,
}

/// What a device is offered.
#[derive(Debug)]
pub(super) struct Offer {
    number: String,
    /// The version.
    pub(super) version: String,
    /// It is the version that the device had before.
    pub(super) back: bool,
}

impl Unit {
    pub(super) fn new(
        host: &Rc<RefCell<String>>,
        id: &str,
        environment: &'static str,
        token: &'static str,
    ) -> Self {
        Self {
            http: reqwest::Client::new(),
            host: Rc::clone(host),
            environment,
            token,
            id: id.to_owned(),
        }
    }

    /// The same device behind the gateway of another environment.
    pub(super) fn behind(&self, environment: &'static str, token: &'static str) -> Self {
        Self {
            environment,
            token,
            ..self.clone()
        }
    }

    /// What the server has for it.
    pub(super) async fn poll(&self) -> Value {
        self.request(Method::GET, "", None).await
    }

    /// Says what it runs, and more of itself.
    pub(super) async fn says(&self, version: &str, more: Value) {
        let mut data = json!({"sw_version": version, "model": "pump"});
        for (name, value) in more.as_object().unwrap() {
            data[name] = value.clone();
        }
        self.request(Method::PUT, "/configData", Some(json!({ "data": data })))
            .await;
    }

    pub(super) async fn has_offer(&self) -> bool {
        let poll = self.poll().await;
        poll["_links"]["deploymentBase"].is_object()
    }

    /// Fetches what it is offered.
    pub(super) async fn fetch(&self) -> Offer {
        let poll = self.poll().await;
        let href = poll["_links"]["deploymentBase"]["href"].as_str();
        let href = href.unwrap_or_else(|| panic!("nothing for {}: {poll}", self.id));
        let offer = self.request(Method::GET, href, None).await;
        let chunk = &offer["deployment"]["chunks"][0];
        Offer {
            number: offer["id"].as_str().unwrap().to_owned(),
            version: chunk["version"].as_str().unwrap().to_owned(),
            back: chunk["metadata"].is_array(),
        }
    }

    /// Has the image, and has filled its inactive slot where that is all that is asked.
    pub(super) async fn has_it(&self, offer: &Offer) {
        self.report(offer, "downloaded", json!({"finished": "none"}))
            .await;
    }

    /// Wrote the image and starts into it.
    pub(super) async fn reboots(&self, offer: &Offer) {
        let all_done = json!({"finished": "none", "progress": {"cnt": 1, "of": 1}});
        self.report(offer, "proceeding", all_done).await;
    }

    pub(super) async fn succeeds(&self, offer: &Offer) {
        self.report(offer, "closed", json!({"finished": "success"}))
            .await;
    }

    pub(super) async fn fails(&self, offer: &Offer) {
        self.report(offer, "closed", json!({"finished": "failure"}))
            .await;
    }

    /// Fetches what it is offered and installs it.
    pub(super) async fn update(&self) -> Offer {
        let offer = self.fetch().await;
        self.succeeds(&offer).await;
        offer
    }

    /// Fetches what it is offered and can't install it.
    pub(super) async fn fail(&self) -> Offer {
        let offer = self.fetch().await;
        self.fails(&offer).await;
        offer
    }

    async fn report(&self, offer: &Offer, execution: &str, result: Value) {
        let path = format!("/deploymentBase/{}/feedback", offer.number);
        let status = json!({"status": {"execution": execution, "result": result}});
        self.request(Method::POST, &path, Some(status)).await;
    }

    async fn request(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let url = if path.starts_with("http") {
            path.to_owned()
        } else {
            let host = self.host.borrow();
            format!(
                "{host}/{}/controller/v1/{}{path}",
                self.environment, self.id
            )
        };
        let token = format!("GatewayToken {}", self.token);
        let mut request = self
            .http
            .request(method, &url)
            .header("authorization", token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }
}
