//! A thin typed client of the REST API: requests, lists page by page, and problem documents as errors. What the answers
//! mean is not known here.

mod connection;
mod problem;

pub(crate) use connection::Connection;

use std::time::Duration;

use fleetward_server::api::types::List;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, IF_MATCH};
use reqwest::{Body, Method, RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{CliError, ErrorKind};

/// The longest to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest to wait for an answer that is not a stream.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest to wait for an answer that takes the server long.
const COMPUTE_TIMEOUT: Duration = Duration::from_secs(3_600);
/// The rows of one part of a list.
const PART: usize = 200;

/// A server's REST API.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
}

/// The rows of a list, and whether there are more.
#[derive(Debug)]
pub(crate) struct Rows<T> {
    /// The rows that were read.
    pub(crate) items: Vec<T>,
    /// The server has more.
    pub(crate) more: bool,
}

/// Names and values after the `?`; those without a value are left out.
pub(crate) type Query<'q> = [(&'q str, Option<String>)];

impl Client {
    /// A client that speaks to a server with a key.
    ///
    /// # Errors
    /// An address or a key that cannot be used.
    pub(crate) fn new(connection: &Connection) -> Result<Self, CliError> {
        let base = connection.base()?;
        let (name, value) = connection.credential()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("fleetward/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .default_headers(HeaderMap::from_iter([(name, value)]));
        if connection::is_this_machine(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            CliError::internal(format!(
                "no HTTP client can be made: {}",
                connection::innermost(&error)
            ))
        })?;
        Ok(Self { http, base })
    }

    /// Reads one thing. `path` is below `/api`, a segment each.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
    ) -> Result<T, CliError> {
        self.answer(
            self.request(Method::GET, path, query)
                .timeout(ANSWER_TIMEOUT),
        )
        .await
    }

    /// Reads a list, part by part, up to `most` rows.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
        most: usize,
    ) -> Result<Rows<T>, CliError> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = query.to_vec();
            let part = PART.min(most.saturating_sub(items.len())).max(1);
            query.push(("limit", Some(part.to_string())));
            query.push(("cursor", cursor.take()));
            let part: List<T> = self.read(path, &query).await?;
            items.extend(part.items);
            let more = part.next_cursor.is_some();
            if !more || items.len() >= most {
                return Ok(Rows { items, more });
            }
            cursor = part.next_cursor;
        }
    }

    /// Sends something new or a command. `once` makes it safe to send again.
    pub(crate) async fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &B,
        once: Option<&str>,
    ) -> Result<T, CliError> {
        let mut request = self
            .request(Method::POST, path, &[])
            .timeout(ANSWER_TIMEOUT)
            .json(body);
        if let Some(once) = once {
            request = request.header(HeaderName::from_static("idempotency-key"), once);
        }
        self.answer(request).await
    }

    /// Asks for an answer that takes the server long to find.
    pub(crate) async fn compute<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &B,
    ) -> Result<T, CliError> {
        let request = self
            .request(Method::POST, path, &[])
            .timeout(COMPUTE_TIMEOUT);
        self.answer(request.json(body)).await
    }

    /// Changes a thing.
    pub(crate) async fn change<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &B,
    ) -> Result<T, CliError> {
        let request = self
            .request(Method::PATCH, path, &[])
            .timeout(ANSWER_TIMEOUT);
        self.answer(request.json(body)).await
    }

    /// Puts another in the place of a thing, if that is still the one with this tag.
    pub(crate) async fn replace<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &[&str],
        tag: &str,
        body: &B,
    ) -> Result<T, CliError> {
        let request = self
            .request(Method::PUT, path, &[])
            .timeout(ANSWER_TIMEOUT)
            .header(IF_MATCH, format!("\"{tag}\""));
        self.answer(request.json(body)).await
    }

    /// Removes a thing.
    pub(crate) async fn remove(&self, path: &[&str]) -> Result<(), CliError> {
        let request = self
            .request(Method::DELETE, path, &[])
            .timeout(ANSWER_TIMEOUT);
        self.accepted(request).await.map(drop)
    }

    /// Sends bytes, however long that takes. `length` is what `body` has.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &Query<'_>,
        body: Body,
        length: u64,
    ) -> Result<T, CliError> {
        let request = self
            .request(Method::POST, path, query)
            .header(CONTENT_TYPE, "application/octet-stream")
            .header(CONTENT_LENGTH, length)
            .body(body);
        self.answer(request).await
    }

    /// Opens a stream of events, after the one with the id `last` where it is given.
    pub(crate) async fn events(
        &self,
        path: &[&str],
        last: Option<&str>,
    ) -> Result<Response, CliError> {
        let mut request = self
            .request(Method::GET, path, &[])
            .header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header(HeaderName::from_static("last-event-id"), last);
        }
        self.accepted(request).await
    }

    fn request(&self, method: Method, path: &[&str], query: &Query<'_>) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("api").extend(path);
        }
        for (name, value) in query {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(name, value);
            }
        }
        self.http.request(method, url)
    }

    async fn answer<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, CliError> {
        let response = self.accepted(request).await?;
        let body = response
            .bytes()
            .await
            .map_err(|error| connection::failure(&self.base, &error))?;
        serde_json::from_slice(&body).map_err(|error| {
            CliError::new(ErrorKind::Network, format!("{} gave an answer that cannot be understood: {error}", self.base))
                .hint("is this the address of a Fleetward server, and of a version that goes with this program?")
        })
    }

    /// The response, where the server did as it was asked.
    async fn accepted(&self, request: RequestBuilder) -> Result<Response, CliError> {
        let response = request
            .send()
            .await
            .map_err(|error| connection::failure(&self.base, &error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(problem::read(response).await)
    }
}
