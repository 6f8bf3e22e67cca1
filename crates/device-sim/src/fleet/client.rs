//! Requests over HTTP: what a device asks for becomes a request, and the response an answer. Decides nothing.

use crate::device::{Answer, Request};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, HeaderValue, InvalidHeaderValue};
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The longest to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest silence inside a response.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// The most redirects followed for a download.
const DOWNLOAD_REDIRECTS: usize = 8;

/// One device's way to the server.
#[derive(Debug)]
pub(super) struct Line {
    base: Url,
    authorization: Option<HeaderValue>,
}

impl Line {
    pub(super) fn new(base: Url, authorization: Option<&str>) -> Result<Self, InvalidHeaderValue> {
        let mut authorization = authorization.map(HeaderValue::from_str).transpose()?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        Ok(Self {
            base,
            authorization,
        })
    }

    fn feedback(&self, kind: &str, action: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend([kind, action, "feedback"]);
        }
        url
    }
}

/// What went over the network so far.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) requests: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) violations: AtomicU64,
    pub(super) bytes_downloaded: AtomicU64,
}

impl Traffic {
    fn count(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}

/// The HTTP clients of a fleet: only downloads follow redirects.
#[derive(Debug)]
pub(super) struct Client {
    api: reqwest::Client,
    downloads: reqwest::Client,
    pub(super) traffic: Traffic,
}

impl Client {
    pub(super) fn new(user_agent: &str) -> reqwest::Result<Self> {
        let client = |redirects| {
            reqwest::Client::builder()
                .user_agent(user_agent)
                .no_proxy()
                .redirect(redirects)
                .connect_timeout(CONNECT_TIMEOUT)
                .read_timeout(READ_TIMEOUT)
                .build()
        };
        let (api, downloads) = (
            client(Policy::none())?,
            client(Policy::limited(DOWNLOAD_REDIRECTS))?,
        );
        Ok(Self {
            api,
            downloads,
            traffic: Traffic::default(),
        })
    }

    /// Sends one request and waits for what comes of it.
    pub(super) async fn perform(&self, line: &Line, request: &Request) -> Answer {
        Traffic::count(&self.traffic.requests, 1);
        let outcome = match request {
            Request::Poll => self.read(line, line.base.as_str(), Answer::Poll).await,
            Request::DeploymentBase { url } => self.read(line, url, Answer::Deployment).await,
            Request::CancelAction { url } => self.read(line, url, Answer::Cancel).await,
            Request::ConfigData { url, body } => {
                self.tell(line, self.api.put(url).json(body)).await
            }
            Request::Feedback { action, body } => {
                let url = line.feedback("deploymentBase", &action.to_string());
                self.tell(line, self.api.post(url).json(body)).await
            }
            Request::CancelFeedback { action, body } => {
                let url = line.feedback("cancelAction", &action.to_string());
                self.tell(line, self.api.post(url).json(body)).await
            }
            Request::Download { url, whole } => self.download(line, url, *whole).await,
        };
        let answer = outcome.unwrap_or_else(|error| {
            tracing::debug!(%error, ?request, "request of a simulated device failed");
            Answer::Unreachable
        });
        self.count_trouble(&answer);
        answer
    }

    async fn read<T: DeserializeOwned>(
        &self,
        line: &Line,
        url: &str,
        wrap: fn(T) -> Answer,
    ) -> reqwest::Result<Answer> {
        let response = authorized(line, self.api.get(url))
            .header(ACCEPT, "application/json")
            .send()
            .await?;
        let status = response.status();
        self.check_length(&response);
        let body = response.bytes().await?;
        if status != StatusCode::OK {
            return Ok(Answer::Refused(status.as_u16()));
        }
        Ok(serde_json::from_slice(&body).map_or_else(
            |error| {
                tracing::warn!(%error, url, "the server's answer can't be used by a device");
                Answer::Garbled
            },
            wrap,
        ))
    }

    async fn tell(&self, line: &Line, request: RequestBuilder) -> reqwest::Result<Answer> {
        let response = authorized(line, request)
            .header(ACCEPT, "application/json")
            .send()
            .await?;
        let status = response.status();
        self.check_length(&response);
        response.bytes().await?;
        let accepted = status == StatusCode::OK;
        Ok(if accepted {
            Answer::Accepted
        } else {
            Answer::Refused(status.as_u16())
        })
    }

    /// A device's token goes to the server it belongs to and nowhere else.
    async fn download(&self, line: &Line, url: &str, whole: bool) -> reqwest::Result<Answer> {
        let request = if whole {
            self.downloads.get(url)
        } else {
            self.downloads.head(url)
        };
        let at_home = Url::parse(url).is_ok_and(|url| url.origin() == line.base.origin());
        let request = if at_home {
            authorized(line, request)
        } else {
            request
        };
        let mut response = request
            .header(ACCEPT, "application/octet-stream")
            .send()
            .await?;
        if response.status() != StatusCode::OK {
            let status = response.status().as_u16();
            response.bytes().await?;
            return Ok(Answer::Refused(status));
        }
        self.check_length(&response);
        if !whole {
            return Ok(Answer::Downloaded {
                size: announced_length(&response).unwrap_or(0),
                sha256: None,
            });
        }
        let (mut size, mut digest) = (0, Sha256::new());
        while let Some(piece) = response.chunk().await? {
            size += piece.len() as u64;
            digest.update(&piece);
            Traffic::count(&self.traffic.bytes_downloaded, piece.len() as u64);
        }
        Ok(Answer::Downloaded {
            size,
            sha256: Some(hex::encode(digest.finalize())),
        })
    }

    /// Small devices can't read an answer whose length is not announced.
    fn check_length(&self, response: &Response) {
        if announced_length(response).is_none() {
            tracing::warn!(url = %response.url(), "the server's answer has no Content-Length");
            Traffic::count(&self.traffic.violations, 1);
        }
    }

    fn count_trouble(&self, answer: &Answer) {
        match answer {
            Answer::Refused(429 | 500..) | Answer::Unreachable => {
                Traffic::count(&self.traffic.errors, 1);
            }
            Answer::Refused(_) => Traffic::count(&self.traffic.refused, 1),
            Answer::Garbled => Traffic::count(&self.traffic.violations, 1),
            Answer::Poll(_)
            | Answer::Deployment(_)
            | Answer::Cancel(_)
            | Answer::Accepted
            | Answer::Downloaded { .. } => {}
        }
    }
}

fn authorized(line: &Line, request: RequestBuilder) -> RequestBuilder {
    match &line.authorization {
        Some(value) => request.header(AUTHORIZATION, value.clone()),
        None => request,
    }
}

fn announced_length(response: &Response) -> Option<u64> {
    response
        .headers()
        .get(CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}
