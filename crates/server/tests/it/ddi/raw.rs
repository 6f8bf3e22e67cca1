//! HTTP by hand over one TCP connection, for what a client library hides: framing, missing headers,
//! `Expect: 100-continue`, and that a connection stays open.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use crate::support::{GATEWAY, PATIENCE, TestApp};

/// One connection.
pub(super) struct Connection {
    stream: BufStream<TcpStream>,
    host: String,
}

/// An answer as it was framed.
#[derive(Debug)]
pub(super) struct Framed {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Framed {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn href(&self, rel: &str) -> String {
        let links = &self.json()["_links"];
        links[rel]["href"].as_str().unwrap_or_default().to_owned()
    }
}

impl Connection {
    pub(super) async fn open(app: &TestApp) -> Self {
        let host = app.server.address().to_string();
        let stream = BufStream::new(TcpStream::connect(&host).await.unwrap());
        Self { stream, host }
    }

    /// Sends a request with a Host, a gateway token and these header lines, and nothing else.
    pub(super) async fn send(&mut self, line: &str, headers: &[&str], body: &str) {
        let mut text = format!(
            "{line} HTTP/1.1\r\nHost: {}\r\nAuthorization: GatewayToken {GATEWAY}\r\n",
            self.host
        );
        for header in headers {
            text += &format!("{header}\r\n");
        }
        text += "\r\n";
        text += body;
        self.write(&text).await;
    }

    pub(super) async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    pub(super) async fn get(&mut self, path: &str) -> Framed {
        self.send(&format!("GET {path}"), &[], "").await;
        self.answer().await
    }

    pub(super) async fn json(&mut self, line: &str, body: &str) -> Framed {
        let length = format!("Content-Length: {}", body.len());
        let kind = "Content-Type: application/json;charset=UTF-8";
        self.send(line, &[kind, &length], body).await;
        self.answer().await
    }

    /// Reads the head of an answer.
    pub(super) async fn head(&mut self) -> Framed {
        let status = self.line().await;
        let status = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Framed {
            status,
            headers,
            body: Vec::new(),
        }
    }

    /// Reads an answer that says how long it is, and that leaves the connection open.
    pub(super) async fn answer(&mut self) -> Framed {
        let mut answer = self.head().await;
        assert_eq!(answer.header("transfer-encoding"), None, "{answer:?}");
        assert_ne!(answer.header("connection"), Some("close"), "{answer:?}");
        let length = answer.header("content-length").expect("a Content-Length");
        answer.body = vec![0; length.parse().unwrap()];
        let read = self.stream.read_exact(&mut answer.body);
        within(read).await.unwrap();
        answer
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        within(self.stream.read_line(&mut line)).await.unwrap();
        assert!(line.ends_with("\r\n"), "the connection ended: {line:?}");
        line.trim_end().to_owned()
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("an answer in time")
}

/// What comes after the host in a URL.
pub(super) fn path_of(href: &str) -> &str {
    let (_, rest) = href.split_once("://").expect("an absolute link");
    &rest[rest.find('/').unwrap()..]
}

#[tokio::test]
async fn every_answer_says_its_length_and_keeps_the_connection() {
    let app = TestApp::start().await;
    let mut wire = Connection::open(&app).await;
    let path = "/DEFAULT/controller/v1/pump-1";
    for (line, body, status) in [
        (format!("GET {path}"), "", 200),
        (
            format!("PUT {path}/configData"),
            r#"{"data":{"a":"b"}}"#,
            200,
        ),
        (format!("GET {path}/deploymentBase/11?c=1"), "", 404),
        (format!("PUT {path}/configData"), "{", 400),
        (format!("DELETE {path}"), "", 405),
        (format!("GET {path}"), "", 200),
    ] {
        let answer = wire.json(&line, body).await;
        assert_eq!(answer.status, status, "{line}: {answer:?}");
    }
}

#[tokio::test]
async fn a_body_may_come_in_chunks() {
    let app = TestApp::start().await;
    let mut wire = Connection::open(&app).await;
    let path = "/DEFAULT/controller/v1/pump-1";
    assert_eq!(wire.get(path).await.status, 200);
    let headers = [
        "Content-Type: application/json",
        "Transfer-Encoding: chunked",
    ];
    let chunks = "9\r\n{\"data\":{\r\n9\r\n\"a\":\"b\"}}\r\n0\r\n\r\n";
    wire.send(&format!("PUT {path}/configData"), &headers, chunks)
        .await;
    assert_eq!(wire.answer().await.status, 200);
    let seen = app.admin().get("/api/devices/pump-1").await;
    assert_eq!(seen["attributes"]["a"], "b");
}

#[tokio::test]
async fn a_strange_host_breaks_no_answer() {
    let app = TestApp::start().await;
    let mut wire = Connection::open(&app).await;
    let request = format!(
        "GET /DEFAULT/controller/v1/pump-1 HTTP/1.1\r\nHost: a\"b\r\n\
         Authorization: GatewayToken {GATEWAY}\r\n\r\n"
    );
    wire.write(&request).await;
    let answer = wire.head().await;
    if answer.status == 200 {
        let length = answer.header("content-length").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        wire.stream.read_exact(&mut body).await.unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&body).is_ok());
    } else {
        assert_eq!(answer.status, 400);
    }
}
