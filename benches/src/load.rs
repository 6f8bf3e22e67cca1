//! The load: keep-alive connections that send requests made beforehand and read each answer to its end. As
//! little of HTTP/1.1 as the measured servers answer with; nothing else is understood.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Requests as they go over the wire, one for each device.
pub(crate) type Requests = Arc<[Box<[u8]>]>;

/// When a load ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After this time.
    Elapsed(Duration),
    /// When each request was answered once.
    EachOnce,
}

/// What was done, and how long it took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) done: u64,
    pub(crate) elapsed: Duration,
}

/// Sends requests over so many connections, each with a part of them for itself. Every answer must be a 200.
///
/// # Errors
/// A connection fails, or an answer is another.
pub(crate) async fn run(
    address: SocketAddr,
    requests: &Requests,
    connections: usize,
    until: Until,
) -> anyhow::Result<Round> {
    let connections = connections.min(requests.len());
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(address).await?);
    }
    let begun = Instant::now();
    let mut tasks = JoinSet::new();
    for (index, connection) in open.into_iter().enumerate() {
        let requests = Arc::clone(requests);
        let part = part(requests.len(), connections, index);
        let work = async move { connection.send_all(&requests[part], begun, until).await };
        tasks.spawn(work);
    }
    let done = total(tasks).await?;
    Ok(Round {
        done,
        elapsed: begun.elapsed(),
    })
}

/// The share of one of `parts` in so many things.
pub(crate) fn part(things: usize, parts: usize, index: usize) -> std::ops::Range<usize> {
    things * index / parts..things * (index + 1) / parts
}

/// The sum of what tasks did, or the first error.
///
/// # Errors
/// A task failed.
pub(crate) async fn total(mut tasks: JoinSet<anyhow::Result<u64>>) -> anyhow::Result<u64> {
    let mut sum = 0;
    while let Some(done) = tasks.join_next().await {
        sum += done.context("a task of the load ended early")??;
    }
    Ok(sum)
}

/// One keep-alive connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, in the connection's own memory.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub(crate) async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("can't connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; 16 * 1024],
        })
    }

    /// Sends one request and reads its answer.
    ///
    /// # Errors
    /// The connection ends, or what comes is no answer with a Content-Length.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        let head = loop {
            filled += self.read(filled).await?;
            if let Some(head) = Head::parse(&self.buffer[..filled])? {
                break head;
            }
        };
        let whole = head.length + head.content_length;
        while filled < whole {
            filled += self.read(filled).await?;
        }
        ensure!(filled == whole, "more came than was asked for");
        Ok(Answer {
            status: head.status,
            head: &self.buffer[..head.length],
            body: &self.buffer[head.length..whole],
        })
    }

    async fn read(&mut self, at: usize) -> anyhow::Result<usize> {
        if at == self.buffer.len() {
            self.buffer.resize(2 * at, 0);
        }
        let read = self.stream.read(&mut self.buffer[at..]).await?;
        ensure!(
            read > 0,
            "the server closed the connection within an answer"
        );
        Ok(read)
    }

    async fn send_all(
        mut self,
        requests: &[Box<[u8]>],
        begun: Instant,
        until: Until,
    ) -> anyhow::Result<u64> {
        let mut done = 0;
        loop {
            for request in requests {
                if let Until::Elapsed(length) = until
                    && begun.elapsed() >= length
                {
                    return Ok(done);
                }
                let answer = self.exchange(request).await?;
                if answer.status != 200 {
                    let said = String::from_utf8_lossy(answer.body);
                    bail!("a request was answered with {}: {said}", answer.status);
                }
                done += 1;
            }
            if matches!(until, Until::EachOnce) {
                return Ok(done);
            }
        }
    }
}

/// What the beginning of an answer says of the rest.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    content_length: usize,
}

impl Head {
    /// The head, once all of it is there.
    fn parse(bytes: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&bytes[..end]).context("an answer's head is no text")?;
        let status = text
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3))
            .and_then(|status| status.parse().ok())
            .context("an answer does not begin as HTTP/1.1 does")?;
        let content_length = headers(text)
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.parse().ok())
            .context("an answer has no Content-Length")?;
        Ok(Some(Self {
            status,
            length: end + 4,
            content_length,
        }))
    }
}

/// Names and values in the head of an answer.
pub(crate) fn headers(head: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = head.split("\r\n").skip(1);
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name, value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nhi";
        assert_eq!(Head::parse(&answer[..30]).unwrap(), None);
        let head = Head {
            status: 200,
            length: answer.len() - 2,
            content_length: 2,
        };
        assert_eq!(Head::parse(answer).unwrap(), Some(head));
        assert!(Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").is_err());
    }

    #[test]
    fn parts_cover_everything_once() {
        let all: Vec<usize> = (0..7).flat_map(|index| part(10, 7, index)).collect();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }
}
